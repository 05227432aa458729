from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ca_etl.pipeline.clock import contradiction, evidence
from ca_etl.sources.session import withheld_files
from ca_etl.warehouse.journal import RunRecord

DAY = timedelta(days=1)
FIRST = datetime(2025, 12, 10, 2, tzinfo=UTC)
FUTURE = datetime(2099, 1, 1, 2, tzinfo=UTC)


def record(at: datetime, *, published: bool = True, **fields: Any) -> RunRecord:
    run_id = f"{at:%Y%m%dT%H%M%SZ}"
    status = "succeeded" if published else "failed"
    return RunRecord(run_id, "run", at, status, "1", release_id=run_id if published else None, **fields)


def test_the_clock_is_judged_by_runs_since_the_last_trusted_one() -> None:
    future, stopped = record(FUTURE), record(FIRST, published=False, contradicted_by=FUTURE)
    trusted = record(FIRST + DAY, contradicted_by=FUTURE)
    assert evidence([future]) == (future,)
    assert evidence([future, stopped]) == (future,)
    assert evidence([future, stopped, trusted]) == (trusted,)


def test_files_are_held_back_until_a_later_run_shows_that_their_clock_was_right() -> None:
    ahead = record(FIRST + 5 * DAY)
    stopped = record(FIRST, published=False, contradicted_by=ahead.started_at, held=("a.warc.gz",))
    assert withheld_files([ahead, stopped], FIRST + 5 * DAY) == {"a.warc.gz"}
    assert withheld_files([ahead, stopped], FIRST + 4 * DAY) == frozenset()
    # once shown, for good: a rebuild of next year loads them too
    shown = record(FIRST + 4 * DAY)
    assert withheld_files([ahead, stopped, shown], FIRST + 365 * DAY) == frozenset()


def test_without_evidence_no_clock_is_contradicted() -> None:
    assert contradiction(FIRST, None, ()) is None
