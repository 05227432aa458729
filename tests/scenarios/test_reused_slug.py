"""Another post at the address of a deleted one: two articles, of which the first stays deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP

pytestmark = pytest.mark.slow

FIRST = date(2025, 12, 8)
WOOL = "The price of wool has risen again, and the herders of the valley say that they will shear early this year."
ICE = (
    "The ice on the lake is thin, so that the ferry goes once a day until the wardens have measured it again."
)


def run_on(settings: Settings, days: int, on: str = DAILY) -> None:
    day = FIRST + timedelta(days=days)
    at = datetime(day.year, day.month, day.day, 5 if on == SWEEP else 2, tzinfo=UTC)
    outcome = run_daily(settings, slot=at, on=on, environment=Environment(clock=clock_from(at)))
    assert outcome.exit_status == 0, outcome.error


def test_a_new_post_at_the_address_of_a_deleted_one_changes_nothing_of_that(
    settings: Settings, site: DemoSite, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    there = settings.model_copy(update={"site_url": site.base_url, "listing_paths": ("/",)})
    site.play(FIRST)
    old = site.posts.add("Weekly Digest", (WOOL,))
    run_on(there, 0)
    site.posts.delete(old.post_id)
    run_on(there, 6, SWEEP)
    site.play(FIRST + timedelta(days=7))
    new = site.posts.add("Weekly Digest", (ICE,), slug=old.slug)
    run_on(there, 7)
    run_on(there, 13, SWEEP)
    assert query(
        "select post_id, text, published_date::varchar, revisions, removal, removed_at::date::varchar"
        " from fct_article where title = 'Weekly Digest' order by post_id"
    ) == [
        (old.post_id, WOOL, "2025-12-08", 0, "gone", "2025-12-14"),
        (new.post_id, ICE, "2025-12-15", 0, None, None),
    ]
    assert query("select kind, returned_at, is_current, http_status from fct_article_removal") == [
        ("gone", None, True, 404)
    ]
