"""What follows a currency counts as much as what precedes it: magnitudes, codes, subunits, units, stated dollars."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.enrich.amounts import Amount, amounts


def _only(text: str) -> Amount:
    (amount,) = amounts(text)
    return amount


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("75 USD million", "75e6", "USD"),
        ("75 USD Million", "75e6", "USD"),
        ("300 KZT bln", "300e9", "KZT"),
        ("300 KZT-bln", "300e9", "KZT"),
        ("40$ mln", "40e6", "USD"),
        ("40$mln", "40e6", "USD"),
        ("40$m", "40e6", "USD"),
        ("40 $ million", "40e6", "USD"),
        ("40 US$ million", "40e6", "USD"),
        ("90 US dollars million", "90e6", "USD"),
        ("90 U.S. dollars million", "90e6", "USD"),
        ("12 euros bn", "12e9", "EUR"),
        ("2.5 tenge trillion", "2.5e12", "KZT"),
        ("3.125 tenge billion", "3.125e9", "KZT"),
        ("300 USD thousand", "300e3", "USD"),
        ("20 INR crore", "200e6", "INR"),
        ("5 dollars (million)", "5e6", "USD"),
        ("500 US dollars (USD) million", "500e6", "USD"),
        ("75 USD$ million", "75e6", "USD"),
        ("75 USD (seventy-five) million", "75e6", "USD"),
        ("twelve euros million", "12e6", "EUR"),
    ],
)
def test_a_magnitude_after_the_currency_is_read(text: str, amount: str, currency: str) -> None:
    read = _only(f"It cost {text} in all.")
    assert (read.amount_text, read.amount, read.currency) == (text, Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("between 40 and 50 USD million", "40e6", "50e6"),
        ("from 40 to 50 USD million", "40e6", "50e6"),
        ("3-4 USD billion", "3e9", "4e9"),
        ("40$ - 50$ mln", "40e6", "50e6"),
        ("900-1.2 KZT billion", "900e6", "1.2e9"),
    ],
)
def test_both_ends_of_a_range_share_a_magnitude_after_the_currency(text: str, low: str, high: str) -> None:
    read = _only(f"It costs {text}.")
    assert (read.amount, read.amount_high) == (Decimal(low), Decimal(high))


def test_members_of_a_list_share_a_magnitude_after_the_currency() -> None:
    assert [one.amount for one in amounts("They want 40$ or 50$ mln.")] == [40 * 10**6, 50 * 10**6]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("75 USD millions of people never had.", "75"),
        ("75 dollars thousands of voters paid.", "75"),
        ("100 dollars billionaires pay.", "100"),
        ("10 dollars; million-strong crowds came.", "10"),
        ("10 dollars. Million by million it grew.", "10"),
        ("10 dollars, million-strong crowds or not.", "10"),
        ("5 million dollars, millions of them lost.", "5e6"),
        ("$5 million people laughed at.", "5e6"),
        ("$1 million 200 thousand people want.", "1e6"),
        ("12 rubles 50 times.", "12"),
        ("5 million dollars (thousands of it in cash).", "5e6"),
        ("5 dollars (thousands paid more).", "5"),
    ],
)
def test_a_magnitude_of_other_things_is_not_of_the_amount(text: str, amount: str) -> None:
    assert _only(f"He paid {text}").amount == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "5 million USD million",
        "5 million dollars million",
        "$5 million USD million",
        "75 USD millions",
        "75 USD million people",
        "75 USD million tons",
        "10 dollars million-strong",
        "75 USD million tenge",
        "5 dollars hundred",
        "5 dollars (in millions)",
        "5 dollars (in millions of USD)",
        "5 dollars (million, in 2020 prices)",
        "75 $US million",
        "$5 (thousands)",
        "40$ m",
        "40 USD t",
        "40 USD m. Then more",
        "85.000 to 95.000 tenge ($165 to $185)",
        "$5 t",
        "75 USD mio",
        "$5 mil",
        "USD 5 thsd",
        "20 KZT mrd",
        "1 million som 200 thousand",
        "$1 million 200 thousand",
        "5 million USD-denominated bonds",
        "5 million $-denominated bonds",
        "5 million dollar-denominated bonds",
        "5 million USD-equivalent",
        "5 million som-odd",
        "1 som and over 37 tyiyn",
    ],
)
def test_a_value_that_what_follows_makes_unsure_is_not_an_amount(text: str) -> None:
    assert amounts(f"The clerk wrote {text} there.") == ()


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("3.1 Kyrgyz som (KGS)", "KGS"),
        ("3.1 Kyrgyz som [KGS]", "KGS"),
        ("500 tenge (KZT)", "KZT"),
        ("500 tenge KZT", "KZT"),
        ("$500 (USD)", "USD"),
        ("60 yuan (RMB)", "CNY"),
        ("KGS 300 million (KGS)", "KGS"),
    ],
)
def test_a_code_that_repeats_the_currency_belongs_to_the_amount(text: str, currency: str) -> None:
    read = _only(f"It costs {text} per month.")
    assert (read.amount_text, read.currency, read.per) == (text, currency, "month")


@pytest.mark.parametrize(
    "text",
    [
        "500 tenge (KGS)",
        "500 dollars (CAD)",
        "500 dollars (NZD)",
        "500 dollars (TWD)",
        "$500 (AUD)",
        "$500 CAD",
        "$500 HKD",
        "500 som RUB",
        "5 manat (AZN)",
        "40 dollars Canadian",
        "$40 (Canadian)",
        "$40 Australian",
    ],
)
def test_a_code_or_adjective_after_the_currency_that_contradicts_it_refuses_the_amount(text: str) -> None:
    assert amounts(f"It costs {text} per month.") == ()


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1 som 37 tyiyn", "1.37", "KGS"),
        ("1 som 37 tyiyns", "1.37", "KGS"),
        ("1 som and 37 tyiyns", "1.37", "KGS"),
        ("1 som, 37 tyiyn", "1.37", "KGS"),
        ("1 som 37.5 tyiyn", "1.375", "KGS"),
        ("1 KGS 37 tyiyn", "1.37", "KGS"),
        ("KGS 1 and 37 tyiyn", "1.37", "KGS"),
        ("1 Kyrgyz som (KGS) 37 tyiyn", "1.37", "KGS"),
        ("one som thirty-seven tyiyn", "1.37", "KGS"),
        ("1,134 som 76 tyiyn", "1134.76", "KGS"),
        ("5 tenge 50 tiyin", "5.50", "KZT"),
        ("5 tenge 50 tiyn", "5.50", "KZT"),
        ("900 sums 5 tiyin", "900.05", "UZS"),
        ("10 manat 50 tenge", "10.50", "TMT"),
        ("ten manats fifty tenge", "10.50", "TMT"),
        ("10 Azerbaijani manat 50 qapik", "10.50", "AZN"),
        ("3 somoni 45 dirams", "3.45", "TJS"),
        ("12 rubles 50 kopecks", "12.50", "RUB"),
        ("12 roubles, 50 kopeks", "12.50", "RUB"),
        ("5 dollars and 20 cents", "5.20", "USD"),
        ("$5 and 20 cents", "5.20", "USD"),
        ("5 US dollars and twenty US cents", "5.20", "USD"),
        ("3 euros 75 euro cents", "3.75", "EUR"),
        ("5 dollars 20\u00a2", "5.20", "USD"),
        ("5 British pounds and 20 pence", "5.20", "GBP"),
    ],
)
def test_a_subunit_is_read_with_its_currency(text: str, amount: str, currency: str) -> None:
    read = _only(f"It costs {text} per kilowatt-hour.")
    assert (read.amount_text, read.amount, read.currency) == (text, Decimal(amount), currency)
    assert read.per == "kilowatt-hour"


@pytest.mark.parametrize(
    "text",
    [
        "10 manat 50 tyiyn",
        "10 Azerbaijani manat 50 tenge",
        "10 manat 50 qapik",
        "10 manat 500 tenge",
        "10 manat 3,000 tenge",
        "10 manat and 50 tenge",
        "10 manat, 50 tenge",
        "1 som 137 tyiyn",
        "1.5 som 37 tyiyn",
        "$5.10 and 20 cents",
        "5 million dollars and 20 cents",
        "1 som \u2013 37 tyiyn",
        "1 som/37 tyiyn",
        "1 som and about 37 tyiyn",
        "3 somoni and 45 dirhams",
        "3 yuan 5 jiao",
        "50 euro cents",
        "50 dollar cents",
        "37 tyiyn",
        "50 cents",
        "between 1 som and 50 tyiyn",
        "12 rubles 50",
        "12 rubles 50 a liter",
        "five dollars twenty",
        "12 rubles and a half",
        "one dollar and a half",
        "2 som \u00bd",
    ],
)
def test_a_subunit_that_is_not_understood_refuses_the_whole_amount(text: str) -> None:
    assert amounts(f"It costs {text}.") == ()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("10 manat and 500 tenge", [("10", "TMT"), ("500", "KZT")]),
        ("5 million manat and 300 million tenge", [("5e6", "TMT"), ("300e6", "KZT")]),
        ("from 50 tenge to 1 manat 20 tenge", [("1.20", "TMT")]),
        ("$40.10, 53 cents more than before", [("40.10", "USD")]),
        ("$40.10 \u2013 53 cents less than before", [("40.10", "USD")]),
        ("from $40.10 \u2013 53 cents less than before", [("40.10", "USD")]),
        ("$40.10, down 53 cents", [("40.10", "USD")]),
        ("5 dollars and a quarter of the flour", [("5", "USD")]),
    ],
)
def test_a_second_amount_is_not_taken_for_a_subunit(text: str, read: list[tuple[str, str]]) -> None:
    assert [(one.amount, one.currency) for one in amounts(f"It costs {text}.")] == [
        (Decimal(amount), currency) for amount, currency in read
    ]


@pytest.mark.parametrize(
    ("low", "high"), [("1 som 20 tyiyn", "1 som 50 tyiyn"), ("80 som", "90 som 50 tyiyn")]
)
def test_the_ends_of_a_range_may_have_subunits(low: str, high: str) -> None:
    read = _only(f"It costs from {low} to {high}.")
    assert read.amount_text == f"{low} to {high}"


_MAIN = {
    "som": "tyiyn",
    "tenge": "tiyin",
    "manat": "tenge",
    "somoni": "dirams",
    "rubles": "kopecks",
    "euros": "cents",
}


@given(
    whole=st.integers(1, 99_999),
    part=st.integers(0, 130),
    name=st.sampled_from(sorted(_MAIN)),
    unit=st.sampled_from(sorted(set(_MAIN.values()) - {"tenge"})),
    join=st.sampled_from([" ", " and ", ", ", "  ", "-", " \u2013 ", " plus ", " (net) "]),
    after=st.sampled_from([".", " per kg", " ($3)", " a month", " and more", ", they say"]),
)
def test_an_amount_never_lacks_the_subunit_that_is_written(
    whole: int, part: int, *, name: str, unit: str, join: str, after: str
) -> None:
    for amount in amounts(f"It costs {whole} {name}{join}{part} {unit}{after}"):
        assert amount.currency == "USD" or amount.amount == Decimal(whole) + Decimal(part) / 100


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("500,000 KZT/month", "month"),
        ("500,000 KZT / month", "month"),
        ("500 tenge (KZT)/month", "month"),
        ("150 USD/ton", "ton"),
        ("120 USD / t", "t"),
        ("120 USD/1,000 m3", "1,000 m3"),
        ("$40/bbl", "bbl"),
        ("80 USD/MWh", "MWh"),
        ("12 som/kWh", "kWh"),
        ("5 tenge/kW.h", "kW.h"),
        ("5 tenge/kW\u00b7h", "kW\u00b7h"),
        ("0.77 som per kilowatt hour", "kilowatt hour"),
        ("75 KZT/t-km", "t-km"),
        ("$5/sq.m", "sq.m"),
        ("$5/pound", "pound"),
        ("450 KZT/dollar", "dollar"),
        ("5-10 KZT/kWh", "kWh"),
        ("12 KGS/kWh/month", "kWh/month"),
        ("450.5 tenge per 1 USD", "1 USD"),
    ],
)
def test_a_unit_after_a_slash_is_read(text: str, unit: str) -> None:
    assert _only(f"It is {text} now.").per == unit


@pytest.mark.parametrize(
    "text",
    [
        "1 USD/KZT",
        "1 USD / KZT 450",
        "1 USD/450 KZT",
        "1 USD/tenge",
        "USD/KZT 450",
        "USD / KZT 450",
        "450 KZT/USD",
        "450 KZT/$",
        "5 USD/",
        "USD/ton 150",
        "1 US dollar (USD) = 87.45 KGS",
    ],
)
def test_a_pair_of_currencies_is_not_an_amount(text: str) -> None:
    assert amounts(f"Board: {text}") == ()


@pytest.mark.parametrize(
    "text",
    [
        "85,000 tenge [$165]",
        "85,000 tenge (\u2248$165)",
        "85,000 tenge (\u2248 $165)",
        "85,000 tenge (KZT) ($165)",
        "85,000 tenge (KZT) [about $165]",
        "85,000 tenge [1] ($165)",
        "85,000 tenge* ($165)",
        "85,000 tenge (before tax) ($165)",
        "85,000 tenge (before tax) a month ($165)",
        "85,000 KZT/month (\u2248$165)",
        "85,000 tenge, i.e. $165,",
        "85,000 tenge, i.e., $165,",
        "85,000 tenge (i.e. $165)",
        "85,000 tenge (which is about $165)",
        "85,000 tenge (KZT, about $165)",
        "85,000 tenge (USD165)",
        "85,000 tenge (165 USD)",
    ],
)
def test_dollars_after_a_note_a_code_or_a_unit_belong_to_the_amount(text: str) -> None:
    read = _only(f"He earns {text} there.")
    assert (read.amount, read.stated_usd) == (Decimal(85000), Decimal(165))


def test_a_unit_after_stated_dollars_in_square_brackets_is_the_unit_of_the_amount() -> None:
    read = _only("Power costs 3.1 Kyrgyz som (KGS) [about $0.035] per kilowatt-hour to make.")
    assert (read.amount, read.per, read.stated_usd) == (Decimal("3.1"), "kilowatt-hour", Decimal("0.035"))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("85.000 tenge (about $165)", "85000"),
        ("85.000 tenge a month ($165)", "85000"),
        ("KZT 85.000 (\u2248$165)", "85000"),
        ("1.250.000 som (about $14,300)", "1250000"),
        ("0.035 som", "0.035"),
        ("3.125 billion tenge", "3.125e9"),
        ("1234.567 som", "1234.567"),
        ("$1,234.567", "1234.567"),
        ("$3.459 a gallon", "3.459"),
        ("\u20ac1.459 per liter", "1.459"),
        ("2.165 som per kWh", "2.165"),
        ("87.455 som per dollar", "87.455"),
        ("85,000 tenge ($1.650)", "85000"),
    ],
)
def test_three_digits_after_a_full_stop_are_read_where_the_text_decides_what_they_are(
    text: str, amount: str
) -> None:
    assert _only(f"It is {text}.").amount == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "85.000 tenge",
        "85.000 KZT",
        "KZT 85.000",
        "85.000 tenge (about $0.17)",
        "1.500 tenge ($3 million)",
        "85.000-95.000 tenge",
        "1.500 som",
        "12.500 tenge a month",
        "1.250.000 som",
        "1.250.000 million som",
        "1.250.000 som ($14 million)",
        "1.250.000-1.300.000 som",
        "$1.500 a ton",
        "\u20ac1.085",
        "12.650 soums per dollar",
        "1.295 soums per kWh",
    ],
)
def test_three_digits_after_a_full_stop_may_be_thousands_and_are_not_an_amount(text: str) -> None:
    assert amounts(f"It is {text}.") == ()


@pytest.mark.parametrize(
    ("text", "amount"), [("100 som coin", "100"), ("200-som note", "200"), ("5 dollars' worth of tea", "5")]
)
def test_a_denomination_is_an_amount(text: str, amount: str) -> None:
    assert _only(f"He had a {text}.").amount == Decimal(amount)


@pytest.mark.parametrize("text", ["$5 million-plus", "$5 million-odd"])
def test_a_hedge_after_a_hyphen_makes_it_approximate(text: str) -> None:
    assert _only(f"It took {text}.").approx


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("$285 per 1,000 cubic meters", "1,000 cubic meters"),
        ("$400 per thousand cubic meters", "thousand cubic meters"),
        ("$60 per million BTU", "million BTU"),
        ("3 tenge per one kWh", "kWh"),
        ("$400 per 1000 m3", "1000 m3"),
        ("$400/1,000 m\u00b3", "1,000 m\u00b3"),
        ("$5 per square meter", "square meter"),
        ("$5/m2", "m2"),
        ("$5 per 100 thousand people", "100 thousand people"),
        ("$5 per thousand", "thousand"),
        ("$5 per thousand in May", "thousand"),
        ("$5 per hundred", "hundred"),
        ("$4.20/kg", "kg"),
        ("45,000 som a month", "month"),
        ("600,000 tenge ($1,150) a month", "month"),
        ("89.45 som per dollar", "dollar"),
        ("12,650 soums to the dollar", "dollar"),
        ("2.5 som per kilowatt-hour", "kilowatt-hour"),
        ("5 million som annually", "year"),
        ("$600-million-a-year", "year"),
        ("12,400 soums per US dollar", "dollar"),
        ("$22bn a year ago", None),
        ("$5 a goat", None),
        ("$5 million", None),
    ],
)
def test_the_unit_of_a_price_is_read(text: str, unit: str | None) -> None:
    (price,) = amounts(f"It is {text}.")
    assert price.per == unit
