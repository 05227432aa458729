"""One line of the ticker: what belongs to one, and what it says."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ca_etl.parse.cycles import QUOTE
from ca_etl.parse.page import EXCERPT_CHARS

BULLETS: Final = "•·∙●▪‣*"
# The longest real line has 27 characters; a paragraph that begins like one is cut here before any pattern runs.
LINE_CHARS: Final = 120
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")

# Lengths are bounded so that every number that matches fits decimal(18,8) and decimal(9,4).
_RATE: Final = r"[0-9]{1,9}(?:\.[0-9]{1,8})?"
_CHANGE: Final = r"-?[0-9]{1,5}(?:\.[0-9]{1,4})?%"
_STRICT: Final = re.compile(
    rf"\s*[{re.escape(BULLETS)}]?\s*([A-Z]{{3}})/([A-Z]{{3}})\s*=\s*({_RATE})\s+({_CHANGE})\s*"
)
PRINTED: Final = re.compile(rf"^  • ([A-Z]{{3}})/{QUOTE} = ({_RATE}) ({_CHANGE})\n", re.MULTILINE)
_PRINTED_CYCLE: Final = re.compile(rf"(?:  • [A-Z]{{3}}/{QUOTE} = {_RATE} {_CHANGE}\n)+")
# Any letters, not only Latin capitals: a Cyrillic look-alike must be reported, not overlooked.
_BULLET_PAIR: Final = re.compile(rf"\s*[{re.escape(BULLETS)}]\s*([^\W\d_]{{3}})\s*/\s*([^\W\d_]{{3}})(?!\w)")
_BARE_PAIR: Final = re.compile(r"\s*([^\W\d_]{3})\s*/\s*([^\W\d_]{3})\s*=")


class TickerLine(NamedTuple):
    """One ticker line: `rate` is None where the line was malformed."""

    pair: tuple[str, str]
    rate: str | None
    change: str
    text: str


def is_ticker_line(line: str) -> bool:
    """Whether `line` belongs to a ticker, well-formed or not.

    It does when it begins with a bullet and a pair, or with a pair and an equals sign. Codes and amounts in
    running text do neither.
    """
    head = line[:LINE_CHARS]
    return "/" in head and _like(_ZERO_WIDTH.sub("", head)) is not None


def is_printed(cycle: str) -> bool:
    """Whether each line of `cycle` is a ticker line to the letter, blanks included."""
    return _PRINTED_CYCLE.fullmatch(cycle) is not None


def _like(head: str) -> re.Match[str] | None:
    return _BULLET_PAIR.match(head) or _BARE_PAIR.match(head)


def read_line(line: str) -> TickerLine | None:
    """What a ticker line says; None for any other line."""
    if "/" not in line[:LINE_CHARS]:
        return None
    whole = len(line) <= LINE_CHARS
    head = _ZERO_WIDTH.sub("", line[:LINE_CHARS])
    strict = _STRICT.fullmatch(head) if whole else None
    if strict is not None:
        base, quote, rate, change = strict.groups()
        # A rate of nought is no price, and its inverse would not exist.
        return TickerLine((base, quote), rate if rate.strip("0.") else None, change, line.strip())
    like = _like(head)
    if like is None:
        return None
    return TickerLine((like[1], like[2]), None, "", line[:EXCERPT_CHARS].strip())
