"""The settings of a run on a named site. Nothing here imports Prefect."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError

from ca_etl.errors import UsageError
from ca_etl.settings import Settings

DEMO: Final = "demo"


def settings_for(site: str | None) -> Settings:
    """Settings from the environment, with `site` as the site's address; None and `demo` leave that as it is.

    Raises `UsageError` for a value that makes no sense.
    """
    named: dict[str, Any] = {} if site in {None, DEMO} else {"site_url": site}
    try:
        return Settings(**named)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(map(str, first["loc"]))
        shown = "--site" if name == "site_url" and site else f"CA_ETL_{name.upper()}"
        raise UsageError(f"{shown}={first['input']}: {first['msg']}", "env | grep CA_ETL_") from error
