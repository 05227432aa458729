"""Thirty scheduled days over real HTTP, one of them an outage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ca_etl.demo.figures import default_last_day
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import Status
from ca_etl.pipeline.play import faults, play_days
from ca_etl.pipeline.run import Outcome
from ca_etl.settings import Settings

Query = Callable[..., list[tuple[Any, ...]]]
OUTAGE = date(2025, 12, 10)


@pytest.fixture
def played(settings: Settings) -> list[Outcome]:
    return list(play_days(settings, 30, faults=faults([OUTAGE], [])))


def test_the_series_has_no_gap_and_the_outage_is_a_filled_day(played: list[Outcome], query: Query) -> None:
    assert [outcome.status for outcome in played if outcome.exit_status] == [Status.FAILED]
    days = query(
        "select base, count(*), max(rate_date) - min(rate_date) + 1, count(*) filter (is_filled), max(rate_date)"
        " from fct_rate_daily group by base order by base"
    )
    assert days == [(base, 30, 30, 1, default_last_day()) for base in ("KGS", "KZT", "TJS", "TMT", "UZS")]
    assert query(
        "select distinct rate_date, is_filled, fill_age_days, observations, change_pct"
        " from fct_rate_daily where is_filled"
    ) == [(OUTAGE, True, 1, 0, None)]


def test_the_outage_is_a_failed_run_and_its_answers_are_rejects(played: list[Outcome], query: Query) -> None:
    assert query("select status, count(*) from etl_run group by status order by status") == [
        ("failed", 1),
        ("succeeded", 29),
    ]
    failed = query("select slot::date, exit_status, release_id, error from etl_run where status = 'failed'")
    assert [row[:3] for row in failed] == [(OUTAGE, 1, None)]
    assert "503" in failed[0][3]
    reasons = query("select distinct reason from etl_reject where detail like '%503%'")
    assert reasons == [("http_error",)]


def test_every_capture_is_accounted_for(played: list[Outcome], query: Query) -> None:
    assert query(
        "select count(*) from raw.capture"
        " where capture_id not in (select capture_id from raw.rate_observation)"
        " and capture_id not in (select capture_id from raw.article_observation)"
        " and capture_id not in (select capture_id from raw.reject)"
    ) == [(0,)]


def test_the_site_is_asked_once_for_each_page_of_a_slot(settings: Settings, site: DemoSite) -> None:
    from ca_etl.pipeline.run import run_daily

    on_site = settings.model_copy(update={"site_url": site.base_url})
    slot_day = default_last_day()
    site.play(slot_day)
    first = run_daily(on_site)
    asked = len(site.requests)
    second = run_daily(on_site)
    assert (first.exit_status, second.exit_status) == (0, 0)
    assert asked == 1 + len(settings.listing_paths)
    assert len(site.requests) == asked
