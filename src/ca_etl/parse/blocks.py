"""One article of a text page as lines, and what the end of a capture cuts off the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ca_etl.parse.lines import Line
from ca_etl.parse.page import PageKind
from ca_etl.parse.titles import MAX_CHARS

_TAKING_TURNS: Final = frozenset({PageKind.LISTING, PageKind.AUTHOR})
# What a whole text can end with; the asterisk stands behind names.
_ENDS: Final = ".!?\u2026\"\u201d'\u2019)]\u00bb*"


@dataclass(slots=True)
class Block:
    """One article as lines: its title, its paragraphs, its byline, a picture's caption above its title."""

    title: str | None
    paragraphs: list[str] = field(default_factory=list)
    author: str | None = None
    caption: str | None = None


def without_cut_title(kind: PageKind, blocks: list[Block]) -> tuple[list[Block], str | None]:
    """The blocks of a text that ends within a line, and the title, if that line is the beginning of one.

    Where titles and texts take turns, a last line behind a text is one, and nobody knows how it goes on.
    """
    last = blocks[-1] if blocks else None
    if kind not in _TAKING_TURNS or last is None:
        return blocks, None
    if last.title is not None and not last.paragraphs:
        return blocks[:-1], last.title
    if last.title is not None and len(last.paragraphs) > 1 and len(last.paragraphs[-1]) <= MAX_CHARS:
        return blocks, last.paragraphs.pop()
    return blocks, None


def is_cut(blocks: Sequence[Block], lines: Sequence[Line]) -> bool:
    """Whether the last text is cut, in a capture that ends within a line: that line is the text's and ends no sentence.

    Captures hold the first bytes of a page as a rule, so that they end anywhere. One that ends behind a full
    stop cannot be told from a whole one.
    """
    last = blocks[-1].paragraphs[-1:] if blocks else []
    return bool(last) and last[0] == lines[-1].text and last[0][-1] not in _ENDS
