"""HTTP responses of the demo site, as data; the server only writes them to the socket."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from ca_etl.demo import banks, web_archives, wordpress
from ca_etl.demo.content import SITE_ZONE
from ca_etl.demo.faults import ROBOTS, Fault
from ca_etl.demo.pages import Moved, PageOptions, render_html, render_not_found, resolve
from ca_etl.demo.posts import SiteSnapshot, default_snapshot

ROBOTS_TEXT: Final = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"

# Pages show the new day from six in the morning, an hour before the daily slot.
_TURNS_AT: Final = time(6, tzinfo=SITE_ZONE)
_HTML: Final = "text/html; charset=UTF-8"
_PLAIN: Final = "text/plain; charset=UTF-8"
_JSON: Final = "application/json; charset=UTF-8"
_RSS: Final = "application/rss+xml; charset=UTF-8"
_WAF_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Request refused</title></head>"
    b"<body><h1>Request refused</h1><p>The firewall of this site let nobody in.</p></body></html>"
)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response of the demo site: status, headers, body as sent, and the seconds to wait before sending it.

    The headers lack Date, Server and Content-Length.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Request:
    """A GET request with its parsed parameters, and the day, faults and articles of the site when it arrives."""

    path: str
    query: str
    parameters: Mapping[str, list[str]]
    headers: Mapping[str, str]
    day: date
    faults: tuple[Fault, ...]
    base_url: str
    snapshot: SiteSnapshot


def respond(
    target: str,
    headers: Mapping[str, str],
    day: date,
    faults: tuple[Fault, ...],
    base_url: str,
    *,
    snapshot: SiteSnapshot | None = None,
) -> Response:
    """The demo site's response to a GET of `target` (path and query) on `day`, with all `faults` applied.

    `snapshot` are the site's articles, by default those published by `day` without an edit. Names in `headers` are in
    lower case. Raises `UsageError` for a day outside the site's range.
    """
    path, _, query = target.partition("?")
    parameters = parse_qs(query)
    if path == "/" and "rest_route" in parameters:
        path = wordpress.ROOT + parameters["rest_route"][-1]
    snapshot = snapshot or default_snapshot(day)
    request = _Request(path, query, parameters, headers, day, faults, base_url, snapshot)
    response = _refusal(request) or _granted(request)
    return replace(response, wait_seconds=max((fault.delay_seconds for fault in faults), default=0.0))


def path_of(target: str) -> str:
    """The path of a request target, without its query; unlike `urlsplit` it does not raise on `//[`."""
    return target.partition("?")[0]


def entity_tag(body: bytes) -> str:
    """The ETag of a response body: weak, since the plain and the gzip form of a body have the same one."""
    return f'W/"{sha256(body).hexdigest()[:20]}"'


def last_modified(day: date) -> datetime:
    """The UTC time from which the demo site shows the pages of `day`: six in the morning, site time."""
    return datetime.combine(day, _TURNS_AT).astimezone(UTC)


def _refusal(request: _Request) -> Response | None:
    for fault in request.faults:
        if (status := fault.status_of(request.path)) is not None:
            retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            kind, body = _PLAIN, f"{HTTPStatus(status).phrase}\n".encode()
            if fault.waf_page and request.path != ROBOTS:
                kind, body = _HTML, _WAF_PAGE
            elif _is_api(request.path):
                kind, body = _JSON, _json_bytes(wordpress.refusal(status).value)
            return Response(status, {"Content-Type": kind, **retry}, body)
    return None


def _granted(request: _Request) -> Response:
    if _is_api(request.path):
        return _api(request)
    if request.path == wordpress.FEED:
        return _feed(request)
    if request.path == ROBOTS:
        return _negotiated(request, _PLAIN, ROBOTS_TEXT.encode(), last_modified(request.day))
    if request.path.startswith(banks.ROOT):
        return _bank(request)
    if request.path.startswith((web_archives.COMMON_CRAWL, web_archives.WAYBACK)):
        return _web_archive(request)
    return _page(request)


def _web_archive(request: _Request) -> Response:
    byte_range = request.headers.get("range", "")
    reply = web_archives.archive_reply(
        request.path, request.parameters, byte_range, request.day, request.base_url
    )
    if reply is None:
        return _not_found(request)
    return Response(reply.status, {"Content-Type": reply.content_type, **reply.headers}, reply.body)


def _bank(request: _Request) -> Response:
    agent = request.headers.get("user-agent", "")
    reply = banks.bank_reply(request.path, request.parameters, agent, request.day)
    if reply is None:
        return _not_found(request)
    headers = {"Content-Type": reply.content_type, "Vary": "Accept-Encoding"}
    return _encoded(request, Response(reply.status, headers, reply.body))


def _page(request: _Request) -> Response:
    page = _moved_post(request) or resolve(request.path, request.snapshot)
    if page is None:
        return _not_found(request, request.snapshot.deleted.get(request.path.strip("/"), 404))
    if isinstance(page, Moved):
        location = request.base_url + page.path[1:]
        return Response(301, {"Location": location, "Content-Type": _HTML})
    options = PageOptions.of(request.day)
    for fault in request.faults:
        options = fault.apply(options)
    body = render_html(page, options, request.base_url).encode()
    if any(fault.cut_gzip for fault in request.faults):
        # whole to the transport: Content-Length counts what is sent
        whole = _compressed(body)
        cut = whole[: len(whole) * 2 // 3]
        return Response(200, {"Content-Type": _HTML, "Content-Encoding": "gzip"}, cut)
    return _negotiated(request, _HTML, body, _changed_at(request))


def _not_found(request: _Request, status: int = 404) -> Response:
    return Response(status, {"Content-Type": _HTML}, render_not_found(request.base_url).encode())


def _moved_post(request: _Request) -> Moved | None:
    """The redirect from `/?p=ID`, the form of a guid, to the article page; None for any other request."""
    number = request.parameters.get("p", [""])[-1]
    articles = request.snapshot.pages.values() if request.path == "/" and number else ()
    return next((Moved(f"/{article.slug}/") for article in articles if str(article.post_id) == number), None)


def _is_api(path: str) -> bool:
    return path.startswith(f"{wordpress.ROOT}/")


def _api(request: _Request) -> Response:
    """A response of the posts API: it has no ETag or Last-Modified, so that a request cannot be conditional."""
    reply = wordpress.reply(request.path, request.query, request.snapshot, request.base_url)
    headers = {"Content-Type": _JSON, **reply.headers, "Vary": "Accept-Encoding"}
    return _encoded(request, Response(reply.status, headers, _json_bytes(reply.value)))


def _json_bytes(value: object) -> bytes:
    # WordPress leaves json_encode's escapes in: \u2019 and \/.
    return json.dumps(value).replace("/", "\\/").encode()


def _feed(request: _Request) -> Response:
    number = request.parameters.get("paged", ["1"])[-1]
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    excerpts_only = any(fault.feed_excerpts for fault in request.faults)
    text = wordpress.render_feed(
        request.snapshot, max(1, page), request.base_url, excerpts_only=excerpts_only
    )
    if text is None:
        return _not_found(request)
    return _negotiated(request, _RSS, text.encode(), _changed_at(request))


def _changed_at(request: _Request) -> datetime:
    modified, changed_at = last_modified(request.day), request.snapshot.changed_at
    return modified if changed_at is None else max(modified, changed_at.astimezone(UTC))


def _negotiated(request: _Request, kind: str, body: bytes, modified: datetime) -> Response:
    validators = {
        "ETag": entity_tag(body),
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if _is_unchanged(request.headers, validators["ETag"], modified):
        return Response(304, validators)
    return _encoded(request, Response(200, {"Content-Type": kind, **validators}, body))


def _is_unchanged(headers: Mapping[str, str], tag: str, modified: datetime) -> bool:
    """Whether a conditional request gets a 304 (RFC 9110, 13.2.2): If-None-Match, where given, decides alone."""
    if (tags := headers.get("if-none-match")) is not None:
        known = {item.strip().removeprefix("W/") for item in tags.split(",")}
        return "*" in known or tag.removeprefix("W/") in known
    if (since := headers.get("if-modified-since")) is not None:
        try:
            return modified <= parsedate_to_datetime(since).astimezone(UTC)
        except ValueError:
            return False
    return False


def _encoded(request: _Request, plain: Response) -> Response:
    """Compress the body of a response with gzip where the client accepts it."""
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        return plain
    headers = {**plain.headers, "Content-Encoding": "gzip"}
    return replace(plain, headers=headers, body=_compressed(plain.body))


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
