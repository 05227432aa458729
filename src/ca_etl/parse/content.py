"""HTML that stands inside of a JSON or RSS answer: a title, and the text of an article."""

from __future__ import annotations

from typing import Final

from selectolax.lexbor import LexborHTMLParser

from ca_etl.parse.cards import read_cards
from ca_etl.parse.clean import squeeze
from ca_etl.parse.markup import MAX_TAGS, Markup, set_apart, too_complex
from ca_etl.parse.page import Article

# The text of a post is read as that of its page is: behind a heading, up to the end of the body.
_HEADLINE: Final = "-"
_BEFORE: Final = f"<body><h1>{_HEADLINE}</h1>".encode()
_NOTHING: Final = Article(1, None, None, None, is_truncated=False)


def too_many_tags(text: str) -> str | None:
    """Why the pieces of HTML in a JSON or RSS answer would together take seconds, or None."""
    tags = sum(map(text.count, ("<", "&lt;", "\\u003c", "\\u003C")))
    return f"{tags} tags, more than {MAX_TAGS}" if tags > MAX_TAGS else None


def well_formed(text: str) -> str:
    """`text` without what UTF-8 or DuckDB's readers refuse: lone surrogates and NUL become U+FFFD."""
    text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(html: str) -> str | None:
    """A title or name as text: tags taken out, then entities resolved, once; None when nothing is left.

    >>> plain("Milk &amp;#8217; <em>Honey</em>")
    'Milk &#8217; Honey'
    """
    if ("<" in html or "&" in html) and too_complex(html.encode()) is None:
        body = LexborHTMLParser(f"<body>{html}").body
        if body is not None and "<su" in html:
            set_apart(body)
        html = "" if body is None else body.text()
    return squeeze(html) or None


def read_content(html: str) -> Article | None:
    """Text, media, dateline and truncation of a post's HTML, as of its own page; None when it is too complex."""
    markup = _BEFORE + html.encode()
    if too_complex(markup) is not None:
        return None
    articles = read_cards(Markup(markup), None, headline=_HEADLINE).articles
    return articles[0]._replace(title=None) if articles else _NOTHING
