"""What becomes of runs that were killed: their line in the journal, and the publication that one had announced."""

from __future__ import annotations

import logging

from ca_etl import __version__
from ca_etl.pipeline.context import Status
from ca_etl.pipeline.ledger import article_slots, missed_slots, slot_record
from ca_etl.pipeline.slots import SlotOutcome
from ca_etl.pipeline.told import read_note
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedules
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.journal import RunRecord, SlotRecord
from ca_etl.warehouse.release import recover, releases

log = logging.getLogger(__name__)


def settle_crashes(settings: Settings) -> tuple[RunRecord, ...]:
    """Give each run that was killed its line in the journal, and complete a publication it had announced.

    Returns the journal as it stands then.
    """
    data_dir = settings.data_dir
    recover(data_dir)
    runs = journal.read(data_dir)
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
                status=Status.SUCCEEDED if done else Status.CRASHED,
                release_id=holder.run_id if done else None,
                code_version=__version__,
                error=None if done else f"killed in step {holder.step}",
                slot=holder.slot,
                schedule=holder.schedule,
                slots=_slots_of_killed(settings, runs, holder, done=done),
            )
            journal.append(data_dir, killed)
            runs = (*runs, killed)
        lock.settle_crash(data_dir, holder)
    return runs


def _slots_of_killed(
    settings: Settings, runs: tuple[RunRecord, ...], holder: lock.Holder, *, done: bool
) -> tuple[SlotRecord, ...]:
    planned = next((each for each in schedules(settings) if each.name == holder.schedule), None)
    if planned is None or holder.slot is None:
        return ()
    slot = max(holder.slot, holder.started_at)
    missed = missed_slots(planned, runs, slot)
    became = SlotOutcome.OBSERVED if done else SlotOutcome.FAILED
    reason = None if done else f"killed in step {holder.step}"
    articles = article_slots(planned, slot, read_note(settings.data_dir, holder.run_id))
    return (*missed, *articles, slot_record(planned, slot, became, reason))
