"""One archive file being written: a request and a response, or a revisit, for each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ca_etl.archive.build import (
    record_id,
    write_request,
    write_resource,
    write_response,
    write_revisit,
    write_warcinfo,
)
from ca_etl.archive.fields import DROPPED_LINES, INFO_SOURCE, SOURCE, sha256_label, warc_date
from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.recover import recover_open_files
from ca_etl.archive.sealing import ArchiveWriteError, OpenFile, Sink

__all__ = ["ArchiveWriteError", "ArchiveWriter", "recover_open_files"]


class ArchiveWriter:
    """Writes one archive file, `archive_dir/YYYY/MM/<name>.warc.gz`; YYYY and MM are those of the name's time stamp.

    A context manager. Leaving it seals the file, also after an exception: what was added is worth keeping, whatever
    went wrong next; with `keep_partial` false, an exception removes the file instead. Nothing added, no file.
    `source` goes into the warcinfo record and into every record; `info` holds further warcinfo fields. `clock` gives
    aware UTC instants. Raises `ArchiveWriteError` when the disk refuses.
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
        """The sealed file, once there is one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if self._ids and (self._keep_partial or kind is None):
                self.path = self._file.seal()
            else:
                self._file.discard()

    def add(self, attempt: Attempt) -> str:
        """Write one answer, with its request; returns the capture id (the response's WARC record id).

        Both records are in the kernel's hands when this returns. Raises `ValueError` for an attempt without an answer.
        """
        if attempt.status is None:
            raise ValueError(f"{attempt.url} gave no answer to archive: {attempt.detail}")
        date = warc_date(attempt.started_at)
        digest = sha256_label(attempt.wire_body)
        capture_id = self._unused_id("response", attempt.url, date, digest, attempt.number)
        common = {
            "WARC-Date": date,
            SOURCE: self._source,
            **({"WARC-IP-Address": attempt.ip_address} if attempt.ip_address else {}),
        }
        with self._file.record() as out:
            common["WARC-Warcinfo-ID"] = self._warcinfo(out)
            request_id = record_id("request", capture_id)
            write_request(out, attempt, request_id, capture_id, common)
            if attempt.dropped_header_lines:
                common[DROPPED_LINES] = str(attempt.dropped_header_lines)
            if attempt.verdict is Verdict.UNCHANGED:
                write_revisit(out, attempt, capture_id, common)
            else:
                write_response(out, attempt, capture_id, common, digest)
        self._ids.add(capture_id)
        return capture_id

    def add_resource(
        self,
        capture_id: str,
        uri: str,
        content_type: str,
        body: BinaryIO,
        *,
        length: int,
        digest: str,
        date: datetime,
        headers: Mapping[str, str],
    ) -> None:
        """Write a file given by hand as a resource record, streamed from `body`.

        `digest` is the labelled SHA-256 of its `length` bytes; `headers` are further WARC headers. Raises
        `InputChangedError`, and takes the record back, when the bytes are not those of `digest`.
        """
        with self._file.record() as out:
            fields = {
                "WARC-Record-ID": f"<{capture_id}>",
                "WARC-Date": warc_date(date),
                "WARC-Warcinfo-ID": self._warcinfo(out),
                SOURCE: self._source,
                **headers,
            }
            write_resource(out, uri, content_type, body, length=length, fields=fields, digest=digest)
        self._ids.add(capture_id)

    def add_member(self, member: bytes) -> None:
        """Take over one verified record of another archive file, as the bytes of its whole gzip member."""
        with self._file.record() as out:
            self._warcinfo(out)
            out.write(member)
        self._ids.add(f"member {len(self._ids)}")

    def _unused_id(self, *parts: object) -> str:
        """A record id made of what the record says, so that the same play gives the same ids.

        A clock that stands still can make two answers equal in all of it; the later one is told apart by its turn.
        """
        turn = 1
        found = record_id(*parts)
        while found in self._ids:
            turn += 1
            found = record_id(*parts, turn)
        return found

    def _warcinfo(self, out: Sink) -> str:
        """Write the warcinfo record before the first other one; returns its id in angle brackets.

        It is written in the same breath as the first record: should that fail, both are taken back.
        """
        if self._warcinfo_id is None or out.tell() == 0:
            assert self._file.path is not None  # noqa: S101  `out` is this file
            info = {INFO_SOURCE: self._source, "software": "ca_etl", **self._info}
            self._warcinfo_id = write_warcinfo(out, self._file.path.name, self._clock(), info)
        return self._warcinfo_id
