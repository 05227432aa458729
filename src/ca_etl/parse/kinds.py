"""Which kind a page is: what stands on it first, then its URL."""

from __future__ import annotations

from dataclasses import dataclass

from ca_etl.parse.links import path_parts
from ca_etl.parse.page import PageKind


@dataclass(frozen=True, slots=True)
class Signs:
    """What a reader saw on the page."""

    has_header: bool = False
    has_breadcrumb: bool = False
    has_written_by: bool = False
    is_single_article: bool = False
    has_ticker_or_date: bool = False
    articles: int = 0


def kind_of(signs: Signs, url: str | None) -> PageKind:
    """The kind of a page.

    In this order: a breadcrumb "Our People >" is an author page; a "Viewing results" header a listing;
    "Written by" bullets the old site; a page that declares itself one article is one. Then the URL
    decides, and without a URL a page of the site (ticker or date line) with articles is the home page's.
    """
    by_url = _kind_of_url(url)
    if signs.has_breadcrumb or by_url is PageKind.AUTHOR:
        return PageKind.AUTHOR
    if signs.has_header:
        return PageKind.LISTING
    if signs.has_written_by or by_url is PageKind.OLD_SITE:
        return PageKind.OLD_SITE
    if signs.is_single_article:
        return PageKind.ARTICLE
    if by_url is not None:
        return by_url
    return PageKind.HOME if signs.has_ticker_or_date and signs.articles else PageKind.OTHER


def _kind_of_url(url: str | None) -> PageKind | None:
    if not url:
        return None
    parts = path_parts(url)
    if not parts or parts[0] == "page":
        return PageKind.HOME
    if parts[0] in {"author", "our-people"}:
        return PageKind.AUTHOR
    if parts[0] == "index.php":
        return PageKind.OLD_SITE
    if parts[0] in {"category", "tag", "latest", "feed"}:
        return PageKind.LISTING
    return PageKind.ARTICLE if len(parts) == 1 else None
