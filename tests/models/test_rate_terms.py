from datetime import date

from tests.models.rows import bank_response, capture

RATES = [
    {"capture_id": "c1", "base": "KZT", "rate_text": "0.00198"},
    {"capture_id": "c3", "base": "KZT", "rate_text": "0.00199"},
    {"capture_id": "c3", "base": "UZS", "rate_text": "0.00008", "position": 2},
]
COLUMNS = (
    "base_price, base_price_low, base_price_high, quote_price, quote_price_low, quote_price_high,"
    " base_observed_date, quote_observed_date, is_filled, no_rate_reason"
)


def terms(given, base, quote, day):
    warehouse = given(capture=[capture("c1", 1), capture("c3", 3)], rate_observation=RATES)
    query = f"select {COLUMNS} from staging.rate_terms($1, $2, $3)"
    (row,) = warehouse.con.execute(query, [base, quote, day]).fetchall()
    return row


def test_prices_are_in_trillionths_of_a_dollar(given):
    assert terms(given, "KZT", "UZS", "2025-12-03") == (
        *(1_990_000_000, 1_985_000_000, 1_995_000_000, 80_000_000, 75_000_000, 85_000_000),
        *(date(2025, 12, 3), date(2025, 12, 3), False, None),
    )


def test_a_dollar_is_a_dollar_and_a_filled_rate_has_its_observed_day(given):
    assert terms(given, "KZT", "USD", "2025-12-02") == (
        *(1_980_000_000, 1_975_000_000, 1_985_000_000, *[1_000_000_000_000] * 3),
        *(date(2025, 12, 1), None, True, None),
    )


def test_a_currency_costs_one_of_itself_on_any_day(given):
    for currency in ("KZT", "EUR", "USD"):
        assert terms(given, currency, currency, "1999-01-01") == (
            *[1_000_000_000_000] * 6,
            None,
            None,
            False,
            None,
        )


def test_the_reason_is_that_of_the_currency_that_lacks_a_rate(given):
    def reason(*arguments):
        return terms(given, *arguments)[-2:]

    assert reason("UZS", "KZT", "2025-12-02") == (None, "before_first_rate")
    assert reason("KZT", "UZS", "2025-12-02") == (None, "before_first_rate")
    assert reason("KZT", "UZS", "2025-12-04") == (None, "after_last_rate")
    assert reason("KZT", "EUR", "2025-12-03") == (None, "currency_without_rates")
    assert reason("XXX", "XXX", "2025-12-03") == (None, "currency_without_rates")
    assert reason(None, "USD", "2025-12-03") == (None, "currency_without_rates")
    assert reason("KZT", "USD", None) == (None, "no_day")


def test_an_official_rate_of_quote_is_multiplied_as_it_is_published(given):
    warehouse = given(
        capture=[bank_response("b1", "nbk", 5), bank_response("b2", "nbkr", 5)],
        official_rate=[
            {"capture_id": "b1", "rate_text": "505.92"},
            {"capture_id": "b2", "quote": "KGS", "rate_text": "87.4500"},
        ],
    )
    prices = "select base_price, base_price_low, base_price_high, quote_price, base_source, quote_source"
    assert warehouse.row(f"{prices} from staging.rate_terms('USD', 'KZT', '2025-12-05')") == (
        *[5_059_200_000_000] * 3,
        *(10_000_000_000, None, "nbk"),
    )
    # 505.92 / 87.45 is 5.785248...; the inverse of 87.45 is rounded to 12 decimals
    assert warehouse.row(f"{prices} from staging.rate_terms('KGS', 'KZT', '2025-12-05')") == (
        *(57_852_487_137, 57_852_487_131, 57_852_487_137),
        *(10_000_000_000, "nbkr", "nbk"),
    )


def test_more_than_14_days_after_the_latest_rate_there_is_none(given):
    warehouse = given(
        capture=[bank_response("b1", "nbk", 1), bank_response("b20", "nbk", 20)],
        official_rate=[
            {"capture_id": "b1", "rate_text": "512.34", "rate_date": "2025-12-01"},
            {"capture_id": "b20", "rate_text": "516.53", "rate_date": "2025-12-20"},
        ],
    )
    reason = "select no_rate_reason from staging.rate_terms('KZT', 'USD', date '{}')"
    assert warehouse.row(reason.format("2025-12-15")) == (None,)
    assert warehouse.row(reason.format("2025-12-16")) == ("older_than_14_days",)
