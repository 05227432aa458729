from datetime import date
from decimal import Decimal


def test_stg_capture_orders_captures_by_day_then_time_then_place_and_leaves_out_excluded_ones(given):
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


def test_stg_rate_observation_measures_the_print(given):
    warehouse = given(capture=[{}], rate_observation=[{"rate_text": "0.00198", "change_text": "-0%"}])
    assert warehouse.row(
        "select rate, rate_low, rate_high, significant_digits, change_sign from staging.stg_rate_observation"
    ) == (Decimal("0.00198"), Decimal("0.001975"), Decimal("0.001985"), 3, -1)


def test_stg_rate_observation_never_goes_below_zero(given):
    warehouse = given(capture=[{}], rate_observation=[{"rate_text": "0.00000"}])
    assert warehouse.row(
        "select rate_low, rate_high, significant_digits from staging.stg_rate_observation"
    ) == (
        Decimal(0),
        Decimal("0.000005"),
        0,
    )
