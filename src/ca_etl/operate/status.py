"""`ca-etl status`: how fresh the data are, what the last runs did, which checks fire, which files are damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Group, RenderableType

from ca_etl.errors import Problem, counted
from ca_etl.operate.alerts import (
    DECISIONS,
    JOURNAL,
    LOCK,
    RELEASE,
    Condition,
    Damage,
    conditions,
    schedule_area,
)
from ca_etl.pipeline.capture import ARTICLES, SITE_SOURCES, is_enabled
from ca_etl.pipeline.clock import time_of
from ca_etl.pipeline.crash_recovery import lost_run_ids
from ca_etl.pipeline.slots import last_observed, present
from ca_etl.screen import next_commands, plain, table
from ca_etl.settings import Settings
from ca_etl.sources.schedules import run_command, schedules
from ca_etl.warehouse import journal, lock, overrides
from ca_etl.warehouse.data_directory import consult_restore, holds_demo, next_command
from ca_etl.warehouse.journal import CheckResult, Journal, RunRecord, RunStatus, SlotRecord
from ca_etl.warehouse.reading import consult, readable
from ca_etl.warehouse.release import GO_BACK, current_release

T = TypeVar("T")
S = TypeVar("S")
P = TypeVar("P", Condition, Damage, Problem)

LAST_RUNS: Final = 5
SAMPLE_ROWS: Final = 3
STATUS: Final = "ca-etl status"

FRESHNESS: Final = """
    select
        source.source,
        max(capture.captured_at) filter (where capture.captured_at <= $now),
        count(capture.capture_id)
    from main.dim_source as source
    left join raw.capture as capture using (source)
    group by all order by all
"""
# By table: a release of an earlier version has no rates of banks.
LAST_RATES: Final = {
    "fct_rate_observation": """
        select capture.source, max(rate_date)::varchar
        from main.fct_rate_observation join raw.capture as capture using (capture_id) group by all""",
    "fct_official_rate": "select source, max(rate_date)::varchar from main.fct_official_rate group by all",
}
TABLES: Final = "select table_name from information_schema.tables where table_schema = 'main'"
FIRING: Final = """
    select check_name, model, severity, offending_rows, sample
    from main.etl_check where offending_rows > 0 order by severity, check_name
"""
REJECTS: Final = "select reason, count(*) from main.etl_reject group by all order by all"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest data of one source in the current release: rate date as text, and capture time in UTC.

    Each is None where the source has no rate or no capture; `captures` is the number of its captures.
    """

    source: str
    last_rate_date: str | None
    last_captured_at: datetime | None
    captures: int


@dataclass(frozen=True, slots=True)
class SlotState:
    """The last observed, the next and the overdue slot of one schedule, in UTC.

    `due` is the latest slot that should have been observed by now and was not; None when no slot is overdue, as for
    a schedule that has never run and is not expected.
    """

    source: str
    schedule: str
    last_observed: datetime | None
    next_slot: datetime
    due: datetime | None


@dataclass(frozen=True, slots=True)
class RunSeries:
    """A series of runs of one kind that failed in the same way, one after the other, or a single run.

    `last` is the latest of them, `runs` their number, `since` the start (UTC) of the first one.
    """

    last: RunRecord
    runs: int
    since: datetime


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of one data directory, as `ca-etl status` shows it.

    `at` is the time (UTC) at which it is judged: now, or that of the demo's clock. `running` names the run that holds
    the lock, `killed` those that ended without a line in the journal. `series` are the last runs, equal failures as one
    series; `runs` are the last of them one by one. `checks` fired in the last run that was checked, `rejects` counts
    the rejects of the current release by reason, `others` has the last slot of each source of articles, and of each
    bank that the settings name. `conditions` need an operator; alerts report the same ones. `damaged` lists the files
    that cannot be read, `warnings` the lost or damaged lines of the journal.
    """

    data_dir: str
    is_demo: bool
    at: datetime
    release: str | None
    published_at: datetime | None
    running: str | None
    freshness: tuple[Freshness, ...]
    runs: tuple[RunRecord, ...]
    checks: tuple[CheckResult, ...]
    rejects: dict[str, int]
    schedules: tuple[SlotState, ...] = ()
    others: tuple[SlotRecord, ...] = ()
    series: tuple[RunSeries, ...] = ()
    conditions: tuple[Condition, ...] = ()
    damaged: tuple[Damage, ...] = ()
    warnings: tuple[Problem, ...] = ()
    killed: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A summary of the current release, with the runs and decisions in it that the data directory has lost.

    `lost_runs` are run ids that the journal lacks. `lost_decisions` is the problem of a `decisions.csv` that lacks
    decisions, None when it has all of them. `release_id` is None before the first release.
    """

    release_id: str | None = None
    freshness: tuple[Freshness, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    rejects: dict[str, int] = field(default_factory=dict)
    lost_runs: frozenset[str] = frozenset()
    lost_decisions: Problem | None = None


def collect(settings: Settings, now: datetime) -> StatusReport:
    """Collect the state of the data directory from journal, lock, decisions and current release.

    A file that cannot be read is listed in `damaged` and does not stop the report. `now` is zone-aware.
    """
    data_dir, is_demo = settings.data_dir, holds_demo(settings)
    damaged: list[Damage] = []

    def read(
        area: str, reader: Callable[[], T], without: S, next_command: str = f"ls -la {data_dir}"
    ) -> T | S:
        result = consult(reader, without, f"{area} of {data_dir}", next_command)
        if result.problem is not None:
            damaged.append(Damage(result.problem.message, result.problem.next_command, area))
        return result.value

    holder = read(LOCK, partial(lock.live_run, data_dir), None)
    left = read(LOCK, partial(lock.killed_runs, data_dir), []) if holder is None else []
    written = read(JOURNAL, partial(journal.read_journal, data_dir), Journal())
    read(DECISIONS, partial(overrides.read, data_dir), ())
    released = read(RELEASE, partial(_read_release, data_dir, written, now), ReleaseState(), GO_BACK)
    if lost := released.lost_decisions:
        damaged.append(Damage(lost.message, lost.next_command, DECISIONS))
    if restoring := consult_restore(data_dir):
        unfinished = "A restore is not finished"
        damaged.append(Damage(restoring.message, restoring.next_command, RELEASE, unfinished))
    runs = journal.distinct(written.runs)
    at = time_of(runs, now, is_demo=is_demo)
    is_readable = not any(damage.area == JOURNAL for damage in damaged)
    warnings = journal.problems(data_dir, written, released.lost_runs) if is_readable else ()
    # what is next of an unfinished restore is not a run
    is_published = None if restoring else released.release_id is not None
    judged = conditions(settings, runs, at, damaged=damaged, is_published=is_published)

    def ours(problem: P) -> P:
        return replace(problem, next_command=next_command(problem.next_command, is_demo=is_demo))

    return StatusReport(
        data_dir=str(data_dir),
        is_demo=is_demo,
        at=at,
        release=released.release_id,
        published_at={run.release_id: run.finished_at for run in runs}.get(released.release_id),
        running=None if holder is None else str(holder),
        freshness=released.freshness,
        runs=runs[-LAST_RUNS:],
        checks=runs[-1].checks if runs and runs[-1].status == RunStatus.CHECKS_FAILED else released.checks,
        rejects=released.rejects,
        schedules=slot_states(settings, runs, at, judged),
        others=_last_others(settings, present(runs, at)),
        series=tuple(run_series(runs))[-LAST_RUNS:],
        conditions=tuple(map(ours, judged)),
        damaged=tuple(map(ours, damaged)),
        warnings=tuple(map(ours, warnings)),
        killed=tuple(ours(_killed(run)) for run in left if run.run_id not in {one.run_id for one in runs}),
    )


def _killed(run: lock.Holder) -> Problem:
    return Problem(
        f"a run was killed before its end, and the next one records it: {run}", run_command(run.schedule)
    )


def run_series(runs: Sequence[RunRecord]) -> Iterator[RunSeries]:
    """Group runs, given oldest first: consecutive ones of one kind that failed for one cause are one series."""
    numbered = [(run.run_id if run.release_id else (run.kind, run.status, run.cause), run) for run in runs]
    for _, group in groupby(numbered, lambda pair: pair[0]):
        (_, first), *_rest = members = list(group)
        yield RunSeries(members[-1][1], len(members), first.started_at)


def _read_release(data_dir: Path, written: Journal, now: datetime) -> ReleaseState:
    release = current_release(data_dir)
    if release is None:
        return ReleaseState()
    with readable(release.warehouse) as con:
        tables = {name for (name,) in con.execute(TABLES).fetchall()}
        queries = [query for table, query in LAST_RATES.items() if table in tables]
        last_rates = dict(row for query in queries for row in con.execute(query).fetchall())
        rows = con.execute(FRESHNESS, {"now": now}).fetchall()
        # That `decisions.csv` cannot be read is reported by `collect`.
        decisions = consult(partial(overrides.lost, con, data_dir), None, overrides.DECISIONS_FILE, "")
        return ReleaseState(
            release.release_id,
            tuple(
                Freshness(source, last_rates.get(source), last and last.astimezone(UTC), captures)
                for source, last, captures in rows
            ),
            tuple(CheckResult(*row) for row in con.execute(FIRING).fetchall()),
            dict(con.execute(REJECTS).fetchall()),
            lost_run_ids(con, data_dir, written),
            decisions.value,
        )


def slot_states(
    settings: Settings, runs: Sequence[RunRecord], now: datetime, judged: Sequence[Condition]
) -> tuple[SlotState, ...]:
    """The state of each schedule at `now` (zone-aware); a slot is overdue where a condition in `judged` has it."""
    due = {condition.area: condition.since for condition in judged}
    return tuple(
        SlotState(
            schedule.source,
            schedule.name,
            last_observed(schedule, runs, now),
            next(schedule.after(now)),
            due.get(schedule_area(schedule.name)),
        )
        for schedule in schedules(settings)
    )


def staleness(report: StatusReport) -> tuple[str, ...]:
    """The sentences about stale data: one for each overdue schedule, one when nothing is published; else empty."""
    sentences = [
        f"{state.source} ({state.schedule}) is stale: the slot of {utc_minute(state.due)} was due, but the last "
        f"observed slot is {utc_minute(state.last_observed)}"
        for state in report.schedules
        if state.due
    ]
    if report.release is None:
        sentences.append(f"{report.data_dir} has no published release")
    return tuple(sentences)


def _last_others(settings: Settings, runs: Sequence[RunRecord]) -> tuple[SlotRecord, ...]:
    latest = {
        (slot.source, slot.schedule): slot
        for run in runs
        for slot in run.slots
        if slot.source in ARTICLES or (slot.source not in SITE_SOURCES and is_enabled(settings, slot.source))
    }
    return tuple(latest[key] for key in sorted(latest))


def utc_minute(instant: datetime | None) -> str:
    """Format an instant in UTC to the minute; "none" for None."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if instant else "none"


def age(now: datetime, then: datetime) -> str:
    """The time from `then` to `now` as text, in hours up to two days, else in days."""
    hours = (now - then).total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"


def render(report: StatusReport) -> RenderableType:
    """The status report as tables and lines for a terminal."""
    return Group(*_parts(report))


def _parts(report: StatusReport) -> Iterator[RenderableType]:
    yield plain(_headline(report))
    if report.conditions:
        rows = [(found.title, utc_minute(found.since)) for found in report.conditions]
        yield table(("needs attention", "since"), rows)
        # the command of an alert begins with `ca-etl status`, which is this one
        ours = {found.title: found.next_command.removeprefix(STATUS) for found in report.conditions}
        yield next_commands(
            (title, command.removeprefix(" && ") or "ca-etl doctor") for title, command in ours.items()
        )
    if warnings := (*report.killed, *report.warnings):
        yield table(("warning",), [(problem.message,) for problem in warnings])
        yield next_commands(("warning", problem.next_command) for problem in warnings)
    if report.running:
        yield plain(f"running now: {report.running}")
    yield from _sources(report.freshness)
    yield _schedules(report.schedules)
    if report.others:
        others = [(o.source, o.schedule, utc_minute(o.slot), o.outcome, o.reason) for o in report.others]
        yield table(("articles and banks", "schedule", "last requested in slot", "outcome", "why"), others)
    yield _runs(report.series)
    yield from _checks(report.checks)
    if report.rejects:
        yield table(("reject", "rows"), report.rejects.items())


def _headline(report: StatusReport) -> str:
    if any(damage.area == RELEASE for damage in report.damaged):
        return f"{report.data_dir}: there is no current release that can be read"
    if report.release is None:
        return f"{report.data_dir}: nothing is published yet. Next: ca-etl run"
    if report.is_demo:
        return f"{report.data_dir}: release {report.release} of the demo, whose clock shows {utc_minute(report.at)}"
    old = f", {age(report.at, report.published_at)} old" if report.published_at else ""
    return f"{report.data_dir}: release {report.release}{old}"


def _sources(freshness: Sequence[Freshness]) -> Iterator[RenderableType]:
    """The sources with captures as a table, then those without any in one line."""
    sources = [
        (source.source, source.last_rate_date, last and utc_minute(last), source.captures)
        for source in freshness
        if source.captures
        for last in [source.last_captured_at]
    ]
    if sources:
        yield table(("source", "last rate of", "last capture", "captures"), sources)
    if unused := [source.source for source in freshness if not source.captures]:
        yield plain(f"sources without captures: {', '.join(unused)}")


def _schedules(states: Sequence[SlotState]) -> RenderableType:
    rows = [
        (
            state.source,
            state.schedule,
            utc_minute(state.last_observed),
            utc_minute(state.next_slot),
            f"yes, since {utc_minute(state.due)}" if state.due else "no",
        )
        for state in states
    ]
    return table(("source", "schedule", "last slot observed", "next slot", "overdue"), rows)


def _runs(series: Sequence[RunSeries]) -> RenderableType:
    rows = [
        (run.run_id, run.kind, status, run.captures, run.rejects, run.error or "; ".join(run.warnings))
        for one in reversed(series)
        for run, status in [(one.last, _status(one))]
    ]
    return table(("last runs", "kind", "status", "captures", "rejects", "problems"), rows)


def _status(series: RunSeries) -> str:
    status = series.last.status
    return status if series.runs == 1 else f"{status} {series.runs} times since {utc_minute(series.since)}"


def _checks(checks: Sequence[CheckResult]) -> Iterator[RenderableType]:
    """The firing checks as a table, then some offending rows of each check, which are too wide for a column."""
    if not checks:
        yield plain("no check fires")
        return
    rows = [(check.check_name, check.model, check.severity, check.offending_rows) for check in checks]
    yield table(("firing check", "table", "severity", "rows"), rows)
    for check in checks:
        sample = check.sample.splitlines()[:SAMPLE_ROWS]
        heading = f"{check.check_name}, {len(sample)} of {counted(check.offending_rows, 'row')}:"
        yield plain("\n  ".join((heading, *sample)))
