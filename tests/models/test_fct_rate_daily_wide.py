from datetime import date
from decimal import Decimal

from ca_etl.parse.ticker import CYCLES
from tests.models.rows import capture


def test_a_day_is_one_row_with_the_rate_and_the_interval_of_each_currency(given):
    warehouse = given(
        capture=[capture("c1", 1), capture("c3", 3)],
        rate_observation=[
            {"capture_id": "c1", "base": "KZT", "rate_text": "0.00198"},
            {"capture_id": "c3", "base": "KZT", "rate_text": "0.00199"},
            {"capture_id": "c3", "base": "UZS", "rate_text": "0.00008", "position": 2},
        ],
    )
    assert warehouse.rows(
        "select rate_date, kzt_rate, kzt_low, kzt_high, kzt_is_filled, uzs_rate, uzs_low, uzs_high, uzs_is_filled,"
        " kgs_rate, kgs_is_filled from main.fct_rate_daily_wide"
    ) == [
        (date(2025, 12, 1), *map(Decimal, ("0.00198", "0.001975", "0.001985")), False, *[None] * 6),
        (date(2025, 12, 2), *map(Decimal, ("0.00198", "0.001975", "0.001985")), True, *[None] * 6),
        (
            date(2025, 12, 3),
            *(*map(Decimal, ("0.00199", "0.001985", "0.001995")), False),
            *(*map(Decimal, ("0.00008", "0.000075", "0.000085")), False),
            *(None, None),
        ),
    ]


def test_it_holds_what_the_daily_rates_hold(clean):
    assert clean.row(
        "select count(*) from (unpivot main.fct_rate_daily_wide on kgs_rate, kzt_rate, tjs_rate, tmt_rate, uzs_rate)"
    ) == clean.row("select count(*) from main.fct_rate_daily")


def test_a_pair_of_the_ticker_is_in_the_three_files_that_a_new_pair_changes(given):
    bases = {base for cycle in CYCLES for base in cycle.bases}
    warehouse = given(
        capture=[capture("c1", 1)],
        rate_observation=[
            {"capture_id": "c1", "base": base, "rate_text": "0.01144"} for base in sorted(bases)
        ],
    )
    seeded = {code for (code,) in warehouse.rows("select currency_code from main.dim_currency")}
    columns = {name for name, *_ in warehouse.rows("describe main.fct_rate_daily_wide")} - {"rate_date"}
    parts = ("rate", "low", "high", "is_filled")
    wanted = {f"{base.lower()}_{part}" for base in bases for part in parts}
    assert bases <= seeded, (
        "sql/seeds/currencies.csv lacks a currency of CYCLES in src/ca_etl/parse/ticker.py"
    )
    assert columns == wanted, "sql/main/fct_rate_daily_wide.sql has not the columns of CYCLES in ticker.py"
    assert "fct_rate_daily_wide_every_pair_has_columns" not in warehouse.firing()
