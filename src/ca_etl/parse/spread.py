"""Ticker lines in the flat text of an HTML page, where no line break tells them apart.

A theme can print the pairs as list items, as spans, all in one text node, or each number in an element of its
own. A ticker item begins a text node, or stands behind a bullet or another item; so no amount in running text
is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ca_etl.parse.markup import GAP
from ca_etl.parse.ticker import BULLETS, LINE_CHARS

_BORDERS: Final = frozenset(BULLETS + GAP + "|»;")
_PAIR: Final = re.compile(r"([^\W\d_]{3})[\s\x04]{0,3}/[\s\x04]{0,3}([^\W\d_]{3})(?!\w)")
_FIGURE: Final = re.compile(r"[\s\x04]{0,6}(?:=|-?[0-9])")
_ITEM: Final = re.compile(
    r"([^\W\d_]{3})[\s\x04]{0,3}/[\s\x04]{0,3}([^\W\d_]{3})[\s\x04]{0,6}=[\s\x04]{0,6}"
    r"([0-9.]{1,20})[\s\x04]{1,6}(-?[0-9.]{1,12}%)(?=[\s\x04]*(.|$))"
)
# Characters before a slash that hold the base; of the shortest pair; that hold a whole cycle with room.
_LEAD: Final = 6
_PAIR_CHARS: Final = 7
_CYCLE_CHARS: Final = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """Ticker lines as the text form has them, and where the last one ends in the flat text."""

    lines: tuple[str, ...] = ()
    end: int = 0


def ticker_lines(flat: str) -> Found:
    """The ticker items of `flat` (text nodes with `GAP` between) in order, malformed ones as they stand."""
    start = _next_start(flat, 0)
    lines: list[str] = []
    end = 0
    while start >= 0:
        if flat[start - 1 : start] not in _BORDERS and not _is_border(flat, start, end):
            start = _next_start(flat, start + _PAIR_CHARS)
            continue
        block, times = _repeated(flat, start) if not lines else ("", 0)
        if times > 1:
            inner = ticker_lines(block)
            lines = list(inner.lines) * times
            # From here on as if the last repetition had just been read item by item.
            end = start + (times - 1) * len(block) + inner.end
            start = _next_start(flat, start + times * len(block))
            continue
        following = _next_start(flat, start + _PAIR_CHARS)
        limit = start + LINE_CHARS if following < 0 else min(following, start + LINE_CHARS)
        line, length = _read_item(flat[start:limit])
        lines.append(line)
        end = start + length
        start = following
    return Found(tuple(lines), end)


def _repeated(flat: str, start: int) -> tuple[str, int]:
    """The stretch from `start` to where its first pair stands again, and how often it follows itself.

    A ticker prints its cycle eight times, so that reading one of them is enough.
    """
    again = flat.find(flat[start : start + _PAIR_CHARS], start + _PAIR_CHARS, start + _CYCLE_CHARS)
    if again < 0:
        return "", 0
    block = flat[start:again]
    times = 1
    while flat.startswith(block, start + times * len(block)):
        times += 1
    return block, times


def _read_item(item: str) -> tuple[str, int]:
    """The ticker line that `item` begins with, and its length in it; as it stands where it is none."""
    found = _ITEM.match(item)
    if found is not None and _ends_item(item, found):
        return f"{found[1]}/{found[2]} = {found[3]} {found[4]}", found.end(4)
    line = item.rstrip(f"\n {BULLETS}{GAP}").partition(GAP)[0]
    return f"• {line}", len(line)


def _next_start(flat: str, at: int) -> int:
    """Where the next pair of capitals with a figure behind it stands; -1 where none does."""
    slash = flat.find("/", at)
    while slash >= 0:
        # Three capitals end before the slash, white space and node borders aside; most slashes fail here.
        begin = max(at, slash - _LEAD)
        if flat[begin:slash].rstrip(" \t\r\n\xa0" + GAP)[-3:].isupper():
            pair = _PAIR.search(flat, begin, slash + 8)
            if pair is not None and pair.start() < slash < pair.end() and _FIGURE.match(flat, pair.end()):
                return pair.start()
        slash = flat.find("/", slash + 1)
    return -1


def _is_border(flat: str, start: int, previous_end: int) -> bool:
    """Whether an item can begin at `start`: a node does, a bullet stands before it, or an item ended there."""
    lead = flat[max(0, start - LINE_CHARS) : start].rstrip(" \t\r\n\f\xa0")
    at = start - LINE_CHARS + len(lead) if start > LINE_CHARS else len(lead)
    return not lead or lead[-1] in _BORDERS or at == previous_end > 0


def _ends_item(item: str, found: re.Match[str]) -> bool:
    """Whether the item is over behind its percent sign: prose going on there makes it no ticker line."""
    following = found[5]
    return not following or following in _BORDERS or GAP in item[found.end(4) : found.start(5)]
