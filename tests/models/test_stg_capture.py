from datetime import UTC, date, datetime

from tests.models.rows import capture


def test_captures_are_ordered_by_day_then_time_then_position_without_the_excluded_ones(given):
    warehouse = given(
        capture=[
            {"capture_id": "later", "page_date": "2025-12-05", "captured_at": "2025-12-05 03:00:00+00"},
            {"capture_id": "sooner", "page_date": "2025-12-05", "captured_at": "2025-12-05 02:00:00+00"},
            {"capture_id": "untimed", "page_date": "2025-12-05"},
            {
                "capture_id": "day_before",
                "captured_date": "2025-12-04",
                "captured_at": "2025-12-04 23:00:00+00",
            },
            {"capture_id": "excluded", "page_date": "2025-12-05"},
        ],
        decision=[{"capture_id": "excluded", "decision": "exclude"}],
    )
    assert warehouse.rows(
        "select capture_id, observed_date from staging.stg_capture order by capture_order"
    ) == [
        ("day_before", date(2025, 12, 4)),
        ("untimed", date(2025, 12, 5)),
        ("sooner", date(2025, 12, 5)),
        ("later", date(2025, 12, 5)),
    ]


def test_dates_more_than_two_days_apart_conflict(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-03", "captured_date": "2025-12-05"},
            {"capture_id": "b", "page_date": "2025-12-02", "captured_date": "2025-12-05"},
            {"capture_id": "c", "page_date": "2025-12-02"},
        ]
    )
    assert warehouse.rows("select capture_id, date_conflict from staging.stg_capture order by 1") == [
        ("a", False),
        ("b", True),
        ("c", None),
    ]


def test_a_capture_has_the_schedule_and_the_slot_of_its_file_and_the_decision_about_it(given):
    slot = datetime(2025, 12, 5, 2, tzinfo=UTC)
    warehouse = given(
        archive_file=[{"archive_file": "f", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"}],
        capture=[{"capture_id": "scheduled", "archive_file": "f"}, {"capture_id": "given"}],
        decision=[{"capture_id": "given", "decision": "accept"}],
    )
    assert warehouse.rows(
        "select capture_id, schedule, slot, is_accepted, is_backfilled from staging.stg_capture order by 1"
    ) == [("given", None, None, True, True), ("scheduled", "daily", slot, False, False)]


def test_a_wet_text_of_a_captured_page_is_left_out(given):
    warehouse = given(
        capture=[
            capture("page", 5, url="https://timesca.com/"),
            capture("text", 5, url="https://timesca.com/", source="web-archive", source_kind="wet"),
            capture("other", 6, url="https://timesca.com/", source="web-archive", source_kind="wet"),
        ]
    )
    assert warehouse.rows("select capture_id, source_kind from staging.stg_capture order by 1") == [
        ("other", "wet"),
        ("page", "warc"),
    ]
