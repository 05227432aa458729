"""Parse archive files to Arrow tables, in other processes where there is much to parse.

A part is some small files, or a range of bytes of a large one. A part that depends on another one, as a 304 on the page
of an earlier file, is not loaded from what other processes give: its files are read one after another.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from multiprocessing import connection, get_context, parent_process
from operator import attrgetter
from pathlib import Path
from threading import Thread
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from ca_etl.archive.naming import Origin, origin_of
from ca_etl.archive.reader import ArchiveReader, Resolve, read_origin
from ca_etl.archive.sealed_file import Reference, archive_bytes, open_archive, verified_digest
from ca_etl.parse.page import Parser
from ca_etl.parse.rows import SITE, reject_repeats, rows_of
from ca_etl.records import ARTICLE_PAGES, EXPECTED_RESPONSES, BadRecord, Capture, RejectReason, Rows
from ca_etl.warehouse.raw_load import ArchiveFile
from ca_etl.warehouse.reading import Position, reader_of

log = logging.getLogger(__name__)

# Some 10 MB of text or of HTML, which are parsed in less than a second.
PART_BYTES: Final = 2_000_000
PART_FILES: Final = 50
# To start a process and import the parser there takes half a second, too.
FEWEST_PARTS: Final = 4
# What processes that parse keep for the next page, in place of taking it from the system again: half of lexbor's time.
# The C library reads these when a process starts, the allocator of Polars when that is imported.
KEPT_BY_C: Final = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), "268435456")
KEPT_BY_POLARS: Final = "dirty_decay_ms:-1,muzzy_decay_ms:-1"


@dataclass(frozen=True, slots=True)
class Part:
    """Archive files (relative POSIX paths) to parse together, or one of them from byte `start` to `end`."""

    files: tuple[str, ...]
    start: int = 0
    end: int | None = None

    @property
    def is_range(self) -> bool:
        """Whether the part is a range of a file, and not whole files."""
        return self.start > 0 or self.end is not None


@dataclass(frozen=True, slots=True)
class ParsedPart:
    """The rows of a part as Arrow tables, by the names of the raw tables, and the files that they are of.

    `first` and `last` are the offsets of the records read of a range. `expected`, `other_rates` and `of_other_sites`
    are as in `Loaded`. `matches` are what `search` found in the texts, empty where they are still to be searched.
    """

    tables: Mapping[str, pa.Table]
    files: tuple[ArchiveFile, ...]
    is_independent: bool
    first: int
    last: int
    expected: int
    other_rates: int
    of_other_sites: int
    matches: Mapping[str, pa.Table] = field(default_factory=dict)

    def positions(self) -> dict[str, Position]:
        """File and offset of each capture, by its id."""
        columns = self.tables["capture"].select(["capture_id", "archive_file", "archive_offset"]).to_pydict()
        ids, files, offsets = columns.values()
        return dict(zip(ids, zip(files, offsets, strict=True), strict=True))


@dataclass(frozen=True, slots=True)
class PartReader:
    """Parses the parts of an archive, in whatever process.

    `root` is the archive folder. `zone` and `site` are those of `Terms`, `run_id` is in the rows. `parsers` has the
    parsers of sources by their names, `schemas` the columns of the raw tables by theirs.
    """

    root: Path
    zone: ZoneInfo
    site: str
    run_id: str
    parsers: Mapping[str, Parser]
    schemas: Mapping[str, pa.Schema]

    def read(self, part: Part, resolve: Resolve | None = None) -> ParsedPart:
        """Parse a part; `resolve` finds captures of other parts. Raises `OSError` for a file that cannot be read."""
        rows = Rows()
        files: list[ArchiveFile] = []
        first = last = 0
        positions: dict[str, Position] = {}
        changes_source = False
        of_other_sites = 0
        for name in part.files:
            with open_archive(self.root / name) as file:
                find = resolve or reader_of(self.root, positions.get)
                reader = ArchiveReader(file, name, find, self.site)
                # the first range of a file has the digest of the whole file
                digest = "" if part.start else verified_digest(self.root / name, file)
                captures = reader.captures(part.start, part.end)
                own, archive_file = self._read_file(name, digest, read_origin(self.root / name), captures)
                first, last, changes_source = reader.first, reader.last, reader.changes_source
                of_other_sites += reader.of_other_sites
            positions |= {row["capture_id"]: (name, row["archive_offset"]) for row in own.capture}
            rows.extend(own)
            files.append(archive_file)
        rows.article_text = list({row["text_id"]: row for row in rows.article_text}.values())
        lacks_original = any(row["reason"] == RejectReason.UNRESOLVED_REVISIT for row in rows.reject)
        # pages of articles are compared with all others of their file
        is_comparable = not part.is_range or all(row["source"] != ARTICLE_PAGES for row in rows.capture)
        return ParsedPart(
            self._tables(rows),
            tuple(files),
            not lacks_original and is_comparable and not (changes_source and part.is_range),
            first,
            last,
            _expected(rows),
            self._other_rates(rows),
            of_other_sites,
        )

    def leave_out(self, lost: Mapping[str, Reference]) -> ParsedPart:
        """A reject of each lost reference, by the name of its archive file, in place of its captures."""
        rows = Rows()
        files: list[ArchiveFile] = []
        for name, reference in lost.items():
            # how it is lost may change, and a rebuild is to give the same rows
            detail = f"{reference.path} was ingested by reference, and is lost"
            bad = BadRecord(name, 0, RejectReason.LOST_REFERENCE, detail)
            own, archive_file = self._read_file(name, reference.sha256, origin_of({}, name), [bad])
            rows.extend(own)
            files.append(archive_file)
        return ParsedPart(
            self._tables(rows),
            tuple(files),
            is_independent=True,
            first=0,
            last=0,
            expected=0,
            other_rates=0,
            of_other_sites=0,
        )

    def read_and_search(self, part: Part) -> ParsedPart:
        """Parse a part, and search its texts and titles, in another process than that of the load."""
        # Polars would start a thread for each CPU in each process; it takes a fifth of a second to import
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        os.environ.setdefault("_RJEM_MALLOC_CONF", KEPT_BY_POLARS)
        import polars as pl  # noqa: PLC0415

        from ca_etl.pipeline.enrich import TITLE, search  # noqa: PLC0415

        parsed = self.read(part)
        texts = pl.DataFrame(parsed.tables["article_text"]).rename({"text_id": "item"})
        titles = pl.DataFrame(parsed.tables["article_observation"].select(["title"])).drop_nulls().unique()
        titles = titles.filter(pl.col("title").str.strip_chars(" ") != "")
        items = pl.concat([texts, titles.select(item=TITLE + pl.col("title"), text="title")])
        return replace(parsed, matches=search(items.to_arrow()))

    def _read_file(
        self, name: str, sha256: str, origin: Origin, records: Iterable[Capture | BadRecord]
    ) -> tuple[Rows, ArchiveFile]:
        """Parse the records of one archive file: their rows, and its own row of `raw.archive_file`.

        A bad record becomes a reject. Each capture names its source, whose parser reads it; that of the site reads
        what other sources sent.
        """
        rows = Rows()
        captures = bad = 0
        version = self.parsers.get(origin.source, SITE).version
        for record in records:
            if isinstance(record, BadRecord):
                bad += 1
                rows.reject.append(_reject(record, version, self.run_id))
            else:
                captures += 1
                parser = self.parsers.get(record.source, SITE)
                rows.extend(
                    rows_of(record, zone=self.zone, run_id=self.run_id, site=self.site, parser=parser)
                )
        reject_repeats(rows, source=ARTICLE_PAGES, run_id=self.run_id)
        return rows, ArchiveFile(
            archive_file=name,
            source=origin.source,
            schedule=origin.schedule,
            slot=origin.slot,
            sha256=sha256,
            bytes=archive_bytes(self.root / name),
            records=captures,
            bad_records=bad,
            parser_version=version,
            run_id=self.run_id,
        )

    def _tables(self, rows: Rows) -> dict[str, pa.Table]:
        return {
            name: pa.Table.from_pylist(table, self.schemas[name]) for name, table in rows.by_table().items()
        }

    def _other_rates(self, rows: Rows) -> int:
        """How many rates come from captures of a source that the site's parser does not read."""
        captures = {
            row["capture_id"] for row in rows.capture if self.parsers.get(row["source"], SITE) != SITE
        }
        return sum(row["capture_id"] in captures for row in rows.rate_observation)


def _expected(rows: Rows) -> int:
    """How many rejects the check `run_has_no_rejects` passes over."""
    captures = {row["capture_id"] for row in rows.capture if row["response_class"] in EXPECTED_RESPONSES}
    return sum(
        row["capture_id"] in captures or row["reason"] == RejectReason.NO_PUBLICATION for row in rows.reject
    )


def _reject(record: BadRecord, parser_version: str, run_id: str) -> dict[str, object]:
    return {
        # a record without a readable id is known by where it lies
        "capture_id": record.capture_id or f"{record.archive_file}#{record.archive_offset}",
        # the same damage in two archive files is one reject; rejects of a page count from 1
        "position": 0,
        "reason": record.reason,
        "detail": record.detail,
        "excerpt": "",
        "parser_version": parser_version,
        "run_id": run_id,
    }


def plan_parts(root: Path, files: Iterable[str]) -> list[list[Part]]:
    """Archive files in their order, as groups of parts: some small files are one part, a large file is a group."""
    groups: list[list[Part]] = []
    small: list[str] = []
    size = 0
    for name in files:
        length = archive_bytes(root / name)
        is_large = length >= 2 * PART_BYTES
        if small and (is_large or size + length > PART_BYTES or len(small) == PART_FILES):
            groups.append([Part(tuple(small))])
            small, size = [], 0
        if is_large:
            starts = range(0, length - PART_BYTES, PART_BYTES)
            ends = [*starts[1:], None]
            groups.append([Part((name,), start, end) for start, end in zip(starts, ends, strict=True)])
        else:
            small.append(name)
            size += length
    return [*groups, [Part(tuple(small))]] if small else groups


def merge_parts(parts: Sequence[ParsedPart]) -> ParsedPart:
    """Several parts as one, with their rows in order."""
    return replace(
        parts[0],
        tables={name: pa.concat_tables(part.tables[name] for part in parts) for name in parts[0].tables},
        matches={name: pa.concat_tables(part.matches[name] for part in parts) for name in parts[0].matches},
        files=tuple(file for part in parts for file in part.files),
        expected=sum(part.expected for part in parts),
        other_rates=sum(part.other_rates for part in parts),
        of_other_sites=sum(part.of_other_sites for part in parts),
    )


def whole_files(parts: Iterable[ParsedPart]) -> Iterator[ArchiveFile]:
    """The files of parts, one row a file: those of the ranges of one file are added up."""
    for _, ranges in groupby((file for part in parts for file in part.files), attrgetter("archive_file")):
        first, *others = ranges
        yield replace(
            first,
            records=first.records + sum(file.records for file in others),
            bad_records=first.bad_records + sum(file.bad_records for file in others),
        )


ReadPart = Callable[[Part], ParsedPart | None]
# As `parsing`: the rows of parts, in a `with` block, by a reader and by a number of workers.
Parsing = Callable[[PartReader, Sequence[Part], int], AbstractContextManager["PartQueue"]]


@contextmanager
def parsing(reader: PartReader, parts: Sequence[Part], workers: int) -> Iterator[PartQueue]:
    """Parse parts in `workers` other processes, which end with this one, however it ends.

    Nothing is parsed of few parts, or by one worker.
    """
    if len(parts) < FEWEST_PARTS or workers < 2:
        yield PartQueue(None, reader.read_and_search, parts, 0)
        return
    os.environ |= {**KEPT_BY_C, **os.environ}
    # a forked process could wait for ever for a lock that a thread of DuckDB or Arrow held
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin_worker)
    try:
        yield PartQueue(pool, reader.read_and_search, parts, workers + 1)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class PartQueue:
    """Parts in their order, of which a pool reads the next `ahead` ones; None for each without a pool.

    `read` gives the rows of a part, or None where the run must parse it itself.
    """

    def __init__(self, pool: Executor | None, read: ReadPart, parts: Sequence[Part], ahead: int) -> None:
        self._pool = pool
        self._read = read
        self._parts = parts
        self._ahead = ahead
        self._taken = 0
        self._waiting: deque[Future[ParsedPart | None]] = deque()

    def take(self, count: int) -> Generator[ParsedPart | None]:
        """Take the next `count` parts, None for one that is not parsed; those left when the iterator is closed, too."""
        end = self._taken + count
        try:
            while self._taken < end:
                parsed = self._next()
                self._taken += 1
                yield parsed
        finally:
            for _ in range(self._taken, min(end, self._taken + len(self._waiting))):
                self._waiting.popleft().cancel()
            self._taken = end

    def _next(self) -> ParsedPart | None:
        if self._pool is None:
            return None
        try:
            begin = self._taken + len(self._waiting)
            for part in self._parts[begin : self._taken + self._ahead]:
                self._waiting.append(self._pool.submit(self._read, part))
            return self._waiting.popleft().result()
        except BrokenProcessPool:
            log.warning("a process that parsed archive files was killed: the run parses the rest itself")
            self._pool = None
            return None


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that one has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None  # noqa: S101  this is a child process

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    Thread(target=follow, daemon=True).start()
