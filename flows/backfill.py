"""History under Prefect: files of web archives, or pages kept by hand, from folders of the worker's machine."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any, Final

from prefect import State, flow, runtime
from prefect.states import Failed

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.ingest import Given
from ca_etl.pipeline.run import run_ingest
from flows.ending import advised, ended
from flows.site import settings_for

DAY: Final = 24 * 3600


def backfill_run_name() -> str:
    """Name of the flow run under way: how much it was given, and when."""
    paths = runtime.flow_run.parameters.get("paths") or []
    return f"ca-backfill of {len(paths)} paths, {utc_now().astimezone(UTC):%Y-%m-%d %H:%M}"


@flow(name="ca-backfill", flow_run_name=backfill_run_name, timeout_seconds=DAY)
def backfill(paths: list[str], url: str | None = None) -> State[Any]:
    """Archive files and folders (.txt .html .warc .warc.gz .wet.gz), and publish what they say.

    `paths` lie on the machine of the worker. `url` is the address that pages without one were fetched from. What is
    archived already is not archived again, so that a backfill that was stopped goes on when it is started again.
    """
    try:
        settings = settings_for(None)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    given = Given(tuple(Path(path) for path in paths), url)
    return ended(settings, None, lambda edges: run_ingest(settings, given, edges=edges))
