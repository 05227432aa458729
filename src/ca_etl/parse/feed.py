"""Parser of the site's RSS 2.0 feed as WordPress writes it, with the whole text of an article in `content:encoded`.

A feed has no modification times and does not distinguish categories from tags. Where `content:encoded` is missing or
holds only the excerpt, the article is marked as truncated.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final, TypeAlias
from xml.parsers import expat

import feedparser

from ca_etl.parse.item_validation import (
    drop_foreign_link,
    html_to_text,
    read_content,
    refused_page,
    surrounding_rejects,
    time_rejects,
    to_valid_text,
    why_too_many_tags,
)
from ca_etl.parse.lines import parse_instant
from ca_etl.parse.links import resolve
from ca_etl.parse.page import Article, Page, PageKind, Reject
from ca_etl.records import RejectReason

# WordPress puts ten into a page, and takes up to a hundred from an administrator.
MAX_ITEMS: Final = 1_000
# feedparser compares each attribute with all of its element, and searches names for addresses, both in quadratic time:
# 200,000 attributes took 340 s, a name of 20 kB one second.
_MAX_ATTRIBUTES: Final = 100
_MAX_DEPTH: Final = 100
_MAX_NAME: Final = 2_000
# WordPress cuts an excerpt of its own after so many words, and marks that with an ellipsis.
EXCERPT_WORDS: Final = 55
_COMMENT: Final = "#comment-"
_GUID: Final = re.compile(r"[?&]p=([0-9]{1,18})(?![0-9])")
_NUMBER: Final = re.compile(r"\s*([0-9]{1,18})\s*")
# What an SEO plugin adds to the texts of a feed alone, not to those of the API.
_FOOTER: Final = re.compile(r"\s*<p>The post <a [^<>]{1,2000}>[^<>]{0,500}</a> appeared first on <a ")
_FOOTER_CHARS: Final = 6_000

# The first tag is searched in so many characters, and as many are kept of what follows the last.
_AROUND_CHARS: Final = 65_536
_RSS: Final = re.compile(r"<rss[\s>]")
_RSS_END: Final = "</rss>"
_PROLOG: Final = re.compile(r"<\?[^>]{0,300}\?>|<!--.{0,3000}?-->|\ufeff", re.DOTALL)
# Characters that XML forbids, which end a document for its readers, and our marks.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufdd0\ufdd1\ufffe\uffff]")

_CREATOR: Final = "http://purl.org/dc/elements/1.1/ creator"
# The elements of an item that are shown to feedparser, by namespace and name: it takes a picture's title or description
# (media:title) for the item's, and an address of Atom's for the link.
_USED: Final = frozenset(
    {
        *("title", "link", "guid", "pubDate", "category", "description", _CREATOR),
        "http://purl.org/dc/elements/1.1/ date",
        "http://purl.org/rss/1.0/modules/content/ encoded",
        "com-wordpress:feed-additions:1 post-id",
    }
)
_DECLARATION: Final = b'<?xml version="1.0" encoding="utf-8"?>'
_HEADERS: Final = {"content-type": "application/rss+xml; charset=utf-8"}
_ITEM_END: Final = b"</item>"
_ITEM_DEPTH: Final = 3
_TAIL: Final = b"</channel></rss>"
_CDATA: Final = "<![CDATA["
# Noncharacters. The first marks text that is HTML once XML has been resolved, since it was in a CDATA section or has
# elements of its own; the second any other, which feedparser would repair where it seems to be encoded twice.
_HTML: Final = "\ufdd0"
_PLAIN: Final = "\ufdd1"

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# RFC 822's zones. UTC is in no RFC and means one thing, as Z does; the other letters were defined with a wrong sign.
_ZONES: Final = dict.fromkeys(("ut", "gmt", "utc", "z"), 0) | {
    f"{zone}{kind}t": hours + (kind == "d")
    for zone, hours in (("e", -5), ("c", -6), ("m", -7), ("p", -8))
    for kind in "sd"
}
_TIME: Final = re.compile(
    rf"(?:({'|'.join(_DAYS)})\s{{0,9}},\s{{0,9}})?(\d{{1,2}})\s{{1,9}}({'|'.join(_MONTHS)})\s{{1,9}}(\d{{2,4}})"
    r"\s{1,9}(\d\d):(\d\d)(?::(\d\d))?\s{1,9}(?:([+-])(\d\d):?([0-5]\d)|([a-z]{1,3}))"
    r"(?:\s{0,9}\([^()]{0,80}\))?",
    re.IGNORECASE | re.ASCII,
)
# The largest offset of any zone is 14 hours.
_MAX_OFFSET: Final = timedelta(hours=14)


Item: TypeAlias = dict[str, Any]


def read_feed(text: str, *, url: str | None, charset: str) -> Page:
    """Parse the RSS feed `text` to a page of articles, in the feed's order (newest first). `url` resolves links.

    Of a feed that is broken XML, the items that are complete before the error are read, and there is one reject.
    """
    why = why_too_many_tags(text)
    if why is not None:
        return refused_page(PageKind.FEED, RejectReason.TOO_LARGE, why, text, charset)
    document, around, problem = _document(text)
    items: list[Item] = []
    if problem is None:
        items, problem = _read_items(document)
    articles: list[Article] = []
    rejects = [] if problem is None else [Reject.of(RejectReason.BAD_XML, problem[:300], text)]
    for item in items:
        read = _article(item, len(articles) + 1, url)
        if isinstance(read, Article):
            article, foreign = drop_foreign_link(read, url)
            articles.append(article)
            rejects += [*foreign, *time_rejects("pubDate", _date(item), article.published_at)]
        else:
            rejects.append(read)
    return Page(PageKind.FEED, charset, tuple(articles), (*rejects, *around))


def _document(text: str) -> tuple[str, list[Reject], str | None]:
    """The element `rss` of `text`, the reject of text around it, and why the document is refused, else None."""
    start = _RSS.search(text, 0, _AROUND_CHARS)
    if start is None:
        return "", [], "no RSS: the document's element is another"
    before = text[: start.start()]
    if "<!doctype" in before.lower():
        return "", [], "a document type declaration, which no feed needs and entities come with"
    end = text.rfind(_RSS_END)
    end = len(text) if end < 0 else end + len(_RSS_END)
    after = text[end : end + _AROUND_CHARS]
    document = _FORBIDDEN.sub("\ufffd", text[start.start() : end])
    return document, surrounding_rejects(_PROLOG.sub("", before), _PROLOG.sub("", after)), None


def _read_items(document: str) -> tuple[list[Item], str | None]:
    """The items that are complete before the first error, as feedparser's entries, and the error (or None)."""
    screen = _Screen(document.encode("utf-8", "replace"))
    feed = screen.kept()
    if feed is None:
        return [], screen.problem
    try:
        read = feedparser.parse(
            BytesIO(_DECLARATION + feed),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers=_HEADERS,
        )
    except Exception as error:  # noqa: BLE001  a feed that breaks the library must not end the run
        return [], f"feedparser cannot read it: {type(error).__name__}"
    problem = f"feedparser: {read['bozo_exception']}" if read.get("bozo") else None
    return [dict(entry) for entry in read["entries"]], screen.problem or problem


class _Screen:
    """A filter of the XML that feedparser gets: the items complete before the first error, with the used elements only.

    An item keeps the first non-empty element of each name, and every `category`.
    """

    def __init__(self, document: bytes) -> None:
        self.problem: str | None = None
        self._document = document
        self._edits: list[tuple[int, int, str]] = []
        self._depth = self._items = self._chars = 0
        self._seen: set[str] = set()
        self._cut_from: int | None = None
        self._cut_depth = self._used_from = 0
        self._is_cut_done = False
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._read_text
        self._parser.StartCdataSectionHandler = self._start_cdata
        end = len(document)
        try:
            self._parser.Parse(document, True)  # noqa: FBT003  the C function takes no name
        except expat.ExpatError as error:
            self.problem, end = f"no well-formed XML: {error}", self._parser.ErrorByteIndex
        except ValueError as error:
            self.problem, end = str(error), self._parser.CurrentByteIndex
        self._stop = end

    def kept(self) -> bytes | None:
        """The part of the RSS feed that is parsed, as bytes; None where no item is complete before an error."""
        end, tail = self._stop, b""
        if self.problem is not None:
            # feedparser would read on leniently after an error, half an item included.
            end, tail = self._document.rfind(_ITEM_END, 0, self._stop) + len(_ITEM_END), _TAIL
            if end < len(_ITEM_END):
                return None
        parts: list[bytes] = []
        at = 0
        for start, stop, mark in self._edits:
            if stop <= end:
                parts += [self._document[at:start], mark.encode()]
                at = stop
        return b"".join([*parts, self._document[at:end], tail])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._end_cut()
        self._depth += 1
        if self._cut_from is not None:
            return
        below = self._depth - _ITEM_DEPTH
        is_item = below == 0 and name == "item"
        self._items += is_item
        for what, count, most in (
            ("nested elements", self._depth, _MAX_DEPTH),
            ("items", self._items, MAX_ITEMS),
            ("attributes", len(attributes), _MAX_ATTRIBUTES),
        ):
            if count > most:
                raise ValueError(f"more than {most} {what}")
        if is_item:
            self._seen.clear()
        elif below == 0 or (below == 1 and (name not in _USED or name in self._seen)):
            self._cut_from, self._cut_depth = self._parser.CurrentByteIndex, self._depth
        elif below == 1:
            self._chars, self._used_from = 0, self._parser.CurrentByteIndex
        elif below > 1:
            self._mark(_HTML, 0)

    def _end(self, name: str) -> None:
        self._end_cut()
        if self._cut_from is not None:
            self._is_cut_done = self._depth == self._cut_depth
        elif self._depth == _ITEM_DEPTH + 1 and not self._chars:
            # An empty link would keep a guid from being the link.
            self._cut_from, self._is_cut_done = self._used_from, True
        elif self._depth == _ITEM_DEPTH + 1 and name != "category":
            if name == _CREATOR and self._chars > _MAX_NAME:
                raise ValueError(f"more than {_MAX_NAME} characters in an author's name (dc:creator)")
            self._seen.add(name)
        self._depth -= 1

    def _read_text(self, text: str) -> None:
        self._end_cut()
        if self._cut_from is None and self._depth > _ITEM_DEPTH and text.strip():
            if not self._chars:
                self._mark(_PLAIN, 0)
            self._chars += len(text)

    def _start_cdata(self) -> None:
        self._end_cut()
        if self._cut_from is None and self._depth > _ITEM_DEPTH:
            self._mark(_HTML, len(_CDATA))

    def _mark(self, mark: str, after: int) -> None:
        at = self._parser.CurrentByteIndex + after
        self._edits.append((at, at, mark))

    def _end_cut(self) -> None:
        """End the removal of an element where the next element starts: only there its last byte is known."""
        if self._is_cut_done and self._cut_from is not None:
            while self._edits and self._edits[-1][0] >= self._cut_from:
                self._edits.pop()
            self._edits.append((self._cut_from, self._parser.CurrentByteIndex, ""))
            self._cut_from, self._is_cut_done = None, False


def _article(item: Item, position: int, url: str | None) -> Article | Reject:
    title, link = _plain(item.get("title")), _text(item, "link")
    link = link and resolve(url, link)
    if title is None and link is None:
        return Reject(RejectReason.BAD_XML, "an item without title and link", "")
    if any(_COMMENT in (_text(item, name) or "") for name in ("link", "id")):
        # The feed at /slug/feed/ has the comments on an article, each with its address.
        return Reject.of(RejectReason.NO_ARTICLES, "an item is a comment on an article", title or "")
    whole = next(filter(None, (_markup(part["value"]) for part in item.get("content", ()))), "")
    # Without a description feedparser copies the whole text there.
    excerpt = _markup(item.get("summary")) if "summary_detail" in item else ""
    article = read_content(whole or excerpt)
    summary = read_content(excerpt) if whole else None
    if article is None:
        return Reject.of(RejectReason.TOO_LARGE, "the text of an item has too many tags", whole or excerpt)
    names = (_plain(tag["term"]) for tag in item.get("tags", ()))
    return article._replace(
        position=position,
        title=title,
        url=link,
        is_truncated=article.is_truncated or _is_excerpt(article, summary, has_whole=bool(whole)),
        author=_plain(item.get("author")),
        published_at=read_time(_date(item) or ""),
        post_id=_post_id(item),
        categories=tuple(dict.fromkeys(name for name in names if name is not None)),
    )


def _is_excerpt(article: Article, summary: Article | None, *, has_whole: bool) -> bool:
    """Whether the text of an item is only its description, the excerpt."""
    if not has_whole or summary is None:
        return not has_whole and article.text is not None
    words = (article.text or "").split()
    return len(words) > EXCERPT_WORDS and words == (summary.text or "").split()


def _unwrapped(value: str | None) -> tuple[str, bool]:
    """A value without CDATA marks, also where they were escaped once or twice more, and whether it is HTML."""
    text = (value or "").replace(_HTML, "").replace(_PLAIN, "")
    if text.lstrip().startswith(html.escape(_CDATA)):
        text = html.unescape(text)
    is_html = _CDATA in text or _HTML in (value or "")
    if _CDATA in text:
        text = text.replace(_CDATA, "").replace("]]>", "")
    return to_valid_text(text).strip(), is_html


def _text(item: Item, name: str) -> str | None:
    """The text of the element `name` of an item, as printed; None where it is missing or empty."""
    return _unwrapped(item.get(name))[0] or None


def _date(item: Item) -> str | None:
    """The publication time of an item as printed: its `pubDate`, else its `dc:date`."""
    return _text(item, "published") or _text(item, "updated")


def _plain(value: str | None) -> str | None:
    """A title or name as text; entities are resolved only in HTML (CDATA): elsewhere the XML parser has done so."""
    text, is_html = _unwrapped(value)
    return html_to_text(text) if is_html else " ".join(text.split()) or None


def _markup(value: str | None) -> str:
    """The HTML of an element, without the footer "The post ... appeared first on ..." of SEO plugins."""
    text, _ = _unwrapped(value)
    at = text.find("<p>The post <a ", max(0, len(text) - _FOOTER_CHARS))
    footer = _FOOTER.match(text, at) if at >= 0 else None
    return text if footer is None else text[:at]


def _post_id(item: Item) -> int | None:
    numbered = [(name, _NUMBER) for name in item if name.endswith("post-id")]
    for name, form in (*numbered, ("id", _GUID)):
        match = form.search(_text(item, name) or "")
        if match is not None and int(match[1]):
            return int(match[1])
    return None


def read_time(value: str) -> datetime | None:
    """Parse the time of publication of a feed item (`pubDate`) to UTC; None for other text.

    >>> read_time("Thu, 4 Dec 2025 14:00 +0500")
    datetime.datetime(2025, 12, 4, 9, 0, tzinfo=datetime.timezone.utc)

    Read are RFC 2822 and ISO 8601 with an offset; `-0000` is UTC. None is returned also for a time without a zone or
    with one that RFC 822 does not define, and for a date with the wrong weekday.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        return parse_instant(value) if len(value) <= 40 else None
    weekday, day, month, year, hour, minute, second, sign, hours, minutes, zone = match.groups()
    if zone is None:
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    elif zone.lower() in _ZONES:
        offset = timedelta(hours=_ZONES[zone.lower()])
    else:
        return None
    # RFC 2822, 4.3: years of two digits are of 1950 to 2049, those of three count from 1900.
    century = 0 if len(year) == 4 else 2000 if len(year) == 2 and year < "50" else 1900
    try:
        local = datetime(
            century + int(year),
            _MONTHS.index(month.lower()) + 1,
            *(int(day), int(hour), int(minute), int(second or 0)),
            tzinfo=UTC,
        )
        time = local - offset
    except (ValueError, OverflowError):
        return None
    if abs(offset) > _MAX_OFFSET or (weekday and _DAYS.index(weekday.lower()) != local.weekday()):
        return None
    return parse_instant(time.isoformat())
