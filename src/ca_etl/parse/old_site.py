"""Pages of the old site (index.php/news), which print no ticker, date or header, and mostly no list of titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ca_etl.parse.blocks import Block
from ca_etl.parse.clean import byline, is_furniture
from ca_etl.parse.lines import Line, plain
from ca_etl.parse.runs import ends_teaser, is_written_by

_REPEATED: Final = re.compile(r"read more:\s*(\S.*)", re.IGNORECASE)


def read_old(lines: Sequence[Line]) -> list[Block]:
    """The old site: a title is what a bullet "Written by" follows, or "Read more:" repeats; the rest is text.

    The spam above them is taken off before (`without_spam`). Digests have no title of their own, and their
    sub-headlines are text. Teasers that end in an ellipsis are an article each.
    """
    texts = [line.text for line in lines]
    repeated = _repeated(texts)
    blocks: list[Block] = []
    is_over = True
    for number, text in enumerate(texts):
        is_signed = number + 1 < len(texts) and is_written_by(texts[number + 1])
        if is_signed or plain(text).casefold() in repeated:
            blocks.append(Block(text))
            is_over = False
        elif is_written_by(text) and len(text) < 120:
            if blocks and not blocks[-1].paragraphs:
                blocks[-1].author = byline(text)
        elif _REPEATED.match(text) is not None or (ends_teaser(text) and text[:2] != "Re"):
            is_over = True
        elif is_furniture(text):
            continue
        elif is_over or (blocks[-1].title is None and blocks[-1].paragraphs[-1].endswith(("...", "…"))):
            blocks.append(Block(None, [text]))
            is_over = False
        else:
            blocks[-1].paragraphs.append(text)
    return blocks


def without_spam(lines: Sequence[Line]) -> tuple[Sequence[Line], str | None]:
    """The lines of a page of the old site, and the row of keywords that others put above them, if there is one.

    It is a first line without a sentence that is neither an article's title nor furniture.
    """
    if len(lines) < 2:
        return lines, None
    text = lines[0].text
    first = plain(text)
    is_prose = first.endswith((".", "!", "?", '"')) or " (TCA) " in first
    is_title = is_written_by(lines[1].text) or first.casefold() in _repeated([line.text for line in lines])
    if is_prose or is_title or is_written_by(text) or is_furniture(text) or ends_teaser(text):
        return lines, None
    return lines[1:], text


def _repeated(texts: Sequence[str]) -> set[str]:
    """What the "Read more:" lines repeat, for matching."""
    return {plain(found[1]).casefold() for text in texts if (found := _REPEATED.match(text)) is not None}
