"""The words for what became of a slot, the slots of a schedule that runs record, and which of them have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ca_etl.sources.schedules import Schedule
from ca_etl.warehouse.journal import RunRecord, SlotRecord


class SlotOutcome(StrEnum):
    """What became of a slot, the best first. `unchanged` is an observation: the site said, nothing is new.

    `closed` is one, too: the site does not offer this source, and says so.
    """

    OBSERVED = "observed"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    BLOCKED = "blocked"
    FAILED = "failed"
    MISSED = "missed"


GOOD: Final = frozenset({SlotOutcome.OBSERVED.value, SlotOutcome.UNCHANGED.value})
# Clocks that a network keeps differ by less; Prefect's worker begins a run some tenths of a second before its slot.
TOLERANCE: Final = timedelta(minutes=2)


def present(runs: Iterable[RunRecord], now: datetime) -> tuple[RunRecord, ...]:
    """The runs that have begun by `now`, with those of their slots that have come, in the order given.

    What a clock that was ahead has put into the future counts for nothing: it once hid every gap until its date.
    """
    limit = now + TOLERANCE
    return tuple(
        run
        if all(record.slot <= limit for record in run.slots)
        else replace(run, slots=tuple(record for record in run.slots if record.slot <= limit))
        for run in runs
        if run.started_at <= limit
    )


def slots_of(
    schedule: Schedule, runs: Iterable[RunRecord], source: str | None = None
) -> Iterator[SlotRecord]:
    """What `runs` tell of the slots of a schedule, in the order told; `source` is another than its own."""
    for run in runs:
        for each in run.slots:
            if (each.source, each.schedule) == (source or schedule.source, schedule.name):
                yield each
