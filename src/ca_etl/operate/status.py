"""What an operator asks first: how fresh the data is, what the last runs did, which checks fire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from ca_etl.errors import CaEtlError, Problem
from ca_etl.operate import alert_store
from ca_etl.operate.alert_store import OpenAlert
from ca_etl.pipeline.clock import evidence
from ca_etl.pipeline.crash_recovery import lost_run_ids
from ca_etl.pipeline.slots import last_observed, overdue, present
from ca_etl.screen import table
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedules
from ca_etl.warehouse import journal, lock, overrides
from ca_etl.warehouse.journal import CheckResult, Journal, RunRecord, RunStatus, SlotRecord
from ca_etl.warehouse.reading import Consulted, consult, published_warehouse
from ca_etl.warehouse.release import current_release

LAST_RUNS: Final = 5
SAMPLE_ROWS: Final = 3

FRESHNESS: Final = """
    select
        source.source,
        max(rate.rate_date)::varchar,
        (max(capture.captured_at) filter (where capture.captured_at <= $now))::varchar,
        count(distinct capture.capture_id)
    from main.dim_source as source
    left join raw.capture as capture using (source)
    left join main.fct_rate_observation as rate using (capture_id)
    group by all order by all
"""
FIRING: Final = """
    select check_name, model, severity, offending_rows, sample
    from main.etl_check where offending_rows > 0 order by severity, check_name
"""
REJECTS: Final = "select reason, count(*) from main.etl_reject group by all order by all"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest data of one source: a day in the source's zone, and an instant in UTC, both as text."""

    source: str
    last_rate_date: str | None
    last_captured_at: str | None
    captures: int


@dataclass(frozen=True, slots=True)
class SlotState:
    """How far one schedule has been observed. Instants in UTC.

    `due` is the latest slot that should have been observed by now and was not; None when nothing is missed.
    """

    source: str
    schedule: str
    last_observed: datetime | None
    next_slot: datetime
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one data directory.

    `checks` are those that fired in the last run that got so far, `rejects` counts the current release's by reason,
    `articles` is what each source of articles answered last, `running` names the run that is on, `alerts` are those
    that were open when somebody last looked. `damaged` has what of it could not be read, `warnings` what a damaged
    journal lacks or has had set aside, `ahead` the ids of runs of the future.
    """

    data_dir: str
    release: str | None
    published_at: datetime | None
    running: str | None
    freshness: tuple[Freshness, ...]
    runs: tuple[RunRecord, ...]
    checks: tuple[CheckResult, ...]
    rejects: dict[str, int]
    schedules: tuple[SlotState, ...] = ()
    articles: tuple[SlotRecord, ...] = ()
    alerts: tuple[OpenAlert, ...] = ()
    damaged: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    ahead: tuple[str, ...] = ()


def collect(settings: Settings, now: datetime) -> Status:
    """Read the journal, the lock's holder and the current release. `now` is zone-aware.

    Raises `CaEtlError` when the holder or the release is unreadable; journal, decisions and alerts may be.
    """
    data_dir = settings.data_dir
    alerts, damaged = _alerts(settings)
    path = data_dir / journal.JOURNAL_FILE
    written = consult(partial(journal.read_journal, data_dir), Journal(), path, f"ls -l {path}")
    runs = journal.distinct(written.value.runs)
    come = present(runs, now)
    lost: frozenset[str] = frozenset()
    decided: Consulted[Problem | None] = Consulted(None)
    release = current_release(data_dir)
    published = {run.release_id: run.finished_at for run in runs}
    freshness: tuple[Freshness, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    rejects: dict[str, int] = {}
    with published_warehouse(data_dir) as con:
        if con is not None:
            freshness = tuple(Freshness(*row) for row in con.execute(FRESHNESS, {"now": now}).fetchall())
            checks = tuple(CheckResult(*row) for row in con.execute(FIRING).fetchall())
            rejects = dict(con.execute(REJECTS).fetchall())
            lost = lost_run_ids(con, data_dir, written.value)
            decided = consult(
                partial(overrides.lost, con, data_dir), None, overrides.DECISIONS_FILE, "ca-etl doctor"
            )
    if runs and runs[-1].status == RunStatus.CHECKS_FAILED:
        checks = runs[-1].checks
    return Status(
        data_dir=str(data_dir),
        release=release.release_id if release else None,
        published_at=published.get(release.release_id) if release else None,
        running=_running(settings),
        freshness=freshness,
        runs=runs[-LAST_RUNS:],
        checks=checks,
        rejects=rejects,
        schedules=_slot_states(settings, runs, now),
        articles=_last_articles(settings, come),
        ahead=tuple(run.run_id for run in evidence(runs) if run not in come),
        alerts=alerts,
        damaged=(*damaged, *(each for each in (written.problem, decided.problem, decided.value) if each)),
        warnings=() if written.problem else tuple(journal.problems(data_dir, written.value, lost)),
    )


def staleness(status: Status) -> tuple[str, ...]:
    """One sentence for each schedule that is overdue, and one when nothing is published; empty when data are fresh."""
    found = [
        f"{each.source} ({each.schedule}) is stale: the slot of {_instant(each.due)} was due, the last one observed "
        f"is {_instant(each.last_observed) if each.last_observed else 'none'}"
        for each in status.schedules
        if each.due
    ]
    if status.release is None:
        found.append(f"{status.data_dir} holds no published release")
    return tuple(found)


def _alerts(settings: Settings) -> tuple[tuple[OpenAlert, ...], tuple[Problem, ...]]:
    try:
        return alert_store.read(settings.data_dir).open, ()
    except CaEtlError as error:
        return (), (Problem(str(error), error.hint),)


def _slot_states(settings: Settings, runs: tuple[RunRecord, ...], now: datetime) -> tuple[SlotState, ...]:
    due = {(each.source, each.schedule): each.due for each in overdue(settings, runs, now)}
    return tuple(
        SlotState(
            each.source,
            each.name,
            last_observed(each, runs, now),
            next(each.after(now)),
            due.get((each.source, each.name)),
        )
        for each in schedules(settings)
    )


def _last_articles(settings: Settings, runs: tuple[RunRecord, ...]) -> tuple[SlotRecord, ...]:
    own = {each.source for each in schedules(settings)}
    latest = {
        (each.source, each.schedule): each for run in runs for each in run.slots if each.source not in own
    }
    return tuple(latest[key] for key in sorted(latest))


def render(status: Status, now: datetime) -> RenderableType:
    """The status for people. `now` is zone-aware."""
    parts: list[RenderableType] = [_headline(status, now)]
    if status.alerts:
        rows = [(each.title, _instant(each.since), each.next_command) for each in status.alerts]
        parts.append(table(("open alert", "since", "next"), rows))
    if status.ahead:
        ahead = f"runs of the future count for nothing: {', '.join(status.ahead)}"
        parts.append(Text(f"{ahead}. Next: ca-etl run --trust-clock (if the clock is right)"))
    if status.warnings:
        parts.append(
            table(("warning", "next"), [(each.message, each.next_command) for each in status.warnings])
        )
    if status.running:
        parts.append(Text(f"running now: {status.running}"))
    if status.freshness:
        parts.append(
            table(
                ("source", "last rate of", "last capture", "captures"),
                [(f.source, f.last_rate_date, f.last_captured_at, f.captures) for f in status.freshness],
            )
        )
    parts.append(_schedules(status.schedules))
    if status.articles:
        parts.append(
            table(
                ("articles from", "schedule", "last asked in slot", "outcome", "why"),
                [(a.source, a.schedule, _instant(a.slot), a.outcome, a.reason) for a in status.articles],
            )
        )
    parts.append(_runs(status.runs))
    parts.extend(_checks(status.checks))
    if status.rejects:
        parts.append(table(("reject", "rows"), list(status.rejects.items())))
    return Group(*parts)


def _headline(status: Status, now: datetime) -> Text:
    if status.release is None:
        return Text(
            f"{status.data_dir}: nothing is published yet. Next: ca-etl run, ca-etl ingest or ca-etl demo"
        )
    age = f", {_age(now, status.published_at)} old" if status.published_at else ""
    return Text(f"{status.data_dir}: release {status.release}{age}")


def _age(now: datetime, then: datetime) -> str:
    hours = (now - then).total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"


def _schedules(states: tuple[SlotState, ...]) -> RenderableType:
    rows = [
        (
            each.source,
            each.schedule,
            _instant(each.last_observed) if each.last_observed else "none",
            _instant(each.next_slot),
            f"yes, since {_instant(each.due)}" if each.due else "no",
        )
        for each in states
    ]
    return table(("source", "schedule", "last slot observed", "next slot", "overdue"), rows)


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _runs(runs: tuple[RunRecord, ...]) -> RenderableType:
    rows = [
        (run.run_id, run.kind, run.status, run.captures, run.rejects, run.error or "; ".join(run.warnings))
        for run in reversed(runs)
    ]
    return table(("last runs", "kind", "status", "captures", "rejects", "what was odd"), rows)


def _checks(checks: tuple[CheckResult, ...]) -> Iterator[RenderableType]:
    """The checks that fire as a table, then some rows of each: they are wider than a column of it."""
    if not checks:
        yield Text("no check fires")
        return
    rows = [(c.check_name, c.model, c.severity, c.offending_rows) for c in checks]
    yield table(("firing check", "table", "severity", "rows"), rows)
    for check in checks:
        sample = check.sample.splitlines()
        told = f"{check.check_name}, {min(len(sample), SAMPLE_ROWS)} of {check.offending_rows} rows:"
        yield Text("\n  ".join((told, *sample[:SAMPLE_ROWS])))


def _running(settings: Settings) -> str | None:
    holder = lock.at_work(settings.data_dir)
    return None if holder is None else str(holder)
