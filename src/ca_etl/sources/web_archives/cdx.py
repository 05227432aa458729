"""CDX indexes of web archives: queries, and lines of both dialects as one record. Without I/O.

Common Crawl's server (pywb) sends a JSON object a line, and numbered pages. The Wayback Machine sends one array of
arrays whose first row names the fields, and after a limit a key with which the next response resumes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from ca_etl.parse.page import PageKind, kind_of_url
from ca_etl.records import site_name
from ca_etl.sources.source import DateRange

# The SHA-1 of zero bytes: such captures have nothing in common but that they are empty.
EMPTY_DIGEST: Final = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
DIGEST: Final = re.compile(r"(?:sha1:)?([A-Z2-7]{32})")
NUMBER: Final = re.compile(r"[0-9]{1,15}")
ANY: Final = re.compile(r".+", re.DOTALL)
VALID: Final = {
    # no user and no password, which would be published
    "url": re.compile(r"https?://[^\s\x00-\x20\x7f/?#@]{1,255}(?:[/?#][^\s\x00-\x20\x7f]{0,4000})?"),
    "status": re.compile(r"-|[1-5][0-9]{2}"),
    "digest": DIGEST,
    "length": NUMBER,
    "offset": NUMBER,
    "filename": re.compile(r"(?!.*\.\.)[\w-][\w./=-]{1,500}"),
}
NO_STATUS: Final = "-"
DEFAULT_PORT: Final = re.compile(r"\A(http://[^/:]+):80(?=/|\Z)|\A(https://[^/:]+):443(?=/|\Z)")
REVISIT: Final = "warc/revisit"
HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
# Of the kinds of pages that print the ticker; an article page prints it, too, but not the date of its rates.
LISTING_KINDS: Final = frozenset({PageKind.HOME, PageKind.LISTING, PageKind.AUTHOR})
# The fields of Wayback's index. Without `urlkey` its resume key skips captures.
WAYBACK_FIELDS: Final = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
# Names of the fields in the Wayback Machine, by those of Common Crawl.
WAYBACK_NAMES: Final = {"url": "original", "mime": "mimetype", "status": "statuscode"}
SHOWN: Final = 200


class LineReason(StrEnum):
    """Reason why a line of an index is not requested: the line is damaged, or its capture is not a page of the site."""

    # damaged
    CUT = "cut"
    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    BAD_FIELD = "bad_field"
    # not wanted
    REVISIT = "revisit"
    OTHER_STATUS = "other_status"
    OTHER_TYPE = "other_type"
    OTHER_SITE = "other_site"
    OTHER_DAY = "other_day"
    OTHER_FOLDER = "other_folder"
    EMPTY_BODY = "empty_body"


@dataclass(frozen=True, slots=True)
class IndexLine:
    """One capture that a web archive holds, as its index states it.

    `timestamp` is the time of the capture in 14 digits (UTC), `status` None for a revisit, which has none. `digest` is
    the SHA-1 of the body in base 32. `length` (bytes as compressed), `offset` and `filename` locate the WARC record;
    all three are None for the Wayback Machine, which gives no access to its files.
    """

    urlkey: str
    url: str
    timestamp: str
    status: int | None
    mime: str
    digest: str
    length: int | None = None
    offset: int | None = None
    filename: str | None = None

    @property
    def captured_at(self) -> datetime:
        """The time of the capture, UTC."""
        return instant_of(self.timestamp)

    @property
    def key(self) -> tuple[str, str]:
        """Address of the page and timestamp, by which a capture that is archived is recognised."""
        return page_address(self.url), self.timestamp

    def day(self, zone: ZoneInfo) -> date:
        """The calendar day of the capture in `zone`."""
        return self.captured_at.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class BadIndexLine:
    """A damaged line of an index: its `text`, the reason, and a detail for people."""

    text: str
    reason: LineReason
    detail: str


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The lines of one response of an index. `resume_key` requests the next ones, None where there are none.

    With `is_whole` false the response ends before the index does.
    """

    lines: tuple[IndexLine, ...] = ()
    bad: tuple[BadIndexLine, ...] = ()
    resume_key: str | None = None
    is_whole: bool = True


def instant_of(timestamp: str) -> datetime:
    """The instant (UTC) that 14 digits name. Raises `ValueError` for any other text."""
    if len(timestamp) != 14 or not timestamp.isascii() or not timestamp.isdigit():
        raise ValueError(f"{timestamp!r} is not a time of 14 digits")
    return datetime.strptime(f"{timestamp}+0000", "%Y%m%d%H%M%S%z")


def page_address(url: str) -> str:
    """The URL without the port of its scheme, with which web archives name old captures.

    >>> page_address("http://timesca.com:80/latest/")
    'http://timesca.com/latest/'
    """
    return DEFAULT_PORT.sub(lambda match: match[1] or match[2], url)


def common_crawl_query(host: str, days: DateRange, *, page: int | None = None) -> str:
    """The query for captures of `host` and the hosts below it; without a `page` for the number of pages."""
    pairs = [
        ("url", host),
        ("matchType", "domain"),
        ("output", "json"),
        *_bounds(days),
        ("filter", "=status:200"),
        ("showNumPages", "true") if page is None else ("page", str(page)),
    ]
    return urlencode(pairs)


def wayback_query(host: str, days: DateRange, *, limit: int, resume_key: str | None = None) -> str:
    """The query for at most `limit` captures of `host` and the hosts below it, from where `resume_key` ended."""
    pairs = [
        ("url", host),
        ("matchType", "domain"),
        ("output", "json"),
        *_bounds(days),
        ("fl", ",".join(WAYBACK_FIELDS)),
        ("filter", "statuscode:200"),
        ("filter", "mimetype:text/html"),
        ("limit", str(limit)),
        ("showResumeKey", "true"),
        *([("resumeKey", resume_key)] if resume_key else []),
    ]
    return urlencode(pairs)


def _bounds(days: DateRange) -> tuple[tuple[str, str], tuple[str, str]]:
    # both included, and padded by the server: to 00:00:00 and to 23:59:59
    return ("from", f"{days.first:%Y%m%d}"), ("to", f"{days.last:%Y%m%d}")


def read_common_crawl(text: str) -> IndexPage:
    """The lines of a page of Common Crawl's index: a JSON object each. A last line without an end may be cut."""
    lines: list[IndexLine] = []
    bad: list[BadIndexLine] = []
    *ended, last = text.split("\n")
    for number, line in enumerate((*ended, last)):
        if not line.strip():
            continue
        is_last = number == len(ended)
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = LineReason.CUT if is_last else LineReason.NOT_JSON
            bad.append(BadIndexLine(line, reason, str(error)[:SHOWN]))
            continue
        read = _line(fields, line, has_file=True)
        if isinstance(read, BadIndexLine):
            bad.append(read)
        else:
            lines.append(read)
    return IndexPage(tuple(lines), tuple(bad), is_whole=not any(b.reason is LineReason.CUT for b in bad))


def read_wayback(text: str) -> IndexPage:
    """The rows of a response of Wayback's index: none for an empty text or `[]`.

    An empty row and a row with one value at the end are the resume key. Of a cut response the whole rows count.
    """
    rows = list(_rows(text))
    cut = [row for row in rows if isinstance(row, BadIndexLine)]
    whole = [row for row in rows if not isinstance(row, BadIndexLine)]
    resume_key = None
    if len(whole) > 2 and whole[-2] == [] and len(whole[-1]) == 1:
        resume_key = str(whole[-1][0])
        whole = whole[:-2]
    if not whole:
        return IndexPage(bad=tuple(cut), is_whole=not cut)
    names = [str(name) for name in whole[0]]
    lines: list[IndexLine] = []
    bad: list[BadIndexLine] = [*cut]
    for row in whole[1:]:
        shown = json.dumps(row)
        if len(row) != len(names):
            detail = f"{len(row)} values for {len(names)} fields"
            bad.append(BadIndexLine(shown, LineReason.MISSING_FIELD, detail))
            continue
        read = _line(dict(zip(names, row, strict=True)), shown, has_file=False)
        if isinstance(read, BadIndexLine):
            bad.append(read)
        else:
            lines.append(read)
    return IndexPage(tuple(lines), tuple(bad), resume_key, is_whole=not cut)


def _rows(text: str) -> Iterator[list[Any] | BadIndexLine]:
    """The rows of an array of arrays, as far as they are whole, and a `BadIndexLine` where the array has no end."""
    decoder = json.JSONDecoder()
    if not text.strip():
        return
    at = len(text) - len(text.lstrip())
    if text[at] != "[":
        yield BadIndexLine(text[:SHOWN], LineReason.CUT, "the response is not an array")
        return
    at += 1
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return
        try:
            row, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield BadIndexLine(text[at:][:SHOWN], LineReason.CUT, f"the array has no end: {error}"[:SHOWN])
            return
        yield (
            row
            if isinstance(row, list)
            else BadIndexLine(text[at:end], LineReason.NOT_JSON, "the row is not an array")
        )
        at = end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _line(fields: object, text: str, *, has_file: bool) -> IndexLine | BadIndexLine:
    """The line with these fields, by the names of either dialect; the first damaged field decides the reason."""
    if not isinstance(fields, Mapping):
        return BadIndexLine(text, LineReason.NOT_JSON, "the line is not a JSON object")
    names = ("urlkey", "url", "timestamp", "status", "mime", "digest")
    values: dict[str, str] = {}
    for name in (*names, *(("length", "offset", "filename") if has_file else ())):
        value = fields.get(name, fields.get(WAYBACK_NAMES.get(name, name)))
        if value is None:
            return BadIndexLine(text, LineReason.MISSING_FIELD, f"the line has no {name}")
        values[name] = str(value)
    damaged = next((name for name, value in values.items() if not _is_valid(name, value)), None)
    if damaged is not None:
        return BadIndexLine(text, LineReason.BAD_FIELD, f"{damaged} is {values[damaged][:SHOWN]!r}")
    digest = DIGEST.fullmatch(values["digest"])
    return IndexLine(
        urlkey=values["urlkey"],
        url=values["url"],
        timestamp=values["timestamp"],
        status=None if values["status"] == NO_STATUS else int(values["status"]),
        mime=values["mime"],
        digest=digest[1] if digest else "",
        length=int(values["length"]) if has_file else None,
        offset=int(values["offset"]) if has_file else None,
        filename=values.get("filename"),
    )


def _is_valid(name: str, value: str) -> bool:
    if name == "timestamp":
        with suppress(ValueError):
            return bool(instant_of(value))
        return False
    return VALID.get(name, ANY).fullmatch(value) is not None


def why_unwanted(line: IndexLine, *, site: str, days: DateRange) -> LineReason | None:  # noqa: PLR0911  one return a rule
    """The reason why a capture is not requested; None for a page of the site (its `site_name`) within `days` (UTC)."""
    if line.mime == REVISIT or line.status is None:
        return LineReason.REVISIT
    if line.status != 200:
        return LineReason.OTHER_STATUS
    if line.mime not in HTML:
        return LineReason.OTHER_TYPE
    if site_name(line.url) != site:
        return LineReason.OTHER_SITE
    if not days.first <= line.captured_at.date() <= days.last:
        return LineReason.OTHER_DAY
    if line.filename is not None and "/warc/" not in line.filename:
        # redirects and robots.txt have folders of their own
        return LineReason.OTHER_FOLDER
    return LineReason.EMPTY_BODY if line.digest == EMPTY_DIGEST else None


def collapse(lines: Iterable[IndexLine]) -> list[IndexLine]:
    """The captures of `lines` once each, the oldest first: both indexes repeat some, and not only side by side."""
    once = {(line.urlkey, line.timestamp, line.digest): line for line in lines}
    return sorted(once.values(), key=lambda line: (line.timestamp, line.urlkey, line.digest))


def one_a_day(lines: Sequence[IndexLine], zone: ZoneInfo) -> list[IndexLine]:
    """The first capture of each day and kind of listing page: with these a day of rates is won by few requests."""
    first: dict[tuple[date, PageKind], IndexLine] = {}
    for line in lines:
        kind = kind_of_url(line.url)
        if kind in LISTING_KINDS:
            first.setdefault((line.day(zone), kind), line)
    return list(first.values())


def count_reasons(reasons: Iterable[LineReason]) -> str:
    """Reasons with their numbers, such as "3 revisit, 1 other_site"."""
    return ", ".join(f"{number} {reason}" for reason, number in Counter(reasons).most_common())
