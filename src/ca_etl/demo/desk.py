"""What the editors of the demo site do to articles that are up already, while its days are played.

They say nothing of it, as editors do: only who looks every day, and keeps what was there, can tell.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ca_etl.demo.site import DemoSite

ADDS_A_SENTENCE: Final = date(2025, 12, 15)
MENDS_A_TITLE: Final = date(2025, 12, 18)


def work(site: DemoSite, day: date) -> None:
    """Do what the editors do on `day`, once the pages of that day are up."""
    before = [each for each in site.posts.shelf(day).listed if each.published_at.date() < day]
    if day == ADDS_A_SENTENCE:
        article = before[0]
        added = f"An earlier version of this article was shorter by what was learned on {day - timedelta(days=1)}."
        site.posts.edit(article.post_id, paragraphs=(*article.paragraphs, added))
    elif day == MENDS_A_TITLE:
        article = before[0]
        site.posts.edit(article.post_id, title=f"{article.title}, Officials Say")
