"""The feed of WordPress (`/feed/?paged=N`): which page to request next, and what the pages prove; decided without I/O.

Items are sorted newest first, and the site states how many a page has. What is published between two requests moves
the others to later positions, so that pages overlap; what is deleted moves them forward, and hides one at the border of
two pages without a trace. So the feed is requested from its first page again, until the pages together prove that
nothing was hidden. One page needs no proof, two need the first once more.

A page is a window on a list that is sorted by time. An item that was in that list all the while, and whose time is
between those of the first and the last item of a page, would have been on that page. Two pages that overlap prove that
nothing is hidden between them. Two that only abut prove it by a count: in a pass over the pages 1, 2, 3 ..., as many
items precede a page as the pages before it held. When so many items are known to have preceded it at that moment,
because they were seen before and again later, there was no other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin

from ca_etl.records import FEED

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One item: what names it, and its time of publication (zone-aware), None where none can be read.

    One that was moved to another time is another item here.
    """

    key: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time of which all items were shown: those between `low` and `high`, and the named ones at both.

    Items of one second may stand on two pages, hence the names.
    """

    low: datetime
    high: datetime
    at_low: frozenset[FeedItem] = frozenset()
    at_high: frozenset[FeedItem] = frozenset()

    def joins(self, other: Span) -> bool:
        """Whether nothing can be hidden between the two."""
        newer, older = (self, other) if self.high >= other.high else (other, self)
        return older.high > newer.low or not newer.at_low.isdisjoint(older.at_high)

    def joined(self, other: Span) -> Span:
        """Both in one."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Span(
            low,
            high,
            frozenset().union(*(each.at_low for each in (self, other) if each.low == low)),
            frozenset().union(*(each.at_high for each in (self, other) if each.high == high)),
        )


@dataclass(frozen=True, slots=True)
class Deepest:
    """The last page of a pass: the `asked`-th of all, with so many items on the pages `ahead` of it."""

    asked: int
    ahead: int
    items: frozenset[FeedItem]
    span: Span

    def is_behind_all(self, shown: dict[FeedItem, tuple[int, int]]) -> bool:
        """Whether what is known to have stood ahead of the page is all that did. `shown` as in `Evidence`."""
        known = sum(
            first <= self.asked <= last
            for item, (first, last) in shown.items()
            if item.published_at is not None and item.published_at > self.span.low and item not in self.items
        )
        return known >= self.ahead


@dataclass(slots=True)
class Evidence:
    """What is proven so far. `shown` has the numbers of the first and the last request that showed an item.

    Items without a time prove nothing, and pages that are not sorted make the whole worthless: `is_ordered`.
    """

    passes: int = 0
    is_ordered: bool = True
    shown: dict[FeedItem, tuple[int, int]] = field(default_factory=dict)
    _asked: int = 0
    _is_first: bool = True
    _ahead: int = 0
    _spans: list[Span] = field(default_factory=list)
    _deepest: list[Deepest] = field(default_factory=list)

    def begin(self) -> None:
        """The next page is the first one again."""
        self.passes += 1
        self._is_first, self._ahead = True, 0

    def take(self, items: Iterable[FeedItem], *, is_end: bool, is_last: bool) -> None:
        """The next page showed these. `is_end` says that there is nothing behind them, `is_last` ends the pass."""
        self._asked += 1
        dated = {item: item.published_at for item in items if item.published_at is not None}
        times = list(dated.values())
        for item in dated:
            first, _ = self.shown.get(item, (self._asked, 0))
            self.shown[item] = (first, self._asked)
        if times != sorted(times, reverse=True):
            self.is_ordered = False
        if times:
            self._add(_window(dated, times[-1], END if self._is_first else times[0]))
        if is_last:
            low = BEGINNING if is_end else times[-1] if times else END
            window = _window(dated, low, END)
            self._deepest.append(Deepest(self._asked, self._ahead, frozenset(dated), window))
        self._is_first = False
        self._ahead += len(dated)

    def proven_since(self) -> datetime | None:
        """The time after which nothing is hidden; None where nothing is proven."""
        if not self.is_ordered:
            return None
        counted = [each for each in self._deepest if each.is_behind_all(self.shown)]
        for each in counted:
            self._deepest.remove(each)
            self._add(each.span)
        return next((span.low for span in self._spans if span.high == END), None)

    def _add(self, span: Span) -> None:
        apart: list[Span] = []
        for each in self._spans:
            if each.joins(span):
                span = span.joined(each)
            else:
                apart.append(each)
        self._spans = [*apart, span]


def _window(dated: dict[FeedItem, datetime], low: datetime, high: datetime) -> Span:
    return Span(
        low,
        high,
        frozenset(item for item, at in dated.items() if at == low),
        frozenset(item for item, at in dated.items() if at == high),
    )


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
