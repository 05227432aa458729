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
def test_two_figures_that_share_no_magnitude_are_no_amount(text: str) -> None:
    assert amounts(f"They ask {text}.") == ()


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("from 90 to 1 billion tenge", "1e9"),
        ("from 500 to 1 million tenge", "1e6"),
        ("from $500 to $1 million", "1e6"),
    ],
)
def test_where_the_magnitude_of_the_first_end_is_not_certain_only_the_second_is_told(
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
