"""What a price is for: the whole unit behind "per", a slash or an article."""

from __future__ import annotations

import pytest

from ca_etl.enrich.amounts import amounts


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
def test_the_unit_of_a_price_is_told(text: str, unit: str | None) -> None:
    (price,) = amounts(f"It is {text}.")
    assert price.per == unit
