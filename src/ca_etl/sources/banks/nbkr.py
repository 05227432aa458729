"""National Bank of the Kyrgyz Republic: som per dollar, the latest table as XML and past days as a table in HTML."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from lxml import etree, html

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    Style,
    TableError,
    TableLine,
    child_text,
    day_of,
    parse_xml,
    read_table,
)
from ca_etl.sources.source import DateRange

ZONE: Final = "Asia/Bishkek"
STYLE: Final = Style("KGS", ZONE, decimal_mark=",")
# The page of past days names no currency in its rows: the request does, and the dollar's unit is 1.
DOLLAR: Final = "valuta_id=15"


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rate of the latest table, or of each day of a page of past days."""
    if DOLLAR in (capture.url or ""):
        return read_table(capture, STYLE, _past_lines)
    return read_table(capture, STYLE, _lines)


def _lines(payload: bytes) -> Iterator[TableLine]:
    table = parse_xml(payload, "CurrencyRates")
    day = day_of(table.get("Date"), DAY_FIRST)
    for currency in table.findall("Currency"):
        code = currency.get("ISOCode", "")
        yield TableLine(code, child_text(currency, "Nominal"), child_text(currency, "Value"), day)


def _past_lines(payload: bytes) -> Iterator[TableLine]:
    try:
        page = html.document_fromstring(payload, parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.ParserError, ValueError) as error:
        raise TableError(RejectReason.BAD_HTML, f"no page: {error}") from None
    rows = [row for row in page.iter("tr") if _cell(row, "date")]
    if len({row.getparent() for row in rows}) > 1:
        raise TableError(RejectReason.BAD_HTML, "the page has several tables with rates")
    for row in rows:
        yield TableLine("USD", "1", _cell(row, "value"), day_of(_cell(row, "date"), DAY_FIRST))


def _cell(row: html.HtmlElement, name: str) -> str:
    """The text between the two comments `name` of one cell; empty without both, as where the page is cut."""
    for cell in row.iter("td"):
        marks = [comment for comment in cell.iter(etree.Comment) if (comment.text or "").strip() == name]
        if len(marks) == 2:
            return (marks[0].tail or "").strip()
    return ""


def _past(days: DateRange) -> Iterator[str]:
    ends = ((days.first, "beg"), (days.last, "end"))
    limits = "&".join(f"{end}_day={day:%d}&{end}_month={day:%m}&{end}_year={day:%Y}" for day, end in ends)
    yield f"index1.jsp?item=1562&lang=ENG&{DOLLAR}&{limits}"


def _latest(_day: date) -> str:
    # a day in the request changes nothing
    return "XML/daily.xml"


SOURCE: Final = Bank("nbkr", "https://www.nbkr.kg/", ZONE, _latest, _past).source(
    Parser("2026-11-28.1", read_rates)
)
