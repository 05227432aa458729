"""What is in a page's tree and is not its text as a reader reads it: dropped before the text is taken.

- Struck-out and hidden text is not part of the text.
- Raised numbers: text has everything in one row, where `300<sup>1</sup> som` would be 3001 som. A link to a note and
  what can only be a note's mark ("[1]", "*", a number or letter after a word) is dropped: it is not of the sentence. An
  exponent stays ("10^6", "m2", "km2"), and so does an ordinal ("25th"). After a digit a raised number is either, so it
  keeps its `^`.
- Blocks of plugins and themes, by the names they give them: `boilerplate.csv` has a row for each source, with the names
  in the markup that it prints. A name is a whole class or id; one that ends in `*` is every name with that prefix. Rows
  for an `article` count only where the page or piece of HTML is one article: what they name makes up a listing (lists
  of posts), or states what page it is (breadcrumbs). Whatever its name, a block stays that holds the title (`h1`),
  `main` or WordPress's own content element, or more text in paragraphs than is left beside it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from selectolax.lexbor import LexborNode

HEADINGS: Final = ("h1", "h2", "h3", "h4")
CHROME: Final = frozenset({"nav", "aside", "footer"})
# Elements that are boilerplate by their name on any page, and on the page of an article.
BLOCKS: Final = ("div", "section", "ul", "form")
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
    # The note itself begins with its mark; an isotope ("235U") is no such beginning.
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

# What the table's class names cannot say. `form` itself is a search, a comment or a registration within an article.
_ROLES: Final = ("complementary", "navigation", "search", "form", "banner", "contentinfo", "doc-endnotes")
_CONTENT_CLASSES: Final = ("entry-content", "post-content", "article-content", "article-body")
_CONTENT: Final = ",".join(("h1", "main", *(f".{name}" for name in _CONTENT_CLASSES)))
_OWN: Final = frozenset({"hentry", "type-post", *_CONTENT_CLASSES})
_PARAGRAPH_CHARS: Final = 60
_NOTHING_LEFT: Final = 5
# No real page has that many elements that hold its text and are named like boilerplate.
_MAX_KEPT: Final = 20


def prune_words(body: LexborNode) -> None:
    """Drop struck-out text, breaks within words and the marks of notes, and set raised numbers apart."""
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
    """The elements that match and are in no other that does (it would take them along), and those beyond the limit."""
    outer: list[LexborNode] = []
    inside: set[int] = set()
    for node in body.css(selector):
        if node.mem_id not in inside:
            inside.update(inner.mem_id for inner in node.css(selector))
            outer.append(node)
    most = _MAX_COST // (1 + len(body.text())) if outer else 0
    return outer[:most], outer[most:]


def _drop(node: LexborNode, skipped: Collection[int] = ()) -> None:
    """Drop an element; the parts of numbers on both sides of it are kept apart by `^`."""
    if _IN_NUMBER.search(f"{_beside(node, 'prev', skipped)}\0{_beside(node, 'next', skipped)}"):
        node.insert_before("^")
    node.decompose()


def _set_apart(node: LexborNode) -> None:
    """Set raised or lowered text apart from the text before it, or drop it."""
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
    """Drop links to notes that are not raised: `<a href="#_ftn1">[1]</a>`, `<a class="footnote">1</a>`."""
    for node in _outermost(body, 'a[href*="#"],a[class*="note"],a[role="doc-noteref"]')[0]:
        if _is_of_note(node) and re.fullmatch(f"{_MARK}|{_SIGN}", node.text().strip()):
            _drop(node)


def _is_of_note(node: LexborNode) -> bool:
    """Whether an element is named as the mark of a note, or links to what is named as a note."""
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
    """Drop what no reader sees; scripts show whole pages and lists later, so what holds headings stays."""
    for node in reversed(body.css("[hidden],[style]")):
        is_hidden = "hidden" in node.attrs or _NOT_SHOWN.search(node.attrs.get("style") or "") is not None
        if is_hidden and node.tag not in {"body", *HEADINGS} and node.css_first(",".join(HEADINGS)) is None:
            node.decompose()
    _drop_struck(body, '[style*="line-through" i]:not(body)')


def drop_article_boilerplate(body: LexborNode) -> None:
    """Drop what only an article's page has beside its text, and links to notes."""
    blocks: list[LexborNode] = []
    for node in body.css("[class],[id],[role],form"):
        attributes = node.attrs
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        is_block = node.tag == "form" or attributes.get("role") in _ROLES
        if node.tag in _ARTICLE_BLOCKS and (is_block or is_named(names, is_article=True)):
            blocks.append(node)
    drop_blocks(body, blocks)
    _drop_note_links(body)


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


def drop_blocks(body: LexborNode, blocks: Sequence[LexborNode]) -> None:
    """Drop `blocks`, which are in document order: menus and margins all, others unless they hold the text."""
    whole: int | None = None
    kept = 0
    # From the end: what is dropped holds none that is still to come, and no text is measured twice.
    for node in reversed(blocks):
        is_chrome = node.tag in CHROME
        if kept == _MAX_KEPT and not is_chrome:
            continue
        own = len(node.text())
        paragraphs = _paragraphs(node) if own >= _PARAGRAPH_CHARS and not is_chrome else []
        if paragraphs and whole is None:
            whole = len(body.text())
        rest = (whole or 0) - own
        is_text = sum(paragraphs) > rest and (len(paragraphs) > 2 or rest <= _NOTHING_LEFT)
        if (paragraphs and is_text) or (own and not is_chrome and node.css_first(_CONTENT) is not None):
            kept += 1
        else:
            node.decompose()
            whole = None if whole is None else rest


def _paragraphs(node: LexborNode) -> list[int]:
    """How many characters its paragraphs have outside of links, each that could be prose."""
    lengths = [len(part.text()) - sum(len(link.text()) for link in part.css("a")) for part in node.css("p")]
    return [length for length in lengths if length >= _PARAGRAPH_CHARS]
