"""What the bytes are before anyone decodes them: page, text, nothing, or no page at all."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from ca_etl.parse.links import is_api, is_feed
from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

# Real pages have 10 kB as text and up to 400 kB as HTML. Up to these sizes a page takes about a second;
# beyond them nothing is scanned: a line of 200 MB costs a comparison.
MAX_TEXT_BYTES: Final = 8_000_000
MAX_HTML_BYTES: Final = 4_000_000

_MAGIC: Final = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"RIFF", "RIFF"),
    (b"PAR1", "Parquet"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3", "SQLite"),
)
_MAGIC_BYTES: Final = tuple(magic for magic, _ in _MAGIC)
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SNIFFED: Final = 4096
# C0 controls that no text holds, tab, line feed, form feed and carriage return apart.
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\f\r")
MAX_CONTROL_SHARE: Final = 0.02
_TYPES: Final = {"text/html": True, "application/xhtml+xml": True, "text/plain": False}
_HTML_START: Final = re.compile(
    rb"(?:<!--[^>]{0,200}-->\s{0,9})?<(?:!doctype html|html|head|body|meta|title|div|main|article|h[1-6])[\s>]",
    re.IGNORECASE,
)
_JSON_TYPE: Final = re.compile(r"(?:application|text)/(?:[\w.-]{1,40}\+)?json")
_XML_TYPE: Final = re.compile(r"(?:application|text)/(?:[\w.-]{1,40}\+)?xml")
_FEED_START: Final = re.compile(
    rb"(?:\s{0,20}(?:<\?[^>]{0,300}\?>|<!--[^>]{0,300}-->)){0,9}\s{0,20}<rss[\s>]"
)
# At a feed's address a notice of PHP's may precede it, and makes the type text/html.
_RSS: Final = re.compile(rb"<rss[\s>]")
_NOTICE_BYTES: Final = 65_536
_CHALLENGE_HEADER_CHARS: Final = 4096
_CHALLENGES: Final = (
    "<title>just a moment...</title>",
    "<title>attention required! | cloudflare</title>",
    "<title>access denied</title>",
    "<title>ddos-guard</title>",
    "_cf_chl_opt",
    "cf-browser-verification",
    "/_incapsula_resource",
)


class Form(Enum):
    """The forms a page comes in: for people as HTML or text, for machines as JSON or RSS."""

    HTML = "html"
    TEXT = "text"
    JSON = "json"
    FEED = "feed"


def form_of(payload: bytes, content_type: str | None, url: str | None = None) -> Form | Reject:
    """Which form the bytes have, or why they are no page.

    The declared type decides, and the first bytes where none is declared or where plain text begins with an HTML
    element. RSS is what begins so, or holds its first tag at the address of a feed. JSON has two of three witnesses:
    its first sign, the type, and a `url` of the API, whose responses in HTML stay HTML. Binary is a known magic
    number, any other type, or more than `MAX_CONTROL_SHARE` control characters (NUL among them) in the first 4,096
    bytes.
    """
    refused = _unreadable(payload)
    if refused is not None:
        return refused
    declared = (content_type or "").partition(";")[0].strip().lower()
    head = payload[:_NOTICE_BYTES]
    if head.startswith(_UTF16):
        head = head.decode("utf-16", "ignore").encode()
    head = head.lstrip().removeprefix(b"\xef\xbb\xbf").lstrip()
    machine = _for_machines(head, declared, url)
    if machine is not None:
        return machine
    if declared and declared not in _TYPES:
        return _reject(RejectReason.BINARY, f"content type {declared[:60]!r} is no page", payload)
    is_html = _TYPES.get(declared) or _HTML_START.match(head) is not None
    if is_html and len(payload) > MAX_HTML_BYTES:
        return _reject(
            RejectReason.TOO_LARGE, f"{len(payload)} bytes of HTML, more than {MAX_HTML_BYTES}", payload
        )
    return Form.HTML if is_html else Form.TEXT


def _unreadable(payload: bytes) -> Reject | None:
    if len(payload) > MAX_TEXT_BYTES:
        return _reject(RejectReason.TOO_LARGE, f"{len(payload)} bytes, more than {MAX_TEXT_BYTES}", payload)
    if not payload[:_SNIFFED].strip() and not payload.strip():
        return Reject(RejectReason.EMPTY, f"{len(payload)} bytes, none but white space", "")
    binary = _binary(payload)
    return None if binary is None else _reject(RejectReason.BINARY, binary, payload)


def _for_machines(head: bytes, declared: str, url: str | None) -> Form | None:
    if _FEED_START.match(head) or (is_feed(url) and _RSS.search(head)):
        return Form.FEED
    if _XML_TYPE.fullmatch(declared) and declared not in _TYPES and is_feed(url):
        return Form.FEED
    asked = is_api(url)
    if asked and _HTML_START.match(head):
        return Form.HTML
    begins_so = head[:1] in {b"{", b"["}
    says_so = _JSON_TYPE.fullmatch(declared) is not None
    return Form.JSON if begins_so + says_so + asked >= 2 else None


def challenge_in(text: str) -> str | None:
    """The mark of a bot check that stands in for a page, in the first 4,096 characters.

    Only what checks alone print: a site behind the same service serves ordinary pages with its scripts.
    """
    head = text[:_CHALLENGE_HEADER_CHARS].lower()
    return next((mark for mark in _CHALLENGES if mark in head), None)


def _binary(payload: bytes) -> str | None:
    if payload.startswith(_MAGIC_BYTES):
        return f"begins like {next(name for magic, name in _MAGIC if payload.startswith(magic))}"
    if payload.startswith(_UTF16):
        return None
    head = payload[:_SNIFFED]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > MAX_CONTROL_SHARE * len(head):
        return f"{controls} control characters in the first {len(head)} bytes"
    return None


def _reject(reason: RejectReason, detail: str, payload: bytes) -> Reject:
    excerpt = payload[:200].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Reject.of(reason, detail, excerpt)
