"""Read the captures of an archive file, and the parts of it that are not whole records.

Reads our own files and those of others: Common Crawl WARC (bodies already decoded), WET `conversion` records,
`resource` records, uncompressed files. Responses to robots.txt, those marked as evidence (indexes of web archives),
requests, warcinfo and metadata records show how the captures were made, and give no capture. Damaged parts of an input
become records of their own, so that the archive accounts for every byte of an input, on the first load and on each
rebuild.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from ca_etl.archive.framing import BadRange, Part, RawRecord, next_record, split_records
from ca_etl.archive.naming import (
    CAPTURED_AT,
    DAMAGED,
    EVIDENCE,
    FOREIGN_SOURCE,
    HAND_SOURCE,
    INFO_SOURCE,
    OF_OTHER_SITES,
    REFERENCE_SUFFIX,
    SEALED_SUFFIX,
    SOURCE,
    UNKNOWN,
    VERDICT,
    Origin,
    origin_of,
)
from ca_etl.archive.policy import REDIRECTS, Validators, Verdict, count_of, redirect_target
from ca_etl.archive.record import (
    CAPTURE_KINDS,
    PayloadError,
    Record,
    bare_id,
    is_of_another_site,
    parse_record,
    parse_warc_date,
    record_id_of,
)
from ca_etl.archive.sealed_file import open_archive
from ca_etl.errors import CaEtlError
from ca_etl.records import BadRecord, Capture, RejectReason, SourceKind

Resolve = Callable[[str], Capture | None]


def archive_files(archive_dir: Path) -> list[Path]:
    """The complete archive files below `archive_dir`, oldest first by name; `X.2.warc.gz` follows `X.warc.gz`.

    Some refer to a file elsewhere (`open_archive`).
    """
    suffixes = (SEALED_SUFFIX, REFERENCE_SUFFIX)
    return sorted(
        (path for suffix in suffixes for path in archive_dir.glob(f"*/*/*{suffix}")), key=_file_order
    )


def read_archive(path: Path, *, root: Path, resolve: Resolve | None = None) -> Iterator[Capture | BadRecord]:
    """The captures in the archive file `path`, in file order, with a BadRecord for each record that cannot be read.

    Captures name their file relative to `root`, a folder above `path`. A revisit record (unchanged page) gets the body
    of the capture that it refers to, from this file or from `resolve` (by capture id). A revisit without that capture
    comes last, as BadRecord, since the capture may follow it in the file. Raises `OSError` if `path` cannot be opened.
    """
    with open_archive(path) as file:
        yield from ArchiveReader(file, path.relative_to(root).as_posix(), resolve).captures()


def read_capture(
    path: Path, offset: int, *, root: Path, resolve: Resolve | None = None
) -> Capture | BadRecord:
    """The capture at byte `offset` of the archive file `path`; a BadRecord if the record is damaged or no capture.

    The capture names its file relative to `root`; `resolve` finds the capture that a revisit record refers to.
    """
    with open_archive(path) as file:
        return ArchiveReader(file, path.relative_to(root).as_posix(), resolve).capture_at(offset)


def read_origin(path: Path) -> Origin:
    """The source, schedule and slot of an archive file. Raises `OSError` if `path` cannot be opened.

    Only the first record is read, since an archive file made from others contains their warcinfo records, too.
    """
    with open_archive(path) as file:
        first = next(map(verify_record, split_records(file)), None)
    if isinstance(first, Record) and first.kind == "warcinfo":
        return origin_of(info_fields(first), path.name)
    return origin_of({}, path.name)


def usable_urls(path: Path) -> set[str]:
    """The URLs that have a usable response (verdict ok or unchanged) in the archive file `path`, written by a run.

    The HTTP status does not show it: a truncated page and a bot check have 200, too. Raises `OSError`.
    """
    usable = {str(Verdict.OK), str(Verdict.UNCHANGED)}
    captures = (record for record in whole_records(path) if _is_capture(record))
    return {record.uri for record in captures if record.uri and record.warc.get(VERDICT.lower()) in usable}


def read_validators(path: Path, offset: int) -> Validators | None:
    """The validators for a conditional request, from the capture at `offset` of an archive file.

    None where the capture has neither ETag nor Last-Modified. Of a revisit record they refer to the full capture, so
    that a 304 never refers to a 304. Raises `OSError` for a file that cannot be opened, `CaEtlError` where no whole
    record is at `offset`.
    """
    record = read_record(path, offset)
    try:
        return _validators(record)
    except PayloadError as error:
        raise CaEtlError(f"{path} is damaged at byte {offset}: {error.reason}, {error.detail}") from error


def read_record(path: Path, offset: int) -> Record:
    """The WARC record at `offset` of an archive file, with its digests verified.

    Raises `OSError` for a file that cannot be opened, `CaEtlError` where no whole record is at `offset`.
    """
    with open_archive(path) as file:
        record = next(map(verify_record, split_records(file, offset)), None)
    if not isinstance(record, Record):
        problem = "the file ends before it" if record is None else f"{record.reason}, {record.detail}"
        raise CaEtlError(f"{path} is damaged at byte {offset}: {problem}")
    return record


def verify_record(part: Part) -> Record | BadRange:
    """Parse a part of an archive file to a WARC record and verify its digests; a `BadRange` where that fails."""
    if isinstance(part, BadRange):
        return part
    try:
        return parse_record(part)
    except PayloadError as error:
        return BadRange(part.start, part.end, error.reason, error.detail)


def whole_records(path: Path) -> Iterator[Record]:
    """The verified records of an archive file, of any kind; damaged records are left out. Raises `OSError`."""
    with open_archive(path) as file:
        records = map(verify_record, split_records(file))
        yield from (record for record in records if isinstance(record, Record))


def redirects(path: Path) -> dict[str, str]:
    """The redirects in an archive file, as a mapping of each redirected URL to its target, both absolute.

    Damaged records are left out. Raises `OSError`.
    """
    targets = {}
    for record in whole_records(path):
        if record.kind == "response" and record.uri and record.http_status in REDIRECTS:
            target = redirect_target(record.uri, record.http_headers.get("location"))
            if target is not None:
                targets[record.uri] = target
    return targets


def leading_to(urls: set[str], redirected: dict[str, str]) -> set[str]:
    """The URLs in `urls`, and all URLs from which redirects lead to one of them.

    `redirected` maps a URL to the URL that it redirects to.

    >>> sorted(leading_to({"b"}, {"a": "b", "c": "a", "d": "e"}))
    ['a', 'b', 'c']
    """
    reached = set(urls)
    while more := {source for source, target in redirected.items() if target in reached} - reached:
        reached |= more
    return reached


class ArchiveReader:
    """Reads the captures of one open archive file, or of a range of it.

    `name` is the path of the file below the archive folder. Once `captures` is exhausted, `first` and `last` are the
    offsets of what it has read: where the first record in the range begins, and where the last one ends;
    `changes_source` is whether a warcinfo record after other records names another source than the ones before.
    Records that another crawler wrote of other sites than `site` give nothing; `of_other_sites` counts them, and those
    that the ingest of the file left out.
    """

    def __init__(
        self, file: BinaryIO, name: str, resolve: Resolve | None = None, site: str | None = None
    ) -> None:
        self._file = file
        self._name = name
        self._resolve = resolve
        self._site = site
        self._sources: dict[str, str] = {}
        self._latest_source = FOREIGN_SOURCE
        self._by_id: dict[str, int] = {}
        self._by_uri_and_date: dict[tuple[str, str], int] = {}
        self._has_begun = False
        self.first = self.last = self.of_other_sites = 0
        self.changes_source = False

    def captures(self, start: int = 0, end: int | None = None) -> Iterator[Capture | BadRecord]:
        """The captures whose records begin from offset `start` on, and before `end` (None: to the end of the file)."""
        start = self._skip_to(start) if start else 0
        self.first = self.last = start
        unresolved: list[Record] = []
        for part in split_records(self._file, start):
            if end is not None and part.start >= end:
                break
            self.last = part.end
            if self._site and isinstance(part, RawRecord) and is_of_another_site(part, self._site):
                self.of_other_sites += 1
                self._has_begun = True
                continue
            record = self.parse(part)
            if isinstance(record, BadRecord):
                yield record
            elif record.kind == "revisit" and not record.is_robots:
                capture = self._revisit(record)
                if isinstance(capture, Capture):
                    yield capture
                else:
                    unresolved.append(record)
            elif _is_capture(record):
                yield self._capture(record)
            elif (left_out := record.warc.get(OF_OTHER_SITES.lower(), "")).isdecimal():
                self.of_other_sites += int(left_out)
        for record in unresolved:
            yield self._revisit(record)

    def _skip_to(self, start: int) -> int:
        """The offset of the first record from `start` on, where the first records of the file are read before.

        They name the source of captures that name none themselves.
        """
        for part in split_records(self._file):
            record = self.parse(part)
            if isinstance(record, Record) and record.kind != "warcinfo":
                break
        self._has_begun = True
        return next_record(self._file, start)

    def capture_at(self, offset: int) -> Capture | BadRecord:
        """The capture of the record at `offset`; a BadRecord if the record is damaged or no capture."""
        # the first record has the source of captures without a header of their own
        for start in sorted({0, offset}):
            part = next(split_records(self._file, start), None)
            record = None if part is None else self.parse(part)
        if record is None:
            return self._bad(offset, RejectReason.BAD_RECORD, "the file ends before this offset")
        if isinstance(record, BadRecord):
            return record
        if not _is_capture(record):
            detail = f"a {record.kind} record for {record.uri} is not a capture"
            return self._bad(offset, RejectReason.BAD_RECORD, detail, record.record_id)
        if record.kind != "revisit":
            return self._capture(record)
        capture = self._revisit(record)
        if isinstance(capture, Capture):
            return capture
        for part in split_records(self._file):
            self.parse(part)
        return self._revisit(record)

    def parse(self, part: Part) -> Record | BadRecord:
        """Verify a record, and keep what later records refer to: its id, and the source that a warcinfo names."""
        record = verify_record(part)
        if isinstance(record, BadRange):
            record_id = record_id_of(part) if isinstance(part, RawRecord) else None
            return self._bad(part.start, record.reason, record.detail, record_id)
        damage = record.warc.get(DAMAGED.lower())
        if damage is not None:
            return self._bad(part.start, *read_damage(damage), record.record_id)
        if record.kind == "continuation" or "warc-segment-number" in record.warc:
            detail = "a segment of a record; segments are not joined here"
            return self._bad(part.start, RejectReason.TRUNCATED, detail, record.record_id)
        if record.kind == "warcinfo":
            source = info_fields(record).get(INFO_SOURCE, FOREIGN_SOURCE)
            self.changes_source |= self._has_begun and source != self._latest_source
            self._sources[record.record_id] = self._latest_source = source
            return record
        self._has_begun = True
        if _is_capture(record):
            self._by_id[record.record_id] = part.start
            self._by_uri_and_date[record.uri or "", record.warc["warc-date"]] = part.start
        return record

    def _capture(self, record: Record) -> Capture | BadRecord:
        try:
            payload = record.payload()
        except PayloadError as error:
            return self._bad(record.raw.start, error.reason, error.detail, record.record_id)
        return self._with_payload(record, payload)

    def _with_payload(self, record: Record, payload: bytes) -> Capture:
        is_http = record.http_body is not None
        content_type = record.http_headers.get("content-type") if is_http else record.warc.get("content-type")
        is_undated = record.warc.get(CAPTURED_AT.lower(), "").lower() == UNKNOWN
        uri, source = record.uri, self._source(record)
        return Capture(
            capture_id=record.record_id,
            source=source,
            payload=payload,
            archive_file=self._name,
            archive_offset=record.raw.start,
            url=None if uri is None or uri.startswith("file:") else uri,
            captured_at=None if is_undated else record.date,
            http_status=record.http_status,
            content_type=content_type,
            etag=record.http_headers.get("etag"),
            last_modified=record.http_headers.get("last-modified"),
            truncated=record.truncated,
            total=count_of(record.http_headers.get("x-wp-total")),
            source_kind=_kind(record, source),
        )

    def _revisit(self, record: Record, seen: frozenset[str] = frozenset()) -> Capture | BadRecord:
        """The capture of a revisit record, with the body of its original, however long the chain of revisits."""
        original = self._original(record, seen | {record.record_id})
        if isinstance(original, str):
            return self._bad(record.raw.start, RejectReason.UNRESOLVED_REVISIT, original, record.record_id)
        own = self._with_payload(record, original.payload)
        return replace(
            own,
            http_status=own.http_status if own.http_status is not None else original.http_status,
            content_type=record.http_headers.get("content-type") or original.content_type,
            etag=own.etag or original.etag,
            last_modified=own.last_modified or original.last_modified,
            refers_to=original.refers_to or original.capture_id,
            truncated=original.truncated,
        )

    def _original(self, record: Record, seen: frozenset[str]) -> Capture | str:
        """The original capture of a revisit, or a sentence that states why that capture is missing."""
        original_id = bare_id(record.warc.get("warc-refers-to", ""))
        uri = record.warc.get("warc-refers-to-target-uri", "")
        date = record.warc.get("warc-refers-to-date", "")
        offset = self._by_id.get(original_id, self._by_uri_and_date.get((bare_id(uri), date)))
        if offset is not None:
            original = self.parse(next(split_records(self._file, offset)))
            if isinstance(original, BadRecord):
                return _no_original(original)
            return self._from_file(record, original, seen)
        capture = None
        if self._resolve is not None and original_id and original_id not in seen:
            capture = self._resolve(original_id)
        return capture or f"the original {original_id or f'{uri} of {date}'} is not known"

    def _from_file(self, record: Record, original: Record, seen: frozenset[str]) -> Capture | str:
        if original.record_id in seen:
            return f"the original {original.record_id} refers back to this revisit"
        mine, theirs = (r.warc.get("warc-payload-digest", "") for r in (record, original))
        if _differ(mine, theirs) and "identical-payload-digest" in record.warc.get("warc-profile", ""):
            return f"the original {original.record_id} has the payload {theirs}, not {mine}"
        capture = self._revisit(original, seen) if original.kind == "revisit" else self._capture(original)
        return _no_original(capture) if isinstance(capture, BadRecord) else capture

    def _source(self, record: Record) -> str:
        own = record.warc.get(SOURCE.lower())
        return own or self._sources.get(bare_id(record.warc.get("warc-warcinfo-id", "")), self._latest_source)

    def _bad(self, start: int, reason: RejectReason, detail: str, capture_id: str | None = None) -> BadRecord:
        return BadRecord(self._name, start, reason, detail, capture_id)


def info_fields(record: Record) -> dict[str, str]:
    """The fields of a warcinfo record, by their names in lower case."""
    lines = record.raw.block.decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _is_capture(record: Record) -> bool:
    """Whether the record is one of a page: robots.txt, indexes and the DNS responses that Heritrix keeps are not."""
    if record.kind not in CAPTURE_KINDS or record.is_robots or EVIDENCE.lower() in record.warc:
        return False
    return record.kind != "response" or record.http_body is not None


def _kind(record: Record, source: str) -> SourceKind:
    if record.kind == "conversion":
        return SourceKind.WET
    return SourceKind.FILE if source == HAND_SOURCE else SourceKind.WARC


def _validators(record: Record) -> Validators | None:
    etag, last_modified = record.http_headers.get("etag"), record.http_headers.get("last-modified")
    digest = record.warc.get("warc-payload-digest")
    if not (etag or last_modified) or not digest or record.truncated:
        return None
    if record.kind == "revisit":
        refers_to = bare_id(record.warc.get("warc-refers-to", ""))
        date = parse_warc_date(record.warc.get("warc-refers-to-date", ""))
        uri = record.warc.get("warc-refers-to-target-uri")
    else:
        refers_to, date, uri = record.record_id, record.date, record.uri
    if not refers_to or not uri or record.http_status not in {200, 304}:
        return None
    return Validators(etag, last_modified, refers_to, date, uri, digest)


def _no_original(bad: BadRecord) -> str:
    return f"the original at {bad.archive_offset} gives no page: {bad.detail}"


def _differ(one: str, other: str) -> bool:
    """Whether two labelled digests of one algorithm and notation name different bytes."""
    same_form = one.partition(":")[0].lower() == other.partition(":")[0].lower() and len(one) == len(other)
    return bool(one) and same_form and one.lower() != other.lower()


def _file_order(path: Path) -> tuple[str, int]:
    stem = path.name.removesuffix(SEALED_SUFFIX).removesuffix(REFERENCE_SUFFIX)
    match = re.fullmatch(r"(.+)\.([0-9]+)", stem)
    return (match.group(1), int(match.group(2))) if match else (stem, 1)


def read_damage(value: str) -> tuple[RejectReason, str]:
    r"""Split the value of a `CA-ETL-Damaged` header into reason and detail; an unknown reason becomes `bad_record`.

    >>> read_damage("truncated; in.wet at byte 7: half%0Aa line")
    (<RejectReason.TRUNCATED: 'truncated'>, 'in.wet at byte 7: half\na line')
    """
    code, _, detail = value.partition(";")
    try:
        reason = RejectReason(code.strip())
    except ValueError:
        return RejectReason.BAD_RECORD, unquote(value)
    return reason, unquote(detail.strip())
