"""Generated amounts read back, any text has sound spans, and rows are what the function finds."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.enrich.amounts import MAX_SPOTS, Amount, amount_rows, amounts


def _only(text: str) -> Amount:
    (amount,) = amounts(text)
    return amount


def _grouped(number: int, separator: str) -> str:
    return f"{number:,}".replace(",", separator)


_NAMES = {
    "som": "KGS", "soms": "KGS", "sums": "UZS", "soum": "UZS", "so'm": "UZS", "tenge": "KZT", "somoni": "TJS",
    "manats": "TMT", "rubles": "RUB", "roubles": "RUB", "yuan": "CNY", "euros": "EUR", "dollars": "USD",
}  # fmt: skip
_SIGNED = {"$": "USD", "US$": "USD", "U$": "USD", "\u20ac": "EUR", "KGS ": "KGS", "UZS ": "UZS", "KZT": "KZT"}
_SCALES = {
    "": 1,
    " thousand": 10**3,
    " million": 10**6,
    " mln": 10**6,
    "bn": 10**9,
    " bln": 10**9,
    " trillion": 10**12,
}


@given(
    whole=st.integers(100, 10**5 - 1),
    cents=st.one_of(st.none(), st.integers(0, 99)),
    separator=st.sampled_from(["", ",", "\u00a0", "\u2009", "\u202f"]),
    scale=st.sampled_from(sorted(_SCALES)),
    name=st.sampled_from([*_NAMES, *_SIGNED]),
)
def test_a_generated_amount_reads_back(
    whole: int, cents: int | None, separator: str, scale: str, name: str
) -> None:
    digits = _grouped(whole, separator) + ("" if cents is None else f".{cents:02}")
    written = f"{name}{digits}{scale}" if name in _SIGNED else f"{digits}{scale} {name}"
    read = _only(f"The bridge cost {written}.")
    value = (Decimal(whole) + Decimal(cents or 0) / 100) * _SCALES[scale]
    assert (read.amount_text, read.amount) == (written, value)
    assert read.currency == {**_NAMES, **_SIGNED}[name]


@given(
    low=st.integers(1, 400),
    more=st.integers(1, 400),
    dash=st.sampled_from(["-", "\u2013", " to "]),
    scale=st.sampled_from(sorted(_SCALES)),
)
def test_a_generated_range_reads_back(low: int, more: int, dash: str, scale: str) -> None:
    for written in (f"${low}{dash}{low + more}{scale}", f"{low}{dash}{low + more}{scale} somoni"):
        read = _only(f"The bridge costs {written}.")
        assert read.amount_text == written
        assert read.amount == low * _SCALES[scale]
        assert read.amount_high == (low + more) * _SCALES[scale]


_WORDS = (
    "US$ KGS USD 5 000 2024 12.5 million bn m k som soms sum so\u2019m somoni some tenge dollars manat mln. R$ "
    "tyiyn cents 37 85.000 (KGS) [KZT] (million) USD/KZT /kWh mio i.e. (gross) Canadian "
    "Azerbaijani Uzbek Belarusian a half two hundred and or to from between about per month rose In "
    "\u0441\u043e\u043c \U0001f600 \u017fom \u212agS cal\u00e7ada"
)
_PIECES = st.sampled_from([*"$\u20ac/= \u00a0,.-\u2013()\n", *_WORDS.split(" ")])
_TEXTS = st.one_of(
    st.text(), st.lists(_PIECES).map("".join), st.lists(_PIECES, min_size=4, max_size=40).map(" ".join)
)


@given(_TEXTS)
def test_spans_of_any_text_hold_their_amounts(text: str) -> None:
    end = 0
    for amount in amounts(text):
        assert amount.start >= end
        assert text[amount.start : amount.end] == amount.amount_text != ""
        assert 0 <= amount.amount < 10**18
        assert amount.amount_high is None or amount.amount < amount.amount_high
        end = amount.end


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit", ["$1, ", "$1 and ", "$1-", "5 som ", "1 million som ", "1 som 37 tyiyn, ", "a half ", "$1 ("]
)
def test_a_long_text_of_money_alone_takes_time_in_proportion_to_its_length(unit: str) -> None:
    text = unit * (120_000 // len(unit)) + " $1 million"
    assert all(text[amount.start : amount.end] == amount.amount_text for amount in amounts(text))


def _rows(texts: list[str | None]) -> pl.DataFrame:
    return amount_rows(
        pl.DataFrame(
            {"text_id": [str(n) for n in range(len(texts))], "text": texts},
            schema={"text_id": pl.String, "text": pl.String},
        )
    )


@settings(deadline=None)
@given(st.lists(_TEXTS, max_size=6))
def test_rows_are_what_the_function_finds(texts: list[str]) -> None:
    encodable = [text.encode("utf-8", "replace").decode() for text in texts]
    assert _rows(list(encodable)).rows() == [
        (
            str(number), one.start, one.end, one.amount_text, one.amount, one.amount_high, one.currency, one.per,
            one.approx, one.stated_usd, one.stated_usd_high,
        )
        for number, text in enumerate(encodable)
        for one in amounts(text)
    ]  # fmt: skip


def test_rows_have_their_types_also_where_nothing_is_found() -> None:
    empty = _rows([None, "no money here"])
    full = _rows(["It cost 5,000 som (U$56.60)."])
    assert empty.height == 0
    assert empty.schema == full.schema
    assert full.schema["amount"] == pl.Decimal(38, 10)
    assert full["stated_usd"].to_list() == [Decimal("56.60")]


def test_the_smallest_and_the_largest_amount_lose_nothing_in_rows() -> None:
    frame = _rows(["$0.0000000001 and $999,999,999,999,999 hundred"])
    assert frame["amount"].to_list() == [Decimal("0.0000000001"), Decimal(99999999999999900)]


def test_a_text_that_names_money_without_end_is_read_to_a_bound() -> None:
    assert len(amounts("5 som, " * (MAX_SPOTS + 10))) == MAX_SPOTS
