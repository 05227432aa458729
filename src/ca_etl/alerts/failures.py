"""Runs that ended before their checks, and whose fault that was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ca_etl.errors import UsageError
from ca_etl.pipeline.context import Status
from ca_etl.pipeline.run import STOPPED
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.warehouse.journal import RunRecord, SlotRecord


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed run. `of_the_machine`: nothing gets better by waiting, as with a full disk or a defect."""

    run: RunRecord
    of_the_machine: bool


def failures(runs: Sequence[RunRecord]) -> tuple[Failure, ...]:
    """The failed runs since the last one that got to its checks, oldest first.

    A refusal of the site is left out, since it is a condition of its own, and so is a command that a person got wrong.
    """
    found: list[Failure] = []
    for run in reversed(runs):
        if run.status not in {Status.FAILED, Status.CRASHED}:
            break
        if (run.slots and refused(run.slots[-1])) or (
            run.exit_status == UsageError.exit_status and run.schedule is None
        ):
            continue
        ours = run.status == Status.FAILED and not _stopped(run) and not _site_was_away(run)
        found.append(Failure(run, of_the_machine=ours))
    return tuple(reversed(found))


def refused(slot: SlotRecord) -> bool:
    """Whether the site said no: by its status, a challenge page, or its robots.txt."""
    return slot.outcome == SlotOutcome.BLOCKED


def _stopped(run: RunRecord) -> bool:
    """Ctrl-C, a service that stops, Prefect's answer to a SIGTERM."""
    return (run.error or "").startswith(STOPPED)


def _site_was_away(run: RunRecord) -> bool:
    """Whether pages were asked for and none came: then the slot's reason counts them, else it is the run's error."""
    own = run.slots[-1] if run.slots else None
    if own is None or own.outcome not in {SlotOutcome.FAILED, SlotOutcome.BLOCKED}:
        return False
    return own.reason not in {None, run.error}
