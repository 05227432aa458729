"""Pairs of texts that are nearly the same, kept in `raw.text_pair`: new texts against all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from ca_etl.enrich.likeness import Likeness, likenesses
from ca_etl.warehouse.landing import arrow_rows, incoming

if TYPE_CHECKING:
    import polars as pl

# Joined by band, never each with each: texts without a band in common are not looked at.
CANDIDATES: Final = """
    with new_bands as (
        select text_id, unnest(bands) as band from raw.text_profile where text_id in (select text_id from new_texts)
    ),
    all_bands as (select text_id, unnest(bands) as band from raw.text_profile),
    pairs as (
        select distinct
            least(new_bands.text_id, all_bands.text_id) as text_id,
            greatest(new_bands.text_id, all_bands.text_id) as other_id
        from new_bands
        inner join all_bands on all_bands.band = new_bands.band and all_bands.text_id <> new_bands.text_id
    )
    select pairs.text_id, pairs.other_id, texts.text, others.text
    from pairs
    inner join raw.article_text as texts on texts.text_id = pairs.text_id
    inner join raw.article_text as others on others.text_id = pairs.other_id
    order by pairs.text_id, pairs.other_id
"""


def replace_pairs(con: duckdb.DuckDBPyConnection, text_ids: pl.Series) -> int:
    """Compare these texts, whose profiles stand already, with all that share a band; how many pairs are kept.

    Kept are pairs with the same figures and at least half of their runs of words in common: what counts as the same
    text is for the model to say.
    """
    if text_ids.is_empty():
        return 0
    con.register("new_texts", text_ids.to_frame("text_id").to_arrow())
    con.execute(
        "delete from raw.text_pair where text_id in (select text_id from new_texts)"
        " or other_id in (select text_id from new_texts)"
    )
    rows = []
    found = con.execute(CANDIDATES)
    while candidates := found.fetchmany(1000):
        compared = likenesses([(text, other) for _, _, text, other in candidates])
        for (text_id, other_id, _, _), pair in zip(candidates, compared, strict=True):
            if pair is not None and _is_kept(pair):
                rows.append(
                    {
                        "text_id": text_id,
                        "other_id": other_id,
                        "shared_runs": pair.shared,
                        "runs": pair.runs,
                        "names_apart": pair.names_apart,
                    }
                )
    if rows:
        with incoming(con, arrow_rows(con, "text_pair", rows)):
            con.execute("insert into raw.text_pair by name from incoming_rows")
    con.unregister("new_texts")
    return len(rows)


def _is_kept(pair: Likeness) -> bool:
    return 2 * pair.shared >= pair.runs
