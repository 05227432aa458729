from datetime import date

from tests.models.rows import bank_response


def test_an_equal_rate_on_a_day_without_publication_is_repeated(given):
    # the Sunday has another rate, and on the last day a new one was expected
    printed = {5: "9.1750", 6: "9.1750", 7: "9.2000", 8: "9.2000", 9: "9.2000"}
    kinds = {5: "expected", 6: "weekend", 7: "weekend", 8: "holiday", 9: "expected"}
    warehouse = given(
        capture=[bank_response(f"b{day}", "nbt", day) for day in printed],
        official_rate=[
            {"capture_id": f"b{day}", "quote": "TJS", "rate_text": text, "rate_date": f"2025-12-{day:02}"}
            for day, text in printed.items()
        ],
        publication_day=[
            {"source": "nbt", "day": f"2025-12-{day:02}", "day_kind": kind} for day, kind in kinds.items()
        ],
    )
    assert warehouse.rows("from staging.stg_repeated_rate order by rate_date") == [
        ("nbt", "USD", "TJS", date(2025, 12, day)) for day in (6, 8)
    ]


def test_without_a_calendar_no_rate_is_repeated(given):
    warehouse = given(
        capture=[bank_response(f"b{day}", "nbk", day) for day in (6, 7)],
        official_rate=[
            {"capture_id": f"b{day}", "rate_text": "505.92", "rate_date": f"2025-12-{day:02}"}
            for day in (6, 7)
        ],
    )
    assert warehouse.rows("from staging.stg_repeated_rate") == []
