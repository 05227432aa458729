"""Which slots of a schedule are missed, published or overdue: computed from the journal, without clock or disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, Schedule, schedules
from ca_etl.sources.session import TOLERANCE
from ca_etl.sources.source import SourceOutcome
from ca_etl.warehouse.journal import GOOD, RunRecord, SlotOutcome, SlotRecord

# A year of days; a schedule of seconds that did not run for a week is not worth a million lines.
MOST_MISSED: Final = 400


@dataclass(frozen=True, slots=True)
class Overdue:
    """A schedule whose slot was not observed in time. Instants are in UTC.

    `last_observed` is its newest observed slot, None without one. `due` is the first slot after that; without one it
    is the latest slot that should have been observed by now.
    """

    source: str
    schedule: str
    last_observed: datetime | None
    due: datetime


def present(runs: Iterable[RunRecord], now: datetime) -> tuple[RunRecord, ...]:
    """The runs that began by `now` (zone-aware), in the order given, without their slots after `now`.

    Runs and slots of the future come from a clock that was ahead, and would hide every missed slot until then.
    """
    limit = now + TOLERANCE
    return tuple(
        run
        if is_present(run, now)
        else replace(run, slots=tuple(record for record in run.slots if record.slot <= limit))
        for run in runs
        if run.started_at <= limit
    )


def is_present(run: RunRecord, now: datetime) -> bool:
    """Whether a run began by `now` (zone-aware), and so did all of its slots."""
    limit = now + TOLERANCE
    return run.started_at <= limit and all(record.slot <= limit for record in run.slots)


def slots_of(schedule: Schedule, runs: Iterable[RunRecord]) -> Iterator[SlotRecord]:
    """The records in `runs` of the slots of a schedule, in their order: those of listing pages, not of articles."""
    for run in runs:
        for record in run.slots:
            if (record.source, record.schedule) == (schedule.source, schedule.name):
                yield record


def missed_slots(schedule: Schedule, runs: Iterable[RunRecord], slot: datetime) -> tuple[SlotRecord, ...]:
    """The slots of a schedule between the last recorded one and `slot`, in which no run began, as slot records.

    Oldest first, at most the latest 400; empty before the first run, when no slot was expected. Only listing pages
    have missed slots: of articles, the next run requests all that are new since the last good run.
    """
    last = max((record.slot for record in slots_of(schedule, present(runs, slot))), default=None)
    if last is None:
        return ()
    passed = islice(schedule.between(last, schedule.latest(slot)), MOST_MISSED)
    reason = "no run began before the next slot"
    missed = SourceOutcome(schedule.source, SlotOutcome.MISSED, reason)
    return tuple(missed.record(schedule, instant) for instant in reversed(list(passed)))


def publishing_run(schedule: Schedule, runs: Iterable[RunRecord], slot: datetime) -> str | None:
    """The id of the run that has published the listing pages of `slot`; None when no run has."""
    expected = schedule.latest(slot)
    for run in runs:
        mine = slots_of(schedule, [run])
        if run.release_id and any(record.slot == expected and record.outcome in GOOD for record in mine):
            return run.run_id
    return None


def last_observed(schedule: Schedule, runs: Sequence[RunRecord], now: datetime) -> datetime | None:
    """The newest slot (UTC) of a schedule, up to `now`, whose pages are in a release; None without one.

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
    """Whether a schedule is in use, so that it can be overdue: the daily one always, any other once it had a run."""
    return schedule.name == DAILY or any(True for _ in slots_of(schedule, runs))


def overdue(settings: Settings, runs: Sequence[RunRecord], now: datetime) -> tuple[Overdue, ...]:
    """The schedules in use that have an unobserved slot, due more than `stale_after_hours` (a setting) ago.

    A slot before the first run was not expected. `runs` are in the order of the journal, `now` is zone-aware.
    """
    runs = present(runs, now)
    grace = timedelta(hours=settings.stale_after_hours)
    late = []
    for schedule in schedules(settings):
        last = last_observed(schedule, runs, now)
        if is_expected(schedule, runs) and schedule.is_overdue(last, now, grace):
            due = schedule.latest(now - grace) if last is None else next(schedule.after(last))
            late.append(Overdue(schedule.source, schedule.name, last, due))
    return tuple(one for one in late if not runs or one.due >= runs[0].started_at)
