"""What an answer is worth, before any parser sees it. Pure: bytes and headers in, a verdict out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ca_etl.archive.connection import CutStreamError, InflateError, TooLargeError
from ca_etl.archive.policy import REDIRECTS, Headers, Validators, Verdict, header

IDENTITY: Final = frozenset({"", "identity"})
GZIP: Final = frozenset({"gzip", "x-gzip"})
CHALLENGE_SCAN_BYTES: Final = 65_536

# Titles of the interstitial pages, and script hooks that stand on nothing else. Cloudflare's and Imperva's
# ordinary scripts are injected into good pages too, so their paths alone are no sign.
CHALLENGE: Final = re.compile(
    rb"<title>\s*(?:just a moment|attention required! \| cloudflare|ddos-guard|please wait\.\.\. \| cloudflare"
    rb"|access denied|bot verification|you are being redirected|checking your browser|one moment, please)"
    rb"|window\._cf_chl_opt|\bcf-challenge-running\b|sucuri_cloudproxy_js|/\.well-known/sgcaptcha/"
    rb"|geo\.captcha-delivery\.com|request unsuccessful\. incapsula incident id",
    re.IGNORECASE,
)
HTML_END: Final = re.compile(rb"</html\s*>", re.IGNORECASE)
# A string without an end is one too, so that a search never starts anew behind it: linear on any body.
JSON_STRING: Final = re.compile('"[^"]*"?')


class End(StrEnum):
    """How the reading of a body ended; the values of the last three are WARC-Truncated reasons."""

    COMPLETE = "complete"
    DISCONNECT = "disconnect"
    TIME = "time"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as read from the wire.

    `is_framed` is false for a body that ends with the connection, whose end proves nothing. `inflate_error` is what
    stood in the way of `body` being the whole decoded page.
    """

    status: int
    reason: str
    http_version: str
    headers: Headers
    wire_body: bytes
    body: bytes
    end: End
    detail: str
    is_framed: bool
    inflate_error: InflateError | None = None

    @property
    def encoding(self) -> str:
        """Content-Encoding, lower case, empty for none."""
        return (header(self.headers, "Content-Encoding") or "").strip().lower()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict, a sentence for people, and the WARC-Truncated reason of a body that is not whole."""

    verdict: Verdict
    detail: str
    truncated: str | None = None


def judge(received: Received, validators: Validators | None) -> Judgement:
    """Classify one answer; `validators` are those its request carried."""
    truncated = None if received.end is End.COMPLETE else str(received.end)
    if truncated is None and isinstance(received.inflate_error, TooLargeError):
        truncated = str(End.LENGTH)
    status_line = f"{received.status} {received.reason}".strip()
    if received.status == 304:
        return _judge_not_modified(received, validators, status_line)
    if received.status in REDIRECTS:
        return Judgement(Verdict.REDIRECT, status_line, truncated)
    challenge = _challenge(received)
    if received.status == 403 or challenge:
        return Judgement(Verdict.BLOCKED, f"{status_line}: {challenge or 'forbidden'}", truncated)
    if received.status != 200:
        return Judgement(Verdict.HTTP_ERROR, status_line, truncated)
    return _judge_page(received, truncated)


def _judge_not_modified(received: Received, validators: Validators | None, status_line: str) -> Judgement:
    if validators is None:
        return Judgement(Verdict.HTTP_ERROR, f"{status_line} to a request without conditions")
    if validators.contradicted_by(received.headers):
        etag = header(received.headers, "ETag")
        return Judgement(Verdict.HTTP_ERROR, f"{status_line} for {etag}, asked for {validators.etag}")
    return Judgement(Verdict.UNCHANGED, status_line)


def _judge_page(received: Received, truncated: str | None) -> Judgement:  # noqa: PLR0911  one return a rule
    if truncated == End.LENGTH:
        detail = str(received.inflate_error) if received.inflate_error else received.detail
        return Judgement(Verdict.OVERSIZE, detail, truncated)
    if truncated is not None:
        return Judgement(Verdict.TRUNCATED, received.detail, truncated)
    if not received.is_framed and not received.wire_body:
        # also what is left of an answer cut within its headers: the HTTP library takes that for their end
        return Judgement(Verdict.TRUNCATED, "no length was sent and no body came", "unspecified")
    if received.encoding not in IDENTITY | GZIP:
        return Judgement(Verdict.BAD_ENCODING, f"Content-Encoding {received.encoding} was not asked for")
    if isinstance(received.inflate_error, CutStreamError):
        return Judgement(Verdict.TRUNCATED, str(received.inflate_error), "unspecified")
    if received.inflate_error is not None:
        return Judgement(Verdict.BAD_ENCODING, str(received.inflate_error))
    if not received.is_framed and received.encoding in IDENTITY:
        missing = _missing_end(header(received.headers, "Content-Type") or "", received.body)
        if missing:
            return Judgement(Verdict.TRUNCATED, f"no length was sent and {missing}", "unspecified")
    return Judgement(Verdict.OK, f"{len(received.body)} bytes")


def _challenge(received: Received) -> str | None:
    if header(received.headers, "cf-mitigated"):
        return "the cf-mitigated header marks a challenge"
    if header(received.headers, "sg-captcha"):
        return "the sg-captcha header marks a challenge"
    content_type = (header(received.headers, "Content-Type") or "html").lower()
    if "html" not in content_type:
        return None
    found = CHALLENGE.search(received.body, 0, CHALLENGE_SCAN_BYTES)
    return f"challenge page ({found.group().decode('ascii', 'replace').strip()})" if found else None


def _missing_end(content_type: str, body: bytes) -> str | None:
    """What a whole body of this type would end with and this one does not; None if it does or cannot be known."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"} or (not kind and body.lstrip().startswith(b"<")):
        return None if HTML_END.search(body) else "the page has no </html>"
    if kind.endswith(("/xml", "+xml")):
        return None if body.rstrip().endswith(b">") else "the document does not end with a tag"
    if kind == "application/json" or kind.endswith("+json"):
        return None if _is_whole_json(body) else "the JSON is not complete"
    return None


def _is_whole_json(body: bytes) -> bool:
    """Whether each bracket of a document is closed: however deep, and whatever a parser will say of it."""
    # as text: joining bytes takes 80 bytes a piece
    text = body.replace(rb"\\", b"").replace(rb"\"", b"").decode("latin-1")
    outside = JSON_STRING.sub("", text)
    counts = [(outside.count(begin), outside.count(end)) for begin, end in ("[]", "{}")]
    if counts == [(0, 0), (0, 0)]:
        try:
            json.loads(body)
        except ValueError:
            return False
    return all(begun == ended for begun, ended in counts)
