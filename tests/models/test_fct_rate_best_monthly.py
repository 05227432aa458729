from datetime import date
from decimal import Decimal

from tests.models.rows import bank_response, capture


def test_the_average_is_over_the_days_with_a_rate_of_their_own_and_the_end_is_the_last_day(given):
    rates = {"2025-12-01": "500.00", "2025-12-02": "510.00", "2025-12-04": "505.00"}
    warehouse = given(
        capture=[bank_response("b", "nbk", 4), capture("t", 5)],
        official_rate=[
            {"capture_id": "b", "position": position, "rate_text": rate, "rate_date": day}
            for position, (day, rate) in enumerate(rates.items())
        ],
        rate_observation=[{"capture_id": "t", "base": "KZT", "rate_text": "0.00198"}],
    )
    assert warehouse.rows(
        "select month, base, days_observed, days_official, days_in_series, end_date, end_source, rate_end,"
        " end_value_date, average_key, end_key from main.fct_rate_best_monthly"
    ) == [
        (
            *(
                date(2025, 12, 1),
                "KZT",
                4,
                3,
                5,
                date(2025, 12, 5),
                "timesca",
                Decimal("0.00198"),
                date(2025, 12, 5),
            ),
            *("M.KZT.USD.SP00.A", "M.KZT.USD.SP00.E"),
        )
    ]


def test_banks_publish_the_mean_of_their_own_direction(given):
    rates = {"2025-12-01": "500.00", "2025-12-02": "510.00"}
    warehouse = given(
        capture=[bank_response("b", "nbk", 4)],
        official_rate=[
            {"capture_id": "b", "position": position, "rate_text": rate, "rate_date": day}
            for position, (day, rate) in enumerate(rates.items())
        ],
    )
    assert warehouse.row(
        "select inverse_average, inverse_average_low, inverse_average_high, inverse_end, rate_average"
        " from main.fct_rate_best_monthly"
    ) == (
        *[Decimal(505)] * 3,
        Decimal(510),
        # (1 / 500 + 1 / 510) / 2, of rates with 12 decimals
        Decimal("0.001980392157"),
    )
