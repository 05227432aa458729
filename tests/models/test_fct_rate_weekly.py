from datetime import date
from decimal import Decimal


def test_a_week_runs_from_monday_to_sunday_and_the_first_of_a_year_may_begin_in_the_last(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-28"},
            {"capture_id": "b", "page_date": "2025-12-29"},
            {"capture_id": "c", "page_date": "2026-01-02"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.01143"},
            {"capture_id": "b", "rate_text": "0.01144"},
            {"capture_id": "c", "rate_text": "0.01146"},
        ],
    )
    assert warehouse.rows(
        "select week_start, iso_year, iso_week, base, quote, rate_average_low, rate_average, rate_average_high,"
        " rate_end, end_date, end_fill_age_days, days_observed, days_in_series"
        " from main.fct_rate_weekly order by week_start"
    ) == [
        (
            *(date(2025, 12, 22), 2025, 52, "KGS", "USD"),
            *(Decimal("0.011425"), Decimal("0.01143"), Decimal("0.011435")),
            *(Decimal("0.01143"), date(2025, 12, 28), 0, 1, 1),
        ),
        (
            *(date(2025, 12, 29), 2026, 1, "KGS", "USD"),
            *(Decimal("0.011445"), Decimal("0.01145"), Decimal("0.011455")),
            *(Decimal("0.01146"), date(2026, 1, 2), 0, 2, 5),
        ),
    ]


def test_a_week_of_filled_days_has_an_end_and_no_average(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-11-30"},
            {"capture_id": "b", "page_date": "2025-12-08"},
        ],
        rate_observation=[{"capture_id": "a"}, {"capture_id": "b"}],
    )
    assert warehouse.row(
        "select rate_average, inverse_average, rate_lowest, inverse_lowest, rate_end, end_fill_age_days,"
        " days_observed, days_in_series from main.fct_rate_weekly where week_start = date '2025-12-01'"
    ) == (None, None, None, None, Decimal("0.01144"), 7, 0, 7)


def test_weeks_and_months_have_the_same_columns(given):
    columns = {
        table: [name for name, *_ in given().rows(f"describe main.{table}")]
        for table in ("fct_rate_weekly", "fct_rate_monthly")
    }
    assert columns["fct_rate_weekly"][-2:] == ["iso_year", "iso_week"]
    assert columns["fct_rate_weekly"][1:-2] == columns["fct_rate_monthly"][1:]
