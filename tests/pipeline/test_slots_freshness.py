from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.pipeline.slots import Overdue, last_observed, overdue
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP, schedule
from ca_etl.warehouse.journal import RunRecord, SlotRecord

SETTINGS = Settings(_env_file=None, stale_after_hours=6)
DAY = timedelta(days=1)
FRIDAY = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
SATURDAY = FRIDAY + DAY
NOW = FRIDAY + 30 * DAY
SUNDAY_SWEEP = datetime(2025, 12, 7, 4, 30, tzinfo=UTC)


def run(*slots: SlotRecord, published: bool = True) -> RunRecord:
    newest = max(record.slot for record in slots) if slots else FRIDAY
    run_id = f"{newest:%Y%m%dT%H%M%SZ}"
    status = "succeeded" if published else "checks_failed"
    return RunRecord(
        run_id,
        "run",
        newest,
        status,
        "1",
        newest,
        newest,
        0,
        release_id=run_id if published else None,
        slots=slots,
    )


def slot(at: datetime, outcome: str = "observed", name: str = DAILY, source: str = "timesca") -> SlotRecord:
    return SlotRecord(source, name, at, at.date(), outcome)


def test_the_newest_slot_observed_or_unchanged_counts_in_whatever_order() -> None:
    runs = [run(slot(SATURDAY, "unchanged")), run(slot(FRIDAY))]
    assert last_observed(schedule(SETTINGS), runs, NOW) == SATURDAY


@pytest.mark.parametrize("outcome", ["blocked", "failed", "missed"])
def test_a_slot_that_gave_nothing_does_not_count(outcome: str) -> None:
    runs = [run(slot(FRIDAY)), run(slot(SATURDAY, outcome), published=False)]
    assert last_observed(schedule(SETTINGS), runs, NOW) == FRIDAY


def test_pages_of_a_run_that_published_nothing_count_with_the_next_release() -> None:
    failed = run(slot(FRIDAY), published=False)
    assert last_observed(schedule(SETTINGS), [failed], NOW) is None
    by_hand = replace(run(), kind="ingest")
    assert last_observed(schedule(SETTINGS), [failed, by_hand], NOW) == FRIDAY
    assert last_observed(schedule(SETTINGS), [by_hand, failed], NOW) is None


def test_slots_of_another_source_or_schedule_do_not_count() -> None:
    runs = [run(slot(FRIDAY), slot(SATURDAY, source="bank"), slot(SATURDAY, name=SWEEP))]
    assert last_observed(schedule(SETTINGS), runs, NOW) == FRIDAY


def test_a_slot_is_missed_from_the_very_end_of_the_grace_on() -> None:
    runs = [run(slot(FRIDAY))]
    end = SATURDAY + timedelta(hours=6)
    assert overdue(SETTINGS, runs, end - timedelta(seconds=1)) == ()
    assert overdue(SETTINGS, runs, end) == (Overdue("timesca", DAILY, FRIDAY, SATURDAY),)


def test_what_is_late_is_late_since_the_first_slot_that_was_missed() -> None:
    assert overdue(SETTINGS, [run(slot(FRIDAY))], SATURDAY + 5 * DAY) == (
        Overdue("timesca", DAILY, FRIDAY, SATURDAY),
    )


def test_before_the_first_run_only_the_daily_schedule_is_missed() -> None:
    (only,) = overdue(SETTINGS, [], SATURDAY + timedelta(hours=7))
    assert only == Overdue("timesca", DAILY, None, SATURDAY)


def test_a_sweep_is_missed_once_somebody_has_run_one() -> None:
    swept = run(slot(SUNDAY_SWEEP, "failed", SWEEP), published=False)
    daily = [run(slot(SUNDAY_SWEEP.replace(hour=2, minute=0) + n * DAY)) for n in range(9)]
    now = SUNDAY_SWEEP + 8 * DAY
    assert overdue(SETTINGS, daily, now) == ()
    assert overdue(SETTINGS, [swept, *daily], now) == (
        Overdue("timesca", SWEEP, None, SUNDAY_SWEEP + 7 * DAY),
    )


@pytest.mark.parametrize("ahead", [timedelta(hours=23), timedelta(days=31), timedelta(days=27000)])
def test_a_run_of_the_future_hides_nothing_that_is_late(ahead: timedelta) -> None:
    now = SATURDAY + timedelta(hours=7)
    runs = [run(slot(FRIDAY)), run(slot(SATURDAY + ahead))]
    assert last_observed(schedule(SETTINGS), runs, now) == FRIDAY
    assert overdue(SETTINGS, runs, now) == (Overdue("timesca", DAILY, FRIDAY, SATURDAY),)


def test_a_slot_of_the_future_in_a_run_of_now_does_not_count() -> None:
    both = replace(run(slot(FRIDAY), slot(SATURDAY + 400 * DAY)), started_at=FRIDAY)
    assert last_observed(schedule(SETTINGS), [both], SATURDAY) == FRIDAY


def test_a_sweep_of_the_future_is_not_waited_for() -> None:
    runs = [run(slot(SATURDAY)), run(slot(SUNDAY_SWEEP + 365 * DAY, name=SWEEP))]
    assert overdue(SETTINGS, runs, SATURDAY + DAY) == ()


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.floats(0.1, 500),
)
def test_a_run_that_observed_the_slot_due_is_never_late_and_one_before_it_always(
    now: datetime, hours: float
) -> None:
    settings = Settings(_env_file=None, stale_after_hours=hours)
    due = schedule(settings).latest(now - timedelta(hours=hours))
    before = schedule(settings).latest(due - timedelta(seconds=1))
    assert overdue(settings, [run(slot(due))], now) == ()
    assert overdue(settings, [run(slot(before))], now) == (Overdue("timesca", DAILY, before, due),)
