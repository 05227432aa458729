"""Step 1 of a backfill: the posts of a range of days from the posts API, month by month, into the archive.

Where the posts API is closed: the feed, from now back to the first of those days.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Self

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import REDIRECTS, Verdict, count_of, header
from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.parse.page import Article, PageKind
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.session import FINAL, Visit, Walked, page_of
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.source_outcome import outcome_of
from ca_etl.records import RejectReason
from ca_etl.sources import feed, posts
from ca_etl.sources.feed import FeedItem
from ca_etl.sources.posts import Post, PostsPage
from ca_etl.warehouse.durable_files import read_if_there, write_atomic

log = logging.getLogger(__name__)

POSTS_DONE: Final = "backfill-posts.json"
FEED_DONE: Final = "backfill-feed.json"
# More posts than any site publishes in a month, twice: only one that makes them up has as many.
MOST_PAGES: Final = 400
# Every minute or two, at the pause of five seconds that is the default.
LOGGED_PAGES: Final = 20
NO_SUCH_PAGE: Final = 404


class SourceClosedError(CaEtlError):
    """The posts API, or the feed, gives nobody its articles, or not us, or not now."""

    @classmethod
    def of(cls, source: str, last: FetchResult | None, where: str, *, later: str, instead: str) -> Self:
        """The error for the `last` response; the next command is `instead` where the source is closed for good."""
        if outcome_of(last) is SlotOutcome.CLOSED:
            return cls(f"{source} is closed {where}", instead)
        return cls(f"{source} does not answer {where}", later)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from `first` to `last`, both included, in UTC."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date, last: date) -> Stretch:
        """The stretch that somebody asks for. Raises `UsageError` where it would have no day."""
        if first > last:
            raise UsageError(f"{first} is after {last}", "ca-etl backfill --from DAY --to DAY")
        return cls(first, last)

    def months(self) -> Iterator[Stretch]:
        """Its parts by calendar month, the oldest first."""
        begin = self.first
        while begin <= self.last:
            following = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
            yield Stretch(begin, min(self.last, following - timedelta(days=1)))
            begin = following

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The instants before and after it: the API compares strictly."""
        begin = datetime.combine(self.first, time(), UTC)
        return begin - timedelta(seconds=1), datetime.combine(self.last, time(), UTC) + timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def capture_history(ctx: Context, stretch: Stretch) -> int:
    """Archive every answer about the posts of `stretch`, a file a month; the number of posts seen.

    A month that was walked to its end is not asked for again, so that a backfill that was stopped goes on. Raises
    `SourceClosedError` when the API is closed; what was archived before stays.
    """
    recover_open_files(ctx.settings.archive_dir)
    done = read_done(ctx.settings.data_dir)
    months = [month for month in stretch.months() if f"{month}" not in done]
    seen = 0
    if not months:
        tell_walked(ctx, stretch, POSTS_DONE)
    with Visit(ctx) as visit:
        for number, month in enumerate(months, start=1):
            ctx.progress("capture", number - 1, len(months))
            ended = _capture_month(ctx, visit, month)
            log.info("posts of %s: %d, month %d of %d", month, len(ended.seen), number, len(months))
            seen += len(ended.seen)
            # The month under way may still get posts, and one that was seen in part is asked for again.
            if month.last < ctx.started_at.date() and ended.doubt is None:
                done = (*done, f"{month}")
                write_done(ctx.settings.data_dir, done)
    return seen


def tell_walked(ctx: Context, stretch: Stretch, name: str) -> None:
    """Say that nothing of `stretch` is asked for any more, and how to have it asked for again."""
    log.warning(
        "all of %s was walked before; next: rm %s (to have later edits)",
        stretch,
        ctx.settings.data_dir / name,
    )


def write_done(data_dir: Path, done: Iterable[str], name: str = POSTS_DONE) -> None:
    """Keep the stretches that are archived whole. Raises `StorageError`."""
    write_atomic(data_dir / name, json.dumps(sorted(done)).encode() + b"\n")


def read_done(data_dir: Path, name: str = POSTS_DONE) -> tuple[str, ...]:
    """The stretches that are archived whole, as text. Raises `CaEtlError` for a damaged file, `StorageError`."""
    path = data_dir / name
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        value = json.loads(data)
    except ValueError as error:
        raise CaEtlError(
            f"{path} is no list of months: {error}", f"rm {path} (all are asked for again)"
        ) from error
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def posts_page(result: FetchResult) -> PostsPage:
    """What a response states of the posts.

    One that was cut, or came damaged, is no list of posts, and neither is one of which no post can be read.
    """
    last = result.last
    if last is None or result.verdict not in {Verdict.OK, Verdict.HTTP_ERROR} or last.status in REDIRECTS:
        return PostsPage(closed=f"{result.verdict}: {result.detail}")
    page = page_of(result)
    if page is None or page.kind is not PageKind.POSTS_API or last.status != 200:
        if page is not None and page.error_code == posts.END_OF_PAGES:
            return PostsPage()
        return PostsPage(closed=f"status {last.status}, {page.kind if page else 'no page'}")
    unread = [reject for reject in page.rejects if reject.reason is not RejectReason.EXTRA_TEXT]
    if unread and not page.articles:
        return PostsPage(closed=f"no post can be read: {unread[0].detail}")
    return PostsPage(
        tuple(Post(each.post_id or 0, each.modified_at, each.published_at) for each in page.articles),
        count_of(header(last.response_headers, "X-WP-Total")),
        count_of(header(last.response_headers, "X-WP-TotalPages")),
    )


def read_feed(result: FetchResult) -> tuple[feed.FeedPage, tuple[Article, ...]]:
    """What a response states of the feed, and the articles of the page that it is.

    A page after the end has status 404, and so has a site without a feed. A feed that breaks off gives the items
    before the break; one of which none can be read is closed.
    """
    last = result.last
    if last is not None and last.status == NO_SUCH_PAGE and result.verdict not in FINAL:
        return feed.FeedPage(is_past_end=True), ()
    if last is None or result.verdict is not Verdict.OK:
        return feed.FeedPage(closed=f"{result.verdict}: {result.detail}"), ()
    page = page_of(result)
    if page is None or page.kind is not PageKind.FEED:
        return feed.FeedPage(closed=f"status {last.status}, {page.kind if page else 'no page'}"), ()
    unread = [reject for reject in page.rejects if reject.reason is not RejectReason.EXTRA_TEXT]
    if unread and not page.articles:
        return feed.FeedPage(closed=f"no item can be read: {unread[0].detail}"), ()
    return feed.FeedPage(tuple(_feed_item(article) for article in page.articles)), page.articles


def _feed_item(article: Article) -> FeedItem:
    return FeedItem(f"{article.post_id or article.url or article.title}", article.published_at)


def _capture_month(ctx: Context, visit: Visit, month: Stretch) -> posts.Enumerated:
    name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{posts.SOURCE}-{month.first:%Y%m%d}"
    settings = ctx.settings
    asking = posts.enumerate_posts(
        str(settings.site_url), started_at=ctx.started_at, published=month.bounds, most_pages=MOST_PAGES
    )
    with visit.file(name, posts.SOURCE, **{"ca-etl-stretch": f"{month}"}):
        walked = visit.walk(asking, posts_page)
    ended = walked.ended
    if ended.closed is not None:
        raise SourceClosedError.of(
            f"the posts API of {settings.site_url}",
            walked.last,
            f"({ended.closed}), at {month}",
            later="ca-etl backfill (again, later: it goes on with this month)",
            instead="ca-etl backfill --source feed --from DAY --to DAY (the feed has whole texts too, and no edits)",
        )
    if ended.doubt is not None:
        log.warning("posts of %s: %s; a later backfill asks again", month, ended.doubt)
    return ended


def capture_feed(ctx: Context, stretch: Stretch) -> int:
    """Archive every page of the feed back to the first day of `stretch`; how many of its articles were seen.

    A feed has no way in but its first page, so that what is newer than the stretch is archived too, and a crawl that
    was stopped begins anew. Months that one has shown whole are not requested again. Raises `SourceClosedError` when
    the feed is closed; what was archived before stays.
    """
    recover_open_files(ctx.settings.archive_dir)
    done = read_done(ctx.settings.data_dir, FEED_DONE)
    missing = [month for month in stretch.months() if f"{month}" not in done]
    if not missing:
        tell_walked(ctx, stretch, FEED_DONE)
        return 0
    since, _ = missing[0].bounds
    walked = _walk(ctx, since)
    ended = walked.ended
    if ended.closed is not None:
        raise SourceClosedError.of(
            f"the feed of {ctx.settings.site_url}",
            walked.last,
            f"({ended.closed})",
            later="ca-etl backfill --source feed (again, later: it begins anew)",
            instead="ca-etl run (the listing pages go on without it)",
        )
    times = [at for at in ended.seen.values() if at is not None]
    oldest = min(times, default=ctx.started_at)
    if not ended.is_settled:
        log.warning(
            "the feed was moving, or is not sorted: something may be missing; a later backfill asks again"
        )
    elif oldest > since:
        log.warning("the feed of %s ends at %s; it has nothing older", ctx.settings.site_url, oldest)
    if ended.is_settled:
        # The month under way may still get articles, and of one in which the feed ends it is unknown how much it lacks.
        whole = (m for m in missing if m.last < ctx.started_at.date() and oldest <= m.bounds[0])
        write_done(ctx.settings.data_dir, (*done, *map(str, whole)), FEED_DONE)
    begin, end = stretch.bounds
    return sum(begin < at < end for at in times)


def _walk(ctx: Context, since: datetime) -> Walked[feed.FeedWalked]:
    name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{feed.SOURCE}-{since:%Y%m%d}"
    walking = feed.walk_feed(str(ctx.settings.site_url), since=since, most_pages=None)
    with Visit(ctx) as visit, visit.file(name, feed.SOURCE, **{"ca-etl-since": f"{since}"}):
        return visit.walk(walking, _Reader(ctx, since))


@dataclass(slots=True)
class _Reader:
    """Reads page after page, and reports how far back they reach."""

    ctx: Context
    since: datetime
    pages: int = 0
    oldest: datetime | None = None

    def __call__(self, result: FetchResult) -> feed.FeedPage:
        page, _ = read_feed(result)
        times = [item.published_at for item in page.items if item.published_at is not None]
        self.oldest = min((*times, self.oldest or self.ctx.started_at))
        self.pages += 1
        begun, days = self.ctx.started_at, (self.ctx.started_at - self.since).days
        self.ctx.progress("capture", min((begun - self.oldest).days, days), days)
        if self.pages % LOGGED_PAGES == 0:
            log.info("feed: %d pages, back to %s", self.pages, self.oldest.date())
        return page
