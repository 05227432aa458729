"""Blocks that plugins and themes print around and within the text of an article, by the names they give them.

`boilerplate.csv` has a row for each source, the names being those in the markup that the plugin prints. A name is a
whole class or id; one that ends in `*` is every name with that prefix. Rows for an `article` count only where the page
or piece of HTML is one article: what they name makes up a listing (lists of posts), or tells what page it is
(breadcrumbs).

Whatever its name, an element stays that holds the title (`h1`), `main` or WordPress's own content element, or more
text in paragraphs than is left beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from selectolax.lexbor import LexborNode

BLOCKS: Final = ("div", "section", "ul", "form")
ARTICLE_BLOCKS: Final = frozenset(
    {*BLOCKS, "ol", "details", "p", "span", "header", "h2", "h3", "h4", "a", "i", "table"}
)

# What the table's class names cannot say. `form` itself is a search, a comment or a registration within an article.
_ROLES: Final = frozenset(
    {"complementary", "navigation", "search", "form", "banner", "contentinfo", "doc-endnotes"}
)
_CONTENT: Final = "h1,main,.entry-content,.post-content,.article-content,.article-body"
_OWN: Final = frozenset(
    {"hentry", "entry-content", "post-content", "article-content", "article-body", "type-post"}
)
_PARAGRAPH_CHARS: Final = 60
_NOTHING_LEFT: Final = 5
# No real page has that many elements that hold its text and are named like boilerplate.
_MAX_KEPT: Final = 20


@cache
def _names(*, is_article: bool) -> tuple[frozenset[str], tuple[str, ...]]:
    """The whole names and the prefixes of the table."""
    table = resources.files("ca_etl.parse").joinpath("boilerplate.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(table.splitlines()) if is_article or row["where"] == "any page"]
    names = [name for row in rows for name in row["names"].split()]
    exact = frozenset(name for name in names if name[-1] != "*")
    return exact, tuple(name[:-1] for name in names if name[-1] == "*")


@lru_cache(maxsize=4_096)
def is_named(classes: str, *, is_article: bool) -> bool:
    """Whether an element with these classes (or this id) is boilerplate; a page has few different ones."""
    names = classes.split()
    exact, prefixes = _names(is_article=is_article)
    is_in_table = not exact.isdisjoint(names) or any(name.startswith(prefixes) for name in names)
    return is_in_table and _OWN.isdisjoint(names)


def boilerplate_of_article(body: LexborNode) -> list[LexborNode]:
    """The elements of one article's page that have a name or role of the table, in document order."""
    blocks: list[LexborNode] = []
    for node in body.css("[class],[id],[role],form"):
        attributes = node.attributes
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        is_block = node.tag == "form" or attributes.get("role") in _ROLES
        if node.tag in ARTICLE_BLOCKS and (is_block or is_named(names, is_article=True)):
            blocks.append(node)
    return blocks


def drop_boilerplate(body: LexborNode, blocks: Sequence[LexborNode]) -> None:
    """Drop `blocks`, which are in document order, but those that hold the text."""
    whole: int | None = None
    kept = 0
    # From the end: what is dropped holds none that is still to come, and no text is measured twice.
    for node in reversed(blocks):
        own = len(node.text())
        paragraphs = _paragraphs(node) if own >= _PARAGRAPH_CHARS else []
        if paragraphs and whole is None:
            whole = len(body.text())
        rest = (whole or 0) - own
        is_text = sum(paragraphs) > rest and (len(paragraphs) > 2 or rest <= _NOTHING_LEFT)
        if (paragraphs and is_text) or (own and node.css_first(_CONTENT) is not None):
            kept += 1
            if kept > _MAX_KEPT:
                break
        else:
            node.decompose()
            whole = None if whole is None else rest


def _paragraphs(node: LexborNode) -> list[int]:
    """How many characters its paragraphs have outside of links, each that could be prose."""
    lengths = [len(part.text()) - sum(len(link.text()) for link in part.css("a")) for part in node.css("p")]
    return [length for length in lengths if length >= _PARAGRAPH_CHARS]
