"""The amounts of many texts as one frame.

Polars finds the positions that may belong to an amount in all texts at once (Aho-Corasick); the grammar of
`amounts` runs only there. News names money seldom, so nearly all of the text is never seen by Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from ca_etl.enrich.amounts import Amount, amounts_at
from ca_etl.enrich.money_numbers import DECIMALS
from ca_etl.enrich.money_words import CODES, SIGNS, STEMS

# Wide enough for every amount that the grammar reads: below 10^18, with at most ten decimals.
MONEY: Final = pl.Decimal(38, DECIMALS)
_WORDS: Final = (*SIGNS, *STEMS)


def amount_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """One row per amount of `texts` (columns text_id, text), in the order of the texts and of their amounts.

    Columns: text_id, text_start, text_end (characters), amount_text, amount, amount_high, currency, per,
    is_approximate, stated_usd, stated_usd_high; see `amounts.Amount`. A null text has no amounts.
    Raises `polars.exceptions.ColumnNotFoundError` where a column of `texts` is missing.
    """
    ids: list[object] = []
    amounts: list[Amount] = []
    for text_id, text, spots in _with_spots(texts):
        for amount in amounts_at(text, _characters(text, spots)):
            ids.append(text_id)
            amounts.append(amount)
    return pl.DataFrame(
        {
            "text_id": pl.Series(ids, dtype=texts.schema["text_id"]),
            "text_start": pl.Series([amount.start for amount in amounts], dtype=pl.UInt32),
            "text_end": pl.Series([amount.end for amount in amounts], dtype=pl.UInt32),
            "amount_text": pl.Series([amount.amount_text for amount in amounts], dtype=pl.String),
            "amount": pl.Series([amount.amount for amount in amounts], dtype=MONEY),
            "amount_high": pl.Series([amount.amount_high for amount in amounts], dtype=MONEY),
            "currency": pl.Series([amount.currency for amount in amounts], dtype=pl.String),
            "per": pl.Series([amount.per for amount in amounts], dtype=pl.String),
            "is_approximate": pl.Series([amount.approx for amount in amounts], dtype=pl.Boolean),
            "stated_usd": pl.Series([amount.stated_usd for amount in amounts], dtype=MONEY),
            "stated_usd_high": pl.Series([amount.stated_usd_high for amount in amounts], dtype=MONEY),
        }
    )


def _with_spots(texts: pl.DataFrame) -> Iterator[tuple[object, str, Sequence[int]]]:
    """The texts that have a candidate, with the candidates' offsets in bytes, in rising order."""
    text = pl.col("text").str
    spots = pl.concat_list(
        text.find_many(list(_WORDS), ascii_case_insensitive=True), text.find_many(list(CODES))
    )
    candidates = texts.select("text_id", "text", spots=spots.list.unique().list.sort()).filter(
        pl.col("spots").list.len() > 0
    )
    yield from candidates.iter_rows()


def _characters(text: str, spots: Sequence[int]) -> Sequence[int]:
    """Offsets in bytes as offsets in characters."""
    if text.isascii():
        return spots
    raw, at, characters, offsets = text.encode(), 0, 0, []
    for spot in spots:
        characters += len(raw[at:spot].decode())
        at = spot
        offsets.append(characters)
    return offsets
