"""The text form: one line a paragraph, as in WET records and text captures.

The ticker lines come first (`lines`), the date line directly after them (first line where there is no ticker), then
the "Viewing results" header or an author page's biography, then titles and texts (`text_articles`). Listings and
author pages print a text in one paragraph, the home page in several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ca_etl.parse.clean import clean
from ca_etl.parse.dates import is_header, looks_like_date, read_date, read_header
from ca_etl.parse.kinds import Signs, kind_of, ticker_day
from ca_etl.parse.lines import Line, plain, read_lines, ticker_of
from ca_etl.parse.page import Article, Media, Page, PageKind, Reject, Shown
from ca_etl.parse.text_articles import (
    Block,
    has_written_by,
    is_cut,
    read_blocks,
    teasers,
    without_cut_title,
    without_spam,
)
from ca_etl.parse.ticker import cut_short
from ca_etl.parse.title_scoring import is_title_like
from ca_etl.records import RejectReason

# The date line is the first line behind the ticker in every known capture; two more leave room for a label.
_HEAD_LINES: Final = 3
_BREADCRUMB: Final = re.compile(r'Our People\s{0,3}[>"\u203a]\s{0,3}(.{0,120})')
_AVATAR: Final = re.compile(r"(.{0,80}?)'?s? Avatar")
_LABEL_WORDS: Final = 4
# Breadcrumb, avatar, name, job title, three paragraphs of biography with dividers: "Articles" comes before this.
_OPENING_LINES: Final = 25
# A job title, and what a biography says of a person; where "Articles" is missing they tell it from articles.
_JOB: Final = re.compile(
    r"(?i:editor|journalist|correspondent|reporter|columnist|writer|author|contributor|analyst|researcher|fellow|"
    r"professor|director|founder|photographer|producer|lecturer|consultant|expert|specialist|intern|manager|"
    r"chief|advis[eo]r|scholar|historian|economist|diplomat|ambassador|translator)s?\b"
)
_JOB_WORDS: Final = 8
_NAME_CHARS: Final = 40
_TOLD_CHARS: Final = 80
_LIFE: Final = re.compile(
    r"\b(?:is an? |is the (?:author|editor|founder|director)|has (?:worked|written|reported|been|covered|lived|taught)|"
    r"(?:worked|served|studied|graduated|lives|based|born|holds|specializ|specialis|freelance|journalis|degree|"
    r"prior to|previously|his work|her work|their work|years of experience)\b)"
)


@dataclass(slots=True)
class Head:
    """What the head of a page says; `rest` is everything else, lines above the ticker first."""

    page_date: date | None = None
    shown: Shown | None = None
    has_breadcrumb: bool = False
    rest: list[Line] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def read_head(lines: Sequence[Line], start: int) -> Head:
    """The head of the page, which begins at `start`, behind the ticker."""
    head = Head()
    at = start
    for offset, line in enumerate(lines[start : start + _HEAD_LINES]):
        if len(line.text) > 80 or not (_take(head, line) or _is_label(lines, start + offset, head)):
            break
        at = start + offset + 1
    rest = list(lines[at:])
    found = _BREADCRUMB.match(plain(rest[0].text[:200])) if rest else None
    if found is not None:
        head.has_breadcrumb = True
        rest = _behind_biography(rest, found[1])
    head.rest = [*lines[:start], *rest]
    return head


def _take(head: Head, line: Line) -> bool:
    """Whether `line` is the date line or the header; what they say goes into `head`."""
    text = plain(line.text)
    if (found := read_date(text)) is not None and head.page_date is None:
        head.page_date = found
    elif looks_like_date(text):
        head.rejects.append(Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", line.text))
    elif is_header(text):
        head.shown = read_header(text)
        if head.shown is None:
            head.rejects.append(
                Reject.of(RejectReason.BAD_HEADER, "not 'Viewing results A - B of C'", line.text)
            )
    else:
        return False
    return True


def _is_label(lines: Sequence[Line], at: int, head: Head) -> bool:
    """Whether the line is a category label: a word or two directly behind the date line, then an empty line."""
    line = lines[at]
    return (
        head.page_date is not None
        and line.gap == 0
        and line.text.count(" ") < _LABEL_WORDS
        and at + 1 < len(lines)
        and lines[at + 1].gap > 0
        and is_title_like(lines[at + 1].text)
    )


def _behind_biography(lines: list[Line], person: str) -> list[Line]:
    """The lines behind an author page's opening.

    They begin behind the lone "Articles"; where that is missing (2024), behind two empty lines after the avatar,
    which stand for the missing biography; else behind everything that can be name, job title or biography. A capture
    cut within the biography has none.
    """
    for number, line in enumerate(lines[:_OPENING_LINES]):
        if plain(line.text).rstrip(":") == "Articles":
            return lines[number + 1 :]
    at = 1
    name = person
    if len(lines) > 1 and (found := _AVATAR.fullmatch(plain(lines[1].text[:120]))) is not None:
        at = 2
        name = f"{person} {found[1]}"
    if len(lines) > at and lines[at].gap > 1:
        return lines[at:]
    names = _words(name)
    while at < len(lines) and not _opens_articles(lines, at, names):
        if len(lines[at].text) < _NAME_CHARS:
            # The name is spelt in more than one way.
            names |= _words(lines[at].text)
        at += 1
    return lines[at:]


def _words(name: str) -> set[str]:
    return {word.strip(".,").casefold() for word in plain(name).split()}


def _opens_articles(lines: Sequence[Line], at: int, names: set[str]) -> bool:
    """Whether a title stands at `at` and no name, job title or biography."""
    line = lines[at].text
    if at + 1 >= len(lines) or not is_title_like(line) or line.count(" ") < 3:
        return False
    following = lines[at + 1].text
    words = _words(line)
    if at + 2 == len(lines) and len(following) < _TOLD_CHARS:
        # The capture ends within what may be a job title.
        return False
    if is_title_like(following) or 2 * len(words & names) >= len(words):
        return False
    if len(words) <= _JOB_WORDS and _JOB.search(line) is not None:
        return False
    told = plain(following[:400])
    mentions = any(len(name) > 3 and name in told.casefold() for name in names)
    return not (mentions or len(_LIFE.findall(told)) > 1)


def read_text(text: str, *, url: str | None, on: date | None, charset: str) -> Page:
    """The page that `text` is.

    `on` is the day of the capture, if known; a printed date goes before it where it is the page's. `url` decides the
    kind only where the page itself does not.
    """
    sheet = read_lines(text)
    head = read_head(sheet.lines, sheet.head)
    has_ticker_or_date = bool(sheet.times or sheet.ticker) or head.page_date is not None
    signs = Signs(
        has_header=head.shown is not None,
        has_breadcrumb=head.has_breadcrumb,
        has_written_by=not has_ticker_or_date and has_written_by(head.rest),
        has_ticker_or_date=has_ticker_or_date,
        articles=len(head.rest),
        has_teasers=head.shown is None and teasers(head.rest) > 1,
    )
    kind = kind_of(signs, url)
    lines: Sequence[Line] = head.rest
    if kind is PageKind.OLD_SITE:
        lines, spam = without_spam(lines)
        if spam is not None:
            said = "a row of keywords above the articles of the old site, under no title"
            head.rejects.append(Reject.of(RejectReason.UNTITLED, said, spam))
    blocks = read_blocks(kind, lines)
    ends_within_text = False
    if not text.endswith("\n"):
        blocks, cut = without_cut_title(kind, blocks)
        if cut is not None:
            head.rejects.append(Reject.of(RejectReason.TRUNCATED, "the text ends within a title", cut))
        ends_within_text = cut is None and is_cut(blocks, lines)
    day = ticker_day(kind, head.page_date, on)
    ticker = ticker_of(sheet, day)
    if not sheet.lines and (short := cut_short(ticker.cycles, day)) is not None:
        head.rejects.append(short)
    articles = [_article(position, block) for position, block in enumerate(blocks, start=1)]
    if ends_within_text:
        articles[-1] = articles[-1]._replace(is_truncated=True)
    return Page(
        kind,
        head.page_date,
        ticker.rates,
        ticker.cycles,
        head.shown,
        tuple(articles),
        (*ticker.rejects, *head.rejects),
        charset,
    )


def _article(position: int, block: Block) -> Article:
    cleaned = clean(block.paragraphs)
    media = cleaned.media
    if block.caption is not None:
        media = (Media("caption", None, block.caption), *media)
    return Article(
        position=position,
        title=block.title,
        url=None,
        text=cleaned.text,
        is_truncated=cleaned.is_truncated,
        author=block.author,
        dateline=cleaned.dateline,
        media=media,
    )
