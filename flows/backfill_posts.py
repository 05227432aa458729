"""The history of posts under Prefect: the site is asked for what it published in a stretch of time."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any, Final, Literal

from prefect import State, flow, runtime
from prefect.states import Failed

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.backfill import Stretch
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.run import run_backfill
from flows.ending import advised, ended
from flows.site import settings_for

DAY: Final = 24 * 3600


def backfill_posts_run_name() -> str:
    """Name of the flow run under way: its stretch, and when it began."""
    parameters = runtime.flow_run.parameters
    stretch = f"{parameters.get('first')}..{parameters.get('last') or ''}"
    return f"ca-backfill-posts {stretch}, {utc_now().astimezone(UTC):%Y-%m-%d %H:%M}"


@flow(name="ca-backfill-posts", flow_run_name=backfill_posts_run_name, timeout_seconds=DAY)
def backfill_posts(
    first: date, last: date | None = None, source: Literal["posts", "feed"] = "posts"
) -> State[Any]:
    """Archive the posts of the days from `first` to `last` (UTC, both included), and publish what they say.

    `last` is today unless it is given. `source` is the posts API, or the feed where that is closed. Months that were
    walked to their end are not asked for again, so that a backfill that was stopped, or cut off by a closed API, goes
    on when it is started again; in the feed, which has one way in, it begins anew. The state is that of
    `flows.ending.ended`.
    """
    try:
        stretch = Stretch.of(first, last or utc_now().date())
        settings = settings_for(None)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    return ended(settings, None, lambda edges: run_backfill(settings, stretch, source=source, edges=edges))
