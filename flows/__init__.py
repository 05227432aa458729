"""Prefect flows that run the pipeline of `ca_etl`. Importing this package does not import Prefect."""

from __future__ import annotations

from typing import Final

from ca_etl.settings import Settings, read_settings

DEMO: Final = "demo"


def settings_for(site: str | None) -> Settings:
    """Read the settings, with `site` as `site_url`; with None or `demo`, the `site_url` of the environment is kept.

    Raises `UsageError` for an invalid value.
    """
    return read_settings(None if site == DEMO else site)
