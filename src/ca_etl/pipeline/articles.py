"""Step 1, its second half: what is new among the site's articles, from the first source on the ladder that gives it.

The posts API tells all: whole texts, authors, times, edits. Where the site keeps it closed, the feed has the newest
whole texts, without edits. Where that gives excerpts or nothing, the pages of the articles that the listings link to
are requested, and those of known ones again. The outcome of each is a line of the run in the journal.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ca_etl.archive.client import FetchResult
from ca_etl.parse.page import Article
from ca_etl.pipeline.article_pages import request_pages
from ca_etl.pipeline.backfill import posts_page, read_feed
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.session import USABLE, Visit, page_of
from ca_etl.pipeline.slots import GOOD, SlotOutcome
from ca_etl.pipeline.source_outcome import TOO_MANY, SourceOutcome, status_of
from ca_etl.settings import ArticleSource
from ca_etl.sources import feed, posts, timesca
from ca_etl.sources.schedules import SWEEP
from ca_etl.warehouse.journal import Cause, RunRecord

log = logging.getLogger(__name__)

SOURCES: Final = {
    ArticleSource.POSTS: posts.SOURCE,
    ArticleSource.FEED: feed.SOURCE,
    ArticleSource.PAGES: timesca.ARTICLES,
}
# How far the first run looks back; what is older is history, and `ca-etl backfill` walks it.
FIRST_LOOK: Final = timedelta(days=30)
# Two machines' clocks, and what was changed while the last run read.
OVERLAP: Final = timedelta(hours=2)
# Two looks at a year of a site that publishes seven a day; what needs more is history, or no answer to the question.
MOST_POSTS_PAGES: Final = 60
# With ten items a page that is two weeks of a site that publishes seven a day.
MOST_FEED_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class _Requested:
    """What was requested of one source.

    `outcome` is None where there was nothing to request; `lacking` are the articles of which the next source may give
    more.
    """

    outcome: SourceOutcome | None
    lacking: tuple[Article, ...] = ()
    is_over: bool = False


def capture_articles(ctx: Context, visit: Visit, listings: list[FetchResult]) -> tuple[SourceOutcome, ...]:
    """Archive what is new among the articles since the last good run; the outcome of each source, in their order.

    `listings` are the responses of this run's listing pages; they are removed from it once their links are read.
    """
    outcomes: list[SourceOutcome] = []
    lacking: tuple[Article, ...] = ()
    while listings:
        lacking = (*lacking, *_articles_of(listings.pop(0)))
    for source in ctx.settings.article_sources:
        requested = _request(source, ctx, visit, lacking)
        outcome = requested.outcome
        if outcome is not None:
            log.info("%s: %s %s", outcome.source, outcome.outcome, outcome.reason or "")
            outcomes.append(outcome)
        if requested.is_over:
            break
        lacking = (*requested.lacking, *lacking)
    return tuple(outcomes)


def is_got(runs: Iterable[RunRecord], slot: datetime | None, schedule: str | None) -> bool:
    """Whether a run of this very slot has got its articles."""
    return any(
        record.outcome in GOOD and record.source in SOURCES.values()
        for run in runs
        if (run.slot, run.schedule) == (slot, schedule)
        for record in run.slots
    )


def last_got(ctx: Context, sources: Iterable[str], *, surely: bool) -> datetime | None:
    """When the last run began that got the articles of one of `sources`, in UTC; `surely` counts complete ones only.

    A sweep does not count: it asks for the list of posts alone, and what was edited before it is still to be got.
    Neither does a run that a clock gone wrong has put into the future.
    """
    wanted = frozenset(sources)
    return max(
        (
            run.started_at
            for run in ctx.runs
            if run.schedule != SWEEP and run.started_at <= ctx.started_at
            for record in run.slots
            if record.source in wanted and record.outcome in GOOD
            if record.is_complete or not surely
        ),
        default=None,
    )


def since(ctx: Context, *sources: str) -> datetime:
    """From when on articles are requested: some hours before the last run that got them, at first a month ago.

    After one that was not complete it is the last that was, but no more than a month back: of a feed that is never
    in order ever more would be requested.
    """
    month_ago = ctx.started_at - FIRST_LOOK
    last, sure = (last_got(ctx, sources, surely=surely) for surely in (False, True))
    if last is None:
        return month_ago
    return min(last, month_ago if sure is None else max(sure, month_ago)) - OVERLAP


def _request(source: ArticleSource, ctx: Context, visit: Visit, lacking: Sequence[Article]) -> _Requested:
    with visit.slot_file(SOURCES[source]):
        match source:
            case ArticleSource.POSTS:
                return _request_posts(ctx, visit)
            case ArticleSource.FEED:
                return _request_feed(ctx, visit)
            case ArticleSource.PAGES:
                outcome = request_pages(ctx, visit, lacking)
                return _Requested(outcome, is_over=outcome is not None and outcome.outcome in GOOD)


def _request_posts(ctx: Context, visit: Visit) -> _Requested:
    asking = posts.enumerate_posts(
        str(ctx.settings.site_url),
        started_at=ctx.started_at,
        modified_after=since(ctx, posts.SOURCE),
        most_pages=MOST_POSTS_PAGES,
    )
    walked = visit.walk(asking, posts_page)
    ended = walked.ended
    if ended.closed is not None:
        return _refused(posts.SOURCE, walked.last, ended.closed, len(ended.seen))
    if ended.is_cut:
        # The newest come last: the next source may have them, and the next run requests the same time again.
        why = f"{ended.doubt}: ca-etl backfill --source posts walks further"
        cause, number = Cause.PAGE_LIMIT, len(ended.seen)
        return _Requested(
            SourceOutcome(posts.SOURCE, SlotOutcome.FAILED, why, number, cause, is_complete=False)
        )
    reason = ended.doubt and f"something may be missing: {ended.doubt}"
    is_complete = ended.doubt is None
    outcome = SourceOutcome.observed(posts.SOURCE, len(ended.seen), reason, is_complete=is_complete)
    return _Requested(outcome, is_over=True)


def _request_feed(ctx: Context, visit: Visit) -> _Requested:
    shown: list[str | None] = []
    cut: list[Article] = []

    def read(result: FetchResult) -> feed.FeedPage:
        page, articles = read_feed(result)
        cut.extend(each._replace(text=None) for each in articles if each.text is None or each.is_truncated)
        shown.extend(article.url for article in articles)
        return page

    begin = since(ctx, posts.SOURCE, feed.SOURCE)
    walked = visit.walk(
        feed.walk_feed(str(ctx.settings.site_url), since=begin, most_pages=MOST_FEED_PAGES), read
    )
    ended = walked.ended
    if ended.closed is not None:
        return _refused(feed.SOURCE, walked.last, ended.closed, len(ended.seen))
    if not ended.seen:
        # WordPress shows its latest items, however old they are: a feed without one does not mean that none is new.
        return _refused(feed.SOURCE, walked.last, "it has no item", 0)
    reasons = (
        "" if ended.is_settled else "something may be missing: the feed was moving, or is not sorted",
        f"{len(cut)} of {len(shown)} texts are excerpts" if cut else "",
        "no item is dated" if ended.reached is None else "",
        f"read back to {ended.reached} only" if ended.reached is not None and ended.reached > begin else "",
    )
    reason = "; ".join(filter(None, reasons)) or None
    # excerpts are all that the feed has, and so is what it reaches back to: a second request would give no more
    outcome = SourceOutcome.observed(feed.SOURCE, len(ended.seen), reason, is_complete=ended.is_settled)
    return _Requested(outcome, lacking=tuple(cut), is_over=not cut)


def _refused(source: str, last: FetchResult | None, reason: str, articles: int) -> _Requested:
    # 429 Too Many Requests is about the client, whatever it requests next.
    is_over = last is not None and status_of(last) == TOO_MANY
    return _Requested(SourceOutcome.failed(source, last, reason, articles), is_over=is_over)


def _articles_of(result: FetchResult) -> Iterator[Article]:
    page = page_of(result) if result.verdict in USABLE else None
    # as links to request: the texts of a hostile page have 30 MB
    return (article._replace(text=None) for article in (page.articles if page else ()))
