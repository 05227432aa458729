from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_of_a_run_is_an_object_that_names_run_slot_and_step(cli: Cli) -> None:
    done = cli("--log-format", "json", "demo")
    assert done.returncode == 0, done.stderr
    told = records(done)
    steps = [each for each in told if each["logger"] == "ca_etl.pipeline.run" and "step" in each]
    assert [each["step"] for each in steps[::2]] == ["capture", "load", "enrich", "build", "check", "publish"]
    assert {(each["run_id"], each["slot"], each["source"]) for each in steps} == {
        (Path(done.stdout.strip()).name, "2025-12-22T02:00:00+00:00", "timesca")
    }
    assert all(each["seconds"] > 0 for each in steps[1::2])
    assert told[-1]["run_id"] == steps[0]["run_id"]
    assert "20 rates" in told[-1]["message"]


def test_a_failed_check_and_its_error_sentence_are_objects_with_the_next_command(cli: Cli) -> None:
    done = cli("--log-format", "json", "demo", "--wrong", "2025-12-22", "--days", "2")
    assert done.returncode == 3
    errors = [each for each in records(done) if each["level"] == "ERROR"]
    assert errors[-1]["next"].startswith("ca-etl status")
    assert {each["run_id"] for each in errors} == {"20251222T020000Z"}


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_the_form_is_a_setting_in_the_environment_or_the_file(cli: Cli, tmp_path: Path, place: str) -> None:
    if place == ".env":
        (tmp_path / ".env").write_text("CA_ETL_LOG_FORMAT=json\n")
        done = cli("rollback")
    else:
        done = cli("rollback", CA_ETL_LOG_FORMAT="json")
    assert done.returncode == 1
    assert records(done)[-1]["level"] == "ERROR"


def test_the_command_line_stands_before_the_setting(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_LOG_FORMAT=json\n")
    done = cli("--log-format", "text", "rollback")
    assert done.stderr.startswith("ca-etl: no release is older")


def test_text_is_silent_about_steps_unless_asked(cli: Cli, page: Path) -> None:
    assert "begins" not in cli("ingest", page).stderr
    assert "INFO ca_etl.pipeline.run: load begins" in cli("-v", "rebuild").stderr


def test_a_form_that_is_none_is_wrong_usage(cli: Cli) -> None:
    assert cli("--log-format", "xml", "status").returncode == 2
    assert cli("status", CA_ETL_LOG_FORMAT="xml").returncode == 2


def test_a_misspelt_setting_is_told_before_a_run(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_LISTING_PATH=[]\nOTHER_NAME=1\n")
    done = cli("run", CA_ETL_CONTCAT="me@example.org")
    assert done.returncode == 2
    assert "CA_ETL_CONTCAT (environment) is not a setting, did you mean CA_ETL_CONTACT?" in done.stderr
    assert "CA_ETL_LISTING_PATH (.env) is not a setting, did you mean CA_ETL_LISTING_PATHS?" in done.stderr
    assert "OTHER_NAME" not in done.stderr
