"""The text form: one line a paragraph, as in WET records and text captures.

The ticker lines come first (`lines`), the date line directly behind them (first line where there is no ticker), then
the "Viewing results" header or an author page's biography (`opening`), then titles and texts (`readers`). Listings and
author pages print a text in one paragraph, the home page in several.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ca_etl.parse.blocks import Block, is_cut, without_cut_title
from ca_etl.parse.clean import clean
from ca_etl.parse.cycles import cut_short
from ca_etl.parse.kinds import Signs, kind_of, ticker_day
from ca_etl.parse.lines import Line, read_lines, ticker_of
from ca_etl.parse.old_site import without_spam
from ca_etl.parse.opening import read_head
from ca_etl.parse.page import Article, Media, Page, PageKind, Reject
from ca_etl.parse.readers import read_blocks, teasers
from ca_etl.parse.runs import has_written_by
from ca_etl.records import RejectReason


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
