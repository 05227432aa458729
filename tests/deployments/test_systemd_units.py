"""The units in `deployments/systemd`, read by systemd's own tools."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
import typer.main

from ca_etl.cli.app import app
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule

REPOSITORY = Path(__file__).parents[2]
UNITS = REPOSITORY / "deployments" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )


def unit(name: str) -> configparser.RawConfigParser:
    read = configparser.RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(UNITS / name, encoding="utf-8")
    return read


def commands(name: str) -> list[list[str]]:
    text = (UNITS / name).read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)]


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units, with the folder of the installation replaced: systemd asks whether the programs are there."""
    bin_folder = tmp_path / "installation" / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    for program in ("python", "ca-etl"):
        (bin_folder / program).symlink_to(sys.executable)
    folder = tmp_path / "units"
    folder.mkdir()
    for name in (*SERVICES, *TIMERS):
        text = (UNITS / name).read_text(encoding="utf-8")
        (folder / name).write_text(
            text.replace("/opt/ca_etl", str(tmp_path / "installation")), encoding="utf-8"
        )
    return folder


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(copies: Path) -> None:
    verified = analyze(copies, "verify", *(f"./{name}" for name in (*SERVICES, *TIMERS)))
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@needs_systemd
def test_systemd_does_find_a_fault(copies: Path) -> None:
    faulty = copies / "ca-etl.service"
    text = faulty.read_text(encoding="utf-8")
    faulty.write_text(text.replace("ProtectSystem=strict", "ProtectSystems=strict"), encoding="utf-8")
    assert "ProtectSystems" in analyze(copies, "verify", "./ca-etl.service").stderr


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(copies: Path, name: str) -> None:
    # Of 100; a unit without any of the options has 96.
    judged = analyze(copies, "security", "--offline=true", "--threshold=20", "--no-pager", name)
    assert judged.returncode == 0, judged.stdout.splitlines()[-1:]


@needs_systemd
@pytest.mark.parametrize(("timer", "name"), [("ca-etl.timer", "daily"), ("ca-etl-sweep.timer", "sweep")])
def test_a_timer_elapses_at_the_slots_of_its_schedule(tmp_path: Path, timer: str, name: str) -> None:
    base = datetime(2026, 1, 1, tzinfo=UTC)
    calendar = unit(timer)["Timer"]["OnCalendar"]
    analyzed = analyze(
        tmp_path, "calendar", "--base-time", f"{base:%Y-%m-%d %H:%M:%S} UTC", "--iterations=20", calendar
    ).stdout
    elapses = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", analyzed)
    expected = islice(schedule(Settings(_env_file=None), name).after(base), 20)
    assert elapses == [f"{slot:%Y-%m-%d %H:%M:%S}" for slot in expected]


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_catches_up_what_passed_while_the_machine_was_off(name: str) -> None:
    timer = unit(name)["Timer"]
    assert timer["Persistent"] == "true"
    assert timer["Unit"] in SERVICES
    assert timer["Unit"].removesuffix(".service") == name.removesuffix(".timer")


def test_the_commands_of_the_oneshot_services_are_known_to_the_command_line() -> None:
    known = typer.main.get_command(app)
    for name in SERVICES:
        for _program, *arguments in commands(name):
            if unit(name)["Service"]["Type"] != "oneshot":
                continue
            subcommand, *options = arguments
            context = known.make_context("ca-etl", [subcommand, *options], resilient_parsing=True)
            command = known.get_command(context, subcommand)  # type: ignore[attr-defined]
            assert command is not None, arguments
            command.make_context(subcommand, list(options))


@pytest.mark.parametrize("name", [name for name in SERVICES if unit(name)["Service"]["Type"] == "oneshot"])
def test_a_oneshot_has_a_time_limit(name: str) -> None:
    assert unit(name)["Service"]["TimeoutStartSec"]


@pytest.mark.parametrize("name", [name for name in SERVICES if unit(name)["Service"]["Type"] != "oneshot"])
def test_what_runs_for_good_comes_back_without_a_count(name: str) -> None:
    read = unit(name)
    assert read["Service"]["Restart"] == "always"
    assert read["Unit"]["StartLimitIntervalSec"] == "0"


def test_a_colliding_run_is_tried_again_and_a_failed_one_is_left_to_its_next_slot() -> None:
    for name in ("ca-etl.service", "ca-etl-sweep.service"):
        service = unit(name)["Service"]
        assert (service["Restart"], service["RestartSec"]) == ("on-failure", "10min")
        assert service["RestartPreventExitStatus"].split() == ["1", "2", "3"]
    assert "Restart" not in unit("ca-etl-deadman.service")["Service"]
