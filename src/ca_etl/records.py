"""The types that packages of `ca_etl` exchange: captures from the archive, and the rows parsed from them.

The columns of the rows are those of `sql/raw/*.sql`, into whose types they are converted when they are loaded. Times
are UTC, dates are calendar days, money and rates are decimals; no column is a binary float.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import urlsplit

LOOPBACK: Final = "loopback"

# Sources of articles, by the names in `raw.capture.source`.
LISTINGS: Final = "timesca"
POSTS_API: Final = "timesca-posts"
FEED: Final = "timesca-feed"
ARTICLE_PAGES: Final = "timesca-articles"

# Statuses by which the page of an article states that the article was deleted.
DELETED_STATUSES: Final = frozenset({404, 410})
# Statuses by which an API or a feed is permanently unavailable, or does not exist; 429 and 5xx are temporary.
UNAVAILABLE_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 406, 410, 451})


class ResponseClass(StrEnum):
    """The class of one response, stored with its capture.

    `page`: a readable page of any kind, or an ingested file. `unchanged`: a page with the body of an earlier capture
    (304, or a revisit record). `deleted`: the page of a deleted article. `unavailable`: posts API or feed refuses
    permanently. `error`: a response without a page for another reason, such as another status, a bot check or an
    unreadable body.
    """

    PAGE = "page"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    UNAVAILABLE = "unavailable"
    ERROR = "error"


# Classes of responses that are expected to have no rows: they are facts about the site.
EXPECTED_RESPONSES: Final = frozenset({ResponseClass.DELETED, ResponseClass.UNAVAILABLE})


def response_class(
    source: str, http_status: int | None, *, is_page: bool, is_revisit: bool = False
) -> ResponseClass:
    """The class of a response of `source`. `is_page`: the body is a readable page, and not an error page.

    `is_revisit`: the response states that the page is unchanged. `http_status` is None for an ingested file.

    >>> response_class("timesca-articles", 410, is_page=False)
    <ResponseClass.DELETED: 'deleted'>
    >>> response_class("timesca", 404, is_page=False)
    <ResponseClass.ERROR: 'error'>
    """
    if source == ARTICLE_PAGES and http_status in DELETED_STATUSES:
        return ResponseClass.DELETED
    if source in {POSTS_API, FEED} and http_status in UNAVAILABLE_STATUSES:
        return ResponseClass.UNAVAILABLE
    if not is_page:
        return ResponseClass.ERROR
    return ResponseClass.UNCHANGED if is_revisit else ResponseClass.PAGE


class SourceKind(StrEnum):
    """The kind of the archived bytes of a capture: what they show of the page, and so whose rows count.

    `warc`: as a server sent them. `wet`: text that a web archive made of a page. `file`: given by hand.
    """

    WARC = "warc"
    WET = "wet"
    FILE = "file"


class RejectReason(StrEnum):
    """Reason code of a reject: why a capture, or a part of one, could not become a row."""

    # the archive could not be read
    BAD_RECORD = "bad_record"
    TRUNCATED = "truncated"
    UNRESOLVED_REVISIT = "unresolved_revisit"
    LOST_REFERENCE = "lost_reference"
    # the response was not a page
    HTTP_ERROR = "http_error"
    BLOCKED = "blocked"
    UNAVAILABLE = "unavailable"
    EMPTY = "empty"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    OTHER_SITE = "other_site"
    # the response of an API or a feed is not what was requested
    API_REFUSED = "api_refused"
    BAD_JSON = "bad_json"
    BAD_XML = "bad_xml"
    EXTRA_TEXT = "extra_text"
    # the table of a bank is not what was requested, or has no rate of the day
    BAD_HTML = "bad_html"
    BAD_DAY = "bad_day"
    BAD_NUMBER = "bad_number"
    TWO_RATES = "two_rates"
    NO_RATE = "no_rate"
    NO_PUBLICATION = "no_publication"
    # the page was not understood
    UNDATED = "undated"
    NO_TICKER = "no_ticker"
    UNKNOWN_PAIR = "unknown_pair"
    PAIR_ORDER = "pair_order"
    CYCLE_DIFFERS = "cycle_differs"
    INCOMPLETE_CYCLE = "incomplete_cycle"
    BAD_RATE_LINE = "bad_rate_line"
    BAD_DATE_LINE = "bad_date_line"
    BAD_TIME = "bad_time"
    BAD_HEADER = "bad_header"
    NO_ARTICLES = "no_articles"
    UNTITLED = "untitled"
    AMBIGUOUS_TITLE = "ambiguous_title"
    NO_TEXT = "no_text"
    UNDECODABLE = "undecodable"
    PARSER_ERROR = "parser_error"


@dataclass(frozen=True, slots=True)
class Capture:
    """One archived response, or one ingested file.

    `payload` is the body with transfer and content encoding removed. `captured_at` is UTC, None when the time of the
    request is unknown. `url` is None for an ingested file without an address. `refers_to` is the id of the earlier
    capture that a revisit record refers to; `payload` is then the body of the earlier capture. `truncated` repeats the
    record's WARC-Truncated reason. `total` is the number of posts that match the whole query as the site reports it
    (X-WP-Total of WordPress), None without that header. `source_kind` is the kind of the bytes.
    """

    capture_id: str
    source: str
    payload: bytes
    archive_file: str
    archive_offset: int
    url: str | None = None
    captured_at: datetime | None = None
    http_status: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    refers_to: str | None = None
    truncated: str | None = None
    total: int | None = None
    source_kind: SourceKind = SourceKind.WARC

    @property
    def payload_sha256(self) -> str:
        """The SHA-256 of the capture's decoded body in hex: the same for every way to encode the body in transfer."""
        return hashlib.sha256(self.payload).hexdigest()


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A range of bytes in an archive file, from `archive_offset` on, that is not a usable WARC record."""

    archive_file: str
    archive_offset: int
    reason: RejectReason
    detail: str
    capture_id: str | None = None


class TableRow(Protocol):
    """A row of the table `raw.<table>` as a frozen dataclass, whose fields are columns; other columns are null."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    table: ClassVar[str]


@dataclass(frozen=True, slots=True)
class RateObservation:
    """A rate as a capture printed it: 1 unit of `base` is `rate` units of `quote`.

    `rate_text` and `change_text` are as printed, `change_pct` is in percent; `position` counts from 1.
    """

    table: ClassVar = "rate_observation"
    capture_id: str
    base: str
    quote: str
    rate: Decimal
    rate_text: str
    change_pct: Decimal
    change_text: str
    position: int


@dataclass(frozen=True, slots=True)
class OfficialRate:
    """A line of a bank's table: 1 unit of `base` is `rate` units of `quote`.

    `rate_text` is the printed price of `nominal` units of `base`, `rate` the exact quotient of the two. `rate_date` is
    the day in force that the response states, `requested_date` the day of the request, None for the latest rates or a
    range; both in the zone of the bank. `position` counts from 0.
    """

    table: ClassVar = "official_rate"
    capture_id: str
    position: int
    base: str
    quote: str
    rate_text: str
    nominal: int
    rate: Decimal
    rate_date: date
    requested_date: date | None = None
    rate_type: str = "official"


@dataclass(slots=True)
class Rows:
    """The rows parsed from captures, for the raw tables: each field is the list of rows for the table of its name."""

    capture: list[dict[str, Any]] = field(default_factory=list)
    rate_observation: list[dict[str, Any]] = field(default_factory=list)
    official_rate: list[dict[str, Any]] = field(default_factory=list)
    article_observation: list[dict[str, Any]] = field(default_factory=list)
    article_text: list[dict[str, Any]] = field(default_factory=list)
    reject: list[dict[str, Any]] = field(default_factory=list)

    def by_table(self) -> dict[str, list[dict[str, Any]]]:
        """The parsed rows, by the name of the raw table that they are for."""
        return {table.name: getattr(self, table.name) for table in fields(self)}

    def add(self, record: TableRow) -> None:
        """Append `record` to the parsed rows for its raw table."""
        row = {column.name: getattr(record, column.name) for column in fields(record)}
        getattr(self, record.table).append(row)

    def extend(self, other: Rows) -> None:
        """Append the rows of `other`, another collection of parsed rows, table by table."""
        for table, rows in self.by_table().items():
            rows.extend(getattr(other, table))


def site_name(url: str) -> str:
    """The name of a site for its data directory: the host of `url` without `www.`, empty for an invalid URL.

    Every loopback address is the site `loopback`, whatever its port, since the port of the demo may change.

    >>> site_name("https://www.timesca.com/latest/")
    'timesca.com'
    >>> site_name("http://127.0.0.1:8808/")
    'loopback'
    """
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
    if host in {"localhost", "::1"} or host.startswith("127."):
        return LOOPBACK
    return host.removeprefix("www.")
