"""Verify a release: rebuild it from the archive in a temporary folder, and compare the two table by table."""

# ruff: noqa: S608  table and column names come from DuckDB's catalogue, quoted, never from data

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import duckdb

from ca_etl.archive.reader import archive_files
from ca_etl.errors import counted
from ca_etl.parse.rows import SITE
from ca_etl.pipeline.enrich import enrich
from ca_etl.pipeline.load import archive_problems, load
from ca_etl.pipeline.publish import build_tables
from ca_etl.settings import Settings
from ca_etl.sources import all_sources, parser_versions
from ca_etl.sources.session import Context, Progress, silent
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.data_directory import MARKER, consult_marker
from ca_etl.warehouse.datapackage import DATAPACKAGE, described_otherwise
from ca_etl.warehouse.journal import RunKind
from ca_etl.warehouse.raw_load import CaptureDecision
from ca_etl.warehouse.release import Building, Release, file_problems

log = logging.getLogger(__name__)

# Tables and columns that differ in a rebuild by design, and why.
UNCOMPARED: Final = {
    "main.etl_run": "the line of the run itself is written before its end is known",
    "raw.run": "the same",
    "main.etl_check": "checks are about what their run loaded, which for a rebuild is all",
    "raw.check_result": "the same",
    "raw.enriched": "the version of the rules that searched a text, not what is in it",
    "raw.layout": "the version of the tables of the program",
    "run_id": "a rebuild is one run",
    "parser_version": "a rebuild reads all with the parser of today",
}
KNOWN: Final = "select archive_file, sha256, source, parser_version from raw.archive_file"
DECIDED: Final = "select capture_id, decision, reason, decided_at from raw.decision"
COLUMNS: Final = """
    select schema_name || '.' || table_name, database_name,
        string_agg('"' || column_name || '"::varchar', ', ' order by column_index)
    from duckdb_columns()
    where database_name in ('release', 'rebuilt') and schema_name in ('raw', 'main') and not internal
        and column_name not in $uncompared and schema_name || '.' || table_name not in $uncompared
    group by all order by all
"""


class Difference(NamedTuple):
    """A file or table of a release (`thing`) that differs from the descriptor or from a rebuild, and how it differs."""

    thing: str
    how: str


class DamagedSource(Difference):
    """A damaged file from which releases are made (of the archive, decisions, `site.txt`): no rebuild repairs it."""


def verify(
    settings: Settings, release: Release, *, quick: bool = False, progress: Progress = silent
) -> Iterator[Difference]:
    """Compare a release with its descriptor and, unless `quick`, with a rebuild; yield files and tables that differ.

    The rebuild uses the archive files of the release, and journal and decisions up to its run; newer ones are logged.
    Nothing in the data directory changes, and no lock is taken. Raises `CaEtlError` for a journal or decisions that
    cannot be read, and for a full disk.
    """
    problems = [Difference(*problem) for problem in file_problems(release.folder)]
    yield from problems
    if quick:
        return
    try:
        with open_release(release.warehouse) as con, TemporaryDirectory(prefix="ca-etl-verify-") as folder:
            copy = settings.model_copy(update={"data_dir": Path(folder)})
            yield from _link_archive(settings, copy, con)
            if (marker := consult_marker(settings)) is not None:
                yield DamagedSource(MARKER, marker.message)
            if (lost := overrides.lost(con, settings.data_dir)) is not None:
                yield DamagedSource(overrides.DECISIONS_FILE, lost.message)
            rebuilt = _rebuild(settings, copy, release, con, progress)
            yield from _compare(con, rebuilt)
            if DATAPACKAGE not in {problem.thing for problem in problems}:
                with open_release(rebuilt) as built:
                    tables = described_otherwise(built, release.folder)
                if tables:
                    yield Difference(
                        DATAPACKAGE,
                        f"describes the tables {', '.join(tables)} in other words or columns than the rebuild",
                    )
    except duckdb.Error as error:
        yield Difference(release.warehouse.name, f"the tables cannot be compared: {error}")


def _link_archive(
    settings: Settings, copy: Settings, con: duckdb.DuckDBPyConnection
) -> Iterator[DamagedSource]:
    """Link the archive files of the release into the data directory of `copy`; yield those that have changed."""
    root = settings.archive_dir
    known = con.execute(KNOWN).fetchall()
    for name, *_ in known:
        link = copy.archive_dir / name
        if (root / name).is_file() and link.resolve().is_relative_to(copy.data_dir.resolve()):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((root / name).resolve())
    if late := len(
        {path.relative_to(root).as_posix() for path in archive_files(root)} - {row[0] for row in known}
    ):
        log.warning("%d archive files are newer than the release: the next run loads them", late)
    versions = parser_versions()
    if any(version != versions.get(source, SITE.version) for *_, source, version in known):
        log.warning(
            "an earlier parser version read some files of the release: differences may be fixed errors, not damage"
        )
    for name, how in archive_problems(root, ((name, sha256) for name, sha256, *_ in known)):
        yield DamagedSource(f"archive/{name}", how)


def _rebuild(
    settings: Settings, copy: Settings, release: Release, con: duckdb.DuckDBPyConnection, progress: Progress
) -> Path:
    """Build the tables in the data directory of `copy`, with the journal and the decisions of the release's time."""
    runs = journal.read(settings.data_dir)
    made_by = [number for number, run in enumerate(runs, start=1) if run.run_id == release.release_id][:1]
    if not made_by:
        log.warning(
            "the journal has no line of the run %s: the slots of this run may differ", release.release_id
        )
    began = datetime.strptime(release.release_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    applied = {
        capture_id: CaptureDecision(capture_id, *decision)
        for capture_id, *decision in con.execute(DECIDED).fetchall()
    }
    given = overrides.read(settings.data_dir)
    of_its_time = [one if one.decided_at <= began else applied.get(one.capture_id) for one in given]
    if of_its_time != list(given):
        log.warning("some decisions are newer than the release: the next run applies them")
    if (settings.data_dir / MARKER).exists():
        shutil.copyfile(settings.data_dir / MARKER, copy.data_dir / MARKER)
    ctx = Context(copy, RunKind.REBUILD, release.release_id, began, progress=progress, sources=all_sources())
    load(ctx)
    enrich(ctx)
    warehouse = Building(copy.data_dir, release.release_id).warehouse
    of_its_run = runs[: made_by[0]] if made_by else runs
    build_tables(warehouse, of_its_run, list(filter(None, of_its_time)), began)
    return warehouse


def _compare(con: duckdb.DuckDBPyConnection, rebuilt: Path) -> Iterator[Difference]:
    """The tables of `raw` and `main` whose rows differ in the rebuild, by a hash that ignores their order."""
    quoted = str(rebuilt).replace("'", "''")
    con.execute(f"attach '{quoted}' as rebuilt (read_only)")
    tables: dict[str, dict[str, str]] = {}
    for table, database, columns in con.execute(COLUMNS, {"uncompared": list(UNCOMPARED)}).fetchall():
        tables.setdefault(table, {})[database] = columns
    for table, columns in tables.items():
        if columns.get("release") != columns.get("rebuilt"):
            yield Difference(
                table, "has other columns in the rebuild, or is missing from the release or from the rebuild"
            )
            continue
        here, there = (f"select {columns['release']} from {db}.{table}" for db in ("release", "rebuilt"))
        hashed = "select count(*), sum(hash(one_row)::hugeint) from (%s) as one_row"
        rows, rebuilt_rows = (con.execute(hashed % query).fetchall()[0] for query in (here, there))
        if rows != rebuilt_rows:
            surplus = "select count(*) from (%s except all %s)"
            only_here, only_there = (
                con.execute(surplus % pair).fetchall()[0][0] for pair in ((here, there), (there, here))
            )
            yield Difference(
                table,
                f"{counted(rows[0], 'row')} in the release, {rebuilt_rows[0]} in the rebuild; "
                f"{only_here} only in the release, {only_there} only in the rebuild",
            )
