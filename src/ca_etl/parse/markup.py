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

MARK: Final = "\x02"
MARK_END: Final = "\x03"
# Between two text nodes. A page that holds one itself only has one more line.
GAP: Final = "\x04"
_MARK_FORM: Final = f"{MARK}%d{MARK_END}".encode()

# fmt: off
# Browsers strike <del> through: what stood there is said no more.
_NEVER: Final = (
    "script", "style", "noscript", "template", "iframe", "svg", "select", "textarea", "button", "del",
)
# fmt: on
_CHROME: Final = ("nav", "aside", "footer")
# fmt: off
_INLINE: Final = (
    "a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "ins", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "time", "u",
)
# fmt: on
HEADINGS: Final = ("h1", "h2", "h3", "h4")
_HIDDEN: Final = "[hidden],[style]"
_NOT_SHOWN: Final = re.compile(r"display:\s?none", re.IGNORECASE)
_HEADING: Final = ",".join(HEADINGS)
_RAISED: Final = "sup,sub"
_FIGURE: Final = re.compile(r"[-+\u2212]?[0-9]")
_SHOWN: Final = frozenset({"body", *HEADINGS})
_LINKED_DATA: Final = "application/ld+json"
_BAD_REFERENCE: Final = re.compile(rb"&#(?:0*2(?![0-9])|[xX]0*2(?![0-9a-fA-F]));?")
_REPLACEMENT: Final = "\ufffd".encode()
_TAG: Final = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9-]*)")
# Elements that have no end tag, or that their next sibling closes.
_FLAT: Final = frozenset(
    {
        b"area",
        b"base",
        b"br",
        b"col",
        b"embed",
        b"hr",
        b"img",
        b"input",
        b"link",
        b"meta",
        b"source",
        b"track",
    }
    | {b"wbr", b"p", b"li", b"dt", b"dd", b"td", b"th", b"tr", b"option", b"tbody", b"thead", b"tfoot"}
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


def set_apart(body: LexborNode) -> None:
    """Keep raised and lowered figures from the digits before them: 10^6, and no note's number behind a sum.

    Text has them in one row, where `300<sup>1</sup> som` would be 3001 som.
    """
    # From the end: what is taken out holds none that is still to come.
    for node in reversed(body.css(_RAISED)):
        if _FIGURE.match(node.text()) is None:
            continue
        if node.css_first('a[href^="#"]') is not None:
            node.decompose()
            continue
        before = node.prev
        if before is not None and before.text()[-1:].isdigit():
            node.insert_before("^" if node.tag == "sup" else "_")


def _is_linked_data(script: LexborNode) -> bool:
    """Whether a script is JSON-LD: its media type may have parameters."""
    return (script.attributes.get("type") or "").partition(";")[0].strip().lower() == _LINKED_DATA


class _TagIds(NamedTuple):
    """lexbor's numbers of the element names that are looked for."""

    dropped: frozenset[int]
    never: frozenset[int]
    script: int
    sorted: frozenset[int]
    headings: frozenset[int]
    time: int


@cache
def _tag_ids() -> _TagIds:
    """The numbers, asked from lexbor itself: they are constants of its build."""
    tree = LexborHTMLParser("<p>")
    numbers = {name: tree.create_node(name).tag_id for name in (*_NEVER, *_CHROME, *_INLINE, *HEADINGS)}
    return _TagIds(
        dropped=frozenset(numbers[name] for name in (*_NEVER, *_CHROME)),
        never=frozenset(numbers[name] for name in _NEVER),
        script=numbers["script"],
        sorted=frozenset(numbers[name] for name in (*_INLINE, *HEADINGS)),
        headings=frozenset(numbers[name] for name in HEADINGS),
        time=numbers["time"],
    )


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
        # Some plugins print JSON-LD at the end of the body, where scripts are dropped.
        self._linked: list[str] = []
        ids = _tag_ids()
        for node in self._nodes(ids.dropped):
            if node.tag_id in ids.never:
                if node.tag_id == ids.script and _is_linked_data(node):
                    self._linked.append(node.text())
                node.decompose()
            else:
                self._chrome.append(node)
        if self.body is not None and (b"<su" in html or b"<SU" in html):
            set_apart(self.body)
        # The text of the whole body, menus and margins included: the ticker can stand there.
        self.flat = "" if self.body is None else self.body.text(separator=GAP, skip_empty=True)

    def _nodes(self, wanted: frozenset[int]) -> list[LexborNode]:
        # One walk that compares numbers costs half of a selector with as many names.
        return [] if self.body is None else [node for node in self.body.traverse() if node.tag_id in wanted]

    def read_body(self) -> Body:
        """Drop menus, margins and footers, where nothing of an article stands, and sort what is left."""
        for node in self._chrome:
            node.decompose()
        self._chrome = []
        self._drop_hidden()
        ids = _tag_ids()
        found = Body()
        for node in self._nodes(ids.sorted):
            number = node.tag_id
            if number in ids.headings:
                found.headings.append(node)
                continue
            self._inline.append(node)
            if number == ids.time:
                found.times.append(node)
        return found

    def _drop_hidden(self) -> None:
        """Drop what no reader sees; scripts show whole pages and lists later, so what holds headings stays."""
        for node in reversed(self.find(_HIDDEN)):
            told = node.attributes
            hidden = "hidden" in told or _NOT_SHOWN.search(told.get("style") or "") is not None
            if hidden and node.tag not in _SHOWN and node.css_first(_HEADING) is None:
                node.decompose()

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
        """Set a mark behind `node`."""
        self._marks += 1
        node.insert_after(_MARK_FORM % self._marks)
        return str(self._marks)

    def text(self) -> str:
        """The text of the body, `GAP` between block borders, marks as `MARK` number `MARK_END`."""
        for node in self._inline:
            node.unwrap()
        body = self.tree.body
        if body is None:
            return ""
        body.merge_text_nodes()
        return body.text(separator=GAP, skip_empty=True)
