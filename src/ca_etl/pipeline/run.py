"""One run from lock to journal: the order of the steps, and what is said of a run that fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ca_etl import __version__, logs
from ca_etl.archive.read import archive_files
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.pipeline.capture import Captured, NothingCapturedError, Page, capture
from ca_etl.pipeline.clock import ClockError, Witness, contradiction, newest_known
from ca_etl.pipeline.context import Clock, Context, Kind, Progress, Sleep, Status, silent, utc_now
from ca_etl.pipeline.enrich import enrich
from ca_etl.pipeline.feed_history import capture_feed
from ca_etl.pipeline.history import Stretch, capture_history
from ca_etl.pipeline.ingest import Given, ingest, oddities
from ca_etl.pipeline.killed import settle_crashes
from ca_etl.pipeline.ledger import article_slots, judged, missed_slots, slot_record
from ca_etl.pipeline.load import Loaded, load
from ca_etl.pipeline.publish import build, check, publish
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, Schedule, schedule
from ca_etl.sources.site import claim_data_dir
from ca_etl.sources.timesca import fetch_policy
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.files import write_atomic
from ca_etl.warehouse.journal import CheckResult, RunRecord, SlotRecord
from ca_etl.warehouse.release import Release, new_release_id

log = logging.getLogger(__name__)

Call = Callable[..., Any]
CHECKS_FAILED_EXIT = 3
STOPPED = "stopped by"
# Where the posts of a stretch of time are asked for, and the step that does it.
HISTORIES: Mapping[str, Call] = {"posts": capture_history, "feed": capture_feed}
# The months that backfills have crawled to their end, a file a source.
MARKS = "backfill-*.json"
FIRST_SLOT = datetime(2020, 1, 1, tzinfo=UTC)
# Prefect's worker begins a run some tenths of a second before its time; clocks differ by more.
EARLIEST_START = timedelta(minutes=1)


@dataclass(slots=True)
class Outcome:
    """What one run did, filled in as it goes. `release` is None when nothing was published.

    `asked` are the pages of a capture that gave nothing, `slots` the slots that passed without a run before it;
    `contradicted_by` and `held` are those of `RunRecord`.
    """

    run_id: str
    status: Status = Status.SUCCEEDED
    exit_status: int = 0
    release: Release | None = None
    captured: Captured | None = None
    loaded: Loaded | None = None
    checks: tuple[CheckResult, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    asked: tuple[Page, ...] = ()
    slots: tuple[SlotRecord, ...] = ()
    contradicted_by: datetime | None = None
    held: tuple[str, ...] = ()

    @property
    def fired(self) -> tuple[CheckResult, ...]:
        """The checks that found rows, errors first."""
        found = [result for result in self.checks if result.offending_rows]
        return tuple(sorted(found, key=lambda result: (result.severity != "error", result.check_name)))


def direct(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step gives
    """Call a step as it is. The Prefect flow puts a task in its place."""
    return step(*args)


@dataclass(frozen=True, slots=True)
class Edges:
    """What a run touches besides disk and site: clock, waiting, progress, and how a step is called.

    `trust_clock` is the word of an operator that the clock is right, whatever contradicts it.
    """

    clock: Clock = utc_now
    sleep: Sleep = time.sleep
    progress: Progress = silent
    call: Call = direct
    trust_clock: bool = False


DEFAULT_EDGES = Edges()


def run_daily(
    settings: Settings,
    *,
    slot: datetime | None = None,
    on: str = DAILY,
    edges: Edges = DEFAULT_EDGES,
) -> Outcome:
    """Capture the slot's pages and publish what they say.

    `slot` is the scheduled instant (zone-aware) on the schedule named `on`; None takes its last one before now. One
    of the past names the archive file alone: the pages are those of now, and count for the last slot before now.
    Raises `UsageError` for settings that make no sense and for a slot that has not come, and `LockHeldError` when
    another run is on; every other failure that an operator can act on is journalled and told in the outcome.
    """
    fetch_policy(settings)
    claim_data_dir(settings.data_dir, str(settings.site_url))
    planned = schedule(settings, on)
    now = edges.clock()
    slot = slot or planned.latest(now)
    if slot < FIRST_SLOT:
        raise UsageError(f"the slot {slot.isoformat()} is none that anybody planned", "ca-etl schedule")
    if slot > now + EARLIEST_START:
        raise UsageError(
            f"the slot {slot:%Y-%m-%d %H:%M:%S %Z} has not come: nobody can have its pages",
            "ca-etl schedule (says when the next one is)",
        )
    with _run(Kind.RUN, settings, edges, planned, slot) as run:
        # first the pages, which nobody can get later: the clock may be right, and the journal wrong
        run.outcome.captured = run.step(capture)
        run.check_clock()
        run.outcome.warnings += run.outcome.captured.warnings
        run.load_and_publish()
    return run.outcome


def run_ingest(settings: Settings, given: Given, *, edges: Edges = DEFAULT_EDGES) -> Outcome:
    """Archive files given by hand and publish what they say. Failures are told as in `run_daily`."""
    with _run(Kind.INGEST, settings, edges) as run:
        run.check_clock()
        report = run.step(ingest, given)
        run.outcome.warnings += oddities(report)
        run.load_and_publish()
    return run.outcome


def run_backfill(
    settings: Settings, stretch: Stretch, *, source: str = "posts", edges: Edges = DEFAULT_EDGES
) -> Outcome:
    """Archive the posts of a stretch of time and publish what they say. Failures are told as in `run_daily`.

    `source` is one of `HISTORIES`, else `UsageError` is raised. What was archived before the API closed, or somebody
    pressed Ctrl-C, is loaded by the next run.
    """
    if source not in HISTORIES:
        raise UsageError(
            f"no history of {source!r} can be walked; of {' and '.join(HISTORIES)} it can",
            "ca-etl backfill --help",
        )
    fetch_policy(settings)
    claim_data_dir(settings.data_dir, str(settings.site_url))
    with _run(Kind.BACKFILL, settings, edges) as run:
        run.check_clock()
        marks = {path: path.read_bytes() for path in settings.data_dir.glob(MARKS)}
        run.step(HISTORIES[source], stretch)
        try:
            run.check_clock()
        except ClockError:
            # what was crawled with a wrong clock is to be crawled again
            for path in settings.data_dir.glob(MARKS):
                write_atomic(path, marks.get(path, b"[]\n"))
            raise
        run.load_and_publish()
    return run.outcome


def run_rebuild(settings: Settings, *, only_rejects: bool = False, edges: Edges = DEFAULT_EDGES) -> Outcome:
    """Make the warehouse anew from every file of the archive. Failures are told as in `run_daily`.

    `only_rejects` keeps what is loaded and reads again what an earlier version of the parser rejected.
    """
    with _run(Kind.RETRY if only_rejects else Kind.REBUILD, settings, edges) as run:
        run.check_clock()
        run.load_and_publish()
    return run.outcome


@dataclass(slots=True)
class _Run:
    """A run under way: what its steps are called with, and what they have left so far."""

    ctx: Context
    held: lock.RunLock
    outcome: Outcome
    edges: Edges
    planned: Schedule | None = None
    known: Witness | None = None
    before: frozenset[Path] = frozenset()

    def step(self, function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401
        name = function.__name__
        journal.keep_room(self.ctx.settings.data_dir)
        self.held.step(name)
        with logs.bound(step=name), logs.timed(log, name):
            return self.edges.call(function, self.ctx, *args)

    def check_clock(self) -> None:
        """Stop a run whose clock is contradicted, before it writes observations. Raises `ClockError`."""
        witness = self.judge_clock()
        if witness is not None and not self.edges.trust_clock:
            raise ClockError(self.ctx.started_at, witness)

    def judge_clock(self) -> Witness | None:
        """What contradicts the clock; the archive files of this run are held back then, unless the clock is trusted."""
        root, started_at = self.ctx.settings.archive_dir, self.ctx.started_at
        # an ingest archives what others have captured; a capture also recovers what a killed run has left
        stamp = f"{self.ctx.slot or started_at:%Y%m%dT%H%M%SZ}-"
        files = archive_files(root) if self.ctx.kind in {Kind.RUN, Kind.BACKFILL} else []
        own = [path for path in files if path.name.startswith(stamp) and path not in self.before]
        witness = contradiction(started_at, self.known, own)
        if witness is None:
            return None
        if not self.edges.trust_clock:
            self.outcome.held = tuple(path.relative_to(root).as_posix() for path in own)
        elif self.outcome.contradicted_by is None:
            self.outcome.warnings += (f"{witness.against(started_at)}: it is trusted",)
        self.outcome.contradicted_by = witness.at
        return witness

    def load_and_publish(self) -> None:
        outcome = self.outcome
        outcome.loaded = self.step(load)
        self.step(enrich)
        self.step(build, self.record())
        outcome.checks = self.step(check)
        errors = [result for result in outcome.fired if result.severity == "error"]
        if errors:
            names = ", ".join(f"{result.check_name} ({result.offending_rows} rows)" for result in errors)
            outcome.status = Status.CHECKS_FAILED
            outcome.exit_status = CHECKS_FAILED_EXIT
            outcome.error = f"checks failed, nothing was published: {names}"
            outcome.hint = "ca-etl status (shows the offending rows)"
            return
        outcome.release = self.step(publish)

    def record(self) -> RunRecord:
        """The run as the journal tells it.

        `raw.run` holds it too, written before the release it stands in: it is read only if the run succeeds.
        """
        outcome, loaded = self.outcome, self.outcome.loaded
        published = outcome.status is Status.SUCCEEDED
        # by a wrong clock it is unknown which slot it was
        is_stopped = outcome.contradicted_by is not None and not self.edges.trust_clock
        return RunRecord(
            run_id=outcome.run_id,
            kind=self.ctx.kind,
            slot=self.ctx.slot,
            started_at=self.ctx.started_at,
            finished_at=self.ctx.clock(),
            status=outcome.status,
            exit_status=outcome.exit_status,
            release_id=outcome.run_id if published else None,
            captures=loaded.captures if loaded else 0,
            rejects=loaded.rejects - loaded.expected if loaded else 0,
            error=outcome.error or None,
            code_version=__version__,
            warnings=outcome.warnings,
            checks=outcome.fired,
            schedule=self.ctx.schedule,
            slots=() if is_stopped else (*outcome.slots, *self._own_slots()),
            contradicted_by=outcome.contradicted_by,
            held=outcome.held,
        )

    def _own_slots(self) -> tuple[SlotRecord, ...]:
        if self.planned is None or self.ctx.slot is None:
            return ()
        outcome = self.outcome
        became, reason = judged(outcome.captured, outcome.loaded, outcome.asked, outcome.error)
        slot = max(self.ctx.slot, self.ctx.started_at)
        articles = outcome.captured.articles if outcome.captured else ()
        return (
            *article_slots(self.planned, slot, articles),
            slot_record(self.planned, slot, became, reason),
        )


@contextmanager
def _run(
    kind: Kind,
    settings: Settings,
    edges: Edges,
    planned: Schedule | None = None,
    slot: datetime | None = None,
) -> Iterator[_Run]:
    """Hold the lock for the block and write the run's journal line, however the block ends.

    Errors that an operator can act on end here, in the outcome; any other is a defect and goes on.
    """
    data_dir = settings.data_dir
    started_at = edges.clock()
    # a run killed within the second would share its id with this one, and the journal holds one line of an id
    taken = {record.run_id for record in journal.read(data_dir)} | lock.unrecorded_runs(data_dir)
    run_id = new_release_id(data_dir, started_at, taken)
    name = planned.name if planned else None
    holder = lock.Holder.here(run_id, kind, started_at, schedule=name, slot=slot)
    with (
        logs.bound(run_id=run_id, kind=kind, slot=slot, source=planned.source if planned else None),
        lock.run_lock(data_dir, holder) as held,
    ):
        runs = settle_crashes(settings)
        ctx = Context(
            settings, kind, run_id, started_at, slot, edges.clock, edges.sleep, edges.progress, name, runs
        )
        archived = archive_files(settings.archive_dir)
        known = newest_known(settings, runs, archived)
        run = _Run(ctx, held, Outcome(run_id), edges, planned, known, frozenset(archived))
        if planned and slot:
            run.outcome.slots = missed_slots(planned, runs, max(slot, started_at))
        try:
            yield run
        except (CaEtlError, OSError, duckdb.Error) as error:
            _fail(run.outcome, error)
        except BaseException as error:
            _fail(run.outcome, error)
            raise
        finally:
            if run.outcome.loaded is None:
                # a capture that failed or was interrupted has archived something, too
                with suppress(OSError):
                    run.judge_clock()
            journal.append(data_dir, run.record())
            held.recorded()
            log.info("%s %s: %s", kind, run_id, run.outcome.status)


def _fail(outcome: Outcome, error: BaseException) -> None:
    outcome.status = Status.FAILED
    if isinstance(error, NothingCapturedError):
        outcome.asked = error.pages
    if isinstance(error, CaEtlError):
        outcome.exit_status, outcome.error, outcome.hint = error.exit_status, str(error), error.hint
    elif isinstance(error, Exception):
        outcome.exit_status, outcome.error = 1, f"{type(error).__name__}: {error}"
    else:
        # Ctrl-C, a service that stops, Prefect's answer to SIGTERM: none is an Exception, none says a word
        outcome.exit_status, outcome.error = 1, f"{STOPPED} {type(error).__name__}"
