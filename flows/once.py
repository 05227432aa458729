"""One run of the flow in this process, and the wait for its history. Prefect is imported here, with its settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterId
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.daily import daily
from flows.errors import Report, RunFailedError
from flows.local_server import ServerError

log = logging.getLogger(__name__)


def run_once(site: str | None, slot: datetime | None) -> Report:
    """Run `daily` and wait until Prefect has stored its task runs.

    Raises the error that the flow ended with (a `CaEtlError`, or whatever a defect raised), and `ServerError` when
    Prefect cannot reach its server.
    """
    # Heartbeats tell a server that outlives the run of its death, and cost a second at its end.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), _server_reached():
        state = daily(site=site, slot=slot, return_state=True)
    # What still waits in this process would meet a server that is gone.
    EventsWorker.drain_all()
    APILogWorker.instance().drain()
    ended: object = state.result(raise_on_failure=False)
    report = ended.report if isinstance(ended, RunFailedError) else ended
    if isinstance(report, Report) and not wait_until_recorded(report.task_runs):
        log.warning(
            "Prefect has not stored the end of all %d task runs of %s",
            len(report.task_runs),
            report.outcome.run_id,
        )
    if isinstance(ended, Report):
        return ended
    raise cast("BaseException", ended)


@contextmanager
def _server_reached() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # What a flow raises becomes its state; this one Prefect raises itself, with no type of its own.
        if not str(error).startswith("Failed to reach API"):
            raise
        raise ServerError(
            str(error), "unset PREFECT_API_URL (the run then has a Prefect server of its own)"
        ) from error


def wait_until_recorded(task_runs: Collection[UUID], seconds: float = 15) -> bool:
    """Wait until the server has stored the last state of all `task_runs`; False when `seconds` pass first.

    Task runs reach it as events, which it stores a while after the flow has ended.
    """
    deadline = time.monotonic() + seconds
    chosen = TaskRunFilter(id=TaskRunFilterId(any_=list(task_runs)))
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            stored = client.read_task_runs(task_run_filter=chosen) if task_runs else []
            if sum(run.state is not None and run.state.is_final() for run in stored) == len(task_runs):
                return True
            time.sleep(0.05)
    return False
