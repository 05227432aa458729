"""The HTML form: a WordPress page of any theme.

The ticker, the date line and the "Viewing results" header are found by their text wherever they stand;
`cards` finds the articles by their headings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from ca_etl.parse.article_page import ArticlePage, read_article_page
from ca_etl.parse.cards import Cards, read_cards
from ca_etl.parse.clean import squeeze
from ca_etl.parse.dates import START, looks_like_date, read_date, read_header
from ca_etl.parse.kinds import Signs, kind_of, kind_of_url, ticker_day
from ca_etl.parse.links import resolve
from ca_etl.parse.markup import GAP, Markup
from ca_etl.parse.page import Article, Page, PageKind, Reject, Shown
from ca_etl.parse.spread import ticker_lines
from ca_etl.parse.ticker import read_ticker
from ca_etl.records import RejectReason

# Places that begin like the header and are looked at; prose can quote it.
_HEADERS: Final = 5
_BREADCRUMB: Final = re.compile(rf"Our People[\s{GAP}]{{0,20}}[>\u00bb]")
# A date line with the white space that markup can put around it.
_DATE_CHARS: Final = 200


def read_html(html: bytes, *, url: str | None, on: date | None, charset: str) -> Page:
    """The page that `html` (UTF-8) is; the caller has asked `markup.too_complex` before.

    `url` (absolute) resolves links and is the second witness of the kind; without one the page's own
    `<base>` and canonical link serve. `on` is the day of the capture, if known.
    """
    markup = Markup(html)
    flat = markup.flat
    found = ticker_lines(flat)
    base = _base(markup, url)
    shown, header_rejects = _header(flat)
    has_breadcrumb = _BREADCRUMB.search(flat) is not None
    body = markup.read_body()
    own = None
    if shown is None and not has_breadcrumb:
        is_list_url = kind_of_url(url) in {PageKind.HOME, PageKind.AUTHOR, PageKind.LISTING}
        own = read_article_page(
            markup, body, url, base, has_ticker=bool(found.lines), is_list_url=is_list_url
        )
    cards = Cards((), own.before, ()) if own is not None else read_cards(markup, body, base)
    page_date, date_rejects = _page_date(flat, found.end, cards)
    signs = Signs(
        has_header=shown is not None,
        has_breadcrumb=has_breadcrumb,
        is_single_article=own is not None,
        is_post=own is not None and own.is_post,
        is_unproven=own is None or not own.is_proven,
        has_ticker_or_date=bool(found.lines) or page_date is not None,
        articles=len(cards.articles),
    )
    kind = kind_of(signs, url)
    articles = cards.articles
    if own is not None and kind in {PageKind.ARTICLE, PageKind.OLD_SITE}:
        articles = (own.article,)
        date_rejects = [*date_rejects, *own.rejects]
    if kind is PageKind.OTHER and kind_of(signs._replace(is_unproven=False), url) is PageKind.ARTICLE:
        # The date line may be an article's after all.
        page_date, date_rejects = None, [*date_rejects, *_unproven(own, articles)]
    ticker = _read_ticker(found.lines, ticker_day(kind, page_date, on))
    rejects = (*ticker.rejects, *date_rejects, *header_rejects)
    return Page(kind, page_date, ticker.rates, ticker.cycles, shown, articles, rejects, charset)


def _unproven(own: ArticlePage | None, articles: Sequence[Article]) -> list[Reject]:
    """Why the page of one article gives none, where it gives no other either."""
    if articles:
        return []
    reason = "nothing on the page says that it is an article's, as on an error page"
    article = None if own is None else own.article
    shown = " ".join(part for part in (article and article.title, article and article.text) if part)
    return [Reject.of(RejectReason.NO_ARTICLES, reason, shown)]


# The pages of one day print one ticker.
_read_ticker: Final = lru_cache(maxsize=8)(read_ticker)


def _base(markup: Markup, url: str | None) -> str | None:
    """What links are relative to."""
    base = markup.head_attribute("base[href]", "href")
    page = url or markup.head_attribute("link[rel~=canonical]", "href")
    return resolve(page, base) if base else page


def _header(flat: str) -> tuple[Shown | None, list[Reject]]:
    rejects: list[Reject] = []
    at = flat.find(START)
    for _ in range(_HEADERS):
        if at < 0:
            break
        line = squeeze(flat[at : at + 80].replace(GAP, " "))
        for length in range(len(START), len(line) + 1):
            # The header ends at its last figure; what follows it in the flat text is another node's.
            if (length == len(line) or not line[length].isdigit()) and (shown := read_header(line[:length])):
                return shown, []
        if line[len(START) : len(START) + 2].strip().isdigit():
            rejects.append(Reject.of(RejectReason.BAD_HEADER, "not 'Viewing results A - B of C'", line))
        at = flat.find(START, at + len(START))
    return None, rejects[:1]


def _page_date(flat: str, ticker_end: int, cards: Cards) -> tuple[date | None, list[Reject]]:
    """The date line: the first one before the first article, else one directly behind the ticker.

    A date that stands directly behind the ticker but within an article's card is that article's.
    """
    for line in cards.before:
        if (
            len(line) <= _DATE_CHARS
            and line.lstrip()[:1].isdigit()
            and (found := read_date(squeeze(line))) is not None
        ):
            return found, []
    behind = flat[ticker_end : ticker_end + 60] if ticker_end else ""
    first = squeeze(next((node for node in behind.split(GAP) if node.strip()), ""))
    found = read_date(first)
    if found is None and looks_like_date(first):
        return None, [Reject.of(RejectReason.BAD_DATE_LINE, "not 'DD Month YYYY'", first)]
    if found is not None:
        printed = sum(squeeze(node) == first for node in flat.split(GAP))
        found = found if printed > sum(first in squeeze(label) for label in cards.labels) else None
    return found, []
