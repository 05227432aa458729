"""`status --fail-if-stale`: the check that works when everything else is gone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule

pytestmark = pytest.mark.slow

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def observed_now(data_dir: Path) -> Settings:
    """A data directory whose last daily slot, by the real clock, is published."""
    with DemoSite(port=0) as site:
        site.play(date(2025, 12, 22))
        settings = Settings(
            data_dir=data_dir,
            site_url=site.base_url,
            min_interval_seconds=0,
            backoff_seconds=0,
            _env_file=None,
        )
        outcome = run_daily(settings)
    assert outcome.exit_status == 0, outcome.error
    return settings


def test_fresh_data_are_0_and_silent_on_stderr(cli: Cli, observed_now: Settings) -> None:
    done = cli("status", "--fail-if-stale")
    assert (done.returncode, done.stderr) == (0, "")
    (daily, sweep) = json.loads(cli("status", "--json").stdout)["schedules"]
    now = datetime.now(UTC)
    assert datetime.fromisoformat(daily["last_observed"]) == schedule(observed_now).latest(now)
    assert datetime.fromisoformat(daily["next_slot"]) > now
    assert daily["due"] is None
    assert (sweep["last_observed"], sweep["due"]) == (None, None)


def test_old_data_are_1_and_name_the_source_both_slots_and_the_next_command(cli: Cli) -> None:
    cli("demo")
    done = cli("status", "--fail-if-stale")
    assert done.returncode == 1
    assert "timesca (daily) is stale: the slot of 2025-12-23 02:00 UTC was due" in done.stderr
    assert "the last one observed is 2025-12-22 02:00 UTC" in done.stderr
    assert "next: ca-etl" in done.stderr
    assert "20251222T020000Z" in done.stdout
    assert cli("status").returncode == 0


def test_the_grace_is_a_setting(cli: Cli) -> None:
    cli("demo")
    assert cli("status", "--fail-if-stale", CA_ETL_STALE_AFTER_HOURS="1e5").returncode == 0


def test_an_absent_data_directory_is_stale(cli: Cli, data_dir: Path) -> None:
    done = cli("status", "--fail-if-stale")
    assert done.returncode == 1
    assert "the last one observed is none" in done.stderr
    assert not data_dir.exists()


@pytest.mark.parametrize("harm", ["file in its place", "journal", "warehouse", "no release", "current"])
def test_a_data_directory_that_cannot_be_read_is_stale(
    cli: Cli, data_dir: Path, observed_now: Settings, harm: str
) -> None:
    current = data_dir / "current"
    match harm:
        case "file in its place":
            data_dir.rename(data_dir.with_name("old"))
            data_dir.write_text("")
        case "journal":
            (data_dir / "runs.jsonl").write_text("{}\n")
        case "warehouse":
            warehouse = current.resolve() / "warehouse.duckdb"
            warehouse.chmod(0o644)
            warehouse.write_bytes(b"no database")
        case "no release":
            current.unlink()
        case _:
            current.unlink()
            current.symlink_to("releases/20200101T000000Z")
    done = cli("status", "--fail-if-stale")
    assert done.returncode == 1, done.stdout
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr
