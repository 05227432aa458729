"""The words for what became of a slot, and the slots of a schedule among those that runs tell of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def slots_of(
    schedule: Schedule, runs: Iterable[RunRecord], source: str | None = None
) -> Iterator[SlotRecord]:
    """What `runs` tell of the slots of a schedule, in the order told; `source` is another than its own."""
    for run in runs:
        for each in run.slots:
            if (each.source, each.schedule) == (source or schedule.source, schedule.name):
                yield each
