"""Which kind a page is, and which day its ticker belongs to: what is on it first, then its URL."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final, NamedTuple

from ca_etl.parse.links import article_address, path_parts
from ca_etl.parse.page import PageKind

# A page prints at most the day that has begun somewhere: no zone is a whole day ahead of Asia/Almaty.
_AHEAD: Final = timedelta(days=1)
_KINDS: Final = {
    **dict.fromkeys(("author", "our-people"), PageKind.AUTHOR),
    **dict.fromkeys(("category", "tag", "latest", "feed"), PageKind.LISTING),
    "index.php": PageKind.OLD_SITE,
}
_POST_QUERY: Final = re.compile(r"[?&](?:p|page_id)=[0-9]")


class Signs(NamedTuple):
    """What a reader saw on the page."""

    has_header: bool = False
    has_breadcrumb: bool = False
    has_written_by: bool = False
    is_single_article: bool = False
    is_post: bool = False
    is_unproven: bool = False
    has_ticker_or_date: bool = False
    articles: int = 0
    has_teasers: bool = False


def kind_of(signs: Signs, url: str | None) -> PageKind:
    """The kind of a page: the first of these that holds.

    1. a breadcrumb "Our People >" makes an author page, a "Viewing results" header a listing;
    2. the page of a post by WordPress' own classes is an article; else a URL decides that only one kind has: /author/
       and /our-people/, /page/N and the front page, /index.php;
    3. bullets "Written by" make the old site, unless a ticker or date line is above: they are the new one's;
    4. a page that declares itself one article is one, unless nothing on it bears that out: so does an error page;
    5. the other URLs: /category/, /tag/, /latest/ and /feed/ are listings, a path of one segment an article, unless
       it is unproven too;
    6. without a URL that decides: teasers with "Continue reading", or articles below a ticker or date line, make the
       home page;
    7. anything else is other.
    """
    if signs.has_breadcrumb or signs.has_header:
        return PageKind.AUTHOR if signs.has_breadcrumb else PageKind.LISTING
    by_url = kind_of_url(url)
    is_known = by_url is not None and not (by_url is PageKind.ARTICLE and signs.is_unproven)
    has_list = signs.has_teasers or (signs.has_ticker_or_date and signs.articles > 0)
    rules = (
        (signs.is_post and not signs.is_unproven, PageKind.ARTICLE),
        (by_url in {PageKind.AUTHOR, PageKind.HOME, PageKind.OLD_SITE}, by_url),
        (signs.has_written_by and not signs.has_ticker_or_date, PageKind.OLD_SITE),
        (signs.is_single_article and not signs.is_unproven, PageKind.ARTICLE),
        (is_known, by_url),
        (by_url is None and has_list, PageKind.HOME),
    )
    return next((kind for holds, kind in rules if holds and kind is not None), PageKind.OTHER)


def ticker_day(kind: PageKind, page_date: date | None, on: date | None) -> date | None:
    """The day that a page's ticker belongs to; `on` is the day of the capture. None: undated.

    The printed date where there is one, however old: ticker and date line are printed together, so a cached page
    carries the rates of its own day. Not on an article page, whose date line is the article's own (2018 under a
    ticker of 2026), and not a date that the capture had not reached: there the day of the capture.
    `raw.capture.observed_date` is this day; `staging.stg_capture` flags dates that are far apart.
    """
    if kind is PageKind.ARTICLE or page_date is None:
        return on
    if on is not None and page_date - _AHEAD > on:
        return on
    return page_date


def kind_of_url(url: str | None) -> PageKind | None:
    """The kind that an address has by itself, None where it may be any."""
    if not url:
        return None
    parts = path_parts(article_address(url))
    if not parts or parts[0] == "page":
        # Without permalinks a post has a number at the address of the front page.
        return None if _POST_QUERY.search(url) is not None else PageKind.HOME
    by_first = _KINDS.get(parts[0])
    return by_first or (PageKind.ARTICLE if len(parts) == 1 else None)
