"""Prefect flows over the library, which knows nothing of them. Importing this package does not import Prefect."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from ca_etl.errors import UsageError
from ca_etl.settings import Settings

DEMO: Final = "demo"


def settings_for(site: str | None) -> Settings:
    """The settings of the environment, with `site` as the site's address; None and `demo` leave that as it is.

    Raises `UsageError` for a value that makes no sense.
    """
    given: dict[str, Any] = {} if site in {None, DEMO} else {"site_url": site}
    try:
        return Settings(**given)
    except (SettingsError, UnicodeDecodeError) as error:
        raise UsageError(f"the settings cannot be read: {error}", "env | grep CA_ETL_; cat .env") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(map(str, first["loc"]))
        variable = "--site" if name == "site_url" and site else f"CA_ETL_{name.upper()}"
        # What holds an @ may hold a password before it.
        value = "" if "@" in str(first["input"]) else f"={first['input']}"
        raise UsageError(f"{variable}{value}: {first['msg']}", "env | grep CA_ETL_") from error
