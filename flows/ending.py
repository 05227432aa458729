"""How a run of the pipeline becomes the state of its flow run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, cast
from uuid import UUID

from prefect import State, runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry, Cancelled, Completed, Failed

from ca_etl import logs
from ca_etl.errors import CaEtlError
from ca_etl.operate.alert_delivery import configured, end_of_last_run
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.run import DEFAULT_EDGES, Edges, Outcome
from ca_etl.settings import Settings
from ca_etl.warehouse.lock import LockHeldError
from flows.artifacts import ProgressArtifacts, create_artifacts
from flows.errors import Report, RunFailedError, SlotDoneError
from flows.guard import ends_with_worker
from flows.job import is_scheduled
from flows.notify import after_flow
from flows.steps import TASKS
from flows.summary import read_facts, sentence

SKIPPED: Final = "Skipped"
# As long as the systemd units wait.
RETRY_AFTER: Final = timedelta(minutes=10)


def ended(
    settings: Settings, at: datetime | None, run: Callable[[Edges], Outcome], *, played: bool = False
) -> State[Any]:
    """Run the pipeline, each step as a task, and say how it ended.

    Completed with a release; Failed when checks fired or a step failed; Skipped (of type Completed) when the slot is
    done; when another run holds the lock Skipped (of type Cancelled), or AwaitingRetry if a schedule made this run and
    no later slot has come: skipped, its slot would be a hole. The data are a `Report`, or the error.
    `at` is the slot in UTC, None for runs without one. `played` says that the demo's clock was used.
    """
    logging.getLogger("ca_etl").setLevel(logging.INFO)
    logs.adopt(settings.log_format)
    task_runs: list[UUID] = []

    def call(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step gives
        state = cast("State[Any]", TASKS[step](*args, return_state=True))
        task_runs.append(cast("UUID", state.state_details.task_run_id))
        return state.result()

    try:
        with ends_with_worker(), closing(ProgressArtifacts()) as progress:
            outcome = run(replace(DEFAULT_EDGES, call=call, progress=progress))
    except SlotDoneError as done:
        return Completed(name=SKIPPED, message=str(done), data=done)
    except LockHeldError as error:
        if at is not None and is_scheduled() and at <= runtime.flow_run.scheduled_start_time:
            _try_again(f"Another run is on: {error}")
        return Cancelled(name=SKIPPED, message=f"Another run is on: {error}", data=error)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    except Exception:
        # a defect: the journal has the run as failed, and nobody would hear of it before the next one
        after_flow(settings, utc_now())
        raise
    _look_for_alerts(settings, played=played)
    facts = read_facts(outcome, settings.data_dir, at or utc_now())
    create_artifacts(facts, f"{facts.slot.astimezone(settings.zone):%Y-%m-%d}")
    report = Report(outcome, tuple(task_runs))
    if outcome.release is None:
        return Failed(message=advised(outcome.error, outcome.hint), data=RunFailedError(report))
    return Completed(message=sentence(facts), data=report)


def _try_again(message: str) -> NoReturn:
    """Give this flow run back to its server, to be taken again in ten minutes, and end the process in order.

    A state that is not final has no result: returned from the flow, it would count as a crash.
    """
    again: State[Any] = AwaitingRetry(scheduled_time=utc_now() + RETRY_AFTER, message=message)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(runtime.flow_run.id, again)
    raise Pause(message, state=again)


def _look_for_alerts(settings: Settings, *, played: bool) -> None:
    if played and not configured(settings):
        return
    now = end_of_last_run(settings) if played else None
    after_flow(settings, now or utc_now())


def advised(message: str, hint: str) -> str:
    """A message with the next command to run, where there is one."""
    return f"{message}\nNext: {hint}" if hint else message
