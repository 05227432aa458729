"""Execute one run: take the lock, call the steps in order, and record in the journal how the run ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from ca_etl import __version__, logs
from ca_etl.archive.reader import archive_files
from ca_etl.errors import CaEtlError, Problem, UsageError, counted, nearest_folder
from ca_etl.pipeline.backfill import COMPLETE_MONTHS, capture_history, source_with_past
from ca_etl.pipeline.capture import (
    Captured,
    GivenFiles,
    NothingCapturedError,
    capture,
    enabled_sources,
    ingest,
)
from ca_etl.pipeline.clock import ClockError, Witness, clock_from, contradiction, newest_known, time_of
from ca_etl.pipeline.context import Environment, recorded_stops, stop_by
from ca_etl.pipeline.crash_recovery import new_run_id, recover_crashed_runs
from ca_etl.pipeline.enrich import enrich
from ca_etl.pipeline.load import assert_most_is_kept, load
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.publish import build, check, prune, publish, published_by, report
from ca_etl.pipeline.slots import missed_slots
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, Schedule, schedule
from ca_etl.sources.session import Context, fetch_policy
from ca_etl.sources.source import DateRange, SourceUnavailableError, outcome_of_pages
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.data_directory import (
    assert_restored,
    consult_restore,
    consult_site,
    holds_demo,
    settle_marker,
)
from ca_etl.warehouse.durable_files import StorageError, write_atomic
from ca_etl.warehouse.journal import Cause, RunKind, RunRecord, RunStatus, SlotRecord
from ca_etl.warehouse.reading import consult, stop_of
from ca_etl.warehouse.release import Building, discard

log = logging.getLogger(__name__)

CHECKS_FAILED_EXIT = 3
# The site is at fault, and a later run may be served.
SITE_ERRORS = (NothingCapturedError, SourceUnavailableError)
FIRST_SLOT = datetime(2020, 1, 1, tzinfo=UTC)
# Prefect's worker begins a run some tenths of a second before its time; clocks differ by more.
EARLIEST_START = timedelta(minutes=1)
DEFAULT_ENVIRONMENT = Environment()


def run_daily(
    settings: Settings,
    *,
    slot: datetime | None = None,
    on: str = DAILY,
    environment: Environment = DEFAULT_ENVIRONMENT,
) -> Outcome:
    """Run one slot of a schedule: capture its pages, load their rows, and publish a release.

    `slot` is an instant (zone-aware) of the schedule named `on`; None means its latest one before now. A past slot
    only names the archive file: the pages are requested now, and count for the latest slot before now. Raises
    `UsageError` for impossible settings and for a slot in the future, `LockHeldError` when another run holds the lock;
    any other failure that an operator can act on is recorded in the journal and in the outcome.
    """
    planned = schedule(settings, on)
    now = environment.clock()
    slot = slot or planned.latest(now)
    if slot < FIRST_SLOT:
        raise UsageError(
            f"the slot {slot.isoformat()} is before {FIRST_SLOT:%Y}: no schedule has it", "ca-etl schedule"
        )
    if slot > now + EARLIEST_START:
        raise UsageError(
            f"the slot {slot:%Y-%m-%d %H:%M:%S %Z} is in the future: its pages do not exist yet",
            "ca-etl schedule",
        )
    fetch_policy(settings)
    enabled_sources(settings, environment.sources)
    site = consult_site(settings)
    with _run(RunKind.RUN, settings, environment, planned, slot) as run:
        run.problems += (site,) if site else ()
        # first the pages, which no later run can get: the clock may be right, and the journal wrong
        run.outcome.captured = run.step(capture)
        run.check_clock()
        run.outcome.warnings += run.outcome.captured.warnings
        run.problems += run.outcome.captured.problems
        run.load_and_publish()
    return run.outcome


def run_ingest(
    settings: Settings, given: GivenFiles, *, environment: Environment = DEFAULT_ENVIRONMENT
) -> Outcome:
    """Archive files of an operator, and publish a release with their rows. A failure is recorded in the outcome."""
    assert_restored(settings.data_dir)
    with _run(RunKind.INGEST, settings, environment) as run:
        run.check_clock()
        report = run.step(ingest, given)
        run.outcome.warnings += report.warnings
        run.outcome.files_held = report.files_held
        run.load_and_publish()
    return run.outcome


def run_backfill(
    settings: Settings,
    days: DateRange,
    *,
    source: str = "posts",
    environment: Environment = DEFAULT_ENVIRONMENT,
) -> Outcome:
    """Archive the articles, or the tables of a bank, of a date range, and publish a release with them.

    A failure is recorded in the outcome. Raises `UsageError` for a `source` that is not a key of `histories`. What was
    archived before the source became unavailable, or before a Ctrl-C, is loaded by the next run.
    """
    assert_restored(settings.data_dir)
    source_with_past(environment.sources, source)
    fetch_policy(settings)
    site = consult_site(settings)
    with _run(RunKind.BACKFILL, settings, environment) as run:
        run.problems += (site,) if site else ()
        run.check_clock()
        marks = {path: path.read_bytes() for path in settings.data_dir.glob(COMPLETE_MONTHS)}
        run.step(capture_history, days, source)
        try:
            run.check_clock()
        except ClockError:
            # what was crawled with a wrong clock is to be crawled again
            for path in settings.data_dir.glob(COMPLETE_MONTHS):
                write_atomic(path, marks.get(path, b"[]\n"))
            raise
        run.load_and_publish()
    return run.outcome


def run_rebuild(
    settings: Settings, *, only_rejects: bool = False, environment: Environment = DEFAULT_ENVIRONMENT
) -> Outcome:
    """Build a new release from all archive files, and publish it.

    `only_rejects` keeps the loaded rows, and parses again only captures that an earlier parser version rejected. A
    failure is recorded in the outcome. Raises `UsageError` for a data directory without an archive file.
    """
    if not environment.restores:
        assert_restored(settings.data_dir)
    # a directory in which another run archives the first file is not a mistyped one
    if lock.live_run(settings.data_dir) is None and not archive_files(settings.archive_dir):
        raise UsageError(
            f"{settings.data_dir} has no archive file to build a release from (CA_ETL_DATA_DIR names the directory)",
            f"ls {nearest_folder(settings.data_dir.parent)}",
        )
    with _run(RunKind.RETRY if only_rejects else RunKind.REBUILD, settings, environment) as run:
        run.check_clock()
        run.load_and_publish()
    return run.outcome


@dataclass(slots=True)
class _Run:
    """A run under way: what its steps are called with, and what they have left so far."""

    ctx: Context
    held: lock.RunLock
    outcome: Outcome
    environment: Environment
    planned: Schedule | None = None
    known: Witness | None = None
    before: frozenset[Path] = frozenset()
    problems: tuple[Problem, ...] = ()
    interrupts: Sequence[int] = ()

    def begin(self) -> None:
        recovery = recover_crashed_runs(self.ctx.settings, self.ctx.started_at)
        self.ctx = replace(self.ctx, runs=recovery.runs)
        restoring = None if self.environment.restores else consult_restore(self.ctx.settings.data_dir)
        self.problems += (*recovery.problems, *([restoring] if restoring else []))
        # a run and a backfill have claimed the directory for the site that they are about to request
        if self.planned is None and self.ctx.kind is not RunKind.BACKFILL:
            marker = settle_marker(self.ctx.settings)
            self.problems += (marker,) if marker else ()
        self.outcome.warnings += recovery.warnings
        archived = archive_files(self.ctx.settings.archive_dir)
        self.before = frozenset(archived)
        self.known = newest_known(self.ctx.settings, recovery.runs, archived)
        if self.planned and self.ctx.slot:
            slot = max(self.ctx.slot, self.ctx.started_at)
            self.outcome.slots = missed_slots(self.planned, recovery.runs, slot)

    def step(self, function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401
        if self.interrupts:
            raise stop_by(self.interrupts[-1])
        name = function.__name__
        # the archive may be on another disk than the journal, which has no room: the next step meets that again
        with suppress(StorageError) if function is capture else nullcontext():
            journal.keep_room(self.ctx.settings.data_dir)
            self.held.step(name)
        with logs.bound(step=name), logs.timed(log, name):
            return self.environment.call(function, self.ctx, *args)

    @property
    def trusts_clock(self) -> bool:
        """Whether an operator states that the clock is right, even where a recorded time contradicts it."""
        return self.environment.trust_clock or self.ctx.settings.trust_clock

    def check_clock(self) -> None:
        """Raise `ClockError` for a run whose clock a recorded time contradicts, before it writes observations."""
        witness = self.evaluate_clock()
        if witness is not None and not self.trusts_clock:
            raise ClockError(self.ctx.started_at, witness)

    def evaluate_clock(self) -> Witness | None:
        """Compare the clock of this machine with recorded times; return the one that contradicts the clock, else None.

        The archive files of a run with a wrong clock are kept and not loaded, unless the clock is trusted.
        """
        root, started_at = self.ctx.settings.archive_dir, self.ctx.started_at
        # an ingest archives what others have captured; a capture also recovers what a killed run has left
        stamp = f"{self.ctx.slot or started_at:%Y%m%dT%H%M%SZ}-"
        files = archive_files(root) if self.ctx.kind in {RunKind.RUN, RunKind.BACKFILL} else []
        own = [path for path in files if path.name.startswith(stamp) and path not in self.before]
        witness = contradiction(started_at, self.known, own)
        if witness is None:
            return None
        if not self.trusts_clock:
            self.outcome.held = tuple(path.relative_to(root).as_posix() for path in own)
        elif self.outcome.contradicted_by is None:
            self.outcome.warnings += (f"{witness.against(started_at)}: the clock is trusted all the same",)
        self.outcome.contradicted_by = witness.at
        return witness

    def load_and_publish(self) -> None:
        outcome = self.outcome
        if problems := dict.fromkeys(self.problems):
            self.problems = ()
            done = "the pages are archived, and " if outcome.captured else ""
            raise CaEtlError(
                f"{done}nothing is published: {'; '.join(problem.message for problem in problems)}",
                " && ".join(dict.fromkeys(problem.next_command for problem in problems)),
            )
        outcome.loaded = loaded = self.step(load)
        outcome.warnings += loaded.warnings
        if loaded.is_fresh and not self.ctx.accept_loss:
            assert_most_is_kept(self.ctx)
        self.step(enrich)
        self.step(build, self.record())
        outcome.checks = self.step(check)
        errors = [result for result in outcome.fired if result.severity == "error"]
        if errors:
            names = ", ".join(
                f"{result.check_name} ({counted(result.offending_rows, 'row')})" for result in errors
            )
            outcome.status, outcome.exit_status = RunStatus.CHECKS_FAILED, CHECKS_FAILED_EXIT
            outcome.error = f"checks failed, nothing was published: {names}"
            outcome.hint = "ca-etl status"
            return
        outcome.warnings += self.step(report)
        outcome.release = self.step(publish)
        outcome.warnings += prune(self.ctx)

    def record(self) -> RunRecord:
        """The run as a line of the journal.

        `raw.run` has it, too. It is written there before the release is published, and read only if the run succeeds.
        """
        outcome, loaded = self.outcome, self.outcome.loaded
        # by a wrong clock it is unknown which slot it was
        is_stopped = outcome.contradicted_by is not None and not self.trusts_clock
        return RunRecord(
            run_id=outcome.run_id,
            kind=self.ctx.kind,
            slot=self.ctx.slot,
            started_at=self.ctx.started_at,
            finished_at=self.ctx.clock(),
            status=outcome.status,
            exit_status=outcome.exit_status,
            release_id=outcome.run_id if outcome.status is RunStatus.SUCCEEDED else None,
            captures=loaded.captures if loaded else 0,
            rejects=loaded.rejects - loaded.expected if loaded else 0,
            of_other_sites=loaded.of_other_sites if loaded else 0,
            error=outcome.error or None,
            code_version=__version__,
            warnings=outcome.warnings,
            checks=outcome.fired,
            schedule=self.ctx.schedule,
            slots=() if is_stopped else (*outcome.slots, *self._own_slots()),
            contradicted_by=outcome.contradicted_by,
            held=outcome.held,
            cause=outcome.cause,
        )

    def _own_slots(self) -> tuple[SlotRecord, ...]:
        if self.planned is None or self.ctx.slot is None:
            return ()
        outcome, planned, slot = self.outcome, self.planned, max(self.ctx.slot, self.ctx.started_at)
        captured, loaded = outcome.captured or Captured((), 0), outcome.loaded
        own = outcome_of_pages(
            planned.source,
            captured.pages,
            captured.already_archived,
            rates=loaded.rates - loaded.other_rates if loaded else None,
            error=outcome.error,
            cause=outcome.cause,
        )
        return tuple(source.record(planned, slot) for source in (*captured.others, own))


@contextmanager
def _run(
    kind: RunKind,
    settings: Settings,
    environment: Environment,
    planned: Schedule | None = None,
    slot: datetime | None = None,
) -> Iterator[_Run]:
    """Hold the lock for the block and write the run's journal line, however the block ends.

    Errors that an operator can act on end here, in the outcome; any other is a defect and is raised.
    """
    data_dir = settings.data_dir
    if holds_demo(settings):
        # what a rebuild publishes of days of the past would be overdue by the clock of this machine
        runs = consult(partial(journal.read, data_dir), (), journal.JOURNAL_FILE, "ca-etl doctor").value
        at = time_of(runs, environment.clock(), is_demo=True)
        environment = replace(environment, clock=clock_from(at))
    started_at = environment.clock()
    run_id = new_run_id(data_dir, started_at)
    name = planned.name if planned else None
    holder = lock.Holder.here(run_id, kind, started_at, schedule=name, slot=slot)
    with (
        logs.bound(run_id=run_id, kind=kind, slot=slot, source=planned.source if planned else None),
        lock.run_lock(data_dir, holder) as held,
        recorded_stops() as interrupts,
    ):
        ctx = Context(
            settings,
            kind,
            run_id,
            started_at,
            slot,
            environment.clock,
            environment.sleep,
            environment.progress,
            name,
            sources=environment.sources,
            accept_loss=environment.accept_loss,
        )
        run = _Run(ctx, held, Outcome(run_id), environment, planned, interrupts=interrupts)
        try:
            run.begin()
            yield run
        except BaseException as error:
            stop = stop_by(interrupts[-1]) if interrupts else stop_of(error)
            _record_failure(run, stop or error)
            if stop is not None and stop is not error:
                raise stop from None
            if stop is not None or not isinstance(error, CaEtlError | OSError | duckdb.Error):
                raise
        finally:
            if run.outcome.loaded is None:
                # a capture that failed or was interrupted has archived something, too
                with suppress(OSError):
                    run.evaluate_clock()
            _record(run)
            log.info("%s %s: %s", kind, run_id, run.outcome.status)


def _record(run: _Run) -> None:
    """Write the journal line of the run; where that fails, warn: the next run writes the line."""
    try:
        journal.append(run.ctx.settings.data_dir, run.record())
        run.held.recorded()
    except StorageError as error:
        run.held.is_recorded = False
        run.outcome.warnings += (
            f"this run could not be written to the journal, the next run adds it: {error}; next: {error.hint}",
        )


def _record_failure(run: _Run, error: BaseException) -> None:
    outcome, data_dir = run.outcome, run.ctx.settings.data_dir
    outcome.warnings += tuple(map(str, run.problems))
    if isinstance(error, NothingCapturedError):
        outcome.captured = Captured(error.pages, 0, error.others)
    hint = error.hint if isinstance(error, CaEtlError) else ""
    what = str(error) if isinstance(error, CaEtlError) else f"{type(error).__name__}: {error}"
    status, cause = RunStatus.FAILED, Cause.SITE if isinstance(error, SITE_ERRORS) else Cause.MACHINE
    if stop_of(error) is not None:
        # DuckDB and Arrow make an Exception of a stop; in a terminal that is Ctrl-C
        is_user = isinstance(error, KeyboardInterrupt | Exception)
        what = f"stopped by {'the user (Ctrl-C)' if is_user else 'a signal (a service or Prefect ended it)'}"
        status, cause = RunStatus.CANCELLED, Cause.INTERRUPTED
    if run.held.holder.step == publish.__name__:
        made = consult(partial(published_by, data_dir, outcome.run_id), None, data_dir, "ca-etl releases")
        if made.value is not None:
            outcome.release = made.value
            outcome.warnings += (
                f"the release is published, but the run then failed: {what}; next: {hint or 'ca-etl status'}",
            )
            return
    outcome.status, outcome.error, outcome.hint, outcome.cause = status, what, hint, cause
    outcome.exit_status = error.exit_status if isinstance(error, CaEtlError) else 1
    if isinstance(error, StorageError):
        outcome.error += "; the published release is unchanged"
        if error.full:
            # what was built is of no use, and holds the room that the next run needs
            with suppress(StorageError):
                discard(Building(data_dir, outcome.run_id))
