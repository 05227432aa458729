"""The feed of WordPress (`/feed/?paged=N`): which page to ask for next, decided without I/O.

Items stand newest first, and the site says how many a page has. What is published between two requests moves the
others a place back, so that pages overlap; what is deleted moves them forward, and hides one at the border of two
pages without a trace. No border can be looked at as such: a page begins where its number says. The feed is therefore
walked from its first page again, until the pages together prove that nothing was hidden (`feed_evidence`). A walk of
one page needs no proof, one of two a look back at the first.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urljoin

from ca_etl.records import FEED
from ca_etl.sources.feed_evidence import Evidence, FeedItem

SOURCE: Final = FEED
PATH: Final = "feed/"
MOST_PASSES: Final = 5
# A cache that does not look at `paged` gives the first page for ever; so many posts never come between two requests.
MOST_REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class FeedPage:
    """What one answer says: its items in their order.

    `closed` says why there is no feed in it, None where there is one. `is_past_end` is an answer that says there is
    no such page.
    """

    items: tuple[FeedItem, ...] = ()
    closed: str | None = None
    is_past_end: bool = False


@dataclass(frozen=True, slots=True)
class FeedWalked:
    """How a walk ended: `seen` has the latest time of publication by key; `closed` why it could not go on.

    `reached` is how far back the feed was read: `since` or before it when it was read far enough or to its end, later
    when there were more pages than allowed, None when it gave no time at all. `is_settled` says that every item was
    seen that stood unmoved in the feed from the first request to the last, back to `since`, or to `reached` where
    that is later. What was published meanwhile may be missing, also under `since`, when it was dated back.
    """

    seen: dict[str, datetime | None]
    closed: str | None = None
    is_settled: bool = True
    reached: datetime | None = None


Walking = Generator[str, FeedPage, FeedWalked]


def walk_feed(site_url: str, *, since: datetime, most_pages: int | None) -> Walking:
    """Yield URLs and take their pages, back to the first item before `since` (zone-aware), or to the feed's end.

    `most_pages` bounds how deep it goes, None does not; pages are asked for more than once.
    """
    walk = _Walk(since, most_pages)
    for _ in range(MOST_PASSES):
        walk.begin()
        while walk.goes_on:
            walk.take((yield feed_url(site_url, walk.number)))
        if walk.closed is not None:
            return FeedWalked(walk.seen, walk.closed, is_settled=False, reached=walk.reached)
        if walk.is_settled:
            return FeedWalked(walk.seen, reached=walk.reached)
        if not walk.evidence.is_ordered or walk.reached is None:
            break  # out of order, or undated, it proves nothing, however often it is read
    return FeedWalked(walk.seen, is_settled=False, reached=walk.reached)


def feed_url(site_url: str, number: int) -> str:
    """The address of a page, from 1."""
    return urljoin(site_url, PATH if number == 1 else f"{PATH}?paged={number}")


@dataclass(slots=True)
class _Walk:
    """A walk under way. `number` is the page that is asked for next."""

    since: datetime
    most_pages: int | None
    evidence: Evidence = field(default_factory=Evidence)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    reached: datetime | None = None
    closed: str | None = None
    is_settled: bool = False
    number: int = 1
    is_over: bool = False
    is_bounded: bool = False
    passed: set[FeedItem] = field(default_factory=set)
    repeats: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether this pass has a page left to ask for."""
        return not (self.is_over or self.is_settled or self.closed is not None)

    def begin(self) -> None:
        """Begin a pass at the first page."""
        self.number, self.repeats, self.is_over = 1, 0, False
        self.passed = set()
        self.evidence.begin()

    def take(self, page: FeedPage) -> None:
        """Learn what the page of this number says, and whether to go on behind it."""
        self.closed = page.closed
        if page.is_past_end and self.number == 1:
            self.closed = "it has no first page"
        if self.closed is not None:
            return
        self.seen.update((item.key, item.published_at) for item in page.items)
        self.repeats = self.repeats + 1 if page.items and self.passed.issuperset(page.items) else 0
        if self.repeats == MOST_REPEATS:
            self.closed = f"page {self.number} says what the pages before it said"
            return
        self.passed.update(page.items)
        self._judge(page)
        self.number += 1

    def _judge(self, page: FeedPage) -> None:
        last = next((each.published_at for each in reversed(page.items) if each.published_at), None)
        is_end = not page.items
        if is_end:
            last = min(self.since, self.reached or self.since)
        if last is not None:
            self.reached = min(last, self.reached or last)
        is_far = is_end or (last is not None and last < self.since)
        self.is_over = is_far or self.number == self.most_pages
        self.is_bounded = self.is_bounded or (self.is_over and not is_far)
        self.evidence.take(page.items, is_end=is_end, is_last=self.is_over)
        if self.is_over or self.evidence.passes > 1:
            self.is_settled = self._is_proven(self.evidence.proven_since())

    def _is_proven(self, low: datetime | None) -> bool:
        if low is None:
            return False
        return low < self.since or (self.is_bounded and self.reached is not None and low <= self.reached)
