"""Find deleted and unlisted posts: request the list of all posts, and the page of each known one that the list lacks.

No list of new posts names a deleted one. The status of the page tells whether the post is deleted or only unlisted
(`main.fct_article_removal`). With a list that is incomplete, or lacks more than editors delete
(`CA_ETL_SWEEP_MOST_MISSING`), no page is requested. With the API unavailable a sweep requests the pages again that a
daily run found deleted: two such responses, on two occasions, state that the article is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from ca_etl.errors import counted
from ca_etl.records import ARTICLE_PAGES, POSTS_API
from ca_etl.settings import ArticleSource
from ca_etl.sources.session import Context, Session
from ca_etl.sources.source import SourceOutcome
from ca_etl.sources.timesca.article_pages import fetch_pages, outcome_of_pages
from ca_etl.sources.timesca.posts_api import LIST_FIELDS, enumerate_posts, read_posts
from ca_etl.warehouse.journal import GOOD, Cause, SlotOutcome
from ca_etl.warehouse.reading import consulted_warehouse
from ca_etl.warehouse.sqlfiles import frontier_query

# A post published within the hour may be missing from a list that was begun before it.
MARGIN: Final = timedelta(hours=1)
# A list that lacks more than `sweep_most_missing` percent, and more than a few posts, is not what was requested.
MOST_MISSING: Final = 10
# Twice the posts of ten years of a site that publishes seven a day; see `sweep_days`.
MOST_LIST_PAGES: Final = 600


def sweep_articles(session: Session) -> tuple[SourceOutcome, ...]:
    """Archive the list of posts of the last `sweep_days` days, and the pages of known articles that the list lacks."""
    ctx = session.ctx
    if ArticleSource.POSTS not in ctx.settings.article_sources:
        return _request_removed(session)
    listed, seen = _list_posts(session)
    if listed.outcome is SlotOutcome.CLOSED:
        return (listed, *_request_removed(session))
    if listed.outcome not in GOOD or not listed.is_complete:
        return (listed,)
    known, missing = _missing(ctx, seen)
    fresh = sum(is_new for _, is_new in missing)
    why = _implausible(ctx, fresh, known, "known posts are missing from the list")
    if why is not None:
        return (
            replace(
                listed, outcome=SlotOutcome.FAILED, reason=why, cause=Cause.IMPLAUSIBLE, is_complete=False
            ),
        )
    if missing and not ctx.settings.article_pages:
        why = f"{counted(len(missing), 'known post')} not in the list; CA_ETL_ARTICLE_PAGES=0 requests none of them"
        return (replace(listed, reason=why),)
    return (listed, *_request(session, [url for url, _ in missing], "are missing from the list"))


def _request_removed(session: Session) -> tuple[SourceOutcome, ...]:
    """Archive once more the pages that were removed when they were requested last."""
    ctx = session.ctx
    if ArticleSource.PAGES not in ctx.settings.article_sources:
        return ()
    query = frontier_query("last_page_responses")
    with consulted_warehouse(ctx.settings.data_dir) as con:
        responses = con.sql(query, params={"source": ARTICLE_PAGES}).fetchall() if con else []
    removed = [url for url, is_deleted in responses if is_deleted]
    why = _implausible(ctx, len(removed), len(responses), "pages are removed")
    if why is not None:
        return (SourceOutcome(ARTICLE_PAGES, SlotOutcome.FAILED, why, cause=Cause.IMPLAUSIBLE),)
    return _request(session, removed, "were removed")


def _implausible(ctx: Context, missing: int, known: int, what: str) -> str | None:
    """Why so many missing ones are not believed; None where they are."""
    if missing <= max(MOST_MISSING, known * ctx.settings.sweep_most_missing // 100):
        return None
    enough = -(-missing * 100 // known)
    return (
        f"{missing} of {known} {what}, too many to believe it; "
        f"if they were deleted: CA_ETL_SWEEP_MOST_MISSING={enough} ca-etl run --schedule sweep"
    )


def _list_posts(session: Session) -> tuple[SourceOutcome, frozenset[int]]:
    ctx = session.ctx
    first = ctx.started_at - timedelta(days=ctx.settings.sweep_days)
    urls = enumerate_posts(
        str(ctx.settings.site_url),
        started_at=ctx.started_at,
        published=(first, None),
        fields=LIST_FIELDS,
        most_pages=MOST_LIST_PAGES,
    )
    with session.slot_file(POSTS_API):
        posts, last = session.crawl(urls, read_posts)
    if posts.unavailable is not None:
        return SourceOutcome.failed(POSTS_API, last, posts.unavailable, len(posts.seen)), frozenset()
    why = posts.incomplete and f"{posts.incomplete}: which posts are missing is unknown"
    outcome = SourceOutcome.observed(POSTS_API, len(posts.seen), why, is_complete=posts.incomplete is None)
    return outcome, frozenset(posts.seen)


def _missing(ctx: Context, seen: frozenset[int]) -> tuple[int, tuple[tuple[str, bool], ...]]:
    """How many posts are known of those days, and the pages of those not seen, with whether that is news."""
    first = ctx.started_at - timedelta(days=ctx.settings.sweep_days) + MARGIN
    with consulted_warehouse(ctx.settings.data_dir) as con:
        if con is None:
            return 0, ()
        bounds = {"first": first, "last": ctx.started_at - MARGIN}
        known = con.sql(frontier_query("known_posts"), params=bounds).fetchall()
    return len(known), tuple((url, is_new) for post_id, url, is_new in known if post_id not in seen)


def _request(session: Session, urls: Sequence[str], why: str) -> tuple[SourceOutcome, ...]:
    """The outcome of the pages at `urls`; `why` is about those that are too many for one sweep."""
    with session.slot_file(ARTICLE_PAGES):
        pages, refusal = fetch_pages(session, urls[: session.ctx.settings.article_pages])
    if not pages:
        return ()
    left = len(urls) - len(pages)
    reason = f"{left} more that {why} are left for later sweeps" if left else ""
    return (outcome_of_pages(pages, refusal, left, reason),)
