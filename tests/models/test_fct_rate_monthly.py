from datetime import date
from decimal import Decimal


def test_a_month_averages_its_observed_days_and_ends_with_the_rate_of_its_last_day(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-11-29"},
            {"capture_id": "b", "page_date": "2025-12-01"},
            {"capture_id": "c", "page_date": "2025-12-02"},
            {"capture_id": "d", "page_date": "2025-12-04"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.01143"},
            {"capture_id": "b", "rate_text": "0.01144"},
            {"capture_id": "c", "rate_text": "0.01145"},
            {"capture_id": "d", "rate_text": "0.01145"},
        ],
    )
    assert warehouse.rows(
        "select month, rate_average, rate_average_low, rate_average_high, rate_end, end_date, end_fill_age_days,"
        " days_observed, days_in_series from main.fct_rate_monthly order by month"
    ) == [
        (
            date(2025, 11, 1),
            Decimal("0.01143"),
            Decimal("0.011425"),
            Decimal("0.011435"),
            Decimal("0.01143"),
            date(2025, 11, 30),
            1,
            1,
            2,
        ),
        (
            date(2025, 12, 1),
            # (0.01144 + 0.01145 + 0.01145) / 3 = 0.0114466..., its bounds 0.000005 to either side
            Decimal("0.011446666667"),
            Decimal("0.011441666666"),
            Decimal("0.011451666667"),
            Decimal("0.01145"),
            date(2025, 12, 4),
            0,
            3,
            4,
        ),
    ]


def test_the_lowest_and_the_highest_rate_have_their_intervals(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-01"},
            {"capture_id": "b", "page_date": "2025-12-02"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.01143"},
            {"capture_id": "b", "rate_text": "0.0115"},
        ],
    )
    assert warehouse.row(
        "select rate_lowest_low, rate_lowest, rate_lowest_high, rate_highest_low, rate_highest, rate_highest_high"
        " from main.fct_rate_monthly"
    ) == tuple(map(Decimal, ("0.011425", "0.01143", "0.011435", "0.01145", "0.0115", "0.01155")))


def test_a_month_of_filled_days_has_an_end_and_no_average(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-10-31"},
            {"capture_id": "b", "page_date": "2025-12-01"},
        ],
        rate_observation=[{"capture_id": "a"}, {"capture_id": "b"}],
    )
    assert warehouse.row(
        "select rate_average, rate_lowest, rate_lowest_low, rate_end, end_fill_age_days, days_observed,"
        " days_in_series from main.fct_rate_monthly where month = date '2025-11-01'"
    ) == (None, None, None, Decimal("0.01144"), 30, 0, 30)


def test_the_inverse_of_a_month_is_the_mean_of_the_inverses_of_its_days_with_its_interval(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-01"},
            {"capture_id": "b", "page_date": "2025-12-02"},
            {"capture_id": "c", "page_date": "2025-12-04"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.2"},
            {"capture_id": "b", "rate_text": "0.50"},
            {"capture_id": "c", "rate_text": "0.50"},
        ],
    )
    assert warehouse.row(
        "select inverse_average_low, inverse_average, inverse_average_high, inverse_end_low, inverse_end,"
        " inverse_end_high from main.fct_rate_monthly"
    ) == (
        # 5, 2 and 2 in the mean; from 1/0.25 and twice 1/0.505 to 1/0.15 and twice 1/0.495, each rounded outwards
        Decimal("2.653465346534"),
        Decimal(3),
        Decimal("3.569023569025"),
        Decimal("1.980198019801"),
        Decimal(2),
        Decimal("2.020202020203"),
    )


def test_the_lowest_inverse_is_that_of_the_highest_rate_with_its_interval(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "page_date": "2025-12-01"},
            {"capture_id": "b", "page_date": "2025-12-02"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.2"},
            {"capture_id": "b", "rate_text": "0.50"},
        ],
    )
    assert warehouse.row(
        "select inverse_lowest_low, inverse_lowest, inverse_lowest_high, inverse_highest_low, inverse_highest,"
        " inverse_highest_high from main.fct_rate_monthly"
    ) == (
        Decimal("1.980198019801"),
        Decimal(2),
        Decimal("2.020202020203"),
        Decimal(4),
        Decimal(5),
        Decimal("6.666666666667"),
    )
