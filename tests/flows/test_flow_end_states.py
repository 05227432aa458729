"""How a run ends is the state of its flow run, and only what may pass is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import Context, Kind
from ca_etl.settings import Settings
from ca_etl.warehouse.lock import Holder, run_lock

pytestmark = pytest.mark.usefixtures("prefect_api", "data_dir")
STARTED = datetime(2025, 12, 22, 2, tzinfo=UTC)


def run_flow(**parameters: Any) -> tuple[Any, Any]:
    """The state of a flow run, and what it ended with."""
    from flows.daily import daily

    state = daily(**parameters, return_state=True)
    return state, state.result(raise_on_failure=False)


def task_states(*task_runs: Any) -> list[tuple[str, int]]:
    from prefect.client.orchestration import get_client

    from flows.once import wait_until_recorded

    assert wait_until_recorded(task_runs)
    with get_client(sync_client=True) as client:
        runs = [client.read_task_run(task_run) for task_run in task_runs]
    return [(str(run.state_name), run.run_count) for run in runs]


def test_a_rate_ten_times_too_high_fails_the_flow_and_no_task(site: DemoSite, data_dir: Path) -> None:
    site.faults[site.day] = Fault(rate_times_ten="KZT")
    state, error = run_flow(site=site.base_url)
    assert state.is_failed()
    assert state.message.startswith("checks failed, nothing was published: ")
    assert error.exit_status == 3
    assert not (data_dir / "current").exists()
    assert task_states(*error.report.task_runs) == [("Completed", 1)] * 4


def test_a_run_beside_another_one_is_cancelled_and_says_who_holds_the_lock(
    site: DemoSite, data_dir: Path
) -> None:
    with run_lock(data_dir, Holder(4711, "elsewhere", "20251222T020000Z", "rebuild", STARTED)):
        state, error = run_flow(site=site.base_url)
    assert state.is_cancelled()
    assert "rebuild 20251222T020000Z (pid 4711 on elsewhere" in state.message
    assert error.exit_status == 75
    assert site.requests == []


def test_a_site_without_a_contact_is_a_wrong_setting() -> None:
    state, error = run_flow(site="https://timesca.com/")
    assert state.is_failed()
    assert "no contact is set" in state.message
    assert error.exit_status == 2


def test_a_site_that_is_away_fails_a_run_by_hand_at_once(site: DemoSite) -> None:
    site.faults[site.day] = Fault(status=503)
    state, error = run_flow(site=site.base_url)
    assert state.is_failed()
    assert "503" in state.message
    assert error.exit_status == 1
    assert task_states(*error.report.task_runs) == [("Failed", 1)]


def test_a_scheduled_capture_is_tried_again_when_the_site_was_away(
    site: DemoSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults[site.day] = Fault(robots_status=503, times=1)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    state = capture_without_delay(Settings(site_url=site.base_url))
    assert state.is_completed()
    assert len(state.result().pages) == 4
    assert task_states(state.state_details.task_run_id) == [("Completed", 2)]


def test_a_scheduled_capture_is_not_tried_again_for_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    state = capture_without_delay(Settings(site_url="https://timesca.com/"))
    assert state.is_failed()
    assert task_states(state.state_details.task_run_id) == [("Failed", 1)]


def capture_without_delay(settings: Settings) -> Any:
    from prefect import flow

    from flows.steps import capture_pages

    ctx = Context(settings, Kind.RUN, "20251222T020000Z", STARTED, STARTED)

    @flow
    def alone() -> Any:
        return capture_pages.with_options(retry_delay_seconds=0)(ctx, return_state=True)

    return alone(return_state=True).result(raise_on_failure=False)
