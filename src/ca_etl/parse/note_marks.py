"""What is struck out, raised or lowered in a text: read as a reader does, and never joined with the number beside it.

- Struck-out text is no longer part of the text.
- Raised numbers: text has everything in one row, where `300<sup>1</sup> som` would be 3001 som. A link to a note and
  what can only be a note's mark ("[1]", "*", a number or letter after a word) is dropped: it is not of the sentence. An
  exponent stays ("10^6", "m2", "km2"), and so does an ordinal ("25th"). After a digit a raised number is either, so it
  keeps its `^`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from selectolax.lexbor import LexborNode

STRUCK: Final = ("del", "s", "strike")
_STRUCK_STYLE: Final = re.compile(r"text-decoration(?:-line)?\s{0,9}:[^;]{0,99}line-through", re.IGNORECASE)
# Neighbours within a paragraph: further ones are beyond these, or no text of the same line.
_BLOCKS: Final = frozenset(
    {
        "br",
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "td",
        "th",
        "tr",
        "h1",
        "h2",
        "h3",
        "h4",
        "blockquote",
        "section",
        "body",
    }
)
_STEPS: Final = 12
_BESIDE_CHARS: Final = 60
_NUMBER: Final = re.compile(r"[-+\u2212]?[0-9]")
_SIGNS: Final = re.compile(r"[*\u2020\u2021\u00a7\u00b6#]{1,4}|\[[^\[\]]{1,12}\]")
_ITEM: Final = "(?:[0-9]{1,3}|[a-z]|[ivx]{2,4})"
_MARK: Final = re.compile(rf"[(\[]?{_ITEM}(?: ?[,;\u2013-] ?{_ITEM}){{0,9}}[)\]]?")
_NOTE: Final = re.compile(
    r"(?:foot|end|side)?-?note|noteref|ftn|\bfn|^fn[0-9:-]|cite|sdfn|(?<![a-z])ref[-_0-9]"
)
# An exponent is what is raised after a unit of length or a variable; "CO2" is often raised where it should be lowered.
_POWERED: Final = re.compile(
    r"(?<![^\W_])(?:[b-hj-z]|[kcmdn\u00b5]m|ft|yd|mi|mc|co|(?<=[0-9] )in)$", re.IGNORECASE
)
_LONG_UNIT: Final = re.compile(r"(?:met(?:er|re)s?|feet|foot|miles?|inch(?:es)?|yards?)$", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{1,30}$")
_CLOSING: Final = "\"'.,;:!?%\u2019\u201d\u00bb\u2026"


def is_struck(node: LexborNode) -> bool:
    """Whether the style of the element itself strikes its text through."""
    return _STRUCK_STYLE.search(node.attributes.get("style") or "") is not None


def drop_struck(nodes: Sequence[LexborNode]) -> None:
    """Drop the elements, which are in document order; numbers on both sides of one are kept apart by `^`."""
    struck = {node.mem_id for node in nodes}
    inside: set[int] = set()
    for node in nodes:
        if node.mem_id in inside:
            continue
        inside.update(inner.mem_id for inner in node.traverse() if inner.mem_id in struck)
        before, after = _beside(node, "prev", struck), _beside(node, "next", struck)
        # "1 <s>500</s> 000": a space or comma is within a number, too.
        if before.rstrip(" \u00a0.,'")[-1:].isdigit() and after.lstrip(" \u00a0.,'")[:1].isdigit():
            node.insert_before("^")
        node.decompose()


def drop_note_links(body: LexborNode) -> None:
    """Drop links to notes that are not raised: `<a href="#_ftn1">[1]</a>`, `<a class="footnote">1</a>`."""
    for node in body.css('a[href*="#"],a[class*="note"],a[role="doc-noteref"]'):
        if _is_note_link(node) and (_MARK.fullmatch(text := node.text().strip()) or _SIGNS.fullmatch(text)):
            _drop_mark(node)


def set_apart(body: LexborNode) -> None:
    """Keep raised and lowered numbers from what is before them, and drop the marks of notes."""
    inside: set[int] = set()
    for node in body.css("sup,sub"):
        if node.mem_id not in inside:
            inside.update(inner.mem_id for inner in node.css("sup,sub"))
            _set_apart(node)


def _set_apart(node: LexborNode) -> None:
    text = node.text().strip()
    before = _beside(node, "prev")
    last = before.rstrip()[-1:]
    if node.tag == "sub":
        if last.isdigit() and last == before[-1:] and _NUMBER.match(text):
            node.insert_before("_")
        return
    is_mark = _MARK.fullmatch(text) is not None
    if (is_mark or _NUMBER.match(text) or _SIGNS.fullmatch(text)) and _is_linked(node):
        _drop_mark(node)
        return
    after = _beside(node, "next")
    if not last or (before[-1:].isspace() and after[:1].isalpha()):
        # The note itself begins with its mark; an isotope ("235U") is no such beginning.
        if is_mark and re.match(r"[^\W\d_]{3}", after):
            node.insert_after(" ")
    elif _SIGNS.fullmatch(text):
        _drop_mark(node)
    elif last.isdigit() or last in ")]":
        if after[:1] in {"/", "\u2044"}:
            node.insert_before(" ")
        elif is_mark or _NUMBER.match(text):
            node.insert_before("^")
    elif last in _CLOSING:
        if is_mark:
            _drop_mark(node)
    elif (word := _WORD.search(before.rstrip())) is not None:
        _set_apart_from_word(node, text, before.rstrip(), word[0])


def _set_apart_from_word(node: LexborNode, text: str, before: str, word: str) -> None:
    if not text[:1].isdigit() and text[:1] not in "([":
        # A letter is a note's after a word, but "No", "Mme" and "XIXe" are abbreviations.
        if _MARK.fullmatch(text) and len(word) > 2 and not word.isupper():
            _drop_mark(node)
    elif _LONG_UNIT.search(word):
        node.insert_before("^")
    elif _POWERED.search(before) is None or text == "1":
        if _MARK.fullmatch(text):
            _drop_mark(node)
        elif _NUMBER.match(text):
            node.insert_before(" ")


def _drop_mark(node: LexborNode) -> None:
    if _beside(node, "prev")[-1:].isdigit() and _beside(node, "next")[:1].isdigit():
        node.insert_before("^")
    node.decompose()


def _is_linked(node: LexborNode) -> bool:
    """Whether a raised mark leads to a note: by its name, or by a link in it or around it."""
    around = (node.css_first("a"), node.parent, node.parent and node.parent.parent)
    links = [link for link in around if link is not None and link.tag == "a"]
    return _names_note(node) or any(_is_note_link(link) or _href(link)[:1] == "#" for link in links)


def _is_note_link(link: LexborNode) -> bool:
    _, hash_sign, fragment = _href(link).partition("#")
    return _names_note(link) or (bool(hash_sign) and _NOTE.search(fragment.lower()[:99]) is not None)


def _names_note(node: LexborNode) -> bool:
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('role') or ''}".lower()[:200]
    return _NOTE.search(names) is not None


def _href(link: LexborNode) -> str:
    return link.attributes.get("href") or ""


def _beside(node: LexborNode, step: str, skipped: set[int] | frozenset[int] = frozenset()) -> str:
    """The text directly before ("prev") or after ("next") a node in its line, white space included."""
    gap = ""
    at: LexborNode | None = node
    for _ in range(_STEPS):
        sibling = getattr(at, step)
        if sibling is None:
            at = at.parent if at is not None else None
            if at is None or at.tag in _BLOCKS:
                return ""
            continue
        at = sibling
        if sibling.tag in _BLOCKS:
            return ""
        if sibling.is_element_node and sibling.mem_id in skipped:
            continue
        text: str = sibling.text()
        if text.strip():
            return text[-_BESIDE_CHARS:] + gap if step == "prev" else gap + text[:_BESIDE_CHARS]
        gap += text[:1]
    return ""
