"""Runs that a real server schedules every few seconds: they publish, and recover from what kills them."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.warehouse import lock

SECONDS = 15
pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture(scope="module")
def worker(machine: Any) -> dict[str, subprocess.Popen[bytes]]:
    first = machine.command("flows.deploy", "setup")
    assert "created" in first
    return {"now": machine.start_worker()}


@pytest.fixture
def hanging_site(machine: Any) -> Any:
    """From here on the next page has no response until the fault is removed."""
    machine.site.faults[machine.site.day] = Fault(delay_seconds=150)
    yield
    machine.site.faults.clear()


def test_setting_a_server_up_again_changes_nothing(machine: Any, worker: Any) -> None:
    again = machine.command("flows.deploy", "setup")
    assert again.count("unchanged") == 3
    assert "created" not in again
    assert "updated" not in again


def test_two_scheduled_runs_publish_two_releases(machine: Any, worker: Any) -> None:
    machine.until(lambda: len(machine.published()) >= 2, 90, "two releases are published")
    first, second = machine.published()[:2]
    assert first.slot < second.slot
    assert first.slot == machine.schedule.latest(first.slot)
    states = machine.flow_runs("Completed")
    assert all("Release " in run.state.message for run in states)
    assert {"ca_etl", "source:timesca"} <= set(states[0].tags)


def test_the_page_of_a_run_shows_the_rates_in_a_browser(machine: Any, worker: Any, browser: Any) -> None:
    run = next(run for run in machine.flow_runs("Completed") if "Release " in run.state.message)
    page = f"{machine.url}/v2/runs/flow-run/{run.id}?tab=Artifacts"
    shown = browser.text(page)
    assert "ca-etl-rates" in shown
    assert "ca-etl-summary" in shown
    rates = machine.artifact(run.id, "ca-etl-rates")
    table = browser.text(f"{machine.url}/artifacts/artifact/{rates.id}")
    assert "KZT" in table
    assert "516.795 to 519.481" in table
    if picture := os.environ.get("RUN_SCREENSHOT"):
        browser.picture(page, Path(picture))


def running_capture(machine: Any) -> lock.Holder | None:
    holder = lock.running(machine.settings.data_dir)
    return holder if holder and holder.step == "capture" else None


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_the_run_of_a_killed_worker_ends_with_it_and_is_marked_crashed(
    machine: Any, worker: Any, hanging_site: None
) -> None:
    holder = machine.until(lambda: running_capture(machine), 60, "a run waits for the site")
    machine.stop(worker["now"], signal.SIGKILL)
    machine.until(lambda: has_ended(holder.pid), 30, "the process of the flow ends")
    crashed = machine.until(lambda: machine.flow_runs("Crashed"), 30, "the run is marked crashed")
    assert len(crashed) == 1
    worker["now"] = machine.start_worker()


def test_a_run_that_died_with_its_worker_is_marked_crashed_and_the_next_one_recovers(
    machine: Any, worker: Any, hanging_site: None
) -> None:
    known = {run.id for run in machine.flow_runs("Crashed")}
    holder = machine.until(lambda: running_capture(machine), 60, "a run waits for the site")
    (run,) = machine.flow_runs("Running")
    machine.until(lambda: machine.beating(run.id), 30, "the server hears the heart of the run")
    # neither sees the other die, as when the machine loses its power
    worker["now"].send_signal(signal.SIGSTOP)
    os.kill(holder.pid, signal.SIGKILL)
    machine.stop(worker["now"], signal.SIGKILL)
    machine.site.faults.clear()
    worker["now"] = machine.start_worker()
    at = datetime.now(UTC)

    def newly_crashed() -> list[Any]:
        return [run for run in machine.flow_runs("Crashed") if run.id not in known]

    (crashed,) = machine.until(newly_crashed, 150, "the run whose heart stopped is marked crashed")
    assert crashed.id == run.id
    assert "No heartbeat for 90 seconds" in crashed.state.message
    machine.until(
        lambda: [run for run in machine.published() if run.started_at > at], 60, "the next run publishes"
    )
    (killed,) = (run for run in machine.runs() if run.status == "crashed")
    assert (killed.run_id, killed.error) == (holder.run_id, "killed in step capture")


def test_a_run_that_meets_a_lock_held_by_hand_waits_to_be_taken_again(machine: Any, worker: Any) -> None:
    from prefect.states import Cancelled, Scheduled

    def held() -> Any:
        stack = ExitStack()
        by_hand = lock.Holder.here("20251222T020000Z", "backfill", datetime.now(UTC))
        try:
            stack.enter_context(lock.run_lock(machine.settings.data_dir, by_hand))
        except lock.LockHeldError:
            return None
        return stack

    made: list[Any] = []

    def waiting_run() -> Any:
        """The run that waits; one is made, and another where a busy machine started that after its slot."""
        if not made or any(run.id == made[-1].id for run in machine.flow_runs("Skipped")):
            with machine.client() as client:
                deployed = client.read_deployment_by_name("ca-daily/daily")
                # slots are seconds apart, and a machine takes longer to start a process: it is made for a slot to come
                soon = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(seconds=55))
                made.append(
                    client.create_flow_run_from_deployment(deployed.id, state=soon, tags=["auto-scheduled"])
                )
                client.set_flow_run_state(
                    made[-1].id, Scheduled(scheduled_time=datetime.now(UTC)), force=True
                )
        return next((run for run in machine.flow_runs("AwaitingRetry") if run.id == made[-1].id), None)

    with machine.until(held, 180, "no scheduled run holds the lock"):
        waiting = machine.until(waiting_run, 240, "the run waits for the lock")
    assert "backfill 20251222T020000Z" in waiting.state.message
    assert waiting.next_scheduled_start_time > datetime.now(UTC) + timedelta(minutes=5)
    with machine.client() as client:
        # of ten minutes no test waits
        client.set_flow_run_state(waiting.id, Cancelled(), force=True)


def test_after_all_that_each_slot_has_one_outcome_and_no_day_is_a_hole(machine: Any, worker: Any) -> None:
    machine.stop(worker["now"])
    slots = machine.query(
        "select slot, outcome from fct_coverage where schedule = 'daily' and source = 'timesca' order by slot"
    )
    instants = [slot for slot, _ in slots]
    assert instants[1:-1] == list(machine.schedule.between(instants[0], instants[-1]))[::-1]
    assert {outcome for _, outcome in slots} >= {"observed", "failed", "missed"}
    assert machine.query("select count(*) from fct_rate_daily where is_filled") == [(0,)]
