"""Parse one whole WARC record: header, digests, and the page in its stored bytes. Without I/O.

Other writers store many forms: de-chunked bodies under a chunked header and the reverse, digests over either form,
gzip announced and already removed. So each coding is undone only where the bytes themselves show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from zlib_ng import zlib_ng as zlib

from ca_etl.archive.framing import RawRecord, digest_matches
from ca_etl.archive.naming import SOURCE
from ca_etl.records import RejectReason, site_name

WARC_VERSION: Final = re.compile(r"WARC/[0-9]+\.[0-9]+\s*")
HTTP_START: Final = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})(?: [^\r\n]*)?\r?\n")
FOLD: Final = re.compile(r"\r?\n[ \t]+")
HTTP_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
# A URI with its scheme, bare or wholly in angle brackets: half of one is the name of something else.
URI: Final = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]+>|[A-Za-z][A-Za-z0-9+.-]*:[^<>]*[^<>\s]")
TARGET_URI: Final = re.compile(rb"^warc-target-uri:[ \t]*<?(https?:[^>\r\n]+)", re.IGNORECASE | re.MULTILINE)
OWN_SOURCE: Final = re.compile(rb"^" + SOURCE.encode() + rb":", re.IGNORECASE | re.MULTILINE)
CAPTURE_KINDS: Final = frozenset({"response", "revisit", "resource", "conversion"})
KINDS: Final = CAPTURE_KINDS | {"warcinfo", "request", "metadata", "continuation"}


class Record(NamedTuple):
    """A WARC record whose digests are verified; `date` is its WARC-Date in UTC.

    Header names are in lower case, and the first value of a repeated header counts.
    """

    kind: str
    record_id: str
    date: datetime
    raw: RawRecord
    warc: dict[str, str]
    http_status: int | None
    http_headers: dict[str, str]
    http_body: bytes | None

    @property
    def uri(self) -> str | None:
        """The address of the captured page (WARC-Target-URI) without angle brackets; None without that header."""
        uri = self.warc.get("warc-target-uri")
        return bare_id(uri) if uri else None

    @property
    def truncated(self) -> str | None:
        """The reason why the body is incomplete (WARC-Truncated, in lower case); None for a whole body."""
        value = self.warc.get("warc-truncated")
        return None if value is None else value.lower() or "unspecified"

    @property
    def is_robots(self) -> bool:
        """Whether the record is a response to GET /robots.txt."""
        uri = self.uri or ""
        return (
            "/robots.txt" in uri
            and uri.startswith(("http:", "https:"))
            and urlsplit(uri).path == "/robots.txt"
        )

    def payload(self) -> bytes:
        """The body in the record: its block, or the decoded body of its HTTP message. Raises `PayloadError`."""
        if self.http_body is None:
            return self.raw.block
        return decode_body(
            self.http_body, self.http_headers.get("content-encoding"), is_truncated=self.truncated is not None
        )


def parse_record(raw: RawRecord) -> Record:
    """Parse the header of a record and verify its digests. Raises `PayloadError` for a damaged record."""
    version, _, head = raw.data[: raw.block_start].decode("utf-8", "replace").partition("\n")
    if not WARC_VERSION.fullmatch(version):
        raise PayloadError(RejectReason.BAD_RECORD, "the record does not begin with a version of WARC")
    warc = _header_fields(head)
    kind = warc.get("warc-type", "").lower()
    record_id = bare_id(warc.get("warc-record-id", ""))
    problem = _problem_of(kind, warc)
    if problem:
        raise PayloadError(RejectReason.BAD_RECORD, problem)
    date = parse_warc_date(warc.get("warc-date", ""))
    status, http, body = None, dict[str, str](), None
    block = raw.block
    if kind in {"response", "revisit"} and "application/http" in warc.get("content-type", "").lower():
        status, http, body = _http(block, may_be_empty=kind == "revisit")
    _verify(kind, warc, block, body)
    if body is not None and "chunked" in http.get("transfer-encoding", "").lower():
        body = dechunk(body) or body
    return Record(kind, record_id, date, raw, warc, status, http, body)


def _problem_of(kind: str, warc: dict[str, str]) -> str | None:
    """What the header of a record lacks, or has in a form in which it says nothing; None for a usable header."""
    record_id, uri, form = (
        warc.get(name, "") for name in ("warc-record-id", "warc-target-uri", "content-type")
    )
    is_of_page = bare_id(uri).lower().startswith(("http:", "https:"))
    problem = None
    if not kind or not record_id:
        problem = "the record has no WARC-Type or no WARC-Record-ID"
    elif kind not in KINDS:
        problem = f"WARC-Type {kind!r} is not known"
    elif not URI.fullmatch(record_id):
        problem = f"WARC-Record-ID {record_id!r} is not a URI"
    elif kind in CAPTURE_KINDS and not URI.fullmatch(uri):
        problem = f"WARC-Target-URI {uri!r} is not a URI"
    elif kind == "response" and is_of_page and "application/http" not in form.lower():
        problem = f"a response of {uri} has the Content-Type {form!r}, which is not HTTP"
    return problem


def record_id_of(raw: RawRecord) -> str | None:
    """The WARC-Record-ID of a record that may be damaged; None for a record without an id."""
    match = re.search(
        rb"^warc-record-id:[ \t]*<?([^>\r\n]+)>?", raw.data[: raw.block_start], re.IGNORECASE | re.MULTILINE
    )
    return match.group(1).decode("utf-8", "replace").strip() if match else None


def is_of_another_site(raw: RawRecord, site: str) -> bool:
    """Whether a record that another crawler wrote is of a page of another site; its digests are not verified.

    `site` is a name as `site_name` makes it. A record without an address is of no other site: it is damaged, or
    describes the file.
    """
    head = raw.data[: raw.block_start]
    match = TARGET_URI.search(head)
    if match is None or OWN_SOURCE.search(head):
        return False
    other = site_name(match.group(1).decode("latin-1"))
    return bool(other) and other != site


def bare_id(value: str) -> str:
    """A WARC record id without its angle brackets."""
    return value.strip().removeprefix("<").removesuffix(">")


def parse_warc_date(value: str) -> datetime:
    """Parse a WARC-Date to an instant in UTC. Raises `PayloadError` for other text.

    >>> parse_warc_date("2025-12-05T02:00:00Z").isoformat()
    '2025-12-05T02:00:00+00:00'
    """
    text = value.strip()
    try:
        if "T" not in text:
            raise ValueError("no time of day")  # noqa: TRY301  the same message serves both
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise PayloadError(RejectReason.BAD_RECORD, f"WARC-Date {text!r} is not an instant") from error
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _http(block: bytes, *, may_be_empty: bool) -> tuple[int | None, dict[str, str], bytes | None]:
    if may_be_empty and not block:
        return None, {}, None
    start = HTTP_START.match(block)
    if start is None:
        raise PayloadError(RejectReason.BAD_RECORD, "the block does not begin with an HTTP status line")
    # the status line's own end counts as the first line end of an empty header
    end = HTTP_HEAD_END.search(block, start.end() - 2)
    if end is None:
        raise PayloadError(RejectReason.BAD_RECORD, "the HTTP header has no end")
    fields = _header_fields(block[start.end() : end.start()].decode("latin-1"))
    return int(start.group(1)), fields, block[end.end() :]


def _verify(kind: str, warc: dict[str, str], block: bytes, body: bytes | None) -> None:
    """Compare the bytes with the digests that the record states. Raises `PayloadError`.

    A block digest that matches is enough: it covers every byte. Some writers compute the payload digest over the
    chunked body, others over the de-chunked one, so that without a block digest one match of the two is enough.
    """
    stated = warc.get("warc-block-digest")
    if stated:
        matches = digest_matches(stated, block)
        if matches is False:
            raise PayloadError(
                RejectReason.BAD_RECORD, f"the block has another digest than the header states: {stated}"
            )
        if matches:
            return
    stated = warc.get("warc-payload-digest")
    if not stated or kind == "revisit":
        return
    stored = block if body is None else body
    if digest_matches(stated, stored) is False and digest_matches(stated, dechunk(stored) or b"") is False:
        raise PayloadError(
            RejectReason.BAD_RECORD, f"the payload has another digest than the header states: {stated}"
        )


def _header_fields(head: str) -> dict[str, str]:
    """The fields of a WARC or HTTP header by their names in lower case; lines that are not fields are left out."""
    if "\n " in head or "\n\t" in head:
        head = FOLD.sub(" ", head)
    fields: dict[str, str] = {}
    # not splitlines: for that a vertical tab or NEL within a value ends a line
    for line in head.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


GZIP_MAGIC: Final = b"\x1f\x8b"
STEP: Final = 65_536
# Short pages of one repeated line compress a thousandfold; only what is large can do harm.
RATIO_FREE_BYTES: Final = 1_000_000


class InflateError(Exception):
    """A gzip body could not be inflated to its end. `partial` is what was inflated before the error."""

    def __init__(self, message: str, partial: bytes) -> None:
        super().__init__(message)
        self.partial = partial


class CutStreamError(InflateError):
    """A gzip body is truncated: its bytes end before its stream does."""


class CorruptStreamError(InflateError):
    """A gzip body is corrupt: its bytes are not gzip, or the checksum is wrong."""


class TooLargeError(InflateError):
    """A gzip body inflates to more than the allowed size or ratio."""


class Inflated(NamedTuple):
    """A gzip body inflated to its end. `trailing_bytes` counts bytes after the last gzip member, which are left out."""

    body: bytes
    members: int
    trailing_bytes: int


def inflate(chunks: Iterable[bytes], *, max_bytes: int, max_ratio: float) -> Inflated:
    """Inflate a gzip body (RFC 1952, one member or several) that arrives in `chunks`.

    Bytes that begin another member belong to the body and must reach their own end. Any other bytes after a member
    (zero padding, a warning printed after a compressed page) are counted and left out, as browsers do. The result may
    have `max_bytes` bytes, and `max_ratio` times the bytes received.

    Raises `CutStreamError` for a truncated body, which the HTTP libraries take for a whole one, `CorruptStreamError`,
    and `TooLargeError`. After an error no further chunk is requested.
    """
    out = BytesIO()  # its value is given without a copy of 30 MB beside the pieces
    stream = zlib.decompressobj(wbits=31)
    is_within_member = False
    pending = b""
    size = received = members = trailing = 0
    for chunk in chunks:
        received += len(chunk)
        if trailing:
            trailing += len(chunk)
            continue
        pending += chunk
        while pending:
            if members and not is_within_member:
                if pending == GZIP_MAGIC[:1]:
                    break
                if not pending.startswith(GZIP_MAGIC):
                    trailing, pending = len(pending), b""
                    break
            is_within_member = True
            try:
                size += out.write(stream.decompress(pending, STEP))
            except zlib.error as error:  # type: ignore[misc]  # its stub has an instance
                raise CorruptStreamError(f"not valid gzip: {error}", out.getvalue()) from error
            if size > max_bytes:
                raise TooLargeError(f"inflates to more than {max_bytes} bytes", out.getvalue())
            if size > RATIO_FREE_BYTES and size > max_ratio * received:
                raise TooLargeError(f"inflates to more than {max_ratio:g} times its size", out.getvalue())
            pending = stream.unconsumed_tail
            if stream.eof:
                pending, stream = stream.unused_data, zlib.decompressobj(wbits=31)
                members, is_within_member = members + 1, False
    if is_within_member or pending or not members:
        raise CutStreamError(f"gzip stream cut after {received} bytes", out.getvalue())
    return Inflated(out.getvalue(), members, trailing)


MAX_PAYLOAD_BYTES: Final = 512 * 1024 * 1024
# Deflate reaches 1,032 at most: what is on our disk is bounded by size alone.
MAX_RATIO: Final = 1_100.0
CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class PayloadError(Exception):
    """A record is damaged, or its body cannot be decoded; `reason` is the code for its reject."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def dechunk(data: bytes) -> bytes | None:
    """Remove the chunked transfer coding of HTTP from `data`; None where `data` is not wholly in this coding."""
    at = 0
    pieces: list[bytes] = []
    while True:
        line = CHUNK_LINE.match(data, at)
        if line is None:
            return None
        size = int(line.group(1), 16)
        at = line.end()
        if size == 0:
            # trailers, and some servers leave out the last line end
            return b"".join(pieces)
        if data[at + size : at + size + 2] != b"\r\n":
            return None
        pieces.append(data[at : at + size])
        at += size + 2


def decode_body(stored: bytes, encoding: str | None, *, is_truncated: bool) -> bytes:
    """Decode a stored body, whose transfer coding is already removed, by its Content-Encoding.

    `encoding` is the Content-Encoding as stored, never a prefixed one such as `X-Crawler-Content-Encoding`.
    A truncated body gives as much as there is. Raises `PayloadError`.
    """
    if stored.startswith(GZIP_MAGIC):
        # Also without a header: playback of web archives loses it.
        return _gunzip(stored, is_truncated=is_truncated)
    coding = (encoding or "").strip().lower()
    if coding in {"", "identity", "gzip", "x-gzip"} or _is_text(stored):
        return stored
    raise PayloadError(RejectReason.UNDECODABLE, f"Content-Encoding {coding} cannot be decoded here")


def _gunzip(stored: bytes, *, is_truncated: bool) -> bytes:
    try:
        chunks = (stored[start : start + STEP] for start in range(0, len(stored), STEP))
        return inflate(chunks, max_bytes=MAX_PAYLOAD_BYTES, max_ratio=MAX_RATIO).body
    except InflateError as error:
        if is_truncated:
            return error.partial
        match error:
            case CutStreamError():
                reason = RejectReason.TRUNCATED
            case TooLargeError():
                reason = RejectReason.TOO_LARGE
            case _:
                reason = RejectReason.UNDECODABLE
        raise PayloadError(reason, str(error)) from error


def _is_text(data: bytes) -> bool:
    """Whether a body with a Content-Encoding is plain text: some writers decode the body and keep the header."""
    head = data[:1024]
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # the slice may have cut a character
        return error.start >= len(head) - 3
    return True
