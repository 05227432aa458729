"""The verdict on an HTTP response, from its headers and bytes, before the page is parsed. Without I/O."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final, NamedTuple

from ca_etl.archive.policy import REDIRECTS, Attempt, Headers, Verdict, header
from ca_etl.archive.record import CutStreamError, InflateError, TooLargeError

IDENTITY: Final = frozenset({"", "identity"})
GZIP: Final = frozenset({"gzip", "x-gzip"})
CHALLENGE_SCAN_BYTES: Final = 65_536

# Titles of the interstitial pages, and script hooks that are on no other page. Cloudflare's and Imperva's
# ordinary scripts are injected into good pages too, so their paths alone show nothing.
CHALLENGE: Final = re.compile(
    rb"<title>\s*(?:just a moment|attention required! \| cloudflare|ddos-guard|please wait\.\.\. \| cloudflare"
    rb"|access denied|bot verification|you are being redirected|checking your browser|one moment, please)"
    rb"|window\._cf_chl_opt|\bcf-challenge-running\b|sucuri_cloudproxy_js|/\.well-known/sgcaptcha/"
    rb"|geo\.captcha-delivery\.com|request unsuccessful\. incapsula incident id",
    re.IGNORECASE,
)
HTML_END: Final = re.compile(rb"</html\s*>", re.IGNORECASE)
# A string without an end matches too, so that no search starts again after it: linear on any body.
JSON_STRING: Final = re.compile('"[^"]*"?')


class End(StrEnum):
    """How reading an HTTP body ended; the values but `complete` are reasons of WARC-Truncated."""

    COMPLETE = "complete"
    DISCONNECT = "disconnect"
    TIME = "time"
    LENGTH = "length"


class BodyEnd(NamedTuple):
    """How reading an HTTP body ended, with a `detail` for people.

    `is_framed` is False for a body that ends with the connection, and so may be truncated. `inflate_error` is the
    reason why the decoded body is not whole, None if it is.
    """

    end: End
    detail: str
    is_framed: bool
    inflate_error: InflateError | None = None


class Judgement(NamedTuple):
    """The verdict on a response, its detail for people, and the WARC-Truncated reason of an incomplete body."""

    verdict: Verdict
    detail: str
    truncated: str | None = None


def judge(attempt: Attempt, body_end: BodyEnd) -> Judgement:
    """Determine the verdict on the response of an attempt, such as usable, redirect, refusal or truncated."""
    truncated = None if body_end.end is End.COMPLETE else str(body_end.end)
    if truncated is None and isinstance(body_end.inflate_error, TooLargeError):
        truncated = str(End.LENGTH)
    status_line = f"{attempt.status} {attempt.reason}".strip()
    if attempt.status == 304:
        return _judge_not_modified(attempt, status_line)
    if attempt.status in REDIRECTS:
        return Judgement(Verdict.REDIRECT, status_line, truncated)
    challenge = _challenge(attempt)
    if attempt.status == 403 or challenge:
        return Judgement(Verdict.BLOCKED, f"{status_line}: {challenge or 'forbidden'}", truncated)
    is_part = header(attempt.request_headers, "Range") is not None
    if attempt.status != (206 if is_part else 200):
        difference = ", and not the part that was requested" if attempt.status == 200 else ""
        return Judgement(Verdict.HTTP_ERROR, f"{status_line}{difference}", truncated)
    return _judge_page(attempt, body_end, truncated)


def content_encoding(headers: Headers) -> str:
    """The value of Content-Encoding in lower case, empty without that header."""
    return (header(headers, "Content-Encoding") or "").strip().lower()


def _judge_not_modified(attempt: Attempt, status_line: str) -> Judgement:
    if attempt.validators is None:
        return Judgement(Verdict.HTTP_ERROR, f"{status_line} to a request without conditions")
    if attempt.validators.contradicted_by(attempt.response_headers):
        etag = header(attempt.response_headers, "ETag")
        requested = attempt.validators.etag
        return Judgement(Verdict.HTTP_ERROR, f"{status_line} for {etag}, requested for {requested}")
    return Judgement(Verdict.UNCHANGED, status_line)


def _judge_page(attempt: Attempt, body_end: BodyEnd, truncated: str | None) -> Judgement:  # noqa: PLR0911  one return a rule
    inflate_error = body_end.inflate_error
    encoding = content_encoding(attempt.response_headers)
    if truncated == End.LENGTH:
        return Judgement(Verdict.OVERSIZE, str(inflate_error or body_end.detail), truncated)
    if truncated is not None:
        return Judgement(Verdict.TRUNCATED, body_end.detail, truncated)
    if not body_end.is_framed and not attempt.wire_body:
        # also what is left of a response cut within its headers: the HTTP library takes that for their end
        return Judgement(Verdict.TRUNCATED, "no length was sent and no body came", "unspecified")
    if encoding not in IDENTITY | GZIP:
        return Judgement(Verdict.BAD_ENCODING, f"Content-Encoding {encoding} was not requested")
    if isinstance(inflate_error, CutStreamError):
        return Judgement(Verdict.TRUNCATED, str(inflate_error), "unspecified")
    if inflate_error is not None:
        return Judgement(Verdict.BAD_ENCODING, str(inflate_error))
    if not body_end.is_framed and encoding in IDENTITY:
        missing = _missing_end(header(attempt.response_headers, "Content-Type") or "", attempt.body)
        if missing:
            return Judgement(Verdict.TRUNCATED, f"no length was sent and {missing}", "unspecified")
    return Judgement(Verdict.OK, f"{len(attempt.body)} bytes")


def _challenge(attempt: Attempt) -> str | None:
    for name in ("cf-mitigated", "sg-captcha"):
        if header(attempt.response_headers, name):
            return f"the {name} header marks a challenge"
    content_type = (header(attempt.response_headers, "Content-Type") or "html").lower()
    if "html" not in content_type:
        return None
    match = CHALLENGE.search(attempt.body, 0, CHALLENGE_SCAN_BYTES)
    return f"challenge page ({match.group().decode('ascii', 'replace').strip()})" if match else None


def _missing_end(content_type: str, body: bytes) -> str | None:
    """The sentence that `body` lacks the end of its type, such as </html>; None where the end is there or unknown."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"} or (not kind and body.lstrip().startswith(b"<")):
        return None if HTML_END.search(body) else "the page has no </html>"
    if kind.endswith(("/xml", "+xml")):
        return None if body.rstrip().endswith(b">") else "the document does not end with a tag"
    if kind == "application/json" or kind.endswith("+json"):
        return None if _is_whole_json(body) else "the JSON is not complete"
    return None


def _is_whole_json(body: bytes) -> bool:
    """Whether each bracket of a JSON document is closed, however deep, also in a document that no parser accepts."""
    # as text: joining bytes takes 80 bytes a piece
    text = body.replace(rb"\\", b"").replace(rb"\"", b"").decode("latin-1")
    outside = JSON_STRING.sub("", text)
    counts = [(outside.count(begin), outside.count(end)) for begin, end in ("[]", "{}")]
    if counts == [(0, 0), (0, 0)]:
        try:
            json.loads(body)
        except ValueError:
            return False
    return all(opened == closed for opened, closed in counts)
