"""What an answer for machines says of an article and cannot be so: a link to another site, a time that is none."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from ca_etl.parse.content import well_formed
from ca_etl.parse.page import Article, Reject
from ca_etl.records import RejectReason, site_name

# WordPress writes so that there is no time yet, in JSON and in a feed.
_NO_TIME: Final = re.compile(r"\s*(?:0000-00-00.*|.* -0001 .*)?", re.DOTALL)


def without_foreign_link(article: Article, url: str | None) -> tuple[Article, list[Reject]]:
    """`article` without a link that leads off the site of `url`, which gave it, and the reject that says so."""
    if article.url is None or url is None or site_name(article.url) == site_name(url):
        return article, []
    why = f"the link leads to {site_name(article.url)[:100]}, not to {site_name(url)}: it is not taken"
    reject = Reject.of(RejectReason.OTHER_SITE, why, f"{article.title or ''} {article.url}".strip())
    return article._replace(url=None), [reject]


def unread_time(name: str, value: object, read: datetime | None) -> list[Reject]:
    """The reject of a time that stands in the field `name` and could not be read; none where no time stands there."""
    if read is not None or value is None:
        return []
    said = well_formed(str(value)[:200])
    if _NO_TIME.fullmatch(said):
        return []
    return [Reject.of(RejectReason.BAD_TIME, f"{name} is no time that an article can have", said)]
