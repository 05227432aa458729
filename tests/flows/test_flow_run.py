"""How a run ends is the state of its flow run, and only what may pass is tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.capture import capture
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule
from ca_etl.sources.session import Context
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.journal import RunKind
from ca_etl.warehouse.lock import Holder, live_run, run_lock

pytestmark = pytest.mark.usefixtures("prefect_api", "data_dir")
STARTED = datetime(2025, 12, 22, 2, tzinfo=UTC)


def run_flow(**parameters: Any) -> tuple[Any, Any]:
    """The state of a flow run, and what it ended with."""
    from flows.daily import daily

    state = daily(**parameters, return_state=True)
    return state, state.result(raise_on_failure=False)


def task_states(*task_runs: Any) -> list[tuple[str, int]]:
    from prefect.client.orchestration import get_client

    from flows.reporting import wait_until_recorded

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
    assert task_states(*error.report.task_runs) == [("Completed", 1)] * 5


def test_a_run_beside_another_one_is_cancelled_and_names_the_holder_of_the_lock(
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


@pytest.mark.slow
def test_while_a_capture_waits_for_its_retry_the_lock_states_until_when(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.flow_run

    site.faults[site.day] = Fault(robots_status=503, times=1)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    monkeypatch.setattr(flows.flow_run, "RETRY_DELAYS", (3600, 7200))
    seen = []
    announce = flows.flow_run.announce_wait

    def announce_and_look(*args: Any, **kwargs: Any) -> None:
        announce(*args, **kwargs)
        seen.append(live_run(data_dir))

    monkeypatch.setattr(flows.flow_run, "announce_wait", announce_and_look)
    before = datetime.now(UTC)
    with run_lock(data_dir, Holder.here("20251222T020000Z", "run", STARTED)):
        assert capture_without_delay(Settings(site_url=site.base_url)).is_completed()
    waiting, resumed = seen
    assert before + timedelta(hours=1) <= waiting.waits_until < datetime.now(UTC) + timedelta(hours=1)
    assert (waiting.retry, waiting.retries, resumed.waits_until) == (1, 2, None)


def test_again_with_a_slot_is_refused(site: DemoSite, data_dir: Path) -> None:
    state, error = run_flow(site=site.base_url, slot=datetime(2025, 12, 21, 2, tzinfo=UTC), again=True)
    assert (state.name, error.exit_status) == ("Failed", 2)
    assert site.requests == []


def test_again_requests_pages_that_are_archived(site: DemoSite, data_dir: Path) -> None:
    assert run_flow(site=site.base_url)[0].is_completed()
    requests = len(site.requests)
    assert run_flow(site=site.base_url)[0].is_completed()
    assert len(site.requests) == requests
    assert run_flow(site=site.base_url, again=True)[0].is_completed()
    assert len(site.requests) > requests


def test_no_line_of_a_failed_flow_run_names_a_class_of_ours(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def classes_below(parent: type) -> Iterator[str]:
        for child in parent.__subclasses__():
            yield child.__name__
            yield from classes_below(child)

    site.faults[site.day] = Fault(status=503)
    # the first flow of a process makes Prefect set up its loggers, without other handlers
    assert run_flow(site=site.base_url)[0].is_failed()
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    loggers = [logging.getLogger(name) for name in ("prefect.task_runs", "prefect.flow_runs")]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    try:
        assert capture_without_delay(Settings(site_url=site.base_url, max_attempts=1)).is_failed()
        monkeypatch.delenv("PREFECT__RUNTIME__DEPLOYMENT__ID")
        state, _ = run_flow(site=site.base_url)
    finally:
        for logger in loggers:
            logger.removeHandler(caplog.handler)
    run = journal.read(data_dir)[-1]
    lines = f"{caplog.text}\n{state.message}\n{run.error}"
    assert "gave no usable page" in lines
    assert "Retry 1/2" in lines
    assert [name for name in classes_below(CaEtlError) if name in lines] == []


def test_a_scheduled_capture_is_not_tried_again_for_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    state = capture_without_delay(Settings(site_url="https://timesca.com/"))
    assert state.is_failed()
    assert task_states(state.state_details.task_run_id) == [("Failed", 1)]


def capture_without_delay(settings: Settings) -> Any:
    from prefect import flow

    from flows.flow_run import TASKS

    ctx = Context(settings, RunKind.RUN, "20251222T020000Z", STARTED, STARTED)

    @flow
    def alone() -> Any:
        return TASKS[capture].with_options(retry_delay_seconds=0)(ctx, return_state=True)

    return alone(return_state=True).result(raise_on_failure=False)


def scheduled_at(monkeypatch: pytest.MonkeyPatch, instant: datetime) -> None:
    """What a run finds that a deployment's schedule has made."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    from prefect.runtime import flow_run

    # as Prefect's documentation advises for what no environment variable can hold
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: instant)
    monkeypatch.setitem(flow_run.FIELDS, "tags", lambda: ["auto-scheduled", "ca_etl"])


def test_a_scheduled_run_that_meets_the_lock_is_taken_again_in_ten_minutes(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import Pause

    scheduled_at(monkeypatch, schedule(Settings()).latest(datetime.now(UTC)))
    by_hand = Holder(4711, "elsewhere", "20251222T020000Z", "backfill", STARTED)
    with run_lock(data_dir, by_hand), pytest.raises(Pause) as paused:
        run_flow(site=site.base_url)
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
    (waiting,) = (run for run in runs if run.state_name == "AwaitingRetry")
    assert paused.value.state.name == "AwaitingRetry"
    assert "backfill 20251222T020000Z (pid 4711 on elsewhere" in waiting.state.message
    pause = waiting.next_scheduled_start_time - datetime.now(UTC)
    assert timedelta(minutes=9) < pause <= timedelta(minutes=10)
    assert site.requests == []


def test_a_run_whose_slot_is_over_leaves_the_lock_to_the_next_one(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled_at(monkeypatch, datetime.now(UTC) - timedelta(days=2))
    with run_lock(data_dir, Holder(4711, "elsewhere", "20251222T020000Z", "ingest", STARTED)):
        state, error = run_flow(site=site.base_url)
    assert (state.name, state.is_cancelled(), error.exit_status) == ("Skipped", True, 75)


@pytest.mark.slow
def test_late_runs_coalesce_into_one_and_the_others_are_skipped(
    site: DemoSite, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    states = []
    for days_late in (3, 2, 1):
        scheduled_at(monkeypatch, now - timedelta(days=days_late))
        states.append(run_flow(site=site.base_url))
    names = [state.name for state, _ in states]
    assert names == ["Completed", "Skipped", "Skipped"]
    assert all(state.is_completed() for state, _ in states)
    (record,) = journal.read(data_dir)
    assert f"Skipped: run {record.run_id} has published the slot" in states[1][0].message
    assert len([request for request in site.requests if request.path == "/"]) == 1


@pytest.mark.slow
def test_a_run_by_hand_in_a_slot_that_is_done_is_not_skipped(site: DemoSite, data_dir: Path) -> None:
    assert [run_flow(site=site.base_url)[0].name for _ in range(2)] == ["Completed", "Completed"]
    assert len(journal.read(data_dir)) == 2


def test_a_site_that_refuses_is_not_requested_again_by_a_scheduled_run(
    site: DemoSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.faults[site.day] = Fault(status=403)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    state = capture_without_delay(
        Settings(site_url=site.base_url, min_interval_seconds=0, backoff_seconds=0, max_attempts=1)
    )
    assert state.is_failed()
    assert task_states(state.state_details.task_run_id) == [("Failed", 1)]


def test_a_sweep_publishes_the_pages_after_the_first_ones(site: DemoSite, data_dir: Path) -> None:
    from flows.daily import sweep

    state = sweep(site=site.base_url, return_state=True)
    assert state.is_completed(), state.message
    (record,) = journal.read(data_dir)
    assert (record.schedule, record.slots[-1].outcome) == ("sweep", "observed")
    assert "/latest/page/2/" in {request.path for request in site.requests}
    assert "/latest/" not in {request.path for request in site.requests}


def test_a_backfill_archives_files_and_shows_its_progress(
    site: DemoSite, data_dir: Path, tmp_path: Path
) -> None:
    import requests
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    from flows.backfill import backfill

    pages = tmp_path / "pages"
    pages.mkdir()
    text = requests.get(f"{site.base_url}latest/", timeout=10).text
    for number in range(25):
        (pages / f"{number:02}.html").write_text(text.replace("</body>", f"<!-- {number} --></body>"))
    state = backfill([str(pages)], return_state=True)
    assert state.is_completed(), state.message
    (record,) = journal.read(data_dir)
    assert (record.kind, record.captures, record.slots) == ("ingest", 25, ())
    chosen = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        kinds = {artifact.type for artifact in client.read_artifacts(artifact_filter=chosen)}
    assert {"markdown", "table"} <= kinds


def test_a_path_that_is_not_there_fails_a_backfill(data_dir: Path) -> None:
    from flows.backfill import backfill

    state = backfill([str(data_dir / "nowhere")], return_state=True)
    assert state.is_failed()
    assert "nowhere" in state.message


@pytest.mark.slow
def test_a_failed_check_is_reported_once_and_its_end_once_more(
    site: DemoSite, data_dir: Path, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_ETL_ALERT_WEBHOOK", f"http://127.0.0.1:{listener.server_port}/secret")
    first, second = (datetime(2025, 12, day, 2, tzinfo=UTC) for day in (21, 22))

    def subjects() -> list[str]:
        return [message["text"].splitlines()[0] for message in listener.got]

    site.play(first.date())
    site.faults[first.date()] = Fault(rate_times_ten="KZT")
    assert [run_flow(site=site.base_url, slot=first)[0].name for _ in range(2)] == ["Failed", "Failed"]
    assert [subject for subject in subjects() if "hecks" in subject] == [
        "ca-etl: Checks failed, nothing is published"
    ]
    (building,) = data_dir.glob("releases/*.building")
    with duckdb.connect(str(building / "warehouse.duckdb"), read_only=True) as con:
        wrong = con.sql("select capture_id from raw.capture").fetchall()
    for (capture_id,) in wrong:
        overrides.append(data_dir, overrides.CaptureDecision(capture_id, "exclude", "a wrong digit", STARTED))
    site.faults.clear()
    site.play(second.date())
    state, _ = run_flow(site=site.base_url, slot=second)
    assert state.is_completed(), state.message
    opened, closed = (subject for subject in subjects() if "hecks" in subject)
    assert opened == "ca-etl: Checks failed, nothing is published"
    assert closed.startswith("ca-etl: resolved after ")


pytestmark = pytest.mark.usefixtures("prefect_api", "data_dir")
SETTINGS = Settings(_env_file=None)
ALMATY = timezone(timedelta(hours=5))


def test_a_given_slot_is_taken_in_utc() -> None:
    from flows.flow_run import choose_slot

    given = datetime(2025, 12, 5, 7, tzinfo=ALMATY)
    assert choose_slot(None, given, SETTINGS).isoformat() == "2025-12-05T02:00:00+00:00"


def test_without_a_deployment_it_is_the_last_daily_slot() -> None:
    from flows.flow_run import choose_slot

    slot = choose_slot(None, None, SETTINGS)
    assert (slot.hour, slot.minute) == (2, 0)
    assert timedelta(0) <= datetime.now(UTC) - slot < timedelta(days=1)


def test_the_demo_site_is_played_on_the_last_day_of_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.flow_run import choose_slot

    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    assert choose_slot("demo", None, SETTINGS) == datetime(2025, 12, 22, 2, tzinfo=UTC)


def test_a_slot_without_an_offset_is_refused() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.daily import daily

    with pytest.raises(ParameterTypeError, match="slot"):
        daily.validate_parameters({"slot": "2025-12-05T07:00:00"})


def test_a_run_that_starts_before_its_slot_has_an_instant_that_can_be_reckoned_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefect's own DateTime in a standard zone loses the zone when a timedelta is added."""
    from prefect.runtime import flow_run
    from prefect.types import DateTime

    from flows.flow_run import choose_slot

    scheduled = DateTime(2030, 12, 5, 2, 0, 0, 123, tzinfo=UTC)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    monkeypatch.setitem(flow_run.FIELDS, "tags", lambda: ["auto-scheduled"])
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: scheduled)
    slot = choose_slot(None, None, SETTINGS)
    assert slot == datetime(2030, 12, 5, 2, tzinfo=UTC)
    assert slot + timedelta(minutes=2) == datetime(2030, 12, 5, 2, 2, tzinfo=UTC)
