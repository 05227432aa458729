from datetime import date
from decimal import Decimal

from tests.models.rows import bank_response


def test_the_rates_are_those_that_were_known_at_the_instant(given):
    warehouse = given(
        capture=[bank_response("c5", "nbk", 5), bank_response("c6", "nbk", 6)],
        official_rate=[
            {"capture_id": "c5", "rate_text": "505.92"},
            # the bank corrects the rate of the 5th, and publishes that of the 6th
            {"capture_id": "c6", "position": 0, "rate_text": "505.29"},
            {"capture_id": "c6", "position": 1, "rate_text": "507.10", "rate_date": "2025-12-06"},
        ],
    )

    def known(instant):
        return warehouse.rows(
            f"select rate_date, revision, rate from rates_as_of('{instant}') where source = 'nbk' order by rate_date"
        )

    assert known("2025-12-05 12:59:59+00") == []
    assert known("2025-12-05 18:00:00+05") == [(date(2025, 12, 5), 1, Decimal("505.92"))]
    assert known("2025-12-06 13:00:00+00") == [
        (date(2025, 12, 5), 2, Decimal("505.29")),
        (date(2025, 12, 6), 1, Decimal("507.10")),
    ]


def test_a_peg_is_known_at_any_instant(given):
    assert given().rows(
        "select rate_date, rate from main.rates_as_of('2010-01-01 00:00:00+00') order by 1"
    ) == [
        (date(2009, 1, 1), Decimal("2.85")),
        (date(2015, 1, 1), Decimal("3.5")),
    ]
