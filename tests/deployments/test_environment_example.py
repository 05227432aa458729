"""`deployments/ca_etl.env.example`: every variable is read by ca_etl or by Prefect, with a value that it accepts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ca_etl.settings import Settings

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
READ_ELSEWHERE = {"DO_NOT_TRACK"}  # by Prefect, beside its settings
READ_AND_TELL = """
import json
from prefect.settings import Settings
known = Settings().to_environment_variables(exclude_unset=True, include_secrets=True)
vacuum = Settings().server.services.db_vacuum
print(json.dumps([known, sorted(vacuum.enabled_vacuum_types), vacuum.retention_period.days]))
"""


def variables(text: str, *, commented: bool) -> dict[str, str]:
    pattern = r"^#?([A-Z][A-Z0-9_]+)=(.*)$" if commented else r"^([A-Z][A-Z0-9_]+)=(.*)$"
    return dict(re.findall(pattern, text, re.MULTILINE))


def read_by_prefect(given: dict[str, str], home: Path) -> tuple[dict[str, str], list[str], int]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", READ_AND_TELL],
        cwd=home,
        env={**inherited, **given, "PREFECT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    known, vacuum, days = json.loads(done.stdout)
    return known, vacuum, days


def example(*, commented: bool) -> dict[str, str]:
    text = (DEPLOYMENTS / "ca_etl.env.example").read_text(encoding="utf-8")
    return variables(text, commented=commented)


def test_every_variable_of_ours_is_a_setting() -> None:
    ours = {name for name in example(commented=True) if name.startswith("CA_ETL_")}
    assert {"CA_ETL_CONTACT", "CA_ETL_DATA_DIR", "CA_ETL_DAILY_CRON"} <= ours
    assert {name.removeprefix("CA_ETL_").lower() for name in ours} <= set(Settings.model_fields)


def test_a_default_that_the_example_shows_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, needed = example(commented=True), example(commented=False)
    names = {f"CA_ETL_{name}".upper(): name for name in Settings.model_fields}
    for variable in (names.keys() & shown.keys()) - needed.keys():
        monkeypatch.setenv(variable, shown[variable])
        read = getattr(Settings(_env_file=None), names[variable])
        assert read == Settings.model_fields[names[variable]].default, variable


def test_prefect_takes_every_variable_of_the_example(tmp_path: Path) -> None:
    given = example(commented=False)
    known, vacuum, days = read_by_prefect(given, tmp_path)
    unknown = {name for name in given if name.startswith("PREFECT_")} - set(known)
    assert unknown == set()
    assert (vacuum, days) == (["events", "flow_runs", "orphans"], 365)
    assert known["PREFECT_SERVER_ANALYTICS_ENABLED"] == "False"
    others = {name for name in given if not name.startswith(("PREFECT_", "CA_ETL_"))}
    assert others == READ_ELSEWHERE


def test_prefect_takes_every_variable_of_the_compose_file(tmp_path: Path) -> None:
    services = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("server", "worker"):
        given = {key: str(value) for key, value in services[name]["environment"].items()}
        known, _vacuum, _days = read_by_prefect(given, tmp_path)
        assert {key for key in given if key.startswith("PREFECT_")} - set(known) == set(), name


def test_the_example_holds_no_secret() -> None:
    shown = example(commented=True)
    for name, value in shown.items():
        if re.search("PASSWORD|SECRET|TOKEN|WEBHOOK", name):
            assert value == "", name
    assert not re.search(r"//[^/\s]*:[^/\s@]+@", "\n".join(shown.values()))
