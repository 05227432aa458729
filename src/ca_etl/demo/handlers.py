"""What the demo site answers to a request, as data: the server only writes it to the socket."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from ca_etl.demo import wordpress
from ca_etl.demo.content import SITE_ZONE
from ca_etl.demo.faults import ROBOTS, Fault
from ca_etl.demo.posts import Shelf, default_shelf
from ca_etl.demo.render import Printed, render_html, render_not_found
from ca_etl.demo.routes import Moved, resolve

ROBOTS_TEXT: Final = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"

# Pages turn to the new day at six in the morning, an hour before the daily slot.
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
class Answer:
    """Status, headers (without Date, Server and Content-Length), body as sent, seconds to wait before it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_seconds: float = 0.0


def answer(
    target: str,
    headers: Mapping[str, str],
    day: date,
    faults: tuple[Fault, ...],
    base_url: str,
    *,
    shelf: Shelf | None = None,
) -> Answer:
    """The answer to a GET of `target` (path and query) on `day` under `faults`, all of which apply.

    `shelf` is the state of the articles, by default that of the history on `day`. Header names are in lower
    case. Raises `UsageError` outside the history.
    """
    path, query = path_of(target), target.partition("?")[2]
    shelf = shelf or default_shelf(day)
    asked = parse_qs(query) if query else {}
    if path == "/" and (route := asked.get("rest_route")):
        path = wordpress.ROOT + route[-1]
    reply = _refusal(path, faults)
    if reply is None and path.startswith(f"{wordpress.ROOT}/"):
        reply = _json(wordpress.reply(path, query, shelf, base_url), headers)
    elif reply is None and path == wordpress.PATH:
        reply = _feed(asked, headers, day, faults, base_url, shelf=shelf)
    elif reply is None and path == "/" and (found := _shortened(asked, shelf)) is not None:
        reply = _moved(found, base_url)
    if reply is None:
        reply = _granted(path, headers, day, faults, base_url, shelf=shelf)
    return replace(reply, wait_seconds=max((fault.delay_seconds for fault in faults), default=0.0))


def _refusal(path: str, faults: tuple[Fault, ...]) -> Answer | None:
    for fault in faults:
        if (status := fault.status_of(path)) is not None:
            retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            kind, body = _PLAIN, f"{HTTPStatus(status).phrase}\n".encode()
            if fault.waf_page and path != ROBOTS:
                kind, body = _HTML, _WAF_PAGE
            elif path.startswith(f"{wordpress.ROOT}/"):
                kind, body = _JSON, _dumped(wordpress.refusal(status).value)
            return Answer(status, {"Content-Type": kind, **retry}, body)
    return None


def _granted(
    path: str,
    headers: Mapping[str, str],
    day: date,
    faults: tuple[Fault, ...],
    base_url: str,
    *,
    shelf: Shelf,
) -> Answer:
    if path == ROBOTS:
        return _negotiated(headers, _PLAIN, ROBOTS_TEXT.encode(), last_modified(day))
    found = resolve(path, day, shelf)
    if found is None:
        return _not_found(base_url, shelf.gone.get(path.strip("/"), 404))
    if isinstance(found, Moved):
        return _moved(found, base_url)
    printed = Printed.of(day)
    for fault in faults:
        printed = fault.spoil(printed)
    body = _page(path, printed, base_url, shelf)
    if any(fault.cut_gzip for fault in faults):
        return _cut(body)
    return _negotiated(headers, _HTML, body, _changed_at(day, shelf))


def _not_found(base_url: str, status: int = 404) -> Answer:
    return Answer(status, {"Content-Type": _HTML}, render_not_found(base_url).encode())


def _moved(to: Moved, base_url: str) -> Answer:
    return Answer(301, {"Location": base_url + to.path[1:], "Content-Type": _HTML})


def _shortened(asked: Mapping[str, list[str]], shelf: Shelf) -> Moved | None:
    """Where `/?p=ID`, the form of a guid, leads to."""
    number = asked.get("p", [""])[-1]
    article = next((a for a in shelf.standing.values() if str(a.post_id) == number), None)
    return Moved(f"/{article.slug}/") if article else None


def _json(reply: wordpress.Reply, headers: Mapping[str, str]) -> Answer:
    """An answer of the API, which has no validators: a client cannot ask for it conditionally."""
    body = _dumped(reply.value)
    plain = Answer(reply.status, {"Content-Type": _JSON, **reply.headers, "Vary": "Accept-Encoding"}, body)
    return _gzipped(plain) if _takes_gzip(headers.get("accept-encoding", "")) else plain


def _dumped(value: object) -> bytes:
    # WordPress leaves json_encode's escapes in: \u2019 and \/.
    return json.dumps(value).replace("/", "\\/").encode()


def _feed(
    asked: Mapping[str, list[str]],
    headers: Mapping[str, str],
    day: date,
    faults: tuple[Fault, ...],
    base_url: str,
    *,
    shelf: Shelf,
) -> Answer:
    number = asked.get("paged", ["1"])[-1]
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    text = wordpress.render_feed(
        shelf, max(1, page), base_url, excerpts_only=any(fault.feed_excerpts for fault in faults)
    )
    if text is None:
        return _not_found(base_url)
    return _negotiated(headers, _RSS, text.encode(), _changed_at(day, shelf))


def path_of(target: str) -> str:
    """The target of a request without its query; not by `urlsplit`, which raises on `//[`."""
    return target.partition("?")[0]


def entity_tag(body: bytes) -> str:
    """A weak tag: the same for the plain body and the gzip one."""
    return f'W/"{sha256(body).hexdigest()[:20]}"'


def last_modified(day: date) -> datetime:
    """When the pages of `day` went up, in UTC."""
    return datetime.combine(day, _TURNS_AT).astimezone(UTC)


def _changed_at(day: date, shelf: Shelf) -> datetime:
    modified = last_modified(day)
    return modified if shelf.changed_at is None else max(modified, shelf.changed_at.astimezone(UTC))


@lru_cache(maxsize=256)
def _page(path: str, printed: Printed, base_url: str, shelf: Shelf) -> bytes:
    page = resolve(path, printed.day, shelf)
    if page is None or isinstance(page, Moved):
        raise ValueError(f"no page stands at {path} on {printed.day}")
    return render_html(page, printed, base_url).encode()


@lru_cache(maxsize=256)
def _deflated(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _negotiated(headers: Mapping[str, str], kind: str, body: bytes, modified: datetime) -> Answer:
    known = {
        "ETag": entity_tag(body),
        "Last-Modified": format_datetime(modified, usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if _unchanged(headers, known["ETag"], modified):
        return Answer(304, known)
    plain = Answer(200, {"Content-Type": kind, **known}, body)
    if not _takes_gzip(headers.get("accept-encoding", "")):
        return plain
    return _gzipped(plain)


def _gzipped(plain: Answer) -> Answer:
    return replace(plain, headers={**plain.headers, "Content-Encoding": "gzip"}, body=_deflated(plain.body))


def _cut(body: bytes) -> Answer:
    """A gzip stream without its end, whole to the transport: Content-Length counts what is sent."""
    whole = _deflated(body)
    return Answer(200, {"Content-Type": _HTML, "Content-Encoding": "gzip"}, whole[: len(whole) * 2 // 3])


def _unchanged(headers: Mapping[str, str], tag: str, modified: datetime) -> bool:
    """RFC 9110: If-None-Match decides alone where it is given, and compares weakly."""
    if (tags := headers.get("if-none-match")) is not None:
        asked = {item.strip().removeprefix("W/") for item in tags.split(",")}
        return "*" in asked or tag.removeprefix("W/") in asked
    if (since := headers.get("if-modified-since")) is not None:
        try:
            return modified <= parsedate_to_datetime(since).astimezone(UTC)
        except ValueError:
            return False
    return False


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
