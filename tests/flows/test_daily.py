"""The two ways of the daily run, on the same site, one after the other: the same tables, over the real Prefect API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings

SLOT = datetime(2025, 12, 22, 2, tzinfo=UTC)
BOOKKEEPING = {"etl_run", "etl_check"}
# Which run it was, when its requests were made, and where in the archive their records ended up.
OF_THE_RUN = {"run_id", "observed_at", "captured_at", "valid_from", "valid_to", "archive_offset"}


@dataclass(frozen=True)
class BothWays:
    direct: Path
    flow: Path
    state: Any


@pytest.fixture(scope="module")
def both_ways(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothWays]:
    from flows.daily import daily

    folder = tmp_path_factory.mktemp("both")
    with DemoSite(port=0, day=SLOT.date()) as site, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CA_ETL_MIN_INTERVAL_SECONDS", "0")
        environment.setenv("CA_ETL_SITE_URL", site.base_url)
        outcome = run_daily(Settings(data_dir=folder / "direct", _env_file=None), slot=SLOT)
        assert outcome.exit_status == 0, outcome.error
        environment.setenv("CA_ETL_DATA_DIR", str(folder / "flow"))
        state = daily(slot=SLOT, return_state=True)
        yield BothWays(folder / "direct", folder / "flow", state)


def tables(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of schema main as text. A capture is named by its URL, since its id is new with each request."""
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        con.execute("create temp macro page(id) as (select url from raw.capture where capture_id = id)")
        names = con.sql("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        views = con.sql("select view_name from duckdb_views() where schema_name = 'main' and not internal")
        tables = {}
        for name in sorted({row[0] for row in (*names, *views.fetchall())} - BOOKKEEPING):
            columns = [column for column in con.sql(f"from main.{name}").columns if column not in OF_THE_RUN]
            shown = [f"page({c})" if c == "capture_id" else f'"{c}"::varchar' for c in columns]
            tables[name] = con.sql(f"select {', '.join(shown)} from main.{name} order by all").fetchall()
        return tables


def test_the_flow_and_the_direct_run_give_equal_tables(both_ways: BothWays) -> None:
    direct, flow = tables(both_ways.direct), tables(both_ways.flow)
    assert {"fct_rate_daily", "fct_rate_observation", "fct_article", "fct_listing_page", "etl_reject"} <= set(
        direct
    )
    assert len(direct["fct_rate_daily"]) == 5
    assert flow == direct


def test_every_step_is_a_completed_task_run(both_ways: BothWays) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterId

    from flows.reporting import wait_until_recorded

    report = both_ways.state.result()
    assert wait_until_recorded(report.task_runs)
    with get_client(sync_client=True) as client:
        chosen = TaskRunFilter(id=TaskRunFilterId(any_=list(report.task_runs)))
        runs = client.read_task_runs(task_run_filter=chosen)
    ended = {run.name: run.state_name for run in runs}
    assert ended == dict.fromkeys(
        (
            "Capture the pages of the slot",
            "Load new archive files",
            "Find places and amounts",
            "Build the models",
            "Run the checks",
            "Write the report",
            "Publish the release",
        ),
        "Completed",
    )


def test_the_flow_run_has_the_day_and_what_was_published(both_ways: BothWays) -> None:
    from prefect.client.orchestration import get_client

    # Also the smoke test of fastapi: with 0.151 to 0.154 flows run, and the response to this filter is 422.
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
    (run,) = [run for run in runs if run.id == both_ways.state.state_details.flow_run_id]
    assert run.name == "ca-daily 2025-12-22"
    assert run.state is not None
    release = (both_ways.flow / "current").resolve().name
    assert run.state.message is not None
    assert run.state.message.startswith(f"Release {release}: 5 rates of 2025-12-22, ")


def test_the_artifact_shows_the_rates_as_published(both_ways: BothWays) -> None:
    from prefect.artifacts import Artifact
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
    from prefect.client.schemas.filters import ArtifactFilterFlowRunId as OfRun

    chosen = ArtifactFilter(
        key=ArtifactFilterKey(any_=["ca-etl-summary"]),
        flow_run_id=OfRun(any_=[both_ways.state.state_details.flow_run_id]),
    )
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(artifact_filter=chosen)
    assert isinstance(artifact, Artifact) or artifact.type == "markdown"
    shown = re.findall(r"^\| ([A-Z]{3}) \| ([\d.]+) to ([\d.]+) \|", str(artifact.data), re.MULTILINE)
    published = published_intervals(both_ways.flow)
    assert [base for base, *_ in shown] == [base for base, *_ in published]
    for (_, low, high), (_, least, most) in zip(shown, published, strict=True):
        # rounded outwards to six digits
        assert Decimal(low) <= least < Decimal(low) * Decimal("1.00001")
        assert Decimal(high) >= most > Decimal(high) * Decimal("0.99999")


def published_intervals(data_dir: Path) -> list[tuple[str, Decimal, Decimal]]:
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        rates = con.sql(
            "select base, inverse_low, inverse_high from main.fct_rate_daily"
            " where rate_date = (select max(rate_date) from main.fct_rate_daily) order by base"
        ).fetchall()
    assert len(rates) == 5
    return rates
