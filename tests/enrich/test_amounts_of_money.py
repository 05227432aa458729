"""The grammar of amounts: written forms, what surrounds them, and what is no amount."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ca_etl.enrich.amounts import Amount, amounts

SEED = Path(__file__).resolve().parents[2].parent / "shared" / "seed"


def _only(text: str) -> Amount:
    (amount,) = amounts(text)
    return amount


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$120 million", "120e6", "USD"),
        ("US$ 1.5bn", "1.5e9", "USD"),
        ("U$56.60", "56.60", "USD"),
        ("U.S.$5", "5", "USD"),
        ("$5 million USD", "5e6", "USD"),
        ("$5 m", "5e6", "USD"),
        ("5m som", "5e6", "KGS"),
        ("5k tenge", "5000", "KZT"),
        ("KGS 300 million", "300e6", "KGS"),
        ("KGS300m", "300e6", "KGS"),
        ("1,5 million tenge", "1.5e6", "KZT"),
        ("1 million 200 thousand som", "1.2e6", "KGS"),
        ("5\u00a0000 som", "5000", "KGS"),
        ("5\u2009000\u2009000 som", "5000000", "KGS"),
        ("12,000 Uzbek som", "12000", "UZS"),
        ("12,000 so\u02bbm", "12000", "UZS"),
        ("5 Azerbaijani manats", "5", "AZN"),
        ("5 manats", "5", "TMT"),
        ("100 Belarusian rubles", "100", "BYN"),
        ("a million and a half dollars", "1.5e6", "USD"),
        ("two million three hundred thousand tenge", "2.3e6", "KZT"),
        ("500₸", "500", "KZT"),
        ("30 crore Indian rupees", "3e8", "INR"),
        ("0.00008 soums", "0.00008", "UZS"),
        ("$2 hundred thousand", "2e5", "USD"),
        ("1 mln. som", "1e6", "KGS"),
        ("$5 mm", "5e6", "USD"),
        ("300 KGS", "300", "KGS"),
        ("2\u00bd dollars", "2.5", "USD"),
        ("100 million Chinese renminbi", "100e6", "CNY"),
        ("500 NZD", "500", "NZD"),
        ("two thousand million dollars", "2e9", "USD"),
        ("twelve hundred thousand tenge", "1.2e6", "KZT"),
    ],
)
def test_a_written_form_is_read(text: str, amount: str, currency: str) -> None:
    read = _only(f"It cost {text}, they say.")
    assert (read.amount_text, read.amount, read.currency) == (text, Decimal(amount), currency)
    assert read.amount_high is None


@pytest.mark.parametrize(
    "text",
    [
        "tens of millions of dollars",
        "several hundred thousand som",
        "a quarter of a million dollars",
        "multi-million-dollar",
        "dollar-denominated",
        "5 dollar-denominated bonds",
        "The sum of its parts",
        "In sum, 5,000 came",
        "the sum of 5,000",
        "the 2,000 sums of money",
        "KGS/USD = 0.01144 0%",
        "1 USD = 87.45 KGS",
        "87.45 KGS/USD",
        "In 2024 som deposits rose",
        "by 2030 tenge bonds",
        "from 2022 to 2025 tenge loans grew",
        "from 2023 to 2024 tenge strengthened",
        "2020-2025 som program",
        "between 2020 and 2025 som deposits grew",
        "in 2020\u20132025 som deposits grew",
        "the 2024 som budget",
        "on March 5 KGS trading",
        "100 Transnistrian rubles",
        "R$50 million",
        "$1.234.567",
        "$5t",
        "5% tenge bonds",
        "two dollar bonds",
        "COVID-19 som",
        "+996 som",
        "+996 312 555 019 som",
        "1 234 567 890 123 456 789 som",
        "40,000 Afghanis fled",
        "200 pounds of wool",
        "5 Som Street",
        "$ 12345678901234567890",
        "$999,999,999,999,999 billion",
        "$555-12",
        "1'500 tenge",
        "1\u2019500\u2019000 tenge",
        "$1'500",
        "1\u200b000 som",
        "2\u2060000 som",
        "$1\ufeff000",
        "1\u00ad500 som",
        "000 som",
        "007 som",
        "$00",
        "10^6 tenge",
        "1,234,5 million som",
        "half a-1,200 som",
        "$10^6",
        "KGS 10_2",
        "",
        "$",
        "som",
    ],
)
def test_this_is_no_amount(text: str) -> None:
    assert amounts(text) == ()


@pytest.mark.parametrize(
    ("text", "whole", "low", "high"),
    [
        ("$1.2-1.4 million", "$1.2-1.4 million", "1.2e6", "1.4e6"),
        ("$1.2 million\u20131.4 million", "$1.2 million\u20131.4 million", "1.2e6", "1.4e6"),
        ("between $2 and $3 billion", "$2 and $3 billion", "2e9", "3e9"),
        ("between 2 and 3 billion som", "2 and 3 billion som", "2e9", "3e9"),
        ("$500,000 to $1 million", "$500,000 to $1 million", "500000", "1e6"),
        ("from 300 to 400 som", "300 to 400 som", "300", "400"),
        ("from 2000 to 2500 som", "2000 to 2500 som", "2000", "2500"),
        ("from 1950 to 2000 som a ton", "1950 to 2000 som", "1950", "2000"),
        ("two or three million dollars", "two or three million dollars", "2e6", "3e6"),
        ("$200 to 300 a month", "$200 to 300", "200", "300"),
        ("KGS 300-400", "KGS 300-400", "300", "400"),
        ("$5-10 million-a-year", "$5-10 million", "5e6", "10e6"),
        ("$5-3 million", "$5-3 million", "3e6", "5e6"),
        ("5\u20133 million som", "5\u20133 million som", "3e6", "5e6"),
        ("5 million-3 million som", "5 million-3 million som", "3e6", "5e6"),
        ("between 5 and 3 million som", "5 and 3 million som", "3e6", "5e6"),
        ("between $5 and 3 million", "$5 and 3 million", "3e6", "5e6"),
        ("between $5 million and $3 million", "$5 million and $3 million", "3e6", "5e6"),
        ("rise by $5-10 million", "$5-10 million", "5e6", "10e6"),
        ("raise it from $5-6 million", "$5-6 million", "5e6", "6e6"),
    ],
)
def test_a_range_has_two_ends(text: str, whole: str, low: str, high: str) -> None:
    read = _only(f"They ask {text}.")
    assert (read.amount_text, read.amount, read.amount_high) == (whole, Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    "text",
    [
        "Fares rose from 80 to 100 tenge.",
        "Debt fell $2 million to $30 million.",
        "It fell by $2 to $30.",
        "It had $2 million and $3 million.",
        "It slid from $5 million to $3 million.",
        "A slide from 5,000 to 3,000 som was feared.",
        "The way from 5 million to 3 million som is short.",
    ],
)
def test_a_change_or_a_list_is_two_amounts(text: str) -> None:
    assert [amount.amount_high for amount in amounts(text)] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "Debt rose from $2 to $3 billion.",
        "Debt rose from $2 to 3 billion.",
        "Debt rose from $2 billion to $3 billion.",
        "Debt rose from 2 to 3 billion dollars.",
        "Debt rose from 2 billion to 3 billion dollars.",
    ],
)
def test_both_ends_of_a_change_share_the_magnitude(text: str) -> None:
    assert [amount.amount for amount in amounts(text)] == [2 * 10**9, 3 * 10**9]


@pytest.mark.parametrize(
    "text",
    [
        "They want to get from 3 to 2 billion som.",
        "They want to get from $3 to 2 billion.",
        "They want to get from $3 to $2 billion.",
    ],
)
def test_from_a_greater_sum_to_a_smaller_one_is_a_change_without_a_verb(text: str) -> None:
    assert [amount.amount for amount in amounts(text)] == [3 * 10**9, 2 * 10**9]


@pytest.mark.parametrize(
    "text", ["season 2024-25 som", "312-55 som", "It took 30 to 20 som.", "Route 5 - 3 million som were due."]
)
def test_a_smaller_number_behind_a_greater_one_is_no_range_where_no_magnitude_or_lead_says_so(
    text: str,
) -> None:
    assert [amount.amount_high for amount in amounts(text)] in ([], [None])


@pytest.mark.parametrize(
    "text",
    ["He gave $200 to 300 families.", "He gave $200 - 300 cows took it.", "It fell from $200 to 3 cows."],
)
def test_a_number_of_other_things_is_no_high_end(text: str) -> None:
    read = _only(text)
    assert (read.amount_text, read.amount_high) == ("$200", None)


@pytest.mark.parametrize(
    ("text", "stated", "high"),
    [
        ("5,000 som (U$56.60)", "56.60", None),
        ("2 trillion tenge (about $4.1 billion)", "4.1e9", None),
        ("2 trillion tenge, or $4.1 billion,", "4.1e9", None),
        ("5,000 som or about 57 dollars", "57", None),
        ("5,000 som, equivalent to $57", "57", None),
        ("5,000 som \u2013 roughly $57 \u2013", "57", None),
        ("5,000 som, circa $57,", "57", None),
        ("5,000 som, at most $57,", "57", None),
        ("5,000 som a month ($57)", "57", None),
        ("5,000-6,000 som ($57-68)", "57", "68"),
        ("5,000 rubles (USD 57)", "57", None),
        ("5,000 rubles (about US $57)", "57", None),
    ],
)
def test_dollars_behind_a_local_amount_belong_to_it(text: str, stated: str, high: str | None) -> None:
    read = _only(f"It costs {text} there.")
    assert read.stated_usd == Decimal(stated)
    assert read.stated_usd_high == (None if high is None else Decimal(high))


@pytest.mark.parametrize(
    "text",
    [
        "$57 (5,000 som)",
        "5,000 som and $57",
        "5,000 som (including $57 for paper)",
        "5 million som ($2 per person)",
        "5,000 som, $57",
        "$5,000 (about $57)",
        "5,000 som (\u20ac50)",
    ],
)
def test_other_pairs_are_two_amounts(text: str) -> None:
    assert [amount.stated_usd for amount in amounts(text)] == [None, None]


@pytest.mark.parametrize("words", ["about", "nearly", "over", "more than", "at least", "some", "up to"])
def test_a_hedge_makes_it_approximate(words: str) -> None:
    assert _only(f"It cost {words} $5 million.").approx
    assert not _only("It cost $5 million.").approx


@pytest.mark.parametrize(
    "text",
    [
        "(about $5)",
        "its price(about $5)",
        "\u201cover $5\u201d",
        "~$5",
        "$5 or more",
        "$5+",
        "more than a million dollars",
    ],
)
def test_a_hedge_stands_at_brackets_and_behind_too(text: str) -> None:
    assert _only(f"It cost {text} then.").approx


@pytest.mark.parametrize("text", ["from $5", "the $5", "a fine of $5", "$5 or a goat"])
def test_other_words_do_not_make_it_approximate(text: str) -> None:
    assert not _only(f"It cost {text} then.").approx


@pytest.mark.shared
def test_the_seed_page_names_no_local_money() -> None:
    if not SEED.is_dir():
        pytest.skip(f"{SEED} stands on the maintainers' machines only")
    for page in SEED.glob("*.txt"):
        assert amounts(page.read_text(encoding="utf-8")) == ()


@pytest.mark.parametrize("whose", ["Australian", "Canadian", "Hong Kong", "Singapore", "New Zealand"])
def test_dollars_of_another_state_before_the_sign_are_no_us_dollars(whose: str) -> None:
    assert amounts(f"The lender gave {whose} $5 million.") == ()
