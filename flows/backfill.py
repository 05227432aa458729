"""Backfills as Prefect flows: from files on the worker's machine, and from what a source has of a date range."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from prefect import State, flow, runtime

from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.context import Environment, utc_now
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill, run_ingest
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from flows.flow_run import run_without_slot

DAY: Final = 24 * 3600
# The sources with a past, by their names on the command line.
Past = Literal["posts", "feed", "nbk", "nbkr", "cbu", "nbt", "cbr", "commoncrawl", "wayback"]


def files_run_name() -> str:
    """The name of the current run of the flow `backfill`: its number of paths and its start (UTC)."""
    paths = runtime.flow_run.parameters.get("paths") or []
    return f"ca-backfill of {len(paths)} paths, {utc_now():%Y-%m-%d %H:%M}"


def posts_run_name() -> str:
    """The name of the current run of the flow `backfill_posts`: its date range and its start (UTC)."""
    parameters = runtime.flow_run.parameters
    dates = f"{parameters.get('first')}..{parameters.get('last') or ''}"
    return f"ca-backfill-posts {dates}, {utc_now():%Y-%m-%d %H:%M}"


@flow(name="ca-backfill", flow_run_name=files_run_name, timeout_seconds=DAY)
def backfill(paths: list[str], url: str | None = None) -> State[Any]:
    """Archive files and folders (.txt .html .warc .warc.gz .wet.gz), and publish the rates and articles in them.

    `paths` are on the machine of the worker. `url` is the address of pages that do not state their own. Files that
    are archived already are skipped, so that a stopped backfill resumes when it is started again.
    """
    files = GivenFiles(tuple(Path(path) for path in paths), url)
    return run_without_slot(
        lambda settings, environment: run_ingest(settings, files, environment=environment)
    )


@flow(name="ca-backfill-posts", flow_run_name=posts_run_name, timeout_seconds=DAY)
def backfill_posts(first: date, last: date | None = None, source: Past = "posts") -> State[Any]:
    """Archive what a source has of the days from `first` to `last` (both included), and publish it.

    `last` defaults to today. `source` is the site's posts API, or its feed where the API is unavailable (days of
    publication, UTC), a central bank (its own days), or a web archive (days of the capture, UTC). Months that were
    archived completely are not requested again, so that a stopped backfill resumes when it is started again; the feed
    can only be crawled from its start. Ends with a state of `flows.flow_run.run_pipeline`.
    """

    def run(settings: Settings, environment: Environment) -> Outcome:
        dates = DateRange.of(first, last, utc_now().date())
        return run_backfill(settings, dates, source=source, environment=environment)

    return run_without_slot(run)
