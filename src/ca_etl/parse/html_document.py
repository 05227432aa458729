"""HTML to lines of text: lexbor parses the page, boilerplate is removed, and one native pass gives the text in order.

No rule here is for one theme. Marks (control characters that no page can contain) are inserted where an element begins
or ends; inline elements are unwrapped, so that the text between two blocks is one segment. All work per node is done
by lexbor; Python reads headings, times, bylines and captions only. Removed before the text is read:

- Struck-out and hidden text.
- Raised footnote marks: as plain text `300<sup>1</sup> som` would be 3001 som. A link to a note is removed, and so is a
  raised "[1]", "*", or number or letter after a word. Exponents ("10^6", "m2", "km2") and ordinals ("25th") stay. After
  a digit a raised number can be a note's mark or an exponent, so it is kept behind a `^`.
- Blocks of plugins and themes, by class or id: `boilerplate.csv` has a row for each plugin or theme, with the names in
  its markup. A name that ends in `*` is a prefix. Rows for an `article` apply only where the page or piece of HTML is
  one article, since listings consist of such blocks (lists of posts) or are recognised by them (breadcrumbs). Whatever
  its name, a block stays that contains the title (`h1`), `main` or WordPress's own content element, or more text in
  paragraphs than the rest of the page.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import islice
from typing import Final, NamedTuple

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from ca_etl.parse.lines import attachment_number, collapse_spaces
from ca_etl.parse.links import path_parts
from ca_etl.parse.page import GAP, Media

CAPTION: Final = "figcaption,.wp-caption-text:not(figcaption)"
MARK: Final = "\x02"
MARK_END: Final = "\x03"
_BAD_REFERENCE: Final = re.compile(rb"&#(?:0*2(?![0-9])|[xX]0*2(?![0-9a-fA-F]));?")
_REPLACEMENT: Final = "\ufffd".encode()

# Names of elements, separated by spaces.
_NEVER: Final = "script style noscript template iframe svg select textarea button"
_OF_WORDS: Final = "s del strike wbr sup sub"
HEADINGS: Final = ("h1", "h2", "h3", "h4")
CHROME: Final = frozenset({"nav", "aside", "footer"})
# Elements that are boilerplate by their name on any page, and on the page of an article.
BLOCKS: Final = ("div", "section", "ul", "form")
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
# lexbor checks all open elements at every block: 20,000 nested divs took 0.6 s and 200,000
# took 150 s. Real pages have 2,000 to 5,000 tags, nested some 30 deep.
FREE_TAGS: Final = 8_000
MAX_TAGS: Final = 150_000
MAX_NESTED_COST: Final = 30_000_000


def why_too_complex(html: bytes) -> str | None:
    """The reason why `html` (UTF-8) would take more than a fraction of a second to parse; None where it would not."""
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
    """The ancestors of an HTML node below `body`, the innermost first."""
    parent = node.parent
    while parent is not None and parent.tag not in {"body", "html"}:
        yield parent
        parent = parent.parent


@cache
def _numbers(names: str) -> frozenset[int]:
    """The tag ids by which lexbor knows these element names: constants of its build."""
    tree = LexborHTMLParser("<p>")
    return frozenset(tree.create_node(name).tag_id for name in names.split())


class Heading(NamedTuple):
    """A heading element, and the link in or around it, as written; None where it cannot lead to an article."""

    node: LexborNode
    href: str | None


class Markup:
    """A parsed HTML page from which boilerplate is removed, and into which marks are inserted, before its text is read.

    `flat` is the text of the whole body without marks; `text()` is the text that is left, with the marks.
    """

    def __init__(self, html: bytes) -> None:
        """Parse `html` (UTF-8). `MARK` characters in its text, literal or as references, become U+FFFD."""
        self._parse(html)
        if MARK in self.flat:
            self._parse(_BAD_REFERENCE.sub(_REPLACEMENT, html.replace(MARK.encode(), _REPLACEMENT)))
        self._marks = 0

    def _parse(self, html: bytes) -> None:
        self.tree = LexborHTMLParser(html, options=LexborDocumentOptions.WO_EVENTS)
        self.head = self.tree.head or self.tree.create_node("head")
        # A page of frames has no body.
        self.body = self.tree.body or self.tree.create_node("body")
        nodes = self._nodes(f"{_NEVER} {_OF_WORDS}")
        never = [node for node in nodes if node.tag_id in _numbers(_NEVER)]
        # Some plugins print JSON-LD at the end of the body, where scripts are dropped.
        scripts = [node for node in never if node.tag_id in _numbers("script")]
        self._linked_data = [node.text() for node in scripts if _is_linked_data(node)]
        # From the end: what is removed contains no later node.
        for node in reversed(never):
            node.decompose()
        if len(nodes) > len(never):
            prune_words(self.body)
        # The text of the whole body, menus and margins included: the ticker can be there.
        self.flat = self.body.text(separator=GAP, skip_empty=True)

    def _nodes(self, names: str) -> list[LexborNode]:
        # One pass that compares numbers costs half of a selector with as many names.
        numbers = _numbers(names)
        return [node for node in self.body.traverse() if node.tag_id in numbers]

    def read_body(self, *, is_article: bool = False) -> list[Heading]:
        """Remove menus, sidebars, footers, hidden text and plugins' blocks from the page; returns the headings left.

        With `is_article` (the page shows one article) lists of other posts and links to notes are removed, too.
        """
        drop_blocks(self.body, [node for node in self._nodes(_BLOCKS) if _is_boilerplate(node)])
        drop_hidden(self.body)
        if is_article:
            drop_article_boilerplate(self.body)
        return [Heading(node, _article_link(node)) for node in self.body.css(",".join(HEADINGS))]

    def head_attribute(self, selector: str, name: str) -> str | None:
        """The attribute `name` of the first element in the page's `<head>` that matches `selector`, or None."""
        node = self.head.css_first(selector)
        return None if node is None else node.attrs.get(name)

    def linked_data(self) -> list[str]:
        """The JSON-LD scripts of the page, as written."""
        in_head = [node.text() for node in self.head.css("script[type]") if _is_linked_data(node)]
        return in_head + self._linked_data

    def mark(self, insert: Callable[[bytes], None]) -> str:
        """Insert a mark where `insert`, a node's `insert_before` or `insert_after`, does; return its number."""
        self._marks += 1
        insert(f"{MARK}{self._marks}{MARK_END}".encode())
        return str(self._marks)

    def text(self) -> str:
        """The text of the page's body, with `GAP` between blocks, and each mark as `MARK` + number + `MARK_END`."""
        for node in self._nodes(_INLINE):
            # An empty one that stayed would make two lines of "Kyrgyz<b></b>stan".
            node.unwrap(delete_empty=True)
        self.body.merge_text_nodes()
        return self.body.text(separator=GAP, skip_empty=True)


def _article_link(heading: LexborNode) -> str | None:
    """The link in or around a heading, as written; None where it cannot lead to an article.

    Links within the page, with a scheme other than http(s), to the front page and to lists of articles lead to none.
    """
    # Nearly every title begins with its link, which needs no search.
    link = heading.first_child
    if link is None or link.tag != "a" or "href" not in link.attrs:
        around = (outer for outer in islice(ancestors(heading), 3) if outer.tag == "a")
        link = heading.css_first("a[href]") or next(around, None)
    href = "" if link is None else (link.attrs.get("href") or "").strip()
    is_web = ":" not in href.partition("/")[0] or href.lower().startswith(("http:", "https:"))
    parts = path_parts(href) if is_web else []
    return href if parts and parts[0] not in _LISTS else None


def _is_boilerplate(node: LexborNode) -> bool:
    return node.tag in CHROME or is_boilerplate_name(node.attrs.get("class") or "", is_article=False)


def _is_linked_data(script: LexborNode) -> bool:
    """Whether a script is JSON-LD: its media type may have parameters."""
    kind = (script.attrs.get("type") or "").partition(";")[0]
    return kind.strip().lower() == "application/ld+json"


_ARTICLE_BLOCKS: Final = (*BLOCKS, *HEADINGS[1:], "ol", "details", "p", "span", "header", "a", "i", "table")
_NOT_SHOWN: Final = re.compile(r"display:\s?none", re.IGNORECASE)
# Each note or struck-out word can cost the length of the page's text: 1,000 in 200,000 characters, as no article has.
_MAX_COST: Final = 200_000_000

# Neighbours within a paragraph: further ones are beyond these, or no text of the same line.
_BORDERS: Final = (*BLOCKS, *HEADINGS, "br", "p", "li", "ol", "td", "th", "tr", "blockquote", "body")
_STEPS: Final = 12
_BESIDE_CHARS: Final = 60
_SPACES: Final = re.compile(r"\s{1,99}")
_IN_NUMBER: Final = re.compile(r"[0-9](?:[.,']?\0[.,']?| ?\0 ?)[0-9]")
_NOTE: Final = re.compile(r"note|ftn|\bfn|cite|sdfn|(?<![a-z])ref[-_0-9]")

_ITEM: Final = "(?:[0-9]{1,3}|[a-z]|[ivx]{2,4})"
_MARK: Final = rf"[(\[]?{_ITEM}(?: ?[,;\u2013-] ?{_ITEM}){{0,9}}[)\]]?"
_SIGN: Final = r"(?:[*\u2020\u2021\u00a7\u00b6#]{1,4}|\[[^\[\]]{1,12}\])"
_NUMBER: Final = r"[-+\u2212]?[0-9]"
_LONG_UNIT: Final = r"(?i:met(?:er|re)s?|feet|foot|miles?|inch(?:es)?|yards?)"
# An exponent is what is raised after a unit of length or a variable; "CO2" is often raised where it should be lowered.
_POWERED: Final = r"(?<![^\W_])(?i:[b-hj-z]|[kcmdn\u00b5]m|ft|yd|mi|mc|co|(?<=[0-9] )in)"
# What is done with raised text: the first that matches the text before it, itself within `\0<` and `\0>`, and after it.
_RAISED: Final = (
    # The note itself begins with its mark; an isotope ("235U") does not begin a note.
    (rf"(?:^ ?| )\0<{_MARK}\0>[^\W\d_]{{3}}", "end"),
    (r"^ ?\0<| \0<[^\0]{0,99}\0>[^\W\d_]", "keep"),
    (rf"\0<{_SIGN}\0>", "drop"),
    (r"[\d)\]] ?\0<[^\0]{0,99}\0>[/\u2044]", " "),
    (rf"[\d)\]] ?\0<(?:{_MARK}\0>|{_NUMBER})", "^"),
    (rf"[\"'.,;:!?%\u2019\u201d\u00bb\u2026] ?\0<{_MARK}\0>", "drop"),
    (rf"{_LONG_UNIT} ?\0<[0-9(\[]", "^"),
    (rf"{_POWERED} ?\0<(?!1\0>)[0-9(\[]", "keep"),
    (rf"[^\W\d_] ?\0<(?![a-z]){_MARK}\0>", "drop"),
    (r"[^\W\d_] ?\0<[0-9]", " "),
    # A letter is a note's after a word, but "No", "Mme" and "XIXe" are abbreviations.
    (rf"[^\W\d_]{{2}}[^\W\d_A-Z] ?\0<{_MARK}\0>", "drop"),
)
_LINKED: Final = re.compile(rf"\0<(?:{_MARK}\0>|{_SIGN}\0>|{_NUMBER})")

# What the table's class names cannot state. `form` itself is a search, a comment or a registration within an article.
_ROLES: Final = ("complementary", "navigation", "search", "form", "banner", "contentinfo", "doc-endnotes")
_CONTENT_CLASSES: Final = ("entry-content", "post-content", "article-content", "article-body")
_CONTENT: Final = ",".join(("h1", "main", *(f".{name}" for name in _CONTENT_CLASSES)))
_OWN: Final = frozenset({"hentry", "type-post", *_CONTENT_CLASSES})
_PARAGRAPH_CHARS: Final = 60
_FEW_CHARS: Final = 5
# No real page has that many elements that hold its text and are named like boilerplate.
_MAX_KEPT: Final = 20


def prune_words(body: LexborNode) -> None:
    """Remove struck-out text, `wbr` and raised footnote marks from `body`, and put `^` before raised numbers."""
    _drop_struck(body, "del,s,strike")
    for node in body.css("wbr"):
        node.decompose()
    body.merge_text_nodes()
    raised, beyond = _outermost(body, "sup,sub")
    for node in raised:
        _set_apart(node)
    for node in beyond:
        node.insert_before("^")


def _drop_struck(body: LexborNode, selector: str) -> None:
    struck, beyond = _outermost(body, selector)
    numbers = {node.mem_id for node in (*struck, *beyond)}
    for node in struck:
        _drop(node, numbers)
    for node in beyond:
        node.insert_before("^")
        node.decompose()


def _outermost(body: LexborNode, selector: str) -> tuple[list[LexborNode], list[LexborNode]]:
    """The outermost elements that match `selector`, in two lists: those that can be read in time, and the others."""
    outer: list[LexborNode] = []
    inside: set[int] = set()
    for node in body.css(selector):
        if node.mem_id not in inside:
            inside.update(inner.mem_id for inner in node.css(selector))
            outer.append(node)
    most = _MAX_COST // (1 + len(body.text())) if outer else 0
    return outer[:most], outer[most:]


def _drop(node: LexborNode, skipped: Collection[int] = ()) -> None:
    """Remove an element, and insert `^` in its place where two numbers would otherwise merge."""
    if _IN_NUMBER.search(f"{_beside(node, 'prev', skipped)}\0{_beside(node, 'next', skipped)}"):
        node.insert_before("^")
    node.decompose()


def _set_apart(node: LexborNode) -> None:
    """Separate a `sup` or `sub` from the text before it (by `^`, `_` or a space), or remove it."""
    before = _beside(node, "prev")
    shown = f"\0<{node.text().strip()[:99]}\0>"
    if node.tag == "sub":
        if re.search(rf"[0-9]\0<{_NUMBER}", before + shown):
            node.insert_before("_")
        return
    around = (node, node.css_first("a"), node.parent, node.parent and node.parent.parent)
    links = [link for link in around if link is not None and (link.tag == "a" or link is node)]
    if _LINKED.match(shown) and any(_is_of_note(link) or _href(link)[:1] == "#" for link in links):
        _drop(node)
        return
    line = before + shown + _beside(node, "next")
    action = next((action for pattern, action in _RAISED if re.search(pattern, line)), "keep")
    if action == "drop":
        _drop(node)
    elif action == "end":
        node.insert_after(" ")
    elif action != "keep":
        node.insert_before(action)


def _drop_note_links(body: LexborNode) -> None:
    """Remove links to footnotes that are not raised: `<a href="#_ftn1">[1]</a>`, `<a class="footnote">1</a>`."""
    for node in _outermost(body, 'a[href*="#"],a[class*="note"],a[role="doc-noteref"]')[0]:
        if _is_of_note(node) and re.fullmatch(f"{_MARK}|{_SIGN}", node.text().strip()):
            _drop(node)


def _is_of_note(node: LexborNode) -> bool:
    """Whether an element's class, role or link fragment names a footnote."""
    names = f"{node.attrs.get('class') or ''} {node.attrs.get('role') or ''}"[:200]
    return _NOTE.search(f"{names} {_href(node).partition('#')[2][:99]}".lower()) is not None


def _href(link: LexborNode) -> str:
    return link.attrs.get("href") or ""


def _beside(node: LexborNode, step: str, skipped: Collection[int] = ()) -> str:
    """The text directly before ("prev") or after ("next") a node in its line, white space included."""
    gap = ""
    at: LexborNode | None = node
    for _ in range(_STEPS):
        sibling = getattr(at, step)
        at = sibling or (at and at.parent)
        if at is None or at.tag in _BORDERS:
            return ""
        if sibling is None or sibling.mem_id in skipped:
            continue
        text: str = sibling.text()
        if text.strip():
            line = text[-_BESIDE_CHARS:] + gap if step == "prev" else gap + text[:_BESIDE_CHARS]
            return _SPACES.sub(" ", line)
        gap += text[:1]
    return ""


def drop_hidden(body: LexborNode) -> None:
    """Remove struck-through and hidden elements from `body`, except elements with headings, which scripts show."""
    has_struck = False
    for node in reversed(body.css("[hidden],[style]")):
        style = node.attrs.get("style") or ""
        has_struck = has_struck or "line-through" in style.lower()
        is_hidden = "hidden" in node.attrs or _NOT_SHOWN.search(style) is not None
        if is_hidden and node.tag not in {"body", *HEADINGS} and node.css_first(",".join(HEADINGS)) is None:
            node.decompose()
    if has_struck:
        _drop_struck(body, '[style*="line-through" i]:not(body)')


def drop_article_boilerplate(body: LexborNode) -> None:
    """Remove from an article's page the blocks beside its text (comments, related posts, forms), and links to notes."""
    blocks: list[LexborNode] = []
    for node in body.css("[class],[id],[role],form"):
        attributes = node.attrs
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        is_block = node.tag == "form" or attributes.get("role") in _ROLES
        if node.tag in _ARTICLE_BLOCKS and (is_block or is_boilerplate_name(names, is_article=True)):
            blocks.append(node)
    drop_blocks(body, blocks)
    _drop_note_links(body)


@cache
def _names(*, is_article: bool) -> tuple[frozenset[str], tuple[str, ...]]:
    """The class and id names in `boilerplate.csv`: exact names, and prefixes."""
    table = resources.files("ca_etl.parse").joinpath("boilerplate.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(table.splitlines()) if is_article or row["where"] == "any page"]
    names = [name for row in rows for name in row["names"].split()]
    exact = frozenset(name for name in names if name[-1] != "*")
    return exact, tuple(name[:-1] for name in names if name[-1] == "*")


@lru_cache(maxsize=4_096)
def is_boilerplate_name(classes: str, *, is_article: bool) -> bool:
    """Whether one of the space-separated `classes` (or ids) is a name of boilerplate in `boilerplate.csv`."""
    names = classes.split()
    exact, prefixes = _names(is_article=is_article)
    is_in_table = not exact.isdisjoint(names) or any(name.startswith(prefixes) for name in names)
    return is_in_table and _OWN.isdisjoint(names)


def drop_blocks(body: LexborNode, blocks: Sequence[LexborNode]) -> None:
    """Remove the elements `blocks` from `body`, but those with most text of the page that are no nav, aside, footer."""
    whole: int | None = None
    kept = 0
    # From the end: what is dropped contains no later node, and no text is measured twice.
    for node in reversed(blocks):
        is_chrome = node.tag in CHROME
        if kept == _MAX_KEPT and not is_chrome:
            continue
        own = len(node.text())
        paragraphs = _paragraphs(node) if own >= _PARAGRAPH_CHARS and not is_chrome else []
        if paragraphs and whole is None:
            whole = len(body.text())
        rest = (whole or 0) - own
        is_text = sum(paragraphs) > rest and (len(paragraphs) > 2 or rest <= _FEW_CHARS)
        if (paragraphs and is_text) or (own and not is_chrome and node.css_first(_CONTENT) is not None):
            kept += 1
        else:
            node.decompose()
            whole = None if whole is None else rest


def _paragraphs(node: LexborNode) -> list[int]:
    """The lengths in characters, links excluded, of the paragraphs in `node` that could be prose."""
    lengths = [len(part.text()) - sum(len(link.text()) for link in part.css("a")) for part in node.css("p")]
    return [length for length in lengths if length >= _PARAGRAPH_CHARS]


def caption_of(node: LexborNode) -> Media:
    """The picture caption in an element, with the attachment number of its figure or image, if there is one."""
    figure = node.parent
    image = None if figure is None else figure.css_first("img")
    names = (figure and figure.attrs.get("id"), image and image.attrs.get("class"))
    attachment = next(filter(None, (attachment_number(name or "") for name in names)), None)
    return Media("caption", attachment, collapse_spaces(node.text()) or None)


def take_captions(container: LexborNode) -> list[Media]:
    """Remove the captions of pictures from an element and return them."""
    captions = container.css(CAPTION)
    media = [caption_of(node) for node in captions]
    # From the end: what is removed contains no later node.
    for node in reversed(captions):
        node.decompose()
    return media
