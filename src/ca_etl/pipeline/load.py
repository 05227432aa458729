"""Step 2 of a run: parse the archive files that the warehouse lacks, and load their rows into `raw.*`."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.archive.framing import BadRange, split_records
from ca_etl.archive.reader import archive_files
from ca_etl.archive.sealed_file import (
    Reference,
    archive_bytes,
    give_up_lost_references,
    is_given_up,
    lost_for_good,
    open_archive,
    verified_digest,
)
from ca_etl.errors import CaEtlError, counted
from ca_etl.parse.rows import SITE
from ca_etl.pipeline.enrich import store_matches
from ca_etl.pipeline.parts import (
    ParsedPart,
    Parsing,
    Part,
    PartReader,
    merge_parts,
    parsing,
    plan_parts,
    whole_files,
)
from ca_etl.records import Rows
from ca_etl.sources.session import Context, Progress, withheld_files
from ca_etl.warehouse.connection import checkpoint_at_commit, open_building, transaction
from ca_etl.warehouse.data_directory import MARKER, record_site, site_of
from ca_etl.warehouse.journal import RunKind
from ca_etl.warehouse.models import drop_models
from ca_etl.warehouse.raw_load import (
    forget_rejects,
    forget_what_was_missing,
    known_archive_files,
    load_tables,
    mark_loaded,
)
from ca_etl.warehouse.raw_schema import arrow_schema, ensure_raw, is_outdated
from ca_etl.warehouse.reading import Position, consult, published_warehouse, readable, resolver
from ca_etl.warehouse.release import CURRENT, GO_BACK, begin_building, find_building, releases

log = logging.getLogger(__name__)

# What a batch holds in memory: some 50 MB of listing pages' rows, or one large file.
MOST_FILES: Final = 50
MOST_ROWS: Final = 10_000
# Loading several parts at once costs little more than one.
MOST_PARTS: Final = 8
SECONDS_BETWEEN_LINES: Final = 10.0
UPGRADED: Final = (
    "the current release has the tables of an earlier version: the whole archive is loaded again, once"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Counts of the rows that a run added to `raw.*` from archive files that are new to it.

    `expected` counts those `rejects` that are no reason for a warning (response classes in `EXPECTED_RESPONSES`).
    `other_rates` counts those `rates` that are not from the ticker of the site; `official_rates` are counted apart.
    `of_other_sites` counts records in the ingested files that were left out, since their pages are of other sites.
    `is_fresh` is True where the warehouse was empty before.
    """

    archive_files: int = 0
    captures: int = 0
    rates: int = 0
    other_rates: int = 0
    of_other_sites: int = 0
    official_rates: int = 0
    articles: int = 0
    rejects: int = 0
    expected: int = 0
    warnings: tuple[str, ...] = ()
    is_fresh: bool = False


def load(ctx: Context, parsing: Parsing = parsing) -> Loaded:
    """Copy the warehouse of the current release for this run, and load the archive files that it lacks.

    A rebuild loads every file into an empty warehouse, and so does a run whose current release has the tables of an
    earlier version. With rejects to be parsed again, what an older parser rejected is deleted first. `parsing` has the
    rows of large files read elsewhere, by default in other processes. Raises `CaEtlError` when the data directory
    cannot be written, `ArchiveDamagedError` when an empty warehouse would lose rows.
    """
    is_upgrade = _is_upgrade(ctx.settings.data_dir)
    is_fresh = is_upgrade or ctx.kind is RunKind.REBUILD
    archive = archive_files(ctx.settings.archive_dir)
    if ctx.accept_loss:
        give_up_lost_references(archive, ctx.settings.archive_dir)
    if is_fresh:
        assert_archive_is_whole(ctx)
    building = begin_building(ctx.settings.data_dir, ctx.run_id, fresh=is_fresh)
    # by these bytes a new warehouse file gets small or large blocks
    archived = 0 if building.warehouse.exists() else sum(map(archive_bytes, archive))
    with open_building(building.warehouse, archived=archived) as con:
        ensure_raw(con)
        drop_models(con)
        con.execute("checkpoint")
        if ctx.kind is RunKind.RETRY:
            versions = {source.name: source.parser.version for source in ctx.sources}
            forget_rejects(con, versions, otherwise=SITE.version)
        if ctx.kind in {RunKind.INGEST, RunKind.BACKFILL}:
            forget_what_was_missing(con)
        known = known_archive_files(con) | withheld_files(ctx.runs, ctx.started_at)
        reader = _reader(ctx, con)
        # by their text: a thousand calls of relative_to take 10 ms of every run
        below = len(f"{reader.root.as_posix()}/")
        names = (path.as_posix()[below:] for path in archive)
        new = [name for name in names if name not in known]
        lost = {name: reference for name in new if (reference := lost_for_good(reader.root, name))}
        groups = plan_parts(reader.root, (name for name in new if name not in lost))
        loading = _Loading(con, reader, _Pace(ctx.progress, sum(map(len, groups))))
        loading.unloaded += [reader.leave_out(lost)] if lost else []
        loading.load(groups, ctx.settings.workers or len(os.sched_getaffinity(0)), parsing)
    if loading.added["capture"]:
        record_site(ctx.settings)
    return Loaded(
        archive_files=len(new),
        captures=loading.added["capture"],
        rates=loading.added["rate_observation"],
        other_rates=min(loading.other_rates, loading.added["rate_observation"]),
        of_other_sites=loading.of_other_sites,
        official_rates=loading.added["official_rate"],
        articles=loading.added["article_observation"],
        rejects=loading.added["reject"],
        expected=min(loading.expected, loading.added["reject"]),
        warnings=(
            *((UPGRADED,) if is_upgrade and ctx.kind is not RunKind.REBUILD else ()),
            *_left_out(ctx, lost),
        ),
        is_fresh=is_fresh,
    )


def _left_out(ctx: Context, lost: Mapping[str, Reference]) -> Iterator[str]:
    """The warning of lost references, if there are any, with the number of their captures in the current release."""
    if lost:
        known = dict(_read_newest_release(ctx.settings.data_dir, LOADED_CAPTURES))
        names = [f"{reference.path}, to which {name} refers" for name, reference in lost.items()]
        yield (
            f"captures are left out of {counted(len(lost), 'file')} ingested by reference and lost "
            f"({sum(known.get(name, 0) for name in lost)} in the current release): {_listed(names)}"
        )


def _reader(ctx: Context, con: duckdb.DuckDBPyConnection) -> PartReader:
    return PartReader(
        root=ctx.settings.archive_dir,
        zone=ctx.settings.zone,
        site=site_of(ctx.settings),
        run_id=ctx.run_id,
        parsers={source.name: source.parser for source in ctx.sources},
        schemas={table: arrow_schema(con, table) for table in Rows().by_table()},
    )


def _is_upgrade(data_dir: Path) -> bool:
    """Whether the current release has the `raw.*` tables of an earlier version of the code."""

    def read() -> bool:
        with published_warehouse(data_dir) as con:
            return con is not None and is_outdated(con)

    # that a release cannot be read stops the run when its warehouse is copied
    return consult(read, without=False, what="the current release", next_command=GO_BACK).value


class _DependentPartError(Exception):
    """A part of the archive cannot be loaded without another part."""


class _Pace:
    """Shows how many pages a load has parsed, how fast, and how many there will be if the other parts have as many.

    `parts` is the number of parts of the archive that are to be loaded.
    """

    def __init__(self, progress: Progress, parts: int) -> None:
        self._progress = progress
        self._parts = parts
        self._began = self._logged = time.monotonic()
        self._done = 0.0
        self._pages = 0

    @contextmanager
    def undone_by_an_error(self) -> Iterator[None]:
        """Take back what the `with` block has added, where it raises an exception."""
        before = self._done, self._pages
        try:
            yield
        except BaseException:
            self._done, self._pages = before
            raise

    def add(self, part: ParsedPart, share: float = 1.0) -> None:
        """Count the captures of `part`, which is this share of a part that was planned."""
        self._done += share
        self._pages += part.tables["capture"].num_rows
        total = max(self._pages, round(self._pages * self._parts / self._done))
        self._progress("load", self._pages, total)
        now = time.monotonic()
        if now - self._logged < SECONDS_BETWEEN_LINES:
            return
        self._logged = now
        a_second = self._pages / (now - self._began)
        left = timedelta(seconds=round((total - self._pages) / a_second)) if a_second else "an unknown time"
        log.info("load: %d of some %d pages, %.0f a second, %s left", self._pages, total, a_second, left)


@dataclass(slots=True)
class _Loading:
    """One load under way: the files that are parsed and not loaded yet, and the counts of loaded rows.

    Files parsed here are loaded together, since many at once cost little more than one; `positions` are those of their
    captures, and of captures that are to be loaded at the end.
    """

    con: duckdb.DuckDBPyConnection
    reader: PartReader
    pace: _Pace
    unloaded: list[ParsedPart] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    added: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    other_rates: int = 0
    of_other_sites: int = 0

    def load(self, groups: Sequence[Sequence[Part]], workers: int, parsing: Parsing) -> None:
        """Load parts in their order; files that lack the original of a revisit are read once more, at the end."""
        parts = [part for group in groups for part in group]
        with parsing(self.reader, parts, workers) as queue:
            lacking: list[str] = []
            for group in groups:
                if not self._load_group(queue.take(len(group))):
                    share = len(group) / len(group[0].files)
                    lacking += [name for name in group[0].files if not self._parse_file(name, share)]
        # files are sorted by slot: a page that was requested again for an earlier slot repeats a later file's
        for name in lacking:
            self._parse_file(name, 0.0, is_last=True)
        checkpoint_at_commit(self.con)
        self._flush()

    def _load_group(self, parsed: Generator[ParsedPart | None]) -> bool:
        """Load what other processes have parsed; false, with nothing loaded, where this depends on other parts."""
        self._flush()
        try:
            with closing(parsed), self.pace.undone_by_an_error():
                self._load(_independent(parsed, self.pace))
        except _DependentPartError:
            return False
        return True

    def _parse_file(self, name: str, share: float, *, is_last: bool = False) -> bool:
        """Parse a file, to be loaded with others; false where a revisit lacks its original, unless `is_last`.

        `share` is that of the file in a part that was planned.
        """
        resolve = resolver(self.con, self.reader.root, self.positions)
        part = self.reader.read(Part((name,)), resolve)
        self.positions |= part.positions()
        self.pace.add(part, share)
        if not part.is_independent and not is_last:
            return False
        self.unloaded.append(part)
        rows = sum(part.tables["article_observation"].num_rows for part in self.unloaded)
        if rows >= MOST_ROWS or len(self.unloaded) >= MOST_FILES:
            self._flush()
        return True

    def _flush(self) -> None:
        """Load the files that were parsed here."""
        if self.unloaded:
            self._load(iter(self.unloaded))
            self.unloaded.clear()

    def _load(self, parts: Iterator[ParsedPart]) -> None:
        """Load parts in one transaction, and mark their files as loaded."""
        loaded: list[ParsedPart] = []
        added: Counter[str] = Counter()
        with transaction(self.con):
            while several := list(islice(parts, MOST_PARTS)):
                part = merge_parts(several)
                counts = load_tables(self.con, part.tables)
                added.update({table: count.loaded for table, count in counts.items()})
                if part.matches:
                    store_matches(self.con, part.matches)
                loaded.append(replace(part, tables={}, matches={}))
            mark_loaded(self.con, whole_files(loaded))
        self.added += added
        self.expected += sum(part.expected for part in loaded)
        self.other_rates += sum(part.other_rates for part in loaded)
        self.of_other_sites += sum(part.of_other_sites for part in loaded)


def _independent(parsed: Iterable[ParsedPart | None], pace: _Pace) -> Iterator[ParsedPart]:
    """The parts, which must each begin where the one before ends. Raises `_DependentPartError` otherwise."""
    last = 0
    for part in parsed:
        if part is None or not part.is_independent or part.first != last:
            raise _DependentPartError
        last = part.last
        pace.add(part)
        yield part


SHOWN: Final = 5
KNOWN_FILES: Final = "select archive_file, sha256, bad_records > 0 from raw.archive_file"


LOADED_CAPTURES: Final = "select archive_file, records from raw.archive_file"


def _listed(items: Sequence[str]) -> str:
    """The first items in a list, and how many more there are."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{'; '.join(items[:SHOWN])}{more}"


class ArchiveDamagedError(CaEtlError):
    """An archive file of the current release is missing or changed, so that a rebuild would lose its rows."""


def assert_archive_is_whole(ctx: Context) -> None:
    """Raise `ArchiveDamagedError` when an archive file that the current release was made of is missing or has changed.

    A rebuild from the other files would publish fewer rows, and nothing in the release would show it. A file that was
    damaged when it was loaded may be whole by now, from a backup: its rows come back.
    """
    root = ctx.settings.archive_dir
    known = _read_newest_release(ctx.settings.data_dir, KNOWN_FILES)
    damaged = {name for name, _, was_damaged in known if was_damaged}
    odd = [
        f"{name} {how}"
        for name, how in archive_problems(root, ((name, sha256) for name, sha256, _ in known))
        if not (name in damaged and _is_whole(root / name))
    ]
    if odd:
        raise ArchiveDamagedError(
            f"the archive differs from what the current release was made of: {_listed(odd)}; "
            f"restore {root} from a backup; or remove the link {CURRENT}, and a rebuild publishes without these files",
            "ca-etl doctor --deep",
        )


def archive_problems(root: Path, known: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The archive files that are missing, or whose SHA-256 differs from that in `known`, each with the problem.

    `known` are pairs of file name and SHA-256. Raises `LostReferenceError` for a file that only refers to such a one,
    unless its loss was accepted.
    """
    for name, sha256 in known:
        try:
            if is_given_up(root / name):
                continue
            with open_archive(root / name) as file:
                if verified_digest(root / name, file) != sha256:
                    yield name, "has changed"
        except FileNotFoundError:
            yield name, "is missing"


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with open_archive(path) as file:
        return not any(isinstance(part, BadRange) for part in split_records(file))


class MostLostError(CaEtlError):
    """A warehouse that a run built from empty tables lacks most rows of the release that it is to replace."""


KEPT: Final = """
    select 'captures with rates', count(distinct capture_id) from raw.rate_observation
    union all select 'rates', count(*) from raw.rate_observation
    union all select 'article observations', count(*) from raw.article_observation"""
UNREAD: Final = """
    select (select count(*) from raw.capture), count(*), mode(concat_ws(', ', reason, detail)) from raw.reject
    where not exists (from raw.rate_observation) and not exists (from raw.article_observation)
        and not exists (from raw.official_rate)"""


def assert_most_is_kept(ctx: Context) -> None:
    """Raise `MostLostError` when a warehouse built from empty tables has less than half of the rows that it replaces.

    Counted are captures with rates, rates, and observations of articles, in the newest readable release. Without a
    release, at least one capture of the archive must have become such a row.
    """
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        built = dict(con.execute(KEPT).fetchall())
        captures, rejects, commonest = con.execute(UNREAD).fetchall()[0]
    published = dict(_read_newest_release(ctx.settings.data_dir, KEPT))
    lost = [
        f"{built[what]} of {count} {what}" for what, count in published.items() if 2 * built[what] < count
    ]
    if lost:
        problem = f"most of the current release would be lost, only these are left: {', '.join(lost)}"
    elif not published and rejects:
        problem = (
            f"no rate and no article came of the {counted(captures, 'capture')} in {ctx.settings.archive_dir}: "
            f"{counted(rejects, 'reject')}, most often {commonest}"
        )
    else:
        return
    marker = ctx.settings.data_dir / MARKER
    raise MostLostError(
        f"nothing is published: {problem}. `ca-etl rebuild --accept-loss` publishes all the same",
        f"cat {marker} && ca-etl doctor --deep",
    )


def _read_newest_release(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the newest release that can be read, none without `current`: a rebuild is the way out of damaged ones."""
    if os.path.lexists(data_dir / CURRENT):
        for release in reversed(releases(data_dir)):
            try:
                with readable(release.warehouse) as con:
                    return con.execute(query).fetchall()
            except (CaEtlError, duckdb.Error) as error:
                log.warning("%s", error)
    return []
