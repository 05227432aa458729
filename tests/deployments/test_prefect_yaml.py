"""`deployments/prefect.yaml` is what the list of deployments makes of the list of schedules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedules
from flows.deployments import FILE, deployments, prefect_cron, render

REPOSITORY = Path(__file__).parents[2]


def printed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.deployments", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_file_in_the_repository_is_the_rendering_of_the_defaults() -> None:
    assert FILE == REPOSITORY / "deployments" / "prefect.yaml"
    assert FILE.read_text(encoding="utf-8") == render(Settings(_env_file=None))


def test_every_schedule_has_one_deployment_and_backfills_have_none() -> None:
    settings = Settings(_env_file=None)
    made = deployments(settings)
    assert [each.schedule for each in made if each.schedule] == list(schedules(settings))
    assert [each.name for each in made if not each.schedule] == ["backfill", "backfill-posts"]
    for each in made:
        assert set(each.tags) == {"ca_etl", each.name, "source:timesca"}


def test_a_schedule_of_the_environment_reaches_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_ETL_DAILY_CRON", "15 6 * * *")
    monkeypatch.setenv("CA_ETL_TIMEZONE", "Asia/Bishkek")
    entries = yaml.safe_load(printed().stdout)["deployments"]
    assert [entry["schedules"] for entry in entries] == [
        [{"slug": "daily", "cron": "15 6 * * *", "timezone": "Asia/Bishkek"}],
        [{"slug": "sweep", "cron": "30 9 * * 0", "timezone": "Asia/Bishkek"}],
        [],
        [],
    ]


def test_the_check_ends_with_1_where_the_file_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed("--check").returncode == 0
    monkeypatch.setenv("CA_ETL_DAILY_CRON", "15 6 * * *")
    differs = printed("--check")
    assert differs.returncode == 1
    assert "-m flows.deployments --write" in differs.stderr


def test_a_cron_that_is_none_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_ETL_DAILY_CRON", "at dawn")
    wrong = printed()
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("CA_ETL_DAILY_CRON=at dawn: ")
    assert "Traceback" not in wrong.stderr


def test_seconds_stand_first_with_us_and_last_with_prefect() -> None:
    assert prefect_cron("*/20 0 7 * * 1") == "0 7 * * 1 */20"
    assert prefect_cron("0 7 * * 1") == "0 7 * * 1"


def test_all_deployments_share_the_limit_of_the_pool_and_beat_every_half_minute() -> None:
    for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]:
        assert "concurrency_limit" not in entry
        assert entry["work_pool"]["name"] == "ca-process"
        assert entry["work_pool"]["job_variables"]["env"] == {
            "PREFECT_LOGGING_EXTRA_LOGGERS": "ca_etl",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        }
