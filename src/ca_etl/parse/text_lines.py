"""The lines of a text page: the ticker's apart from the rest, with the empty lines before each counted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ca_etl.parse.clean import squeeze
from ca_etl.parse.ticker import is_ticker_line

_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_PLAIN: Final = str.maketrans(
    dict.fromkeys("‘’´`ʼ", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("‐‑‒–—―", "-")  # noqa: RUF001
)


class Line(NamedTuple):
    """One squeezed line that is not empty, and how many empty ones precede it."""

    text: str
    gap: int


@dataclass(slots=True)
class Sheet:
    """A text page by lines: the ticker's as printed, and the others.

    `head` is the index in `lines` after the ticker; the lines before it were printed above the ticker.
    """

    ticker: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    head: int = 0


def plain(text: str) -> str:
    """`text` for matching only: zero-width characters dropped, quotes and dashes as ASCII has them."""
    if text.isascii():
        return text
    return _ZERO_WIDTH.sub("", text).translate(_PLAIN)


def read_lines(text: str) -> Sheet:
    """The lines of `text`; no-break spaces and zero-width characters alone make an empty one."""
    sheet = Sheet()
    known: set[str] = set()
    gap = 0
    for line in text.split("\n"):
        if not line:
            gap += 1
        elif "/" in line and (line in known or is_ticker_line(line)):
            if not known:
                sheet.head = len(sheet.lines)
            known.add(line)
            sheet.ticker.append(line.strip())
            gap = 0
        else:
            squeezed = squeeze(line)
            if not squeezed or (len(squeezed) < 40 and not plain(squeezed)):
                gap += 1
            else:
                sheet.lines.append(Line(squeezed, gap))
                gap = 0
    return sheet
