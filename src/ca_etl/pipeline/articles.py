"""Step 1, its second half: what is new among the site's articles, from the first source on the ladder that gives it.

The posts API tells all: whole texts, authors, times, edits. Where the site keeps it closed, the feed has the newest
whole texts, without edits. Where that gives excerpts or nothing, the pages of the articles that the listings link to
are asked for, and those of known ones again. What each of them answered is a line of the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ca_etl.archive.fetch import FetchResult
from ca_etl.parse.page import Article
from ca_etl.pipeline.article_pages import ask_pages
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.feed import read_feed
from ca_etl.pipeline.history import posts_page
from ca_etl.pipeline.slots import GOOD, SlotOutcome
from ca_etl.pipeline.told import TOO_MANY, Told, good, refused, status_of
from ca_etl.pipeline.visit import USABLE, Visit, page_of
from ca_etl.settings import ArticleSource
from ca_etl.sources import feed, posts, timesca
from ca_etl.sources.schedules import SWEEP
from ca_etl.warehouse.journal import RunRecord

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
# Begins the reason of a source that gave articles, perhaps not all: the next run asks for the same time again.
DOUBT: Final = "something may be missing: "
# Two looks at a year of a site that publishes seven a day; what needs more is history, or no answer to the question.
MOST_POSTS_PAGES: Final = 60
# With ten items a page that is two weeks of a site that publishes seven a day.
MOST_FEED_PAGES: Final = 10


@dataclass(frozen=True, slots=True)
class _Asked:
    """`told`, None where nothing was to be asked; `lacking` are the articles of which the next source may tell more."""

    told: Told | None
    lacking: tuple[Article, ...] = ()
    is_over: bool = False


def capture_articles(ctx: Context, visit: Visit, listings: list[FetchResult]) -> tuple[Told, ...]:
    """Archive what is new among the articles since the last good run; the outcome of each source, in their order.

    `listings` are the responses of this run's listing pages; they are removed from it once their links are read.
    """
    told: list[Told] = []
    lacking: tuple[Article, ...] = ()
    while listings:
        lacking = (*lacking, *_articles_of(listings.pop(0)))
    for source in ctx.settings.article_sources:
        asked = _ask(source, ctx, visit, lacking)
        if asked.told is not None:
            log.info("%s: %s %s", asked.told.source, asked.told.outcome, asked.told.reason or "")
            told.append(asked.told)
        if asked.is_over:
            break
        lacking = (*asked.lacking, *lacking)
    return tuple(told)


def is_got(runs: Iterable[RunRecord], slot: datetime | None, schedule: str | None) -> bool:
    """Whether a run that stood for this very slot has got its articles."""
    return any(
        each.outcome in GOOD and each.source in SOURCES.values()
        for run in runs
        if (run.slot, run.schedule) == (slot, schedule)
        for each in run.slots
    )


def last_got(ctx: Context, sources: Iterable[str], *, surely: bool) -> datetime | None:
    """When the last run began that got the articles of one of `sources`, in UTC; `surely` leaves doubtful ones out.

    A sweep does not count: it asks for the list of posts alone, and what was edited before it is still to be got.
    Neither does a run that a clock gone wrong has put into the future.
    """
    wanted = frozenset(sources)
    return max(
        (
            run.started_at
            for run in ctx.runs
            if run.schedule != SWEEP and run.started_at <= ctx.started_at
            for each in run.slots
            if each.source in wanted and each.outcome in GOOD
            if not (surely and (each.reason or "").startswith(DOUBT))
        ),
        default=None,
    )


def since(ctx: Context, *sources: str) -> datetime:
    """From when on articles are asked for: some hours before the last run that got them, at first a month ago.

    After one that got them in doubt it is the last that had none, but no more than a month back: a feed that is never
    in order would be asked for ever more.
    """
    month_ago = ctx.started_at - FIRST_LOOK
    last, sure = (last_got(ctx, sources, surely=surely) for surely in (False, True))
    if last is None:
        return month_ago
    return min(last, month_ago if sure is None else max(sure, month_ago)) - OVERLAP


def _ask(source: ArticleSource, ctx: Context, visit: Visit, lacking: Sequence[Article]) -> _Asked:
    with visit.slot_file(SOURCES[source]):
        match source:
            case ArticleSource.POSTS:
                return _ask_posts(ctx, visit)
            case ArticleSource.FEED:
                return _ask_feed(ctx, visit)
            case ArticleSource.PAGES:
                told = ask_pages(ctx, visit, lacking)
                return _Asked(told, is_over=told is not None and told.outcome in GOOD)


def _ask_posts(ctx: Context, visit: Visit) -> _Asked:
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
        # The newest come last: the next source may have them, and the next run asks from the same time on.
        told = f"{ended.doubt}: ca-etl backfill --source posts walks further"
        return _Asked(Told(posts.SOURCE, SlotOutcome.FAILED, told, len(ended.seen)))
    doubt = None if ended.doubt is None else f"{DOUBT}{ended.doubt}"
    return _Asked(good(posts.SOURCE, len(ended.seen), doubt), is_over=True)


def _ask_feed(ctx: Context, visit: Visit) -> _Asked:
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
        # WordPress shows its latest items, however old they are; one that is new is not told by their absence.
        return _refused(feed.SOURCE, walked.last, "it has no item", 0)
    reasons = (
        "" if ended.is_settled else f"{DOUBT}the feed was moving, or is not sorted",
        f"{len(cut)} of {len(shown)} texts are excerpts" if cut else "",
        "no item is dated" if ended.reached is None else "",
        f"read back to {ended.reached} only" if ended.reached is not None and ended.reached > begin else "",
    )
    reason = "; ".join(filter(None, reasons)) or None
    return _Asked(good(feed.SOURCE, len(ended.seen), reason), lacking=tuple(cut), is_over=not cut)


def _refused(source: str, last: FetchResult | None, reason: str, articles: int) -> _Asked:
    # Too many requests is said to the client, whatever it asks for next.
    is_over = last is not None and status_of(last) == TOO_MANY
    return _Asked(refused(source, last, reason, articles), is_over=is_over)


def _articles_of(result: FetchResult) -> Iterator[Article]:
    page = page_of(result) if result.verdict in USABLE else None
    # as links to request: the texts of a hostile page have 30 MB
    return (article._replace(text=None) for article in (page.articles if page else ()))
