"""The four articles of the real page: which countries they are about."""

from __future__ import annotations

import csv
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ca_etl.enrich.countries import Gazetteer, place_rows
from ca_etl.parse.rows import rows_of
from ca_etl.records import Capture
from ca_etl.warehouse.sqlfiles import sql_root

pytestmark = pytest.mark.shared


@pytest.fixture
def named(seed_page: Path) -> list[dict[str, int]]:
    """Mentions by country, an article each in the page's order."""
    capture = Capture("urn:uuid:1", "files", seed_page.read_bytes(), "a.warc.gz", 0)
    read = rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="run-1")
    with (sql_root() / "seeds" / "places.csv").open(encoding="utf-8", newline="") as rows:
        gazetteer = Gazetteer.of(csv.DictReader(rows))
    found = place_rows(pl.DataFrame(read.article_text).select("text_id", "text"), gazetteer)
    return [
        dict(found.filter(text_id=article["text_id"]).select("country_code", "mentions").iter_rows())
        for article in read.article_observation
    ]


def _main(mentions: dict[str, int]) -> str:
    (country,) = (code for code, count in mentions.items() if count == max(mentions.values()))
    return country


def test_the_countries_that_the_articles_are_about(named: list[dict[str, int]]) -> None:
    uzbeks, afghanistan, trafficking, kyrgyz = named
    assert _main(trafficking) == "KZ"
    assert _main(kyrgyz) == "KG"
    assert "AF" in afghanistan
    assert {"UZ", "UA"} <= set(uzbeks)


def test_of_the_country_that_is_one_story_s_end_the_others_do_not_speak(named: list[dict[str, int]]) -> None:
    assert ["AF" in article for article in named] == [False, True, False, False]
