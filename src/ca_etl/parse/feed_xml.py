"""The feed: RSS 2.0 as WordPress writes it, with the whole text in `content:encoded`.

It tells no time of change, and does not tell categories from tags. `content:encoded` may be missing or hold only the
excerpt: an article is truncated then.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from ca_etl.parse.content import plain, read_content, too_many_tags, well_formed
from ca_etl.parse.dates import instant
from ca_etl.parse.doubts import unread_time, without_foreign_link
from ca_etl.parse.kinds import Signs, kind_of
from ca_etl.parse.links import resolve, slug_of
from ca_etl.parse.page import Article, Page, PageKind, Reject
from ca_etl.parse.xml_items import CONTENT, CREATOR, POST_ID, Item, Value, read_items
from ca_etl.records import RejectReason

# WordPress cuts an excerpt that nobody wrote behind so many words, and says so with an ellipsis.
EXCERPT_WORDS: Final = 55
_GUID: Final = re.compile(r"[?&]p=([0-9]{1,18})(?![0-9])")
_NUMBER: Final = re.compile(r"\s*([0-9]{1,18})\s*")
# What an SEO plugin puts behind each text of a feed, and behind no text of the API.
_FOOTER: Final = re.compile(r"\s*<p>The post <a [^<>]{1,2000}>[^<>]{0,500}</a> appeared first on <a ")
_FOOTER_CHARS: Final = 6_000


def read_feed(text: str, *, url: str | None, charset: str) -> Page:
    """The articles of the feed `text`, newest first as it prints them. `url` resolves links.

    A broken feed gives the items that were whole before the break, and one reject.
    """
    kind = kind_of(Signs(answer=PageKind.FEED), url)
    why = too_many_tags(text)
    if why is not None:
        reject = Reject.of(RejectReason.TOO_LARGE, why, text)
        return Page(kind, None, (), 0, None, (), (reject,), charset)
    read = read_items(text)
    articles: list[Article] = []
    rejects: list[Reject] = []
    if read.problem is not None:
        rejects.append(Reject.of(RejectReason.BAD_XML, read.problem[:300], text))
    for item in read.items:
        told = _article(item, len(articles) + 1, url)
        if isinstance(told, Article):
            article, foreign = without_foreign_link(told, url)
            articles.append(article)
            date = item.first("pubDate")
            rejects += [*foreign, *unread_time("pubDate", date and date.text, article.published_at)]
        else:
            rejects.append(told)
    return Page(kind, None, (), 0, None, tuple(articles), tuple(rejects), charset)


def _article(item: Item, position: int, url: str | None) -> Article | Reject:
    title, link = _plain(item.first("title")), _link(item, url)
    if title is None and link is None:
        return Reject(RejectReason.BAD_XML, "an item without title and link", "")
    whole, excerpt = _html(item.first(CONTENT)), _html(item.first("description"))
    read = read_content(whole or excerpt)
    told = read_content(excerpt) if whole else None
    if read is None:
        return Reject.of(RejectReason.TOO_LARGE, "the text of an item has too many tags", whole or excerpt)
    names = (_plain(value) for value in item.values.get("category", ()))
    return read._replace(
        position=position,
        title=title,
        url=link,
        is_truncated=read.is_truncated or _is_excerpt(read, told, has_whole=bool(whole)),
        author=_plain(item.first(CREATOR)),
        published_at=_utc(item.first("pubDate")),
        post_id=_post_id(item),
        slug=slug_of(link),
        categories=tuple(dict.fromkeys(name for name in names if name is not None)),
    )


def _is_excerpt(read: Article, told: Article | None, *, has_whole: bool) -> bool:
    """Whether the text is only what the description says: nobody else's excerpt is longer and has no ellipsis."""
    if read.text is None:
        return False
    if not has_whole:
        return True
    if told is None or told.text is None:
        return False
    words = read.text.split()
    return len(words) > EXCERPT_WORDS and words == told.text.split()


def _html(value: Value | None) -> str:
    """HTML that stands in an element: in a CDATA section, or escaped, which XML has undone by now."""
    if value is None:
        return ""
    html = well_formed(value.text).strip()
    tail = max(0, len(html) - _FOOTER_CHARS)
    at = html.find("<p>The post <a ", tail)
    footer = _FOOTER.match(html, at) if at >= 0 else None
    return html if footer is None else html[:at]


def _plain(value: Value | None) -> str | None:
    """A title or name. XML has resolved its entities unless it stood in a CDATA section: never twice."""
    if value is None:
        return None
    text = well_formed(value.text)
    return plain(text) if value.is_cdata else " ".join(text.split()) or None


def _link(item: Item, url: str | None) -> str | None:
    found = item.first("link")
    if found is None and item.guid_is_link:
        found = item.first("guid")
    return None if found is None else resolve(url, well_formed(found.text).strip())


def _post_id(item: Item) -> int | None:
    for name, form in ((POST_ID, _NUMBER), ("guid", _GUID)):
        value = item.first(name)
        found = form.search(value.text) if value is not None else None
        if found is not None and int(found[1]):
            return int(found[1])
    return None


def _utc(value: Value | None) -> datetime | None:
    if value is None:
        return None
    try:
        read = parsedate_to_datetime(value.text.strip()[:60])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # RFC 2822: -0000 is UTC of which nothing more is known, and comes as a time without a zone.
    return instant((read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat())
