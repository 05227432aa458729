"""Countries that texts name: Aho-Corasick over all texts at once, then word borders, then the rules of single names.

Names are found as printed, with case ("China", not "china"), the leftmost first and of those the longest.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

import polars as pl

from ca_etl.enrich.gazetteer import Gazetteer
from ca_etl.enrich.places_rules import WINDOW, refused

ROWS: Final = {
    "text_id": pl.String,
    "country_code": pl.String,
    "mentions": pl.Int32,
    "first_position": pl.Int32,
}
_LONGEST_CHARACTER: Final = 4
_NOT_ASCII: Final = 0x80


@dataclass(frozen=True, slots=True)
class Place:
    """One name of a country in a text: `text[start:end] == name`, counted in characters."""

    start: int
    end: int
    name: str
    country_code: str
    kind: str


def places(text: str, gazetteer: Gazetteer) -> tuple[Place, ...]:
    """The places of one text, in order; for many texts `place_rows` is faster by far."""
    raw = text.encode()
    found = _found(pl.DataFrame({"text": [text]}), gazetteer)
    read = []
    for start, name, code, kind in found.select("start", "name", "country_code", "kind").rows():
        first = len(raw[:start].decode())
        read.append(Place(first, first + len(name), name, code, kind))
    return tuple(sorted(read, key=lambda place: place.start))


def place_rows(texts: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """How often each text names each country: one row a text and country, in order of both.

    `texts` has `text_id` and `text`, each text once. `mentions` counts names of every kind; `first_position` is
    where the first begins, in characters from 0. A text that names no country has no row.
    """
    named = (
        _found(texts.select("text"), gazetteer)
        .group_by("row", "country_code")
        .agg(mentions=pl.len(), start=pl.col("start").min())
        .sort("row", "start")
        .join(texts.select("text_id", "text").with_row_index("row"), on="row", maintain_order="left")
    )
    # Characters are counted from one first name to the next, so that a text of twenty countries is read once.
    last = pl.col("start").shift(1).over("row").fill_null(0)
    between = pl.col("text").cast(pl.Binary).bin.slice(last, pl.col("start") - last).cast(pl.String)
    return named.select(
        "text_id",
        "country_code",
        pl.col("mentions").cast(pl.Int32),
        first_position=between.str.len_chars().cum_sum().over("row").cast(pl.Int32),
    ).sort("text_id", "country_code")


def _found(texts: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    """One row a name that stands for a country: row (of `texts`), text, start and end in bytes, and the name's."""
    names = [entry.name for entry in gazetteer.names]
    known = pl.DataFrame(
        {
            "name": names,
            "country_code": [entry.country_code for entry in gazetteer.names],
            "kind": [entry.kind for entry in gazetteer.names],
            "rules": [" ".join(entry.rules) or None for entry in gazetteer.names],
        },
        schema={"name": pl.String, "country_code": pl.String, "kind": pl.String, "rules": pl.String},
    )
    text = pl.col("text").str
    hits = (
        # The patterns stand longest first, so that "leftmost" takes the longest of those that begin together.
        texts.with_row_index("row")
        .with_columns(
            start=text.find_many(names, leftmost=True), name=text.extract_many(names, leftmost=True)
        )
        .explode("start", "name")
        .drop_nulls("name")
        .with_columns(pl.col("start").cast(pl.Int64))
        .with_columns(end=pl.col("start") + pl.col("name").str.len_bytes())
    )
    bordered = _bordered(hits)
    # The place in the list instead of a join on strings, which took a quarter of the whole.
    entries = known[bordered["name"].cast(pl.Enum(names)).to_physical()]
    return _ruled(bordered.drop("name").hstack(entries).drop_nulls("country_code"))


def _bordered(hits: pl.DataFrame) -> pl.DataFrame:
    """Those hits that neither begin nor end inside a word."""
    raw = pl.col("text").cast(pl.Binary).bin
    # A negative index counts from the end: what stands before the first byte is nothing.
    before = pl.when(pl.col("start") > 0).then(raw.get(pl.col("start") - 1, null_on_oob=True)).fill_null(0)
    after = raw.get(pl.col("end"), null_on_oob=True).fill_null(0)
    near = hits.with_columns(before=before, after=after).filter(~_is_word("before"), ~_is_word("after"))
    plain = pl.max_horizontal("before", "after") < _NOT_ASCII
    far = near.filter(~plain)
    sides = map(_decoded, far.select(*_sides(_LONGEST_CHARACTER)).rows())
    bordered = [not (_in_word(before[-1:]) or _in_word(after[:1])) for before, after in sides]
    return pl.concat([near.filter(plain), far.filter(pl.Series(bordered, dtype=pl.Boolean))])


def _ruled(hits: pl.DataFrame) -> pl.DataFrame:
    """Those hits that no rule of their name refuses."""
    doubtful = hits.filter(pl.col("rules").is_not_null())
    kept = [
        not refused(rules.split(), *_decoded(sides), name)
        for rules, name, *sides in doubtful.select("rules", "name", *_sides(WINDOW)).rows()
    ]
    return pl.concat(
        [hits.filter(pl.col("rules").is_null()), doubtful.filter(pl.Series(kept, dtype=pl.Boolean))]
    )


def _is_word(byte: str) -> pl.Expr:
    """Whether an ASCII byte belongs to a word."""
    value = pl.col(byte)
    ranges = (("0", "9"), ("A", "Z"), ("a", "z"), ("_", "_"))
    return reduce(or_, (value.is_between(ord(low), ord(high)) for low, high in ranges))


def _sides(width: int) -> tuple[pl.Expr, pl.Expr]:
    """Up to `width` bytes before and after a hit."""
    raw = pl.col("text").cast(pl.Binary).bin
    begin = pl.max_horizontal(pl.col("start") - width, 0)
    return raw.slice(begin, pl.col("start") - begin).alias("left"), raw.slice(pl.col("end"), width).alias(
        "right"
    )


def _decoded(sides: Sequence[bytes]) -> tuple[str, str]:
    # the far ends may cut a character, the near ends never do
    before, after = sides
    return before.decode("utf-8", "ignore"), after.decode("utf-8", "ignore")


def _in_word(character: str) -> bool:
    """Letters, digits and the marks that are put upon them, of any script."""
    return character == "_" or (character != "" and unicodedata.category(character)[0] in "LNM")
