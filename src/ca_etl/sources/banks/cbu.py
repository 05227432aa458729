"""Central Bank of Uzbekistan: the dollar of a day as JSON, sum per dollar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from ca_etl.parse.item_validation import to_valid_text
from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks.bank import Bank
from ca_etl.sources.banks.table import (
    DAY_FIRST,
    ISO,
    PriceLine,
    Style,
    TableError,
    day_of,
    read_table,
    requested_day,
)

ZONE: Final = "Asia/Tashkent"
STYLE: Final = Style("UZS", ZONE, r"\.[0-9]{2}")


def read_rates(capture: Capture, _terms: Terms) -> Content:
    """The official rate in a response of the Central Bank of Uzbekistan, or a reject.

    An empty list is a day without a rate. For a future day the bank gives its latest table, whose date is in the body.
    """
    return read_table(capture, STYLE, _lines, requested_day(capture.url, r"/([0-9-]{10})/$", ISO))


def _lines(payload: bytes) -> Iterator[PriceLine]:
    try:
        entries = json.loads(payload, object_pairs_hook=_entry)
    except (ValueError, RecursionError) as error:
        raise TableError(RejectReason.BAD_JSON, f"not JSON: {error}") from None
    if not isinstance(entries, list):
        raise TableError(RejectReason.BAD_JSON, "the response is not a list of currencies")
    if len({_text(entry, "Date") for entry in entries}) > 1:
        raise TableError(RejectReason.BAD_DAY, "the list has several days")
    for entry in entries:
        code, nominal, price, day = (_text(entry, name) for name in ("Ccy", "Nominal", "Rate", "Date"))
        yield PriceLine(code, nominal, price, day_of(day, DAY_FIRST))


def _text(entry: object, name: str) -> str:
    text = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(text, str):
        raise TableError(RejectReason.BAD_JSON, f"an entry of the list has no text {name}")
    return to_valid_text(text)


def _entry(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) < len(pairs):
        raise ValueError("an object has a name twice")
    return entry


def _path(day: date) -> str:
    return f"en/arkhiv-kursov-valyut/json/USD/{day}/"


BANK: Final = Bank("cbu", "https://cbu.uz/", ZONE, _path)
SOURCE: Final = BANK.source(Parser("2026-11-28.1", read_rates))
