"""What the editors of the demo site do to articles that are up already, while its days are played.

They say nothing of it, as editors do: only who looks every day, and keeps what was there, can tell.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from ca_etl.demo.content import SITE_ZONE, Article
from ca_etl.demo.site import DemoSite

ADDS_A_SENTENCE: Final = date(2025, 12, 15)
MENDS_A_TITLE: Final = date(2025, 12, 18)
_AT: Final = time(6, 30, tzinfo=SITE_ZONE)


def work(site: DemoSite, day: date) -> None:
    """Do what the editors have done by `day`, the one that the site shows; what is done already stays as it is."""
    if day >= ADDS_A_SENTENCE:
        article = _newest_before(site, ADDS_A_SENTENCE)
        learned = ADDS_A_SENTENCE - timedelta(days=1)
        added = f"An earlier version of this article was shorter by what was learned on {learned}."
        if added not in article.paragraphs:
            paragraphs = (*article.paragraphs, added)
            site.posts.edit(article.post_id, paragraphs=paragraphs, at=_when(ADDS_A_SENTENCE))
    if day >= MENDS_A_TITLE:
        article = _newest_before(site, MENDS_A_TITLE)
        if not article.title.endswith(", Officials Say"):
            title = f"{article.title}, Officials Say"
            site.posts.edit(article.post_id, title=title, at=_when(MENDS_A_TITLE))


def _newest_before(site: DemoSite, day: date) -> Article:
    return next(each for each in site.posts.shelf(site.day).listed if each.published_at.date() < day)


def _when(day: date) -> datetime:
    return datetime.combine(day, _AT)
