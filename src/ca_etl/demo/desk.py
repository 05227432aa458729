"""Edits of published demo articles: a sentence is added to one article, and the title of another is changed.

No page announces an edit, as on a real site: only daily captures show it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from ca_etl.demo.content import SITE_ZONE, DemoArticle
from ca_etl.demo.site import DemoSite

ADDS_A_SENTENCE: Final = date(2025, 12, 15)
CHANGES_A_TITLE: Final = date(2025, 12, 18)
_AT: Final = time(6, 30, tzinfo=SITE_ZONE)


def work(site: DemoSite, day: date) -> None:
    """Apply the invented edits of articles on the demo site that are due by `day`; an edit is never applied twice."""
    if day >= ADDS_A_SENTENCE:
        article = _newest_before(site, ADDS_A_SENTENCE)
        learned = ADDS_A_SENTENCE - timedelta(days=1)
        added = f"An earlier version of this article was shorter by what was learned on {learned}."
        if added not in article.paragraphs:
            at = datetime.combine(ADDS_A_SENTENCE, _AT)
            site.posts.edit(article.post_id, paragraphs=(*article.paragraphs, added), at=at)
    if day >= CHANGES_A_TITLE:
        article = _newest_before(site, CHANGES_A_TITLE)
        if not article.title.endswith(", Officials Say"):
            at = datetime.combine(CHANGES_A_TITLE, _AT)
            site.posts.edit(article.post_id, title=f"{article.title}, Officials Say", at=at)


def _newest_before(site: DemoSite, day: date) -> DemoArticle:
    listed = site.posts.snapshot(site.day).listed
    return next(article for article in listed if article.published_at.date() < day)
