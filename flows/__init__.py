"""Prefect flows over the library, which does not import them. Importing this package does not import Prefect."""

from __future__ import annotations

from typing import Final

from ca_etl.settings import Settings, read_settings

DEMO: Final = "demo"


def settings_for(site: str | None) -> Settings:
    """The settings of the environment, with `site` as the site's address; None and `demo` leave that as it is.

    Raises `UsageError` for a value that is not valid.
    """
    return read_settings(None if site == DEMO else site)
