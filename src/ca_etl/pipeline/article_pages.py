"""The pages of single articles, asked for one after the other, as few as will do.

Where neither posts API nor feed gives whole texts, nothing else tells of an article. Those that listings link to and
nobody has read come first; what is left of the pages allowed goes to articles that are known, the ones read longest
ago first, since no list says which of them were edited.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

import duckdb

from ca_etl.archive.fetch import FetchResult
from ca_etl.archive.policy import Validators, Verdict
from ca_etl.parse.page import Article, Page, PageKind
from ca_etl.pipeline.consult import consult_validators
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.duplicate_pages import Saying, repeats
from ca_etl.pipeline.resolve import consulted_warehouse
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.told import TOO_MANY, Told, good, status_of
from ca_etl.pipeline.visit import FINAL, Visit, page_of
from ca_etl.records import DELETED_STATUSES
from ca_etl.sources import timesca

# After so many pages in a row without an answer the next one has none either.
MOST_FAILURES: Final = 3
NO_VALIDATORS: Final[Mapping[str, Validators]] = {}

WHOLE: Final = """
    select url from main.fct_article where not is_truncated and author is not null and published_at is not null
    union
    select url from raw.capture where page_kind = 'article' and http_status = 200
"""
# An address may lead to another one, so that both the question and the article on the answer count as a reading.
READ_BEFORE: Final = """
    select article.url
    from main.fct_article as article
    left join (
        select url, max(captured_at) as at from raw.capture where source = $source group by url
    ) as asked on asked.url = article.url
    left join (
        select article_id, max(observed_at) as at from main.fct_article_sighting where source = $source group by all
    ) as seen on seen.article_id = article.article_id
    where article.url is not null and coalesce(article.published_date, article.first_seen_date) >= $first
    order by greatest(asked.at, seen.at) nulls first, article.first_seen_date desc, article.url
"""


class Said(StrEnum):
    """What an answer says of the article whose page was asked for."""

    ARTICLE = "article"
    UNCHANGED = "unchanged"
    GONE = "gone"
    NOTHING = "nothing"
    SAME = "same"


def ask_pages(ctx: Context, visit: Visit, lacking: Sequence[Article]) -> Told | None:
    """Archive the pages of the articles in `lacking` that nobody has read, then known ones; None if none was asked."""
    policy = timesca.fetch_policy(ctx.settings)
    found = dict.fromkeys(article.url for article in lacking if article.url)
    urls = [url for url in found if policy.allows_host(url)]
    most = ctx.settings.article_pages
    with consulted_warehouse(ctx.settings.data_dir) as con:
        known = {url for (url,) in con.sql(WHOLE).fetchall()} if con else set[str]()
        wanted = [url for url in urls if url not in known]
        again = _read_before(ctx, con) if con else []
        chosen = list(dict.fromkeys([*wanted, *filter(policy.allows_host, again)]))[:most]
        validators = consult_validators(con, ctx.settings.archive_dir, chosen).value if con else NO_VALIDATORS
    said, no = look_at(ctx, visit, chosen, validators)
    foreign = f"{len(found) - len(urls)} links lead to other hosts" if len(urls) < len(found) else ""
    if not said:
        return Told(timesca.ARTICLES, SlotOutcome.CLOSED, foreign) if foreign else None
    left, gone = max(len(wanted) - len(said), 0), said.count(Said.GONE)
    reasons = (
        f"{left} more are left for later runs" if left else "",
        f"{gone} of {len(said)} pages are no more" if gone else "",
        foreign,
    )
    return told_of(said, no, *reasons)


def look_at(
    ctx: Context, visit: Visit, urls: Sequence[str], validators: Mapping[str, Validators] = NO_VALIDATORS
) -> tuple[tuple[Said, ...], FetchResult | None]:
    """What the pages at `urls` say, as far as the site is willing, and the last answer where it said no."""
    said: list[Said] = []
    shown: dict[int, Saying] = {}
    no: FetchResult | None = None
    for done, url in enumerate(urls):
        ctx.progress("capture", done, len(urls))
        last = visit.get(url, validators.get(url))
        page = page_of(last) if last.verdict is Verdict.OK else None
        said.append(_said(last, page))
        if page is not None and said[-1] is Said.ARTICLE and len(page.articles) == 1:
            shown[done] = _saying(url, page.articles[0])
        if last.verdict in FINAL or status_of(last) == TOO_MANY:
            no = last
            break
        if said[-MOST_FAILURES:] == [Said.NOTHING] * MOST_FAILURES:
            break
    places = list(shown)
    same = {places[at] for at in repeats(list(shown.values()))}
    return tuple(Said.SAME if place in same else each for place, each in enumerate(said)), no


def _saying(url: str, article: Article) -> Saying:
    # by its hash: a thousand texts are compared, and one of a hostile page has 30 MB
    text = article.text and hashlib.sha256(article.text.encode("utf-8", "replace")).hexdigest()
    return Saying(article.url or url, article.title, text, article.post_id)


def told_of(said: Sequence[Said], no: FetchResult | None, *reasons: str) -> Told:
    """What became of the pages that were asked for, at least one of them; `reasons` come first.

    That an article is no more counts as one that was shown.
    """
    shown, same = said.count(Said.ARTICLE) + said.count(Said.GONE), said.count(Said.SAME)
    mute = said.count(Said.NOTHING) + same
    alike = f"{same} pages say the same" if same else ""
    if no is not None:
        return Told(timesca.ARTICLES, SlotOutcome.BLOCKED, f"{no.verdict}: {no.detail}", shown)
    if mute == len(said):
        why = "; ".join(filter(None, (f"none of {mute} pages gave an article", alike)))
        return Told(timesca.ARTICLES, SlotOutcome.FAILED, why)
    silent = f"{mute} of {len(said)} pages gave no article" if mute else ""
    return good(timesca.ARTICLES, shown, "; ".join(filter(None, (*reasons, silent, alike))) or None)


def _read_before(ctx: Context, con: duckdb.DuckDBPyConnection) -> list[str]:
    first = (ctx.started_at - timedelta(days=ctx.settings.sweep_days)).date()
    rows = con.sql(READ_BEFORE, params={"source": timesca.ARTICLES, "first": first}).fetchall()
    return [url for (url,) in rows]


def _said(result: FetchResult, page: Page | None) -> Said:
    """A lost page may lead to the home page, which says nothing."""
    if status_of(result) in DELETED_STATUSES:
        return Said.GONE
    if result.verdict is Verdict.UNCHANGED:
        return Said.UNCHANGED
    return Said.ARTICLE if page is not None and page.kind is PageKind.ARTICLE else Said.NOTHING
