"""What can be wrong with the demo site, as data.

A fault is set for a day, where it may be narrowed to some paths, or for a path on every day::

    site.faults[date(2025, 12, 8)] = Fault(status=503, retry_after=0, times=1)
    site.faults[date(2025, 12, 9)] = Fault(cut_gzip=True, paths=frozenset({"/"}))
    site.path_faults["/latest/"] = Fault(no_ticker=True, no_date=True)
    site.path_faults["/wp-json/*"] = Fault(status=403, waf_page=True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from ca_etl.demo.content import PrintedRate
from ca_etl.demo.pages import Printed

ROBOTS: Final = "/robots.txt"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, any of it at once; a fault without arguments changes nothing.

    `status` is the status of every page, `robots_status` that of /robots.txt; `retry_after`, in seconds, goes with
    either, and None sends no such header. `cut_gzip` sends two thirds of a gzip stream under a right
    Content-Length. `rate_times_ten` names a base (`KZT`) whose printed rate is moved by one decimal.
    `delay_seconds` pass before the response. `paths` narrows the fault (empty: every page; `/wp-json/*` is
    every path with that prefix), and after `times` responses it is over.

    `waf_page` responds with the page of a firewall, under `status` or else 200. `feed_excerpts` leaves only the
    excerpt of an article in the feed's `content:encoded`. `broken_linked_data` spoils the JSON-LD of pages.
    """

    status: int | None = None
    retry_after: int | None = None
    robots_status: int | None = None
    cut_gzip: bool = False
    rate_times_ten: str | None = None
    no_ticker: bool = False
    no_date: bool = False
    waf_page: bool = False
    feed_excerpts: bool = False
    broken_linked_data: bool = False
    delay_seconds: float = 0.0
    paths: frozenset[str] = frozenset()
    times: int | None = None

    def concerns(self, path: str) -> bool:
        """Whether the fault is one of `path`; of /robots.txt only where `robots_status` is set."""
        if path == ROBOTS:
            return self.robots_status is not None
        return not self.paths or any(matches(pattern, path) for pattern in self.paths)

    def status_of(self, path: str) -> int | None:
        """The status of the response at `path` in place of its page; None where the fault has none."""
        if path == ROBOTS:
            return self.robots_status
        return 200 if self.waf_page and self.status is None else self.status

    def spoil(self, printed: Printed) -> Printed:
        """What a page prints under the fault.

        Raises `ValueError` when the ticker of the day lacks the base whose rate is to be spoiled.
        """
        ticker, base = printed.ticker, self.rate_times_ten
        if base is not None:
            if base not in {rate.base for rate in ticker}:
                raise ValueError(f"rate_times_ten={base!r}: the ticker of {printed.day} has no such base")
            ticker = tuple(_times_ten(rate) if rate.base == base else rate for rate in ticker)
        return replace(
            printed,
            ticker=() if self.no_ticker else ticker,
            dated=printed.dated and not self.no_date,
            breaks_linked_data=printed.breaks_linked_data or self.broken_linked_data,
        )


def matches(pattern: str, path: str) -> bool:
    """Whether `path` is `pattern`, or has it as a prefix where it ends in an asterisk."""
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _times_ten(rate: PrintedRate) -> PrintedRate:
    return replace(rate, rate=f"{Decimal(rate.rate) * 10:.5f}")
