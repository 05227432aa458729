"""Step 1 of a backfill: the posts of a stretch of time, month by month, from the posts API into the archive."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from ca_etl.archive.fetch import FetchResult
from ca_etl.archive.policy import REDIRECTS, Verdict, count_of, header
from ca_etl.archive.recover import recover_open_files
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.parse.page import PageKind
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.source_outcome import outcome_of
from ca_etl.pipeline.visit import Visit, page_of
from ca_etl.records import RejectReason
from ca_etl.sources import posts
from ca_etl.sources.posts import Post, PostsPage
from ca_etl.warehouse.files import read_if_there, write_atomic

log = logging.getLogger(__name__)

DONE_FILE: Final = "backfill-posts.json"
# More posts than any site publishes in a month, twice: only one that makes them up has as many.
MOST_PAGES: Final = 400


class PostsClosedError(CaEtlError):
    """The posts API gives nobody its posts, or not us, or not now."""


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
    `PostsClosedError` when the API is closed; what was archived before stays.
    """
    recover_open_files(ctx.settings.archive_dir)
    done = read_done(ctx.settings.data_dir)
    months = [month for month in stretch.months() if f"{month}" not in done]
    seen = 0
    if not months:
        tell_walked(ctx, stretch, DONE_FILE)
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


def write_done(data_dir: Path, done: Iterable[str], name: str = DONE_FILE) -> None:
    """Keep the stretches that are archived whole. Raises `StorageError`."""
    write_atomic(data_dir / name, json.dumps(sorted(done)).encode() + b"\n")


def read_done(data_dir: Path, name: str = DONE_FILE) -> tuple[str, ...]:
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
    """What an answer says to the enumeration.

    One that was cut, or came damaged, says nothing, and neither does one of which no post can be read.
    """
    last = result.attempts[-1] if result.attempts else None
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


def _capture_month(ctx: Context, visit: Visit, month: Stretch) -> posts.Enumerated:
    name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{posts.SOURCE}-{month.first:%Y%m%d}"
    settings = ctx.settings
    asking = posts.enumerate_posts(
        str(settings.site_url), started_at=ctx.started_at, published=month.bounds, most_pages=MOST_PAGES
    )
    with visit.file(name, posts.SOURCE, **{"ca-etl-stretch": f"{month}"}):
        walked = visit.walk(asking, posts_page)
    ended = walked.ended
    if ended.closed is not None and outcome_of(walked.last) is not SlotOutcome.CLOSED:
        raise PostsClosedError(
            f"the posts API of {settings.site_url} does not answer ({ended.closed}), at {month}",
            "ca-etl backfill (again, later: it goes on with this month)",
        )
    if ended.closed is not None:
        raise PostsClosedError(
            f"the posts API of {settings.site_url} is closed ({ended.closed}), at {month}",
            "ca-etl backfill --source feed --from DAY --to DAY (the feed has whole texts too, and no edits)",
        )
    if ended.doubt is not None:
        log.warning("posts of %s: %s; a later backfill asks again", month, ended.doubt)
    return ended
