"""The tickers that the demo site prints, as the real site printed them.

`tickers.csv` holds one ticker for each of 84 days between 2024-09-07 and 2026-02-25. Where captures of a
day show several tickers, the one shown by most captured URLs stands there; among equals the first in
alphabetical order of its (pair, rate, change) texts. The days between have no figures of their own:
the site goes on printing the ticker of the latest earlier day, as a real site with a stale feed does.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Final

from ca_etl.errors import UsageError

FIRST_DAY: Final = date(2024, 9, 7)
LAST_DAY: Final = date(2026, 2, 25)

# No later 30 days of 2025 have more days with figures of their own (18).
_DEFAULT_LAST_DAY: Final = date(2025, 12, 22)


@dataclass(frozen=True, slots=True)
class PrintedRate:
    """One line of a ticker, as printed: `KZT/USD`, `0.00198`, `-0%`."""

    pair: str
    rate: str
    change: str

    @property
    def base(self) -> str:
        """The currency before the slash."""
        return self.pair.partition("/")[0]

    @property
    def line(self) -> str:
        """The line without its bullet."""
        return f"{self.pair} = {self.rate} {self.change}"


Ticker = tuple[PrintedRate, ...]


def default_last_day() -> date:
    """The last day that is played when only a number of days is asked for."""
    return _DEFAULT_LAST_DAY


def check_day(day: date) -> None:
    """Raise `UsageError` when `day` is outside the history, both ends of which can be played."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(
            f"the demo site has no {day}: it plays {FIRST_DAY} to {LAST_DAY}",
            f"ca-etl demo --days 30 --until {_DEFAULT_LAST_DAY}",
        )


@lru_cache(maxsize=1)
def tickers() -> Mapping[date, Ticker]:
    """The tickers by page date, in order of time."""
    found: dict[date, list[PrintedRate]] = {}
    text = resources.files(__package__).joinpath("tickers.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        line = PrintedRate(row["pair"], row["rate"], row["change"])
        found.setdefault(date.fromisoformat(row["page_date"]), []).append(line)
    return {day: tuple(found[day]) for day in sorted(found)}


def figure_day(day: date) -> date:
    """The day whose ticker is printed on `day`: itself, or the latest earlier one with figures.

    Raises `UsageError` outside the history.
    """
    check_day(day)
    days = list(tickers())
    return days[bisect_right(days, day) - 1]


def ticker_of(day: date) -> Ticker:
    """The ticker that the site prints on `day`. Raises `UsageError` outside the history."""
    return tickers()[figure_day(day)]
