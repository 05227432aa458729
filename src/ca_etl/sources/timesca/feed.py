"""The feed of WordPress (`/feed/?paged=N`): the newest whole texts, without edits.

Which page to request next, and what the pages prove, is decided without I/O.
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

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import Verdict
from ca_etl.parse.page import Article, PageKind
from ca_etl.records import FEED, POSTS_API, RejectReason
from ca_etl.sources.schedules import DAILY
from ca_etl.sources.session import FINAL, Context, Session, page_of
from ca_etl.sources.source import (
    DateRange,
    HistoryPart,
    Source,
    SourceOutcome,
    SourceReply,
    SourceUnavailableError,
    as_options,
    refused,
    request_since,
)

log = logging.getLogger(__name__)

PATH: Final = "feed/"
MOST_PASSES: Final = 5
# A cache that ignores `paged` gives the first page for ever; so many posts never come between two requests.
MOST_REPEATS: Final = 3
# With ten items a page that is two weeks of a site that publishes seven a day.
MOST_DAILY_PAGES: Final = 10
# Every minute or two, at the pause of five seconds that is the default.
LOGGED_PAGES: Final = 20
NO_SUCH_PAGE: Final = 404
START: Final = datetime.min.replace(tzinfo=UTC)
END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An item of the RSS feed: its key, and when it was published (zone-aware, None where the time cannot be read).

    `key` is the post id, else the address or the title. An article whose time of publication changes is a new item.
    """

    key: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A period of publication all of whose feed items have been seen, except perhaps items at its two ends.

    `low` and `high` are the ends (UTC); `at_low` and `at_high` are the items of that very second that were seen, since
    a page of the feed may end between two items of one second.
    """

    low: datetime
    high: datetime
    at_low: frozenset[FeedItem] = frozenset()
    at_high: frozenset[FeedItem] = frozenset()

    def joins(self, other: Span) -> bool:
        """Whether this period and `other` overlap or touch, so that no unseen item of the feed can lie between them."""
        newer, older = (self, other) if self.high >= other.high else (other, self)
        return older.high > newer.low or not newer.at_low.isdisjoint(older.at_high)

    def joined(self, other: Span) -> Span:
        """The period from the start of the earlier to the end of the later of two periods, this one and `other`."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Span(
            low,
            high,
            frozenset().union(*(span.at_low for span in (self, other) if span.low == low)),
            frozenset().union(*(span.at_high for span in (self, other) if span.high == high)),
        )


@dataclass(frozen=True, slots=True)
class LastPage:
    """The last page of one pass through the feed: its items and its period.

    `request` is the number of the request in the crawl, from 1; `ahead` counts the items of the pages before it in the
    pass.
    """

    request: int
    ahead: int
    items: frozenset[FeedItem]
    span: Span

    def is_after_all(self, shown: dict[FeedItem, tuple[int, int]]) -> bool:
        """Whether all items that preceded this page of the feed are known, so that no item moved past it unseen.

        `shown` is that of `Evidence`: for each item the numbers of the first and the last request that showed it.
        """
        known = sum(
            first <= self.request <= last
            for item, (first, last) in shown.items()
            if item.published_at is not None and item.published_at > self.span.low and item not in self.items
        )
        return known >= self.ahead


@dataclass(slots=True)
class Evidence:
    """The proof, collected page by page, that a crawl of the feed has missed no item.

    `shown` has for each item the numbers of the first and the last request that showed it. Items without a time prove
    nothing. `is_ordered` is False once a page is not sorted by time, and then nothing is proven.
    """

    passes: int = 0
    is_ordered: bool = True
    shown: dict[FeedItem, tuple[int, int]] = field(default_factory=dict)
    _requests: int = 0
    _is_first: bool = True
    _ahead: int = 0
    _spans: list[Span] = field(default_factory=list)
    _last_pages: list[LastPage] = field(default_factory=list)

    def begin(self) -> None:
        """Begin a new pass through the feed: the next page added is the first page again."""
        self.passes += 1
        self._is_first, self._ahead = True, 0

    def add(self, items: Iterable[FeedItem], *, is_end: bool, is_last: bool) -> None:
        """Add the items of the next page of the feed to the proof.

        `is_end`: the feed has no items after this page. `is_last`: no further page is requested in this pass.
        """
        self._requests += 1
        dated = {item: item.published_at for item in items if item.published_at is not None}
        times = list(dated.values())
        for item in dated:
            first, _ = self.shown.get(item, (self._requests, 0))
            self.shown[item] = (first, self._requests)
        if times != sorted(times, reverse=True):
            self.is_ordered = False
        if times:
            self._add(_window(dated, times[-1], END if self._is_first else times[0]))
        if is_last:
            low = START if is_end else times[-1] if times else END
            window = _window(dated, low, END)
            self._last_pages.append(LastPage(self._requests, self._ahead, frozenset(dated), window))
        self._is_first = False
        self._ahead += len(dated)

    def proven_since(self) -> datetime | None:
        """The time (UTC) since which every item of the feed has been seen; None where this is not proven."""
        if not self.is_ordered:
            return None
        for page in [page for page in self._last_pages if page.is_after_all(self.shown)]:
            self._last_pages.remove(page)
            self._add(page.span)
        return next((span.low for span in self._spans if span.high == END), None)

    def _add(self, span: Span) -> None:
        apart: list[Span] = []
        for other in self._spans:
            if other.joins(span):
                span = span.joined(other)
            else:
                apart.append(other)
        self._spans = [*apart, span]


def _window(dated: dict[FeedItem, datetime], low: datetime, high: datetime) -> Span:
    return Span(
        low,
        high,
        frozenset(item for item, at in dated.items() if at == low),
        frozenset(item for item, at in dated.items() if at == high),
    )


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of the feed as a response gives it: its items in the order printed.

    `unavailable` is the reason why the response has no feed, None where it has one. `is_past_end` is True where the
    feed has no page of this number.
    """

    items: tuple[FeedItem, ...] = ()
    unavailable: str | None = None
    is_past_end: bool = False


@dataclass(frozen=True, slots=True)
class FeedCrawl:
    """The result of a crawl of the feed: the items seen, how far back it went, and whether it is complete.

    `seen` maps the key of each item to its latest time of publication. `unavailable` is the reason why the crawl could
    not continue, None where it could. `reached` is the earliest time of publication that was read, None without any
    time. `is_settled` is True where no item since `since` (or since `reached`, where that is later) can have been
    missed, except items published or moved during the crawl.
    """

    seen: dict[str, datetime | None]
    unavailable: str | None = None
    is_settled: bool = True
    reached: datetime | None = None


FeedUrls = Generator[str, FeedPage, FeedCrawl]


def crawl_feed(site_url: str, *, since: datetime, most_pages: int | None) -> FeedUrls:
    """Yield the URLs of the feed's pages and receive the pages, back to the first item published before `since`.

    `since` is zone-aware; the crawl also ends with the feed. `most_pages` is the largest number of pages in one pass,
    None for no limit. The pages are requested in several passes, to notice items that moved meanwhile.
    """
    crawl = _Passes(since, most_pages)
    for _ in range(MOST_PASSES):
        crawl.begin()
        while crawl.has_next:
            crawl.receive((yield feed_url(site_url, crawl.number)))
        if crawl.unavailable is not None:
            return FeedCrawl(crawl.seen, crawl.unavailable, is_settled=False, reached=crawl.reached)
        if crawl.is_settled:
            return FeedCrawl(crawl.seen, reached=crawl.reached)
        if not crawl.evidence.is_ordered or crawl.reached is None:
            break  # out of order, or undated, it proves nothing, however often it is read
    return FeedCrawl(crawl.seen, is_settled=False, reached=crawl.reached)


def feed_url(site_url: str, number: int) -> str:
    """The address of page `number` of the site's feed; pages count from 1."""
    return urljoin(site_url, PATH if number == 1 else f"{PATH}?paged={number}")


@dataclass(slots=True)
class _Passes:
    """A crawl under way. `number` is the page that is requested next."""

    since: datetime
    most_pages: int | None
    evidence: Evidence = field(default_factory=Evidence)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    reached: datetime | None = None
    unavailable: str | None = None
    is_settled: bool = False
    number: int = 1
    is_over: bool = False
    is_bounded: bool = False
    passed: set[FeedItem] = field(default_factory=set)
    repeats: int = 0

    @property
    def has_next(self) -> bool:
        """Whether the current pass through the feed has a further page to request."""
        return not (self.is_over or self.is_settled or self.unavailable is not None)

    def begin(self) -> None:
        """Begin a new pass through the feed at its first page."""
        self.number, self.repeats, self.is_over = 1, 0, False
        self.passed = set()
        self.evidence.begin()

    def receive(self, page: FeedPage) -> None:
        """Add the items of the feed page that was requested last, and decide whether the pass needs another page."""
        self.unavailable = page.unavailable
        if page.is_past_end and self.number == 1:
            self.unavailable = "it has no first page"
        if self.unavailable is not None:
            return
        self.seen.update((item.key, item.published_at) for item in page.items)
        self.repeats = self.repeats + 1 if page.items and self.passed.issuperset(page.items) else 0
        if self.repeats == MOST_REPEATS:
            self.unavailable = f"page {self.number} repeats the pages before it"
            return
        self.passed.update(page.items)
        self._evaluate(page)
        self.number += 1

    def _evaluate(self, page: FeedPage) -> None:
        last = next((item.published_at for item in reversed(page.items) if item.published_at), None)
        is_end = not page.items
        if is_end:
            last = min(self.since, self.reached or self.since)
        if last is not None:
            self.reached = min(last, self.reached or last)
        is_far = is_end or (last is not None and last < self.since)
        self.is_over = is_far or self.number == self.most_pages
        self.is_bounded = self.is_bounded or (self.is_over and not is_far)
        self.evidence.add(page.items, is_end=is_end, is_last=self.is_over)
        if self.is_over or self.evidence.passes > 1:
            self.is_settled = self._is_proven(self.evidence.proven_since())

    def _is_proven(self, low: datetime | None) -> bool:
        if low is None:
            return False
        return low < self.since or (self.is_bounded and self.reached is not None and low <= self.reached)


def read_feed(result: FetchResult) -> tuple[FeedPage, tuple[Article, ...]]:
    """Read the feed in a response: the page with its items, and the same items as articles.

    Status 404 is read as a page after the end of the feed. Of a feed that breaks off, the items before the break are
    read; a feed with no readable item is unavailable.
    """
    last = result.last
    if last is not None and last.status == NO_SUCH_PAGE and result.verdict not in FINAL:
        return FeedPage(is_past_end=True), ()
    if last is None or result.verdict is not Verdict.OK:
        return FeedPage(unavailable=f"{result.verdict}: {result.detail}"), ()
    page = page_of(result)
    if page is None or page.kind is not PageKind.FEED:
        return FeedPage(unavailable=f"status {last.status}, {page.kind if page else 'no page'}"), ()
    unread = [reject for reject in page.rejects if reject.reason is not RejectReason.EXTRA_TEXT]
    if unread and not page.articles:
        return FeedPage(unavailable=f"no item can be read: {unread[0].detail}"), ()
    items = (
        FeedItem(f"{article.post_id or article.url or article.title}", article.published_at)
        for article in page.articles
    )
    return FeedPage(tuple(items)), page.articles


def request_feed(session: Session, _leads: Iterable[Article]) -> SourceReply:
    """Archive the pages of the feed back to the last run that captured articles completely.

    In the reply, `leads` are the articles of which the feed has only an excerpt, so that their own pages are
    requested.
    """
    ctx = session.ctx
    shown: list[str | None] = []
    cut: list[Article] = []

    def read(result: FetchResult) -> FeedPage:
        page, articles = read_feed(result)
        cut.extend(
            article._replace(text=None)
            for article in articles
            if article.text is None or article.is_truncated
        )
        shown.extend(article.url for article in articles)
        return page

    since = request_since(ctx, POSTS_API, FEED)
    urls = crawl_feed(str(ctx.settings.site_url), since=since, most_pages=MOST_DAILY_PAGES)
    with session.slot_file(FEED):
        feed, last = session.crawl(urls, read)
    if feed.unavailable is not None:
        return refused(FEED, last, feed.unavailable, len(feed.seen))
    if not feed.seen:
        # WordPress shows its latest items, however old they are: a feed without one does not mean that none is new.
        return refused(FEED, last, "it has no item", 0)
    reasons = (
        "" if feed.is_settled else "something may be missing: the feed was moving, or is not sorted",
        f"{len(cut)} of {len(shown)} texts are excerpts" if cut else "",
        "no item is dated" if feed.reached is None else "",
        f"read back to {feed.reached} only" if feed.reached is not None and feed.reached > since else "",
    )
    reason = "; ".join(filter(None, reasons)) or None
    # excerpts are all that the feed has, and so is what it reaches back to: a second request would give no more
    outcome = SourceOutcome.observed(FEED, len(feed.seen), reason, is_complete=feed.is_settled)
    return SourceReply(outcome, tuple(cut), is_final=not cut)


def request_history(session: Session, months: Sequence[DateRange]) -> Iterator[HistoryPart]:
    """Archive every page of the feed from today back to the first day of `months`, as one part of the history.

    A feed can only be read from its newest item on, so that newer articles are archived too, and a crawl that was
    stopped begins again. Raises `SourceUnavailableError` when the feed is unavailable; pages archived before stay.
    """
    ctx, site = session.ctx, session.ctx.settings.site_url
    since, end = months[0].bounds[0], months[-1].bounds[1]
    name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{FEED}-{since:%Y%m%d}"
    urls = crawl_feed(str(site), since=since, most_pages=None)
    with session.file(name, FEED, **{"ca-etl-since": f"{since}"}):
        feed, last = session.crawl(urls, _HistoryReader(ctx, since))
    if feed.unavailable is not None:
        raise SourceUnavailableError.of(
            f"the feed of {site}",
            last,
            f"({feed.unavailable})",
            later=f"ca-etl backfill --source feed {as_options(months)}",
            instead="ca-etl run",
        )
    times = [at for at in feed.seen.values() if at is not None]
    oldest = min(times, default=ctx.started_at)
    complete: tuple[DateRange, ...] = ()
    if feed.is_settled:
        # of a month in which the feed ends it is unknown how much it lacks
        complete = tuple(month for month in months if oldest <= month.bounds[0])
        if oldest > since:
            log.warning("the feed of %s ends at %s; it has nothing older", site, oldest)
    else:
        log.warning(
            "the feed of %s changed while it was read, or is not sorted by date, so that articles may be missing; "
            "the next ca-etl backfill of these days requests it again",
            site,
        )
    yield HistoryPart(sum(since < at < end for at in times), complete)


@dataclass(slots=True)
class _HistoryReader:
    """Reads page after page, and reports how far back they reach."""

    ctx: Context
    since: datetime
    pages: int = 0
    oldest: datetime | None = None

    def __call__(self, result: FetchResult) -> FeedPage:
        page, _ = read_feed(result)
        times = [item.published_at for item in page.items if item.published_at is not None]
        self.oldest = min((*times, self.oldest or self.ctx.started_at))
        self.pages += 1
        begun, days = self.ctx.started_at, (self.ctx.started_at - self.since).days
        self.ctx.progress("capture", min((begun - self.oldest).days, days), days)
        if self.pages % LOGGED_PAGES == 0:
            log.info("feed: %d pages, back to %s", self.pages, self.oldest.date())
        return page


SOURCE: Final = Source(
    name=FEED,
    schedules=frozenset({DAILY}),
    tables=frozenset({"article_observation", "article_text"}),
    request=request_feed,
    history=request_history,
)
