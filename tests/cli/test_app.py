"""Errors, exit statuses, log format and settings of every command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.slow
def test_every_line_of_a_run_is_an_object_that_names_run_slot_and_step(cli: Cli) -> None:
    done = cli("--log-format", "json", "demo")
    assert done.returncode == 0, done.stderr
    lines = records(done)
    steps = [line for line in lines if line["logger"] == "ca_etl.pipeline.run" and "step" in line]
    assert [step["step"] for step in steps[::2]] == [
        "capture",
        "load",
        "enrich",
        "build",
        "check",
        "report",
        "publish",
    ]
    assert {(step["run_id"], step["slot"], step["source"]) for step in steps} == {
        (Path(done.stdout.strip()).name, "2025-12-22T02:00:00+00:00", "timesca")
    }
    assert all(step["seconds"] > 0 for step in steps[1::2])
    assert lines[-1]["run_id"] == steps[0]["run_id"]
    assert lines[-1]["message"].startswith("A dollar on 2025-12-22: ")


@pytest.mark.slow
def test_a_failed_check_and_its_error_sentence_are_objects_with_the_next_command(cli: Cli) -> None:
    done = cli("--log-format", "json", "demo", "--wrong", "2025-12-22", "--days", "2")
    assert done.returncode == 3
    errors = [line for line in records(done) if line["level"] == "ERROR"]
    assert errors[-1]["next"].startswith("ca-etl status")
    assert {line["run_id"] for line in errors} == {"20251222T020000Z"}


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_the_form_is_a_setting_in_the_environment_or_the_file(cli: Cli, tmp_path: Path, place: str) -> None:
    if place == ".env":
        (tmp_path / ".env").write_text("CA_ETL_LOG_FORMAT=json\n")
        done = cli("rollback")
    else:
        done = cli("rollback", CA_ETL_LOG_FORMAT="json")
    assert done.returncode == 2
    assert records(done)[-1]["level"] == "ERROR"


def test_the_command_line_comes_before_the_setting(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_LOG_FORMAT=json\n")
    done = cli("--log-format", "text", "rollback")
    assert done.stderr.startswith(f"ca-etl: {tmp_path / 'data'} has no data")


@pytest.mark.slow
def test_text_is_silent_about_steps_unless_verbose(cli: Cli, page: Path) -> None:
    assert "begins" not in cli("ingest", page).stderr
    assert "INFO ca_etl.pipeline.run: load begins" in cli("-v", "rebuild").stderr


def test_an_unknown_form_is_wrong_usage(cli: Cli) -> None:
    assert cli("--log-format", "xml", "status").returncode == 2
    assert cli("status", CA_ETL_LOG_FORMAT="xml").returncode == 2


def test_a_misspelt_setting_is_reported_before_a_run(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_LISTING_PATH=[]\nOTHER_NAME=1\n")
    done = cli("run", CA_ETL_CONTCAT="me@example.org")
    assert done.returncode == 2
    assert "CA_ETL_CONTCAT (environment) is not a setting, did you mean CA_ETL_CONTACT?" in done.stderr
    assert "CA_ETL_LISTING_PATH (.env) is not a setting, did you mean CA_ETL_LISTING_PATHS?" in done.stderr
    assert "OTHER_NAME" not in done.stderr


def test_a_schedule_that_does_not_exist_is_reported_before_a_missing_contact(
    cli: Cli, data_dir: Path
) -> None:
    done = cli("run", "--schedule", "hourly")
    assert done.returncode == 2
    assert done.stderr.startswith("ca-etl: there is no schedule 'hourly'")
    early = cli("run", "--slot", "2019-01-01T01:00:00+00:00")
    assert "no schedule has it" in early.stderr
    assert not data_dir.exists()


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_an_empty_data_directory_setting_is_wrong_usage(cli: Cli, value: str) -> None:
    done = cli("status", CA_ETL_DATA_DIR=value)
    assert done.returncode == 2
    assert "the path is empty" in done.stderr


@pytest.mark.slow
def test_wrong_usage_exits_2_and_names_what_to_type(cli: Cli) -> None:
    assert cli("run", "--slot", "yesterday").returncode == 2
    nothing = cli("sql", "select 1")
    assert nothing.returncode == 2
    assert "ca-etl run" in nothing.stderr
    no_contact = cli("run")
    assert no_contact.returncode == 2
    assert "CA_ETL_CONTACT" in no_contact.stderr
    bad_setting = cli("status", CA_ETL_TIMEZONE="Asia/Atlantis")
    assert bad_setting.returncode == 2
    assert "CA_ETL_TIMEZONE" in bad_setting.stderr
    assert bad_setting.stderr.endswith("next: env | grep -o '^CA_ETL_[A-Z_]*'\n")


def test_a_bad_value_of_the_file_env_is_looked_for_there(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_TIMEZONE=Asia/Atlantis\n")
    assert cli("status").stderr.endswith("next: grep CA_ETL_TIMEZONE .env\n")


@pytest.mark.slow
def test_a_warehouse_that_cannot_be_read_is_named_with_the_way_out(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    cli("ingest", page)
    warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
    warehouse.chmod(0o644)
    warehouse.write_bytes(b"nothing like a database" * 1000)
    for command in (("sql", "select 1"), ("status",), ("ingest", page)):
        failed = cli(*command)
        assert failed.returncode == 1, command
        assert "Traceback" not in failed.stderr, command
        assert "next:" in failed.stderr, command


@pytest.mark.parametrize(
    "setting",
    [
        {"CA_ETL_LISTING_PATHS": "/"},
        {"CA_ETL_LISTING_PATHS": "[]"},
        {"CA_ETL_MIN_INTERVAL_SECONDS": "inf"},
        {"CA_ETL_CONTACT": "ä漢"},
        {"CA_ETL_TIMEZONE": "America"},
        {"CA_ETL_DATA_DIR": "data", "CA_ETL_DEMO_PORT": "many"},
    ],
    ids=str,
)
def test_a_setting_that_is_not_valid_is_wrong_usage(cli: Cli, setting: dict[str, str]) -> None:
    done = cli("status", **setting)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "next:" in done.stderr


def test_a_list_that_is_not_json_is_refused_with_the_form_of_a_list(cli: Cli) -> None:
    refused = cli("status", CA_ETL_ARTICLE_SOURCES="posts,feed")
    assert refused.returncode == 2
    assert "a list is JSON" in refused.stderr
    assert "CA_ETL_ARTICLE_SOURCES" in refused.stderr


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version").stdout == f"ca-etl {version('ca-etl')}\n"


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        (("frob",), "ca-etl --help"),
        (("sql",), "ca-etl sql --help"),
        (("sql", "select 1", "--format", "xml"), "ca-etl sql --help"),
        (("export", "out", "--tabel", "x"), "ca-etl export --help"),
        (("status", "now"), "ca-etl status --help"),
    ],
)
def test_wrong_usage_is_one_sentence_and_the_command_that_helps(
    cli: Cli, typed: tuple[str, ...], command: str
) -> None:
    refused = cli(*typed, COLUMNS="40")
    assert refused.returncode == 2
    sentence, following = refused.stderr.splitlines()
    assert sentence.startswith("ca-etl: ")
    assert following == f"next: {command}"
    assert cli(*command.split()[1:]).returncode == 0


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("ca-etl sta", ["status"]),
        ("ca-etl sql --fo", ["--format"]),
        ("ca-etl export --format j", ["json"]),
        ("ca-etl export --table fct_b", ["fct_b1", "fct_b2"]),
        ("ca-etl sql --release 2025", ["20251201T020000Z"]),
        ("ca-etl rollback 2025", ["20251201T020000Z"]),
    ],
)
def test_a_shell_completes_commands_options_tables_and_releases(
    cli: Cli, data_dir: Path, words: str, completions: list[str]
) -> None:
    for name in ("dim_a", "fct_b1", "fct_b2"):
        (data_dir / "releases" / "20251201T020000Z" / "parquet" / name).mkdir(parents=True)
    (data_dir / "current").symlink_to("releases/20251201T020000Z")
    request = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_CA_ETL_COMPLETE": "complete_bash"}
    assert cli(**request).stdout.split() == completions
    broken = cli(**request, CA_ETL_TIMEZONE="Mars")
    assert broken.stderr == ""


def test_completion_is_installed_for_the_shell_that_runs_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    script = """
    ca-etl --install-completion && . ~/.bashrc
    COMP_WORDS=(ca-etl rel); COMP_CWORD=1; _ca_etl_completion ca-etl; echo "${COMPREPLY[@]}"
    """
    folder = Path(sys.executable).parent
    shell = {**environment, "HOME": str(tmp_path), "PATH": f"{folder}:{environment['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=shell, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "releases"
