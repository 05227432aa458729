"""What the macros of `sql/macros/` compute is what Python's Decimal computes."""

import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ca_etl.warehouse.sqlfiles import sql_root

RATES = st.decimals(min_value="0.00000001", max_value="9999999999.99999999", places=8)
ENDS = st.decimals(min_value="0.000000001", max_value="9999999999.999999999", places=9)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rounded(value: Decimal, places: int, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=rounding)


def sql(con: duckdb.DuckDBPyConnection, call: str, values: Iterable[Decimal]) -> Decimal:
    row = con.execute(f"select {call}", [str(value) for value in values]).fetchone()
    assert row is not None
    return row[0]


@FEW
@given(rate=RATES)
def test_an_inverse_is_rounded_half_up_to_12_places(macros, rate):
    with localcontext(prec=60):
        assert sql(macros, "inverse($1::decimal(18, 8))", [rate]) == rounded(1 / rate, 12, ROUND_HALF_UP)


@FEW
@given(end=ENDS)
def test_the_ends_of_an_inverse_are_rounded_outwards(macros, end):
    with localcontext(prec=60):
        assert sql(macros, "inverse_down($1::decimal(19, 9))", [end]) == rounded(1 / end, 12, ROUND_FLOOR)
        assert sql(macros, "inverse_up($1::decimal(19, 9))", [end]) == rounded(1 / end, 12, ROUND_CEILING)


@FEW
@given(value=RATES, before=RATES)
def test_a_change_is_rounded_half_away_from_zero_to_4_places(macros, value, before):
    with localcontext(prec=80):
        change = (value / before - 1) * 100
        assert sql(macros, "change($1::decimal(18, 8), $2::decimal(18, 8))", [value, before]) == rounded(
            change, 4, ROUND_HALF_UP
        )


@FEW
@given(value=ENDS, before=ENDS)
def test_the_ends_of_a_change_are_rounded_outwards(macros, value, before):
    with localcontext(prec=80):
        change = (value / before - 1) * 100
        down = sql(macros, "change_down($1::decimal(19, 9), $2::decimal(19, 9))", [value, before])
        up = sql(macros, "change_up($1::decimal(19, 9), $2::decimal(19, 9))", [value, before])
        assert (down, up) == (rounded(change, 4, ROUND_FLOOR), rounded(change, 4, ROUND_CEILING))


@FEW
@given(values=st.lists(ENDS, min_size=1, max_size=31))
def test_a_mean_is_that_of_the_decimals(macros, values):
    with localcontext(prec=60):
        mean = sum(values) / len(values)
        arguments = [sum(values), Decimal(len(values))]
        call = "({0}($1::decimal(38, 9), $2::bigint))"
        assert sql(macros, call.format("mean"), arguments) == rounded(mean, 12, ROUND_HALF_UP)
        assert sql(macros, call.format("mean_down"), arguments) == rounded(mean, 12, ROUND_FLOOR)
        assert sql(macros, call.format("mean_up"), arguments) == rounded(mean, 12, ROUND_CEILING)


def test_a_tie_goes_away_from_zero_on_both_sides(macros):
    # 200001 / 200000 and 199999 / 200000 change by half of the fourth place
    assert sql(macros, "change(2.00001::decimal(18, 8), 2::decimal(18, 8))", []) == Decimal("0.0005")
    assert sql(macros, "change(2000001::decimal(18, 8), 2000000::decimal(18, 8))", []) == Decimal("0.0001")
    assert sql(macros, "change(1999999::decimal(18, 8), 2000000::decimal(18, 8))", []) == Decimal("-0.0001")


def test_dividing_by_zero_gives_null(macros):
    assert sql(macros, "inverse(0::decimal(18, 8))", []) is None
    assert sql(macros, "inverse_up(0::decimal(19, 9))", []) is None
    assert sql(macros, "change(1::decimal(18, 8), 0::decimal(18, 8))", []) is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.integers(0, 8),
    units=st.lists(st.integers(1, 99_999_999), min_size=1, max_size=6, unique=True),
)
def test_the_models_intervals_are_half_a_unit_of_the_last_printed_digit(request, places, units):
    build = request.getfixturevalue("given")
    texts = [f"{Decimal(unit).scaleb(-places):f}" for unit in units]
    warehouse = build(
        capture=[{"page_date": "2025-12-05"}],
        rate_observation=[{"base": f"X{n}", "rate_text": text} for n, text in enumerate(texts)],
    )
    half = Decimal(5).scaleb(-places - 1)
    rows = warehouse.rows(
        "select rate_text, rate, rate_low, rate_high, significant_digits from main.fct_rate_observation"
    )
    assert sorted(rows) == sorted(
        (text, Decimal(text), Decimal(text) - half, Decimal(text) + half, len(str(unit)))
        for text, unit in zip(texts, units, strict=True)
    )


def test_no_column_of_main_is_a_binary_float(given):
    columns = given().rows(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where schema_name in ('staging', 'main') and not internal"
    )
    assert len(columns) > 150
    assert [column for column in columns if re.search("DOUBLE|FLOAT|REAL", column[2])] == []


def test_no_model_divides_or_averages_in_a_binary_float():
    for path in [
        path for room in ("main", "staging", "functions") for path in Path(sql_root(), room).rglob("*.sql")
    ]:
        body = path.read_text("utf-8").split("*/", 1)[1]
        code = re.sub(r"--.*|'[^']*'", "", body)
        assert not re.search(r"(?<!/)/(?!/)|\bavg\(|\bround\(", code), path
