"""HTML inside of a JSON or RSS response: a title, and the text of an article."""

from __future__ import annotations

from ca_etl.parse.cards import split_lead, take_captions
from ca_etl.parse.clean import clean, squeeze
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
        markup = Markup(f"<body>{html}".encode())
        markup.read_body(is_article=True)
        for node in markup.find("br"):
            node.insert_before(" ")
        html = "" if markup.body is None else markup.body.text()
    return squeeze(html) or None


def read_content(html: str) -> Article | None:
    """Text, media, dateline and truncation of a post's HTML, as of its own page; None when it is too complex."""
    fragment = b"<body>" + html.encode()
    if too_complex(fragment) is not None:
        return None
    markup = Markup(fragment)
    markup.read_body(is_article=True)
    media = take_captions(markup.body)
    lead = split_lead(markup.text().split(GAP))
    cleaned = clean(lead.paragraphs)
    return Article(
        position=1,
        title=None,
        url=None,
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        dateline=cleaned.dateline,
        media=(*media, *lead.credits, *cleaned.media),
    )
