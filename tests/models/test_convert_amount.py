from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.models.rows import capture

AMOUNTS = st.decimals(min_value=-(10**16) + 1, max_value=10**16 - 1, places=8)
BOUNDS = "quote_amount, quote_amount_low, quote_amount_high"


@pytest.fixture
def warehouse(given):
    return given(
        capture=[capture("c5", 5), capture("c7", 7)],
        rate_observation=[
            {"capture_id": "c5", "base": "KZT", "rate_text": "0.00198"},
            {"capture_id": "c5", "base": "UZS", "rate_text": "0.00008", "position": 2},
            {"capture_id": "c7", "base": "KZT", "rate_text": "0.00200"},
        ],
    )


def converted(warehouse, amount, columns=f"amount, {BOUNDS}, no_amount_reason", pair="'KZT', 'USD'"):
    (row,) = warehouse.rows(f"select {columns} from convert_amount({amount}, {pair}, '2025-12-05')")
    return row


def test_an_amount_has_the_interval_of_its_rates_and_the_days_that_they_are_of(warehouse):
    assert warehouse.rows("from convert_amount(5000, 'KZT', 'USD', date '2025-12-06')") == [
        (
            *(date(2025, 12, 6), "KZT", "USD", Decimal(5000)),
            *(Decimal("9.9"), Decimal("9.875"), Decimal("9.925")),
            *(True, date(2025, 12, 5), None, "timesca", None, None),
        )
    ]


def test_a_negative_amount_has_its_bounds_in_order(warehouse):
    assert converted(warehouse, -5000, BOUNDS) == (Decimal("-9.9"), Decimal("-9.925"), Decimal("-9.875"))


def test_an_amount_in_its_own_currency_is_itself(warehouse):
    for currency in ("KZT", "USD", "EUR"):
        pair = f"'{currency}', '{currency}'"
        assert converted(warehouse, "123456.78", BOUNDS, pair) == (Decimal("123456.78"),) * 3


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("null", "no_amount"),
        ("'a few'", "amount_not_a_number"),
        ("10000000000000000", "amount_too_long"),
        ("1e20", "amount_too_long"),
        ("0.000000001", "amount_too_long"),
        ("0.1e0 + 0.2e0", "amount_too_long"),  # the binary float 0.30000000000000004
        ("'infinity'::double", "amount_too_long"),
    ],
)
def test_what_cannot_be_converted_exactly_has_its_reason(warehouse, amount, reason):
    assert converted(warehouse, amount) == (None, None, None, None, reason)


def test_without_a_rate_the_reason_is_that_of_the_rate(warehouse):
    reasons = {"'EUR', 'USD'": "currency_without_rates", "'UZS', 'USD'": "after_last_rate"}
    for pair, reason in reasons.items():
        assert warehouse.rows(
            f"select amount, {BOUNDS}, no_amount_reason from convert_amount(7, {pair}, date '2025-12-07')"
        ) == [(Decimal(7), None, None, None, reason)]


@pytest.mark.parametrize(
    "amount", ["5000", "5000.00", "5e3", "'5000'", "5000::hugeint", "5000::decimal(38, 18)"]
)
def test_an_amount_may_be_of_any_type(warehouse, amount):
    assert converted(warehouse, amount, "amount, quote_amount") == (Decimal(5000), Decimal("9.9"))


def test_columns_of_the_caller_are_not_taken_for_those_of_a_table(warehouse):
    caller = "(values (5000, 'KZT', 'USD', date '2025-12-05'), (1, 'UZS', 'KZT', date '2025-12-05'))"
    for names in (
        "amount, base, quote, rate_date",
        "base, amount, units, rate",
        "amount_text, quote, base, day",
    ):
        assert warehouse.rows(
            f"select made.quote_amount from {caller} as caller ({names}), convert_amount({names}) as made order by 1"
        ) == [(Decimal("0.04040404"),), (Decimal("9.9"),)]


def test_the_amounts_of_articles_are_converted_in_one_query(given):
    warehouse = given(
        capture=[capture("c1", 5)],
        rate_observation=[{"base": "KZT", "rate_text": "0.00198"}],
        article_observation=[{"title": "A Kazakh Road", "text_id": "t1"}],
        article_text=[{"text_id": "t1", "text": "The road costs 5,000 tenge, or $10, or €9 a metre."}],
        text_amount=[
            {"text_start": 15, "amount": 5000, "currency": "KZT"},
            {"text_start": 29, "amount": 10, "currency": "USD"},
            {"text_start": 37, "amount": 9, "currency": "EUR"},
        ],
    )
    assert warehouse.rows(
        "select named.text_start, made.quote_amount, made.no_amount_reason from main.fct_article_amount as named"
        " join main.fct_article as article using (article_id),"
        " main.convert_amount(named.amount, named.currency, 'KZT', article.first_seen_date) as made order by 1"
    ) == [
        (15, Decimal(5000), None),
        (29, Decimal("5050.50505051"), None),
        (37, None, "currency_without_rates"),
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(amount=AMOUNTS)
def test_it_is_what_decimals_compute(warehouse, amount):
    tenge, sum_ = (Decimal(bound) for bound in ("0.00198", "0.00008"))
    half, places = Decimal("0.000005"), Decimal("1E-8")
    with localcontext(prec=80):
        ends = [amount * (tenge - half) / (sum_ + half), amount * (tenge + half) / (sum_ - half)]
        expected = (
            (amount * tenge / sum_).quantize(places, ROUND_HALF_UP),
            min(ends).quantize(places, ROUND_FLOOR),
            max(ends).quantize(places, ROUND_CEILING),
        )
    assert converted(warehouse, f"{amount:f}", BOUNDS, "'KZT', 'UZS'") == expected
