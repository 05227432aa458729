"""Step 1 of a backfill where the posts API is closed: the feed, from now back to the first day of a stretch of time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ca_etl.archive.fetch import FetchResult
from ca_etl.archive.recover import recover_open_files
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.feed import feed_page
from ca_etl.pipeline.history import Stretch, read_done, tell_walked, write_done
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.source_outcome import outcome_of
from ca_etl.pipeline.visit import Visit, Walked
from ca_etl.sources import feed

log = logging.getLogger(__name__)

DONE_FILE: Final = "backfill-feed.json"
# Every minute or two, at the pause of five seconds that is the default.
TOLD_PAGES: Final = 20


class FeedClosedError(CaEtlError):
    """The feed gives nobody its items, or not us, or not those that are asked for."""


def capture_feed(ctx: Context, stretch: Stretch) -> int:
    """Archive every page of the feed back to the first day of `stretch`; how many of its articles were seen.

    A feed has no way in but its first page, so that what is newer than the stretch is archived too, and a walk that
    was stopped begins anew. Months that one has shown whole are not asked for again. Raises `FeedClosedError` when
    the feed is closed; what was archived before stays.
    """
    recover_open_files(ctx.settings.archive_dir)
    done = read_done(ctx.settings.data_dir, DONE_FILE)
    missing = [month for month in stretch.months() if f"{month}" not in done]
    if not missing:
        tell_walked(ctx, stretch, DONE_FILE)
        return 0
    since, _ = missing[0].bounds
    walked = _walk(ctx, since)
    ended = walked.ended
    if ended.closed is not None and outcome_of(walked.last) is not SlotOutcome.CLOSED:
        raise FeedClosedError(
            f"the feed of {ctx.settings.site_url} does not answer ({ended.closed})",
            "ca-etl backfill --source feed (again, later: it begins anew)",
        )
    if ended.closed is not None:
        raise FeedClosedError(
            f"the feed of {ctx.settings.site_url} is closed ({ended.closed})",
            "ca-etl run (the listing pages go on without it)",
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
        # The month under way may still get articles, and of one in which the feed ends nobody knows how much it lacks.
        whole = (m for m in missing if m.last < ctx.started_at.date() and oldest <= m.bounds[0])
        write_done(ctx.settings.data_dir, (*done, *map(str, whole)), DONE_FILE)
    begin, end = stretch.bounds
    return sum(begin < at < end for at in times)


def _walk(ctx: Context, since: datetime) -> Walked[feed.FeedWalked]:
    name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{feed.SOURCE}-{since:%Y%m%d}"
    walking = feed.walk_feed(str(ctx.settings.site_url), since=since, most_pages=None)
    with Visit(ctx) as visit, visit.file(name, feed.SOURCE, **{"ca-etl-since": f"{since}"}):
        return visit.walk(walking, _Reader(ctx, since))


@dataclass(slots=True)
class _Reader:
    """Reads page after page, and says how far back they reach."""

    ctx: Context
    since: datetime
    pages: int = 0
    oldest: datetime | None = None

    def __call__(self, result: FetchResult) -> feed.FeedPage:
        page = feed_page(result)
        times = [item.published_at for item in page.items if item.published_at is not None]
        self.oldest = min((*times, self.oldest or self.ctx.started_at))
        self.pages += 1
        begun, days = self.ctx.started_at, (self.ctx.started_at - self.since).days
        self.ctx.progress("capture", min((begun - self.oldest).days, days), days)
        if self.pages % TOLD_PAGES == 0:
            log.info("feed: %d pages, back to %s", self.pages, self.oldest.date())
        return page
