from datetime import date
from decimal import Decimal


def test_dim_date_covers_whole_years_around_the_facts(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2024-12-30"},
            {"capture_id": "b", "page_date": "2025-01-02"},
        ],
        rate_observation=[{"capture_id": "a"}, {"capture_id": "b"}],
    )
    assert warehouse.row("select min(date), max(date), count(*) from main.dim_date") == (
        date(2024, 1, 1),
        date(2025, 12, 31),
        366 + 365,
    )


def test_dim_date_names_a_day_and_its_iso_week(given):
    warehouse = given(capture=[{"page_date": "2024-12-30"}], rate_observation=[{}])
    assert warehouse.row(
        "select year, quarter, month, month_name, month_start, month_end, day_of_month, day_of_year, iso_year,"
        " iso_week, day_of_week, day_name, is_weekend from main.dim_date where date = date '2024-12-30'"
    ) == (
        2024, 4, 12, "December", date(2024, 12, 1), date(2024, 12, 31), 30, 365, 2025, 1, 1, "Monday", False,
    )  # fmt: skip


def test_dim_date_is_empty_while_there_is_no_fact(given):
    assert given().rows("from main.dim_date") == []


def test_dim_currency_knows_the_manats_peg(given):
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


def test_dim_country_lists_the_five_of_central_asia(given):
    assert given().rows(
        "select country_code, alpha3_code, currency_code from main.dim_country where region = 'central_asia'"
        " order by all"
    ) == [
        ("KG", "KGZ", "KGS"),
        ("KZ", "KAZ", "KZT"),
        ("TJ", "TJK", "TJS"),
        ("TM", "TKM", "TMT"),
        ("UZ", "UZB", "UZS"),
    ]


def test_dim_source_knows_the_source_of_the_daily_run(given):
    from ca_etl.sources.timesca import SOURCE

    assert given().row(f"select source, cadence, zone from main.dim_source where source = '{SOURCE}'") == (
        SOURCE,
        "daily",
        "Asia/Almaty",
    )
