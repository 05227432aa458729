"""Faults that tests inject into the demo site's responses, such as error statuses or truncated bodies, as data.

A fault is set for a day, optionally for some paths only, or for a path on every day:

    >>> from datetime import date
    >>> from ca_etl.demo.site import DemoSite
    >>> site = DemoSite()
    >>> site.faults[date(2025, 12, 8)] = Fault(status=503, retry_after=0, times=1)
    >>> site.faults[date(2025, 12, 9)] = Fault(cut_gzip=True, paths=frozenset({"/"}))
    >>> site.path_faults["/latest/"] = Fault(no_ticker=True, no_date=True)
    >>> site.path_faults["/wp-json/*"] = Fault(status=403, waf_page=True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from ca_etl.demo.content import PrintedRate
from ca_etl.demo.pages import PageOptions

ROBOTS: Final = "/robots.txt"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the demo site's responses; its fields can be combined, and a fault without fields changes nothing.

    `status` is the HTTP status of every page, `robots_status` that of /robots.txt; `retry_after` the Retry-After
    header in seconds, None for no header. `cut_gzip` sends only two thirds of a gzip stream, with a Content-Length that
    matches. `rate_times_ten` is a base currency (`KZT`) whose rate is multiplied by ten. `delay_seconds` is the wait
    before the response. `paths` limits the fault to these paths (empty: all; `/wp-json/*` is a prefix), `times` to so
    many responses a day (None: all).

    `no_ticker` and `no_date` omit the ticker and the date line. `waf_page` responds with a firewall's page, with
    `status` or else 200. `feed_excerpts` puts only the excerpt of an article into the feed's `content:encoded`.
    `broken_linked_data` truncates the JSON-LD of pages.
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

    def applies_to(self, path: str) -> bool:
        """Whether the fault affects the demo site's `path`; /robots.txt is affected only by `robots_status`."""
        if path == ROBOTS:
            return self.robots_status is not None
        return not self.paths or any(matches(pattern, path) for pattern in self.paths)

    def status_of(self, path: str) -> int | None:
        """The HTTP status that the fault sends at `path` in place of the page; None where the page is sent."""
        if path == ROBOTS:
            return self.robots_status
        return 200 if self.waf_page and self.status is None else self.status

    def apply(self, options: PageOptions) -> PageOptions:
        """The options of a page of the demo site with this fault: without ticker or date line, or with a wrong rate.

        Raises `ValueError` when the ticker has no pair with the base `rate_times_ten`.
        """
        ticker, base = options.ticker, self.rate_times_ten
        if base is not None:
            if base not in {rate.base for rate in ticker}:
                raise ValueError(
                    f"the fault's rate_times_ten {base!r} is not a base in the ticker of {options.day}"
                )
            ticker = tuple(_times_ten(rate) if rate.base == base else rate for rate in ticker)
        return replace(
            options,
            ticker=() if self.no_ticker else ticker,
            dated=options.dated and not self.no_date,
            breaks_linked_data=options.breaks_linked_data or self.broken_linked_data,
        )


def matches(pattern: str, path: str) -> bool:
    """Whether `path` equals `pattern`, or begins with it where the pattern ends in an asterisk (`/wp-json/*`)."""
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _times_ten(rate: PrintedRate) -> PrintedRate:
    return replace(rate, rate=f"{Decimal(rate.rate) * 10:.5f}")
