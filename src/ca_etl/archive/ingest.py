"""Ingest: archive the text, HTML, WARC and WET files of an operator, as WARC records like those of fetched pages."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from ca_etl.archive.framing import VERSION, BadRange, split_records
from ca_etl.archive.naming import (
    CAPTURED_AT,
    DAMAGED,
    DAMAGED_SUFFIX,
    FOREIGN_SOURCE,
    HAND_SOURCE,
    INFO_SOURCE,
    RECOVERED,
    SEALED_SUFFIX,
    UNKNOWN,
)
from ca_etl.archive.reader import CAPTURE_KINDS, verify_record
from ca_etl.archive.sealed_file import keep_damaged
from ca_etl.archive.writer import ArchiveWriter, record_id
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.records import BadRecord, site_name
from ca_etl.sanitize import redacted

PAGES: Final = {".txt": "text/plain", ".html": "text/html", ".htm": "text/html"}
ARCHIVES: Final = (".warc", ".warc.gz", ".wet", ".wet.gz")
MAX_DAMAGED_BYTES: Final = 8 * 1024 * 1024
# A record can have a header of 256 KiB, and the detail of a wrong one repeats a part of it.
MAX_DETAIL: Final = 500
MOST_SKIPPED: Final = 5
CLOCKS_DIFFER: Final = timedelta(days=1)


class MissingInputError(UsageError):
    """A path to ingest does not exist."""


class UnsupportedInputError(UsageError):
    """A file to ingest has a suffix that is not of a known kind."""


class UnreadableInputError(CaEtlError):
    """A file to ingest cannot be read to its end, or changed while it was read."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The result of an ingest: the files read, the archive file written, and the problems.

    `inputs` are the files read, `skipped` files of unknown kinds in folders, `duplicates` inputs with the content of
    another input. `written` is the new archive file, None when nothing was written. `already_held` is the archive file
    that has the same content already, None without one. `captures` counts the captures written. `bad_records` are
    parts of WARC inputs that are not whole records, archived as records that `read_archive` gives as bad. `damaged`
    are copies of inputs of which a damaged part is too large for a record.
    """

    inputs: tuple[Path, ...]
    skipped: tuple[Path, ...]
    duplicates: tuple[Path, ...]
    written: Path | None
    already_held: Path | None
    captures: int
    bad_records: tuple[BadRecord, ...]
    damaged: tuple[Path, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each input file of which something was skipped, damaged, or archived before."""
        warnings = [] if self.inputs else ["there is no file in what was given to ingest"]
        # a folder may be a data directory, with hundreds of files of other kinds
        warnings += [
            f"{path} was not archived: its suffix is of no known kind" for path in self.skipped[:MOST_SKIPPED]
        ]
        if more := self.skipped[MOST_SKIPPED:]:
            warnings.append(f"{len(more)} more files of unknown kinds were not archived")
        warnings += [f"{path} was given twice, and archived once" for path in self.duplicates]
        if self.already_held:
            warnings.append(
                f"nothing was archived: the archive file {self.already_held} has the same content"
            )
        warnings += [
            f"{bad.archive_file} at byte {bad.archive_offset}: {bad.reason} ({bad.detail})"
            for bad in self.bad_records
        ]
        return (*warnings, *(f"the damaged input is kept as {path}" for path in self.damaged))


@dataclass(frozen=True, slots=True)
class _Input:
    """One file to ingest; `identity` is equal for equal captures. `content_type` is None for a WARC or WET file."""

    path: Path
    content_type: str | None
    sha256: str
    identity: str


def ingest_paths(
    paths: Iterable[Path],
    archive_dir: Path,
    *,
    now: datetime,
    url: str | None = None,
    captured_at: datetime | None = None,
) -> IngestReport:
    """Archive files, and the files in folders, whose suffix is in `PAGES` or `ARCHIVES`; write one archive file.

    A text or HTML file becomes one resource record, whatever is in it; its id is a hash of its content, and of `url`
    and `captured_at` (zone-aware) where given, so that the same file is the same capture. WARC and WET records are
    copied byte for byte with their ids; bytes that are not a whole record become a record that states the damage. `now`
    (zone-aware) is in the name of the archive file. The same content again writes nothing.

    Raises `MissingInputError`, `UnsupportedInputError`, `UsageError` for an impossible `url` or `captured_at`,
    `UnreadableInputError`, and `ArchiveWriteError`.
    """
    files, skipped = _expand(paths)
    _check_hints(files, url, captured_at, now)
    unique: dict[str, _Input] = {}
    duplicates: list[Path] = []
    for path in files:
        given = _examine(path, url, captured_at)
        if unique.setdefault(given.identity, given) is not given:
            duplicates.append(path)
    content = hashlib.sha256("\n".join(sorted(unique)).encode()).hexdigest()[:12]
    held = _held(archive_dir, content)
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-ingest-{content}"
    job = _Job(archive_dir, name, content, now, url, captured_at)
    if held is None and unique:
        job.run(unique.values())
    return IngestReport(
        tuple(files),
        tuple(skipped),
        tuple(duplicates),
        job.written,
        held,
        job.captures,
        tuple(job.bad_records),
        tuple(job.damaged),
    )


@dataclass(slots=True)
class _Job:
    """One ingest with files to write, and its results so far."""

    archive_dir: Path
    name: str
    content: str
    now: datetime
    url: str | None
    captured_at: datetime | None
    written: Path | None = None
    captures: int = 0
    bad_records: list[BadRecord] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)

    def run(self, inputs: Iterable[_Input]) -> None:
        # The sealed name states that all of this content is in the file, so half of it must not get that name.
        with ArchiveWriter(
            self.archive_dir,
            self.name,
            source=HAND_SOURCE,
            # pages carry their source themselves; records taken over without one are other crawlers'
            info={INFO_SOURCE: FOREIGN_SOURCE},
            clock=lambda: self.now,
            keep_partial=False,
        ) as writer:
            for number, given in enumerate(inputs, start=1):
                with _readable(given.path), given.path.open("rb") as file:
                    if given.content_type is None:
                        self._copy_records(writer, given, number, file)
                    else:
                        self._add_page(writer, given, file, given.content_type)
        self.written = writer.path

    def _add_page(self, writer: ArchiveWriter, given: _Input, file: BinaryIO, content_type: str) -> None:
        body = file.read()
        if hashlib.sha256(body).hexdigest() != given.sha256:
            raise UnreadableInputError(
                f"{given.path} changed while it was read", f"ca-etl ingest {given.path}"
            )
        writer.add_resource(
            given.identity,
            self.url or f"file:{quote(os.fsencode(given.path.name))}",
            content_type,
            body,
            date=self.captured_at or self.now,
            headers={} if self.captured_at else {CAPTURED_AT: UNKNOWN},
        )
        self.captures += 1

    def _copy_records(self, writer: ArchiveWriter, given: _Input, number: int, file: BinaryIO) -> None:
        is_plain = file.read(len(VERSION)) == VERSION
        is_kept_whole = True
        for part in split_records(file):
            record = verify_record(part)
            if isinstance(record, BadRange):
                is_kept_whole &= self._add_damage(writer, given, record, file)
                continue
            file.seek(part.start)
            member = file.read(part.end - part.start)
            writer.add_member(gzip.compress(member, mtime=0) if is_plain else member)
            self.captures += record.kind in CAPTURE_KINDS and DAMAGED.lower() not in record.warc
        if not is_kept_whole:
            self.damaged.append(self._keep(number, file))

    def _add_damage(self, writer: ArchiveWriter, given: _Input, damage: BadRange, file: BinaryIO) -> bool:
        """Write damaged bytes as a record that states what is wrong with them; false where they are too many for it.

        The id of the record is equal for the same offset in the same content, whatever the name of the input.
        """
        size = damage.end - damage.start
        file.seek(damage.start)
        stored = file.read(min(size, MAX_DAMAGED_BYTES))
        name = os.fsencode(given.path.name)
        detail = f"{name.decode('utf-8', 'replace')} at byte {damage.start}: {damage.detail[:MAX_DETAIL]}"
        capture_id = record_id("damaged", given.sha256, damage.start)
        writer.add_damage(
            capture_id,
            f"file:{quote(name)}#{damage.start}",
            damage.reason,
            detail,
            stored,
            date=self.now,
            is_cut=len(stored) < size,
        )
        self.bad_records.append(
            BadRecord(given.path.name, damage.start, damage.reason, damage.detail, capture_id)
        )
        return len(stored) == size

    def _keep(self, number: int, file: BinaryIO) -> Path:
        """Copy a damaged input as it is, unless an earlier ingest of the same content did."""
        suffix = f"-ingest-{self.content}.{number}{DAMAGED_SUFFIX}"
        earlier = next(iter(sorted(self.archive_dir.glob(f"*/*/*{suffix}"))), None)
        if earlier is not None:
            return earlier
        path = self.archive_dir / self.name[:4] / self.name[4:6] / f"{self.name}.{number}{DAMAGED_SUFFIX}"
        keep_damaged(path, file, self.archive_dir)
        return path


def _expand(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files to ingest and the files to skip among `paths` and in folders, in order; within a folder by name."""
    taken: list[Path] = []
    skipped: list[Path] = []
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_file():
                    (taken if _is_known(file) else skipped).append(file)
        elif not path.exists():
            raise MissingInputError(f"{path} does not exist", f"ls {path.parent}")
        elif not path.is_file() or not _is_known(path):
            known = " ".join((*PAGES, *ARCHIVES))
            raise UnsupportedInputError(
                f"{path} is not a file of a known kind: these end in {known} (a response of the posts API or a feed "
                "in .txt, with --url)",
                "ca-etl ingest --help",
            )
        else:
            taken.append(path)
    return taken, skipped


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in PAGES or path.name.lower().endswith(ARCHIVES)


def _check_hints(files: list[Path], url: str | None, captured_at: datetime | None, now: datetime) -> None:
    pages = [path for path in files if path.suffix.lower() in PAGES]
    if url is not None and (len(pages) != 1 or len(files) != 1):
        raise UsageError(
            f"a URL was given with {len(files)} files: it belongs to one text or HTML file",
            "ca-etl ingest --help",
        )
    if url is not None and not (url.startswith(("http://", "https://")) and site_name(url)):
        raise UsageError(
            f"{url} is not a URL: it needs a scheme and a host",
            "ca-etl ingest FILE --url https://timesca.com/",
        )
    if url is not None and redacted(url) != url:
        raise UsageError("the URL holds a user or password, which would be published", "ca-etl ingest --help")
    if captured_at is not None:
        if len(pages) != len(files):
            raise UsageError(
                "a capture time was given for WARC or WET files, whose records have their own",
                "ca-etl ingest --help",
            )
        if captured_at.tzinfo is None:
            raise UsageError(
                f"the capture time {captured_at} has no time zone, such as {captured_at.isoformat()}Z or +05:00",
                "ca-etl ingest --help",
            )
        if captured_at > now + CLOCKS_DIFFER:
            raise UsageError(
                f"{captured_at.isoformat()} is in the future: a capture time is in the past", "date -u"
            )


def _examine(path: Path, url: str | None, captured_at: datetime | None) -> _Input:
    with _readable(path), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    content_type = PAGES.get(path.suffix.lower())
    if content_type is None:
        return _Input(path, None, sha256, f"warc:{sha256}")
    hints = [url] if url else []
    hints += [captured_at.astimezone(UTC).isoformat()] if captured_at else []
    return _Input(path, content_type, sha256, record_id("resource", sha256, *hints))


def _held(archive_dir: Path, content: str) -> Path | None:
    """The sealed file of an ingest of the same content."""
    sealed = sorted(archive_dir.glob(f"*/*/*-ingest-{content}*{SEALED_SUFFIX}"))
    return next((path for path in sealed if RECOVERED not in path.name), None)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadableInputError(
            f"cannot read {path}: {error.strerror or error}", f"ls -l {path}"
        ) from error
