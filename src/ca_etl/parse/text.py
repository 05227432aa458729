"""The text form: one line a paragraph, as in WET records and text captures.

The ticker lines come first, the date line directly behind them (first line where there is no ticker), then the
"Viewing results" header, then titles and texts. Listings and author pages print a text in one paragraph, the
home page in several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ca_etl.parse.clean import byline, clean, is_furniture, squeeze
from ca_etl.parse.dates import looks_like_date, read_date
from ca_etl.parse.header import is_header, read_header
from ca_etl.parse.kinds import Signs, kind_of
from ca_etl.parse.page import Article, Page, PageKind, Reject, Shown
from ca_etl.parse.ticker import is_ticker_line, read_ticker
from ca_etl.parse.titles import MAX_CHARS, SECTION_WORDS, is_title_like
from ca_etl.records import RejectReason

# The date line is the first line behind the ticker in every known capture; two more leave room for a label.
_HEAD_LINES: Final = 3
_BREADCRUMB: Final = re.compile(r"Our People\s{0,3}[>»]")
_AVATAR: Final = re.compile(r".{0,80}['’]s? Avatar")  # noqa: RUF001
_LABELS: Final = frozenset({"Uncategorized", "Uncategorised"})


@dataclass(slots=True)
class _Block:
    title: str | None
    paragraphs: list[str] = field(default_factory=list)
    author: str | None = None


@dataclass(slots=True)
class _Head:
    """What stands before the first title; `rest` is everything else."""

    page_date: date | None
    shown: Shown | None
    has_breadcrumb: bool
    rest: list[str]
    rejects: list[Reject]


def read_text(text: str, *, url: str | None, on: date | None, charset: str) -> Page:
    """The page that `text` is.

    `on` is the day of the capture, if known; a printed date goes before it. `url` decides the kind only where
    the page itself does not.
    """
    ticker_lines: list[str] = []
    lines: list[str] = []
    behind_ticker = 0
    known: set[str] = set()
    for line in text.split("\n"):
        if line in known or is_ticker_line(line):
            known.add(line)
            # A bullet list of rates inside a text must not move the head of the page there.
            if not ticker_lines or behind_ticker == len(lines):
                behind_ticker = len(lines)
            ticker_lines.append(line)
        elif line:
            squeezed = squeeze(line)
            if squeezed and not is_furniture(squeezed):
                lines.append(squeezed)
    head = _read_head(lines, behind_ticker)
    ticker = read_ticker(ticker_lines, head.page_date or on)
    has_written_by = any(
        line.lstrip("•*- ").startswith("Written by ") for line in head.rest[:40] if len(line) < MAX_CHARS
    )
    signs = Signs(
        has_header=head.shown is not None,
        has_breadcrumb=head.has_breadcrumb,
        has_written_by=has_written_by,
        has_ticker_or_date=bool(ticker.cycles) or head.page_date is not None,
        articles=len(head.rest),
    )
    kind = kind_of(signs, url)
    blocks = _blocks(head.rest, kind)
    articles = tuple(_article(position, block) for position, block in enumerate(blocks, start=1))
    return Page(
        kind,
        head.page_date,
        ticker.rates,
        ticker.cycles,
        head.shown,
        articles,
        (*ticker.rejects, *head.rejects),
        charset,
    )


def _read_head(lines: Sequence[str], start: int) -> _Head:
    """Date line, header and an author page's opening; lines before the ticker stay in the text."""
    head = _Head(None, None, has_breadcrumb=False, rest=list(lines[:start]), rejects=[])
    at = start
    for offset, line in enumerate(lines[start : start + _HEAD_LINES]):
        if (found := read_date(line)) is not None:
            head.page_date = found
        elif looks_like_date(line):
            head.rejects.append(Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", line))
        elif is_header(line):
            head.shown = read_header(line)
            if head.shown is None:
                head.rejects.append(
                    Reject.of(RejectReason.BAD_HEADER, "not 'Viewing results A - B of C'", line)
                )
        elif line not in _LABELS:
            break
        at = start + offset + 1
    rest = lines[at:]
    if rest and _BREADCRUMB.match(rest[0]):
        head.has_breadcrumb = True
        rest = _after_biography(rest)
    head.rest += rest
    return head


def _after_biography(lines: Sequence[str]) -> Sequence[str]:
    """The lines behind "Articles"; where that word is missing, those behind breadcrumb and avatar."""
    for number, line in enumerate(lines):
        if line == "Articles":
            return lines[number + 1 :]
    return [line for line in lines[1:3] if _AVATAR.fullmatch(line[:120]) is None] + list(lines[3:])


def _blocks(lines: Sequence[str], kind: PageKind) -> list[_Block]:
    if kind is PageKind.ARTICLE:
        return _single(lines)
    one_paragraph = kind in {PageKind.LISTING, PageKind.AUTHOR}
    if one_paragraph and not any(map(is_title_like, lines)):
        return [_Block(None, [line]) for line in lines]
    blocks: list[_Block] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        last = blocks[-1] if blocks else None
        if last is not None and not last.paragraphs and (name := byline(line)) is not None:
            last.author = name
        elif (_opens_listed if one_paragraph else _opens_full)(line, following, last):
            blocks.append(_Block(line))
        elif last is None:
            blocks.append(_Block(None, [line]))
        else:
            last.paragraphs.append(line)
    return blocks


def _single(lines: Sequence[str]) -> list[_Block]:
    if not lines:
        return []
    if is_title_like(lines[0]):
        return [_Block(lines[0], list(lines[1:]))]
    return [_Block(None, list(lines))]


def _opens_listed(line: str, following: str, last: _Block | None) -> bool:
    """Whether `line` is a title where every text is one paragraph, so that titles and texts take turns."""
    if last is not None and last.title is not None and not last.paragraphs:
        # A text's turn: what looks like a title here is a short text when a title follows it, and a
        # title when a text does, the one before having none.
        return is_title_like(line) and bool(following) and not is_title_like(following)
    if len(line) > MAX_CHARS:
        return False
    return is_title_like(line) or len(following) > 2 * len(line)


def _opens_full(line: str, following: str, last: _Block | None) -> bool:
    """Whether `line` is a title where texts have several paragraphs and section headings of their own."""
    if not is_title_like(line) or (following and is_title_like(following)):
        return False
    if last is None:
        return True
    return line.count(" ") >= SECTION_WORDS and bool(following)


def _article(position: int, block: _Block) -> Article:
    cleaned = clean(block.paragraphs)
    return Article(
        position=position,
        title=block.title,
        url=None,
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        author=block.author,
        dateline=cleaned.dateline,
        media=cleaned.media,
    )
