"""What the pages of a feed, asked for one after the other, prove about the items that none of them showed.

A page is a window on a list that is sorted by time. An item that stood in that list all the while, and whose time
lies between those of the first and the last item of a page, would have been on that page. Two pages that overlap
prove that nothing is hidden between them.

Two that only abut prove it by a count. In a pass over the pages 1, 2, 3 ..., whatever stands ahead of a page is as
much as the pages before it held. When so many items are known to have stood ahead of it in that moment, because they
were seen before and again later, there was no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

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
