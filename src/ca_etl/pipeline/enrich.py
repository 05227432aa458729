"""Step 3 of a run: find countries, amounts, language and near-duplicates of new article texts and titles."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from ca_etl.sources.session import Context
from ca_etl.warehouse.connection import checkpoint_at_commit, open_building, transaction
from ca_etl.warehouse.raw_schema import arrow_rows, incoming
from ca_etl.warehouse.release import find_building
from ca_etl.warehouse.sqlfiles import sql_root

if TYPE_CHECKING:
    import polars as pl

    from ca_etl.enrich.countries import Gazetteer

log = logging.getLogger(__name__)

# Of texts and titles alike: when a rule changes, all of them are searched again.
VERSION: Final = "2026-11-27.2"
TITLE: Final = "title:"

# A text that is on a hundred captures is one row of raw.article_text, and is searched once.
NEW_ITEMS: Final = """
    select item, text from (
        select text_id as item, text from raw.article_text
        union all
        select distinct $title || title, title from raw.article_observation where trim(title) <> ''
    )
    anti join (select item from raw.enriched where version = $version) using (item)
    order by item
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
    """Search new texts and titles for countries, amounts and near-duplicates, and store the matches in `raw.*`.

    Texts that an earlier run searched with the present rules are not searched again.
    """
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        new_items = con.sql(NEW_ITEMS, params={"title": TITLE, "version": VERSION}).to_arrow_table()
        if new_items.num_rows == 0:
            return Enriched()
        # Polars takes a fifth of a second to import, which a run without new texts does not pay.
        import polars as pl  # noqa: PLC0415

        from ca_etl.enrich.amounts import amount_rows  # noqa: PLC0415
        from ca_etl.enrich.countries import place_rows  # noqa: PLC0415
        from ca_etl.enrich.near_duplicates import profile_rows  # noqa: PLC0415

        items = pl.DataFrame(new_items)
        searched = items.rename({"item": "text_id"})
        countries = place_rows(searched, read_gazetteer()).select(
            item="text_id", country_code="country_code", mentions="mentions"
        )
        texts = searched.filter(~pl.col("text_id").str.starts_with(TITLE))
        amounts, profiles = amount_rows(texts), profile_rows(texts)
        checkpoint_at_commit(con)
        with transaction(con):
            _replace(
                con, items, {"text_country": countries, "text_amount": amounts, "text_profile": profiles}
            )
            pairs = replace_pairs(con, texts["text_id"])
            crowded = crowded_texts(con)
    log.info(
        "%d texts and titles searched: %d countries, %d amounts, %d pairs of near-duplicates",
        len(items),
        len(countries),
        len(amounts),
        pairs,
    )
    return Enriched(len(items), len(countries), len(amounts), pairs, crowded)


def read_gazetteer() -> Gazetteer:
    """The gazetteer of place names by country, from `sql/seeds/places.csv`."""
    from ca_etl.enrich.countries import Gazetteer  # noqa: PLC0415  Polars, see above

    with (sql_root() / "seeds" / "places.csv").open(encoding="utf-8", newline="") as file:
        return Gazetteer.of(csv.DictReader(file))


def _replace(
    con: duckdb.DuckDBPyConnection, items: pl.DataFrame, matches: Mapping[str, pl.DataFrame]
) -> None:
    """Replace the rows of some items in landing tables; `matches` has the new rows by table.

    The first column of a table names the item of a row.
    """
    con.register("new_items", items.select("item").to_arrow())
    for table, rows in matches.items():
        con.register("new_rows", rows.to_arrow())
        con.execute(f"delete from raw.{table} where {rows.columns[0]} in (from new_items)")  # noqa: S608
        con.execute(f"insert into raw.{table} by name from new_rows")
        con.unregister("new_rows")
    con.execute("delete from raw.enriched where item in (from new_items)")
    con.execute("insert into raw.enriched by name select item, ? as version from new_items", [VERSION])
    con.unregister("new_items")


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
# A new text may replace one that was among the first: as if all had come together.
PUSHED_OUT: Final = f"""
    delete from raw.text_pair
    where text_id in (select text_id from band_texts where position > $first)
    and (text_id, other_id) not in (from ({CANDIDATES}))
"""  # noqa: S608  of our own constants
CROWDED: Final = """
    select count(distinct text_id) from band_texts where is_new and position > $first and size > $first + 1
"""


def replace_pairs(con: duckdb.DuckDBPyConnection, text_ids: pl.Series) -> int:
    """Compare texts with others that may be near-duplicates, and store the similar pairs; return the number of pairs.

    `text_ids` have their rows in `raw.text_profile`; compared are texts with a common hash band, `MOST_FIRST` at most.
    A pair is similar if both texts have the same numbers and half of their 3-word shingles. SQL decides whether the
    two are one article.
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
