from datetime import date
from decimal import Decimal

from tests.models.rows import capture


def test_the_manat_is_pegged_to_the_dollar(given):
    assert given().row(
        "select country_code, minor_units, peg_currency, peg_rate, peg_since from main.dim_currency"
        " where currency_code = 'TMT'"
    ) == ("TM", 2, "USD", Decimal("3.5"), date(2015, 1, 1))


def test_a_rate_with_a_slipped_digit_lies_outside_the_plausible_bounds(given):
    # the lowest and the highest rates that the site printed from 2024 to 2026
    printed = {
        "KGS": ("0.01118", "0.01190"),
        "KZT": ("0.00187", "0.00227"),
        "TJS": ("0.09103", "0.10904"),
        "TMT": ("0.28490", "0.28615"),
        "UZS": ("0.00008", "0.00008"),
    }
    bounds = {code: (low, high) for code, low, high in given().rows(
        "select currency_code, plausible_low, plausible_high from main.dim_currency"
    )}  # fmt: skip
    for code, (lowest, highest) in printed.items():
        low, high = bounds[code]
        assert Decimal(highest) / 10 < low < Decimal(lowest) / 2, code
        assert Decimal(highest) * 2 < high < Decimal(lowest) * 10, code


def test_a_currency_has_the_first_and_the_last_day_of_its_rates(given):
    warehouse = given(
        capture=[capture("c1", 1), capture("c3", 3)],
        rate_observation=[{"capture_id": "c1"}, {"capture_id": "c3"}],
    )
    assert warehouse.rows(
        "select currency_code, first_rate_date, last_rate_date from main.dim_currency"
        " where currency_code in ('EUR', 'KGS', 'USD') order by 1"
    ) == [("EUR", None, None), ("KGS", date(2025, 12, 1), date(2025, 12, 3)), ("USD", None, None)]
