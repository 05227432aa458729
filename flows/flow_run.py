"""One Prefect flow run: choose its slot, run the pipeline with a task for each step, and return the final state."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from errno import EADDRINUSE
from functools import partial, wraps
from threading import Event, Thread
from typing import Any, Final, NoReturn, ParamSpec, cast
from uuid import UUID

from prefect import State, Task, runtime
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import TaskRun
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry, Cancelled, Completed, Failed

from ca_etl import logs
from ca_etl.demo.content import default_last_day
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alert_delivery import configured_channels
from ca_etl.pipeline.backfill import capture_history
from ca_etl.pipeline.capture import NothingCapturedError, capture, ingest
from ca_etl.pipeline.context import Environment, utc_now
from ca_etl.pipeline.enrich import enrich
from ca_etl.pipeline.load import load
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import play_days, slot_on
from ca_etl.pipeline.publish import build, check, publish, report
from ca_etl.pipeline.run import run_daily
from ca_etl.pipeline.slots import publishing_run
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, schedule
from ca_etl.warehouse import journal
from ca_etl.warehouse.lock import LockHeldError, announce_wait
from ca_etl.warehouse.reading import consult
from flows import DEMO, settings_for
from flows.cluster import assert_usable, load_with_tasks, publish_without_parts
from flows.reporting import (
    ProgressArtifacts,
    Report,
    RunFailedError,
    create_artifacts,
    send_alerts,
    summarize,
    summary_line,
)

P = ParamSpec("P")
Step = Callable[..., Any]

MINUTE: Final = 60
RETRY_DELAYS: Final = (5 * MINUTE, 20 * MINUTE)
SKIPPED: Final = "Skipped"
# As long as the systemd units wait.
RETRY_AFTER: Final = timedelta(minutes=10)
CHECK_PARENT_SECONDS: Final = 0.5


def site_may_be_back(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether to retry a failed capture: only where the site could not be reached, and only in a deployed flow run.

    After a refusal there is no retry, since the site would refuse again; at a terminal a person would have to wait.
    Prefect calls this while retries are left. The wait is recorded, for `ca-etl status`.
    """
    error = state.result(raise_on_failure=False)
    if not isinstance(error, NothingCapturedError) or error.refused or runtime.deployment.id is None:
        return False
    delay = RETRY_DELAYS[run.run_count - 1]
    announce_wait(
        settings_for(None).data_dir,
        utc_now() + timedelta(seconds=delay),
        retry=run.run_count,
        retries=len(RETRY_DELAYS),
    )
    return True


def end_wait(_task: Task[..., Any], run: TaskRun, _state: State[Any]) -> None:
    """Record that a capture that waited for its retry runs again. Called by Prefect when the task begins to run."""
    if run.run_count > 1:
        announce_wait(settings_for(None).data_dir, None)


def _task(step: Step, name: str, minutes: float, **retry: Any) -> Task[..., Any]:  # noqa: ANN401  options of Task
    """A step of the pipeline as a Prefect task called `name`, which fails after `minutes`."""

    @wraps(step)
    def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401  what the step returns
        try:
            return step(*args, **kwargs)
        except CaEtlError as error:
            # If this error were raised, Prefect would log its traceback, which does not help an operator.
            return Failed(message=str(error), data=error)

    return Task(
        run, name=name, task_run_name=name, timeout_seconds=minutes * MINUTE, cache_policy=NO_CACHE, **retry
    )


TASKS: Final[dict[Step, Task[..., Any]]] = {
    capture: _task(
        capture,
        "Capture the pages of the slot",
        minutes=30,
        retries=len(RETRY_DELAYS),
        retry_delay_seconds=list(RETRY_DELAYS),
        retry_condition_fn=site_may_be_back,
        on_running=[end_wait],
    ),
    ingest: _task(ingest, "Archive the given files", minutes=12 * 60),
    capture_history: _task(capture_history, "Capture the past of a source", minutes=20 * 60),
    load: _task(load_with_tasks, "Load new archive files", minutes=12 * 60),
    enrich: _task(enrich, "Find places and amounts", minutes=60),
    build: _task(build, "Build the models", minutes=20),
    check: _task(check, "Run the checks", minutes=20),
    report: _task(report, "Write the report", minutes=20),
    publish: _task(publish_without_parts, "Publish the release", minutes=20),
}


class SlotDoneError(CaEtlError):
    """Another run has published the slot of a late scheduled run, which is therefore skipped."""

    exit_status = 0


def returning_errors(run_flow: Callable[P, State[Any]]) -> Callable[P, State[Any]]:
    """Wrap the flow function `run_flow`, so that it returns a failed state where it would raise `CaEtlError`.

    The data of the state is the error; the message of the state has the next command.
    """

    @wraps(run_flow)
    def run(*args: P.args, **kwargs: P.kwargs) -> State[Any]:
        try:
            return run_flow(*args, **kwargs)
        except CaEtlError as error:
            return Failed(message=f"{error}\nNext: {error.hint}" if error.hint else str(error), data=error)

    return run


@returning_errors
def run_slot(site: str | None, slot: datetime | None, on: str, *, again: bool = False) -> State[Any]:
    """Run the pipeline for one slot of the schedule named `on`, against the site or the demo site.

    `site` and `slot` are the parameters of the flow. `again` takes the present second as the slot, so that pages that
    are archived are requested again. Returns the final state of the flow run. Raises `UsageError` for `again` with a
    `slot`.
    """
    settings = settings_for(site)
    if again:
        if slot is not None:
            raise UsageError(
                "give the parameter `slot` or `again`, not both: `again` makes a new slot",
                "prefect deployment run --help",
            )
        slot = utc_now().replace(microsecond=0)
    slot = choose_slot(site, slot, settings, on)
    run = _run_on_demo if site == DEMO else _run_on_site
    return run_pipeline(settings, slot, partial(run, settings, slot, on), on_demo=site == DEMO)


@returning_errors
def run_without_slot(run: Callable[[Settings, Environment], Outcome]) -> State[Any]:
    """Run the pipeline without a slot, with the settings of the environment; returns the flow run's final state."""
    settings = settings_for(None)
    return run_pipeline(settings, None, partial(run, settings))


def run_pipeline(
    settings: Settings, slot: datetime | None, run: Callable[[Environment], Outcome], *, on_demo: bool = False
) -> State[Any]:
    """Run the pipeline, each step as a Prefect task, and return the state that the flow run ends with.

    Completed: a release was published. Skipped (of type Completed): another run has published the slot. Skipped (of
    type Cancelled): another run holds the lock. AwaitingRetry: another run holds the lock, for a scheduled run whose
    slot is the latest and would otherwise stay without data. The data of the state is a `Report` or the error. `slot`
    is in UTC, None for runs without one. With `on_demo` alerts are checked only where a channel is configured.

    Raises `RunFailedError` when nothing was published, and `CaEtlError` for a run that could not begin.
    """
    assert_usable(settings)
    logging.getLogger("ca_etl").setLevel(logging.INFO)
    logs.adopt(settings.log_format)
    task_runs: list[UUID] = []

    def call(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step returns
        state = cast("State[Any]", TASKS[step](*args, return_state=True))
        task_runs.append(cast("UUID", state.state_details.task_run_id))
        return state.result()

    try:
        with _end_with_worker(), closing(ProgressArtifacts()) as progress:
            outcome = run(Environment(call=call, progress=progress))
    except SlotDoneError as done:
        return Completed(name=SKIPPED, message=str(done), data=done)
    except LockHeldError as error:
        message = f"Skipped, because another run is active: {error}"
        if slot is not None and is_scheduled() and slot <= runtime.flow_run.scheduled_start_time:
            _retry_later(message)
        return Cancelled(name=SKIPPED, message=message, data=error)
    except CaEtlError:
        raise
    except Exception:
        # A defect: the journal has the run as failed, and without this no alert would be sent before the next run.
        send_alerts(settings, utc_now())
        raise
    if not on_demo or configured_channels(settings):
        send_alerts(settings, utc_now())
    summary = summarize(outcome, settings.data_dir, slot or utc_now())
    create_artifacts(summary, f"{summary.slot.astimezone(settings.zone):%Y-%m-%d}")
    report = Report(outcome, tuple(task_runs))
    if outcome.release is None:
        raise RunFailedError(report)
    return Completed(message=summary_line(summary), data=report)


def choose_slot(site: str | None, slot: datetime | None, settings: Settings, on: str = DAILY) -> datetime:
    """Choose the slot (UTC) of a flow run: `slot` if it is given, else the last slot of the schedule named `on`.

    A late run, after a night without power, takes the current slot, since the page of an earlier day no longer exists.
    A worker may start a run some tenths of a second early, before its slot: then the run takes the slot that it was
    scheduled for. On the demo site the default is the slot of its fixed last day.
    """
    if slot is not None:
        return slot.astimezone(UTC)
    if site == DEMO:
        return slot_on(settings, default_last_day(), on)
    latest = schedule(settings, on).latest(utc_now())
    if not is_scheduled():
        return latest
    # a plain datetime: Prefect's own loses its zone when a timedelta is added
    scheduled = datetime.fromtimestamp(int(runtime.flow_run.scheduled_start_time.timestamp()), UTC)
    return max(latest, scheduled)


def is_scheduled() -> bool:
    """Whether the schedule of a deployment created this flow run, not a person."""
    return runtime.deployment.id is not None and "auto-scheduled" in runtime.flow_run.tags


def slot_run_name(flow: str, on: str) -> str:
    """The name of the current flow run: its flow and the day of its slot, in the zone of the schedule."""
    parameters = runtime.flow_run.parameters
    settings = settings_for(None)
    slot = choose_slot(parameters.get("site"), parameters.get("slot"), settings, on)
    return f"{flow} {slot.astimezone(settings.zone):%Y-%m-%d}"


def _run_on_site(settings: Settings, slot: datetime, on: str, environment: Environment) -> Outcome:
    """Run one slot against the site. Raises as `run_daily`, and `SlotDoneError` if another run published the slot."""
    if is_scheduled():
        # An unreadable journal does not stop the capture: the run reads it again, and reports the problem.
        runs = consult(partial(journal.read, settings.data_dir), (), journal.JOURNAL_FILE, "ca-etl doctor")
        published_by = publishing_run(schedule(settings, on), runs.value, slot)
        if published_by is not None:
            raise SlotDoneError(
                f"Skipped: run {published_by} has published the slot {slot:%Y-%m-%d %H:%M:%S} UTC"
            )
    return run_daily(settings, slot=slot, on=on, environment=environment)


def _run_on_demo(settings: Settings, slot: datetime, on: str, environment: Environment) -> Outcome:
    # The slot of a weekly sweep is some days before the day that the demo site shows.
    day: date = slot.astimezone(settings.zone).date() if on == DAILY else default_last_day()
    try:
        (outcome,) = play_days(settings, 1, last_day=day, on=on, environment=environment)
    except CaEtlError as error:
        if getattr(error.__cause__, "errno", None) != EADDRINUSE:
            raise
        # Another demo site uses the usual port; any other port will do.
        any_port = settings.model_copy(update={"demo_port": 0})
        (outcome,) = play_days(any_port, 1, last_day=day, on=on, environment=environment)
    return outcome


def _retry_later(message: str) -> NoReturn:
    """Ask the Prefect server to start this flow run again in ten minutes, and end the current attempt.

    Raises `Pause`: if the flow returned AwaitingRetry, which is not a final state, Prefect would record a crash.
    """
    again: State[Any] = AwaitingRetry(scheduled_time=utc_now() + RETRY_AFTER, message=message)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(runtime.flow_run.id, again)
    raise Pause(message, state=again)


@contextmanager
def _end_with_worker() -> Iterator[None]:
    """Send SIGTERM to this process if the Prefect worker that started it dies within the block.

    The run can then be recorded in the journal and in Prefect before the process ends; otherwise it would continue
    and hold the lock, and Prefect would not record its end. Does nothing without a deployment.
    """
    if runtime.deployment.id is None:
        yield
        return
    over = Event()
    Thread(target=_watch_parent, args=(os.getppid(), over), name="worker-watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch_parent(worker: int, over: Event) -> None:
    while not over.wait(CHECK_PARENT_SECONDS):
        if os.getppid() != worker:
            # The console was a pipe to the worker: Prefect's next line would end the process before it has reported
            # to the server that the run has crashed.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, 1)
            os.dup2(devnull, 2)
            os.kill(os.getpid(), signal.SIGTERM)
            return
