"""What a sweep learns of articles that were taken away: a list of the posts that stand, and a look at those missing.

No list of what is new ever names a post that was deleted. A sweep asks the posts API for all that stand, without
their texts, and then for the page of each article that is known and not among them: the status of that page says
whether it is gone or only unlisted (`main.fct_article_removal`). With the API closed nothing is said.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from ca_etl.pipeline.articles import archive_name, refused
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.history import posts_page
from ca_etl.pipeline.resolve import published_warehouse
from ca_etl.pipeline.slots import GOOD, SlotOutcome
from ca_etl.pipeline.told import Told, good
from ca_etl.pipeline.visit import FINAL, USABLE, Visit
from ca_etl.settings import ArticleSource
from ca_etl.sources import posts, timesca

log = logging.getLogger(__name__)

# A post published within the hour may be missing from a list that was begun before it.
MARGIN: Final = timedelta(hours=1)
# Gone articles are not looked for again; unlisted ones are, since they may go next.
KNOWN: Final = """
    select post_id, url from main.fct_article
    where post_id is not null and url is not null and removal is distinct from 'gone'
    and published_at between $first and $last
    order by published_at, post_id
"""


def sweep_articles(ctx: Context, visit: Visit) -> tuple[Told, ...]:
    """Archive the list of posts of the last `sweep_days`, and the pages of known articles that are not in it."""
    if ArticleSource.POSTS not in ctx.settings.article_sources:
        return ()
    listed, seen = _list_posts(ctx, visit)
    if listed.outcome not in GOOD or listed.reason is not None:
        return (listed,)
    missing = _missing(ctx, seen)
    looked = _look(ctx, visit, missing) if missing else None
    return (listed,) if looked is None else (listed, looked)


def _list_posts(ctx: Context, visit: Visit) -> tuple[Told, frozenset[int]]:
    first = ctx.started_at - timedelta(days=ctx.settings.sweep_days)
    asking = posts.enumerate_posts(
        str(ctx.settings.site_url),
        started_at=ctx.started_at,
        published=(first, None),
        fields=posts.LIST_FIELDS,
    )
    with visit.file(_name(ctx, posts.SOURCE), posts.SOURCE, **{"ca-etl-slot": f"{ctx.slot}"}):
        walked = visit.walk(asking, posts_page)
    ended = walked.ended
    if ended.closed is not None:
        return refused(posts.SOURCE, walked.last, ended.closed, len(ended.seen)), frozenset()
    unsettled = None if ended.is_settled else "posts were still changing: nothing is said of missing ones"
    return good(posts.SOURCE, len(ended.seen), unsettled), frozenset(ended.seen)


def _missing(ctx: Context, seen: frozenset[int]) -> tuple[str, ...]:
    first = ctx.started_at - timedelta(days=ctx.settings.sweep_days) + MARGIN
    with published_warehouse(ctx.settings.data_dir) as con:
        if con is None:
            return ()
        known = con.sql(KNOWN, params={"first": first, "last": ctx.started_at - MARGIN}).fetchall()
    return tuple(url for post_id, url in known if post_id not in seen)


def _look(ctx: Context, visit: Visit, urls: tuple[str, ...]) -> Told | None:
    asked = urls[: ctx.settings.article_pages]
    answered = 0
    with visit.file(_name(ctx, timesca.ARTICLES), timesca.ARTICLES, **{"ca-etl-slot": f"{ctx.slot}"}):
        for done, url in enumerate(asked):
            ctx.progress("capture", done, len(asked))
            result = visit.get(url)
            status = result.attempts[-1].status if result.attempts else None
            log.info("%s is not listed: status %s", url, status)
            answered += result.verdict in USABLE or status in timesca.GONE
            if result.verdict in FINAL:
                return refused(timesca.ARTICLES, result, f"{result.verdict}: {result.detail}", answered)
    if not asked:
        return None
    left = len(urls) - len(asked)
    reason = f"{left} more that are missing from the list are left for later sweeps" if left else None
    if not answered:
        return Told(timesca.ARTICLES, SlotOutcome.FAILED, f"none of {len(asked)} pages answered")
    return good(timesca.ARTICLES, answered, reason)


def _name(ctx: Context, source: str) -> str:
    assert ctx.slot is not None  # noqa: S101  see `capture`
    return archive_name(ctx.slot, ctx.schedule, source)
