"""What the doctor says: one finding for each thing looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rich.table import Table
from rich.text import Text

from ca_etl.screen import table

SHOWN: Final = 3


class Level(StrEnum):
    """How much a finding matters. With an error the next run fails, or its data are not to be trusted."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


SEVERITY: Final = (Level.OK, Level.WARN, Level.ERROR)
STYLE: Final = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `next` is the command to run, empty when all is well."""

    area: str
    level: Level
    message: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order in which they were looked for."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The highest level of all findings."""
        return max((each.level for each in self.findings), key=SEVERITY.index, default=Level.OK)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def render(diagnosis: Diagnosis) -> Table:
    """One row for each finding, with the next command."""
    rows = [(f.area, Text(f.level, style=STYLE[f.level]), f.message, f.next) for f in diagnosis.findings]
    return table(("looked at", "", "found", "next"), rows)
