"""Step 3 of a run: find countries, amounts, language and near-duplicates of new article texts and titles."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from ca_etl.sources.session import Context
from ca_etl.warehouse.connection import checkpoint_at_commit, fetch_number, open_building, transaction
from ca_etl.warehouse.raw_schema import INCOMING, arrow_rows, incoming
from ca_etl.warehouse.release import find_building
from ca_etl.warehouse.sqlfiles import sql_root

if TYPE_CHECKING:
    from ca_etl.enrich.countries import Gazetteer

# ruff: noqa: S608  table and column names are ours

log = logging.getLogger(__name__)

# Of texts and titles alike: when a rule changes, all of them are searched again.
VERSION: Final = "2026-11-27.2"
TITLE: Final = "title:"

# A text that is on a hundred captures is one row of raw.article_text, and is searched once; by its rowid no other is
# read.
NEW_ITEMS: Final = """
    with searched as (select item from raw.enriched where version = $version)
    select text_id as item, text from raw.article_text where rowid in (
        select texts.rowid from raw.article_text as texts anti join searched on searched.item = texts.text_id
    )
    union all
    select item, title from (
        select distinct $title || title as item, title from raw.article_observation where trim(title) <> ''
    )
    anti join searched using (item)
    order by item
"""
NOT_COMPARED: Final = """
    with items as (select item from raw.enriched where not is_compared)
    select
        (select count(*) from items),
        (select count(*) from raw.text_country where item in (from items)),
        (select count(*) from raw.text_amount where text_id in (from items))
"""


@dataclass(frozen=True, slots=True)
class Enriched:
    """Counts of the step that searches texts: `items` searched, `countries` and `amounts` in them, similar `pairs`.

    `items` are texts and titles. `crowded` counts texts that have too many possible near-duplicates to be compared
    with all of them.
    """

    items: int = 0
    countries: int = 0
    amounts: int = 0
    pairs: int = 0
    crowded: int = 0


def enrich(ctx: Context) -> Enriched:
    """Search the texts and titles that were not searched with these rules, and compare new texts with all others.

    Those of a large archive were searched by the processes that parsed it, and are compared here.
    """
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        checkpoint_at_commit(con)
        with transaction(con):
            items = con.sql(NEW_ITEMS, params={"title": TITLE, "version": VERSION}).to_arrow_table()
            if items.num_rows:
                store_matches(con, search(items))
            ((new, countries, amounts),) = con.execute(NOT_COMPARED).fetchall()
            if not new:
                return Enriched()
            pairs = replace_pairs(con)
            crowded = crowded_texts(con)
            con.execute("update raw.enriched set is_compared = true where not is_compared")
    log.info(
        "%d texts and titles searched: %d countries, %d amounts, %d pairs", new, countries, amounts, pairs
    )
    return Enriched(new, countries, amounts, pairs, crowded)


def search(items: pa.Table) -> dict[str, pa.Table]:
    """Find countries, amounts and language in some texts and titles: the rows of landing tables, by their names.

    `items` has the columns item and text, each item once. The first column of each table names the item of a row.
    """
    # Polars takes a fifth of a second to import, which a run without new texts does not pay.
    import polars as pl  # noqa: PLC0415

    from ca_etl.enrich.amounts import amount_rows  # noqa: PLC0415
    from ca_etl.enrich.countries import place_rows  # noqa: PLC0415
    from ca_etl.enrich.near_duplicates import profile_rows  # noqa: PLC0415

    searched = pl.DataFrame(items).rename({"item": "text_id"})
    texts = searched.filter(~pl.col("text_id").str.starts_with(TITLE))
    countries = place_rows(searched, read_gazetteer()).select("text_id", "country_code", "mentions")
    marks = searched.select(item="text_id", version=pl.lit(VERSION), is_compared=False)
    tables = {
        "enriched": marks,
        "text_country": countries.rename({"text_id": "item"}),
        "text_amount": amount_rows(texts),
        "text_profile": profile_rows(texts),
    }
    return {name: rows.to_arrow() for name, rows in tables.items()}


def store_matches(con: duckdb.DuckDBPyConnection, matches: Mapping[str, pa.Table]) -> None:
    """Replace the rows of texts and titles by those that `search` found, inside the caller's transaction.

    What was searched with the present rules before is left as it is.
    """
    with incoming(con, matches["enriched"]):
        con.execute(
            f"create or replace temp table new_items as select item from {INCOMING}"
            " anti join (select item from raw.enriched where version = ?) using (item)",
            [VERSION],
        )
    for table, rows in matches.items():
        item = rows.column_names[0]
        with incoming(con, rows):
            con.execute(f"delete from raw.{table} where {item} in (from new_items)")
            # two parts of an archive may have the same text, with equal rows
            con.execute(
                f"insert into raw.{table} by name select * from {INCOMING} where {item} in (from new_items)"
                " on conflict do nothing"
            )


@lru_cache(maxsize=1)
def read_gazetteer() -> Gazetteer:
    """The gazetteer of place names by country, from `sql/seeds/places.csv`."""
    from ca_etl.enrich.countries import Gazetteer  # noqa: PLC0415  Polars, see above

    with (sql_root() / "seeds" / "places.csv").open(encoding="utf-8", newline="") as file:
        return Gazetteer.of(csv.DictReader(file))


# Each text is compared with the first texts of each of its bands by text_id, these with all: 1,000 posts on one
# template make 20,000 pairs in place of 500,000, and are linked all the same. A band of the demo has 2 texts.
MOST_FIRST: Final = 20
# Texts of so many words are in memory at once, some 100 MB.
SLICE_WORDS: Final = 1_000_000

# The position of each text in each band that it shares, and the size of that; `bands` is a condition on the bands.
BAND_TEXTS: Final = """
    create or replace temp table band_texts as
    select
        text_id,
        band,
        text_id in (select item from raw.enriched where not is_compared) as is_new,
        row_number() over (partition by band order by text_id) as position,
        count(*) over (partition by band) as size
    from (select text_id, unnest(bands) as band from raw.text_profile)
    where {bands}
    qualify size > 1
"""
NEW_BANDS: Final = """
    band in (
        select unnest(bands) from raw.text_profile
        where text_id in (select item from raw.enriched where not is_compared)
    )
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
"""
SLICE: Final = """
    select pairs.text_id, pairs.other_id, texts.text, others.text
    from new_pairs as pairs
    inner join raw.article_text as texts on texts.text_id = pairs.text_id
    inner join raw.article_text as others on others.text_id = pairs.other_id
    where pairs.slice = $slice
    order by pairs.other_id, pairs.text_id
"""
PAIRS_OF_NEW: Final = """
    delete from raw.text_pair
    where text_id in (select item from raw.enriched where not is_compared)
    or other_id in (select item from raw.enriched where not is_compared)
"""
# A new text may replace one that was among the first: as if all had come together.
PUSHED_OUT: Final = f"""
    delete from raw.text_pair
    where text_id in (select text_id from band_texts where position > $first)
    and (text_id, other_id) not in (from ({CANDIDATES}))
"""
CROWDED: Final = """
    select count(distinct text_id) from band_texts where is_new and position > $first and size > $first + 1
"""


def replace_pairs(con: duckdb.DuckDBPyConnection) -> int:
    """Compare each text that was not compared yet with the texts that share a hash band; return the number of pairs.

    A pair is stored if both texts have the same numbers and half of their 3-word shingles; whether they are one
    article is decided in SQL. `MOST_FIRST` bounds the comparisons.
    """
    con.execute(PAIRS_OF_NEW)
    con.execute(BAND_TEXTS.format(bands=NEW_BANDS))
    if fetch_number(con, f"select count(*) from band_texts where position > {MOST_FIRST}"):
        # a text that is no longer among the first of a band may still be among those of another
        con.execute(BAND_TEXTS.format(bands="true"))
        con.execute(PUSHED_OUT, {"first": MOST_FIRST})
    con.execute(NEW_PAIRS, {"first": MOST_FIRST})
    slices = con.execute("select distinct slice from new_pairs order by slice").fetchall()
    return sum(_compare(con, number) for (number,) in slices)


def crowded_texts(con: duckdb.DuckDBPyConnection) -> int:
    """The number of texts with too many possible near-duplicates, which were not compared with all of them."""
    ((crowded,),) = con.execute(CROWDED, {"first": MOST_FIRST}).fetchall()
    return int(crowded)


def _compare(con: duckdb.DuckDBPyConnection, number: int) -> int:
    """Store the similar pairs of one slice; return their number."""
    from ca_etl.enrich.near_duplicates import similarities  # noqa: PLC0415  Polars, see above

    candidates = con.execute(SLICE, {"slice": number}).fetchall()
    compared = similarities([(text, other) for _, _, text, other in candidates])
    rows = [
        {
            "text_id": one,
            "other_id": two,
            "shared_runs": it.shared,
            "runs": it.shingles,
            "names_apart": it.names_apart,
        }
        for (one, two, _, _), it in zip(candidates, compared, strict=True)
        if it is not None and 2 * it.shared >= it.shingles
    ]
    if rows:
        with incoming(con, arrow_rows(con, "text_pair", rows)):
            con.execute("insert into raw.text_pair by name from incoming_rows")
    return len(rows)
