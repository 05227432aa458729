from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from ca_etl.archive.read import archive_files

from ca_etl.demo.figures import default_last_day
from ca_etl.pipeline.context import Status, utc_now
from ca_etl.pipeline.play import faults, play_days
from ca_etl.settings import Settings
from ca_etl.warehouse import decisions, journal
from ca_etl.warehouse.load import Decision
from ca_etl.warehouse.release import current_release

Query = Callable[..., list[tuple[Any, ...]]]
LAST: date = default_last_day()


def test_a_rate_ten_times_too_high_stops_the_release_and_stays_in_the_archive(
    settings: Settings, query: Query
) -> None:
    before, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    assert (stopped.status, stopped.exit_status, stopped.release) == (Status.CHECKS_FAILED, 3, None)
    assert current_release(settings.data_dir) == before.release
    assert "KZT" in " ".join(result.sample for result in stopped.fired)
    assert journal.read(settings.data_dir)[-1].status == Status.CHECKS_FAILED
    assert [path.name for path in archive_files(settings.archive_dir)][-1].startswith(f"{LAST:%Y%m%d}")
    assert query("select max(rate_date) from fct_rate_daily") == [(LAST - timedelta(days=1),)]


def test_an_operator_excludes_the_capture_and_the_next_run_publishes(
    settings: Settings, query: Query
) -> None:
    _, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    assert stopped.exit_status == 3
    warehouse = settings.releases_dir / f"{stopped.run_id}.building" / "warehouse.duckdb"
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as con:
        wrong = con.sql(
            "select capture_id from raw.rate_observation where base = 'KZT' and rate > 0.01"
        ).fetchall()
    assert wrong
    for (capture_id,) in wrong:
        decisions.append(settings.data_dir, Decision(capture_id, "exclude", "ten times too high", utc_now()))
    (mended,) = play_days(settings, 1)
    assert mended.exit_status == 0
    assert query(
        "select count(*) from fct_rate_daily where rate_date = $$" + f"{LAST}" + "$$ and not is_filled"
    ) == [(0,)]


def test_a_capture_that_the_operator_accepts_is_published(settings: Settings, query: Query) -> None:
    _, stopped = play_days(settings, 2, faults=faults([], [LAST]))
    assert {result.check_name for result in stopped.fired if result.severity == "error"}
    import duckdb

    warehouse = settings.releases_dir / f"{stopped.run_id}.building" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as con:
        wrong = con.sql(
            "select capture_id from raw.rate_observation where base = 'KZT' and rate > 0.01"
        ).fetchall()
    for (capture_id,) in wrong:
        decisions.append(
            settings.data_dir, Decision(capture_id, "accept", "a reform moved the point", utc_now())
        )
    (accepted,) = play_days(settings, 1)
    assert accepted.exit_status == 0
    assert query(f"select rate > 0.01 from fct_rate_daily where base = 'KZT' and rate_date = '{LAST}'") == [
        (True,)
    ]
