"""Helpers shared by the parsers of feed, posts API and JSON-LD: HTML fragments to text, rejects of invalid values."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from ca_etl.parse.html_document import MAX_TAGS, Markup, take_captions, why_too_complex
from ca_etl.parse.lines import clean_article, collapse_spaces
from ca_etl.parse.page import EXCERPT_CHARS, GAP, Article, Page, PageKind, Reject
from ca_etl.records import RejectReason, site_name

# What WordPress writes where there is no time yet, in JSON and in a feed.
_NO_TIME: Final = re.compile(r"\s*(?:0000-00-00.*|.* -0001 .*)?", re.DOTALL)


def refused_page(kind: PageKind, reason: RejectReason, why: str, text: str, charset: str) -> Page:
    """A page without articles for a response that cannot be used, with one reject: code `reason` and detail `why`."""
    return Page(kind, charset, rejects=(Reject.of(reason, why[:300], text),))


def surrounding_rejects(before: str, after: str) -> list[Reject]:
    """The reject of text before or after a JSON or XML document (printed by PHP, a plugin or a cache), as a list.

    The list is empty where `before` and `after` are white space.
    """
    parts = (("before", before.strip("\ufeff \t\r\n")), ("after", after.strip("\ufeff \t\r\n")))
    cut = [(where, to_valid_text(text)) for where, text in parts if text]
    if not cut:
        return []
    detail = ", ".join(f"{len(text)} characters {where} the document" for where, text in cut)
    excerpt = " [...] ".join(text[: EXCERPT_CHARS // len(cut) - 4] for _, text in cut)
    return [Reject.of(RejectReason.EXTRA_TEXT, f"cut off: {detail}", excerpt)]


def drop_foreign_link(article: Article, url: str | None) -> tuple[Article, list[Reject]]:
    """Remove the link of `article` where it leads to another site than `url`, the address of the response.

    Returns the article and a list with the reject of the link, which is empty where the link is kept.
    """
    if article.url is None or url is None or site_name(article.url) == site_name(url):
        return article, []
    why = f"the link leads to {site_name(article.url)[:100]}, not to {site_name(url)}: it is not taken"
    reject = Reject.of(RejectReason.OTHER_SITE, why, f"{article.title or ''} {article.url}".strip())
    return article._replace(url=None), [reject]


def time_rejects(name: str, value: object, read: datetime | None) -> list[Reject]:
    """The reject of a time in a JSON or XML response that could not be read, as a list.

    `value` is the text of the field `name`, `read` the time parsed from it, None where that failed. The list is empty
    where the time was read, is missing, or is WordPress' "no time yet" (0000-00-00).
    """
    if read is not None or value is None:
        return []
    text = to_valid_text(str(value)[:200])
    if _NO_TIME.fullmatch(text):
        return []
    return [Reject.of(RejectReason.BAD_TIME, f"{name} is not a time that an article can have", text)]


def why_too_many_tags(text: str) -> str | None:
    """The reason why the HTML in a JSON or RSS response would take seconds to parse; None where it would not."""
    tags = sum(map(text.count, ("<", "&lt;", "\\u003c", "\\u003C")))
    return f"{tags} tags, more than {MAX_TAGS}" if tags > MAX_TAGS else None


def to_valid_text(text: str) -> str:
    """Replace lone surrogates (not encodable in UTF-8) and NUL (refused by readers of DuckDB) in `text` by U+FFFD."""
    text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def html_to_text(html: str) -> str | None:
    """Convert the HTML of a title or name to text: tags removed, entities resolved once; None when no text is left.

    >>> html_to_text("Milk &amp;#8217; <em>Honey</em>")
    'Milk &#8217; Honey'
    """
    if ("<" in html or "&" in html) and why_too_complex(html.encode()) is None:
        body = _body(html).body
        for node in body.css("br"):
            node.insert_before(" ")
        html = body.text()
    return collapse_spaces(html) or None


def read_content(html: str) -> Article | None:
    """Read the HTML of a post as an article: text, media, dateline and whether it is truncated.

    The rules are those for the article's own page. None where the HTML has too many tags.
    """
    if why_too_complex(html.encode()) is not None:
        return None
    markup = _body(html)
    media = take_captions(markup.body)
    article = clean_article(markup.text().split(GAP))
    return article._replace(media=(*media, *article.media))


def _body(html: str) -> Markup:
    markup = Markup(f"<body>{html}".encode())
    markup.read_body(is_article=True)
    return markup
