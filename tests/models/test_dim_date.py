from datetime import date


def test_the_days_are_those_of_whole_years_around_the_facts(given):
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


def test_a_day_has_its_names_and_its_iso_week(given):
    warehouse = given(capture=[{"page_date": "2024-12-30"}], rate_observation=[{}])
    assert warehouse.row(
        "select year, quarter, month, month_name, month_start, month_end, week_start, day_of_month, day_of_year,"
        " iso_year, iso_week, day_of_week, day_name, is_weekend from main.dim_date where date = date '2024-12-30'"
    ) == (
        2024, 4, 12, "December", date(2024, 12, 1), date(2024, 12, 31), date(2024, 12, 30), 30, 365,
        2025, 1, 1, "Monday", False,
    )  # fmt: skip


def test_without_a_fact_there_is_no_day(given):
    assert given().rows("from main.dim_date") == []
