"""The text form: one line a paragraph, as in WET records and text captures.

The ticker lines come first (`lines`), the date line directly behind them (first line where there is no ticker), then
the "Viewing results" header or an author page's biography (`opening`), then titles and texts (`readers`). Listings and
author pages print a text in one paragraph, the home page in several.
"""

from __future__ import annotations

from datetime import date

from ca_etl.parse.clean import clean
from ca_etl.parse.kinds import Signs, kind_of, ticker_day
from ca_etl.parse.lines import read_lines, ticker_of
from ca_etl.parse.opening import read_head
from ca_etl.parse.page import Article, Media, Page, Reject
from ca_etl.parse.readers import Block, has_written_by, read_blocks, teasers, without_cut_title
from ca_etl.parse.ticker import cut_short
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
    blocks = read_blocks(kind, head.rest)
    if not text.endswith("\n"):
        blocks, cut = without_cut_title(kind, blocks)
        if cut is not None:
            head.rejects.append(Reject.of(RejectReason.TRUNCATED, "the text ends within a title", cut))
    day = ticker_day(kind, head.page_date, on)
    ticker = ticker_of(sheet, day)
    if not sheet.lines and (short := cut_short(ticker.cycles, day)) is not None:
        head.rejects.append(short)
    return Page(
        kind,
        head.page_date,
        ticker.rates,
        ticker.cycles,
        head.shown,
        tuple(_article(position, block) for position, block in enumerate(blocks, start=1)),
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
