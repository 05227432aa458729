"""A seventh bank as one module: where its table of a day is, and how the lines of its format are found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import DAY_FIRST, PriceLine, Style, TableError, day_of, read_table
from ca_etl.sources.source import Source

NAME: Final = "seventh-bank"
ZONE: Final = "Asia/Tashkent"


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rate of the table, a line of text for each currency."""
    return read_table(capture, Style("UZS", ZONE, r",[0-9]{4}"), _lines)


def _lines(payload: bytes) -> Iterator[PriceLine]:
    for line in payload.decode("ascii", "replace").splitlines():
        code, nominal, price, day, *rest = (*line.split(";"), "", "", "", "")
        if not code.isalpha() or any(rest):
            raise TableError(RejectReason.BAD_NUMBER, "the line has other than four fields")
        yield PriceLine(code, nominal, price, day_of(day, DAY_FIRST))


def _path(_day: date) -> str:
    return "rate"


def source(root: str) -> Source:
    """The source as it is listed in `BANK_SOURCES`; a real one has its address in its module."""
    return Bank(NAME, root, ZONE, _path).source(Parser("2026-11-28.1", read_rates))
