from datetime import date
from decimal import Decimal

from tests.models.rows import capture

ARTICLE = {"title": "A Kazakh Road", "text_id": "t1"}
TEXT = {"text_id": "t1", "text": "The road costs 5,000 tenge a metre."}


def amount(**columns):
    return {
        "text_start": 15,
        "text_end": 26,
        "amount_text": "5,000 tenge",
        "amount": 5000,
        "currency": "KZT",
    } | columns


def with_amounts(given, *amounts):
    return given(
        capture=[capture("c1", 5)],
        rate_observation=[{"base": "KZT", "rate_text": "0.00198"}],
        article_observation=[ARTICLE],
        article_text=[TEXT],
        text_amount=list(amounts),
    )


def test_a_local_amount_is_given_in_dollars_with_the_interval_of_the_rate(given):
    warehouse = with_amounts(given, amount())
    assert warehouse.row(
        "select amount, currency, rate_date, amount_usd, amount_usd_low, amount_usd_high, stated_agrees"
        " from main.fct_article_amount"
    ) == (
        Decimal(5000),
        "KZT",
        date(2025, 12, 5),
        # 5000 * 0.00198, 0.001975 and 0.001985
        Decimal("9.90"),
        Decimal("9.87"),
        Decimal("9.93"),
        None,
    )


def test_the_upper_end_of_a_range_is_priced_at_the_upper_end_of_the_rate(given):
    warehouse = with_amounts(given, amount(amount_high=10000))
    assert warehouse.row(
        "select amount_usd, amount_usd_low, amount_usd_high from main.fct_article_amount"
    ) == (
        Decimal("9.90"),
        Decimal("9.87"),
        Decimal("19.85"),
    )


def test_dollars_are_dollars_and_a_currency_without_a_rate_gives_no_dollars(given):
    warehouse = with_amounts(
        given,
        amount(amount_text="$1.2 million", amount=1200000, currency="USD"),
        amount(text_start=30, amount_text="€7", amount=7, currency="EUR"),
    )
    assert warehouse.rows(
        "select currency, amount_usd, amount_usd_low, amount_usd_high from main.fct_article_amount order by 1 desc"
    ) == [
        ("USD", Decimal(1200000), Decimal(1200000), Decimal(1200000)),
        ("EUR", None, None, None),
    ]


def test_stated_dollars_that_are_far_off_do_not_agree(given):
    warehouse = with_amounts(given, amount(stated_usd=10), amount(text_start=50, stated_usd=100))
    assert warehouse.rows("select text_start, stated_agrees from main.fct_article_amount order by 1") == [
        (15, True),
        (50, False),
    ]


def test_the_day_of_the_rate_is_that_of_publication_where_it_is_known(given):
    warehouse = given(
        capture=[capture("c1", 5), {"capture_id": "c0", "page_date": "2025-12-03"}],
        rate_observation=[
            {"base": "KZT", "rate_text": "0.00198"},
            {"capture_id": "c0", "base": "KZT", "rate_text": "0.00200"},
        ],
        article_observation=[ARTICLE | {"published_date": "2025-12-04"}],
        article_text=[TEXT],
        text_amount=[amount()],
    )
    assert warehouse.row("select rate_date, is_rate_filled, amount_usd from main.fct_article_amount") == (
        date(2025, 12, 4),
        True,
        Decimal("10.00"),
    )


def test_an_amount_without_dollars_has_the_reason(given):
    days = {"early": "2025-12-03", "late": "2025-12-08", "within": "2025-12-05"}
    warehouse = given(
        capture=[capture("c1", 5)],
        rate_observation=[{"base": "KZT", "rate_text": "0.00198"}],
        article_observation=[
            {"position": number, "title": title, "text_id": title, "published_date": day}
            for number, (title, day) in enumerate(days.items(), start=1)
        ],
        article_text=[
            {"text_id": title, "text": f"The road of {title} costs 5,000 tenge."} for title in days
        ],
        text_amount=[
            *(amount(text_id=title) for title in days),
            amount(text_id="within", text_start=30, currency="EUR"),
            amount(text_id="within", text_start=40, amount=10**17),
            amount(text_id="within", text_start=50, amount_high=10**17),
            amount(text_id="early", text_start=60, currency="USD"),
        ],
    )
    assert warehouse.rows(
        "select title, text_start, no_usd_reason, amount_usd, amount_usd_low, amount_usd_high"
        " from main.fct_article_amount join main.fct_article using (article_id) order by title, text_start"
    ) == [
        ("early", 15, "before_first_rate", None, None, None),
        ("early", 60, None, Decimal(5000), Decimal(5000), Decimal(5000)),
        ("late", 15, "after_last_rate", None, None, None),
        ("within", 15, None, Decimal("9.90"), Decimal("9.87"), Decimal("9.93")),
        ("within", 30, "currency_without_rates", None, None, None),
        ("within", 40, "amount_too_large", None, None, None),
        # dollars without an upper end would have no interval
        ("within", 50, "amount_too_large", None, None, None),
    ]


def test_a_rate_far_too_high_is_left_to_its_check(given):
    # a rate of 10 dollars or more once stopped the models, before the check that names its capture
    for rate in ("19.8", "1980000.0"):
        warehouse = given(
            capture=[capture("c1", 5)],
            rate_observation=[{"base": "KZT", "rate_text": rate}],
            article_observation=[ARTICLE],
            article_text=[TEXT],
            text_amount=[amount()],
        )
        assert "rate_is_plausible" in warehouse.firing()
    assert warehouse.row("select amount_usd, no_usd_reason from main.fct_article_amount") == (
        None,
        "amount_too_large",
    )
