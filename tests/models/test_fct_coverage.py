from datetime import UTC, datetime

import pytest

OF_THE_FIFTH = "2025/12/20251205T020000Z-timesca.warc.gz"


def slot(day: int, outcome: str, **columns):
    return {"slot": f"2025-12-{day:02} 02:00:00+00", "day": f"2025-12-{day:02}", "outcome": outcome} | columns


def page(**columns):
    return {"archive_file": OF_THE_FIFTH, "page_date": "2025-12-05"} | columns


def outcomes(warehouse):
    return warehouse.rows("select slot, outcome, reason, runs from main.fct_coverage order by slot")


def test_a_slot_with_rates_is_observed_and_tells_what_was_missing_of_it(given):
    warehouse = given(
        capture=[page(), page(capture_id="c2", archive_offset=9, http_status=503)],
        rate_observation=[{}],
        slot=[slot(5, "observed", reason="1 of 2 pages; 1 http_error")],
    )
    assert warehouse.rows("select * exclude (source, schedule, day) from main.fct_coverage") == [
        (
            datetime(2025, 12, 5, 2, tzinfo=UTC),
            "observed",
            "1 of 2 pages; 1 http_error",
            1,
            2,
            1,
            "r1",
        )
    ]


def test_a_slot_of_which_the_site_said_that_nothing_is_new_is_unchanged(given):
    warehouse = given(capture=[page(refers_to="c0")], rate_observation=[{}], slot=[slot(5, "unchanged")])
    assert [row[1] for row in outcomes(warehouse)] == ["unchanged"]


@pytest.mark.parametrize(("outcome", "reason"), [("blocked", "blocked: 403"), ("failed", "2 unreachable")])
def test_a_slot_without_rates_says_what_its_run_saw(given, outcome, reason):
    warehouse = given(capture=[page(http_status=403)], slot=[slot(5, outcome, reason=reason)])
    assert [row[1:3] for row in outcomes(warehouse)] == [(outcome, reason)]


def test_missed_slots_were_run_by_nobody(given):
    warehouse = given(slot=[slot(4, "missed", reason="no run"), slot(5, "failed")])
    assert [row[1:] for row in outcomes(warehouse)] == [("missed", "no run", 0), ("failed", None, 1)]


def test_of_several_runs_in_a_slot_the_best_counts(given):
    warehouse = given(
        capture=[page()],
        rate_observation=[{}],
        slot=[
            slot(5, "failed", run_id="r1", reason="4 unreachable"),
            slot(5, "observed", run_id="r2"),
            slot(5, "failed", run_id="r3", reason="4 http_error"),
        ],
    )
    assert [row[1:] for row in outcomes(warehouse)] == [("observed", None, 3)]


def test_a_run_that_was_killed_after_its_capture_has_observed_its_slot(given):
    warehouse = given(
        capture=[page()], rate_observation=[{}], slot=[slot(5, "failed", reason="killed in step load")]
    )
    assert [row[1:3] for row in outcomes(warehouse)] == [
        ("observed", "archived by a run that failed, loaded by a later one")
    ]


def test_a_slot_whose_only_capture_was_excluded_is_not_observed(given):
    warehouse = given(
        capture=[page()],
        rate_observation=[{}],
        slot=[slot(5, "observed")],
        decision=[{"decision": "exclude"}],
    )
    assert [row[1:3] for row in outcomes(warehouse)] == [
        ("failed", "no capture of the slot has rates that count")
    ]


def test_what_was_asked_for_again_later_counts_for_the_slot_before(given):
    warehouse = given(
        capture=[page(archive_file="2025/12/20251205T093000Z-timesca.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "failed"), slot(6, "missed")],
    )
    assert [row[1] for row in outcomes(warehouse)] == ["observed", "missed"]


def test_a_sweep_has_slots_and_files_of_its_own(given):
    warehouse = given(
        capture=[page(archive_file="2025/12/20251205T020000Z-timesca-sweep.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "failed"), slot(5, "observed", schedule="sweep")],
    )
    assert warehouse.rows("select schedule, outcome from main.fct_coverage order by schedule") == [
        ("daily", "failed"),
        ("sweep", "observed"),
    ]


def test_a_file_given_by_hand_belongs_to_no_slot(given):
    warehouse = given(
        capture=[page(source="file", archive_file="2025/12/20251205T091234Z-ingest.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "missed")],
    )
    assert [row[1] for row in outcomes(warehouse)] == ["missed"]


def test_a_filled_day_says_why_nothing_was_observed(given):
    days = (5, 6, 7, 8, 9, 10)
    warehouse = given(
        capture=[
            page(),
            page(capture_id="c8", archive_file="2025/12/20251208T020000Z-timesca.warc.gz"),
            page(
                capture_id="c10",
                page_date="2025-12-10",
                archive_file="2025/12/20251210T020000Z-timesca.warc.gz",
            ),
        ],
        rate_observation=[{"capture_id": f"c{number}"} for number in (1, 8, 10)],
        slot=[
            slot(5, "observed"),
            slot(6, "missed", reason="no run began before the next slot"),
            slot(7, "blocked", reason="blocked: 403"),
            slot(8, "observed"),
            slot(10, "observed"),
        ],
    )
    assert dict(
        warehouse.rows("select day(rate_date), fill_reason from main.fct_rate_daily order by rate_date")
    ) == dict(
        zip(
            days,
            [
                None,
                "missed: no run began before the next slot",
                "blocked: blocked: 403",
                "the pages of the day print other days",
                "no slot was expected",
                None,
            ],
            strict=True,
        )
    )
