"""The pipeline's steps as Prefect tasks: their names, time limits, and when a retry can help."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from prefect import State, Task, runtime
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.backfill import capture_history
from ca_etl.pipeline.capture import NothingCapturedError, capture, ingest
from ca_etl.pipeline.enrich import enrich
from ca_etl.pipeline.load import load
from ca_etl.pipeline.publish import build, check, publish

Step = Callable[..., Any]

MINUTE: Final = 60
RETRY_DELAYS: Final = (5 * MINUTE, 20 * MINUTE)


def site_may_be_back(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to retry a failed capture: the site was not reached, and no one waits at a terminal.

    A site that refused is not requested again: a retry would be refused, too.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, NothingCapturedError) and not error.refused and runtime.deployment.id is not None


def _task(step: Step, name: str, minutes: float, **retry: Any) -> Task[..., Any]:  # noqa: ANN401  options of Task
    """A step as a task of that name, which fails after `minutes`."""

    @wraps(step)
    def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401  what the step returns
        try:
            return step(*args, **kwargs)
        except CaEtlError as error:
            # Raised, Prefect would log the traceback of an error that an operator can act on.
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
    ),
    ingest: _task(ingest, "Archive the given files", minutes=12 * 60),
    capture_history: _task(capture_history, "Capture the posts of a date range", minutes=20 * 60),
    load: _task(load, "Load new archive files", minutes=12 * 60),
    enrich: _task(enrich, "Find places and amounts", minutes=60),
    build: _task(build, "Build the models", minutes=20),
    check: _task(check, "Run the checks", minutes=20),
    publish: _task(publish, "Publish the release", minutes=20),
}
