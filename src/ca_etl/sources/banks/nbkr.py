"""National Bank of the Kyrgyz Republic: som per dollar, the latest table as XML and past days as a table in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from lxml import etree, html

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    PriceLine,
    Style,
    TableError,
    child_text,
    day_of,
    parse_xml,
    read_table,
)
from ca_etl.sources.source import DateRange

ZONE: Final = "Asia/Bishkek"
STYLE: Final = Style("KGS", ZONE, r",[0-9]{4}")
# The page of past days names no currency in its rows: the request does, and the dollar's unit is 1.
DOLLAR: Final = "valuta_id=15"
_MARK: Final = re.compile(rb"<!--\s*value\s*-->")


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rates on a page of the National Bank of the Kyrgyz Republic, or a reject.

    The page has the latest rate, or that of each day of a past range.
    """
    if re.search(rf"{DOLLAR}\b", capture.url or ""):
        return read_table(capture, STYLE, _past_lines)
    return read_table(capture, STYLE, _lines)


def _lines(payload: bytes) -> Iterator[PriceLine]:
    table = parse_xml(payload, "CurrencyRates")
    day = day_of(table.get("Date"), DAY_FIRST)
    for currency in table.findall("Currency"):
        code = currency.get("ISOCode", "")
        yield PriceLine(code, child_text(currency, "Nominal"), child_text(currency, "Value"), day)


def _past_lines(payload: bytes) -> Iterator[PriceLine]:
    try:
        page = html.document_fromstring(payload, parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.ParserError, ValueError) as error:
        raise TableError(RejectReason.BAD_HTML, f"not a page: {error}") from None
    # tables may be nested for the layout: a rate is in an innermost row
    rows = [row for row in page.iter("tr") if row.find(".//tr") is None and _cell(row, "date")]
    if len({row.getparent() for row in rows}) != 1:
        raise TableError(RejectReason.BAD_HTML, "the page has no table with rates, or several")
    # the parser repairs a page that is cut, and leaves out what is nested too deeply
    pieces = _MARK.split(payload)
    if len(pieces) != 2 * len(rows) + 1 or b"</table" not in pieces[-1].lower():
        raise TableError(RejectReason.BAD_HTML, f"{len(rows)} whole rows, {len(pieces) - 1} marks of values")
    for row in rows:
        yield PriceLine("USD", "1", _cell(row, "value"), day_of(_cell(row, "date"), DAY_FIRST))


def _cell(row: html.HtmlElement, name: str) -> str:
    """The text between the two comments `name`; empty without both, or where there is more than text between them."""
    marks = [comment for comment in row.iter(etree.Comment) if (comment.text or "").strip() == name]
    is_text = len(marks) == 2 and marks[0].getnext() is marks[1]
    return (marks[0].tail or "").strip() if is_text else ""


def _past(days: DateRange) -> Iterator[str]:
    ends = ((days.first, "beg"), (days.last, "end"))
    limits = "&".join(f"{end}_day={day:%d}&{end}_month={day:%m}&{end}_year={day:%Y}" for day, end in ends)
    yield f"index1.jsp?item=1562&lang=ENG&{DOLLAR}&{limits}"


def _latest(_day: date) -> str:
    # a day in the request changes nothing
    return "XML/daily.xml"


BANK: Final = Bank("nbkr", "https://www.nbkr.kg/", ZONE, _latest, _past)
SOURCE: Final = BANK.source(Parser("2026-11-28.1", read_rates))
