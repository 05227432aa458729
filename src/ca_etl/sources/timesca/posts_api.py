"""The posts API of WordPress (`/wp-json/wp/v2/posts`): whole texts, authors, times and edits.

Which page to request next is decided without I/O. Posts come and go while their pages are requested. They are
enumerated by ascending id, so that new ones come last; a deleted one moves all later ones one position forward, which
would hide one at the border of two pages, so that a page counts only when it holds something of what was seen before,
or begins at the start. A page may be short, or empty, and not be the last: posts that the visitor may not read are left
out of it, and counted all the same. The order of WordPress is that of `class-wp-rest-posts-controller.php`.

A cache, a firewall or an old WordPress may ignore a part of the query. A crawl of such responses must end soon, and
must not count as complete: their posts show it (`_Pass`).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode, urljoin

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import REDIRECTS, Verdict, count_of, header
from ca_etl.parse.page import Article, PageKind
from ca_etl.records import POSTS_API, RejectReason
from ca_etl.sources.schedules import DAILY, SWEEP
from ca_etl.sources.session import Session, page_of
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
from ca_etl.warehouse.journal import Cause, SlotOutcome

log = logging.getLogger(__name__)

PATH: Final = "wp-json/wp/v2/posts"
FIELDS: Final = (
    "id,slug,link,date_gmt,modified_gmt,title,content,excerpt,author,categories,tags,_links,_embedded"
)
# What identifies a post, and nothing that is long.
LIST_FIELDS: Final = "id,slug,link,date_gmt,modified_gmt,title"
PER_PAGE: Final = 100
# Rows that two pages share: as many posts may vanish between the two before a step back is needed.
OVERLAP: Final = 10
# The clocks of two machines, and a post that is stamped before it can be read.
SKEW: Final = timedelta(hours=1)
# A step back further than this meets nothing but posts that no visitor may read.
MOST_BACK: Final = 2 * PER_PAGE
MOST_PASSES: Final = 5
# A cache that ignores `offset` gives one page for ever; so many posts never vanish between two requests.
MOST_REPEATS: Final = 3
# A count that is too high leads into the void; posts that no visitor may read fill no more pages than these.
MOST_IDLE: Final = 12
# The zone of a site changes by hours, and `after` compares times of the site's zone.
ZONES: Final = timedelta(days=1)
END_OF_PAGES: Final = "rest_post_invalid_page_number"
# Twice a year of a site that publishes seven a day; what needs more is history, or no response to the query.
MOST_DAILY_PAGES: Final = 60
# More posts than any site publishes in a month, twice: only one that makes them up has as many.
MOST_MONTH_PAGES: Final = 400


class Post(NamedTuple):
    """A post in a list of the posts API: its id (`number`), its times of change and publication, None if unknown."""

    number: int
    modified_at: datetime | None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PostsPage:
    """One page of posts as a response of the posts API gives it, in the order of the response.

    `total` is the header X-WP-Total and `pages` X-WP-TotalPages, None where the response lacks them, as some caches
    drop them. `unavailable` is the reason why the response has no list of posts, None where it has one.
    """

    posts: tuple[Post, ...] = ()
    total: int | None = None
    pages: int | None = None
    unavailable: str | None = None


@dataclass(frozen=True, slots=True)
class PostsCrawl:
    """The result of a crawl of the posts API: `seen` maps the id of each post to its latest time of change.

    `unavailable` is the reason why the crawl could not continue, `incomplete` the reason why posts may be missing
    although it ended; None without a reason. `is_cut` is True where the crawl ended at its limit of pages.
    """

    seen: dict[int, datetime | None]
    unavailable: str | None = None
    incomplete: str | None = None
    is_cut: bool = False


PostsUrls = Generator[str, PostsPage, PostsCrawl]
Bounds = dict[str, datetime | None]


def enumerate_posts(
    site_url: str,
    *,
    started_at: datetime,
    modified_after: datetime | None = None,
    published: tuple[datetime | None, datetime | None] = (None, None),
    fields: str = FIELDS,
    most_pages: int | None = None,
) -> PostsUrls:
    """Yield URLs of the posts API and receive their pages, until every post has been seen in its latest version.

    Give either `modified_after`, for posts that are new or changed since, or `published`, the two instants between
    which the posts were published; all are zone-aware. `fields` are the fields requested of each post. What changes
    after `started_at`, the start by the clock of this machine, is requested again, until nothing new comes.
    `most_pages` limits all requests together, None does not.
    """
    crawl = _Enumeration(site_url, fields, most_pages)
    bounds: Bounds = {"after": published[0], "before": published[1]}
    if modified_after is not None:
        # A post that was planned comes out by itself and keeps the time of its last change, which may be days ago.
        yield from crawl.request({"after": modified_after})
    since = modified_after
    for _ in range(MOST_PASSES):
        if crawl.is_over:
            return crawl.result()
        before = dict(crawl.seen)
        # Within a range of time the pass for changes requests the whole a second time, where it must.
        yield from crawl.request({**bounds, "modified_after": since}, needs_change=modified_after is not None)
        if since == started_at - SKEW and crawl.seen == before:
            return crawl.result()
        since = started_at - SKEW
    crawl.incomplete = crawl.incomplete or "posts were still changing"
    return crawl.result()


def posts_url(site_url: str, bounds: Bounds, offset: int, fields: str = FIELDS) -> str:
    """The URL of one page of posts of the posts API: those within `bounds`, from row `offset` on, with `fields`.

    Instants are written with `Z`: without it WordPress takes them for times in the zone of the site.
    """
    query = {
        "orderby": "id",
        "order": "asc",
        "per_page": PER_PAGE,
        **({"offset": offset} if offset else {}),
        **{name: _instant(bound) for name, bound in bounds.items() if bound is not None},
        **({"_embed": "author,wp:term"} if "_embedded" in fields else {}),
        "_fields": fields,
    }
    return f"{urljoin(site_url, PATH)}?{urlencode(query, safe=',:')}"


@dataclass(slots=True)
class _Enumeration:
    """An enumeration under way."""

    site_url: str
    fields: str
    most_pages: int | None
    seen: dict[int, datetime | None] = field(default_factory=dict)
    requested: int = 0
    unavailable: str | None = None
    incomplete: str | None = None
    is_over: bool = False
    is_cut: bool = False

    def request(self, bounds: Bounds, *, needs_change: bool = False) -> Generator[str, PostsPage, None]:
        """Request all pages of one query of the posts API, and add their posts to `seen`.

        `needs_change` ends the crawl at a response that shows that the site ignores `modified_after`.
        """
        query = _Pass()
        while True:
            if self.requested == self.most_pages:
                self._end(f"ended after {self.requested} pages", is_cut=True)
                return
            self.requested += 1
            page = yield posts_url(self.site_url, bounds, query.offset, self.fields)
            self.seen.update((post.number, post.modified_at) for post in page.posts)
            self.unavailable = page.unavailable or _strays(page, bounds) or query.why_stuck(page)
            if self.unavailable is not None:
                self.is_over = True
                return
            if needs_change and _is_unchanged(page, bounds["modified_after"]):
                self._end("it ignores modified_after: changes of older posts are unknown")
                return
            if query.receive(page):
                self.incomplete = self.incomplete or query.incomplete
                return

    def result(self) -> PostsCrawl:
        """The result of the crawl of the posts API so far: the posts seen, and why it is unavailable or incomplete."""
        return PostsCrawl(self.seen, self.unavailable, self.incomplete, self.is_cut)

    def _end(self, incomplete: str, *, is_cut: bool = False) -> None:
        self.incomplete, self.is_cut, self.is_over = incomplete, is_cut, True


@dataclass(slots=True)
class _Pass:
    """One query, page by page. `offset` is the row that the next page is to begin with."""

    offset: int = 0
    incomplete: str | None = None
    _last: int = 0
    _gap: int = -1
    _back: int = OVERLAP
    _size: int = PER_PAGE
    _shared: int = 0
    _shown: set[int] = field(default_factory=set)
    _repeats: int = 0
    _idle: int = 0
    _is_sorted: bool = True
    _is_step_back: bool = False

    def why_stuck(self, page: PostsPage) -> str | None:
        """The reason why no page of posts after `page` can be requested; None where one can."""
        numbers = {post.number for post in page.posts}
        is_new = not numbers <= self._shown
        if not self._is_step_back:
            self._repeats = 0 if is_new or len(numbers) <= self._shared else self._repeats + 1
        self._idle = 0 if is_new else self._idle + 1
        if self._repeats == MOST_REPEATS:
            return f"the page at {self.offset} repeats the pages before it"
        return None

    def receive(self, page: PostsPage) -> bool:
        """Choose the page to request after `page`; True where `page` was the last one."""
        numbers = [post.number for post in page.posts]
        total = page.total if page.total is not None and page.total >= len(numbers) else None
        self._is_sorted = self._is_sorted and numbers == sorted(numbers)
        is_new = not self._shown.issuperset(numbers)
        self._shown.update(numbers)
        if self.offset == 0:
            self._size = _size(page, total)
        follows = self.offset == 0 or any(number <= self._last for number in numbers)
        if not follows and self.offset > self._gap:
            self._gap, self._back = self.offset, OVERLAP  # more may have vanished than pages share: once
        self._is_step_back = not follows and self._back <= MOST_BACK and bool(total)
        self._is_step_back = self._is_step_back and self.offset + self._back > self._gap
        if self._is_step_back:
            self.offset, self._back = max(0, self._gap - self._back), self._back * 2
            return False
        self._last = max([self._last, *numbers])
        ahead = max(self.offset, self._gap if not follows else 0) + self._size
        if self._idle >= MOST_IDLE:
            self.incomplete = f"it counts {total} posts, and shows {len(self._shown)}"
            return True
        if (ahead >= total) if total is not None else not is_new:
            self.incomplete = self._why_incomplete()
            return True
        end = self.offset + len(numbers)
        self.offset = ahead - min(OVERLAP, self._size // 2)
        self._shared = max(OVERLAP if self._size > 2 * OVERLAP else 0, end - self.offset)
        return False

    def _why_incomplete(self) -> str | None:
        if self._repeats:
            return "its last page repeats the pages before it"
        # One page is complete in any order.
        return None if self._is_sorted or self.offset == 0 else "its posts are not sorted as requested"


def _size(page: PostsPage, total: int | None) -> int:
    """How many rows a page has, at least: fewer than requested, where the site allows no more."""
    if total is None:
        return min(PER_PAGE, len(page.posts)) or PER_PAGE
    if page.pages is not None and page.pages > -(-total // PER_PAGE) and page.posts:
        return max(1, -(-total // page.pages))
    return PER_PAGE


def _strays(page: PostsPage, bounds: Bounds) -> str | None:
    """Why the posts are not those requested: most lie outside the times. One alone may be dated wrongly."""
    after, before = bounds.get("after"), bounds.get("before")
    times = [post.published_at for post in page.posts if post.published_at is not None]
    outside = sum(
        (after is not None and at < after - ZONES) or (before is not None and at > before + ZONES)
        for at in times
    )
    if 2 * outside <= len(times):
        return None
    return "it ignores after and before: it shows posts of other times than requested"


def _is_unchanged(page: PostsPage, since: datetime | None) -> bool:
    """Whether most posts were changed before the time since when changes were requested."""
    times = [post.modified_at for post in page.posts if post.modified_at is not None]
    return since is not None and 2 * sum(at < since - ZONES for at in times) > len(times)


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_posts(result: FetchResult) -> PostsPage:
    """Read the list of posts in a response of the posts API.

    Of a response that is truncated or damaged, or has no readable post, the result states why it is `unavailable`.
    """
    last = result.last
    if last is None or result.verdict not in {Verdict.OK, Verdict.HTTP_ERROR} or last.status in REDIRECTS:
        return PostsPage(unavailable=f"{result.verdict}: {result.detail}")
    page = page_of(result)
    if page is None or page.kind is not PageKind.POSTS_API or last.status != 200:
        if page is not None and page.error_code == END_OF_PAGES:
            return PostsPage()
        return PostsPage(unavailable=f"status {last.status}, {page.kind if page else 'no page'}")
    unread = [reject for reject in page.rejects if reject.reason is not RejectReason.EXTRA_TEXT]
    if unread and not page.articles:
        return PostsPage(unavailable=f"no post can be read: {unread[0].detail}")
    return PostsPage(
        tuple(Post(post.post_id or 0, post.modified_at, post.published_at) for post in page.articles),
        count_of(header(last.response_headers, "X-WP-Total")),
        count_of(header(last.response_headers, "X-WP-TotalPages")),
    )


def request_posts(session: Session, _leads: Iterable[Article]) -> SourceReply:
    """Archive the posts that are new or changed since the last run that captured articles completely."""
    ctx = session.ctx
    urls = enumerate_posts(
        str(ctx.settings.site_url),
        started_at=ctx.started_at,
        modified_after=request_since(ctx, POSTS_API),
        most_pages=MOST_DAILY_PAGES,
    )
    with session.slot_file(POSTS_API):
        posts, last = session.crawl(urls, read_posts)
    if posts.unavailable is not None:
        return refused(POSTS_API, last, posts.unavailable, len(posts.seen))
    if posts.is_cut:
        # The newest come last: the next source may have them, and the next run requests the same time again.
        why = f"{posts.incomplete}: ca-etl backfill --source posts requests the rest"
        return SourceReply(
            SourceOutcome(
                POSTS_API, SlotOutcome.FAILED, why, len(posts.seen), Cause.PAGE_LIMIT, is_complete=False
            )
        )
    reason = posts.incomplete and f"something may be missing: {posts.incomplete}"
    is_complete = posts.incomplete is None
    outcome = SourceOutcome.observed(POSTS_API, len(posts.seen), reason, is_complete=is_complete)
    return SourceReply(outcome, is_final=True)


def request_history(session: Session, months: Sequence[DateRange]) -> Iterator[HistoryPart]:
    """Archive every response of the posts API about the posts of `months`, one archive file for each month.

    Yields the months as they are archived. Raises `SourceUnavailableError` when the API is unavailable; responses
    archived before stay.
    """
    ctx = session.ctx
    site = str(ctx.settings.site_url)
    for number, month in enumerate(months, start=1):
        ctx.progress("capture", number - 1, len(months))
        name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{POSTS_API}-{month.first:%Y%m%d}"
        urls = enumerate_posts(
            site, started_at=ctx.started_at, published=month.bounds, most_pages=MOST_MONTH_PAGES
        )
        with session.file(name, POSTS_API, **{"ca-etl-days": f"{month}"}):
            posts, last = session.crawl(urls, read_posts)
        if posts.unavailable is not None:
            raise SourceUnavailableError.of(
                f"the posts API of {site}",
                last,
                f"({posts.unavailable}), at {month}",
                later=f"ca-etl backfill {as_options(months)}",
                instead=f"ca-etl backfill --source feed {as_options(months)}",
            )
        log.info("posts of %s: %d, month %d of %d", month, len(posts.seen), number, len(months))
        if posts.incomplete is not None:
            log.warning("posts of %s: %s; a later backfill requests them again", month, posts.incomplete)
        yield HistoryPart(len(posts.seen), () if posts.incomplete else (month,))


SOURCE: Final = Source(
    name=POSTS_API,
    schedules=frozenset({DAILY, SWEEP}),
    tables=frozenset({"article_observation", "article_text"}),
    request=request_posts,
    history=request_history,
)
