"""Parser of plain-text pages, with one line per paragraph, as in WET records and text captures.

The ticker lines come first, the date line directly after them (first where there is no ticker), then the "Viewing
results" header or an author page's biography, then titles and texts (`text_articles`). Listings and author pages print
an article's text as one paragraph, the home page as several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from ca_etl.parse.lines import (
    clean,
    collapse_spaces,
    fold_punctuation,
    is_date_like,
    is_header,
    read_date,
    read_header,
)
from ca_etl.parse.page import (
    Article,
    Features,
    Media,
    Page,
    PageKind,
    Reject,
    ResultCount,
    kind_of,
    ticker_day,
)
from ca_etl.parse.text_articles import (
    READERS,
    Block,
    count_teasers,
    drop_spam,
    has_written_by,
    is_last_text_truncated,
    take_truncated_title,
)
from ca_etl.parse.ticker import is_ticker_line, missing_cycles_reject, read_ticker
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


class Line(NamedTuple):
    """One non-empty line of a text page with its spaces collapsed; `gap` is the number of empty lines before it."""

    text: str
    gap: int


@dataclass(slots=True)
class TextHead:
    """The top of a plain-text page: page date, result count and breadcrumb.

    `rest` are all other lines, those above the ticker first.
    """

    page_date: date | None = None
    shown: ResultCount | None = None
    has_breadcrumb: bool = False
    rest: list[Line] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def read_text(text: str, *, url: str | None, on: date | None, charset: str) -> Page:
    """Parse a plain-text page to its kind, ticker, date line, result count and articles.

    `on` is the local day of the capture, if known; a page date has precedence over it. `url` decides the kind only
    where the page itself does not.
    """
    ticker_lines, lines, start = read_lines(text)
    head = _read_head(lines, start)
    texts: Sequence[str] = [line.text for line in head.rest]
    has_ticker_or_date = bool(ticker_lines) or head.page_date is not None
    features = Features(
        has_header=head.shown is not None,
        has_breadcrumb=head.has_breadcrumb,
        has_written_by=not has_ticker_or_date and has_written_by(texts),
        has_ticker_or_date=has_ticker_or_date,
        articles=len(texts),
        has_teasers=head.shown is None and count_teasers(texts) > 1,
    )
    kind = kind_of(features, url)
    day = ticker_day(kind, head.page_date, on)
    ticker = read_ticker(ticker_lines, day)
    if not lines and (short := missing_cycles_reject(ticker.cycles, day)) is not None:
        head.rejects.append(short)
    if kind is PageKind.OLD_SITE:
        texts, spam = drop_spam(texts)
        if spam is not None:
            why = "a row of keywords above the articles of the old site, under no title"
            head.rejects.append(Reject.of(RejectReason.UNTITLED, why, spam))
    blocks = READERS[kind](texts)
    ends_within_text = False
    if not text.endswith("\n"):
        blocks, cut = take_truncated_title(kind, blocks)
        if cut is not None:
            head.rejects.append(Reject.of(RejectReason.TRUNCATED, "the text ends within a title", cut))
        ends_within_text = cut is None and is_last_text_truncated(blocks, texts)
    articles = [_article(position, block) for position, block in enumerate(blocks, start=1)]
    if ends_within_text:
        articles[-1] = articles[-1]._replace(is_truncated=True)
    rejects = (*ticker.rejects, *head.rejects)
    rates, cycles = ticker.rates, ticker.cycles
    return Page(kind, charset, tuple(articles), rejects, head.page_date, rates, cycles, head.shown)


def read_lines(text: str) -> tuple[list[str], list[Line], int]:
    """Separate the ticker lines of `text` from its other lines.

    Returns the ticker lines as printed, the others, and the index among the others at which the ticker begins. A line
    of only no-break spaces and zero-width characters is empty.
    """
    ticker: list[str] = []
    lines: list[Line] = []
    start = gap = 0
    for line in text.split("\n"):
        if "/" in line and is_ticker_line(line):
            start = start if ticker else len(lines)
            ticker.append(line.strip())
            gap = 0
        elif (collapsed := collapse_spaces(line)).strip("\u200c\u200d"):
            lines.append(Line(collapsed, gap))
            gap = 0
        else:
            gap += 1
    return ticker, lines, start


def _read_head(lines: Sequence[Line], start: int) -> TextHead:
    """The head of a text page, read from the line `start`, the first line after the ticker."""
    head = TextHead()
    at = start
    while at < min(start + _HEAD_LINES, len(lines)) and (
        _read_head_line(head, lines[at]) or _is_label(lines, at, head)
    ):
        at += 1
    rest = list(lines[at:])
    breadcrumb = _BREADCRUMB.match(fold_punctuation(rest[0].text[:200])) if rest else None
    if breadcrumb is not None:
        head.has_breadcrumb = True
        rest = _after_biography(rest, breadcrumb[1])
    head.rest = [*lines[:start], *rest]
    return head


def _read_head_line(head: TextHead, line: Line) -> bool:
    """Whether `line` is a date line or a result header; its content is added to `head`."""
    if len(line.text) > _HEAD_CHARS:
        return False
    text = fold_punctuation(line.text)
    if head.page_date is None and (printed := read_date(text)) is not None:
        head.page_date = printed
    elif is_date_like(text):
        head.rejects.append(Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", line.text))
    elif is_header(text):
        head.shown = read_header(text)
        if head.shown is None:
            why = "not 'Viewing results A - B of C'"
            head.rejects.append(Reject.of(RejectReason.BAD_HEADER, why, line.text))
    else:
        return False
    return True


def _is_label(lines: Sequence[Line], at: int, head: TextHead) -> bool:
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
    """The lines after an author page's opening (name, job title, biography); none in a capture that ends within it.

    The lines begin after the line "Articles"; where that is missing (2024), after two empty lines that follow the
    avatar in place of a biography; else after every line that can be name, job title or biography.
    """
    for number, line in enumerate(lines[:_OPENING_LINES]):
        if fold_punctuation(line.text).rstrip(":") == "Articles":
            return lines[number + 1 :]
    at = 1
    names = _words(person)
    if len(lines) > 1 and (avatar := _AVATAR.fullmatch(fold_punctuation(lines[1].text[:120]))) is not None:
        at = 2
        names |= _words(avatar[1])
    if len(lines) > at and lines[at].gap > 1:
        return lines[at:]
    while at < len(lines) and not _opens_articles(lines, at, names):
        if len(lines[at].text) < _NAME_CHARS:
            # The name is spelled in more than one way.
            names |= _words(lines[at].text)
        at += 1
    return lines[at:]


def _words(name: str) -> set[str]:
    return {word.strip(".,").casefold() for word in fold_punctuation(name).split()}


def _opens_articles(lines: Sequence[Line], at: int, names: set[str]) -> bool:
    """Whether the line at `at` is the first article's title, and not a name, job title or biography."""
    line = lines[at].text
    if at + 1 >= len(lines) or not is_title_like(line) or line.count(" ") < 3:
        return False
    following = fold_punctuation(lines[at + 1].text[:400]).casefold()
    words = _words(line)
    # A capture may end within the job title.
    is_cut = at + 2 == len(lines) and len(following) < _JOB_CHARS
    is_name = 2 * len(words & names) >= len(words)
    is_job = len(words) <= _JOB_WORDS and _JOB.search(line) is not None
    is_named = any(len(name) > 3 and name in following for name in names)
    return not (is_cut or is_name or is_job or is_named or is_title_like(lines[at + 1].text))


def _article(position: int, block: Block) -> Article:
    article = clean(block.paragraphs)
    caption = () if block.caption is None else (Media("caption", None, block.caption),)
    media = (*caption, *article.media)
    return article._replace(position=position, title=block.title, author=block.author, media=media)
