"""The pipeline's steps as Prefect tasks: their names, how long they may take, and when trying again can help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from prefect import State, Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from ca_etl.archive.ingest import IngestReport
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.backfill import Stretch, capture_feed, capture_history
from ca_etl.pipeline.capture import Captured, NothingCapturedError, capture
from ca_etl.pipeline.context import Context
from ca_etl.pipeline.enrich import Enriched, enrich
from ca_etl.pipeline.ingest import Given, ingest
from ca_etl.pipeline.load import Loaded, load
from ca_etl.pipeline.publish import build, check, publish
from ca_etl.warehouse.journal import CheckResult, RunRecord
from ca_etl.warehouse.release import Release

P = ParamSpec("P")
R = TypeVar("R")

MINUTE: Final = 60


def site_may_be_back(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether to try a failed capture again: the site was not reached, and nobody waits at a terminal.

    A site that said no is not asked again: it meant it.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, NothingCapturedError) and not error.refused and runtime.deployment.id is not None


@task(
    name="Capture the pages of the slot",
    task_run_name="Capture the pages of the slot",
    retries=2,
    retry_delay_seconds=[5 * MINUTE, 20 * MINUTE],
    retry_condition_fn=site_may_be_back,
    timeout_seconds=30 * MINUTE,
    cache_policy=NO_CACHE,
)
def capture_pages(ctx: Context) -> Captured | State[Any]:
    """Every answer of the site into the archive."""
    return told(capture, ctx)


@task(
    name="Archive the given files",
    task_run_name="Archive the given files",
    timeout_seconds=12 * 60 * MINUTE,
    cache_policy=NO_CACHE,
)
def archive_files(ctx: Context, given: Given) -> IngestReport | State[Any]:
    """Files and folders into the archive, by the same door as fetched pages."""
    return told(ingest, ctx, given)


@task(
    name="Capture the posts of a stretch of time",
    task_run_name="Capture the posts of a stretch of time",
    timeout_seconds=20 * 60 * MINUTE,
    cache_policy=NO_CACHE,
)
def capture_posts(ctx: Context, stretch: Stretch) -> int | State[Any]:
    """What the site says of its posts into the archive, month by month."""
    return told(capture_history, ctx, stretch)


@task(
    name="Load new archive files",
    task_run_name="Load new archive files",
    timeout_seconds=12 * 60 * MINUTE,
    cache_policy=NO_CACHE,
)
def load_archive(ctx: Context) -> Loaded | State[Any]:
    """Rows of the captures into a building copy of the warehouse."""
    return told(load, ctx)


@task(
    name="Find places and amounts",
    task_run_name="Find places and amounts",
    timeout_seconds=60 * MINUTE,
    cache_policy=NO_CACHE,
)
def enrich_texts(ctx: Context) -> Enriched | State[Any]:
    """Countries and sums of money in the texts that were not searched yet."""
    return told(enrich, ctx)


@task(
    name="Build the models",
    task_run_name="Build the models",
    timeout_seconds=20 * MINUTE,
    cache_policy=NO_CACHE,
)
def build_models(ctx: Context, record: RunRecord) -> dict[str, int] | State[Any]:
    """All facts and dimensions, in one transaction."""
    return told(build, ctx, record)


@task(
    name="Run the checks", task_run_name="Run the checks", timeout_seconds=20 * MINUTE, cache_policy=NO_CACHE
)
def run_checks(ctx: Context) -> tuple[CheckResult, ...] | State[Any]:
    """Queries that return offending rows."""
    return told(check, ctx)


@task(
    name="Publish the release",
    task_run_name="Publish the release",
    timeout_seconds=20 * MINUTE,
    cache_policy=NO_CACHE,
)
def publish_release(ctx: Context) -> Release | State[Any]:
    """Parquet and descriptor, then the folder's name and the pointer."""
    return told(publish, ctx)


@task(
    name="Capture the feed back to a day",
    task_run_name="Capture the feed back to a day",
    timeout_seconds=20 * 60 * MINUTE,
    cache_policy=NO_CACHE,
)
def capture_feed_pages(ctx: Context, stretch: Stretch) -> int | State[Any]:
    """The pages of the feed into the archive, from now back to the first day of the stretch."""
    return told(capture_feed, ctx, stretch)


TASKS: Final[dict[Callable[..., Any], Task[..., Any]]] = {
    capture: capture_pages,
    ingest: archive_files,
    capture_history: capture_posts,
    capture_feed: capture_feed_pages,
    load: load_archive,
    enrich: enrich_texts,
    build: build_models,
    check: run_checks,
    publish: publish_release,
}


def told(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
    """Run a step. An error that an operator can act on is returned as a state: raised, Prefect logs its traceback."""
    try:
        return step(*args, **kwargs)
    except CaEtlError as error:
        return Failed(message=str(error), data=error)
