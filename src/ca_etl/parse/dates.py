"""The page's date line, "05 December 2025", its "Viewing results 1 - 6 of 8", and times that machines write."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

from ca_etl.parse.page import Shown

START: Final = "Viewing results"
# WordPress can print the hyphen as an en dash.
_HEADER: Final = re.compile(
    r"Viewing results ([0-9]{1,9}) [-–] ([0-9]{1,9}) of ([0-9]{1,9})"  # noqa: RUF001
)
# Letters that only look Latin, or a number with something in it.
_LOOSE_HEADER: Final = re.compile(
    r"\w{5,8}\s+\w{5,8}\s+[0-9]\S{0,9}\s+\W\s+[0-9]\S{0,9}\s+\w{2}\s+[0-9]\S{0,9}"
)


def is_header(line: str) -> bool:
    """Whether a squeezed line claims to be the header, well-formed or not."""
    return len(line) <= 80 and (line.startswith(START) or _LOOSE_HEADER.fullmatch(line) is not None)


def read_header(line: str) -> Shown | None:
    """The numbers of a squeezed header line as printed (the end is not cut to the total), else None."""
    match = _HEADER.fullmatch(line)
    return None if match is None else Shown(*map(int, match.groups()))


# calendar.month_name follows the locale of the process; the site always prints English.
_MONTH_NAMES: Final = "January February March April May June July August September October November December"
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
_STRICT: Final = re.compile(r"([0-9]{2}) ([A-Z][a-z]{2,8}) ([0-9]{4})")
_LOOSE: Final = re.compile(r"\w{1,4}[ .,]{1,3}\w{3,12}[ .,]{1,3}[0-9]{2,4}")


def read_date(line: str) -> date | None:
    """The date that `line` prints and nothing else: two-digit day, full English month, year.

    None for anything else, also for a day that no calendar has.
    """
    match = _STRICT.fullmatch(line.strip())
    if match is None:
        return None
    day, month, year = match.groups()
    try:
        return date(int(year), _MONTHS.get(month, 0), int(day))
    except ValueError:
        return None


def looks_like_date(line: str) -> bool:
    """Whether `line` is three date-like words with a digit in the first: "5 December 2025", "31 Febr 2025"."""
    line = line.strip()
    return line[:1].isdigit() and _LOOSE.fullmatch(line) is not None


def instant(value: str) -> datetime | None:
    """An ISO 8601 time in UTC; None without an offset, because the site's own zone has changed."""
    try:
        read = datetime.fromisoformat(value.strip()[:40])
    except ValueError:
        return None
    if read.tzinfo is None or not 1990 <= read.year <= 2200:
        return None
    return read.astimezone(UTC)
