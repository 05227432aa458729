"""The captures of an archive file, and the stretches that are none.

Reads our own files and those of others: Common Crawl WARC (bodies already decoded), WET `conversion` records, `resource`
records, uncompressed files. Answers to robots.txt, requests, warcinfo and metadata records are evidence
of how the captures came about, and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from ca_etl.archive.fields import CAPTURED_AT, FOREIGN_SOURCE, INFO_SOURCE, SEALED_SUFFIX, SOURCE, UNKNOWN
from ca_etl.archive.members import BadStretch, RawRecord, stretches
from ca_etl.archive.parsed import Parsed, bare_id, parse_record, parse_warc_date, record_id_of
from ca_etl.archive.payload import PayloadError
from ca_etl.archive.policy import Validators
from ca_etl.records import BadRecord, Capture, RejectReason

Resolve = Callable[[str], Capture | None]

CAPTURE_KINDS: Final = frozenset({"response", "revisit", "resource", "conversion"})
MAX_REVISIT_STEPS: Final = 20


def archive_files(archive_dir: Path) -> list[Path]:
    """The sealed files below `archive_dir`, oldest first by name; a `.2` comes after the file it stands beside."""
    return sorted(archive_dir.glob(f"*/*/*{SEALED_SUFFIX}"), key=_file_order)


def read_archive(path: Path, *, root: Path, resolve: Resolve | None = None) -> Iterator[Capture | BadRecord]:
    """The captures of `path` in file order; a BadRecord stands where one could not be read.

    Places are given relative to `root`, which `path` must be below. A revisit takes the body of the
    capture it refers to, from this file or from `resolve` (by capture id); one that finds none comes at the end as
    BadRecord, after the originals that may stand behind it in the file. Raises `OSError` if `path` cannot be opened.
    """
    with path.open("rb") as file:
        reader = _Reader(file, path.relative_to(root).as_posix(), resolve)
        yield from reader.captures()


def read_capture(
    path: Path, offset: int, *, root: Path, resolve: Resolve | None = None
) -> Capture | BadRecord:
    """The one record of `path` at `offset`; a BadRecord also where the record there is no capture."""
    with path.open("rb") as file:
        reader = _Reader(file, path.relative_to(root).as_posix(), resolve)
        return reader.capture_at(offset)


def read_validators(path: Path, offset: int) -> Validators | None:
    """What a conditional request for the capture at `offset` says; None where it has neither ETag nor Last-Modified.

    A revisit names its own original, so that a 304 never refers to a 304. Raises `OSError`; a record that cannot be
    trusted gives None.
    """
    with path.open("rb") as file:
        first = next(stretches(file, offset), None)
    if not isinstance(first, RawRecord):
        return None
    try:
        record = parse_record(first)
        return _validators(record)
    except PayloadError:
        return None


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a revisit's original is said to be."""

    record_id: str | None
    uri: str | None
    date: str | None


class _Reader:
    def __init__(self, file: BinaryIO, name: str, resolve: Resolve | None) -> None:
        self._file = file
        self._name = name
        self._resolve = resolve
        self._sources: dict[str, str] = {}
        self._latest_source: str | None = None
        self._by_id: dict[str, int] = {}
        self._by_place: dict[tuple[str, datetime], int] = {}

    def captures(self) -> Iterator[Capture | BadRecord]:
        waiting: list[Parsed] = []
        for stretch in stretches(self._file):
            record = self._parse(stretch)
            if isinstance(record, BadRecord):
                yield record
            elif record.kind == "revisit" and not record.is_robots:
                found = self._revisit(record)
                if isinstance(found, BadRecord):
                    waiting.append(record)
                else:
                    yield found
            elif record.kind in CAPTURE_KINDS and not _is_evidence(record):
                yield self._capture(record)
        for record in waiting:
            yield self._revisit(record)

    def capture_at(self, offset: int) -> Capture | BadRecord:
        for stretch in stretches(self._file):
            if stretch.start <= offset:
                self._parse(stretch)
            if stretch.start >= offset:
                break
        stretch = next(stretches(self._file, offset), None)
        if stretch is None:
            return self._bad(offset, RejectReason.BAD_RECORD, "the file ends before this offset")
        record = self._parse(stretch)
        if isinstance(record, BadRecord):
            return record
        if record.kind not in CAPTURE_KINDS:
            return self._bad(offset, RejectReason.BAD_RECORD, f"a {record.kind} record is no capture", record.record_id)
        if record.kind == "revisit":
            return self._revisit(record)
        return self._capture(record)
