"""The scheduled run under Prefect: each step of the pipeline is a task, its end is the state of the flow.

By hand: `python -m flows.daily --site demo`, or the address of a site. By schedule: `deployments/prefect.yaml`.
"""

from __future__ import annotations

if __name__ == "__main__":
    # Prefect reads its settings while it is imported below; the command prepares them first.
    from flows.command import main

    raise SystemExit(main())

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import State, Task, flow, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Cancelled, Completed, Failed
from pydantic import AwareDatetime

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.capture import Captured, NothingCapturedError, capture
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.load import Loaded, load
from ca_etl.pipeline.publish import build, check, publish
from ca_etl.pipeline.run import Outcome
from ca_etl.warehouse.journal import CheckResult, RunRecord
from ca_etl.warehouse.lock import LockHeldError
from ca_etl.warehouse.release import Release
from flows.job import Job, run_name
from flows.summary import read_facts, sentence, summary

P = ParamSpec("P")
R = TypeVar("R")

ARTIFACT: Final = "ca-etl-daily"
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Report:
    """A run that was recorded in the journal, and the task runs of its steps."""

    outcome: Outcome
    task_runs: tuple[UUID, ...]


class RunFailedError(CaEtlError):
    """A run that published nothing; its journal line says the same."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.outcome.error, report.outcome.hint)
        self.report = report
        self.exit_status = report.outcome.exit_status


def site_may_be_back(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to try a failed capture again: the site was not reached, and nobody waits at a terminal."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, NothingCapturedError) and runtime.deployment.id is not None


@task(
    name="Capture the pages of the slot",
    retries=2,
    retry_delay_seconds=[5 * MINUTE, 20 * MINUTE],
    retry_condition_fn=site_may_be_back,
    timeout_seconds=30 * MINUTE,
    cache_policy=NO_CACHE,
)
def capture_pages(ctx: Context) -> Captured | State[Any]:
    """Every answer of the site into the archive."""
    return told(capture, ctx)


@task(name="Load new archive files", timeout_seconds=60 * MINUTE, cache_policy=NO_CACHE)
def load_archive(ctx: Context) -> Loaded | State[Any]:
    """Rows of the captures into a building copy of the warehouse."""
    return told(load, ctx)


@task(name="Build the models", timeout_seconds=20 * MINUTE, cache_policy=NO_CACHE)
def build_models(ctx: Context, record: RunRecord) -> dict[str, int] | State[Any]:
    """All facts and dimensions, in one transaction."""
    return told(build, ctx, record)


@task(name="Run the checks", timeout_seconds=20 * MINUTE, cache_policy=NO_CACHE)
def run_checks(ctx: Context) -> tuple[CheckResult, ...] | State[Any]:
    """Queries that return offending rows."""
    return told(check, ctx)


@task(name="Publish the release", timeout_seconds=20 * MINUTE, cache_policy=NO_CACHE)
def publish_release(ctx: Context) -> Release | State[Any]:
    """Parquet and descriptor, then the folder's name and the pointer."""
    return told(publish, ctx)


TASKS: Final[dict[Callable[..., Any], Task[..., Any]]] = {
    capture: capture_pages,
    load: load_archive,
    build: build_models,
    check: run_checks,
    publish: publish_release,
}


@flow(name="ca-daily", flow_run_name=run_name)
def daily(site: str | None = None, slot: AwareDatetime | None = None) -> State[Any]:
    """Capture the pages of one daily slot, and publish what they say.

    `site` is the address of the site (default: CA_ETL_SITE_URL), or `demo` for the embedded one. `slot` is the
    scheduled instant that the run stands for, with its offset (default: the time it was scheduled for).

    The state says how the run ended: Completed with a release; Failed when checks fired or a step failed;
    Cancelled when another run holds the lock. Its data are a `Report`, or the error.
    """
    logging.getLogger("ca_etl").setLevel(logging.INFO)
    task_runs: list[UUID] = []

    def call(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step gives
        state = cast("State[Any]", TASKS[step](*args, return_state=True))
        task_runs.append(cast("UUID", state.state_details.task_run_id))
        return state.result()

    try:
        job = Job.of(site, slot)
        outcome = job.run(call)
    except LockHeldError as error:
        return Cancelled(message=f"Another run is on: {error}", data=error)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    facts = read_facts(outcome, job.settings.data_dir, job.slot)
    create_markdown_artifact(summary(facts), key=ARTIFACT, description=f"{job.day}")
    report = Report(outcome, tuple(task_runs))
    if outcome.release is None:
        return Failed(message=advised(outcome.error, outcome.hint), data=RunFailedError(report))
    return Completed(message=sentence(facts), data=report)


def told(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
    """Run a step. An error that an operator can act on is returned as a state: raised, Prefect logs its traceback."""
    try:
        return step(*args, **kwargs)
    except CaEtlError as error:
        return Failed(message=str(error), data=error)


def advised(message: str, hint: str) -> str:
    """A message with the next command to run, where there is one."""
    return f"{message}\nNext: {hint}" if hint else message
