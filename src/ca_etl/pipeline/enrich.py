"""Step 3: what the texts and titles say that were not searched yet: places, amounts, language, likeness."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import duckdb

from ca_etl.pipeline.context import Context
from ca_etl.warehouse.connect import checkpoint_at_commit, open_building
from ca_etl.warehouse.landing import transaction
from ca_etl.warehouse.release import find_building
from ca_etl.warehouse.sqlfiles import sql_root

if TYPE_CHECKING:
    import polars as pl

    from ca_etl.enrich.gazetteer import Gazetteer

log = logging.getLogger(__name__)

# Of texts and titles alike: when a rule changes, all of them are searched again.
VERSION: Final = "2026-11-27.2"
TITLE: Final = "title:"

# A text that stands on a hundred captures is one row of raw.article_text, and is searched once.
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
    """What was searched, and the matches. `items` counts texts and titles, `pairs` near-duplicate texts.

    `crowded` counts the texts that were not compared with all that may be near-duplicates of them.
    """

    items: int = 0
    countries: int = 0
    amounts: int = 0
    pairs: int = 0
    crowded: int = 0


def enrich(ctx: Context) -> Enriched:
    """Search what is new, and what an earlier version searched."""
    with open_building(find_building(ctx.settings.data_dir, ctx.run_id).warehouse) as con:
        found = con.sql(NEW_ITEMS, params={"title": TITLE, "version": VERSION}).to_arrow_table()
        if found.num_rows == 0:
            return Enriched()
        # Polars takes a fifth of a second to import, which a run without new texts does not pay.
        import polars as pl  # noqa: PLC0415

        from ca_etl.enrich.amounts_rows import amount_rows  # noqa: PLC0415
        from ca_etl.enrich.places import place_rows  # noqa: PLC0415
        from ca_etl.enrich.profiles import profile_rows  # noqa: PLC0415
        from ca_etl.pipeline.alike import crowded_texts, replace_pairs  # noqa: PLC0415

        items = pl.DataFrame(found)
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
        "%d texts and titles: %d countries, %d amounts, %d pairs of texts that are alike",
        len(items),
        len(countries),
        len(amounts),
        pairs,
    )
    return Enriched(len(items), len(countries), len(amounts), pairs, crowded)


def read_gazetteer() -> Gazetteer:
    """The names of places, from `sql/seeds/places.csv`."""
    from ca_etl.enrich.gazetteer import Gazetteer  # noqa: PLC0415  Polars, see above

    with (sql_root() / "seeds" / "places.csv").open(encoding="utf-8", newline="") as file:
        return Gazetteer.of(csv.DictReader(file))


def _replace(con: duckdb.DuckDBPyConnection, items: pl.DataFrame, found: Mapping[str, pl.DataFrame]) -> None:
    """Put the rows found in some items, by landing table, in place of what stands there of these items.

    The first column of each says which item a row is of.
    """
    con.register("new_items", items.select("item").to_arrow())
    for table, rows in found.items():
        con.register("new_rows", rows.to_arrow())
        con.execute(f"delete from raw.{table} where {rows.columns[0]} in (from new_items)")  # noqa: S608
        con.execute(f"insert into raw.{table} by name from new_rows")
        con.unregister("new_rows")
    con.execute("delete from raw.enriched where item in (from new_items)")
    con.execute("insert into raw.enriched by name select item, ? as version from new_items", [VERSION])
    con.unregister("new_items")
