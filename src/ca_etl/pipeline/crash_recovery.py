"""Recovery before a run: journal killed runs, complete their announced releases, repair a damaged journal."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
from pydantic import TypeAdapter, ValidationError

from ca_etl import __version__
from ca_etl.errors import Problem, counted
from ca_etl.pipeline.slots import missed_slots
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedules
from ca_etl.sources.source import SourceOutcome
from ca_etl.warehouse import journal, lock, overrides
from ca_etl.warehouse.durable_files import read_if_there, write_atomic
from ca_etl.warehouse.journal import Cause, Journal, RunRecord, RunStatus, SlotOutcome, SlotRecord
from ca_etl.warehouse.reading import consult, consult_release
from ca_etl.warehouse.release import new_release_id, recover, releases

log = logging.getLogger(__name__)

CHECKPOINT_FILE: Final = "articles.json"

# A run's own slot comes last in the journal, after those that passed without a run and its articles. A release of an
# earlier version has fewer columns: a run that it alone knows is restored with those.
LOST_RUNS: Final = """
    select run.*, array(
        select line from (select * exclude (run_id) from raw.slot as slot where slot.run_id = run.run_id) as line
        order by line.slot, list_contains($own, line.source), line.source
    ) as slots
    from raw.run as run
    where list_contains($lost, run_id)
    order by started_at
"""


@dataclass(frozen=True, slots=True)
class RecoveredJournal:
    """The journal of runs after its repair. `problems` fail the run once its pages are captured, `warnings` do not."""

    runs: tuple[RunRecord, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


def new_run_id(data_dir: Path, started_at: datetime) -> str:
    """An id for a run that began at `started_at`, which no run in journal, lock or releases has."""
    runs = consult(partial(journal.read, data_dir), (), journal.JOURNAL_FILE, f"ls -la {data_dir}")
    # a run killed within the second would share its id with this one, and the journal holds one line of an id
    taken = {record.run_id for record in runs.value} | lock.unrecorded_runs(data_dir)
    stamp = f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return consult(
        partial(new_release_id, data_dir, started_at, taken), stamp, data_dir, f"ls -la {data_dir}"
    ).value


def recover_crashed_runs(settings: Settings, at: datetime) -> RecoveredJournal:
    """Write the missing journal lines of killed runs and repair a damaged journal; returns the journal afterwards.

    A journal that cannot be read is a problem in the result, not an exception.
    """
    data_dir = settings.data_dir
    path = data_dir / journal.JOURNAL_FILE
    known = consult(partial(journal.read_journal, data_dir), Journal(), path, f"ls -l {path}")
    if known.problem is not None:
        return RecoveredJournal(problems=(known.problem,))
    bad, runs = known.value.bad, known.value.runs
    recovered = consult(partial(_record_killed_runs, settings, runs), runs, data_dir, f"ls -la {data_dir}")
    runs = recovered.value
    # a release that cannot be read is a problem of the capture, which consults it too, or of the load;
    # decisions that cannot be read are one of the build
    lost, undecided = consult_release(
        data_dir, lambda con: _losses(con, settings, runs), ((), None), of_any_version=True
    ).value
    problems = tuple(problem for problem in (recovered.problem, undecided) if problem is not None)
    if not bad and not lost:
        return RecoveredJournal(runs, problems)
    repaired = consult(partial(journal.repair, data_dir, lost, at), None, path, f"ls -la {data_dir}")
    done = Problem(
        f"{path} was damaged: {counted(len(bad), 'unreadable line')} moved to {journal.REPAIRS_FILE}, "
        f"{counted(len(lost), 'lost run')} restored from the current release",
        f"less {data_dir / journal.REPAIRS_FILE}",
    )
    warnings = (
        [done] if repaired.problem is None else [*journal.problems(data_dir, known.value), repaired.problem]
    )
    return RecoveredJournal(journal.merged(runs, lost), problems, tuple(map(str, warnings)))


def _losses(
    con: duckdb.DuckDBPyConnection | None, settings: Settings, runs: tuple[RunRecord, ...]
) -> tuple[tuple[RunRecord, ...], Problem | None]:
    """What the release of `con` has and the data directory lacks: runs, and the problem of lost decisions."""
    decisions = consult(partial(overrides.lost, con, settings.data_dir), None, overrides.DECISIONS_FILE, "")
    return lost_runs(con, settings, runs), decisions.value


def lost_run_ids(con: duckdb.DuckDBPyConnection, data_dir: Path, written: Journal) -> frozenset[str]:
    """The ids of runs that a release has and the journal lacks; `con` is a connection to the release.

    Runs that are still in progress are left out.
    """
    return _unwritten(con, written.runs) - lock.unrecorded_runs(data_dir)


def lost_runs(
    con: duckdb.DuckDBPyConnection | None, settings: Settings, runs: Iterable[RunRecord]
) -> tuple[RunRecord, ...]:
    """The runs that a release has and the journal (`runs`) lacks, read from the release through `con`.

    Their check results are not read. None as `con` means no release, and gives no runs.
    """
    if con is None or not (lost := _unwritten(con, runs)):
        return ()
    own = sorted({schedule.source for schedule in schedules(settings)})
    rows = con.execute(LOST_RUNS, {"lost": sorted(lost), "own": own}).to_arrow_table().to_pylist()
    for row in rows:
        row["slots"] = [{k: v for k, v in slot.items() if k != "run_id"} for slot in row["slots"]]
    return tuple(TypeAdapter(list[RunRecord]).validate_python(rows))


def _unwritten(con: duckdb.DuckDBPyConnection, runs: Iterable[RunRecord]) -> frozenset[str]:
    """The ids of the runs that a release has and `runs` lacks."""
    known = frozenset(run_id for (run_id,) in con.execute("select run_id from raw.run").fetchall())
    return known - {run.run_id for run in runs}


def _record_killed_runs(settings: Settings, runs: tuple[RunRecord, ...]) -> tuple[RunRecord, ...]:
    """Journal each killed run, and complete a publication that it had announced; return all runs."""
    data_dir = settings.data_dir
    recover(data_dir)
    written = {record.run_id for record in runs}
    published = {release.release_id for release in releases(data_dir)}
    while holder := lock.crashed_run(data_dir):
        if holder.run_id not in written:
            done = holder.run_id in published
            log.warning("%s was killed%s", holder, ", its release is complete" if done else "")
            killed = RunRecord(
                run_id=holder.run_id,
                kind=holder.kind,
                started_at=holder.started_at,
                status=RunStatus.SUCCEEDED if done else RunStatus.CRASHED,
                release_id=holder.run_id if done else None,
                code_version=__version__,
                error=None if done else f"killed in step {holder.step}",
                slot=holder.slot,
                schedule=holder.schedule,
                slots=_slots_of_killed(settings, runs, holder, done=done),
                cause=None if done else Cause.KILLED,
            )
            journal.append(data_dir, killed)
            runs = (*runs, killed)
        lock.settle_crash(data_dir, holder)
    return runs


def _slots_of_killed(
    settings: Settings, runs: tuple[RunRecord, ...], holder: lock.Holder, *, done: bool
) -> tuple[SlotRecord, ...]:
    planned = next((known for known in schedules(settings) if known.name == holder.schedule), None)
    if planned is None or holder.slot is None:
        return ()
    slot = max(holder.slot, holder.started_at)
    own = SourceOutcome(planned.source, SlotOutcome.OBSERVED)
    if not done:
        killed = f"killed in step {holder.step}"
        own = SourceOutcome(planned.source, SlotOutcome.FAILED, killed, cause=Cause.KILLED)
    outcomes = (*read_checkpoint(settings.data_dir, holder.run_id), own)
    return (
        *missed_slots(planned, runs, slot),
        *(outcome.record(planned, slot) for outcome in outcomes),
    )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The outcomes of the article sources in a run, kept in a file until the journal line of the run is written."""

    run_id: str
    outcomes: tuple[SourceOutcome, ...]


def write_checkpoint(data_dir: Path, run_id: str, outcomes: Iterable[SourceOutcome]) -> None:
    """Save the outcomes of the article sources in a run, for its journal line in case it is killed.

    Raises `StorageError`.
    """
    checkpoint = TypeAdapter(Checkpoint).dump_json(Checkpoint(run_id, tuple(outcomes)))
    write_atomic(data_dir / CHECKPOINT_FILE, checkpoint + b"\n")


def read_checkpoint(data_dir: Path, run_id: str) -> tuple[SourceOutcome, ...]:
    """Read the outcomes that `write_checkpoint` saved for a run; empty without any. Raises `StorageError`.

    A file that is damaged, or of another version, is ignored: the next run requests the articles once more.
    """
    path = data_dir / CHECKPOINT_FILE
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        checkpoint = TypeAdapter(Checkpoint).validate_json(data)
    except ValidationError as error:
        log.warning("%s is damaged and ignored (its articles are requested again): %s", path, error)
        return ()
    return checkpoint.outcomes if checkpoint.run_id == run_id else ()
