from datetime import date
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from ca_etl.warehouse.conversion import convert, convert_frame, shown_amount
from ca_etl.warehouse.models import build_models
from ca_etl.warehouse.raw_schema import ensure_raw
from ca_etl.warehouse.sqlfiles import sql_root

FIFTH = date(2025, 12, 5)


@pytest.fixture(scope="module")
def con():
    """A warehouse with the official rates of som and tenge of 5 December 2025."""
    with duckdb.connect() as connection:
        ensure_raw(connection)
        for capture_id, source, quote, rate in (
            ("c1", "nbkr", "KGS", "87.4500"),
            ("c2", "nbk", "KZT", "505.92"),
        ):
            connection.execute(
                "insert into raw.capture by name select $id as capture_id, $source as source, '00' as payload_sha256,"
                " 'page' as response_class, 'warc' as source_kind, 1 as payload_bytes, 0 as ticker_cycles,"
                " 0 as articles_parsed, 'a.warc.gz' as archive_file, 0 as archive_offset,"
                " '1' as parser_version, 'r1' as run_id",
                {"id": capture_id, "source": source},
            )
            connection.execute(
                "insert into raw.official_rate values ($id, 0, 'USD', $quote, $rate, 1, $rate, $day, null, 'official')",
                {"id": capture_id, "quote": quote, "rate": rate, "day": FIFTH},
            )
        build_models(connection, sql_root())
        yield connection


def test_an_amount_is_converted_at_the_official_rates_of_the_day(con):
    conversion = convert(con, Decimal(5000), "USD", "KZT", FIFTH)
    assert conversion.quote_amount == conversion.quote_amount_low == conversion.quote_amount_high == 2529600
    assert (conversion.quote_source, conversion.base_source, conversion.is_filled) == ("nbk", None, False)


def test_there_and_back_is_within_the_interval(con):
    there = convert(con, Decimal(5000), "KGS", "KZT", FIFTH)
    low, high = (
        convert(con, amount, "KZT", "KGS", FIFTH)
        for amount in (there.quote_amount_low, there.quote_amount_high)
    )
    assert low.quote_amount_low <= 5000 <= high.quote_amount_high


def test_a_cross_by_way_of_the_dollar_holds_the_direct_quotient(con):
    cross = convert(con, Decimal(1), "KGS", "KZT", FIFTH)
    assert cross.quote_amount_low <= Decimal("505.92") / Decimal("87.45") <= cross.quote_amount_high


@pytest.mark.parametrize(
    ("amount", "low", "high", "shown"),
    [
        ("57.20000000", "57.17500000", "57.22500000", "57.200 KGS (from 57.175 to 57.225)"),
        ("0.04000000", "0.03750000", "0.04250000", "0.0400 KGS (from 0.0375 to 0.0425)"),
        ("6250000.00000000", "5882352.94117647", "6666666.66666667", "6250000 KGS (from 5882352 to 6666667)"),
        ("-6.25000001", "-6.66666667", "-5.88235294", "-6.25 KGS (from -6.67 to -5.88)"),
        ("0.00000002", "0.00000001", "0.00000003", "0.00000002 KGS (from 0.00000001 to 0.00000003)"),
        ("2529600.00000000", "2529600.00000000", "2529600.00000000", "2529600 KGS (exact)"),
        ("1.30000000", "1.30000000", "1.30000000", "1.3 KGS (exact)"),
        (
            "1234567890123456789012.00000000",
            "1234567890123456789011.50000000",
            "1234567890123456789012.50000000",
            "1234567890123456789012.0 KGS (from 1234567890123456789011.5 to 1234567890123456789012.5)",
        ),
    ],
)
def test_an_amount_has_as_many_digits_as_its_interval_justifies(amount, low, high, shown):
    assert shown_amount(Decimal(amount), Decimal(low), Decimal(high), "KGS") == shown


@pytest.mark.parametrize(
    ("amount", "low", "high", "shown"),
    [
        ("0.00961631", "0.00961630", "0.00961631", "0.00961631 USD (give or take 0.00000001)"),
        ("-0.00961631", "-0.00961631", "-0.00961630", "-0.00961631 USD (give or take 0.00000001)"),
        ("9159.56880636", "9159.56880627", "9159.56880636", "9159.56880636 USD (give or take 0.00000009)"),
        ("10.00000000", "9.40000000", "10.00000000", "10.00 USD (give or take 0.60)"),
    ],
)
def test_an_amount_at_one_of_its_bounds_is_shown_with_its_distance_from_them(amount, low, high, shown):
    assert shown_amount(Decimal(amount), Decimal(low), Decimal(high), "USD") == shown


def test_without_a_rate_the_amount_is_none_and_has_its_reason(con):
    conversion = convert(con, Decimal(1), "KGS", "EUR", FIFTH)
    assert (conversion.quote_amount, conversion.no_amount_reason) == (None, "currency_without_rates")


def test_a_frame_keeps_its_rows_and_their_order(con):
    frame = pl.DataFrame(
        {
            "paid": [Decimal("874.50"), Decimal(1), None],
            "currency": ["KGS", "XXX", "KZT"],
            "on": [FIFTH, FIFTH, FIFTH],
            "note": ["a", "b", "c"],
        }
    )
    converted = convert_frame(con, frame, amount="paid", day="on")
    assert converted.columns[:4] == frame.columns
    assert converted["note"].to_list() == ["a", "b", "c"]
    assert converted["quote_amount"].to_list() == [Decimal("10.00000000"), None, None]
    assert converted["no_amount_reason"].to_list() == [None, "currency_without_rates", "no_amount"]
    assert converted["base_source"].to_list()[0] == "nbkr"
