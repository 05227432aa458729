"""The posts backfill as a flow, over the real Prefect API: what it publishes, where it resumes, how it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, get_args

import duckdb
import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.backfill import histories, read_complete_months
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources import all_sources
from ca_etl.sources.source import DateRange
from ca_etl.warehouse import journal
from ca_etl.warehouse.lock import Holder, run_lock

pytestmark = [pytest.mark.usefixtures("prefect_api", "data_dir"), pytest.mark.slow]
Command = Callable[..., CompletedProcess[str]]
AUTUMN = DateRange(date(2025, 10, 1), date(2025, 12, 22))
ARTICLES = "select slug, title, author, published_at, modified_at, text from main.fct_article order by slug"


@pytest.fixture(autouse=True)
def _on_site(site: DemoSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_ETL_SITE_URL", site.base_url)


def run_flow(first: Any = AUTUMN.first, last: Any = AUTUMN.last) -> tuple[Any, Any]:
    """The state of a flow run, and what it ended with."""
    from flows.backfill import backfill_posts

    state = backfill_posts(first, last, return_state=True)
    return state, state.result(raise_on_failure=False)


def articles(data_dir: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(ARTICLES).fetchall()


def test_the_flow_and_the_command_give_equal_articles(data_dir: Path, tmp_path: Path) -> None:
    direct = Settings(data_dir=tmp_path / "direct")
    assert run_backfill(direct, AUTUMN).exit_status == 0
    state, _ = run_flow()
    assert state.is_completed(), state.message
    assert ": no rates, " in state.message
    published = articles(data_dir)
    assert published == articles(direct.data_dir)
    assert len(published) > 50
    assert [record.kind for record in journal.read(data_dir)] == ["backfill"]


def test_the_flow_takes_every_source_that_the_command_takes() -> None:
    from flows.backfill import Past

    assert set(get_args(Past)) == set(histories(all_sources()))


def test_a_second_run_requests_nothing_that_is_done_and_resumes_with_the_rest(
    site: DemoSite, data_dir: Path
) -> None:
    assert run_flow(last=date(2025, 11, 30))[0].is_completed()
    before = len(site.requests)
    state, _ = run_flow()
    assert state.is_completed(), state.message
    targets = [request.path for request in site.requests[before:] if "wp-json" in request.path]
    assert targets
    assert all("after=2025-11-30T23:59:59Z" in target for target in targets)
    before = len(site.requests)
    assert run_flow()[0].is_completed()
    assert len(site.requests) == before


def test_an_api_that_becomes_unavailable_fails_the_run_with_what_to_do_and_the_next_one_resumes(
    site: DemoSite, data_dir: Path
) -> None:
    def close(_request: object) -> None:
        if len(read_complete_months(data_dir, "posts")) == 1:
            site.path_faults["/wp-json/*"] = Fault(status=403)

    site.before_response = close
    state, error = run_flow()
    assert state.is_failed()
    assert "the posts API of" in state.message
    assert "is not offered (blocked" in state.message
    assert "\nNext: ca-etl backfill --source feed --from 2025-10-01 --to 2025-12-22" in state.message
    assert error.exit_status == 1
    site.before_response = None
    site.path_faults.clear()
    before = len(site.requests)
    assert run_flow()[0].is_completed()
    assert not any("after=2025-09-30T" in request.path for request in site.requests[before:])
    assert len(read_complete_months(data_dir, "posts")) == 3


def test_a_run_beside_another_one_is_skipped_and_requests_nothing(site: DemoSite, data_dir: Path) -> None:
    started = datetime(2025, 12, 22, 2, tzinfo=UTC)
    with run_lock(data_dir, Holder(4711, "elsewhere", "20251222T020000Z", "run", started)):
        state, error = run_flow()
    assert (state.is_cancelled(), state.name, error.exit_status) == (True, "Skipped", 75)
    assert site.requests == []


def test_days_in_the_wrong_order_are_wrong_usage(site: DemoSite) -> None:
    state, error = run_flow(AUTUMN.last, AUTUMN.first)
    assert state.is_failed()
    assert state.message.startswith("2025-12-22 is after 2025-10-01\nNext: ")
    assert error.exit_status == 2
    assert site.requests == []


def test_a_value_that_is_not_a_day_is_refused_before_the_run_begins(site: DemoSite, data_dir: Path) -> None:
    state, error = run_flow("last autumn")
    assert state.is_failed()
    assert "first" in str(error)
    assert not data_dir.exists()


def test_a_run_is_named_by_its_dates_and_made_of_the_same_steps() -> None:
    from prefect.client.orchestration import get_client

    from flows.reporting import wait_until_recorded

    state, report = run_flow(date(2025, 12, 20), date(2025, 12, 22))
    assert wait_until_recorded(report.task_runs)
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(state.state_details.flow_run_id)
        names = [client.read_task_run(task_run).name for task_run in report.task_runs]
    assert run.name.startswith("ca-backfill-posts 2025-12-20..2025-12-22, ")
    assert names == [
        "Capture the past of a source",
        "Load new archive files",
        "Find places and amounts",
        "Build the models",
        "Run the checks",
        "Write the report",
        "Publish the release",
    ]


def test_the_feed_can_be_crawled_where_the_api_is_unavailable(site: DemoSite, data_dir: Path) -> None:
    from flows.backfill import backfill_posts

    site.path_faults["/wp-json/*"] = Fault(status=403)
    state = backfill_posts(date(2025, 12, 1), date(2025, 12, 22), source="feed", return_state=True)
    assert state.is_completed(), state.message
    assert {request.path.partition("?")[0] for request in site.requests} == {"/robots.txt", "/feed/"}
    assert len(articles(data_dir)) > 20


def test_a_web_archive_is_a_source_of_the_flow_as_of_the_command(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.backfill import backfill_posts

    monkeypatch.setenv("CA_ETL_COMMONCRAWL_INTERVAL_SECONDS", "0")
    state = backfill_posts(date(2025, 11, 1), date(2025, 11, 30), source="commoncrawl", return_state=True)
    assert state.is_completed(), state.message
    assert read_complete_months(data_dir, "commoncrawl") == ("2025-11-01..2025-11-30",)
    assert len(articles(data_dir)) > 5
