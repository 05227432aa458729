"""HTML to lines: lexbor parses, and one native pass gives the text of the page in order.

Nothing here knows a theme. Marks (control characters that no page can bring in) are set into the tree where
something begins or ends; inline elements are unwrapped, so that each run of text between two blocks is one
segment. All work per node is done by lexbor; Python sees headings, times, bylines and captions only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Final, NamedTuple

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from ca_etl.parse import pruning
from ca_etl.parse.links import path_parts
from ca_etl.parse.pruning import BLOCKS, CHROME, HEADINGS

MARK: Final = "\x02"
MARK_END: Final = "\x03"
# Between two text nodes. A page that holds one itself only has one more line.
GAP: Final = "\x04"
_BAD_REFERENCE: Final = re.compile(rb"&#(?:0*2(?![0-9])|[xX]0*2(?![0-9a-fA-F]));?")
_REPLACEMENT: Final = "\ufffd".encode()

# Names of elements, parted by spaces.
_NEVER: Final = "script style noscript template iframe svg select textarea button"
_OF_WORDS: Final = "s del strike wbr sup sub"
_BLOCKS: Final = " ".join((*BLOCKS, *CHROME))
_INLINE: Final = (
    "a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd mark nobr output q ruby samp small span strong "
    "sub sup time tt u var"
)

# First path segments that lead to another list of the site.
_LISTS: Final = frozenset({"author", "our-people", "category", "tag", "page", "feed", "latest", "wp-admin"})

_TAG: Final = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9-]*)")
# Elements that have no end tag, or that their next sibling closes.
_FLAT: Final = frozenset(
    b"area base br col embed hr img input link meta source track wbr "
    b"p li dt dd td th tr option tbody thead tfoot".split()
)
# Tree building in lexbor walks up the open elements at every block: 20,000 nested divs took 0.6 s and 200,000
# took 150 s. Real pages have 2,000 to 5,000 tags, nested some 30 deep.
FREE_TAGS: Final = 8_000
MAX_TAGS: Final = 150_000
MAX_NESTED_COST: Final = 30_000_000


def too_complex(html: bytes) -> str | None:
    """Why `html` (UTF-8) would take lexbor more than a fraction of a second, or None."""
    tags = html.count(b"<")
    if tags <= FREE_TAGS:
        return None
    if tags > MAX_TAGS:
        return f"{tags} tags, more than {MAX_TAGS}"
    cost = depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() in _FLAT:
            cost += depth
        elif tag[1]:
            depth = max(0, depth - 1)
        else:
            depth += 1
            cost += depth
    return f"elements nested {depth} deep or more" if cost > MAX_NESTED_COST else None


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """The elements around a node within the body, from the inside."""
    parent = node.parent
    while parent is not None and parent.tag not in {"body", "html"}:
        yield parent
        parent = parent.parent


@cache
def _numbers(names: str) -> frozenset[int]:
    """The numbers that lexbor has for these element names: constants of its build."""
    tree = LexborHTMLParser("<p>")
    return frozenset(tree.create_node(name).tag_id for name in names.split())


class Heading(NamedTuple):
    """A heading, and the link in it or around it that can lead to an article."""

    node: LexborNode
    href: str | None


class Markup:
    """One parsed page on its way to segments; `flat` is taken before the marks, `text` after them."""

    def __init__(self, html: bytes) -> None:
        """Parse `html` (UTF-8). Mark characters in its text, literal or as references, become U+FFFD."""
        self._parse(html)
        if MARK in self.flat:
            self._parse(_BAD_REFERENCE.sub(_REPLACEMENT, html.replace(MARK.encode(), _REPLACEMENT)))
        self._marks = 0

    def _parse(self, html: bytes) -> None:
        self.tree = LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)
        self.head = self.tree.head or self.tree.create_node("head")
        # A page of frames has none.
        self.body = self.tree.body or self.tree.create_node("body")
        nodes = self._nodes(f"{_NEVER} {_OF_WORDS}")
        never = [node for node in nodes if node.tag_id in _numbers(_NEVER)]
        # Some plugins print JSON-LD at the end of the body, where scripts are dropped.
        self._linked_data = [node.text() for node in never if _is_linked_data(node)]
        # From the end: what is taken out holds none that is still to come.
        for node in reversed(never):
            node.decompose()
        if len(nodes) > len(never):
            pruning.prune_words(self.body)
        # The text of the whole body, menus and margins included: the ticker can be there.
        self.flat = self.body.text(separator=GAP, skip_empty=True)

    def _nodes(self, names: str) -> list[LexborNode]:
        # One walk that compares numbers costs half of a selector with as many names.
        numbers = _numbers(names)
        return [node for node in self.body.traverse() if node.tag_id in numbers]

    def read_body(self, *, is_article: bool = False) -> list[Heading]:
        """Drop menus, margins, footers, what is hidden and what plugins add; returns the headings that are left.

        Of one article (`is_article`) lists of posts and links to notes are dropped too: listings consist of such lists.
        """
        pruning.drop_blocks(self.body, [node for node in self._nodes(_BLOCKS) if _is_boilerplate(node)])
        pruning.drop_hidden(self.body)
        if is_article:
            pruning.drop_article_boilerplate(self.body)
        return [Heading(node, _article_link(node)) for node in self.body.css(",".join(HEADINGS))]

    def head_attribute(self, selector: str, name: str) -> str | None:
        """An attribute of the first element of the head that matches."""
        node = self.head.css_first(selector)
        return None if node is None else node.attrs.get(name)

    def linked_data(self) -> list[str]:
        """The JSON-LD of the page, script by script, as written."""
        in_head = [node.text() for node in self.head.css("script[type]") if _is_linked_data(node)]
        return in_head + self._linked_data

    def mark(self, insert: Callable[[bytes], None]) -> str:
        """Set a mark by `insert`, a node's `insert_before` or `insert_after`; returns its number, as in `text`."""
        self._marks += 1
        insert(f"{MARK}{self._marks}{MARK_END}".encode())
        return str(self._marks)

    def text(self) -> str:
        """The text of the body, `GAP` between block borders, marks as `MARK` number `MARK_END`."""
        for node in self._nodes(_INLINE):
            # An empty one that stayed would make two lines of "Kyrgyz<b></b>stan".
            node.unwrap(delete_empty=True)
        self.body.merge_text_nodes()
        return self.body.text(separator=GAP, skip_empty=True)


def _article_link(heading: LexborNode) -> str | None:
    """The link in a heading or around it, as written, when it can lead to an article.

    Not: a link within the page, to another scheme, to the home page or to another list.
    """
    # Nearly every title begins with its link, which is seen without a search.
    link = heading.first_child
    if link is None or link.tag != "a" or "href" not in link.attrs:
        around = (outer for outer in islice(ancestors(heading), 3) if outer.tag == "a")
        link = heading.css_first("a[href]") or next(around, None)
    href = "" if link is None else (link.attrs.get("href") or "").strip()
    is_web = ":" not in href.partition("/")[0] or href.lower().startswith(("http:", "https:"))
    parts = path_parts(href) if is_web else []
    return href if parts and parts[0] not in _LISTS else None


def _is_boilerplate(node: LexborNode) -> bool:
    return node.tag in CHROME or pruning.is_named(node.attrs.get("class") or "", is_article=False)


def _is_linked_data(script: LexborNode) -> bool:
    """Whether a script is JSON-LD: its media type may have parameters."""
    kind = (script.attrs.get("type") or "").partition(";")[0]
    return kind.strip().lower() == "application/ld+json"
