from datetime import date
from decimal import Decimal

from tests.models.rows import bank_response


def test_an_index_is_100_on_the_base_day_and_has_the_interval_of_both_rates(given):
    warehouse = given(
        capture=[bank_response("b", "nbk", 6)],
        official_rate=[
            {"capture_id": "b", "position": 0, "rate_text": "500.00", "rate_date": "2025-12-04"},
            {"capture_id": "b", "position": 1, "rate_text": "400.00", "rate_date": "2025-12-06"},
        ],
    )
    assert warehouse.rows("from main.rate_index(date '2025-12-04') order by rate_date") == [
        (date(2025, 12, 4), "KZT", *map(Decimal, ("100", "100", "100")), False),
        (date(2025, 12, 5), "KZT", *map(Decimal, ("100", "100", "100")), True),
        (date(2025, 12, 6), "KZT", *map(Decimal, ("125", "125", "125")), False),
    ]


def test_a_currency_without_a_rate_on_the_base_day_has_no_rows(given):
    warehouse = given(
        capture=[bank_response("b", "nbk", 5)], official_rate=[{"capture_id": "b", "rate_text": "505.92"}]
    )
    assert warehouse.rows("from rate_index(date '2025-12-04')") == []
