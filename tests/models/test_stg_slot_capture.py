import pytest

FILE = {"archive_file": "f", "source": "timesca", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"}


def slot(day: int, **columns):
    return {
        "slot": f"2025-12-{day:02} 02:00:00+00",
        "day": f"2025-12-{day:02}",
        "outcome": "observed",
    } | columns


def slots_of_captures(warehouse):
    return warehouse.rows(
        "select capture_id, source, schedule, day(slot) from staging.stg_slot_capture order by all"
    )


def build(given, captured_at: str | None = "2025-12-05 02:00:10+00", **file):
    return given(
        archive_file=[FILE | file],
        capture=[{"archive_file": "f", "captured_at": captured_at}],
        slot=[
            slot(5),
            slot(6),
            slot(5, schedule="sweep"),
            slot(5, source="timesca-posts"),
        ],
    )


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({}, ("timesca", "daily", 5)),
        ({"schedule": "sweep"}, ("timesca", "sweep", 5)),
        ({"source": "timesca-posts"}, ("timesca-posts", "daily", 5)),
    ],
)
def test_a_capture_belongs_to_the_slot_that_its_file_was_written_for(given, file, expected):
    assert slots_of_captures(build(given, **file)) == [("c1", *expected)]


def test_a_capture_of_unknown_time_belongs_to_the_slot_of_its_file(given):
    assert slots_of_captures(build(given, None)) == [("c1", "timesca", "daily", 5)]


def test_pages_of_a_slot_that_is_requested_again_later_belong_to_the_slot_before_that(given):
    warehouse = build(given, "2025-12-06 09:00:00+00")
    assert slots_of_captures(warehouse) == [("c1", "timesca", "daily", 6)]


def test_of_slots_that_begin_with_the_end_of_one_late_run_the_latest_has_the_capture(given):
    warehouse = given(
        archive_file=[FILE | {"slot": "2025-12-07 02:00:00+00"}],
        capture=[{"archive_file": "f", "captured_at": "2025-12-07 03:10:00+00"}],
        run=[{"finished_at": "2025-12-07 03:00:00+00"}, {"run_id": "r2"}],
        slot=[slot(5), slot(6, outcome="missed", run_id="r2"), slot(7, run_id="r2")],
    )
    assert slots_of_captures(warehouse) == [("c1", "timesca", "daily", 7)]


def test_an_excluded_capture_belongs_to_its_slot_too(given):
    warehouse = given(
        archive_file=[FILE],
        capture=[{"archive_file": "f"}],
        decision=[{"decision": "exclude"}],
        slot=[slot(5)],
    )
    assert slots_of_captures(warehouse) == [("c1", "timesca", "daily", 5)]


@pytest.mark.parametrize(
    "file",
    [{"source": "web-archive", "schedule": None, "slot": None}, {"source": "bank"}, {"slot": "2025-12-04"}],
)
def test_a_capture_of_an_ingest_or_of_no_expected_slot_is_not_here(given, file):
    assert slots_of_captures(build(given, "2025-12-04 02:00:00+00", **file)) == []


def test_captures_of_a_backfill_belong_to_the_day_that_they_show(given):
    warehouse = given(
        archive_file=[{"archive_file": "w", "source": "wayback"}],
        capture=[{"archive_file": "w", "source": "wayback", "page_date": "2025-12-04"}],
        slot=[slot(4), slot(5)],
    )
    assert slots_of_captures(warehouse) == [("c1", "wayback", "backfill", 4)]
