"""The findings for people."""

from __future__ import annotations

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ca_etl.doctor.findings import Diagnosis, Level

STYLE: Final = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}


def render(diagnosis: Diagnosis) -> Table:
    """One row for each finding, with the next command."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("looked at", "", "found", "next"):
        table.add_column(name, overflow="fold")
    for each in diagnosis.findings:
        table.add_row(
            each.area, Text(each.level, style=STYLE[each.level]), Text(each.message), Text(each.next)
        )
    return table
