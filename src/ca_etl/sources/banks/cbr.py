"""Bank of Russia: roubles per dollar and per currency of Central Asia, whose crosses are an independent witness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    VALUTE,
    PriceLine,
    Style,
    day_of,
    line_of,
    parse_xml,
    read_table,
    requested_day,
)

ZONE: Final = "Europe/Moscow"
STYLE: Final = Style("RUB", ZONE, r",[0-9]{4}", ("USD", "KZT", "KGS", "TJS", "TMT", "UZS"))


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rate in a table of the Bank of Russia, as rows, or the reject of a body that is not a table.

    For a Sunday or a Monday the bank gives the table of an earlier day, whose date is in the body.
    """
    return read_table(capture, STYLE, _lines, requested_day(capture.url, r"date_req=([0-9/]+)", "%d/%m/%Y"))


def _lines(payload: bytes) -> Iterator[PriceLine]:
    table = parse_xml(payload, "ValCurs")
    day = day_of(table.get("Date"), DAY_FIRST)
    for valute in table.findall("Valute"):
        # VunitRate is the quotient of these two, and may have an exponent
        yield line_of(valute, VALUTE, day)


def _path(day: date) -> str:
    return f"scripts/XML_daily.asp?date_req={day:%d/%m/%Y}"


BANK: Final = Bank("cbr", "https://www.cbr.ru/", ZONE, _path)
SOURCE: Final = BANK.source(Parser("2026-11-28.1", read_rates))
