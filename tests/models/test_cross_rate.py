from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.models.rows import capture

HALF = Decimal("0.000005")
PRINTS = st.decimals(min_value="0.00001", max_value="9.99999", places=5)


def with_rates(given, **rates):
    return given(
        capture=[capture("c5", 5)],
        rate_observation=[
            {"capture_id": "c5", "base": base, "rate_text": f"{rate:f}", "position": position}
            for position, (base, rate) in enumerate(rates.items(), start=1)
        ],
    )


def test_a_cross_rate_has_the_interval_of_both_rates(given):
    warehouse = with_rates(given, TJS=Decimal("0.10857"), UZS=Decimal("0.00008"))
    assert warehouse.rows("from cross_rate('TJS', 'UZS', date '2025-12-05')") == [
        (
            *(date(2025, 12, 5), "TJS", "UZS"),
            # 0.10857 / 0.00008, 0.108565 / 0.000085 and 0.108575 / 0.000075
            *(Decimal("1357.125"), Decimal("1277.235294117647"), Decimal("1447.666666666667")),
            *(False, date(2025, 12, 5), date(2025, 12, 5), "timesca", "timesca", None),
        )
    ]


def test_a_rate_in_dollars_and_its_inverse_are_those_of_the_daily_rates(given):
    warehouse = with_rates(given, KZT=Decimal("0.00198"))
    assert warehouse.row(
        "select rate, rate_low, rate_high from cross_rate('KZT', 'USD', '2025-12-05')"
    ) == warehouse.row("select rate, rate_low, rate_high from main.fct_rate_daily")
    assert warehouse.row(
        "select rate, rate_low, rate_high from cross_rate('USD', 'KZT', '2025-12-05')"
    ) == warehouse.row("select inverse_rate, inverse_low, inverse_high from main.fct_rate_daily")
    assert warehouse.row("select rate, rate_low, rate_high from cross_rate('KZT', 'KZT', '2025-12-05')") == (
        1,
        1,
        1,
    )


def test_without_a_rate_there_is_one_row_with_the_reason(given):
    warehouse = with_rates(given, KZT=Decimal("0.00198"))
    assert warehouse.rows("from cross_rate('KZT', 'XXX', '2025-12-05')") == [
        (
            *(date(2025, 12, 5), "KZT", "XXX", None, None, None, None, date(2025, 12, 5), None),
            *("timesca", None, "currency_without_rates"),
        )
    ]


@pytest.mark.parametrize(
    "names",
    ["base, quote, rate_date", "quote, base, day", "day, rate_date, base", "currency_code, rate, base"],
)
def test_columns_of_the_caller_are_not_taken_for_those_of_a_table(given, names):
    # one named base, put into the query of the macro as it is, would be compared with itself
    warehouse = with_rates(given, KZT=Decimal("0.00198"), UZS=Decimal("0.00008"))
    expected = [("KZT", Decimal("0.00198")), ("UZS", Decimal("0.00008")), ("XXX", None)]
    rows = ", ".join(f"('{base}', 'USD', date '2025-12-05')" for base, _ in expected)
    caller = f"(values {rows}) as caller ({names})"
    assert expected == warehouse.rows(
        f"select made.base, made.rate from {caller}, cross_rate({names}) as made order by 1"
    )
    base = names.split(",")[0]
    assert expected == warehouse.rows(
        f"select {base}, (select rate from cross_rate({names})) from {caller} order by 1"
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(base=PRINTS, quote=PRINTS)
def test_it_is_what_decimals_compute(given, base, quote):
    warehouse = with_rates(given, KZT=base, UZS=quote)
    places = Decimal("1E-12")
    with localcontext(prec=60):
        expected = (
            (base / quote).quantize(places, ROUND_HALF_UP),
            ((base - HALF) / (quote + HALF)).quantize(places, ROUND_FLOOR),
            ((base + HALF) / (quote - HALF)).quantize(places, ROUND_CEILING),
        )
    assert (
        warehouse.row("select rate, rate_low, rate_high from main.cross_rate('KZT', 'UZS', '2025-12-05')")
        == expected
    )
