"""How far each schedule has been observed, and which is late: decided from the journal, without clock or disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ca_etl.pipeline.slots import GOOD, present, slots_of
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, Schedule, schedules
from ca_etl.warehouse.journal import RunRecord


@dataclass(frozen=True, slots=True)
class Overdue:
    """A schedule whose data are missed. Instants in UTC.

    `last_observed` is the newest slot that was observed, None when there is none; `due` the first one after it, else
    the latest that should have been observed by now.
    """

    source: str
    schedule: str
    last_observed: datetime | None
    due: datetime


def last_observed(schedule: Schedule, runs: Sequence[RunRecord], now: datetime) -> datetime | None:
    """The newest slot of the schedule by `now` whose pages are in a release, in UTC; None without one.

    `runs` are in the order of the journal. The pages of a run that published nothing are in the next release.
    """
    newest: datetime | None = None
    published = False
    for run in reversed(present(runs, now)):
        published = published or run.release_id is not None
        if not published:
            continue
        for record in slots_of(schedule, [run]):
            if record.outcome in GOOD and (newest is None or record.slot > newest):
                newest = record.slot
    return newest


def is_expected(schedule: Schedule, runs: Iterable[RunRecord]) -> bool:
    """Whether anybody waits for this schedule: the daily one always, another from its first run on."""
    return schedule.name == DAILY or any(True for _ in slots_of(schedule, runs))


def overdue(settings: Settings, runs: Sequence[RunRecord], now: datetime) -> tuple[Overdue, ...]:
    """The expected schedules with a slot that was due `stale_after_hours` ago and is not observed.

    `runs` are in the order of the journal, `now` is zone-aware.
    """
    runs = present(runs, now)
    grace = timedelta(hours=settings.stale_after_hours)
    late = []
    for schedule in schedules(settings):
        last = last_observed(schedule, runs, now)
        if is_expected(schedule, runs) and schedule.is_overdue(last, now, grace):
            due = schedule.latest(now - grace) if last is None else next(schedule.after(last))
            late.append(Overdue(schedule.source, schedule.name, last, due))
    return tuple(late)
