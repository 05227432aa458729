"""HTML to lines: lexbor parses, and one native pass gives the text of the page in order.

Nothing here knows a theme. Marks (control characters that no page can bring in) are set into the tree where
something begins or ends; inline elements are unwrapped, so that each run of text between two blocks is one
segment. All work per node is done by lexbor; Python sees headings, times, bylines and captions only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from ca_etl.parse.boilerplate import BLOCKS, boilerplate_of_article, drop_boilerplate, is_named
from ca_etl.parse.note_marks import STRUCK, drop_note_links, drop_struck, is_struck, set_apart

MARK: Final = "\x02"
MARK_END: Final = "\x03"
# Between two text nodes. A page that holds one itself only has one more line.
GAP: Final = "\x04"
_MARK_FORM: Final = f"{MARK}%d{MARK_END}".encode()

# fmt: off
_NEVER: Final = (
    "script", "style", "noscript", "template", "iframe", "svg", "select", "textarea", "button",
)
# fmt: on
_CHROME: Final = ("nav", "aside", "footer")
# fmt: off
_INLINE: Final = (
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "nobr", "output", "q", "ruby", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var",
)
# fmt: on
HEADINGS: Final = ("h1", "h2", "h3", "h4")
_HIDDEN: Final = "[hidden],[style]"
_NOT_SHOWN: Final = re.compile(r"display:\s?none", re.IGNORECASE)
_HEADING: Final = ",".join(HEADINGS)
_SHOWN: Final = frozenset({"body", *HEADINGS})
_LINKED_DATA: Final = "application/ld+json"
_BAD_REFERENCE: Final = re.compile(rb"&#(?:0*2(?![0-9])|[xX]0*2(?![0-9a-fA-F]));?")
_REPLACEMENT: Final = "\ufffd".encode()
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


def _is_linked_data(script: LexborNode) -> bool:
    """Whether a script is JSON-LD: its media type may have parameters."""
    return (script.attributes.get("type") or "").partition(";")[0].strip().lower() == _LINKED_DATA


class _TagIds(NamedTuple):
    """lexbor's numbers of the element names that are looked for."""

    walked: frozenset[int]
    never: frozenset[int]
    script: int
    joined: frozenset[int]
    sorted: frozenset[int]
    blocks: frozenset[int]
    headings: frozenset[int]
    time: int


@cache
def _tag_ids() -> _TagIds:
    """The numbers, from lexbor itself: they are constants of its build."""
    tree = LexborHTMLParser("<p>")

    def numbers(*names: str) -> frozenset[int]:
        return frozenset(tree.create_node(name).tag_id for name in names)

    return _TagIds(
        walked=numbers(*_NEVER, *_CHROME, *STRUCK, *BLOCKS, "wbr"),
        never=numbers(*_NEVER),
        script=tree.create_node("script").tag_id,
        joined=numbers(*STRUCK, "wbr"),
        sorted=numbers(*_INLINE, *HEADINGS),
        blocks=numbers(*BLOCKS),
        headings=numbers(*HEADINGS),
        time=tree.create_node("time").tag_id,
    )


def _is_within(node: LexborNode, numbers: frozenset[int]) -> bool:
    """Whether an element around `node` has one of these tags."""
    parent = node.parent
    while parent is not None and parent.tag_id not in numbers:
        parent = parent.parent
    return parent is not None


@dataclass(slots=True)
class Body:
    """The elements of a page that articles are told by, in document order."""

    headings: list[LexborNode] = field(default_factory=list)
    times: list[LexborNode] = field(default_factory=list)


class Markup:
    """One parsed page on its way to segments; `flat` is taken before the marks, `text` after them."""

    def __init__(self, html: bytes) -> None:
        """Parse `html` (UTF-8). Mark characters in its text, literal or as references, become U+FFFD."""
        self._parse(html)
        if MARK in self.flat:
            self._parse(_BAD_REFERENCE.sub(_REPLACEMENT, html.replace(MARK.encode(), _REPLACEMENT)))
        self._marks = 0
        self._inline: list[LexborNode] = []

    def _parse(self, html: bytes) -> None:
        self.tree = LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)
        self.body = self.tree.body
        self._chrome: list[LexborNode] = []
        self._blocks: list[LexborNode] = []
        # Some plugins print JSON-LD at the end of the body, where scripts are dropped.
        self._linked: list[str] = []
        ids = _tag_ids()
        never: list[LexborNode] = []
        has_joined = False
        for node in self._nodes(ids.walked):
            if node.tag_id in ids.never:
                if node.tag_id == ids.script and _is_linked_data(node):
                    self._linked.append(node.text())
                never.append(node)
            elif node.tag_id in ids.blocks:
                classes = node.attributes.get("class")
                if classes and is_named(classes, is_article=False):
                    self._blocks.append(node)
            elif node.tag_id in ids.joined:
                has_joined = True
            else:
                self._chrome.append(node)
        # Handles of what goes with these would be lost.
        self._blocks = (
            [node for node in self._blocks if not _is_within(node, ids.never)] if never else self._blocks
        )
        # From the end: what is taken out holds none that is still to come.
        for node in reversed(never):
            node.decompose()
        if self.body is not None:
            if has_joined:
                drop_struck(self.body.css(",".join(STRUCK)))
                for node in self.body.css("wbr"):
                    node.decompose()
                self.body.merge_text_nodes()
            if b"<su" in html or b"<SU" in html:
                set_apart(self.body)
        # The text of the whole body, menus and margins included: the ticker can stand there.
        self.flat = "" if self.body is None else self.body.text(separator=GAP, skip_empty=True)

    def _nodes(self, wanted: frozenset[int]) -> list[LexborNode]:
        # One walk that compares numbers costs half of a selector with as many names.
        return [] if self.body is None else [node for node in self.body.traverse() if node.tag_id in wanted]

    def read_body(self, *, is_article: bool = False) -> Body:
        """Drop menus, margins, footers, what is hidden and what plugins add, and sort what is left.

        More is dropped where the page or the piece of HTML is one article (`is_article`), lists of posts and links to
        notes among it: a listing consists of such lists.
        """
        if self.body is not None:
            drop_boilerplate(self.body, self._blocks)
        for node in reversed(self._chrome):
            node.decompose()
        self._chrome, self._blocks = [], []
        self._drop_hidden()
        if is_article:
            self.drop_article_boilerplate()
        ids = _tag_ids()
        sorted_body = Body()
        for node in self._nodes(ids.sorted):
            number = node.tag_id
            if number in ids.headings:
                sorted_body.headings.append(node)
                continue
            self._inline.append(node)
            if number == ids.time:
                sorted_body.times.append(node)
        return sorted_body

    def drop_article_boilerplate(self) -> None:
        """Drop what only an article's page has beside its text, and links to notes. What was sorted before is lost."""
        if self.body is not None:
            drop_boilerplate(self.body, boilerplate_of_article(self.body))
            drop_note_links(self.body)

    def _drop_hidden(self) -> None:
        """Drop what no reader sees; scripts show whole pages and lists later, so what holds headings stays."""
        has_struck = False
        for node in reversed(self.find(_HIDDEN)):
            attributes = node.attributes
            style = attributes.get("style") or ""
            is_hidden = "hidden" in attributes or _NOT_SHOWN.search(style) is not None
            if is_hidden and node.tag not in _SHOWN and node.css_first(_HEADING) is None:
                node.decompose()
            else:
                has_struck = has_struck or "line-through" in style.lower()
        if has_struck:
            drop_struck([node for node in self.find("[style]") if is_struck(node)])

    def find(self, selector: str) -> list[LexborNode]:
        """The elements of the body that match, in document order."""
        return [] if self.body is None else self.body.css(selector)

    def head_attribute(self, selector: str, name: str) -> str | None:
        """An attribute of the first element of the head that matches."""
        node = None if self.tree.head is None else self.tree.head.css_first(selector)
        return None if node is None else node.attributes.get(name)

    def linked_data(self) -> list[str]:
        """The JSON-LD of the page, script by script, as written."""
        head = self.tree.head
        scripts = [] if head is None else head.css("script[type]")
        return [*(node.text() for node in scripts if _is_linked_data(node)), *self._linked]

    def mark_before(self, node: LexborNode) -> str:
        """Set a mark before `node`; returns its number, which `text` gives back."""
        self._marks += 1
        node.insert_before(_MARK_FORM % self._marks)
        return str(self._marks)

    def mark_after(self, node: LexborNode) -> str:
        """Set a mark after `node`."""
        self._marks += 1
        node.insert_after(_MARK_FORM % self._marks)
        return str(self._marks)

    def text(self) -> str:
        """The text of the body, `GAP` between block borders, marks as `MARK` number `MARK_END`."""
        for node in self._inline:
            # An empty one that stayed would make two lines of "Kyrgyz<b></b>stan".
            node.unwrap(delete_empty=True)
        body = self.tree.body
        if body is None:
            return ""
        body.merge_text_nodes()
        return body.text(separator=GAP, skip_empty=True)
