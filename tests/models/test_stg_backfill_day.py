from datetime import UTC, date, datetime

OF_WAYBACK = {"archive_file": "w", "source": "wayback"}


def capture(number: int, **columns):
    return {"capture_id": f"c{number}", "page_date": f"2025-12-{number:02}", **OF_WAYBACK} | columns


def days(warehouse, columns: str):
    return warehouse.rows(f"select source, day(day), {columns} from staging.stg_backfill_day order by all")


def test_the_days_between_the_first_and_the_last_capture_of_a_source_are_missed(given):
    warehouse = given(
        archive_file=[OF_WAYBACK, {"archive_file": "c", "source": "commoncrawl"}],
        capture=[
            capture(5),
            capture(7, run_id="r2"),
            capture(7, capture_id="again"),
            capture(9, archive_file="c", source="commoncrawl"),
        ],
        rate_observation=[{"capture_id": name} for name in ("c5", "c7", "c9")],
    )
    assert days(warehouse, "outcome, reason, runs, run_id") == [
        ("commoncrawl", 9, "observed", None, 1, "r1"),
        ("wayback", 5, "observed", None, 1, "r1"),
        ("wayback", 6, "missed", "no capture of the day", 0, "r2"),
        ("wayback", 7, "observed", None, 1, "r2"),
    ]


def test_a_day_whose_captures_have_no_rates_that_count_has_failed(given):
    warehouse = given(
        archive_file=[OF_WAYBACK],
        capture=[capture(5), capture(6), capture(7), capture(8)],
        rate_observation=[{"capture_id": name} for name in ("c5", "c7", "c8")],
        decision=[{"capture_id": "c7", "decision": "exclude"}],
    )
    assert days(warehouse, "outcome, reason, captures, captures_with_rates") == [
        ("wayback", 5, "observed", None, 1, 1),
        ("wayback", 6, "failed", "no capture of the day has rates", 1, 0),
        ("wayback", 7, "failed", "no capture of the day has rates", 1, 0),
        ("wayback", 8, "observed", None, 1, 1),
    ]


def test_captures_count_for_the_day_that_they_print_and_a_day_begins_at_midnight_in_utc(given):
    warehouse = given(
        archive_file=[OF_WAYBACK],
        capture=[
            capture(5, captured_at="2025-12-06 03:00:00+00", captured_date="2025-12-06"),
            capture(5, capture_id="b"),
        ],
        rate_observation=[{"capture_id": "c5"}],
    )
    assert warehouse.rows(
        "select day, slot, schedule, captures, runs, prints_ticker from staging.stg_backfill_day"
    ) == [(date(2025, 12, 5), datetime(2025, 12, 5, tzinfo=UTC), "backfill", 2, 1, True)]


def test_scheduled_captures_and_those_of_sources_without_the_ticker_have_no_day(given):
    warehouse = given(
        archive_file=[
            {"archive_file": "s", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"},
            {"archive_file": "p", "source": "timesca-posts"},
            {"archive_file": "b", "source": "nbk"},
            OF_WAYBACK,
        ],
        capture=[
            capture(5, archive_file="s", source="timesca"),
            capture(6, archive_file="p", source="timesca-posts"),
            capture(7, archive_file="b", source="nbk"),
            capture(8, page_date=None),
        ],
        rate_observation=[{"capture_id": "c5"}],
    )
    assert days(warehouse, "outcome") == []
