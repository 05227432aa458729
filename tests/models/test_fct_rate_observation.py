from datetime import UTC, date, datetime
from decimal import Decimal

from ca_etl.parse.page import PageKind

SEED_PAGE = [
    {"base": "KGS", "rate_text": "0.01144", "change_text": "0%", "position": 1},
    {"base": "KZT", "rate_text": "0.00198", "change_text": "-0%", "position": 2},
    {"base": "TJS", "rate_text": "0.10857", "change_text": "-0.18%", "position": 3},
    {"base": "UZS", "rate_text": "0.00008", "change_text": "0%", "position": 4},
    {"base": "TMT", "rate_text": "0.28571", "change_text": "0%", "position": 5},
]


def test_the_seed_pages_ticker_becomes_five_rows_of_its_printed_date(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], rate_observation=SEED_PAGE)
    assert warehouse.rows(
        "select rate_date, base, quote, rate_text, change_text, change_sign from main.fct_rate_observation"
        " order by position"
    ) == [
        (date(2025, 12, 5), "KGS", "USD", "0.01144", "0%", 0),
        (date(2025, 12, 5), "KZT", "USD", "0.00198", "-0%", -1),
        (date(2025, 12, 5), "TJS", "USD", "0.10857", "-0.18%", -1),
        (date(2025, 12, 5), "UZS", "USD", "0.00008", "0%", 0),
        (date(2025, 12, 5), "TMT", "USD", "0.28571", "0%", 0),
    ]


def test_a_page_without_a_date_counts_for_the_day_of_its_capture(given):
    warehouse = given(
        capture=[{"captured_at": "2025-12-05 20:00:00+00", "captured_date": "2025-12-06"}],
        rate_observation=[{}],
    )
    assert warehouse.row(
        "select rate_date, page_date, captured_date, observed_at from main.fct_rate_observation"
    ) == (
        date(2025, 12, 6),
        None,
        date(2025, 12, 6),
        datetime(2025, 12, 5, 20, tzinfo=UTC),
    )


def test_the_printed_date_goes_before_the_day_of_the_capture(given):
    warehouse = given(
        capture=[{"page_date": "2025-12-04", "captured_date": "2025-12-05"}], rate_observation=[{}]
    )
    assert warehouse.row("select rate_date from main.fct_rate_observation") == (date(2025, 12, 4),)


def test_the_date_on_a_page_of_one_article_is_the_articles_and_not_that_of_the_ticker(given):
    warehouse = given(
        capture=[
            {"page_kind": str(PageKind.ARTICLE), "page_date": "2018-08-28", "captured_date": "2026-03-01"}
        ],
        rate_observation=[{}],
    )
    assert warehouse.row("select rate_date, page_date from main.fct_rate_observation") == (
        date(2026, 3, 1),
        date(2018, 8, 28),
    )


def test_an_article_page_of_unknown_time_gives_no_rate(given):
    warehouse = given(
        capture=[{"page_kind": str(PageKind.ARTICLE), "page_date": "2018-08-28"}], rate_observation=[{}]
    )
    assert warehouse.rows("from main.fct_rate_observation") == []
    assert "captures_are_reconciled" in warehouse.firing()


def test_a_capture_without_any_day_gives_no_rate(given):
    warehouse = given(capture=[{}], rate_observation=[{}], reject=[{"reason": "undated"}])
    assert warehouse.rows("from main.fct_rate_observation") == []


def test_an_excluded_capture_gives_no_rate_and_an_accepted_one_is_marked(given):
    warehouse = given(
        capture=[
            {"capture_id": "bad", "page_date": "2025-12-05"},
            {"capture_id": "good", "page_date": "2025-12-05"},
        ],
        rate_observation=[{"capture_id": "bad"}, {"capture_id": "good"}],
        decision=[
            {"capture_id": "bad", "decision": "exclude"},
            {"capture_id": "good", "decision": "accept"},
        ],
    )
    assert warehouse.rows("select capture_id, is_accepted from main.fct_rate_observation") == [("good", True)]


def test_one_printed_digit_leaves_a_wide_interval(given):
    warehouse = given(
        capture=[{"page_date": "2025-12-05"}], rate_observation=[{"base": "UZS", "rate_text": "0.00008"}]
    )
    assert warehouse.row(
        "select significant_digits, rate, rate_low, rate_high, inverse_rate, inverse_low, inverse_high"
        " from main.fct_rate_observation"
    ) == (
        1,
        Decimal("0.00008"),
        Decimal("0.000075"),
        Decimal("0.000085"),
        Decimal(12500),
        # 1 / 0.000085 rounded down, 1 / 0.000075 rounded up
        Decimal("11764.705882352941"),
        Decimal("13333.333333333334"),
    )


def test_a_printed_trailing_zero_is_a_significant_digit(given):
    warehouse = given(
        capture=[{"page_date": "2025-12-05"}], rate_observation=[{"base": "TJS", "rate_text": "0.10510"}]
    )
    assert warehouse.row("select significant_digits, rate_high from main.fct_rate_observation") == (
        5,
        Decimal("0.105105"),
    )


def test_a_rate_without_decimals_is_good_to_half_a_unit(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], rate_observation=[{"rate_text": "12"}])
    assert warehouse.row("select significant_digits, rate_low, rate_high from main.fct_rate_observation") == (
        2,
        Decimal("11.5"),
        Decimal("12.5"),
    )


def test_a_rise_has_the_sign_one(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], rate_observation=[{"change_text": "0.01%"}])
    assert warehouse.row("select change_pct, change_sign from main.fct_rate_observation") == (
        Decimal("0.01"),
        1,
    )
