"""What a run records of its slot, and of those missed before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ca_etl.pipeline.slots import MOST_MISSED, missed_slots, publishing_run
from ca_etl.sources.schedules import Schedule
from ca_etl.sources.source import SourceOutcome
from ca_etl.warehouse.journal import RunRecord, SlotOutcome, SlotRecord

DAILY = Schedule("daily", "timesca", "0 7 * * *", ZoneInfo("Asia/Almaty"), "")
DAY = timedelta(days=1)
FIFTH = datetime(2025, 12, 5, 2, tzinfo=UTC)


def run(slot: SlotRecord, release_id: str | None = "r") -> RunRecord:
    return RunRecord("r1", "run", FIFTH, "succeeded", "0.1.0", slots=(slot,), release_id=release_id)


def ran(slot: datetime, outcome: SlotOutcome = SlotOutcome.OBSERVED) -> SlotRecord:
    return SourceOutcome("timesca", outcome).record(DAILY, slot)


def test_after_three_nights_without_power_the_days_between_are_missed() -> None:
    missed = missed_slots(DAILY, [run(ran(FIFTH))], FIFTH + 4 * DAY)
    assert [(slot.day.day, slot.outcome) for slot in missed] == [(6, "missed"), (7, "missed"), (8, "missed")]


@pytest.mark.parametrize("ahead", [5 * DAY, 31 * DAY, 27_000 * DAY])
def test_a_run_of_the_future_hides_no_missed_slot(ahead: timedelta) -> None:
    future = replace(run(ran(FIFTH + ahead)), started_at=FIFTH + ahead)
    missed = missed_slots(DAILY, [run(ran(FIFTH)), future], FIFTH + 3 * DAY)
    assert [slot.day.day for slot in missed] == [6, 7]


def test_nothing_is_missed_before_the_first_run_nor_by_a_run_of_an_older_slot() -> None:
    assert missed_slots(DAILY, [], FIFTH) == ()
    assert missed_slots(DAILY, [run(ran(FIFTH))], FIFTH + DAY) == ()
    assert missed_slots(DAILY, [run(ran(FIFTH))], FIFTH - 9 * DAY) == ()


def test_what_another_schedule_did_is_not_a_run_of_this_one() -> None:
    sweep = Schedule("sweep", "timesca", "30 9 * * 0", DAILY.zone, "")
    runs = [run(SourceOutcome("timesca", SlotOutcome.OBSERVED).record(sweep, FIFTH))]
    assert missed_slots(DAILY, runs, FIFTH + 9 * DAY) == ()


def test_after_years_only_the_latest_missed_slots_are_reported() -> None:
    missed = missed_slots(DAILY, [run(ran(FIFTH))], FIFTH + 2000 * DAY)
    assert len(missed) == MOST_MISSED
    assert missed[-1].slot == FIFTH + 1999 * DAY


def test_a_slot_is_done_once_a_run_has_published_it() -> None:
    late = FIFTH + timedelta(hours=3)
    assert publishing_run(DAILY, [run(ran(FIFTH))], late) == "r1"
    assert publishing_run(DAILY, [run(ran(FIFTH), release_id=None)], late) is None
    assert publishing_run(DAILY, [run(ran(FIFTH, SlotOutcome.FAILED))], late) is None
    assert publishing_run(DAILY, [run(ran(FIFTH))], FIFTH + DAY) is None
