"""The lines of a text page: the ticker's apart from the rest, with the empty lines before each counted.

The cycle of pairs is printed eight times over, so its first printing is read and the others are compared with it
as text. A line that deviates ends the comparison and is read by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from ca_etl.parse.clean import squeeze
from ca_etl.parse.ticker import Ticker, is_printed, is_ticker_line, read_cycle, read_ticker

# Five lines have 140 characters; a cycle of ten pairs fits twice.
_CYCLE_CHARS: Final = 600
# All that is white space to Python but the blank and the line feed, and what has no width.
_ODD_ASCII: Final = "\t\r\x0b\x0c\x1c\x1d\x1e\x1f"
_ODD: Final = (
    *_ODD_ASCII,
    *"\x85\xa0\xad\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff",
    *map(chr, range(0x2000, 0x200E)),
)
_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_PLAIN: Final = str.maketrans(
    dict.fromkeys("‘’´`ʼ", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("‐‑‒–—―", "-")  # noqa: RUF001
)


class Line(NamedTuple):
    """One squeezed line that is not empty, and how many empty ones stand before it."""

    text: str
    gap: int


@dataclass(slots=True)
class Sheet:
    """A text page by lines.

    `cycle` is the text of the first cycle where it follows itself, `times` times in all; `ticker` are all further
    ticker lines. `head` is the index in `lines` behind the ticker; what stands before it was printed above the ticker.
    """

    cycle: str = ""
    times: int = 0
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
    end = _read_cycles(text, sheet)
    known: set[str] = set()
    gap = 0
    lines = sheet.lines
    rest = text[end:] if end else text
    if _is_plain(rest):
        _read_plain(rest, lines)
        return sheet
    for line in rest.split("\n"):
        if not line:
            gap += 1
        elif (known and line in known) or ("/" in line and is_ticker_line(line)):
            known.add(line)
            # A bullet list of rates inside a text must not move the head of the page there.
            if (not sheet.ticker and not sheet.times) or sheet.head == len(lines):
                sheet.head = len(lines)
            sheet.ticker.append(line)
            gap = 0
        else:
            squeezed = squeeze(line)
            if not squeezed or (len(squeezed) < 40 and not plain(squeezed)):
                gap += 1
            else:
                lines.append(Line(squeezed, gap))
                gap = 0
    return sheet


def _is_plain(text: str) -> bool:
    """Whether no line is a ticker's and blanks are all the white space; most pages are like that below the ticker."""
    if any(map(text.__contains__, _ODD_ASCII if text.isascii() else _ODD)):
        return False
    return "/" not in text or not any(map(is_ticker_line, [line for line in text.split("\n") if "/" in line]))


def _read_plain(text: str, lines: list[Line]) -> None:
    while "  " in text:
        text = text.replace("  ", " ")
    gap = 0
    for line in text.split("\n"):
        stripped = line.strip(" ")
        if stripped:
            lines.append(Line(stripped, gap))
            gap = 0
        else:
            gap += 1


def ticker_of(sheet: Sheet, on: date | None) -> Ticker:
    """The ticker of the page; `on` is the day it was printed, if known."""
    if sheet.times and not sheet.ticker:
        rates = read_cycle(sheet.cycle, on)
        if rates is not None:
            return Ticker(rates, sheet.times)
    return read_ticker([*sheet.cycle.split("\n")[:-1] * sheet.times, *sheet.ticker], on)


def _read_cycles(text: str, sheet: Sheet) -> int:
    """Take the cycles that `text` begins with into `sheet`; where they end in it, 0 where there are none."""
    # The two leading blanks are missing in the first line of all.
    start = len(text) - len(text.lstrip(" \n")) if text[:1] in {" ", "\n"} else 0
    first = text[start : start + _CYCLE_CHARS].partition("\n")[0]
    if not is_ticker_line(first):
        return 0
    again = text.find(f"\n  {first}\n", start, start + _CYCLE_CHARS)
    if again < 0:
        return 0
    cycle = f"  {text[start : again + 1]}"
    if not is_printed(cycle) and not all(map(is_ticker_line, cycle.split("\n")[1:-1])):
        return 0
    end = again + 1
    times = 1
    while text.startswith(cycle, end):
        end += len(cycle)
        times += 1
    if times > 1:
        sheet.cycle, sheet.times = cycle, times
        return end
    return 0
