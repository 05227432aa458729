"""Ingest: archive the text, HTML, WARC and WET files of an operator, as WARC records like those of fetched pages."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final
from urllib.parse import quote

from ca_etl.archive.framing import BadRange, RawRecord, inflate_file, is_one_member, is_plain, split_records
from ca_etl.archive.inputs import InputFile, UnreadableInputError, check_hints, examine, expand, readable
from ca_etl.archive.naming import (
    CAPTURED_AT,
    DAMAGED,
    DAMAGED_SUFFIX,
    FOREIGN_SOURCE,
    HAND_SOURCE,
    INFO_SOURCE,
    OPEN_SUFFIX,
    RECOVERED,
    REFERENCE_SUFFIX,
    SEALED_SUFFIX,
    SOURCE,
    UNKNOWN,
)
from ca_etl.archive.reader import verify_record, whole_records
from ca_etl.archive.record import CAPTURE_KINDS, Record, is_of_another_site
from ca_etl.archive.sealed_file import (
    ArchiveWriteError,
    Reference,
    keep_whole,
    read_reference,
    write_reference,
)
from ca_etl.archive.writer import ArchiveWriter, record_id
from ca_etl.errors import counted
from ca_etl.records import BadRecord

MAX_DAMAGED_BYTES: Final = 8 * 1024 * 1024
# A record can have a header of 256 KiB, and the detail of a wrong one repeats a part of it.
MAX_DETAIL: Final = 500
MOST_SKIPPED: Final = 5


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The result of an ingest: the files read, the archive files written, and the problems.

    `inputs` are the files read, `skipped` files of unknown kinds in folders, `duplicates` inputs with the content of
    another input, `own` those in the data directory. `written` are the new archive files. `already_held` are those that
    an earlier ingest made of the same content. `captures` counts the captures written. `bad_records` are parts of WARC
    inputs that are not whole records, archived as records that `read_archive` gives as bad. `damaged` are copies of
    inputs of which a damaged part is too large for a record, `copied` inputs that cannot be referred to.
    """

    inputs: tuple[Path, ...]
    skipped: tuple[Path, ...]
    duplicates: tuple[Path, ...]
    own: tuple[Path, ...] = ()
    written: tuple[Path, ...] = ()
    already_held: tuple[Path, ...] = ()
    captures: int = 0
    bad_records: tuple[BadRecord, ...] = ()
    damaged: tuple[Path, ...] = ()
    copied: tuple[Path, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each input file of which something was skipped, copied or damaged."""
        warnings = [] if self.inputs else ["there is no file in what was given to ingest"]
        # a folder may have hundreds of files of other kinds
        warnings += [
            f"{path} was not archived: its suffix is of no known kind" for path in self.skipped[:MOST_SKIPPED]
        ]
        if more := self.skipped[MOST_SKIPPED:]:
            warnings.append(f"not archived: {counted(len(more), 'more file')} of unknown kinds")
        if self.own:
            warnings.append(f"passed over: {counted(len(self.own), 'file')} in the data directory")
        if self.copied:
            files = ", ".join(map(str, self.copied[:MOST_SKIPPED]))
            others = f" and {len(self.copied) - MOST_SKIPPED} more" * (len(self.copied) > MOST_SKIPPED)
            warnings.append(
                "copied and not referred to, since compressed as a whole, so that no record can be read alone: "
                f"{files}{others}"
            )
        warnings += [f"{path} was given twice, and archived once" for path in self.duplicates]
        warnings += [
            f"{bad.archive_file} at byte {bad.archive_offset}: {bad.reason} ({bad.detail})"
            for bad in self.bad_records[:MOST_SKIPPED]
        ]
        if rest := self.bad_records[MOST_SKIPPED:]:
            warnings.append(
                f"{counted(len(rest), 'more part')} of these files: no whole records, and so rejects"
            )
        return (*warnings, *(f"the damaged input is kept as {path}" for path in self.damaged))

    @property
    def files_held(self) -> int:
        """The number of files read where all of them are in the archive already, else 0."""
        return len(self.inputs) if self.already_held and not self.written else 0


def _unseen(done: int, total: int) -> None:
    """Shows no progress."""


def ingest_paths(
    paths: Iterable[Path],
    archive_dir: Path,
    *,
    now: datetime,
    data_dir: Path | None = None,
    site: str | None = None,
    url: str | None = None,
    captured_at: datetime | None = None,
    by_reference: bool = False,
    progress: Callable[[int, int], None] = _unseen,
) -> IngestReport:
    """Archive files, and the files in folders and of patterns, whose suffix is in `PAGES` or `ARCHIVES`.

    Those in `data_dir` (None: in the archive) are passed over.

    The text and HTML files become one archive file, in which each is a resource record, whatever is in it; its id is a
    hash of its content, and of `url` and `captured_at` (zone-aware) where given, so that the same file is the same
    capture. Each WARC or WET file becomes an archive file of its own, so that an ingest that was stopped resumes after
    the last of them. Their records are copied byte for byte with their ids, except for those of other sites than `site`
    (None: all are copied); bytes that are not a whole record become a record that states the damage. With
    `by_reference` the archive gets path, digest and size of such a file in place of the records. `now` (zone-aware) is
    in the names. The same content again writes nothing, except that a reference is directed to where the file is now.
    `progress` is called with the number of files done and of all.

    Raises `MissingInputError`, `UnsupportedInputError`, `UsageError` for an impossible `url` or `captured_at`,
    `UnreadableInputError`, and `ArchiveWriteError`.
    """
    files = expand(paths, data_dir or archive_dir)
    check_hints(files.taken, url, captured_at, now)
    unique: dict[str, InputFile] = {}
    duplicates: list[Path] = []
    for path in files.taken:
        given = examine(path, url, captured_at, site)
        if unique.setdefault(given.identity, given) is not given:
            duplicates.append(path)
    report = IngestReport(tuple(files.taken), tuple(files.skipped), tuple(duplicates), tuple(files.own))
    pages = [given for given in unique.values() if given.content_type is not None]
    archives = [given for given in unique.values() if given.content_type is None]
    groups = [*([pages] if pages else []), *([given] for given in archives)]
    for done, group in enumerate(groups):
        progress(done, len(groups))
        job = _Job(archive_dir, group, now, site, url, captured_at)
        job.remove_leftovers()
        report = job.refer(report) if by_reference and group is not pages else job.copy(report)
    return report


def pages_by_hand(archive_dir: Path) -> Iterator[Record]:
    """The records of the text and HTML files that were ingested before. Raises `OSError`."""
    for path in sorted(archive_dir.glob(f"*/*/*-ingest-*{SEALED_SUFFIX}")):
        for record in whole_records(path):
            if record.kind == "resource" and record.warc.get(SOURCE.lower()) == HAND_SOURCE:
                yield record
            elif record.kind != "warcinfo":
                # a copy of a WARC file has no page that was given as a file
                break


@dataclass(slots=True)
class _Job:
    """The ingest of one group of files, that become one archive file, and what was found in them so far."""

    archive_dir: Path
    inputs: Sequence[InputFile]
    now: datetime
    site: str | None
    url: str | None
    captured_at: datetime | None
    captures: int = 0
    of_other_sites: int = 0
    bad_records: list[BadRecord] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)

    @property
    def content(self) -> str:
        """A hash of the content of the files, and of what an operator stated of them."""
        identities = "\n".join(sorted(given.identity for given in self.inputs))
        return hashlib.sha256(identities.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """The name of the archive file to write, without suffix."""
        return f"{self.now.astimezone(UTC):%Y%m%dT%H%M%SZ}-ingest-{self.content}"

    def _path(self, ending: str) -> Path:
        """The path below the folder of the month, as an archive file has it."""
        return self.archive_dir / self.name[:4] / self.name[4:6] / f"{self.name}{ending}"

    def remove_leftovers(self) -> None:
        """Remove what a killed ingest of the same content left unfinished, since all of it is read again."""
        for path in self.archive_dir.glob(f"*/*/*-ingest-{self.content}*{OPEN_SUFFIX}"):
            path.unlink()

    def copy(self, report: IngestReport) -> IngestReport:
        """Archive the records of the files, unless an earlier ingest did; `report` with what was done."""
        held = self._held()
        if held is not None:
            return self._hold(report, held)
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
            # a file may have nothing of the site, and is not to be read again by the next ingest
            writer.add_info()
            for number, given in enumerate(self.inputs, start=1):
                with readable(given.path), given.path.open("rb") as file:
                    if given.content_type is not None:
                        self._add_page(writer, given, file, given.content_type)
                    else:
                        self._copy_file(writer, given, number, file)
            # the run that loads the file may be a later one
            if self.of_other_sites:
                writer.add_left_out(self.of_other_sites, date=self.now)
        assert writer.path is not None  # noqa: S101  it has a record
        return replace(
            report,
            written=(*report.written, writer.path),
            captures=report.captures + self.captures,
            bad_records=(*report.bad_records, *self.bad_records),
            damaged=(*report.damaged, *self.damaged),
        )

    def refer(self, report: IngestReport) -> IngestReport:
        """Archive path, digest and size of the one file, or a copy of one of which no record can be read alone."""
        (given,) = self.inputs
        held = self._held()
        if held is not None:
            return self._hold(report, held)
        with readable(given.path), given.path.open("rb") as file:
            is_whole = is_one_member(file)
        if is_whole:
            return self.copy(replace(report, copied=(*report.copied, given.path)))
        path = self._path(REFERENCE_SUFFIX)
        write_reference(path, self._reference, self.archive_dir)
        return replace(report, written=(*report.written, path))

    def _hold(self, report: IngestReport, held: Path) -> IngestReport:
        """`report` with an archive file that has the content; a reference is directed to where the file is now."""
        reference = read_reference(held)
        if reference is not None and Path(reference.path) != self.inputs[0].path.resolve():
            write_reference(held, self._reference, self.archive_dir)
            return replace(report, written=(*report.written, held))
        return replace(report, already_held=(*report.already_held, held))

    @property
    def _reference(self) -> Reference:
        (given,) = self.inputs
        return Reference(str(given.path.resolve()), given.sha256, given.path.stat().st_size)

    def _held(self) -> Path | None:
        """The sealed file, or the reference, of an ingest of the same content."""
        known = sorted(self.archive_dir.glob(f"*/*/*-ingest-{self.content}*"))
        suffixes = (SEALED_SUFFIX, REFERENCE_SUFFIX)
        return next(
            (path for path in known if path.name.endswith(suffixes) and RECOVERED not in path.name), None
        )

    def _add_page(self, writer: ArchiveWriter, given: InputFile, file: BinaryIO, content_type: str) -> None:
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

    def _copy_file(self, writer: ArchiveWriter, given: InputFile, number: int, file: BinaryIO) -> None:
        """Copy the records of a WARC file; of one that is compressed as a whole, those of its inflated bytes."""
        if not is_one_member(file):
            if not self._copy_records(writer, given, file):
                self.damaged.append(self._keep(number, file))
            return
        with self._scratch() as plain:
            lost = inflate_file(file, plain)
            plain.flush()
            bad = len(self.bad_records)
            is_kept_whole = not plain.tell() or self._copy_records(writer, given, plain)
            # a record that the end of the file cuts is a reject already
            if lost is not None and (lost.end > lost.start or len(self.bad_records) == bad):
                is_kept_whole &= self._add_damage(writer, given, lost, file)
        if not is_kept_whole:
            self.damaged.append(self._keep(number, file))

    @contextmanager
    def _scratch(self) -> Iterator[BinaryIO]:
        """A file without a name on the disk of the archive, which is gone however the process ends."""
        try:
            self.archive_dir.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.archive_dir) as file:
                yield file
        except OSError as error:
            raise ArchiveWriteError(self.archive_dir, error) from error

    def _copy_records(self, writer: ArchiveWriter, given: InputFile, file: BinaryIO) -> bool:
        """Copy records; false where damaged bytes between them were too many for a record."""
        is_compressed = not is_plain(file)
        is_kept_whole = True
        for part in split_records(file):
            if self.site and isinstance(part, RawRecord) and is_of_another_site(part, self.site):
                self.of_other_sites += 1
                continue
            record = verify_record(part)
            if isinstance(record, BadRange):
                is_kept_whole &= self._add_damage(writer, given, record, file)
                continue
            file.seek(part.start)
            member = file.read(part.end - part.start)
            writer.add_member(member if is_compressed else gzip.compress(member, mtime=0))
            self.captures += record.kind in CAPTURE_KINDS and DAMAGED.lower() not in record.warc
        return is_kept_whole

    def _add_damage(self, writer: ArchiveWriter, given: InputFile, damage: BadRange, file: BinaryIO) -> bool:
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
        path = self._path(f".{number}{DAMAGED_SUFFIX}")
        keep_whole(path, file, self.archive_dir)
        return path
