"""What is described of each source is true of its responses."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.play import clock_from, slot_on
from ca_etl.pipeline.run import run_daily
from ca_etl.records import Rows
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP, schedules
from ca_etl.sources.source import Source
from ca_etl.sources.timesca import article_pages, feed, listings, posts_api
from ca_etl.warehouse.sqlfiles import sql_root

SOURCES = (listings.SOURCE, posts_api.SOURCE, feed.SOURCE, article_pages.SOURCE)
API, FEED = "/wp-json/wp/v2/posts", "/feed/"
Query = Callable[..., list[tuple[Any, ...]]]
RECORDS_OF_EVERY_SOURCE = {"capture", "reject"}


@pytest.fixture
def query(settings: Settings) -> Query:
    import duckdb

    def run(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.data_dir / "current" / "warehouse.duckdb"), read_only=True) as con:
            return con.sql(sql).fetchall()

    return run


def run_on(
    settings: Settings, site: DemoSite, schedule: str = "daily", *, after: timedelta = timedelta()
) -> None:
    site.play(site.day + after)
    slot = slot_on(settings, site.day, schedule)
    environment = Environment(clock=clock_from(slot), trust_clock=True)
    on_site = settings.model_copy(update={"site_url": site.base_url})
    assert run_daily(on_site, slot=slot, on=schedule, environment=environment).exit_status == 0


@pytest.mark.parametrize(
    ("source", "closed"),
    [
        (listings.SOURCE, ()),
        (posts_api.SOURCE, ()),
        (feed.SOURCE, (API,)),
        (article_pages.SOURCE, (API, FEED)),
    ],
    ids=lambda value: value.name if isinstance(value, Source) else "",
)
def test_the_responses_of_a_source_become_rows_of_its_tables(
    settings: Settings, site: DemoSite, query: Query, source: Source, closed: tuple[str, ...]
) -> None:
    site.path_faults.update({path: Fault(status=403) for path in closed})
    run_on(settings, site)
    of_source = f"capture_id in (select capture_id from raw.capture where source = '{source.name}')"
    of_text = f"text_id in (select text_id from raw.article_observation where {of_source})"
    filled = {
        table.name
        for table in fields(Rows)
        if query(
            f"select 1 from raw.{table.name} where {of_text if table.name == 'article_text' else of_source} limit 1"
        )
    }
    assert filled - RECORDS_OF_EVERY_SOURCE == source.tables


def test_each_source_is_one_of_the_seeds() -> None:
    with (sql_root() / "seeds" / "sources.csv").open(encoding="utf-8", newline="") as file:
        seeds = {row["source"] for row in csv.DictReader(file)}
    assert {source.name for source in SOURCES} <= seeds


def test_each_source_is_requested_by_schedules_that_exist(settings: Settings) -> None:
    names = {schedule.name for schedule in schedules(settings)}
    assert all(source.schedules <= names for source in SOURCES)


def test_a_sweep_requests_the_sources_that_have_its_schedule(
    settings: Settings, site: DemoSite, query: Query
) -> None:
    run_on(settings, site)
    site.posts.delete(max(site.posts.shelf(site.day).by_id))
    run_on(settings, site, SWEEP, after=timedelta(days=7))
    requested = {
        name for (name,) in query("select distinct source from raw.archive_file where schedule = 'sweep'")
    }
    assert requested == {source.name for source in SOURCES if SWEEP in source.schedules}
