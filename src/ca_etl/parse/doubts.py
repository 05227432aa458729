"""What feed and API share: their page, and the rejects of what cannot be so in it or does not belong to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from ca_etl.parse.content import well_formed
from ca_etl.parse.page import EXCERPT_CHARS, Article, Page, PageKind, Reject
from ca_etl.records import RejectReason, site_name

# WordPress writes so that there is no time yet, in JSON and in a feed.
_NO_TIME: Final = re.compile(r"\s*(?:0000-00-00.*|.* -0001 .*)?", re.DOTALL)


def response_page(
    kind: PageKind, articles: Iterable[Article], rejects: Iterable[Reject], charset: str
) -> Page:
    """The page of a response for machines, which prints neither a date nor a ticker."""
    return Page(kind, None, (), 0, None, tuple(articles), tuple(rejects), charset)


def refused_page(kind: PageKind, reason: RejectReason, why: str, text: str, charset: str) -> Page:
    """The page of a response that gives nothing, and why."""
    return response_page(kind, (), [Reject.of(reason, why[:300], text)], charset)


def cut_off(before: str, after: str) -> list[Reject]:
    """The reject of text around a document, by PHP, a plugin or a cache; none where both are white space."""
    parts = (("before", before.strip("\ufeff \t\r\n")), ("after", after.strip("\ufeff \t\r\n")))
    cut = [(where, well_formed(text)) for where, text in parts if text]
    if not cut:
        return []
    detail = ", ".join(f"{len(text)} characters {where} the document" for where, text in cut)
    excerpt = " [...] ".join(text[: EXCERPT_CHARS // len(cut) - 4] for _, text in cut)
    return [Reject.of(RejectReason.EXTRA_TEXT, f"cut off: {detail}", excerpt)]


def without_foreign_link(article: Article, url: str | None) -> tuple[Article, list[Reject]]:
    """`article` without a link that leads off the site of `url`, which gave it, and the reject that says so."""
    if article.url is None or url is None or site_name(article.url) == site_name(url):
        return article, []
    why = f"the link leads to {site_name(article.url)[:100]}, not to {site_name(url)}: it is not taken"
    reject = Reject.of(RejectReason.OTHER_SITE, why, f"{article.title or ''} {article.url}".strip())
    return article._replace(url=None), [reject]


def unread_time(name: str, value: object, read: datetime | None) -> list[Reject]:
    """The reject of a time that the field `name` has and that could not be read; none where it has no time."""
    if read is not None or value is None:
        return []
    text = well_formed(str(value)[:200])
    if _NO_TIME.fullmatch(text):
        return []
    return [Reject.of(RejectReason.BAD_TIME, f"{name} is not a time that an article can have", text)]
