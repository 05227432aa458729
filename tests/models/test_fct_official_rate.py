from datetime import UTC, date, datetime
from decimal import Decimal

from tests.models.rows import bank_response

RATES = "from main.fct_official_rate where rate_type <> 'peg' order by source, quote, rate_date, revision"


def test_a_rate_is_as_published_and_its_inverse_has_seven_significant_digits_or_more(given):
    warehouse = given(
        capture=[bank_response("c1", "cbu", 5)],
        official_rate=[{"quote": "UZS", "rate_text": "11963.23", "requested_date": "2025-12-05"}],
    )
    assert warehouse.rows(
        f"select source, base, quote, rate_date, published_for, nominal, rate, inverse_rate, series_key {RATES}"
    ) == [
        (
            *("cbu", "USD", "UZS", date(2025, 12, 5), date(2025, 12, 5), 1, Decimal("11963.23")),
            *(Decimal("0.000083589465"), "D.UZS.USD.SP00.A"),
        )
    ]


def test_a_correction_is_a_new_revision_and_the_earlier_one_stays(given):
    warehouse = given(
        capture=[bank_response("c1", "nbk", 5), bank_response("c2", "nbk", 6), bank_response("c3", "nbk", 7)],
        official_rate=[
            {"capture_id": "c1", "rate_text": "505.92"},
            {"capture_id": "c2", "rate_text": "505.29"},
            {"capture_id": "c3", "rate_text": "505.29"},
        ],
    )
    first, second = (datetime(2025, 12, day, 13, tzinfo=UTC) for day in (5, 6))
    assert warehouse.rows(
        f"select revision, rate, known_from, known_until, is_current, captures, capture_id {RATES}"
    ) == [
        (1, Decimal("505.92"), first, second, False, 1, "c1"),
        (2, Decimal("505.29"), second, None, True, 2, "c2"),
    ]


def test_the_pegs_of_the_manat_are_dated(given):
    warehouse = given()
    assert warehouse.rows(
        "select source, rate_date, rate, inverse_low, inverse_rate, inverse_high, rate_type from main.fct_official_rate"
        " order by rate_date desc limit 1"
    ) == [
        (
            *("cbt", date(2015, 1, 1), Decimal("3.5")),
            *(Decimal("0.285714285714"), Decimal("0.285714285714"), Decimal("0.285714285715"), "peg"),
        )
    ]


def test_a_rate_ten_times_too_high_stops_the_publication(given):
    warehouse = given(
        capture=[bank_response("c1", "nbk", 5)],
        official_rate=[{"rate_text": "5059.2"}],
    )
    assert "fct_official_rate_rate_is_plausible" in warehouse.firing()


def test_a_move_of_more_than_a_tenth_is_a_warning(given):
    warehouse = given(
        capture=[bank_response("c1", "nbk", 5)],
        official_rate=[
            {"position": 0, "rate_date": "2025-12-04", "rate_text": "450.00"},
            {"position": 1, "rate_date": "2025-12-05", "rate_text": "505.92"},
        ],
    )
    assert warehouse.checks()["fct_official_rate_rate_does_not_jump"].offending_rows == 1
