"""Write one archive file: for each response the request, and the response or a revisit, as WARC records by warcio."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders  # type: ignore[import-untyped]
from warcio.warcwriter import WARCWriter  # type: ignore[import-untyped]

from ca_etl.archive.naming import (
    CAPTURED_AT,
    DAMAGED,
    DROPPED_LINES,
    EVIDENCE,
    INFO_SOURCE,
    OF_OTHER_SITES,
    SOURCE,
    UNKNOWN,
    VERDICT,
    sha256_label,
    warc_date,
)
from ca_etl.archive.policy import Attempt, Headers, Verdict
from ca_etl.archive.sealed_file import OpenFile, Sink
from ca_etl.records import RejectReason

FIELDS_TYPE: Final = "application/warc-fields"
DAMAGED_TYPE: Final = "application/octet-stream"
# All but "%" and what ends a line or is not ASCII, so that the header can be read without tools.
PLAIN: Final = string.punctuation.replace("%", "") + " "


class ArchiveWriter:
    """Writes one archive file, `archive_dir/YYYY/MM/<name>.warc.gz`; YYYY and MM are from the time stamp in `name`.

    A context manager. The end of the block seals the file, also after an exception, since the records written are
    whole; with `keep_partial` False, an exception removes the file instead. Without a record there is no file.
    `source` is written into the warcinfo record and every other record; `info` are further warcinfo fields. `clock`
    gives aware UTC instants. Raises `ArchiveWriteError` when the file cannot be written.
    """

    def __init__(
        self,
        archive_dir: Path,
        name: str,
        *,
        source: str,
        info: Mapping[str, str],
        clock: Callable[[], datetime],
        keep_partial: bool = True,
    ) -> None:
        self._keep_partial = keep_partial
        self._file = OpenFile(archive_dir, name)
        self._source = source
        self._info = info
        self._clock = clock
        self._warcinfo_id: str | None = None
        self._ids: set[str] = set()
        self.path: Path | None = None
        """The path of the sealed file; None until the file is sealed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if self._ids and (self._keep_partial or kind is None):
                self.path = self._file.seal()
            else:
                self._file.discard()

    def add(self, attempt: Attempt, *, is_evidence: bool = False) -> str:
        """Write one response, with its request; returns the capture id (the response's WARC record id).

        A response that `is_evidence` of how captures were found gives none itself. On return both records are written
        to the file, and survive a kill of the process. Raises `ValueError` for an attempt without a response.
        """
        if attempt.status is None:
            raise ValueError(f"{attempt.url} gave no response to archive: {attempt.detail}")
        date = warc_date(attempt.started_at)
        capture_id = self._unused_id(
            "response", attempt.url, date, sha256_label(attempt.wire_body), attempt.number
        )
        common = {
            "WARC-Date": date,
            SOURCE: self._source,
            **({"WARC-IP-Address": attempt.ip_address} if attempt.ip_address else {}),
            **({EVIDENCE: "index"} if is_evidence else {}),
        }
        with self._file.record() as out:
            common["WARC-Warcinfo-ID"] = self._warcinfo(out)
            _write_request(out, attempt, capture_id, common)
            _write_response(out, attempt, capture_id, common)
        self._ids.add(capture_id)
        return capture_id

    def add_resource(
        self,
        capture_id: str,
        uri: str,
        content_type: str,
        body: bytes,
        *,
        date: datetime,
        headers: Mapping[str, str],
    ) -> None:
        """Write a file of an operator to the archive as a resource record.

        `headers` are further WARC headers, `date` is zone-aware.
        """
        with self._file.record() as out:
            fields = {
                "WARC-Record-ID": f"<{capture_id}>",
                "WARC-Date": warc_date(date),
                "WARC-Warcinfo-ID": self._warcinfo(out),
                SOURCE: self._source,
                **headers,
                "WARC-Payload-Digest": sha256_label(body),
            }
            _write(out, "resource", uri, fields, body=body, content_type=content_type)
        self._ids.add(capture_id)

    def add_memento(
        self, attempt: Attempt, url: str, captured_at: datetime, headers: Headers, fields: Mapping[str, str]
    ) -> str:
        """Write the response by which a web archive played back its capture of `url`; returns the capture id.

        The record is that of a response of `url` at `captured_at` (zone-aware) with the HTTP `headers`, and the body as
        it came. `fields` are further WARC headers. Equal URL and time give an equal id.
        """
        date = warc_date(captured_at)
        capture_id = record_id("memento", url, date)
        replayed = replace(attempt, url=url, response_headers=headers)
        with self._file.record() as out:
            common = {
                "WARC-Date": date,
                SOURCE: self._source,
                "WARC-Warcinfo-ID": self._warcinfo(out),
                **fields,
            }
            _write_response(out, replayed, capture_id, common)
        self._ids.add(capture_id)
        return capture_id

    def add_damage(
        self,
        capture_id: str,
        uri: str,
        reason: RejectReason,
        detail: str,
        body: bytes,
        *,
        date: datetime,
        is_cut: bool = False,
    ) -> None:
        """Write bytes that are not a usable record as a record that states why, which is read as a reject.

        `uri` names where they are from. With `is_cut` they are the first of more bytes.
        """
        headers = {DAMAGED: f"{reason}; {quote(detail, safe=PLAIN)}", CAPTURED_AT: UNKNOWN}
        if is_cut:
            headers["WARC-Truncated"] = "length"
        self.add_resource(capture_id, uri, DAMAGED_TYPE, body, date=date, headers=headers)

    def add_left_out(self, count: int, *, date: datetime) -> None:
        """Write how many records of the ingested file were left out as those of other sites; `date` is zone-aware."""
        with self._file.record() as out:
            warcinfo_id = self._warcinfo(out)
            capture_id = self._unused_id("left out", warcinfo_id)
            fields = {
                "WARC-Record-ID": f"<{capture_id}>",
                "WARC-Date": warc_date(date),
                "WARC-Warcinfo-ID": warcinfo_id,
                SOURCE: self._source,
                OF_OTHER_SITES: str(count),
            }
            _write(out, "metadata", "", fields, content_type=FIELDS_TYPE)
        self._ids.add(capture_id)

    def add_info(self) -> None:
        """Write the warcinfo record, also where no other record follows."""
        with self._file.record() as out:
            self._ids.add(self._warcinfo(out))

    def add_member(self, member: bytes) -> None:
        """Copy a verified record of another archive file, given as the bytes of its whole gzip member."""
        with self._file.record() as out:
            self._warcinfo(out)
            out.write(member)
        self._ids.add(f"member {len(self._ids)}")

    def _unused_id(self, *parts: object) -> str:
        """A record id derived from `parts` of the record, so that equal runs make equal ids.

        With a clock that does not advance two responses may have equal parts; a number then makes the later id differ.
        """
        turn = 1
        unused = record_id(*parts)
        while unused in self._ids:
            turn += 1
            unused = record_id(*parts, turn)
        return unused

    def _warcinfo(self, out: Sink) -> str:
        """Write the warcinfo record before the first other record; returns its id in angle brackets.

        The warcinfo record is written with the first record: where the writing fails, both records are removed.
        """
        if self._warcinfo_id is None or out.tell() == 0:
            assert self._file.path is not None  # noqa: S101  `out` is this file
            filename, date = self._file.path.name, warc_date(self._clock())
            self._warcinfo_id = f"<{record_id('warcinfo', filename, date)}>"
            info = {
                "format": "WARC File Format 1.1",
                "conformsTo": CONFORMS_TO,
                INFO_SOURCE: self._source,
                "software": "ca_etl",
                **self._info,
            }
            body = "".join(f"{key}: {' '.join(value.split())}\r\n" for key, value in info.items()).encode()
            fields = {"WARC-Record-ID": self._warcinfo_id, "WARC-Date": date, "WARC-Filename": filename}
            _write(out, "warcinfo", "", fields, body=body)
        return self._warcinfo_id


WARC_VERSION: Final = "WARC/1.1"
NOT_MODIFIED: Final = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
CONFORMS_TO: Final = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def record_id(*parts: object) -> str:
    """A WARC record id, `urn:uuid:` and a version 5 UUID of `parts`: equal parts give an equal id.

    >>> record_id("warcinfo", "a") == record_id("warcinfo", "a") != record_id("warcinfo", "b")
    True
    """
    return uuid5(NAMESPACE_URL, "ca_etl " + json.dumps([str(part) for part in parts])).urn


def _write_request(out: Sink, attempt: Attempt, capture_id: str, common: Mapping[str, str]) -> None:
    """Write the request as it was sent."""
    head = StatusAndHeaders(
        f"{attempt.request_target} HTTP/1.1", list(attempt.request_headers), protocol="GET"
    )
    fields = {
        "WARC-Record-ID": f"<{record_id('request', capture_id)}>",
        "WARC-Concurrent-To": f"<{capture_id}>",
        **common,
        "WARC-Payload-Digest": sha256_label(b""),
    }
    _write(out, "request", attempt.url, fields, head=head)


def _write_response(out: Sink, attempt: Attempt, capture_id: str, common: Mapping[str, str]) -> None:
    """Write the response de-chunked but still content-encoded, with headers of these bytes; a 304 becomes a revisit."""
    fields = {"WARC-Record-ID": f"<{capture_id}>", **common}
    if attempt.dropped_header_lines:
        fields[DROPPED_LINES] = str(attempt.dropped_header_lines)
    fields[VERDICT] = str(attempt.verdict)
    if attempt.verdict is Verdict.UNCHANGED:
        fields |= _original_fields(attempt)
        head = _status_and_headers(attempt, attempt.response_headers)
        _write(out, "revisit", attempt.url, fields, head=head)
        return
    fields["WARC-Payload-Digest"] = sha256_label(attempt.wire_body)
    if attempt.truncated:
        fields["WARC-Truncated"] = attempt.truncated
    head = _status_and_headers(attempt, _stored_headers(attempt.response_headers, len(attempt.wire_body)))
    _write(out, "response", attempt.url, fields, head=head, body=attempt.wire_body)


def _original_fields(attempt: Attempt) -> dict[str, str]:
    """The fields by which a replay finds the body of a 304: URL, date, id and digest of the original."""
    validators = attempt.validators
    if validators is None:
        raise ValueError(
            f"{attempt.url} is unchanged (304), but its request names no capture to compare with"
        )
    digest = validators.payload_digest
    return {
        "WARC-Profile": NOT_MODIFIED,
        "WARC-Refers-To": f"<{validators.refers_to}>",
        "WARC-Refers-To-Target-URI": validators.refers_to_url,
        "WARC-Refers-To-Date": warc_date(validators.refers_to_date),
        # of the body that is meant; the digest of this record's empty one would match every other 304
        "WARC-Payload-Digest": digest if ":" in digest else f"sha256:{digest}",
    }


def _stored_headers(headers: Headers, length: int) -> Headers:
    """The headers to store with a de-chunked body: its own Content-Length, received ones with `X-Crawler-`.

    Common Crawl uses the same prefix. Readers that believe a left-over `Transfer-Encoding: chunked` truncate the page.
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
    content_type: str = "",
) -> None:
    """Write one record as one gzip member, its block digest over exactly what is written."""
    writer = WARCWriter(out, gzip=True, warc_version=WARC_VERSION)
    block = (head.to_ascii_bytes() if head is not None else b"") + body
    record = writer.create_warc_record(
        uri,
        kind,
        payload=BytesIO(body),
        length=len(body),
        warc_content_type=content_type,
        http_headers=head,
        warc_headers_dict={**fields, "WARC-Block-Digest": sha256_label(block)},
    )
    writer.write_record(record)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
