"""Ranges and lists of which the last figure alone has its magnitude: "$900 to $1.2 billion", "$3 or $5 million"."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ca_etl.enrich.amounts import Amount, amounts


def _only(text: str) -> Amount:
    (amount,) = amounts(text)
    return amount


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("between $900 and $1.2 billion", "900e6", "1.2e9"),
        ("$900 to 1.2 billion", "900e6", "1.2e9"),
        ("$800-$1.2 billion", "800e6", "1.2e9"),
        ("$900-1.2 billion", "900e6", "1.2e9"),
        ("900-1.2 billion tenge", "900e6", "1.2e9"),
        ("from 900 to 1.2 billion tenge", "900e6", "1.2e9"),
        ("800\u20131.5 billion soums", "800e6", "1.5e9"),
        ("$999-1 million", "999000", "1e6"),
        ("$300-200 million", "200e6", "300e6"),
    ],
)
def test_a_range_into_the_next_magnitude_begins_in_the_lower_one(text: str, low: str, high: str) -> None:
    read = _only(f"They ask {text}.")
    assert (read.amount, read.amount_high) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize("text", ["$90-1 billion", "90-1 billion tenge", "$30-1 million"])
def test_two_numbers_that_share_no_magnitude_are_not_an_amount(text: str) -> None:
    assert amounts(f"They ask {text}.") == ()


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("from 90 to 1 billion tenge", "1e9"),
        ("from 500 to 1 million tenge", "1e6"),
        ("from $500 to $1 million", "1e6"),
        ("between $90 and $1 billion", "1e9"),
    ],
)
def test_where_the_magnitude_of_the_first_end_is_not_certain_only_the_second_is_taken(
    text: str, second: str
) -> None:
    read = _only(f"Sums go {text}.")
    assert (read.amount, read.amount_high) == (Decimal(second), None)


@pytest.mark.parametrize(
    "text",
    [
        "Debt rose from $900 to $1.2 billion.",
        "Debt rose from $900 to 1.2 billion.",
        "Debt rose from 900 to 1.2 billion tenge.",
    ],
)
def test_a_change_into_the_next_magnitude_begins_in_the_lower_one(text: str) -> None:
    assert [one.amount for one in amounts(text)] == [900 * 10**6, 1200 * 10**6]


def test_a_change_to_a_range_shares_its_magnitude() -> None:
    read = amounts("They want to go from $40 to $50-60 million.")
    assert [(one.amount, one.amount_high) for one in read] == [(40 * 10**6, None), (50 * 10**6, 60 * 10**6)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They want $3 or $5 million.", ("3e6", "5e6")),
        ("They want $3 or about $5 million.", ("3e6", "5e6")),
        ("They want USD 3 or USD 5 million.", ("3e6", "5e6")),
        ("They want $3, $5 or $7 million.", ("3e6", "5e6", "7e6")),
        ("It has loans of $100, $200 and $300 million.", ("100e6", "200e6", "300e6")),
        ("It has loans of \u20ac300, \u20ac100, and \u20ac200 million.", ("300e6", "100e6", "200e6")),
        ("It has loans of $3 and $5 million.", ("3e6", "5e6")),
        ("It has loans of $900 million and $1.2 billion.", ("900e6", "1.2e9")),
        ("The price rose from $3 to $5 million.", ("3e6", "5e6")),
    ],
)
def test_the_members_of_a_list_share_the_magnitude_of_its_last(text: str, expected: tuple[str, ...]) -> None:
    assert [one.amount for one in amounts(text)] == [Decimal(amount) for amount in expected]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("He paid $5 and $2 million was left.", "2e6"),
        ("He paid $5 and $20 million was left.", "20e6"),
        ("It costs $5 and $900 million in all.", "900e6"),
        ("He was fined $500, and $2 million was seized.", "2e6"),
        ("For $5, $20 million came.", "20e6"),
        ("It rose $3 to $5 million.", "5e6"),
        ("It rose by $3 to $5 million.", "5e6"),
    ],
)
def test_a_bare_number_that_may_lack_its_magnitude_is_not_an_amount(text: str, amount: str) -> None:
    assert _only(text).amount == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["It costs $3 and 5 million in all.", "It has loans of $100, 200 and 300 million."]
)
def test_a_bare_number_before_a_number_without_a_sign_that_has_a_magnitude_is_not_an_amount(
    text: str,
) -> None:
    assert amounts(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and 3 million people use it.",
        "He had 5 dollars and $2 million in debt.",
        "He had $5. And $2 million in debt.",
        "He had $5 here and $2 million there.",
        "He had $5 and \u20ac2 million in debt.",
    ],
)
def test_a_bare_number_beside_another_matter_stays_as_it_is(text: str) -> None:
    assert amounts(text)[0].amount == 5


def test_a_range_may_end_in_a_list() -> None:
    read = amounts("It takes from $3 to $5 or $6 million.")
    assert [(one.amount, one.amount_high) for one in read] == [(3 * 10**6, 5 * 10**6), (6 * 10**6, None)]


@pytest.mark.parametrize(
    ("text", "amount", "approx"),
    [
        ("$20-plus billion", "20e9", True),
        ("$20-odd billion", "20e9", True),
        ("20-some billion tenge", "20e9", True),
        ("$40+ million", "40e6", True),
        ("40+ million som", "40e6", True),
        ("$5 (five) million", "5e6", False),
        ("5 (five) million som", "5e6", False),
        ("25 (twenty five) million som", "25e6", False),
        ("$2\u00bd million", "2.5e6", False),
        ("2 \u00be million som", "2.75e6", False),
        ("$2 1/2 million", "2.5e6", False),
        ("\u20ac1\u00bc", "1.25", False),
    ],
)
def test_a_word_or_fraction_between_a_number_and_its_magnitude_is_read(
    text: str, amount: str, *, approx: bool
) -> None:
    read = _only(f"The port took {text}, they say.")
    assert (read.amount_text, read.amount, read.approx) == (text, Decimal(amount), approx)


def test_a_range_of_numbers_with_fractions_is_read() -> None:
    read = _only("It takes from 2\u00bd to 3\u00bd million som.")
    assert (read.amount, read.amount_high) == (Decimal(2500000), Decimal(3500000))
