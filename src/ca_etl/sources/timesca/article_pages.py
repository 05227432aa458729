"""The pages of single articles, requested one after the other, as few as will do.

Where neither posts API nor feed gives whole texts, nothing else has the text of an article. Those that listings link to
and that were never read come first; what is left of the pages allowed goes to known articles, the ones read longest ago
first, since no list states which of them were edited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

import duckdb

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import Validators, Verdict
from ca_etl.parse.page import Article, Page, PageKind
from ca_etl.parse.rows import PageContent, repeated_pages
from ca_etl.records import ARTICLE_PAGES, DELETED_STATUSES
from ca_etl.sources.schedules import DAILY, SWEEP
from ca_etl.sources.session import FINAL, Context, Session, fetch_policy, page_of
from ca_etl.sources.source import TOO_MANY, Source, SourceOutcome, SourceReply, status_of
from ca_etl.warehouse.journal import GOOD, Cause, SlotOutcome
from ca_etl.warehouse.reading import consult_validators, consulted_warehouse
from ca_etl.warehouse.sqlfiles import frontier_query

# After so many pages in a row without a usable response the next one has none either.
MOST_FAILURES: Final = 3
NO_VALIDATORS: Final[Mapping[str, Validators]] = {}


class PageOutcome(StrEnum):
    """The state of an article by the response to a request for its page, such as unchanged or removed."""

    ARTICLE = "article"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    NOTHING = "nothing"
    SAME = "same"


GIVEN: Final = (PageOutcome.ARTICLE, PageOutcome.REMOVED)


def request_article_pages(session: Session, leads: Iterable[Article]) -> SourceReply:
    """Archive pages of articles: first those in `leads` that were never read, then those of known articles.

    Known articles are read again since nothing else shows their edits. `CA_ETL_ARTICLE_PAGES` limits the number.
    """
    ctx = session.ctx
    policy = fetch_policy(ctx.settings)
    links = dict.fromkeys(article.url for article in leads if article.url)
    urls = [url for url in links if policy.allows_host(url)]
    most = ctx.settings.article_pages
    with consulted_warehouse(ctx.settings.data_dir) as con:
        rows = con.sql(frontier_query("read_article_pages")).fetchall() if con else []
        known = {url for (url,) in rows}
        wanted = [url for url in urls if url not in known]
        again = _read_before(ctx, con) if con else []
        chosen = list(dict.fromkeys([*wanted, *filter(policy.allows_host, again)]))[:most]
        validators = consult_validators(con, ctx.settings.archive_dir, chosen).value if con else NO_VALIDATORS
    with session.slot_file(ARTICLE_PAGES):
        pages, refusal = fetch_pages(session, chosen, validators)
    foreign = f"{len(links) - len(urls)} links lead to other hosts" if len(urls) < len(links) else ""
    if not pages:
        return SourceReply(SourceOutcome(ARTICLE_PAGES, SlotOutcome.CLOSED, foreign) if foreign else None)
    left, removed = max(len(wanted) - len(pages), 0), pages.count(PageOutcome.REMOVED)
    reasons = (
        f"{left} more are left for later runs" if left else "",
        f"{removed} of {len(pages)} pages are removed" if removed else "",
        foreign,
    )
    outcome = outcome_of_pages(pages, refusal, left, *reasons)
    return SourceReply(outcome, is_final=outcome.outcome in GOOD)


def fetch_pages(
    session: Session, urls: Sequence[str], validators: Mapping[str, Validators] = NO_VALIDATORS
) -> tuple[tuple[PageOutcome, ...], FetchResult | None]:
    """Request the article pages at `urls`, until the site refuses; returns an outcome for each page requested.

    The second value is the response with which the site refused, None where it refused nothing.
    """
    pages: list[PageOutcome] = []
    shown: dict[int, PageContent] = {}
    refusal: FetchResult | None = None
    for done, url in enumerate(urls):
        session.ctx.progress("capture", done, len(urls))
        last = session.get(url, validators.get(url))
        page = page_of(last) if last.verdict is Verdict.OK else None
        pages.append(_page_outcome(last, page))
        if page is not None and pages[-1] is PageOutcome.ARTICLE and len(page.articles) == 1:
            shown[done] = _page_content(url, page.articles[0])
        if last.verdict in FINAL or status_of(last) == TOO_MANY:
            refusal = last
            break
        if pages[-MOST_FAILURES:] == [PageOutcome.NOTHING] * MOST_FAILURES:
            break
    numbers = list(shown)
    same = {numbers[position] for position in repeated_pages(list(shown.values()))}
    return tuple(PageOutcome.SAME if number in same else page for number, page in enumerate(pages)), refusal


def _page_content(url: str, article: Article) -> PageContent:
    # by its hash: a thousand texts are compared, and one of a hostile page has 30 MB
    text = article.text and hashlib.sha256(article.text.encode("utf-8", "replace")).hexdigest()
    return PageContent(article.url or url, article.title, text, article.post_id)


def outcome_of_pages(
    pages: Sequence[PageOutcome], refusal: FetchResult | None, left: int, *reasons: str
) -> SourceOutcome:
    """The outcome of requesting article pages, from the outcomes of the single pages, of which there is at least one.

    `left` counts the pages that were not requested and are left for later runs. A removed article counts as read.
    `refusal` is the response with which the site refused, None without one; `reasons` are put first in the reason.
    """
    articles, same = sum(map(pages.count, GIVEN)), pages.count(PageOutcome.SAME)
    empty = pages.count(PageOutcome.NOTHING) + same
    same_pages = f"{same} pages show the same article" if same else ""
    if refusal is not None:
        why: str | None = f"{refusal.verdict}: {refusal.detail}"
        outcome = SourceOutcome(ARTICLE_PAGES, SlotOutcome.BLOCKED, why, articles, is_complete=False)
    elif empty == len(pages):
        why = "; ".join(filter(None, (f"none of {empty} pages gave an article", same_pages)))
        outcome = SourceOutcome(
            ARTICLE_PAGES, SlotOutcome.FAILED, why, cause=Cause.NO_ARTICLES, is_complete=False
        )
    else:
        without = f"{empty} of {len(pages)} pages gave no article" if empty else ""
        why = "; ".join(filter(None, (*reasons, without, same_pages))) or None
        is_complete = not left and not empty
        outcome = SourceOutcome.observed(ARTICLE_PAGES, articles, why, is_complete=is_complete)
    return replace(outcome, pages_requested=len(pages), pages_usable=len(pages) - empty)


def _read_before(ctx: Context, con: duckdb.DuckDBPyConnection) -> list[str]:
    first = (ctx.started_at - timedelta(days=ctx.settings.sweep_days)).date()
    query = frontier_query("article_pages_to_refresh")
    rows = con.sql(query, params={"source": ARTICLE_PAGES, "first": first}).fetchall()
    return [url for (url,) in rows]


def _page_outcome(result: FetchResult, page: Page | None) -> PageOutcome:
    """The page of a removed article may lead to the home page, which states nothing of it."""
    if status_of(result) in DELETED_STATUSES:
        return PageOutcome.REMOVED
    if result.verdict is Verdict.UNCHANGED:
        return PageOutcome.UNCHANGED
    return PageOutcome.ARTICLE if page is not None and page.kind is PageKind.ARTICLE else PageOutcome.NOTHING


SOURCE: Final = Source(
    name=ARTICLE_PAGES,
    schedules=frozenset({DAILY, SWEEP}),
    tables=frozenset({"article_observation", "article_text", "rate_observation"}),
    request=request_article_pages,
)
