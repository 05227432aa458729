"""The rules of requesting a site, and the decision after each response (done, retry, redirect, stop), without I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urldefrag, urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ca_etl.sanitize import visible

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Statuses after which the same request may succeed a little later; 501 and 505 never change by waiting.
RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
# An ETag of 60 kB, or one with a control character in it, would have each later request refused with 400.
SENDABLE: Final = re.compile(r"[!-~](?:[ -~]{0,1000}[!-~])?")
# A reason phrase may have 64 kB, a Location three times that once it is encoded; both would go into the journal.
MOST_DETAIL: Final = 300
# The length that RFC 9110 4.1 recommends to support; nothing useful is longer.
MOST_LOCATION: Final = 8_000

Headers = tuple[tuple[str, str], ...]


class Verdict(StrEnum):
    """The verdict on a response, or the reason why no request was sent.

    Not sent: `disallowed` (by robots.txt), `throttled` (a longer pause was required than a run waits), `offsite` (host
    not allowed). As requested: `ok`, `unchanged` (304), `redirect`. A refusal or bot check: `blocked`. The others are
    errors: `oversize` exceeds a size limit, `unreachable` had no response, `bad_encoding` cannot be decoded.
    """

    OK = "ok"
    UNCHANGED = "unchanged"
    REDIRECT = "redirect"
    BLOCKED = "blocked"
    TRUNCATED = "truncated"
    OVERSIZE = "oversize"
    DISALLOWED = "disallowed"
    THROTTLED = "throttled"
    OFFSITE = "offsite"
    HTTP_ERROR = "http_error"
    UNREACHABLE = "unreachable"
    BAD_ENCODING = "bad_encoding"


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """The rules for requests: how the client names itself, the hosts allowed, pauses, and limits of time and size.

    `allowed_hosts` are lower-case host names; ports are ignored. Seconds are wall seconds. `max_request_seconds`
    bounds one request from connect to last byte, however slowly the bytes drip. `max_ratio` bounds decoded
    bytes per byte received, beyond the first megabyte. `max_attempts` counts the first attempt at a URL too.
    A Retry-After or a Crawl-delay above `max_retry_after_seconds` ends the visit of that host.
    """

    user_agent: str
    allowed_hosts: frozenset[str]
    min_interval_seconds: float = 5.0
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 30.0
    max_request_seconds: float = 120.0
    max_attempts: int = 3
    max_retry_after_seconds: float = 120.0
    backoff_base_seconds: float = 2.0
    backoff_cap_seconds: float = 60.0
    max_redirects: int = 5
    max_wire_bytes: int = 8_000_000
    max_decoded_bytes: int = 32_000_000
    max_ratio: float = 200.0

    def allows_host(self, url: str) -> bool:
        """Whether `url` is http(s), carries no credentials, and names an allowed host."""
        try:
            # The parser of the library that connects: where two parsers disagree about the host
            # (http://evil.test\\@timesca.com/), an allow-list checked with the other one is open.
            parts = parse_url(url)
        except LocationParseError:
            return False
        return (
            parts.scheme in {"http", "https"}
            and parts.auth is None
            and (parts.host or "").strip("[]").lower() in self.allowed_hosts
        )


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators (ETag, Last-Modified) of a conditional request, and the capture to which a 304 then refers.

    `refers_to` is the id of that capture, `refers_to_date` its WARC-Date (UTC), `refers_to_url` its URL: the headers
    are sent to that URL only. `payload_digest` is the WARC-Payload-Digest of its record ("sha256:<hex>"; a bare hex
    SHA-256 is read as such). `reader.read_validators` makes validators from an archive record.
    """

    etag: str | None
    last_modified: str | None
    refers_to: str
    refers_to_date: datetime
    refers_to_url: str
    payload_digest: str

    def headers(self) -> Headers:
        """The request headers If-None-Match and If-Modified-Since, without values that cannot be sent."""
        pairs = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return tuple((name, value) for name, value in pairs if value and SENDABLE.fullmatch(value))

    def contradicted_by(self, headers: Headers) -> bool:
        """Whether the `headers` of a 304 have another ETag than the one sent (weak comparison, RFC 9110 8.8.3.2)."""
        received = header(headers, "ETag")
        return bool(self.etag and received and _opaque(received) != _opaque(self.etag))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request and its response.

    `started_at` is UTC. `request_target` and `request_headers` are what was sent. `status` None means that there was
    no response: nothing to archive. `response_headers` are in wire order, repeats included; `dropped_header_lines`
    counts the lines among them that were not header fields. `wire_body` is free of transfer coding and still
    content-encoded; `body` is decoded as far as it could be. `truncated` is the WARC-Truncated reason of a body that
    was not kept whole. `permanent` marks an error that a retry cannot fix. Attempts are compared without their bytes,
    which are dropped once nothing needs them.
    """

    url: str
    number: int
    started_at: datetime
    verdict: Verdict
    detail: str
    request_target: str = "/"
    request_headers: Headers = ()
    status: int | None = None
    reason: str = ""
    http_version: str = "HTTP/1.1"
    response_headers: Headers = ()
    dropped_header_lines: int = 0
    wire_body: bytes = field(default=b"", compare=False, repr=False)
    body: bytes = field(default=b"", compare=False, repr=False)
    truncated: str | None = None
    ip_address: str | None = None
    validators: Validators | None = None
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The decision that a response is usable, and that its URL is not requested again."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The decision to send a request again after `seconds`; with `unconditionally`, without validators."""

    seconds: float
    detail: str
    unconditionally: bool = False


@dataclass(frozen=True, slots=True)
class Follow:
    """The decision to follow a redirect to `url`, which is on an allowed host."""

    url: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision to send no further request for a URL; with `ends_visit`, for no other URL of its host either."""

    verdict: Verdict
    detail: str
    ends_visit: bool = False


Decision = Done | RetryAfter | Follow | Stop


def decide(  # noqa: PLR0911  one return a rule
    policy: FetchPolicy, attempt: Attempt, *, attempts: int, redirects: int, now: datetime
) -> Decision:
    """Decide what to do after `attempt`: accept the response, retry, follow a redirect, or stop.

    `attempts` counts the attempts at the URL, `attempt` included, `redirects` the redirects that led to the URL. A
    Retry-After date is compared with `now` (UTC).
    """
    match attempt.verdict:
        case Verdict.OK | Verdict.UNCHANGED:
            return Done(attempt.verdict, attempt.detail)
        case Verdict.REDIRECT:
            return _after_redirect(policy, attempt, redirects)
        case Verdict.TRUNCATED | Verdict.UNREACHABLE if not attempt.permanent:
            return _retry(policy, attempt, attempts, now)
        case Verdict.HTTP_ERROR if attempt.status == 304:
            # A cache responded for another version of the page. Without validators it has to send one.
            if attempt.validators is None or attempts >= policy.max_attempts:
                return Stop(attempt.verdict, attempt.detail)
            return RetryAfter(0.0, attempt.detail, unconditionally=True)
        case Verdict.HTTP_ERROR if attempt.status in RETRYABLE:
            return _retry(policy, attempt, attempts, now)
        case _:
            return Stop(attempt.verdict, attempt.detail)


def _retry(policy: FetchPolicy, attempt: Attempt, attempts: int, now: datetime) -> RetryAfter | Stop:
    wait = retry_after_seconds(header(attempt.response_headers, "Retry-After"), now)
    if wait is not None and wait > policy.max_retry_after_seconds:
        # Sleeping for an hour inside a run would hold the lock; the next scheduled run comes by itself.
        limit = f"more than the {policy.max_retry_after_seconds:g} s this run may wait"
        detail = f"{attempt.detail}; Retry-After requires {wait:.0f} s, {limit}"
        return Stop(attempt.verdict, detail, ends_visit=True)
    if attempts >= policy.max_attempts:
        return Stop(attempt.verdict, f"{attempt.detail}; gave up after {attempts} attempts")
    return RetryAfter(backoff_seconds(policy, attempts) if wait is None else wait, attempt.detail)


def _after_redirect(policy: FetchPolicy, attempt: Attempt, redirects: int) -> Follow | Stop:
    target = redirect_target(attempt.url, header(attempt.response_headers, "Location"))
    if target is None:
        return Stop(Verdict.HTTP_ERROR, f"{attempt.detail} without a usable Location")
    if redirects >= policy.max_redirects:
        return Stop(
            Verdict.HTTP_ERROR, f"more than {policy.max_redirects} redirects, the last one to {target}"
        )
    if not policy.allows_host(target):
        return Stop(Verdict.OFFSITE, f"{attempt.detail} leads to {target}, which is not an allowed host")
    if attempt.url.startswith("https:") and target.startswith("http:"):
        return Stop(Verdict.OFFSITE, f"{attempt.detail} leads from https to {target}")
    return Follow(target)


def redirect_target(url: str, location: str | None) -> str | None:
    """The absolute URL in a Location header, without its fragment; None for a header without a URL, or a very long one.

    Bytes outside ASCII (headers arrive as Latin-1) and spaces are percent-encoded, as browsers do.
    """
    if location is None or not location.strip() or len(location) > MOST_LOCATION:
        return None
    try:
        ascii_location = quote(location.strip().encode("latin-1"), safe="%/:=&?~#+!$,;'@()*[]\\")
        return urldefrag(urljoin(url, ascii_location)).url
    except (ValueError, UnicodeEncodeError):
        return None


def count_of(value: str | None) -> int | None:
    """The number in a header such as X-WP-Total; None for any other text and for ten digits or more."""
    digits = (value or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, a number or an HTTP date; None for any other header.

    A date in the past is 0. `now` is zone-aware.
    """
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,10}", text):
        return float(text)
    when = http_date(text)
    return None if when is None else max(0.0, (when - now).total_seconds())


def http_date(value: str) -> datetime | None:
    """Parse a date of an HTTP header such as Last-Modified to an instant (zone-aware); None for other text."""
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        # a year of twenty digits and a zone of seventeen are taken for numbers, and only then found too large
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def backoff_seconds(policy: FetchPolicy, attempts: int) -> float:
    """The pause in seconds after attempt number `attempts`: it doubles from the base up to the cap, without randomness.

    Randomness would spread requests that many clients send at once, and here one client requests one page at a time.
    """
    doublings = min(attempts - 1, 62)
    return min(policy.backoff_base_seconds * 2.0**doublings, policy.backoff_cap_seconds)


def detail_of(text: str) -> str:
    """Make a text that a server sent printable, and no longer than `MOST_DETAIL` characters."""
    signs = visible(text[: MOST_DETAIL + 1])
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in signs)
    return shown if len(shown) <= MOST_DETAIL else f"{shown[:MOST_DETAIL]}..."


def header(headers: Headers, name: str) -> str | None:
    """The first value of the HTTP header `name`, in upper or lower case; None without it."""
    lower_name = name.lower()
    return next((value for key, value in headers if key.lower() == lower_name), None)


def _opaque(etag: str) -> str:
    return etag.strip().removeprefix("W/").removeprefix("w/")
