"""What the demo site answers to a request, as data: the server only writes it to the socket."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from ca_etl.demo.content import SITE_ZONE
from ca_etl.demo.faults import ROBOTS, Fault
from ca_etl.demo.render import Printed, render_html, render_not_found
from ca_etl.demo.routes import Moved, resolve

ROBOTS_TEXT: Final = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"

# Pages turn to the new day at six in the morning, an hour before the daily slot.
_TURNS_AT: Final = time(6, tzinfo=SITE_ZONE)
_HTML: Final = "text/html; charset=UTF-8"
_PLAIN: Final = "text/plain; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (without Date, Server and Content-Length), body as sent, seconds to wait before it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait_seconds: float = 0.0


def answer(
    target: str, headers: Mapping[str, str], day: date, faults: tuple[Fault, ...], base_url: str
) -> Answer:
    """The answer to a GET of `target` (path and query) on `day` under `faults`, all of which apply.

    Header names are in lower case. Raises `UsageError` outside the history.
    """
    path = path_of(target)
    said = _refusal(path, faults) or _granted(path, headers, day, faults, base_url)
    return replace(said, wait_seconds=max((fault.delay_seconds for fault in faults), default=0.0))


def _refusal(path: str, faults: tuple[Fault, ...]) -> Answer | None:
    for fault in faults:
        if (status := fault.status_of(path)) is not None:
            retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Answer(
                status, {"Content-Type": _PLAIN, **retry}, f"{HTTPStatus(status).phrase}\n".encode()
            )
    return None


def _granted(
    path: str, headers: Mapping[str, str], day: date, faults: tuple[Fault, ...], base_url: str
) -> Answer:
    if path == ROBOTS:
        return _negotiated(headers, _PLAIN, ROBOTS_TEXT.encode(), day)
    found = resolve(path, day)
    if found is None:
        return Answer(404, {"Content-Type": _HTML}, render_not_found(base_url).encode())
    if isinstance(found, Moved):
        return Answer(301, {"Location": base_url + found.path[1:], "Content-Type": _HTML})
    printed = Printed.of(day)
    for fault in faults:
        printed = fault.spoil(printed)
    body = _page(path, printed, base_url)
    if any(fault.cut_gzip for fault in faults):
        return _cut(body)
    return _negotiated(headers, _HTML, body, day)


def path_of(target: str) -> str:
    """The target of a request without its query; not by `urlsplit`, which raises on `//[`."""
    return target.partition("?")[0]


def entity_tag(body: bytes) -> str:
    """A weak tag: the same for the plain body and the gzip one."""
    return f'W/"{sha256(body).hexdigest()[:20]}"'


def last_modified(day: date) -> datetime:
    """When the pages of `day` went up, in UTC."""
    return datetime.combine(day, _TURNS_AT).astimezone(UTC)


@lru_cache(maxsize=256)
def _page(path: str, printed: Printed, base_url: str) -> bytes:
    page = resolve(path, printed.day)
    if page is None or isinstance(page, Moved):
        raise ValueError(f"no page stands at {path} on {printed.day}")
    return render_html(page, printed, base_url).encode()


@lru_cache(maxsize=256)
def _deflated(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _negotiated(headers: Mapping[str, str], kind: str, body: bytes, day: date) -> Answer:
    modified = last_modified(day)
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
    return replace(plain, headers={**plain.headers, "Content-Encoding": "gzip"}, body=_deflated(body))


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
