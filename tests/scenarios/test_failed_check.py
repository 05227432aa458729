from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from ca_etl.archive.reader import archive_files
from ca_etl.demo.content import default_last_day
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.play import faults, play_days
from ca_etl.settings import Settings
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.journal import RunStatus
from ca_etl.warehouse.raw_load import CaptureDecision
from ca_etl.warehouse.release import current_release

Query = Callable[..., list[tuple[Any, ...]]]
LAST: date = default_last_day()


def test_a_rate_ten_times_too_high_stops_the_release_and_stays_in_the_archive(
    settings: Settings, query: Query
) -> None:
    before, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    assert (stopped.status, stopped.exit_status, stopped.release) == (RunStatus.CHECKS_FAILED, 3, None)
    assert current_release(settings.data_dir) == before.release
    assert "KZT" in " ".join(result.sample for result in stopped.fired)
    assert journal.read(settings.data_dir)[-1].status == RunStatus.CHECKS_FAILED
    assert [path.name for path in archive_files(settings.archive_dir)][-1].startswith(f"{LAST:%Y%m%d}")
    assert query("select max(rate_date) from fct_rate_daily") == [(LAST - timedelta(days=1),)]


def wrong_captures(settings: Settings, run_id: str) -> list[str]:
    """What the operator finds in the building folder that the failed run left for inspection."""
    warehouse = settings.data_dir / "releases" / f"{run_id}.building" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as con:
        wrong = con.sql(
            "select capture_id from raw.rate_observation where base = 'KZT' and rate > 0.01"
        ).fetchall()
    return [row[0] for row in wrong]


def decide(settings: Settings, run_id: str, word: str) -> int:
    captures = wrong_captures(settings, run_id)
    for capture_id in captures:
        overrides.append(settings.data_dir, CaptureDecision(capture_id, word, "checked by hand", utc_now()))
    return len(captures)


@pytest.mark.slow
def test_an_excluded_capture_stays_out_and_its_page_is_requested_again(
    settings: Settings, query: Query
) -> None:
    _, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    excluded = decide(settings, stopped.run_id, "exclude")
    (repaired,) = play_days(settings, 1)
    assert (repaired.exit_status, excluded) == (0, len(settings.listing_paths))
    assert query(
        f"select rate < 0.01, is_filled from fct_rate_daily where base = 'KZT' and rate_date = '{LAST}'"
    ) == [(True, False)]
    assert query("select count(*) from etl_reject where reason = 'excluded'") == [(excluded,)]


@pytest.mark.slow
def test_an_accepted_capture_is_published(settings: Settings, query: Query) -> None:
    _, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    assert decide(settings, stopped.run_id, "accept") > 0
    (accepted,) = play_days(settings, 1)
    assert accepted.exit_status == 0
    assert query("select count(*) from fct_rate_observation where base = 'KZT' and rate > 0.01")[0][0] > 0
