"""One whole record, its header read by FastWARC and its digests checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from fastwarc import WarcRecord

from ca_etl.archive.members import RawRecord
from ca_etl.archive.payload import PayloadError, dechunk, decode_body, digest_matches
from ca_etl.records import RejectReason

HTTP_START: Final = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})(?: [^\r\n]*)?\r?\n")
HTTP_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")


class Parsed(NamedTuple):
    """A verified record. Header names are in lower case, and the first value of a repeated one counts.

    `date` is WARC-Date in UTC.
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
        """WARC-Target-URI; some writers put it in angle brackets."""
        uri = self.warc.get("warc-target-uri")
        return uri.strip().removeprefix("<").removesuffix(">") if uri else None

    @property
    def truncated(self) -> str | None:
        """WARC-Truncated, in lower case."""
        value = self.warc.get("warc-truncated")
        return value.strip().lower() if value else None

    @property
    def is_robots(self) -> bool:
        """Whether the record is an answer to GET /robots.txt."""
        uri = self.uri or ""
        return (
            "/robots.txt" in uri
            and uri.startswith(("http:", "https:"))
            and urlsplit(uri).path == "/robots.txt"
        )

    def payload(self) -> bytes:
        """The page: the block, or the body of the HTTP message in it, all codings undone. Raises `PayloadError`."""
        if self.http_body is None:
            return self.raw.block
        return decode_body(
            self.http_body, self.http_headers.get("content-encoding"), is_truncated=self.truncated is not None
        )


def parse_record(raw: RawRecord) -> Parsed:
    """Read the header and verify the digests. Raises `PayloadError` for a record that cannot be trusted."""
    try:
        record = WarcRecord.from_bytes(raw.data[: raw.block_start])
    except OSError as error:
        raise PayloadError(RejectReason.BAD_RECORD, f"unreadable record header: {error}") from error
    warc = _first_values(record.headers.to_tuples())
    kind = warc.get("warc-type", "").lower()
    record_id = bare_id(warc.get("warc-record-id", ""))
    if not kind or not record_id:
        raise PayloadError(RejectReason.BAD_RECORD, "the record has no WARC-Type or no WARC-Record-ID")
    date = parse_warc_date(warc.get("warc-date", ""))
    status, http, body = None, dict[str, str](), None
    block = raw.block
    if kind in {"response", "revisit"} and "application/http" in warc.get("content-type", "").lower():
        status, http, body = _http(block, may_be_empty=kind == "revisit")
    _verify(kind, warc, block, body)
    if body is not None and "chunked" in http.get("transfer-encoding", "").lower():
        body = dechunk(body) or body
    return Parsed(kind, record_id, date, raw, warc, status, http, body)


def record_id_of(raw: RawRecord) -> str | None:
    """The record id of a record that may be bad otherwise."""
    match = re.search(
        rb"^warc-record-id:[ \t]*<?([^>\r\n]+)>?", raw.data[: raw.block_start], re.IGNORECASE | re.MULTILINE
    )
    return match.group(1).decode("utf-8", "replace").strip() if match else None


def bare_id(value: str) -> str:
    """A record id without its angle brackets."""
    return value.strip().removeprefix("<").removesuffix(">")


def parse_warc_date(value: str) -> datetime:
    """A WARC-Date as UTC instant. Raises `PayloadError`.

    >>> parse_warc_date("2025-12-05T02:00:00Z").isoformat()
    '2025-12-05T02:00:00+00:00'
    """
    text = value.strip()
    try:
        if "T" not in text:
            raise ValueError("no time of day")  # noqa: TRY301  the same message serves both
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise PayloadError(RejectReason.BAD_RECORD, f"WARC-Date {text!r} is no instant") from error
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
    # HTTP headers are Latin-1 at most; obsolete folding continues a line
    head = re.sub(r"\r?\n[ \t]+", " ", block[start.end() : end.start()].decode("latin-1"))
    # not splitlines: for that a vertical tab or NEL within a value ends a line
    lines = re.split(r"\r?\n", head)
    split = (line.partition(":") for line in lines if ":" in line)
    return int(start.group(1)), _first_values((name, value) for name, _, value in split), block[end.end() :]


def _verify(kind: str, warc: dict[str, str], block: bytes, body: bytes | None) -> None:
    """Hold the bytes against the digests that the record states.

    A block digest that fits settles it: it covers every byte. Payload digests are written over the chunked form by some
    and over the de-chunked form by others, so that without a block digest either will do.
    """
    stated = warc.get("warc-block-digest")
    if stated:
        matches = digest_matches(stated, block)
        if matches is False:
            raise PayloadError(RejectReason.BAD_RECORD, f"the block is not the one of {stated}")
        if matches:
            return
    stated = warc.get("warc-payload-digest")
    if not stated or kind == "revisit":
        return
    stored = block if body is None else body
    if digest_matches(stated, stored) is False and digest_matches(stated, dechunk(stored) or b"") is False:
        raise PayloadError(RejectReason.BAD_RECORD, f"the payload is not the one of {stated}")


def _first_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name.strip().lower(), value.strip())
    return values
