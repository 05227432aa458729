"""The feed's answers, as the walk over its pages takes them."""

from __future__ import annotations

from typing import Final

from ca_etl.archive.fetch import FetchResult
from ca_etl.archive.policy import Verdict
from ca_etl.parse.page import Article, PageKind
from ca_etl.pipeline.visit import FINAL, page_of
from ca_etl.records import RejectReason
from ca_etl.sources.feed import FeedPage
from ca_etl.sources.feed_evidence import FeedItem

NO_SUCH_PAGE: Final = 404


def feed_page(result: FetchResult) -> FeedPage:
    """What an answer says to the walk. A page past the end answers 404, and so does a site that has no feed.

    A feed that breaks off gives the items before the break; one of which none can be read is closed.
    """
    return read_feed(result)[0]


def read_feed(result: FetchResult) -> tuple[FeedPage, tuple[Article, ...]]:
    """What `feed_page` says, and the articles of the page that it is."""
    last = result.attempts[-1] if result.attempts else None
    if last is not None and last.status == NO_SUCH_PAGE and result.verdict not in FINAL:
        return FeedPage(is_past_end=True), ()
    if last is None or result.verdict is not Verdict.OK:
        return FeedPage(closed=f"{result.verdict}: {result.detail}"), ()
    page = page_of(result)
    if page is None or page.kind is not PageKind.FEED:
        return FeedPage(closed=f"status {last.status}, {page.kind if page else 'no page'}"), ()
    unread = [reject for reject in page.rejects if reject.reason is not RejectReason.EXTRA_TEXT]
    if unread and not page.articles:
        return FeedPage(closed=f"no item can be read: {unread[0].detail}"), ()
    return FeedPage(tuple(_item(article) for article in page.articles)), page.articles


def _item(article: Article) -> FeedItem:
    return FeedItem(f"{article.post_id or article.url or article.title}", article.published_at)
