"""The days with which a central bank dates a new rate: all others are a weekend or a holiday of its country.

Each bank fixes its rate on working days. Some date it with the next calendar day, so that Friday's fixing is Saturday's
rate and no new rate is dated Sunday or Monday; others with the next working day. Working days are those of the package
`holidays`, which has substituted working days too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import holidays

DAY: Final = timedelta(days=1)


class DayKind(StrEnum):
    """The kind of a day for a bank: one for which it publishes a rate, a weekend, or a holiday."""

    EXPECTED = "expected"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class BankCalendar:
    """The calendar of one central bank: its country (ISO 3166-1 alpha-2), and the day that its rates are dated.

    A rate fixed on one day is dated the next calendar day from `next_day_since` on; before that, or always where
    `next_day_since` is None, it is dated the next working day.
    """

    country: str
    next_day_since: date | None

    def days(self, first: date, last: date) -> Iterator[tuple[date, DayKind]]:
        """Each day from `first` to `last`, calendar days in the zone of the bank, with its kind."""
        country = holidays.country_holidays(self.country)
        for number in range((last - first).days + 1):
            day = first + number * DAY
            is_next_day = self.next_day_since is not None and day >= self.next_day_since
            fixing = day - DAY if is_next_day else day
            if country.is_working_day(fixing):
                yield day, DayKind.EXPECTED
            else:
                yield day, DayKind.WEEKEND if country.is_weekend(fixing) else DayKind.HOLIDAY


# Rules by the dates of published tables. Uzbekistan changed between 14 and 26 September 2026: since then rates of
# Saturdays and of the day after a holiday's eve exist, before they did not.
CALENDARS: Final = {
    "nbk": BankCalendar("KZ", date.min),
    "nbkr": BankCalendar("KG", date.min),
    "cbu": BankCalendar("UZ", date(2026, 9, 15)),
    "nbt": BankCalendar("TJ", None),
    "cbr": BankCalendar("RU", date.min),
}
