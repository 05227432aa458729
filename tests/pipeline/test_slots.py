"""What a run records of its slot, and of those missed before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ca_etl.archive.policy import Verdict
from ca_etl.pipeline.capture import Captured
from ca_etl.pipeline.load import Loaded
from ca_etl.pipeline.slots import MOST_MISSED, is_done, missed_slots
from ca_etl.sources.schedules import Schedule
from ca_etl.sources.session import FetchedUrl
from ca_etl.sources.source import SourceOutcome, outcome_of_pages
from ca_etl.warehouse.journal import Cause, RunRecord, SlotOutcome, SlotRecord

DAILY = Schedule("daily", "timesca", "0 7 * * *", ZoneInfo("Asia/Almaty"), "")
DAY = timedelta(days=1)
FIFTH = datetime(2025, 12, 5, 2, tzinfo=UTC)
OK = FetchedUrl("https://timesca.com/", Verdict.OK, "200")
SAME = FetchedUrl("https://timesca.com/latest/", Verdict.UNCHANGED, "304")
DOWN = FetchedUrl("https://timesca.com/latest/", Verdict.HTTP_ERROR, "503")
FORBIDDEN = FetchedUrl("https://timesca.com/", Verdict.BLOCKED, "403")
RATES = Loaded(archive_files=1, captures=2, rates=5)


def run(slot: SlotRecord, release_id: str | None = "r") -> RunRecord:
    return RunRecord("r1", "run", FIFTH, "succeeded", "0.1.0", slots=(slot,), release_id=release_id)


def ran(slot: datetime, outcome: SlotOutcome = SlotOutcome.OBSERVED) -> SlotRecord:
    return SourceOutcome("timesca", outcome).record(DAILY, slot)


def test_a_record_names_its_source_its_day_and_its_slot() -> None:
    assert SourceOutcome("timesca", SlotOutcome.FAILED, "4 unreachable").record(DAILY, FIFTH) == SlotRecord(
        "timesca", "daily", FIFTH, date(2025, 12, 5), "failed", "4 unreachable"
    )


def test_an_instant_between_two_slots_counts_for_the_one_before() -> None:
    assert ran(FIFTH + timedelta(hours=9)).slot == FIFTH


def test_after_three_nights_without_power_the_days_between_are_missed() -> None:
    missed = missed_slots(DAILY, [run(ran(FIFTH))], FIFTH + 4 * DAY)
    assert [(each.day.day, each.outcome) for each in missed] == [(6, "missed"), (7, "missed"), (8, "missed")]


@pytest.mark.parametrize("ahead", [5 * DAY, 31 * DAY, 27_000 * DAY])
def test_a_run_of_the_future_hides_no_missed_slot(ahead: timedelta) -> None:
    future = replace(run(ran(FIFTH + ahead)), started_at=FIFTH + ahead)
    missed = missed_slots(DAILY, [run(ran(FIFTH)), future], FIFTH + 3 * DAY)
    assert [each.day.day for each in missed] == [6, 7]


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


@pytest.mark.parametrize(
    ("captured", "loaded", "asked", "outcome", "reason"),
    [
        (Captured((OK, SAME), 0), RATES, (), "observed", None),
        (Captured((OK, DOWN), 0), RATES, (), "observed", "1 of 2 pages; 1 http_error"),
        (Captured((SAME,), 0), RATES, (), "unchanged", None),
        (Captured((), 4), Loaded(), (), "observed", None),
        (Captured((DOWN,), 3), Loaded(), (), "observed", "3 of 4 pages; 1 http_error"),
        (Captured((OK,), 0), Loaded(archive_files=1, captures=1), (), "failed", "no page had rates"),
        # the run failed after its capture: the pages are archived, and the next run loads them
        (Captured((OK,), 0), None, (), "observed", None),
        (None, None, (FORBIDDEN,), "blocked", "blocked: 403"),
        (None, None, (DOWN, DOWN), "failed", "2 http_error"),
        (None, None, (), "failed", "no space left"),
    ],
)
def test_the_outcome_of_a_slot(
    captured: Captured | None,
    loaded: Loaded | None,
    asked: tuple[FetchedUrl, ...],
    outcome: str,
    reason: str | None,
) -> None:
    pages, archived = (captured.pages, captured.already_archived) if captured else (asked, 0)
    error = "no space left" if captured is None else ""
    became = outcome_of_pages("timesca", pages, archived, rates=loaded.rates if loaded else None, error=error)
    assert (became.outcome, became.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("pages", "archived", "rates", "facts"),
    [
        ((OK, SAME), 0, 5, (None, 2, 2, True)),
        ((OK, DOWN), 0, 5, (None, 2, 1, False)),
        ((DOWN,), 3, 0, (None, 4, 3, False)),
        ((OK, DOWN), 0, 0, (Cause.NO_RATES, 2, 1, False)),
        ((DOWN, DOWN), 0, None, (Cause.SITE, 2, 0, False)),
        ((FORBIDDEN,), 0, None, (None, 1, 0, False)),
        ((), 0, None, (Cause.MACHINE, None, None, None)),
    ],
)
def test_the_facts_of_a_slot_are_fields_of_its_line(
    pages: tuple[FetchedUrl, ...],
    archived: int,
    rates: int | None,
    facts: tuple[Cause | None, int | None, int | None, bool | None],
) -> None:
    outcome = outcome_of_pages(
        "timesca", pages, archived, rates=rates, error="a full disk", cause=Cause.MACHINE
    )
    line = outcome.record(DAILY, FIFTH + timedelta(hours=1))
    assert (line.source, line.schedule, line.slot) == ("timesca", "daily", FIFTH)
    assert (line.cause, line.pages_requested, line.pages_usable, line.is_complete) == facts


def test_a_slot_is_done_once_a_run_has_published_it() -> None:
    late = FIFTH + timedelta(hours=3)
    assert is_done(DAILY, [run(ran(FIFTH))], late) == "r1"
    assert is_done(DAILY, [run(ran(FIFTH), release_id=None)], late) is None
    assert is_done(DAILY, [run(ran(FIFTH, SlotOutcome.FAILED))], late) is None
    assert is_done(DAILY, [run(ran(FIFTH))], FIFTH + DAY) is None
