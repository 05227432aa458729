"""Read a central bank's table strictly: each line becomes an `OfficialRate` or a reject, and never a wrong number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, Inexact, localcontext
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from lxml import etree

from ca_etl.parse.decode import text_prefix
from ca_etl.parse.page import Content, Reject
from ca_etl.records import Capture, OfficialRate, RejectReason

DAY_FIRST: Final = "%d.%m.%Y"
ISO: Final = "%Y-%m-%d"
# Code, nominal and price in the tables of Tajikistan and Russia.
VALUTE: Final = ("CharCode", "Nominal", "Value")
# The longest table of a day seen has 26 kB; a year of one currency has some 60 kB.
MOST_BYTES: Final = 1_000_000
# A table may be dated ahead over a long weekend, by this at most.
AHEAD: Final = timedelta(days=4)
# No bank of these has a table of an earlier day.
FIRST_DAY: Final = date(1993, 1, 1)
SCALE: Final = Decimal("1e-10")

_DECLARATION: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# What a table has between currency or day and price: neither another code nor another day.
_WITHIN: Final = r"(?:(?!\b[A-Z]{3}\b|\d\d\.\d\d\.\d{4}).){1,400}?"
_NOMINAL: Final = re.compile(r"[1-9][0-9]{0,5}")
_PRICE: Final = r"(?:0|[1-9][0-9]{0,8})"


class PriceLine(NamedTuple):
    """A line of a bank's table: the `price` of `nominal` units of the currency `code`, with all texts as printed."""

    code: str
    nominal: str
    price: str
    day: date


class TableError(ValueError):
    """The body of a response is not the table of a bank; `reason` is the reason code of its reject."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Style:
    """How a bank prints its table: prices in `quote` (ISO 4217), for the currencies `codes`.

    `decimals` is a pattern of what follows the integer of a price. It states the number of digits, so that a price
    with a mark for thousands, such as 12.047, is refused. `zone` is the IANA zone of the bank's days.
    """

    quote: str
    zone: str
    decimals: str
    codes: tuple[str, ...] = ("USD",)


def read_table(
    capture: Capture,
    style: Style,
    lines_of: Callable[[bytes], Iterable[PriceLine]],
    requested: date | None = None,
) -> Content:
    """Read the official rates in a response of a bank: rates, or rejects of what cannot be read.

    `lines_of` finds the lines in the bank's format. A body that is not such a table is one reject, and so is a table
    without lines, as on a day without a publication. A line whose price is not a number is a reject beside the rates
    of the other lines.
    """
    try:
        lines = _lines(capture, style, lines_of)
    except TableError as error:
        return Content.unreadable(Reject.of(error.reason, str(error), text_prefix(capture.payload)))
    wanted = [(position, line) for position, line in enumerate(lines) if line.code in style.codes]
    rates: list[OfficialRate] = []
    rejects = list(_missing(lines, style, text_prefix(capture.payload)))
    numbers = Counter((line.code, line.day) for _, line in wanted)
    repeats = {key for key, number in numbers.items() if number > 1}
    for position, line in wanted:
        try:
            nominal, rate = _numbers(line, style, is_repeated=(line.code, line.day) in repeats)
        except TableError as error:
            rejects.append(Reject.of(error.reason, str(error), " ".join(map(str, line))))
            continue
        rates.append(
            OfficialRate(
                capture.capture_id,
                position,
                line.code,
                style.quote,
                line.price,
                nominal,
                rate,
                line.day,
                requested,
            )
        )
    return Content(tuple(rates), tuple(rejects), day=max((line.day for line in lines), default=requested))


def _missing(lines: list[PriceLine], style: Style, excerpt: str) -> Iterator[Reject]:
    if not lines:
        yield Reject.of(RejectReason.NO_PUBLICATION, "the table has no line: no rate was published", excerpt)
        return
    codes = {line.code for line in lines}
    if missing := [code for code in style.codes if code not in codes]:
        yield Reject.of(RejectReason.NO_RATE, f"no line of {', '.join(missing)} among {len(lines)}", excerpt)


def _lines(
    capture: Capture, style: Style, lines_of: Callable[[bytes], Iterable[PriceLine]]
) -> list[PriceLine]:
    """The lines of a table, all of days that a table of the time of the capture can have; else `TableError`."""
    size = len(capture.payload)
    if size > MOST_BYTES:
        raise TableError(RejectReason.TOO_LARGE, f"{size} bytes, a table has {MOST_BYTES} at most")
    last = date.max
    if capture.captured_at is not None:
        last = capture.captured_at.astimezone(ZoneInfo(style.zone)).date() + AHEAD
    lines = list(lines_of(capture.payload))
    for line in lines:
        if not FIRST_DAY <= line.day <= last:
            raise TableError(
                RejectReason.BAD_DAY, f"the table is of {line.day}, not of {FIRST_DAY} to {last}"
            )
    return lines


def _numbers(line: PriceLine, style: Style, *, is_repeated: bool) -> tuple[int, Decimal]:
    """Nominal and rate (units of quote per unit of base, at most ten decimals) of a line."""
    if is_repeated:
        raise TableError(RejectReason.TWO_RATES, f"several lines of {line.code} on {line.day}")
    if not _NOMINAL.fullmatch(line.nominal):
        raise TableError(RejectReason.BAD_NUMBER, f"the nominal of {line.code} is not a positive integer")
    if not re.fullmatch(_PRICE + style.decimals, line.price):
        raise TableError(
            RejectReason.BAD_NUMBER, f"the price of {line.code} is not a decimal number as the bank writes it"
        )
    nominal, price = int(line.nominal), Decimal(line.price.replace(",", "."))
    if not price:
        raise TableError(RejectReason.BAD_NUMBER, f"the price of {line.code} is zero")
    try:
        with localcontext(prec=28) as exact:
            exact.traps[Inexact] = True
            return nominal, (price / nominal).quantize(SCALE)
    except Inexact:
        raise TableError(
            RejectReason.BAD_NUMBER, f"the price of {line.code} by {nominal} has over ten decimals"
        ) from None


def find_price(text: str, code: str, price: str, day: date, repeats: int = 0) -> tuple[int, int] | None:
    """Start and end of a line in the text of a table, from its currency, or else its day, to its price; None without.

    `repeats` counts the earlier lines of the table that have the same currency and price.

    >>> text = "<td>USD</td><td>1</td><td>87,45</td><td>EUR</td><td>1</td><td>99,10</td>"
    >>> start, end = find_price(text, "USD", "87,45", date(2025, 12, 5))
    >>> text[start:end]
    'USD</td><td>1</td><td>87,45'
    """
    printed = rf"(?<![\d.,]){re.escape(price)}(?!\d|[.,]\d)"
    of_currency = list(re.finditer(rf"\b{code}\b{_WITHIN}{printed}", text, re.DOTALL))
    if repeats < len(of_currency):
        return of_currency[repeats].span()
    # a page of past days of one currency names it nowhere in its rows
    of_day = re.search(rf"{re.escape(day.strftime(DAY_FIRST))}{_WITHIN}{printed}", text, re.DOTALL)
    return None if of_day is None else of_day.span()


def day_of(text: str | None, form: str) -> date:
    """Parse the day that a bank's table prints in `form`, a `strptime` format. Raises `TableError` for other text."""
    try:
        day = datetime.strptime(text or "", form).date()  # noqa: DTZ007  a calendar day has no zone
    except ValueError:
        day = None
    # strptime takes a day of one digit too
    if day is None or day.strftime(form) != text:
        raise TableError(RejectReason.BAD_DAY, f"{(text or '')[:40]!r} is not a day as the bank writes it")
    return day


def requested_day(url: str | None, pattern: str, form: str) -> date | None:
    """The day in the URL of a request to a bank, found by the first group of `pattern` and written in `form`.

    None where the URL names no such day. `form` is a format of `strptime`.
    """
    found = re.search(pattern, url or "")
    try:
        return day_of(found[1], form) if found else None
    except TableError:
        return None


def parse_xml(payload: bytes, root: str | None = None) -> etree._Element:
    """The root element of an XML document from a bank, parsed without entities, DTD or network.

    `root` is the required name of the root, None for any. Raises `TableError` for a document that is not well-formed,
    declares a DTD or has another root, as an HTML page has.
    """
    if _DECLARATION.search(payload):
        raise TableError(RejectReason.BAD_XML, "the document declares a DTD or an entity")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        element = etree.fromstring(payload, parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise TableError(RejectReason.BAD_XML, f"not well-formed: {error}") from None
    if element.getroottree().docinfo.internalDTD is not None:
        raise TableError(RejectReason.BAD_XML, "the document declares a DTD")
    if root is not None and element.tag != root:
        raise TableError(RejectReason.BAD_XML, f"the root element is {element.tag}, not {root}")
    return element


def line_of(element: etree._Element, names: tuple[str, str, str], day: date) -> PriceLine:
    """The line of a bank's table in an XML element whose children `names` are its code, nominal and price.

    Raises `TableError` where one of the three is missing or occurs twice.
    """
    code, nominal, price = (child_text(element, name) for name in names)
    return PriceLine(code, nominal, price, day)


def child_text(element: etree._Element, name: str) -> str:
    """The text of the one child `name` of an XML element, stripped. Raises `TableError` unless exactly one exists."""
    children = element.findall(name)
    if len(children) != 1 or len(children[0]):
        raise TableError(
            RejectReason.BAD_XML, f"{element.tag} has {len(children)} children {name} of text, not one"
        )
    return (children[0].text or "").strip()
