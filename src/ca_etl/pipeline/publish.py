"""The last steps of a run: build the SQL models, run the checks, publish the release."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from ca_etl import __version__
from ca_etl.pipeline.slots import present
from ca_etl.report.dictionary import write_pages
from ca_etl.report.page import REPORT
from ca_etl.sources.session import Context
from ca_etl.warehouse import journal, overrides, release
from ca_etl.warehouse.checks import run_checks
from ca_etl.warehouse.connection import checkpoint_at_commit, compact, open_building
from ca_etl.warehouse.datapackage import (
    PARQUET,
    FileFact,
    describe,
    file_fact,
    files_of,
    listed_files,
    other_files,
    read_origin,
    table_resources,
    write_datapackage,
)
from ca_etl.warehouse.durable_files import StorageError, remove_tree
from ca_etl.warehouse.export import ExportSpec, export_parquet
from ca_etl.warehouse.journal import CheckResult, RunRecord, distinct
from ca_etl.warehouse.models import build_models, read_models
from ca_etl.warehouse.raw_load import (
    CaptureDecision,
    count_words,
    load_check_results,
    load_decisions,
    load_journal,
    load_publication_days,
)
from ca_etl.warehouse.reading import consult
from ca_etl.warehouse.release import UNREADABLE, Building, Release, current_release, find_building
from ca_etl.warehouse.sqlfiles import sql_root

log = logging.getLogger(__name__)

FIRST_OFFICIAL_RATES: Final = """
    select source, min(rate_date) from raw.official_rate inner join raw.capture using (capture_id) group by source
"""


def build(ctx: Context, record: RunRecord) -> None:
    """Build every SQL model in the run's private copy of the warehouse, in one transaction.

    `record` is the journal line that this run will have if all further steps succeed.
    """
    data_dir = ctx.settings.data_dir
    warehouse = find_building(data_dir, ctx.run_id).warehouse
    runs = [journal.publishable(run, data_dir) for run in (*ctx.runs, record)]
    build_tables(warehouse, runs, overrides.read(data_dir), ctx.started_at)


def build_tables(
    warehouse: Path, runs: Sequence[RunRecord], decided: Sequence[CaptureDecision], now: datetime
) -> None:
    """Build every SQL model in a loaded, writable warehouse, with `runs` and decisions, as of `now` (zone-aware)."""
    with open_building(warehouse) as con:
        # What checks found in earlier runs is in the journal; a release has the results of its own checks.
        # Every run is in it, but slots of the future are not.
        come = {run.run_id: run.slots for run in present(distinct(runs), now)}
        load_journal(con, (replace(run, checks=(), slots=come.get(run.run_id, ())) for run in runs))
        load_decisions(con, decided)
        load_publication_days(con, _publication_days(con, now))
        count_words(con)
        checkpoint_at_commit(con)
        build_models(con, sql_root())


def _publication_days(con: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[tuple[str, date, str]]:
    """The calendar of each bank with rates, from its first rate to a week after `now`: rates are dated days ahead."""
    first_days = con.execute(FIRST_OFFICIAL_RATES).fetchall()
    if not first_days:
        return  # without banks the calendars need not be imported
    from ca_etl.sources.bank_calendar import CALENDARS  # noqa: PLC0415

    for source, first in first_days:
        if source in CALENDARS:
            for day, kind in CALENDARS[source].days(first, now.date() + timedelta(days=7)):
                yield source, day, kind


def check(ctx: Context) -> tuple[CheckResult, ...]:
    """Run all checks on the run's private copy of the warehouse; store their results there and return them."""
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        results = run_checks(con, sql_root(), ctx.run_id)
        checkpoint_at_commit(con)
        load_check_results(con, ctx.run_id, results)
    for result in results:
        if result.offending_rows:
            log.info("check %s: %d rows, %s", result.check_name, result.offending_rows, result.sample)
    return results


def report(ctx: Context) -> tuple[str, ...]:
    """Write dictionary and report into the draft of the release; where that fails, return a warning."""
    data_dir = ctx.settings.data_dir
    building = find_building(data_dir, ctx.run_id)
    written = consult(
        partial(write_pages, building.warehouse, building.folder / REPORT, data_dir, release_id=ctx.run_id),
        None,
        "what it shows",
        f"ca-etl report --output {REPORT}",
    )
    if (problem := written.problem) is None:
        return ()
    return (f"the release is published without a page of it: {problem}",)


def publish(ctx: Context) -> Release:
    """Publish the release of a run: write Parquet files and descriptor, rename its folder, move `current` to it."""
    data_dir = ctx.settings.data_dir
    building = find_building(data_dir, ctx.run_id)
    parquet = building.folder / PARQUET
    if parquet.exists():
        remove_tree(parquet)  # what an attempt that failed half-way left
    headers = {model.table: model.header for model in read_models(sql_root()) if model.schema == "main"}
    specs = [
        ExportSpec(table, header.sort or header.grain, header.partition_year, header.rows_of)
        for table, header in headers.items()
    ]
    compact(building.warehouse)
    with open_building(building.warehouse) as con:
        exported = export_parquet(con, parquet, specs, partial(published_parquet, building))
        tables = table_resources(con, building.folder, exported, headers)
        origin = read_origin(con)
    link_unchanged(building, (file for table in tables for file in files_of(table)))
    package = describe(
        [*tables, *other_files(building.folder, tables)],
        origin,
        release_id=building.release_id,
        created=ctx.clock(),
        run_id=ctx.run_id,
        slot=ctx.slot,
        code_version=__version__,
        previous_release=release.current_id(data_dir),
    )
    write_datapackage(building.folder, package)
    return release.publish(building)


def published_parquet(building: Building, path: Path) -> Path | None:
    """The Parquet file `path` of the current release; None where it is missing, or has other bytes than published."""
    current = current_release(building.data_dir)
    if current is None:
        return None
    file = Path(PARQUET, path)
    try:
        is_intact = file_fact(current.folder, file) in listed_files(current.folder)
    except (StorageError, *UNREADABLE):
        return None
    return current.folder / file if is_intact else None


def link_unchanged(building: Building, files: Iterable[FileFact]) -> None:
    """Make hard links of `files` of a draft that equal those of the current release, where the file system allows."""
    current = current_release(building.data_dir)
    if current is None:
        return
    for file in files:
        old, new = current.folder / file.path, building.folder / file.path
        # of two names of one file, renaming one to the other would leave both
        if not old.is_file() or old.samefile(new) or file_fact(current.folder, Path(file.path)) != file:
            continue
        link = new.with_name(f"{new.name}.link")
        with suppress(OSError):
            link.hardlink_to(old)
            link.replace(new)


def prune(ctx: Context) -> tuple[str, ...]:
    """Remove the releases that the settings do not keep; where that fails, return a warning: the run succeeded."""
    data_dir, settings = ctx.settings.data_dir, ctx.settings
    pruned = consult(
        partial(release.prune, data_dir, settings.keep_releases, ctx.clock(), settings.keep_bytes),
        (),
        release.RELEASES,
        "ca-etl releases",
    )
    for old in pruned.value:
        log.info("pruned release %s", old)
    if (problem := pruned.problem) is None:
        return ()
    return (f"the new release is published, but old releases could not be removed: {problem}",)


def published_by(data_dir: Path, run_id: str) -> Release | None:
    """The current release if the run `run_id` made it, else None.

    First completes a publication that a killed run had announced.
    """
    if not (data_dir / release.RELEASES / run_id).is_dir():
        return None
    release.recover(data_dir)
    current = release.current_release(data_dir)
    return current if current is not None and current.release_id == run_id else None
