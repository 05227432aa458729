"""Common Crawl and the Wayback Machine on loopback, with captures of the tests, and faults that real ones have."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from ca_etl.sources.web_archives.cdx import IndexLine
from tests.sources.web_archives.lines import common_crawl_line, wayback_rows

CRAWLS = {"CC-MAIN-2025-05": ("2025-01-10", "2025-01-25"), "CC-MAIN-2025-08": ("2025-02-06", "2025-02-20")}
PER_PAGE = 3
# The day on which a backfill of these captures is made.
NOW = datetime(2025, 3, 1, 9, tzinfo=UTC)
TICKER = (
    "  • KGS/USD = 0.01144 0%\n  • KZT/USD = 0.00201 0%\n  • TJS/USD = 0.10510 -0.28%\n"
    "  • UZS/USD = 0.00008 0%\n  • TMT/USD = 0.28575 0%\n"
)
STORY = (
    "Valley Growers Build a Cold Store Together\n\nThe growers said on Tuesday that the store would open before the "
    "harvest. It will cost 85 million KGS, they said, and gave no name for the lender.\n"
)


@dataclass(frozen=True)
class Page:
    """A capture that a fake web archive holds: a text page, whose ticker is of the day of the capture."""

    url: str
    at: datetime
    body: bytes = f"{TICKER * 8}\n{STORY}".encode()

    @property
    def timestamp(self) -> str:
        return f"{self.at:%Y%m%d%H%M%S}"

    @property
    def digest(self) -> str:
        return base64.b32encode(hashlib.sha1(self.body, usedforsecurity=False).digest()).decode()


@dataclass(frozen=True)
class Reply:
    """A response of a fake web archive."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request to a fake web archive; `at` is its arrival in seconds, with all pauses that were not really slept."""

    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    at: float


@dataclass
class FakeArchives:
    """Both web archives at one address. A fault gives a reply in place of theirs, or None.

    `pages` are the captures, `crawls` the first and last days of crawls by their ids. `slept` is what the client has
    slept, in pretence. Parallel requests are refused.
    """

    pages: list[Page] = field(default_factory=list)
    crawls: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(CRAWLS))
    faults: list[Callable[[Request], Reply | None]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    slept: float = 0.0
    refused: int = 0
    root: str = ""
    in_flight: int = 0
    lock: Lock = field(default_factory=Lock)

    def sleep(self, seconds: float) -> None:
        """Take part in a run as its `sleep`."""
        self.slept += seconds

    def paths(self, begin: str) -> list[str]:
        """The paths of the requests that begin so."""
        return [request.path for request in self.requests if request.path.startswith(begin)]

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        replies = filter(None, (fault(request) for fault in self.faults))
        return next(replies, None) or self.granted(request)

    def granted(self, request: Request) -> Reply:
        if request.path == "/commoncrawl/collinfo.json":
            return Reply(json.dumps(self.list_of_crawls()).encode())
        if match := re.fullmatch("/commoncrawl/(CC-MAIN-[0-9-]+)-index", request.path):
            return self.crawl_index(match[1], request.query)
        if request.path.startswith("/commoncrawl/crawl-data/"):
            return self.part(request)
        if request.path == "/wayback/cdx/search/cdx":
            return self.wayback_index(request.query)
        if match := re.match("/wayback/web/([0-9]{14})id_/(.+)", request.path):
            return self.memento(match[1], match[2])
        return Reply(b"not here", 404)

    def list_of_crawls(self) -> list[dict[str, str]]:
        return [
            {
                "id": name,
                "name": name,
                "cdx-api": f"{self.root}commoncrawl/{name}-index",
                "from": first,
                "to": last,
            }
            for name, (first, last) in self.crawls.items()
        ]

    def file_of(self, crawl: str) -> tuple[bytes, list[IndexLine]]:
        """The WARC file of a crawl, and the lines of the index about it."""
        first, last = self.crawls[crawl]
        data, lines = b"", []
        for page in self.pages:
            if first <= f"{page.at:%Y-%m-%d}" <= last:
                member = member_of(page)
                lines.append(line_of(page, crawl, len(data), len(member)))
                data += member
        return data, sorted(lines, key=lambda line: (line.urlkey, line.timestamp))

    def crawl_index(self, crawl: str, query: Mapping[str, list[str]]) -> Reply:
        (first,), (last,) = query["from"], query["to"]
        lines = [line for line in self.file_of(crawl)[1] if first <= line.timestamp[:8] <= last]
        pages = -(-len(lines) // PER_PAGE)
        if not lines:
            return Reply(json.dumps({"message": "No Captures found for: timesca.com"}).encode(), 404)
        if "showNumPages" in query:
            return Reply(json.dumps({"pages": pages, "pageSize": 5, "blocks": pages}).encode())
        number = int(query["page"][0])
        if number >= pages:
            return Reply(b'{"message": "Page out of range"}', 400)
        chosen = lines[number * PER_PAGE : (number + 1) * PER_PAGE]
        return Reply("".join(f"{common_crawl_line(line)}\n" for line in chosen).encode())

    def part(self, request: Request) -> Reply:
        data, _ = self.file_of(request.path.split("/")[3])
        begin, _, end = request.headers["range"].removeprefix("bytes=").partition("-")
        part = data[int(begin) : int(end) + 1]
        return Reply(part, 206, {"Content-Range": f"bytes {begin}-{end}/{len(data)}"})

    def wayback_index(self, query: Mapping[str, list[str]]) -> Reply:
        (first,), (last,), (limit,) = query["from"], query["to"], query["limit"]
        lines = [line_of(page) for page in self.pages if first <= page.timestamp[:8] <= last]
        lines.sort(key=lambda line: (line.urlkey, line.timestamp))
        after = query.get("resumeKey", [""])[0]
        left = [line for line in lines if f"{line.urlkey} {line.timestamp}" > after]
        chosen = left[: int(limit)]
        key = f"{chosen[-1].urlkey} {chosen[-1].timestamp}" if len(left) > len(chosen) else None
        return Reply(wayback_rows(chosen, key).encode() if chosen else b"[]")

    def memento(self, timestamp: str, url: str) -> Reply:
        wanted = (unquote(url), timestamp)
        page = next((page for page in self.pages if (unquote(page.url), page.timestamp) == wanted), None)
        if page is None:
            return Reply(b"not archived", 404)
        return Reply(
            page.body,
            headers={
                "Content-Type": "text/plain; charset=utf-8",
                "Memento-Datetime": f"{page.at:%a, %d %b %Y %H:%M:%S} GMT",
                "x-archive-orig-server": "nginx",
                "x-archive-orig-content-encoding": "gzip",
                "x-archive-orig-etag": '"x1"',
            },
        )


def member_of(page: Page, **fields: str) -> bytes:
    """The gzip member of a response record as Common Crawl writes it; `fields` replace WARC headers."""
    http = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Crawler-Content-Encoding: gzip\r\n"
    )
    block = http + f"Content-Length: {len(page.body)}\r\n\r\n".encode() + page.body
    warc = {
        "WARC-Type": "response",
        "WARC-Date": f"{page.at:%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Record-ID": f"<{uuid5(NAMESPACE_URL, page.url + page.timestamp).urn}>",
        "WARC-Target-URI": page.url,
        "WARC-Warcinfo-ID": "<urn:uuid:00000000-0000-0000-0000-000000000000>",
        "WARC-Payload-Digest": f"sha1:{page.digest}",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in warc.items()) + "\r\n"
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)


def on(pattern: str, reply: Reply | None, *, times: int = 1000) -> Callable[[Request], Reply | None]:
    """A fault for the first `times` requests whose path matches."""
    left = [times]

    def fault(request: Request) -> Reply | None:
        if not re.search(pattern, request.path) or not left[0]:
            return None
        left[0] -= 1
        return reply

    return fault


def line_of(page: Page, crawl: str = "", offset: int = 0, length: int = 0) -> IndexLine:
    """The line of the index about a page."""
    host, _, path = page.url.partition("://")[2].partition("/")
    key = ",".join(reversed(host.removeprefix("www.").split("."))) + f")/{path.rstrip('/')}"
    filename = f"crawl-data/{crawl}/segments/1/warc/part-00001.warc.gz"
    return IndexLine(key, page.url, page.timestamp, 200, "text/html", page.digest, length, offset, filename)


@contextmanager
def serve(archives: FakeArchives) -> Iterator[FakeArchives]:
    """Serve the web archives on loopback for the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = url.path if not url.path.startswith("/wayback/web/") else self.path
            request = Request(path, parse_qs(url.query), headers, time.monotonic() + archives.slept)
            with archives.lock:
                archives.in_flight += 1
                is_parallel = archives.in_flight > 1
            archives.refused += is_parallel
            reply = Reply(b"one at a time", 403) if is_parallel else archives.reply(request)
            with archives.lock:
                archives.in_flight -= 1
            # without a Date, since the days of the runs are past
            self.send_response_only(reply.status)
            for name, value in {"Content-Type": "text/plain", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        archives.root = f"http://127.0.0.1:{server.server_port}/"
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield archives
        finally:
            server.shutdown()


def noon(day: str) -> datetime:
    """Noon of a day, UTC."""
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
