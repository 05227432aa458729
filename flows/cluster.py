"""Parse a large archive by Prefect tasks, in threads or on a Dask cluster, which write its parts to storage.

What is done is decided by the parts that exist there, never by the state of a task or the result of a future: a worker
that dies takes both with it.
"""
# ruff: noqa: PLC0415  Dask is of the extra `cluster`

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

import httpx
from prefect import Flow, State, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterId
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import PrefectException
from prefect.futures import PrefectFuture, PrefectWrappedFuture
from prefect.states import Crashed, Failed
from prefect.task_runners import TaskRunner as Runner
from prefect.task_runners import ThreadPoolTaskRunner

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.pipeline.load import Loaded, load
from ca_etl.pipeline.part_store import (
    INSTALL_CLUSTER,
    PartStore,
    open_folder,
    parts_url,
    remove_parts,
    stored_parts,
)
from ca_etl.pipeline.parts import FEWEST_PARTS, Part, PartQueue, PartReader, parsing
from ca_etl.pipeline.publish import publish
from ca_etl.settings import Settings, TaskRunner
from ca_etl.sources.session import Context, Progress
from ca_etl.warehouse.release import Release
from flows.reporting import wait_until_recorded

if TYPE_CHECKING:
    from prefect_dask.task_runners import DaskTaskRunner

log = logging.getLogger(__name__)

# A task costs Prefect on Dask a tenth of a second, a part takes about a second.
PARTS_OF_TASK: Final = 8
# And each worker has so many, so that at the end none waits long for another.
TASKS_OF_WORKER: Final = 8
# A cluster in which no task ends for so long is left alone.
PATIENCE_SECONDS: Final = 600
START_SECONDS: Final = 60
# The address of Dask's scheduler; without it, and without Dask's own `scheduler-address`, a local cluster is started.
SCHEDULER: Final = "DASK_SCHEDULER"
# A worker has one task at work, and the next one at hand.
TASKS_AT_ONCE: Final = 2
LOST: Final = "its worker died, or the run ended before it"
# The server stores the states of tasks a moment after their end.
RECORD_SECONDS: Final = 5


class ClusterError(CaEtlError):
    """The scheduler of Dask cannot be reached, or has no worker."""


def assert_usable(settings: Settings) -> None:
    """Raise `UsageError` if the packages or the storage that the setting `task_runner` requires are missing."""
    if settings.task_runner is TaskRunner.PROCESSES:
        return
    with open_folder(parts_url(settings)):
        pass
    if settings.task_runner is TaskRunner.DASK:
        try:
            import prefect_dask  # noqa: F401
        except ImportError as error:
            raise UsageError(
                f"CA_ETL_TASK_RUNNER=dask needs a package of the extra `cluster`: {error}", INSTALL_CLUSTER
            ) from error


def load_with_tasks(ctx: Context) -> Loaded:
    """Step 2 of a run, in which the setting `task_runner` states who parses a large archive."""
    if ctx.settings.task_runner is TaskRunner.PROCESSES:
        return load(ctx)
    return load(ctx, partial(_parsing_by_tasks, ctx))


def publish_without_parts(ctx: Context) -> Release:
    """Step 6 of a run, after which the stored parts are deleted: the release has their rows."""
    release = publish(ctx)
    if ctx.settings.task_runner is not TaskRunner.PROCESSES:
        try:
            remove_parts(parts_url(ctx.settings))
        except (CaEtlError, OSError) as error:
            log.warning("stored parts of the archive are left in %s: %s", parts_url(ctx.settings), error)
    return release


@contextmanager
def _parsing_by_tasks(
    ctx: Context, reader: PartReader, parts: Sequence[Part], workers: int
) -> Iterator[PartQueue]:
    """As `parsing`, by tasks that store the parts: all are made first, and then read in their order."""
    if len(parts) < FEWEST_PARTS:
        with parsing(reader, parts, workers) as queue:
            yield queue
        return
    # a worker has the archive at the same path, and may have another current folder
    store = PartStore(parts_url(ctx.settings), replace(reader, root=reader.root.absolute(), run_id=""))
    if store.missing(parts):
        with context_of_tasks(), _started_workers(ctx.settings, workers) as started:
            make_parts(store, parts, started, ctx.progress)
    with stored_parts(store, parts, reader.run_id) as queue:
        yield queue


@dataclass(frozen=True, slots=True)
class Workers:
    """A task runner of Prefect that was started, with the number of tasks that it runs at once.

    `lost` are the task runs that no worker will finish.
    """

    runner: Runner[Any]
    slots: int
    lost: list[UUID] = field(default_factory=list)


def make_parts(store: PartStore, parts: Sequence[Part], workers: Workers, progress: Progress) -> None:
    """Have the missing parts parsed by tasks of several parts; those that are then missing once more, each alone.

    A part that ends every worker takes the others of its task with it once. What is missing after that is left to the
    run. Retries of tasks are not used: they do not begin where a worker was killed.
    """
    missing = store.missing(parts)
    for most in (PARTS_OF_TASK, 1):
        before = len(missing)
        size = max(1, min(most, before // (TASKS_OF_WORKER * workers.slots)))
        tasks = [missing[at : at + size] for at in range(0, before, size)]
        is_at_work = _run_tasks(store, tasks, workers, progress)
        missing = store.missing(parts)
        if not (is_at_work and 0 < len(missing) < before):
            break
    if missing:
        log.warning(
            "%d of %d parts of the archive are missing: the run parses them", len(missing), len(parts)
        )


def parse_parts(store: PartStore, parts: Sequence[tuple[Part, str]]) -> State[Any] | None:
    """Parse parts and store each by its name, in a worker. Gives no result, so that none dies with the worker."""
    try:
        for part, name in parts:
            store.make(part, name)
    except (CaEtlError, OSError) as error:
        return Failed(message=str(error))
    return None


TASK: Final[Task[..., Any]] = Task(
    parse_parts, name="Parse parts of the archive", cache_policy=NO_CACHE, persist_result=False
)
# What workers are sent in place of the flow whose run it is.
FLOW: Final[Flow[..., Any]] = Flow(parse_parts)


def _run_tasks(
    store: PartStore, tasks: Sequence[Sequence[Part]], workers: Workers, progress: Progress
) -> bool:
    """Run a task for each of `tasks`, some at once; False where none has ended for `PATIENCE_SECONDS`.

    A future is released as soon as its task has ended: Dask would compute it again once the worker of its result dies.
    """
    ended: Queue[PrefectFuture[Any]] = Queue()
    waiting: dict[UUID, PrefectWrappedFuture[Any, Any]] = {}
    left = iter(tasks)
    try:
        for number in range(len(tasks)):
            progress("parse", number, len(tasks))
            for parts in islice(left, TASKS_AT_ONCE * workers.slots - len(waiting)):
                named = [(part, store.name(part)) for part in parts]
                future = workers.runner.submit(TASK, {"store": store, "parts": named})
                waiting[future.task_run_id] = future
                future.add_done_callback(ended.put)
            workers.lost.extend(_wait_for_one(ended, waiting))
    except Empty:
        log.warning("no task has ended for %d seconds: the cluster is left alone", PATIENCE_SECONDS)
        return False
    else:
        return True
    finally:
        for future in waiting.values():
            future.wrapped_future.cancel()
        workers.lost.extend(waiting)


def _wait_for_one(
    ended: Queue[PrefectFuture[Any]], waiting: dict[UUID, PrefectWrappedFuture[Any, Any]]
) -> list[UUID]:
    """Wait until a task has ended, and forget its future; its task run, where Prefect has no final state of it."""
    future = waiting.pop(cast("Any", ended.get(timeout=PATIENCE_SECONDS)).task_run_id)
    future.wait()
    state = future.state
    if state.is_failed():
        log.warning("a task did not parse its parts: %s", state.message)
    if state.is_final():
        return []
    log.warning("a task did not end: %s", future.wrapped_future.exception())
    return [future.task_run_id]


def _end_task_runs(task_runs: Collection[UUID]) -> None:
    """Set task runs that no worker will finish to Crashed in Prefect, where they would be Running for ever.

    Those that waited in the scheduler, or whose worker died at once, are unknown to Prefect.
    """
    try:
        if not task_runs or wait_until_recorded(task_runs, RECORD_SECONDS):
            return
        with get_client(sync_client=True) as client:
            known = client.read_task_runs(
                task_run_filter=TaskRunFilter(id=TaskRunFilterId(any_=list(task_runs)))
            )
            for run in known:
                if run.state is None or not run.state.is_final():
                    client.set_task_run_state(run.id, Crashed(message=LOST), force=True)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("task runs in Prefect are left as they are: %s", error)


@contextmanager
def context_of_tasks() -> Iterator[None]:
    """Have tasks belong to the flow run, and send workers neither the step nor the flow, for the block.

    With the step, Prefect would send its parameters, which are settings with secrets. The flow of a deployment is in a
    module of its file alone, `backfill` for flows/backfill.py, which a worker cannot import.
    """
    flow_run = FlowRunContext.get()
    assert flow_run is not None  # noqa: S101  steps are called in flow runs
    token = TaskRunContext.__var__.set(cast("Any", None))
    try:
        with flow_run.model_copy(update={"flow": FLOW, "parameters": {}}):
            yield
    finally:
        TaskRunContext.__var__.reset(token)


@contextmanager
def _started_workers(settings: Settings, number: int) -> Iterator[Workers]:
    """The workers of the settings, for the block; `number` of them on this machine. Raises as `_dask`."""
    lost: list[UUID] = []
    try:
        if settings.task_runner is TaskRunner.THREADS:
            # in this process it has its threads, which `read_and_search` bounds for a process of its own
            import polars  # noqa: F401

            with ThreadPoolTaskRunner[Any](max_workers=number) as threads:
                yield Workers(threads, number, lost)
        else:
            with _dask(number) as dask_runner:
                yield Workers(dask_runner, sum(cast("Any", dask_runner.client).ncores().values()), lost)
    finally:
        # workers of this machine have ended by now, and report no state that is older than theirs
        _end_task_runs(lost)


@contextmanager
def _dask(number: int) -> Iterator[DaskTaskRunner]:
    """The cluster of the scheduler in the environment, or one of `number` processes on this machine.

    Raises `ClusterError` without a worker.
    """
    import dask.config
    from prefect_dask.task_runners import DaskTaskRunner

    address = os.environ.get(SCHEDULER) or dask.config.get("scheduler-address", None)
    local = {"n_workers": number, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with DaskTaskRunner(**({"address": address} if address else {"cluster_kwargs": local})) as runner:
        try:
            runner.client.wait_for_workers(1, timeout=START_SECONDS)
        except OSError as error:
            raise ClusterError(
                f"no worker of Dask is at {address or 'the local cluster'} ({SCHEDULER}): {error}",
                f"python -m dask worker {address}" if address else "df -h /tmp",
            ) from error
        yield runner
