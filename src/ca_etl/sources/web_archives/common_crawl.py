"""Common Crawl: an index for each crawl, and each capture as a part of a WARC file, which is archived byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from ca_etl.archive.client import FetchResult
from ca_etl.archive.framing import BadRange, digest_matches, whole_member
from ca_etl.archive.policy import FetchPolicy, Verdict, header
from ca_etl.archive.reader import verify_record
from ca_etl.settings import Settings
from ca_etl.sources.session import Session, address_of
from ca_etl.sources.source import DateRange, Source, status_of
from ca_etl.sources.web_archives.cdx import IndexLine, IndexPage, common_crawl_query, read_common_crawl
from ca_etl.sources.web_archives.web_archive import (
    IndexUnavailableError,
    Kept,
    OpenIndex,
    WebArchive,
    patient,
    usable,
)

NAME: Final = "commoncrawl"
INDEX: Final = "https://index.commoncrawl.org/"
DATA: Final = "https://data.commoncrawl.org/"
# The week in the id of a crawl is that of its start or its end; a crawl lasts some two weeks, some had more.
WEEK_ID: Final = re.compile(r"CC-MAIN-([0-9]{4})-([0-9]{2})")
YEARS_ID: Final = re.compile(r"CC-MAIN-([0-9]{4})(?:-([0-9]{4}))?")
LEEWAY: Final = timedelta(days=35)
# A site has a page or two a crawl; an index of a thousand is not an index of one site.
MOST_PAGES: Final = 1000
NO_HIT: Final = 404
OUT_OF_RANGE: Final = 400


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawl: its id, the address of its index, and the days within which its captures lie."""

    crawl_id: str
    api: str
    first: date
    last: date

    def touches(self, days: DateRange) -> bool:
        """Whether the crawl may have captures of `days`."""
        return self.first <= days.last and days.first <= self.last


def read_crawls(text: str) -> list[Crawl]:
    """The crawls that `collinfo.json` lists. Raises `ValueError` for another text, or a crawl without days."""
    listed = json.loads(text)
    if not isinstance(listed, list) or not listed:
        raise ValueError("it is not a list of crawls")
    return [_crawl(item) for item in listed]


def _crawl(item: object) -> Crawl:
    if not isinstance(item, Mapping) or not isinstance(item.get("cdx-api"), str):
        raise ValueError(f"{str(item)[:100]!r} has no cdx-api")  # noqa: TRY004  as above
    name, api = str(item.get("id", "")), item["cdx-api"]
    if item.get("from") and item.get("to"):
        first, last = (datetime.fromisoformat(str(item[end])).date() for end in ("from", "to"))
        return Crawl(name, api, first, last)
    if match := WEEK_ID.fullmatch(name):
        monday = date.fromisocalendar(int(match[1]), min(max(int(match[2]), 1), 52), 1)
        return Crawl(name, api, monday - LEEWAY, monday + LEEWAY)
    if match := YEARS_ID.fullmatch(name):
        return Crawl(name, api, date(int(match[1]), 1, 1), date(int(match[2] or match[1]), 12, 31))
    raise ValueError(f"the crawl {name!r} has no days")


def _open_index(root: str, session: Session, host: str) -> OpenIndex:
    """The indexes of all crawls that may have captures of some days. The list of crawls is requested once."""
    crawls: list[Crawl] = []

    def pages(days: DateRange) -> Iterator[tuple[str, IndexPage]]:
        if not crawls:
            crawls.extend(_request_crawls(root, session))
        for crawl in crawls:
            if crawl.touches(days):
                yield from _pages(session, crawl, host, days)

    return pages


def _request_crawls(root: str, session: Session) -> list[Crawl]:
    listed = session.get_index(f"{address_of(session.ctx.settings, root, f'{NAME}/')}collinfo.json")
    try:
        return read_crawls(_text(listed))
    except ValueError as error:
        raise IndexUnavailableError(listed, why=str(error)) from error


def _pages(session: Session, crawl: Crawl, host: str, days: DateRange) -> Iterator[tuple[str, IndexPage]]:
    url = f"{crawl.api}?{common_crawl_query(host, days)}"
    pages = _number_of_pages(session.get_index(url))
    yield url, IndexPage()
    for number in range(pages):
        url = f"{crawl.api}?{common_crawl_query(host, days, page=number)}"
        result = session.get_index(url)
        if _is_no_hit(result):
            yield url, IndexPage()
        elif number and status_of(result) == OUT_OF_RANGE:
            # the number of pages and the pages are of two states of the index
            yield url, IndexPage(is_whole=False)
        else:
            yield url, read_common_crawl(_text(result))


def _number_of_pages(result: FetchResult) -> int:
    """The number of pages by the response to `showNumPages`; 0 where the crawl has no capture."""
    if _is_no_hit(result):
        return 0
    try:
        value = json.loads(_text(result))
    except ValueError as error:
        raise IndexUnavailableError(result, why=f"no number of pages: {error}") from error
    pages = value.get("pages") if isinstance(value, dict) else None
    if not isinstance(pages, int) or not 0 <= pages <= MOST_PAGES:
        raise IndexUnavailableError(result, why=f"the number of pages is {pages!r}")
    return pages


def _is_no_hit(result: FetchResult) -> bool:
    """Whether the index states that it has no capture: 404, as also of a wrong address, but with a message as JSON."""
    if status_of(result) != NO_HIT or result.last is None:
        return False
    try:
        value = json.loads(result.last.body)
    except ValueError:
        return False
    return isinstance(value, dict) and "No Captures found" in str(
        value.get("message", value.get("error", ""))
    )


def _text(result: FetchResult) -> str:
    if result.verdict is not Verdict.OK or result.last is None:
        raise IndexUnavailableError(result)
    return result.last.body.decode("utf-8", "replace")


def _fetch(root: str, session: Session, line: IndexLine) -> Kept:
    """Archive the gzip member that an index line locates, if it is what the line states."""
    assert line.offset is not None and line.length is not None  # noqa: S101, PT018  this index has both
    end = line.offset + line.length - 1
    headers = (("Range", f"bytes={line.offset}-{end}"), ("Accept-Encoding", "identity"))
    result = session.get_kept(f"{address_of(session.ctx.settings, root, f'{NAME}/')}{line.filename}", headers)
    if not usable(result) or result.last is None:
        return Kept.unusable(result)
    member = result.last.wire_body
    stated = header(result.last.response_headers, "Content-Range") or ""
    if stated and not stated.startswith(f"bytes {line.offset}-{end}/"):
        return Kept(f"bytes {line.offset}-{end} were requested, and {stated} sent", body=member)
    problem = member_problem(member, line)
    if problem is None:
        session.writer.add_member(member)
        return Kept()
    return Kept(problem, body=member)


def member_problem(member: bytes, line: IndexLine) -> str | None:  # noqa: PLR0911  one return a rule
    """Why the bytes are not the WARC record that `line` of an index states; None where they are."""
    if len(member) != line.length:
        return f"{len(member)} bytes instead of {line.length}"
    record = verify_record(whole_member(member))
    if isinstance(record, BadRange):
        return f"{record.reason}, {record.detail}"
    if not record.raw.data.startswith(b"WARC/1."):
        return "a record of another version of WARC than 1"
    if record.kind != "response" or record.http_body is None:
        return f"a record of type {record.kind} instead of a response"
    if record.uri != line.url:
        return f"the record is of {record.uri}"
    if f"{record.date.astimezone(UTC):%Y%m%d%H%M%S}" != line.timestamp:
        return f"the record is of {record.date.isoformat()}"
    if not digest_matches(f"sha1:{line.digest}", record.http_body):
        return f"the body is not the one of sha1:{line.digest}"
    return None


def _pace(policy: FetchPolicy, settings: Settings) -> FetchPolicy:
    return patient(policy, interval=settings.commoncrawl_interval_seconds)


def source(index: str = INDEX, data: str = DATA) -> Source:
    """Common Crawl as a source, with the addresses of its indexes and of its files, each with a trailing slash."""
    hosts = (urlsplit(root).hostname or "" for root in (index, data))
    return WebArchive(
        NAME, frozenset(hosts), partial(_open_index, index), partial(_fetch, data), _pace
    ).source()


SOURCE: Final = source()
