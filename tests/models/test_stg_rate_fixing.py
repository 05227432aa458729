from datetime import date

from tests.models.rows import bank_response, capture

FIXINGS = (
    "select fixing_date, fixing_number, is_within_interval, is_within_tolerance from staging.stg_rate_fixing"
    " where base = 'KZT' order by fixing_date"
)


def december(day: int) -> date:
    return date(2025, 12, day)


def test_fixings_are_numbered_from_the_latest_one_up_to_the_day(given):
    rates = {3: "520.00", 4: "505.00", 5: "500.00", 6: "530.00"}
    warehouse = given(
        capture=[capture("t", 5), *(bank_response(f"b{day}", "nbk", day) for day in rates)],
        rate_observation=[{"capture_id": "t", "base": "KZT", "rate_text": "0.00198"}],
        official_rate=[
            {"capture_id": f"b{day}", "rate_text": rate, "rate_date": f"2025-12-{day:02}"}
            for day, rate in rates.items()
        ],
    )
    # 0.00198 is 503.78 to 506.33 tenge, and with 1.5 percent 496.22 to 513.92
    assert warehouse.rows(FIXINGS) == [
        (december(3), 3, False, False),
        (december(4), 2, True, True),
        (december(5), 1, False, True),
        (december(6), None, False, False),
    ]


def test_a_rate_repeated_on_a_day_without_publication_is_no_fixing(given):
    days = {5: "expected", 6: "weekend", 7: "weekend", 8: "expected"}
    warehouse = given(
        capture=[capture("t", 8), *(bank_response(f"b{day}", "nbk", day) for day in days)],
        rate_observation=[{"capture_id": "t", "base": "KZT", "rate_text": "0.00198"}],
        official_rate=[
            {"capture_id": f"b{day}", "rate_text": "505.00", "rate_date": f"2025-12-{day:02}"} for day in days
        ],
        publication_day=[{"day": f"2025-12-{day:02}", "day_kind": kind} for day, kind in days.items()],
    )
    assert warehouse.rows(FIXINGS) == [
        (december(5), 2, True, True),
        (december(8), 1, True, True),
    ]


def test_a_rate_before_the_latest_three_has_no_number(given):
    days = (1, 2, 3, 4)
    warehouse = given(
        capture=[capture("t", 5), *(bank_response(f"b{day}", "nbk", day) for day in days)],
        rate_observation=[{"capture_id": "t", "base": "KZT", "rate_text": "0.00198"}],
        official_rate=[
            {"capture_id": f"b{day}", "rate_text": "505.00", "rate_date": f"2025-12-{day:02}"} for day in days
        ],
    )
    numbers = [number for _, number, *_ in warehouse.rows(FIXINGS)]
    assert numbers == [None, 3, 2, 1]
