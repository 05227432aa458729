"""Thirty scheduled days over real HTTP, one of them an outage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ca_etl.demo.content import default_last_day
from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings
from ca_etl.warehouse.journal import RunStatus

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
OUTAGE = date(2025, 12, 10)  # the month's, see conftest.py


@pytest.fixture
def settings(month: tuple[Settings, list[Outcome]]) -> Settings:
    return month[0]


@pytest.fixture
def played(month: tuple[Settings, list[Outcome]]) -> list[Outcome]:
    return month[1]


def test_the_series_has_no_gap_and_the_outage_is_a_filled_day(played: list[Outcome], query: Query) -> None:
    assert [outcome.status for outcome in played if outcome.exit_status] == [RunStatus.FAILED]
    days = query(
        "select base, count(*), max(rate_date) - min(rate_date) + 1, count(*) filter (is_filled), max(rate_date)"
        " from fct_rate_daily group by base order by base"
    )
    assert days == [(base, 30, 30, 1, default_last_day()) for base in ("KGS", "KZT", "TJS", "TMT", "UZS")]
    assert query(
        "select distinct rate_date, is_filled, fill_age_days, observations, change_pct"
        " from fct_rate_daily where is_filled"
    ) == [(OUTAGE, True, 1, 0, None)]


def test_the_outage_is_a_failed_run_and_its_responses_are_rejects(
    played: list[Outcome], query: Query
) -> None:
    assert query("select status, count(*) from etl_run group by status order by status") == [
        ("failed", 1),
        ("succeeded", 29),
    ]
    failed = query("select slot::date, exit_status, release_id, error from etl_run where status = 'failed'")
    assert [row[:3] for row in failed] == [(OUTAGE, 1, None)]
    assert "503" in failed[0][3]
    reasons = query("select distinct reason from etl_reject where detail like '%503%'")
    assert reasons == [("http_error",)]


def test_every_slot_has_an_outcome_and_the_filled_day_its_reason(query: Query) -> None:
    outcomes = (
        "select outcome, count(*) from fct_coverage where source = '{}' group by outcome order by outcome"
    )
    assert query(outcomes.format("timesca")) == [("failed", 1), ("observed", 29)]
    # the day after the outage requests the articles of two days
    assert query(outcomes.format("timesca-posts")) == [("observed", 29)]
    assert query("select sum(articles_expected - articles_loaded) from fct_coverage") == [(0,)]
    assert query("select distinct rate_date, fill_reason from fct_rate_daily where is_filled") == [
        (OUTAGE, "failed: 4 http_error")
    ]


def test_every_capture_is_accounted_for(played: list[Outcome], query: Query) -> None:
    assert query(
        "select count(*) from raw.capture"
        " where capture_id not in (select capture_id from raw.rate_observation)"
        " and capture_id not in (select capture_id from raw.official_rate)"
        " and capture_id not in (select capture_id from raw.article_observation)"
        " and capture_id not in (select capture_id from raw.reject)"
        # the posts API states itself that nothing is new
        " and shown_total is distinct from 0"
    ) == [(0,)]
