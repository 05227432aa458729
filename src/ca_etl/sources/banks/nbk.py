"""National Bank of Kazakhstan: its table of a day as XML, tenge per dollar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    PriceLine,
    Style,
    child_text,
    day_of,
    line_of,
    parse_xml,
    read_table,
    requested_day,
)

ZONE: Final = "Asia/Almaty"
STYLE: Final = Style("KZT", ZONE, r"(?:\.[0-9]{1,2})?")


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rate in a table of the National Bank of Kazakhstan, or a reject.

    On a day without a rate the table has no items.
    """
    return read_table(capture, STYLE, _lines, requested_day(capture.url, r"[?&]fdate=([0-9.]+)", DAY_FIRST))


def _lines(payload: bytes) -> Iterator[PriceLine]:
    table = parse_xml(payload, "rates")
    items = table.findall("item")
    if not items:
        return  # such a table may have no date either
    day = day_of(child_text(table, "date"), DAY_FIRST)
    for item in items:
        # the header has a title and a description too: only those of an item are a rate
        yield line_of(item, ("title", "quant", "description"), day)


def _path(day: date) -> str:
    return f"rss/get_rates.cfm?fdate={day:%d.%m.%Y}"


BANK: Final = Bank("nbk", "https://nationalbank.kz/", ZONE, _path)
SOURCE: Final = BANK.source(Parser("2026-11-28.1", read_rates))
