"""The HTML form: a WordPress page of any theme.

The ticker, the date line and the "Viewing results" header are recognised by their text wherever they are;
`cards` finds the articles by their headings.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import islice
from typing import Final

from ca_etl.parse.article_page import read_article_page
from ca_etl.parse.clean import squeeze
from ca_etl.parse.dates import START, looks_like_date, read_date, read_header
from ca_etl.parse.html_articles import Cards, read_cards
from ca_etl.parse.html_document import GAP, Markup
from ca_etl.parse.links import resolve
from ca_etl.parse.page import Page, PageKind, Reject, Shown
from ca_etl.parse.page_kind import Signs, kind_of, ticker_day
from ca_etl.parse.ticker import read_ticker, ticker_lines
from ca_etl.records import RejectReason

# Places that begin like the header and are looked at; prose can quote it.
_HEADERS: Final = 5
_HEADER: Final = re.compile(r".{0,60}? of [0-9]{1,80}")
_BREADCRUMB: Final = re.compile(rf"Our People[\s{GAP}]{{0,20}}[>\u00bb]")
_UNPROVEN: Final = "nothing on the page states that it is an article's, as on an error page"


def read_html(html: bytes, *, url: str | None, on: date | None, charset: str) -> Page:
    """The page that `html` (UTF-8) is; the caller has checked `markup.too_complex` first.

    `url` (absolute) resolves links and is the second witness of the kind; without one the page's own
    `<base>` and canonical link serve. `on` is the day of the capture, if known.
    """
    markup = Markup(html)
    flat = markup.flat
    ticker_text = ticker_lines(flat)
    page_url = url or markup.head_attribute("link[rel~=canonical]", "href")
    base = resolve(page_url, markup.head_attribute("base[href]", "href") or "")
    shown, header_rejects = _header(flat)
    has_breadcrumb = _BREADCRUMB.search(flat) is not None
    headings = markup.read_body()
    is_list, has_ticker = shown is not None or has_breadcrumb, bool(ticker_text.lines)
    own = None if is_list else read_article_page(markup, headings, url, base, has_ticker=has_ticker)
    cards = Cards((), own.before, ()) if own is not None else read_cards(markup, headings, base)
    page_date, rejects = _page_date(flat, ticker_text.end, cards)
    signs = Signs(
        has_header=shown is not None,
        has_breadcrumb=has_breadcrumb,
        is_single_article=own is not None,
        is_post=own is not None and own.is_post,
        is_unproven=own is None or not own.is_proven,
        has_ticker_or_date=has_ticker or page_date is not None,
        articles=len(cards.articles),
    )
    kind = kind_of(signs, url)
    articles = cards.articles
    if own is not None and kind in {PageKind.ARTICLE, PageKind.OLD_SITE}:
        articles = (own.article,)
        rejects += own.rejects
    if kind is PageKind.OTHER and kind_of(signs._replace(is_unproven=False), url) is PageKind.ARTICLE:
        # The date line may be an article's after all.
        page_date = None
        if not articles:
            parts = [] if own is None else [own.article.title, own.article.text]
            rejects.append(Reject.of(RejectReason.NO_ARTICLES, _UNPROVEN, " ".join(filter(None, parts))))
    ticker = read_ticker(ticker_text.lines, ticker_day(kind, page_date, on))
    rejects = [*ticker.rejects, *rejects, *header_rejects]
    return Page(kind, page_date, ticker.rates, ticker.cycles, shown, articles, tuple(rejects), charset)


def _header(flat: str) -> tuple[Shown | None, list[Reject]]:
    rejects: list[Reject] = []
    for start in islice(re.finditer(START, flat), _HEADERS):
        line = squeeze(flat[start.start() : start.start() + 80].replace(GAP, " "))
        # The header ends at its last number; what follows it in the flat text is another node's.
        header = _HEADER.match(line)
        shown = None if header is None else read_header(header[0])
        if shown is not None:
            return shown, []
        if line[len(START) : len(START) + 2].strip().isdigit():
            rejects.append(Reject.of(RejectReason.BAD_HEADER, "not 'Viewing results A - B of C'", line))
    return None, rejects[:1]


def _page_date(flat: str, ticker_end: int, cards: Cards) -> tuple[date | None, list[Reject]]:
    """The date line: the first one before the first article, else one directly after the ticker.

    A date that is directly after the ticker but within an article's card is that article's.
    """
    before = (line for line in cards.before if line.lstrip()[:1].isdigit())
    day = next(filter(None, map(read_date, map(squeeze, before))), None)
    if day is not None:
        return day, []
    after = flat[ticker_end : ticker_end + 60] if ticker_end else ""
    first = next(filter(None, map(squeeze, after.split(GAP))), "")
    day = read_date(first)
    if day is None and looks_like_date(first):
        return None, [Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", first)]
    if day is not None:
        nodes = (node for node in flat.split(GAP) if node.lstrip()[:1] == first[0])
        printed = sum(squeeze(node) == first for node in nodes)
        in_cards = sum(first in squeeze(label) for label in cards.labels)
        day = day if printed > in_cards else None
    return day, []
