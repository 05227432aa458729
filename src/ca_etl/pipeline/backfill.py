"""Step 1 of a backfill: archive what a source has of a date range, and record the months archived completely.

Where a source can state before what that takes, `plan_backfill` asks it, and archives only its index.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.errors import CaEtlError, UsageError, counted
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.crash_recovery import new_run_id
from ca_etl.settings import Settings
from ca_etl.sources.banks import BANK_SOURCES
from ca_etl.sources.session import Context, Session, fetch_policy
from ca_etl.sources.source import DateRange, HistoryPlan, Source
from ca_etl.sources.timesca import ARTICLE_SOURCES
from ca_etl.warehouse import lock
from ca_etl.warehouse.durable_files import read_if_there, write_atomic
from ca_etl.warehouse.journal import RunKind
from ca_etl.warehouse.reading import consult_release

log = logging.getLogger(__name__)

# The months that backfills have archived completely, a file a source.
COMPLETE_MONTHS: Final = "backfill-*.json"
OBSERVED: Final = "select distinct rate_date from main.fct_rate_daily where not is_filled"


def histories(sources: Iterable[Source]) -> Mapping[str, Source]:
    """The sources that have a past, by their names on the command line."""
    short = {source.name: name.value for name, source in ARTICLE_SOURCES.items()}
    return {short.get(source.name, source.name): source for source in sources if source.history is not None}


def source_with_past(sources: Iterable[Source], name: str) -> Source:
    """The source of a `name` on the command line. Raises `UsageError` for an unknown one, and one without a past."""
    known = histories(sources)
    if name not in known:
        raise UsageError(
            f"the source {name!r} has no past to backfill; these have one: {', '.join(known)}",
            "ca-etl backfill --help",
        )
    return known[name]


def observed_days(data_dir: Path) -> frozenset[date]:
    """The days (Asia/Almaty) with a rate of their own in the current release, none without a readable release."""

    def read(con: duckdb.DuckDBPyConnection | None) -> frozenset[date]:
        return frozenset(day for (day,) in con.execute(OBSERVED).fetchall()) if con else frozenset()

    return consult_release(data_dir, read, frozenset[date]()).value


def plan_backfill(settings: Settings, days: DateRange, name: str, environment: Environment) -> HistoryPlan:
    """What `run_backfill` would take for a source that has an index. Requests that index alone, and archives it.

    Months that were archived completely are left out. Raises `UsageError` for a source without an index and for
    settings that forbid requests, `SourceUnavailableError` where the index is not given, `LockHeldError` when another
    run holds the lock.
    """
    source = source_with_past(environment.sources, name)
    months = _open_months(settings.data_dir, days, name)
    if source.plan is None:
        of_days = f"tables of {counted(sum((month.last - month.first).days + 1 for month in months), 'day')}"
        of_months = f"pages of {counted(len(months), 'month')}"
        raise UsageError(
            f"{name} has no index to plan from: its backfill requests the "
            f"{of_days if source in BANK_SOURCES else of_months}",
            f"ca-etl backfill --source {name} --from {days.first} --to {days.last}",
        )
    fetch_policy(settings)
    started_at = environment.clock()
    run_id = new_run_id(settings.data_dir, started_at)
    with lock.hold(settings.data_dir):
        recover_open_files(settings.archive_dir)
        ctx = Context(
            settings,
            RunKind.BACKFILL,
            run_id,
            started_at,
            clock=environment.clock,
            sleep=environment.sleep,
            progress=environment.progress,
            sources=environment.sources,
        )
        with Session(ctx, source) as session:
            return source.plan(session, months)


def capture_history(ctx: Context, days: DateRange, source: str) -> int:
    """Archive the articles, or the tables of a bank, of the range `days` from `source`; return the number of articles.

    `source` is a key of `histories`. A month that was archived completely is not requested again, so that a backfill
    that was stopped resumes. Raises `SourceUnavailableError` when the source is not offered, refuses or fails;
    responses archived before stay.
    """
    recover_open_files(ctx.settings.archive_dir)
    path = _complete_months_file(ctx.settings.data_dir, source)
    complete = read_complete_months(ctx.settings.data_dir, source)
    months = _open_months(ctx.settings.data_dir, days, source)
    articles = 0
    if not months:
        log.warning(
            "all of %s was archived before; to fetch later edits: rm %s, and run the same command again",
            days,
            path,
        )
        return articles
    origin = source_with_past(ctx.sources, source)
    assert origin.history is not None  # noqa: S101  as of all histories
    with Session(ctx, origin) as session:
        for part in origin.history(session, months):
            articles += part.articles
            # the month under way may still get articles
            past = [f"{month}" for month in part.complete if month.last < ctx.started_at.date()]
            if past:
                complete = (*complete, *past)
                write_atomic(path, json.dumps(sorted(complete)).encode() + b"\n")
    return articles


def _open_months(data_dir: Path, days: DateRange, source: str) -> list[DateRange]:
    """The months of `days` that no backfill has archived completely."""
    complete = read_complete_months(data_dir, source)
    return [month for month in days.months() if f"{month}" not in complete]


def read_complete_months(data_dir: Path, source: str) -> tuple[str, ...]:
    """The months that backfills have archived completely from `source`, as text such as `2025-11-01..2025-11-30`.

    Raises `CaEtlError` where the file of these months is damaged, `StorageError` where it cannot be read.
    """
    path = _complete_months_file(data_dir, source)
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        value = json.loads(data)
    except ValueError as error:
        raise CaEtlError(
            f"{path} is not a list of months: {error}; without it all months are requested again",
            f"rm {path}",
        ) from error
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _complete_months_file(data_dir: Path, source: str) -> Path:
    return data_dir / COMPLETE_MONTHS.replace("*", source)
