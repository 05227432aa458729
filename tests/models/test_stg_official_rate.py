from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.models.rows import bank_response

RATES = (
    "select source, quote, rate_date, rate, rate_low, rate_high, rate_type from staging.stg_official_rate"
    " order by quote"
)


def test_a_rate_of_the_home_bank_is_exact(given):
    warehouse = given(
        capture=[bank_response("c1", "nbk", 5)],
        official_rate=[{"rate_text": "505.92"}],
    )
    rate = Decimal("505.92")
    assert warehouse.rows(RATES) == [("nbk", "KZT", date(2025, 12, 5), rate, rate, rate, "official")]


def test_two_lines_of_a_table_in_a_third_currency_are_a_cross_with_the_interval_of_their_digits(given):
    # the Bank of Russia prints roubles for 1 dollar and for 100 tenge
    warehouse = given(
        capture=[bank_response("c1", "cbr", 5)],
        official_rate=[
            {"position": 0, "base": "USD", "quote": "RUB", "rate_text": "77,9556"},
            {"position": 1, "base": "KZT", "quote": "RUB", "nominal": 100, "rate_text": "15,4087"},
        ],
    )
    places = Decimal("1E-12")
    with localcontext(prec=60):
        expected = (
            (Decimal("77.9556") / Decimal("0.154087")).quantize(places, ROUND_HALF_UP),
            (Decimal("77.95555") / Decimal("0.1540875")).quantize(places, ROUND_FLOOR),
            (Decimal("77.95565") / Decimal("0.1540865")).quantize(places, ROUND_CEILING),
        )
    assert warehouse.rows(RATES) == [("cbr", "KZT", date(2025, 12, 5), *expected, "cross")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(
    dollar=st.decimals(min_value="20", max_value="200", places=4),
    other=st.decimals(min_value="1", max_value="99", places=4),
    nominal=st.sampled_from([1, 10, 100, 1000, 10000]),
)
def test_a_cross_holds_the_quotient_of_what_was_printed(given, dollar, other, nominal):
    warehouse = given(
        capture=[bank_response("c1", "cbr", 5)],
        official_rate=[
            {"position": 0, "base": "USD", "quote": "RUB", "rate_text": f"{dollar:f}".replace(".", ",")},
            {
                "position": 1,
                "base": "UZS",
                "quote": "RUB",
                "nominal": nominal,
                "rate_text": f"{other:f}".replace(".", ","),
            },
        ],
    )
    with localcontext(prec=60):
        rate, low, high = warehouse.row("select rate, rate_low, rate_high from staging.stg_official_rate")
        exact = dollar / (other / nominal)
        assert low < exact < high
        assert abs(rate - exact) <= Decimal("5E-13")


def test_an_excluded_capture_gives_no_rate(given):
    warehouse = given(
        capture=[bank_response("c1", "nbk", 5)],
        official_rate=[{"rate_text": "505.92"}],
        decision=[{"decision": "exclude"}],
    )
    assert warehouse.rows(RATES) == []
