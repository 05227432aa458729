"""What a period makes of its days is tested in test_fct_rate_monthly.py and test_fct_rate_weekly.py."""

from datetime import date
from decimal import Decimal

from tests.models.rows import capture


def test_a_day_is_in_its_month_and_in_its_iso_week(given):
    warehouse = given(capture=[capture("c1", 1), capture("c7", 7)], rate_observation=[
        {"capture_id": "c1", "rate_text": "0.01143"},
        {"capture_id": "c7", "rate_text": "0.01145"},
    ])  # fmt: skip
    assert warehouse.rows(
        "select period_unit, period_start, rate_average, rate_end, days_observed, days_in_series"
        " from staging.stg_rate_period order by all"
    ) == [
        ("month", date(2025, 12, 1), Decimal("0.01144"), Decimal("0.01145"), 2, 7),
        ("week", date(2025, 12, 1), Decimal("0.01144"), Decimal("0.01145"), 2, 7),
    ]


def test_a_rate_of_zero_has_no_inverse_and_leaves_none_to_the_average(given):
    warehouse = given(
        capture=[capture("c1", 1), capture("c2", 2)],
        rate_observation=[
            {"capture_id": "c1", "rate_text": "0.5"},
            {"capture_id": "c2", "rate_text": "0.0"},
        ],
    )
    assert warehouse.row(
        "select rate_average, inverse_average_low, inverse_average, inverse_average_high,"
        " inverse_end_low, inverse_end, inverse_end_high,"
        " inverse_lowest_low, inverse_lowest, inverse_lowest_high,"
        " inverse_highest_low, inverse_highest, inverse_highest_high"
        " from staging.stg_rate_period where period_unit = 'month'"
    ) == (
        Decimal("0.25"),
        *(None, None, None),
        # of 0.0, which is at most 0.05, and of 0.5, from 0.45 to 0.55
        *(Decimal(20), None, None),
        *(Decimal("1.818181818181"), Decimal(2), Decimal("2.222222222223")),
        *(Decimal(20), None, None),
    )
