"""The page's date line, "05 December 2025", and times that machines write."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

# calendar.month_name follows the locale of the process; the site always prints English.
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        start=1,
    )
}
_STRICT: Final = re.compile(r"([0-9]{2}) ([A-Z][a-z]{2,8}) ([0-9]{4})")
_LOOSE: Final = re.compile(r"\w{1,4}[ .,]{1,3}\w{3,12}[ .,]{1,3}[0-9]{2,4}")
_MAX_CHARS: Final = 40


def read_date(line: str) -> date | None:
    """The date that `line` prints and nothing else: two-digit day, full English month, year.

    None for anything else, also for a day that no calendar has.
    """
    line = line[: _MAX_CHARS + 1].strip()
    found = _STRICT.fullmatch(line)
    if found is None:
        return None
    day, month, year = found.groups()
    try:
        return date(int(year), _MONTHS.get(month, 0), int(day))
    except ValueError:
        return None


def looks_like_date(line: str) -> bool:
    """Whether `line` is three date-like words with a digit in the first: "5 December 2025", "31 Febr 2025"."""
    line = line[: _MAX_CHARS + 1].strip()
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
