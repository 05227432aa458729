"""HTML inside of a JSON or RSS response: a title, and the text of an article."""

from __future__ import annotations

from ca_etl.parse.cards import take_captions
from ca_etl.parse.clean import squeeze
from ca_etl.parse.labels import clean_article
from ca_etl.parse.markup import GAP, MAX_TAGS, Markup, too_complex
from ca_etl.parse.page import Article


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
        body = _body(html).body
        for node in body.css("br"):
            node.insert_before(" ")
        html = body.text()
    return squeeze(html) or None


def read_content(html: str) -> Article | None:
    """Text, media, dateline and truncation of a post's HTML, as of its own page; None when it is too complex."""
    if too_complex(html.encode()) is not None:
        return None
    markup = _body(html)
    media = take_captions(markup.body)
    cleaned = clean_article(markup.text().split(GAP))
    return Article(
        position=1,
        title=None,
        url=None,
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        dateline=cleaned.dateline,
        media=(*media, *cleaned.media),
    )


def _body(html: str) -> Markup:
    markup = Markup(f"<body>{html}".encode())
    markup.read_body(is_article=True)
    return markup
