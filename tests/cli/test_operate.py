"""`schedule`: the next slots, and the ways to have runs started."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ca_etl.cli.operate import GUIDES, explain_schedules
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedules

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
REPOSITORY = Path(__file__).parents[2]
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def test_schedule_shows_each_with_its_next_slots_and_ends_with_0(cli: Cli) -> None:
    shown = cli("schedule")
    assert (shown.returncode, shown.stderr) == (0, "")
    for planned in schedules(Settings(_env_file=None)):
        assert f"{planned.name}  {planned.cron}  Asia/Almaty" in shown.stdout
        assert planned.summary in shown.stdout
    assert len(re.findall(r"^  \w{3} .* =  .* UTC$", shown.stdout, re.MULTILINE)) == 6


def test_a_slot_is_shown_in_its_zone_and_in_utc() -> None:
    text = explain_schedules(Settings(_env_file=None), NOON)
    assert "  Wed 2026-02-04 07:00:00 +0500  =  Wed 2026-02-04 02:00:00 UTC\n" in text
    sweep = schedules(Settings(_env_file=None))[1]
    for slot in islice(sweep.after(NOON), 3):
        assert f"{slot:%a %Y-%m-%d %H:%M:%S} UTC" in text


def test_a_schedule_of_the_environment_is_shown_with_what_has_to_follow(cli: Cli) -> None:
    shown = cli("schedule", CA_ETL_DAILY_CRON="15 6 * * *").stdout
    assert "daily  15 6 * * *  Asia/Almaty" in shown
    assert "CA_ETL_DAILY_CRON: changed in the settings" in shown
    assert "Prefect: .venv/bin/python -m flows.deploy setup" in shown
    assert "changed in the settings" not in cli("schedule").stdout


def test_every_guide_has_at_most_three_commands_and_names_files_that_exist() -> None:
    assert [len(guide.commands) for guide in GUIDES] == [3, 2, 3, 3]
    text = " ".join(command for guide in GUIDES for command in guide.commands)
    text += " ".join(guide.first for guide in GUIDES)
    for path in re.findall(r"(?<!/)\bdeployments/[\w./*-]+[\w*]", text):
        if path != "deployments/ca_etl.env":  # made by one of the commands
            assert list(REPOSITORY.glob(path)), path
    for module in re.findall(r"-m (flows\.\w+)", text):
        assert (REPOSITORY / f"{module.replace('.', '/')}.py").is_file(), module
    units = set(re.findall(r"ca-etl[\w-]*\.(?:service|timer)", text))
    assert {"ca-etl.timer", "ca-etl-worker.service"} <= units
    for unit in units:
        assert (REPOSITORY / "deployments" / "systemd" / unit).is_file(), unit
