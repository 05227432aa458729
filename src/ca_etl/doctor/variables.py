"""`CA_ETL_*` variables that no setting has the name of: they are ignored, and nobody hears of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from ca_etl.settings import Settings

PREFIX: Final = "CA_ETL_"
# Read by the deployments: the folder that they are made from.
NO_SETTINGS: Final = frozenset({"CA_ETL_HOME"})


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A variable without effect, where it stands, and the setting that may be meant."""

    name: str
    place: str
    meant: str | None

    def __str__(self) -> str:
        advice = f", did you mean {self.meant}?" if self.meant else ""
        return f"{self.name} ({self.place}) is no setting{advice}"


def known_names() -> frozenset[str]:
    """The variable of each setting, in upper case."""
    return frozenset(f"{PREFIX}{name}".upper() for name in Settings.model_fields) | NO_SETTINGS


def misspelt(names: Mapping[str, str]) -> tuple[Misspelt, ...]:
    """Those of the variables that are no settings; `names` maps each to the place where it stands."""
    known = sorted(known_names())
    wrong = {name: place for name, place in names.items() if name.upper() not in known}
    return tuple(
        Misspelt(name, place, next(iter(get_close_matches(name.upper(), known, 1)), None))
        for name, place in sorted(wrong.items())
    )


def present() -> dict[str, str]:
    """The variables with our prefix in the environment and in `.env`, in any case, as settings are read."""
    path = Path(str(Settings.model_config.get("env_file")))
    in_file = list(dotenv_values(path)) if path.is_file() else []
    places = {name: str(path) for name in in_file} | dict.fromkeys(os.environ, "environment")
    return {name: place for name, place in places.items() if name.upper().startswith(PREFIX)}
