"""The amounts of many texts as one frame.

Polars finds the positions that may belong to an amount in all texts at once (Aho-Corasick); the grammar of
`amounts` runs only there. News names money seldom, so nearly all of the text is never seen by Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

import polars as pl

from ca_etl.enrich.amounts import Amount, amounts_at
from ca_etl.enrich.money_numbers import DECIMALS
from ca_etl.enrich.money_words import CODES, SIGNS, STEMS

# Wide enough for every amount that the grammar reads: below 10^18, with at most ten decimals.
MONEY: Final = pl.Decimal(38, DECIMALS)
# Column, field of an amount, type.
_COLUMNS: Final[tuple[tuple[str, str, pl.DataType | type[pl.DataType]], ...]] = (
    ("text_start", "start", pl.UInt32), ("text_end", "end", pl.UInt32), ("amount_text", "amount_text", pl.String),
    ("amount", "amount", MONEY), ("amount_high", "amount_high", MONEY), ("currency", "currency", pl.String),
    ("per", "per", pl.String), ("is_approximate", "approx", pl.Boolean), ("stated_usd", "stated_usd", MONEY),
    ("stated_usd_high", "stated_usd_high", MONEY),
)  # fmt: skip


def amount_rows(texts: pl.DataFrame) -> pl.DataFrame:
    """One row per amount of `texts` (columns text_id, text), in the order of the texts and of their amounts.

    Columns: text_id, text_start, text_end (characters), amount_text, amount, amount_high, currency, per,
    is_approximate, stated_usd, stated_usd_high; see `amounts.Amount`. A null text has no amounts.
    Raises `polars.exceptions.ColumnNotFoundError` where a column of `texts` is missing.
    """
    ids: list[object] = []
    amounts: list[Amount] = []
    for text_id, text, spots in _with_spots(texts):
        amounts += amounts_at(text, _characters(text, spots))
        ids += [text_id] * (len(amounts) - len(ids))
    columns = {name: pl.Series(map(attrgetter(field), amounts), dtype=kind) for name, field, kind in _COLUMNS}
    return pl.DataFrame({"text_id": pl.Series(ids, dtype=texts.schema["text_id"]), **columns})


def _with_spots(texts: pl.DataFrame) -> Iterator[tuple[object, str, Sequence[int]]]:
    """The texts that have a candidate, with the candidates' offsets in bytes, in rising order."""
    text = pl.col("text").str
    words, codes = [*SIGNS, *STEMS], [*CODES]
    spots = pl.concat_list(text.find_many(words, ascii_case_insensitive=True), text.find_many(codes))
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
