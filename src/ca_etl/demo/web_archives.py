"""Web archives below `/commoncrawl/` and `/wayback/` of the demo site, with a capture of its front page a week.

Their indexes are in the dialect of each, and their captures are those of noon (UTC). Only the parameters `from` and
`to` of a query count: both have one page of the index.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from ca_etl.demo.content import FIRST_DAY
from ca_etl.demo.pages import Listing, PageOptions, render_html, resolve
from ca_etl.demo.posts import default_snapshot

COMMON_CRAWL: Final = "/commoncrawl/"
WAYBACK: Final = "/wayback/"
EVERY: Final = timedelta(days=7)
CRAWL: Final = "CC-MAIN-2025-51"
FILE: Final = f"crawl-data/{CRAWL}/segments/1/warc/demo-00000.warc.gz"
_KEY: Final = "loopback)/"
_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=UTF-8"
_FIELDS: Final = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")


@dataclass(frozen=True, slots=True)
class ArchiveReply:
    """A response of a web archive of the demo: status, Content-Type, body, and further headers."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Capture:
    """A capture of the front page: its time (UTC), its HTML, and its record as a gzip member."""

    at: datetime
    html: bytes
    member: bytes

    @property
    def timestamp(self) -> str:
        return f"{self.at:%Y%m%d%H%M%S}"

    @property
    def digest(self) -> str:
        return _digest(self.html)


def archive_reply(
    path: str, parameters: Mapping[str, Sequence[str]], byte_range: str, shown: date, site: str
) -> ArchiveReply | None:
    """The response of the web archive at `path` while the demo `site` (its address) shows the day `shown`.

    `byte_range` is the Range header, empty without one. None for an address that is none of a web archive.
    """
    first, last = (parameters.get(name, [default])[-1] for name, default in (("from", "0"), ("to", "9")))
    captures = [c for c in _captures(shown, site) if first <= c.timestamp[:8] <= last]
    if path == f"{COMMON_CRAWL}collinfo.json":
        crawl = {"id": CRAWL, "cdx-api": f"{site[:-1]}{COMMON_CRAWL}{CRAWL}-index"}
        crawl |= {"from": f"{FIRST_DAY}", "to": f"{shown}"}
        return ArchiveReply(200, _JSON, json.dumps([crawl]).encode())
    if path == f"{COMMON_CRAWL}{CRAWL}-index":
        return _crawl_index(captures, parameters, shown, site)
    if path == f"{COMMON_CRAWL}{FILE}":
        return _part(byte_range, shown, site)
    if path == f"{WAYBACK}cdx/search/cdx":
        rows = [[_KEY, c.timestamp, site, "text/html", "200", c.digest, str(len(c.member))] for c in captures]
        return ArchiveReply(200, _JSON, json.dumps([_FIELDS, *rows] if rows else []).encode())
    if match := re.fullmatch(rf"{WAYBACK}web/([0-9]{{14}})id_/{re.escape(site)}", path):
        memento = next((c for c in captures if c.timestamp == match[1]), None)
        if memento is not None:
            headers = {"Memento-Datetime": f"{memento.at:%a, %d %b %Y %H:%M:%S} GMT"}
            return ArchiveReply(200, _HTML, memento.html, headers)
    return None


def _digest(body: bytes) -> str:
    return base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


@lru_cache(maxsize=2)
def _captures(shown: date, site: str) -> tuple[_Capture, ...]:
    """The captures until the day before `shown`, the oldest first."""
    days = (
        FIRST_DAY + number * EVERY for number in range((shown - FIRST_DAY - timedelta(days=1)) // EVERY + 1)
    )
    return tuple(_capture(day, site) for day in days)


def _capture(day: date, site: str) -> _Capture:
    page = resolve("/", default_snapshot(day))
    assert isinstance(page, Listing)  # noqa: S101  as the front page of each day
    html = render_html(page, PageOptions.of(day), site).encode()
    at = datetime.combine(day, time(12), UTC)
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {_HTML}\r\nContent-Length: {len(html)}\r\n\r\n".encode() + html
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: {at:%Y-%m-%dT%H:%M:%SZ}\r\nWARC-Target-URI: {site}\r\n"
        f"WARC-Record-ID: <{uuid5(NAMESPACE_URL, f'{site} {day}').urn}>\r\n"
        f"WARC-Payload-Digest: sha1:{_digest(html)}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return _Capture(at, html, gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0))


def _crawl_index(
    captures: Sequence[_Capture], parameters: Mapping[str, Sequence[str]], shown: date, site: str
) -> ArchiveReply:
    if not captures:
        return ArchiveReply(404, _JSON, json.dumps({"message": f"No Captures found for: {site}"}).encode())
    if "showNumPages" in parameters:
        return ArchiveReply(200, _JSON, json.dumps({"pages": 1, "pageSize": 5, "blocks": 1}).encode())
    members = [capture.member for capture in _captures(shown, site)]
    offsets = dict(zip(members, accumulate(map(len, members), initial=0), strict=False))
    lines = (
        {
            "urlkey": _KEY,
            "timestamp": c.timestamp,
            "url": site,
            "mime": "text/html",
            "status": "200",
            "digest": c.digest,
            "length": str(len(c.member)),
            "offset": str(offsets[c.member]),
            "filename": FILE,
        }
        for c in captures
    )
    return ArchiveReply(200, "text/x-ndjson", "".join(f"{json.dumps(line)}\n" for line in lines).encode())


def _part(byte_range: str, shown: date, site: str) -> ArchiveReply:
    data = b"".join(capture.member for capture in _captures(shown, site))
    match = re.fullmatch(r"bytes=([0-9]{1,9})-([0-9]{1,9})", byte_range)
    if match is None:
        return ArchiveReply(200, "application/octet-stream", data)
    begin, end = int(match[1]), int(match[2])
    headers = {"Content-Range": f"bytes {begin}-{end}/{len(data)}"}
    return ArchiveReply(206, "application/octet-stream", data[begin : end + 1], headers)
