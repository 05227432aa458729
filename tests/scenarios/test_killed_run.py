"""kill -9 before and after every step: the next run publishes what an undisturbed one would have."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunStatus

pytestmark = pytest.mark.slow

Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
SLOT = datetime(2025, 12, 21, 2, tzinfo=UTC)
BORDERS = [
    ("before", "capture"),
    ("after", "capture"),
    ("after", "load"),
    ("after", "build"),
    ("after", "check"),
    ("after", "publish"),
]
# A capture's own time and id differ between two real fetches; everything recorded of them may not.
TIMES = (
    "capture_id",
    "observed_at",
    "captured_at",
    "archive_offset",
    "archive_file",
    "valid_from",
    "valid_to",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data_dir=tmp_path_factory.mktemp("undisturbed"), demo_port=0, _env_file=None)
    with DemoSite(port=0) as site:
        _two_days(settings, site)
    return settings


def _two_days(settings: Settings, site: DemoSite, border: tuple[str, str] | None = None) -> None:
    on_site = settings.model_copy(
        update={"site_url": site.base_url, "min_interval_seconds": 0.0, "backoff_seconds": 0.0}
    )
    for number in range(2):
        slot = SLOT + timedelta(days=number)
        site.play(slot.date())
        if border and number == 1:
            killed = subprocess.run(
                [
                    sys.executable,
                    str(Path(__file__).with_name("killed_run.py")),
                    str(settings.data_dir),
                    site.base_url,
                    slot.isoformat(),
                    *border,
                ],
                check=False,
            )
            assert killed.returncode == -signal.SIGKILL
        outcome = run_daily(on_site, slot=slot, environment=Environment(clock=clock_from(slot)))
        assert outcome.exit_status == 0, outcome.error


@pytest.mark.parametrize("border", BORDERS, ids=" ".join)
def test_the_next_run_publishes_the_same_rows(
    border: tuple[str, str], undisturbed: Settings, settings: Settings, site: DemoSite, contents: Contents
) -> None:
    _two_days(settings, site, border)
    rows, expected = _rows(settings, contents), _rows(undisturbed, contents)
    for table in expected:
        assert rows[table] == expected[table], table
    statuses = [record.status for record in journal.read(settings.data_dir)]
    killed = RunStatus.SUCCEEDED if border == ("after", "publish") else RunStatus.CRASHED
    assert statuses == [RunStatus.SUCCEEDED, killed, RunStatus.SUCCEEDED]
    assert not list((settings.data_dir / "releases").glob("*.building"))


@pytest.mark.parametrize("border", [("before", "capture"), ("after", "load")], ids=" ".join)
def test_the_slot_of_a_killed_run_was_tried_twice_and_is_observed(
    border: tuple[str, str], settings: Settings, site: DemoSite, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    _two_days(settings, site, border)
    (killed,) = (run for run in journal.read(settings.data_dir) if run.status == RunStatus.CRASHED)
    *articles, own = killed.slots
    step = "capture" if border[0] == "before" else border[1]
    assert (own.outcome, own.reason) == ("failed", f"killed in step {step}")
    # what was archived before the kill is known, and not requested again
    assert [article_source.outcome for article_source in articles] == (
        [] if border[0] == "before" else ["observed"]
    )
    assert query("select source, outcome, reason, runs from main.fct_coverage order by source, slot") == [
        ("timesca", "observed", None, 1),
        ("timesca", "observed", None, 2),
        ("timesca-posts", "observed", None, 1),
        ("timesca-posts", "observed", None, 1),
    ]


def _rows(settings: Settings, contents: Contents) -> dict[str, list[tuple[Any, ...]]]:
    import duckdb

    warehouse = (settings.data_dir / "current").resolve() / "warehouse.duckdb"
    rows = {}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        for table in contents(settings.data_dir):
            names = [
                n
                for n in con.sql(f"from main.{table}").columns
                if n not in {*TIMES, "run_id", "runs", "url", "listing_url"}
            ]
            rows[table] = con.sql(
                f"select {', '.join(f'{n}::varchar' for n in names)} from {table} order by all"
            ).fetchall()
    return rows
