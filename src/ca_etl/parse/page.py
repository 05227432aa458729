"""What one page states, whatever form it came in."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from ca_etl.records import RejectReason

# Stored beside every row; raised whenever the same bytes could give other rows.
PARSER_VERSION: Final = "2026-11-27.7"

EXCERPT_CHARS: Final = 200


class PageKind(StrEnum):
    """What sort of page it was; `kinds.kind_of` holds the rules."""

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
    """One pair of the ticker as printed: 1 `base` costs `rate_text` `quote`.

    `change_text` keeps its sign and its percent sign ("-0%" is a fall that rounds to nothing).
    `position` is the place of the line in its cycle, from 1.
    """

    base: str
    quote: str
    rate_text: str
    change_text: str
    position: int

    @property
    def rate(self) -> Decimal:
        """Units of quote for one unit of base, at most 8 decimals."""
        return Decimal(self.rate_text)

    @property
    def change_pct(self) -> Decimal:
        """The change in percent, at most 4 decimals; "-0%" is a plain 0 here."""
        return Decimal(self.change_text.removesuffix("%")) + 0


class Shown(NamedTuple):
    """The numbers of "Viewing results FIRST - LAST of TOTAL"; LAST can exceed TOTAL ("1 - 6 of 2")."""

    first: int
    last: int
    total: int


class Media(NamedTuple):
    """A shortcode or figure caption taken out of the text; `kind` is the shortcode's name."""

    kind: str
    attachment_id: int | None = None
    caption: str | None = None


class Article(NamedTuple):
    """One article as shown on a page, `position` from 1 in the order shown.

    `text` is None where a title is alone, `title` is None where a text does. `url` is absolute.
    `published_at` and `modified_at` are UTC. `dateline` is the "CITY (TCA)" that opened the text. `categories`
    are names, tags among them.
    """

    position: int
    title: str | None
    url: str | None
    text: str | None
    is_truncated: bool
    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    dateline: str | None = None
    media: tuple[Media, ...] = ()
    post_id: int | None = None
    categories: tuple[str, ...] = ()


class Reject(NamedTuple):
    """A piece of input that gave no row, with at most `EXCERPT_CHARS` characters of it."""

    reason: RejectReason
    detail: str
    excerpt: str

    @classmethod
    def of(cls, reason: RejectReason, detail: str, text: str) -> Reject:
        """A reject whose excerpt is the beginning of `text`."""
        return cls(reason, detail, text[:EXCERPT_CHARS])


class Page(NamedTuple):
    """One page read. `page_date` is as printed; on an article page it is the article's own date.

    `error_code` is the code of the error that an API gave in place of posts.
    """

    kind: PageKind
    page_date: date | None
    rates: tuple[RateLine, ...]
    ticker_cycles: int
    shown: Shown | None
    articles: tuple[Article, ...]
    rejects: tuple[Reject, ...]
    charset: str
    error_code: str | None = None
