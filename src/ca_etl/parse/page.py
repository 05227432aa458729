"""What a parser returns (the page with articles, rates, rejects), and the kind and the ticker's day of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ca_etl.parse.links import article_address, path_parts
from ca_etl.records import Capture, RejectReason, TableRow

# Stored beside every row; raised whenever the same bytes could give other rows.
PARSER_VERSION: Final = "2026-11-28.2"

EXCERPT_CHARS: Final = 200
# Between two text nodes. A page that holds one itself only has one more line.
GAP: Final = "\x04"


class PageKind(StrEnum):
    """The kind of a captured page, such as listing, article or feed; `kind_of` decides it."""

    LISTING = "listing"
    HOME = "home"
    AUTHOR = "author"
    ARTICLE = "article"
    OLD_SITE = "old_site"
    POSTS_API = "posts_api"
    FEED = "feed"
    API_ERROR = "api_error"
    OTHER = "other"


class RateLine(NamedTuple):
    """One currency pair of the ticker as printed: 1 unit of `base` costs `rate_text` units of `quote`.

    `change_text` keeps its sign and percent sign ("-0%" is a fall that rounds to zero). `position` is the number of the
    line in its cycle, from 1.
    """

    base: str
    quote: str
    rate_text: str
    change_text: str
    position: int

    @property
    def rate(self) -> Decimal:
        """The exchange rate of a ticker line: units of `quote` for one unit of `base`, with at most 8 decimals."""
        return Decimal(self.rate_text)

    @property
    def change_pct(self) -> Decimal:
        """The printed change of a rate in percent, with at most 4 decimals; "-0%" is 0."""
        return Decimal(self.change_text.removesuffix("%")) + 0


class ResultCount(NamedTuple):
    """The numbers of a listing's header "Viewing results FIRST - LAST of TOTAL"; `last` can exceed `total`."""

    first: int
    last: int
    total: int


class Media(NamedTuple):
    """A shortcode or figure caption removed from an article's text; `kind` is the shortcode's name, or "caption"."""

    kind: str
    attachment_id: int | None = None
    caption: str | None = None


class Article(NamedTuple):
    """One article as a page shows it; `position` is its position among the articles of the page, from 1.

    `text` or `title` is None where the page shows only the other. `url` is absolute. `published_at` and `modified_at`
    are UTC. `dateline` is the "CITY (TCA)" removed from the start of the text. `categories` are the names of categories
    and tags.
    """

    position: int = 1
    title: str | None = None
    url: str | None = None
    text: str | None = None
    is_truncated: bool = False
    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    dateline: str | None = None
    media: tuple[Media, ...] = ()
    post_id: int | None = None
    categories: tuple[str, ...] = ()

    def or_else(self, other: Article) -> Article:
        """The fields of this article, with those of `other` where a field is empty."""
        return Article._make(own or others for own, others in zip(self, other, strict=True))


class Reject(NamedTuple):
    """A piece of a capture that gave no row: reason code, detail, and the first `EXCERPT_CHARS` characters."""

    reason: RejectReason
    detail: str
    excerpt: str

    @classmethod
    def of(cls, reason: RejectReason, detail: str, text: str) -> Reject:
        """Make a reject whose excerpt is the first `EXCERPT_CHARS` characters of `text`."""
        return cls(reason, detail, text[:EXCERPT_CHARS])


class Page(NamedTuple):
    """A parsed page. `page_date` is the date printed above its articles; on an article page it is that of the article.

    `ticker_cycles` is how often the ticker repeats its pairs, `shown` the result count of a listing, None without one.
    `error_code` is the code of the error that the posts API gave in place of posts, None without one.
    """

    kind: PageKind
    charset: str
    articles: tuple[Article, ...] = ()
    rejects: tuple[Reject, ...] = ()
    page_date: date | None = None
    rates: tuple[RateLine, ...] = ()
    ticker_cycles: int = 0
    shown: ResultCount | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The time zone of calendar days, and the site whose pages are wanted, with which a capture is parsed.

    `site` is the host (without `www.`, or "loopback"); None means every host, as for files of a web archive.
    """

    zone: ZoneInfo
    site: str | None = None

    def day_of(self, capture: Capture) -> date | None:
        """The calendar day of a capture in this time zone; None where its time is unknown."""
        return None if capture.captured_at is None else capture.captured_at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Content:
    """The result of parsing a capture: records for tables of `raw`, and rejects for what gave no record.

    `day` is the day that the records are of, None for the local day of the capture. `is_readable` is False where the
    body is not what was requested, such as an error page. `page` is the page, where the site's parser read one.
    """

    records: tuple[TableRow, ...] = ()
    rejects: tuple[Reject, ...] = ()
    day: date | None = None
    is_readable: bool = True
    page: Page | None = None

    @classmethod
    def unreadable(cls, reject: Reject) -> Content:
        """The result of parsing a body that is not what was requested: one reject."""
        return cls(rejects=(reject,), is_readable=False)


@dataclass(frozen=True, slots=True)
class Parser:
    """The parser of a source: `read` turns a capture into rows. `version` is stored beside the rows.

    Raise `version` when the same bytes give other rows. `read` is a pure function at the top of a module, so that
    another process can call it. Captures with an error status or a cut body are rejects without it, unless
    `reads_errors`.
    """

    version: str
    read: Callable[[Capture, Terms], Content]
    reads_errors: bool = False


# A page prints at most the day that has begun somewhere: no zone is a whole day ahead of Asia/Almaty.
_AHEAD: Final = timedelta(days=1)
_KINDS: Final = {
    **dict.fromkeys(("author", "our-people"), PageKind.AUTHOR),
    **dict.fromkeys(("category", "tag", "latest", "feed"), PageKind.LISTING),
    "index.php": PageKind.OLD_SITE,
}
_POST_QUERY: Final = re.compile(r"[?&](?:p|page_id)=[0-9]")


class Features(NamedTuple):
    """The properties of a page by which `kind_of` decides its kind."""

    has_header: bool = False
    has_breadcrumb: bool = False
    has_written_by: bool = False
    is_single_article: bool = False
    is_post: bool = False
    is_unproven: bool = False
    has_ticker_or_date: bool = False
    articles: int = 0
    has_teasers: bool = False


def kind_of(features: Features, url: str | None) -> PageKind:
    """Decide the kind of a page from its properties and its `url`, by the first rule that holds.

    1. a breadcrumb "Our People >" makes an author page, a "Viewing results" header a listing;
    2. WordPress' own CSS classes of a post make an article; else a URL that only one kind of page can have decides:
       /author/ and /our-people/, /page/N and the front page, /index.php;
    3. bullets "Written by" make a page of the old site, unless a ticker or date line (new site only) is above;
    4. a page that declares itself one article is an article, if another sign agrees: on an error page none does;
    5. the other URLs: /category/, /tag/, /latest/ and /feed/ are listings, a path of one segment an article, if
       another sign on the page agrees;
    6. where the URL does not decide, teasers with "Continue reading", or articles below a ticker or date line, make the
       home page;
    7. any other page is of the kind other.
    """
    if features.has_breadcrumb or features.has_header:
        return PageKind.AUTHOR if features.has_breadcrumb else PageKind.LISTING
    by_url = kind_of_url(url)
    is_known = by_url is not None and not (by_url is PageKind.ARTICLE and features.is_unproven)
    has_list = features.has_teasers or (features.has_ticker_or_date and features.articles > 0)
    rules = (
        (features.is_post and not features.is_unproven, PageKind.ARTICLE),
        (by_url in {PageKind.AUTHOR, PageKind.HOME, PageKind.OLD_SITE}, by_url),
        (features.has_written_by and not features.has_ticker_or_date, PageKind.OLD_SITE),
        (features.is_single_article and not features.is_unproven, PageKind.ARTICLE),
        (is_known, by_url),
        (by_url is None and has_list, PageKind.HOME),
    )
    return next((kind for holds, kind in rules if holds and kind is not None), PageKind.OTHER)


def ticker_day(kind: PageKind, page_date: date | None, on: date | None) -> date | None:
    """The day that a page's ticker belongs to; `on` is the local day of the capture. None where neither day is known.

    The day is the printed date, however old: ticker and date line are printed together, so that a cached page has the
    rates of its own day. It is the day of the capture on an article page, whose date line is the article's own, and
    where the printed date is more than a day after the capture. Stored as `raw.capture.observed_date`;
    `staging.stg_capture` flags dates that are far apart.
    """
    if kind is PageKind.ARTICLE or page_date is None:
        return on
    if on is not None and page_date - _AHEAD > on:
        return on
    return page_date


def kind_of_url(url: str | None) -> PageKind | None:
    """The kind of page that `url` alone implies (/author/ an author page); None where it implies none."""
    if not url:
        return None
    parts = path_parts(article_address(url))
    if not parts or parts[0] == "page":
        # Without permalinks a post has a number at the address of the front page.
        return None if _POST_QUERY.search(url) is not None else PageKind.HOME
    by_first = _KINDS.get(parts[0])
    return by_first or (PageKind.ARTICLE if len(parts) == 1 else None)
