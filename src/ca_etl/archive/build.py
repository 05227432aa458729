"""WARC records of what was sent and received, one gzip member each, through warcio's record builder."""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from ca_etl.archive.fields import VERDICT, sha256_label, warc_date
from ca_etl.archive.policy import Attempt, Headers
from ca_etl.archive.sealing import Sink
from ca_etl.errors import CaEtlError

WARC_VERSION: Final = "WARC/1.1"
NOT_MODIFIED: Final = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
CONFORMS_TO: Final = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


class InputChangedError(CaEtlError):
    """A file is not what it was when its digest was taken."""


def record_id(*parts: object) -> str:
    """`urn:uuid:...`, a UUID of version 5 over `parts`: equal parts, equal id.

    >>> record_id("warcinfo", "a") == record_id("warcinfo", "a") != record_id("warcinfo", "b")
    True
    """
    return uuid5(NAMESPACE_URL, "ca_etl " + json.dumps([str(part) for part in parts])).urn


def write_warcinfo(out: Sink, filename: str, when: datetime, info: Mapping[str, str]) -> str:
    """Write the record that describes the file; returns its id in angle brackets."""
    date = warc_date(when)
    warcinfo_id = f"<{record_id('warcinfo', filename, date)}>"
    fields = {"format": "WARC File Format 1.1", "conformsTo": CONFORMS_TO, **info}
    body = "".join(f"{key}: {_one_line(value)}\r\n" for key, value in fields.items()).encode()
    named = {"WARC-Record-ID": warcinfo_id, "WARC-Date": date, "WARC-Filename": filename}
    _write(out, "warcinfo", "", named, body=body)
    return warcinfo_id


def write_request(
    out: Sink, attempt: Attempt, request_id: str, capture_id: str, common: Mapping[str, str]
) -> None:
    """Write the request as it was sent."""
    head = StatusAndHeaders(
        f"{attempt.request_target} HTTP/1.1", list(attempt.request_headers), protocol="GET"
    )
    fields = {
        "WARC-Record-ID": f"<{request_id}>",
        "WARC-Concurrent-To": f"<{capture_id}>",
        **common,
        "WARC-Payload-Digest": sha256_label(b""),
    }
    _write(out, "request", attempt.url, fields, head=head)


def write_response(
    out: Sink, attempt: Attempt, capture_id: str, common: Mapping[str, str], digest: str
) -> None:
    """Write the answer: de-chunked, still content-encoded, its headers true for that."""
    fields = {
        "WARC-Record-ID": f"<{capture_id}>",
        **common,
        VERDICT: str(attempt.verdict),
        "WARC-Payload-Digest": digest,
        **({"WARC-Truncated": attempt.truncated} if attempt.truncated else {}),
    }
    headers = _stored_headers(attempt.response_headers, len(attempt.wire_body))
    _write(
        out,
        "response",
        attempt.url,
        fields,
        head=_status_and_headers(attempt, headers),
        body=attempt.wire_body,
    )


def write_revisit(out: Sink, attempt: Attempt, capture_id: str, common: Mapping[str, str]) -> None:
    """Write a 304 so that a replay finds the body it stands for: URL, date, id and digest of the original."""
    validators = attempt.validators
    if validators is None:
        raise ValueError(f"{attempt.url} is unchanged, but from what is not known")
    digest = validators.payload_digest
    fields = {
        "WARC-Record-ID": f"<{capture_id}>",
        **common,
        VERDICT: str(attempt.verdict),
        "WARC-Profile": NOT_MODIFIED,
        "WARC-Refers-To": f"<{validators.refers_to}>",
        "WARC-Refers-To-Target-URI": validators.refers_to_url,
        "WARC-Refers-To-Date": warc_date(validators.refers_to_date),
        # of the body that is meant; the digest of this record's empty one would match every other 304
        "WARC-Payload-Digest": digest if ":" in digest else f"sha256:{digest}",
    }
    _write(out, "revisit", attempt.url, fields, head=_status_and_headers(attempt, attempt.response_headers))


def write_resource(
    out: Sink,
    uri: str,
    content_type: str,
    body: BinaryIO,
    *,
    length: int,
    fields: Mapping[str, str],
    digest: str,
) -> None:
    """Stream `length` bytes of `body`, whose labelled digest is `digest`, into a resource record.

    Raises `InputChangedError` when the bytes are others: the file changed while it was read.
    """
    checked = _Checked(body)
    writer = _writer(out)
    record = writer.create_warc_record(
        uri,
        "resource",
        payload=checked,
        length=length,
        warc_content_type=content_type,
        warc_headers_dict={**fields, "WARC-Payload-Digest": digest, "WARC-Block-Digest": digest},
    )
    writer.write_record(record)
    if checked.label != digest:
        raise InputChangedError(f"{uri} changed while it was read", "ca-etl ingest ... (again)")


def _stored_headers(headers: Headers, length: int) -> Headers:
    """The headers of a body that is stored de-chunked: true for the bytes beside them, the received ones renamed.

    Common Crawl uses the same names. Readers that believe a left-over `Transfer-Encoding: chunked` cut the page.
    """
    is_chunked = any(name.lower() == "transfer-encoding" for name, _ in headers)
    stored: list[tuple[str, str]] = []
    for name, value in headers:
        if name.lower() == "transfer-encoding" or (
            name.lower() == "content-length" and (is_chunked or value.strip() != str(length))
        ):
            stored.append((f"X-Crawler-{name}", value))
        else:
            stored.append((name, value))
    if stored and stored != list(headers):
        stored.append(("Content-Length", str(length)))
    return tuple(stored)


def _status_and_headers(attempt: Attempt, headers: Headers) -> Any:  # noqa: ANN401
    # warcio percent-encodes what follows a "=" alone, and raises for the rest, as for "X-Any: ;\x80=\x00"
    named = [(_ascii(name), quote(value, safe=string.printable)) for name, value in headers]
    return StatusAndHeaders(
        f"{attempt.status} {_ascii(attempt.reason)}", named, protocol=attempt.http_version
    )


def _write(
    out: Sink,
    kind: str,
    uri: str,
    fields: Mapping[str, str],
    *,
    head: StatusAndHeaders | None = None,
    body: bytes = b"",
) -> None:
    """Write one record as one gzip member, its block digest over exactly what is written."""
    writer = _writer(out)
    block = (head.to_ascii_bytes() if head is not None else b"") + body
    record = writer.create_warc_record(
        uri,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=head,
        warc_headers_dict={**fields, "WARC-Block-Digest": sha256_label(block)},
    )
    writer.write_record(record)


def _writer(out: Sink) -> Any:  # noqa: ANN401  warcio has no types
    return WARCWriter(out, gzip=True, warc_version=WARC_VERSION)


class _Checked:
    """A stream that digests what is read from it."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._body.read(size)
        self._digest.update(chunk)
        return chunk

    @property
    def label(self) -> str:
        return f"sha256:{self._digest.hexdigest()}"


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _one_line(value: str) -> str:
    return " ".join(value.split())
