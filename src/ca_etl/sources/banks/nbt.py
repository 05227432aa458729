"""National Bank of Tajikistan: somoni per dollar, the table of a day or the dollar of a range of days, both XML."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    ISO,
    VALUTE,
    PriceLine,
    Style,
    TableError,
    day_of,
    line_of,
    parse_xml,
    read_table,
    requested_day,
)
from ca_etl.sources.source import DateRange

ZONE: Final = "Asia/Dushanbe"
STYLE: Final = Style("TJS", ZONE, r"\.[0-9]{4}")
RANGE: Final = "export_xml_dynamic.php"


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rates in a table of the National Bank of Tajikistan, of one day or of a range of days, or rejects.

    The bank has a table for every calendar day: on a weekend or a holiday the last one is repeated. For a day that the
    bank has no table of, it gives its newest one, whose date is in the body.
    """
    if RANGE in (capture.url or ""):
        return read_table(capture, STYLE, _range_lines)
    return read_table(capture, STYLE, _lines, requested_day(capture.url, r"[?&]date=([0-9-]+)", ISO))


def _lines(payload: bytes) -> Iterator[PriceLine]:
    table = parse_xml(payload, "ValCurs")
    day = day_of(table.get("Date"), ISO)
    for valute in table.findall("Valute"):
        # the ID of a currency may be an old one, and is not read
        yield line_of(valute, VALUTE, day)


def _range_lines(payload: bytes) -> Iterator[PriceLine]:
    records = parse_xml(payload).findall("Record")
    if not records:
        # every day has a table, so that a document without records is something else
        raise TableError(RejectReason.BAD_XML, "the document has no element Record")
    for record in records:
        yield line_of(record, VALUTE, day_of(record.get("Date"), DAY_FIRST))


def _path(day: date) -> str:
    # without `export` the response is a page of help
    return f"en/kurs/export_xml.php?date={day}&export=xmlout"


def _past(days: DateRange) -> Iterator[str]:
    yield f"en/kurs/{RANGE}?d1={days.first}&d2={days.last}&cs=USD&export=xml"


BANK: Final = Bank("nbt", "https://www.nbt.tj/", ZONE, _path, _past)
SOURCE: Final = BANK.source(Parser("2026-11-28.1", read_rates))
