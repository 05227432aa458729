"""History under Prefect: files from the worker's machine, and the posts that the site published in a date range."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from prefect import State, flow, runtime

from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.context import Environment, utc_now
from ca_etl.pipeline.run import Outcome, run_backfill, run_ingest
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from flows.flow_run import run_without_slot

DAY: Final = 24 * 3600


def files_run_name() -> str:
    """Name of the flow run under way: the number of its paths, and when it started."""
    paths = runtime.flow_run.parameters.get("paths") or []
    return f"ca-backfill of {len(paths)} paths, {utc_now():%Y-%m-%d %H:%M}"


def posts_run_name() -> str:
    """Name of the flow run under way: its date range, and when it started."""
    parameters = runtime.flow_run.parameters
    dates = f"{parameters.get('first')}..{parameters.get('last') or ''}"
    return f"ca-backfill-posts {dates}, {utc_now():%Y-%m-%d %H:%M}"


@flow(name="ca-backfill", flow_run_name=files_run_name, timeout_seconds=DAY)
def backfill(paths: list[str], url: str | None = None) -> State[Any]:
    """Archive files and folders (.txt .html .warc .warc.gz .wet.gz), and publish what they contain.

    `paths` lie on the machine of the worker. `url` is the address that pages without one were fetched from. What is
    archived already is not archived again, so that a backfill that was stopped resumes when it is started again.
    """
    files = GivenFiles(tuple(Path(path) for path in paths), url)
    return run_without_slot(
        lambda settings, environment: run_ingest(settings, files, environment=environment)
    )


@flow(name="ca-backfill-posts", flow_run_name=posts_run_name, timeout_seconds=DAY)
def backfill_posts(
    first: date, last: date | None = None, source: Literal["posts", "feed"] = "posts"
) -> State[Any]:
    """Archive the posts of the days from `first` to `last` (UTC, both included), and publish what they contain.

    `last` is today unless it is given. `source` is the posts API, or the feed where that is unavailable. Months that
    were crawled to their end are not requested again, so that a backfill that was stopped, or cut off by an
    unavailable API, resumes when it is started again; the feed, which has one way in, is crawled from its start.
    The state is that of `flows.flow_run.run_pipeline`.
    """

    def run(settings: Settings, environment: Environment) -> Outcome:
        dates = DateRange.of(first, last or utc_now().date())
        return run_backfill(settings, dates, source=source, environment=environment)

    return run_without_slot(run)
