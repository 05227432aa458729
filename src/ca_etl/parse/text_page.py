"""The text form of a page: one line per paragraph, as in WET records and text captures.

The ticker lines come first (`text_lines`), the date line directly after them (first where there is no ticker), then the
"Viewing results" header or an author page's biography, then titles and texts (`text_articles`). Listings and author
pages print a text in one paragraph, the home page in several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ca_etl.parse.clean import clean
from ca_etl.parse.dates import is_header, looks_like_date, read_date, read_header
from ca_etl.parse.page import Article, Media, Page, PageKind, Reject, Shown
from ca_etl.parse.page_kind import Signs, kind_of, ticker_day
from ca_etl.parse.text_articles import (
    READERS,
    Block,
    has_written_by,
    is_cut,
    teasers,
    without_cut_title,
    without_spam,
)
from ca_etl.parse.text_lines import Line, plain, read_lines
from ca_etl.parse.ticker import cut_short, read_ticker
from ca_etl.parse.title_scoring import is_title_like
from ca_etl.records import RejectReason

# The date line is the first line after the ticker in every known capture; two more leave room for a label.
_HEAD_LINES: Final = 3
_HEAD_CHARS: Final = 80
_BREADCRUMB: Final = re.compile(r'Our People\s{0,3}[>"\u203a]\s{0,3}(.{0,120})')
_AVATAR: Final = re.compile(r"(.{0,80}?)'?s? Avatar")
_LABEL_WORDS: Final = 4
# Breadcrumb, avatar, name, job title, three paragraphs of biography with dividers: "Articles" comes before this.
_OPENING_LINES: Final = 25
# Where "Articles" is missing, a job title differs from an article's by its words.
_JOB: Final = re.compile(
    r"(?i:editor|journalist|correspondent|reporter|columnist|writer|author|contributor|analyst|researcher|fellow|"
    r"professor|director|founder|photographer|producer|lecturer|consultant|expert|specialist|intern|manager|"
    r"chief|advis[eo]r|scholar|historian|economist|diplomat|ambassador|translator)s?\b"
)
_JOB_WORDS: Final = 8
_JOB_CHARS: Final = 80
_NAME_CHARS: Final = 40


@dataclass(slots=True)
class Head:
    """What the head of a page states; `rest` is everything else, lines above the ticker first."""

    page_date: date | None = None
    shown: Shown | None = None
    has_breadcrumb: bool = False
    rest: list[Line] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def read_head(lines: Sequence[Line], start: int) -> Head:
    """The head of the page, which begins at `start`, after the ticker."""
    head = Head()
    at = start
    while at < min(start + _HEAD_LINES, len(lines)) and (
        _take(head, lines[at]) or _is_label(lines, at, head)
    ):
        at += 1
    rest = list(lines[at:])
    breadcrumb = _BREADCRUMB.match(plain(rest[0].text[:200])) if rest else None
    if breadcrumb is not None:
        head.has_breadcrumb = True
        rest = _after_biography(rest, breadcrumb[1])
    head.rest = [*lines[:start], *rest]
    return head


def _take(head: Head, line: Line) -> bool:
    """Whether `line` is the date line or the header; what they state goes into `head`."""
    if len(line.text) > _HEAD_CHARS:
        return False
    text = plain(line.text)
    if head.page_date is None and (printed := read_date(text)) is not None:
        head.page_date = printed
    elif looks_like_date(text):
        head.rejects.append(Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", line.text))
    elif is_header(text):
        head.shown = read_header(text)
        if head.shown is None:
            why = "not 'Viewing results A - B of C'"
            head.rejects.append(Reject.of(RejectReason.BAD_HEADER, why, line.text))
    else:
        return False
    return True


def _is_label(lines: Sequence[Line], at: int, head: Head) -> bool:
    """Whether the line is a category label: a word or two directly after the date line, then an empty line."""
    line = lines[at]
    return (
        head.page_date is not None
        and line.gap == 0
        and len(line.text) <= _HEAD_CHARS
        and line.text.count(" ") < _LABEL_WORDS
        and at + 1 < len(lines)
        and lines[at + 1].gap > 0
        and is_title_like(lines[at + 1].text)
    )


def _after_biography(lines: list[Line], person: str) -> list[Line]:
    """The lines after an author page's opening.

    They begin after the lone "Articles"; where that is missing (2024), after two empty lines that follow the avatar
    in place of a biography; else after everything that can be name, job title or biography. A capture cut within the
    biography has none.
    """
    for number, line in enumerate(lines[:_OPENING_LINES]):
        if plain(line.text).rstrip(":") == "Articles":
            return lines[number + 1 :]
    at = 1
    names = _words(person)
    if len(lines) > 1 and (avatar := _AVATAR.fullmatch(plain(lines[1].text[:120]))) is not None:
        at = 2
        names |= _words(avatar[1])
    if len(lines) > at and lines[at].gap > 1:
        return lines[at:]
    while at < len(lines) and not _opens_articles(lines, at, names):
        if len(lines[at].text) < _NAME_CHARS:
            # The name is spelt in more than one way.
            names |= _words(lines[at].text)
        at += 1
    return lines[at:]


def _words(name: str) -> set[str]:
    return {word.strip(".,").casefold() for word in plain(name).split()}


def _opens_articles(lines: Sequence[Line], at: int, names: set[str]) -> bool:
    """Whether the line is a title and no name, job title or biography, in which the person is named."""
    line = lines[at].text
    if at + 1 >= len(lines) or not is_title_like(line) or line.count(" ") < 3:
        return False
    following = plain(lines[at + 1].text[:400]).casefold()
    words = _words(line)
    # A capture may end within the job title.
    is_cut = at + 2 == len(lines) and len(following) < _JOB_CHARS
    is_name = 2 * len(words & names) >= len(words)
    is_job = len(words) <= _JOB_WORDS and _JOB.search(line) is not None
    is_named = any(len(name) > 3 and name in following for name in names)
    return not (is_cut or is_name or is_job or is_named or is_title_like(lines[at + 1].text))


def read_text(text: str, *, url: str | None, on: date | None, charset: str) -> Page:
    """The page that `text` is.

    `on` is the day of the capture, if known; a printed date counts more where it is the page's. `url` decides the
    kind only where the page itself does not.
    """
    sheet = read_lines(text)
    head = read_head(sheet.lines, sheet.head)
    has_ticker_or_date = bool(sheet.ticker) or head.page_date is not None
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
            why = "a row of keywords above the articles of the old site, under no title"
            head.rejects.append(Reject.of(RejectReason.UNTITLED, why, spam))
    blocks = READERS[kind](lines)
    ends_within_text = False
    if not text.endswith("\n"):
        blocks, cut = without_cut_title(kind, blocks)
        if cut is not None:
            head.rejects.append(Reject.of(RejectReason.TRUNCATED, "the text ends within a title", cut))
        ends_within_text = cut is None and is_cut(blocks, lines)
    day = ticker_day(kind, head.page_date, on)
    ticker = read_ticker(sheet.ticker, day)
    if not sheet.lines and (short := cut_short(ticker.cycles, day)) is not None:
        head.rejects.append(short)
    articles = [_article(position, block) for position, block in enumerate(blocks, start=1)]
    if ends_within_text:
        articles[-1] = articles[-1]._replace(is_truncated=True)
    rejects = (*ticker.rejects, *head.rejects)
    return Page(
        kind, head.page_date, ticker.rates, ticker.cycles, head.shown, tuple(articles), rejects, charset
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
