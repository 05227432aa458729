"""Pairs of texts that are nearly the same, kept in `raw.text_pair`: new texts against all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from ca_etl.enrich.likeness import likenesses
from ca_etl.warehouse.landing import arrow_rows, incoming

if TYPE_CHECKING:
    import polars as pl

# Each text is compared with the first texts of each of its bands by text_id, these with all: 1,000 posts on one
# template make 20,000 pairs in place of 500,000, and are linked all the same. A band of the demo has 2 texts.
MOST_FIRST: Final = 20
# Texts of so many words are in memory at once, some 100 MB.
SLICE_WORDS: Final = 1_000_000

# The position of each text in each band that it shares, and the size of that.
BAND_TEXTS: Final = """
    create or replace temp table band_texts as
    select
        text_id,
        band,
        text_id in (from new_texts) as is_new,
        row_number() over (partition by band order by text_id) as position,
        count(*) over (partition by band) as size
    from (select text_id, unnest(bands) as band from raw.text_profile)
    qualify size > 1
"""
CANDIDATES: Final = """
    select distinct first.text_id, other.text_id as other_id
    from band_texts as first
    inner join band_texts as other on other.band = first.band and other.text_id > first.text_id
    where first.position <= $first
"""
NEW_PAIRS: Final = f"""
    create or replace temp table new_pairs as
    select
        pairs.text_id,
        pairs.other_id,
        sum(profile.words + other.words) over (order by pairs.other_id, pairs.text_id) // {SLICE_WORDS} as slice
    from ({CANDIDATES} and (first.is_new or other.is_new)) as pairs
    inner join raw.text_profile as profile on profile.text_id = pairs.text_id
    inner join raw.text_profile as other on other.text_id = pairs.other_id
"""  # noqa: S608  of our own constants
SLICE: Final = """
    select pairs.text_id, pairs.other_id, texts.text, others.text
    from new_pairs as pairs
    inner join raw.article_text as texts on texts.text_id = pairs.text_id
    inner join raw.article_text as others on others.text_id = pairs.other_id
    where pairs.slice = $slice
    order by pairs.other_id, pairs.text_id
"""
# A new text may take the place of one that was among the first: as if all had come together.
PUSHED_OUT: Final = f"""
    delete from raw.text_pair
    where text_id in (select text_id from band_texts where position > $first)
    and (text_id, other_id) not in (from ({CANDIDATES}))
"""  # noqa: S608  of our own constants
CROWDED: Final = """
    select count(distinct text_id) from band_texts where is_new and position > $first and size > $first + 1
"""


def replace_pairs(con: duckdb.DuckDBPyConnection, text_ids: pl.Series) -> int:
    """Compare these texts, which have their profiles, with others that share a band; the number of pairs kept.

    A pair is kept with the same numbers and at least half of the 3-word shingles in common: what counts as the same
    text is for the model to decide. See `MOST_FIRST` for which others.
    """
    con.register("new_texts", text_ids.to_frame("text_id").to_arrow())
    con.execute("delete from raw.text_pair where text_id in (from new_texts) or other_id in (from new_texts)")
    con.execute(BAND_TEXTS)
    con.unregister("new_texts")
    con.execute(PUSHED_OUT, {"first": MOST_FIRST})
    con.execute(NEW_PAIRS, {"first": MOST_FIRST})
    slices = con.execute("select distinct slice from new_pairs order by slice").fetchall()
    return sum(_compare(con, number) for (number,) in slices)


def crowded_texts(con: duckdb.DuckDBPyConnection) -> int:
    """How many texts of the last `replace_pairs` were not compared with all that share a band with them."""
    ((crowded,),) = con.execute(CROWDED, {"first": MOST_FIRST}).fetchall()
    return int(crowded)


def _compare(con: duckdb.DuckDBPyConnection, number: int) -> int:
    """Keep the pairs of one slice that are similar; how many."""
    candidates = con.execute(SLICE, {"slice": number}).fetchall()
    compared = likenesses([(text, other) for _, _, text, other in candidates])
    rows = [
        {
            "text_id": one,
            "other_id": two,
            "shared_runs": it.shared,
            "runs": it.runs,
            "names_apart": it.names_apart,
        }
        for (one, two, _, _), it in zip(candidates, compared, strict=True)
        if it is not None and 2 * it.shared >= it.runs
    ]
    if rows:
        with incoming(con, arrow_rows(con, "text_pair", rows)):
            con.execute("insert into raw.text_pair by name from incoming_rows")
    return len(rows)
