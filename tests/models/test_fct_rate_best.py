from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from tests.models.rows import bank_response, capture

KZT = "from main.fct_rate_best where base = 'KZT' order by rate_date"


def test_an_official_rate_is_exact_in_the_direction_in_which_it_is_published(given):
    warehouse = given(
        capture=[bank_response("b", "nbk", 5)],
        official_rate=[{"capture_id": "b", "rate_text": "505.92"}],
    )
    assert warehouse.rows(
        "select rate, rate_low, rate_high, inverse_rate, inverse_low, inverse_high, rate_source, method, series_key"
        f" {KZT}"
    ) == [
        (
            *map(Decimal, ("0.001976597090", "0.001976597090", "0.001976597091")),
            *map(Decimal, ("505.92", "505.92", "505.92")),
            *("nbk", "inverse", "D.KZT.USD.SP00.A"),
        )
    ]


def test_the_ticker_keeps_the_interval_of_its_last_digit(given):
    warehouse = given(
        capture=[capture("t", 5)],
        rate_observation=[{"capture_id": "t", "base": "UZS", "rate_text": "0.00008"}],
    )
    assert warehouse.row(
        "select rate, rate_low, rate_high, rate_source, method, is_filled from main.fct_rate_best"
    ) == (*map(Decimal, ("0.00008", "0.000075", "0.000085")), "timesca", "published", False)


def test_days_after_more_than_14_days_without_a_rate_have_none(given):
    warehouse = given(
        capture=[bank_response("b1", "nbk", 1), bank_response("b20", "nbk", 20)],
        official_rate=[
            {"capture_id": "b1", "rate_text": "512.34", "rate_date": "2025-12-01"},
            {"capture_id": "b20", "rate_text": "516.53", "rate_date": "2025-12-20"},
        ],
    )
    rows = warehouse.rows(f"select rate_date, rate is not null, is_filled, fill_age_days, value_date {KZT}")
    assert [row[0] for row in rows] == [date(2025, 12, 1) + timedelta(days=n) for n in range(20)]
    assert rows[14] == (date(2025, 12, 15), True, True, 14, date(2025, 12, 1))
    assert rows[15] == (date(2025, 12, 16), False, True, None, None)
    assert rows[19] == (date(2025, 12, 20), True, False, 0, date(2025, 12, 20))
    assert not warehouse.firing() & {
        "fct_rate_best_series_has_no_gap",
        "fct_rate_best_a_filled_rate_is_of_an_earlier_day",
    }


def test_a_peg_is_in_force_on_each_of_its_days(given):
    printed = [capture("t1", 1), capture("t3", 3)]
    warehouse = given(
        capture=printed,
        rate_observation=[
            {"capture_id": row["capture_id"], "base": "TMT", "rate_text": "0.28571"} for row in printed
        ],
    )
    peg = (Decimal("3.5"), "cbt", "peg", False, 0, None)
    assert warehouse.rows(
        "select rate_date, inverse_rate, rate_source, method, is_filled, fill_age_days, capture_id"
        " from main.fct_rate_best order by rate_date"
    ) == [(date(2025, 12, day), *peg) for day in (1, 2, 3)]


def test_a_return_compares_with_the_previous_day_that_is_not_filled(given):
    warehouse = given(
        capture=[bank_response("b4", "nbk", 4), bank_response("b5", "nbk", 6)],
        official_rate=[
            {"capture_id": "b4", "rate_text": "500.00", "rate_date": "2025-12-04"},
            {"capture_id": "b5", "rate_text": "505.00", "rate_date": "2025-12-06"},
        ],
    )
    # a dollar that costs a hundredth more makes the tenge worth 0.9901 percent less
    assert warehouse.rows(f"select rate_date, previous_date, return_pct, is_filled {KZT}") == [
        (date(2025, 12, 4), None, None, False),
        (date(2025, 12, 5), None, None, True),
        (date(2025, 12, 6), date(2025, 12, 4), Decimal("-0.9901"), False),
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@examples(
    official=st.dictionaries(st.integers(1, 31), st.decimals("300", "800", places=2), max_size=6),
    printed=st.dictionaries(st.integers(1, 31), st.decimals("0.00125", "0.0033", places=5), max_size=6),
)
def test_no_rate_is_older_than_14_days_and_no_filled_one_looks_observed(given, official, printed):
    warehouse = given(
        capture=[
            *(bank_response(f"b{day}", "nbk", day) for day in official),
            *(capture(f"t{day}", day) for day in printed),
        ],
        official_rate=[
            {"capture_id": f"b{day}", "rate_text": f"{rate}", "rate_date": f"2025-12-{day:02}"}
            for day, rate in official.items()
        ],
        rate_observation=[
            {"capture_id": f"t{day}", "base": "KZT", "rate_text": f"{rate:f}"}
            for day, rate in printed.items()
        ],
    )
    stated = official.keys() | printed.keys()
    rows = warehouse.rows(f"select rate_date, rate, value_date, is_filled, fill_age_days, method {KZT}")
    assert [row[0].day for row in rows] == (list(range(min(stated), max(stated) + 1)) if stated else [])
    for day, rate, value_date, is_filled, age, method in rows:
        latest = max(value for value in stated if value <= day.day)
        assert (rate is None) == (day.day - latest > 14)
        assert is_filled == (day.day not in stated)
        if rate is not None:
            assert (value_date.day, age) == (latest, day.day - latest)
            assert method == ("inverse" if latest in official else "published")
