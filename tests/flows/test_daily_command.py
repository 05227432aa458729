"""`python -m flows.daily` as a user starts it: what it prints, what it leaves behind, how it exits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import duckdb
import pytest
from filelock import FileLock

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.warehouse import journal
from ca_etl.warehouse.lock import Holder, run_lock

Command = Callable[..., CompletedProcess[str]]
NO_SERVER = {"PREFECT_API_URL": "", "CA_ETL_DEMO_PORT": "0"}
NOISE = ("Traceback", "database is locked", "Error", "ERROR", "WARNING")


@pytest.fixture
def untouched_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any Prefect of their own."""
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return home


def test_a_run_on_the_demo_site_is_quiet_and_keeps_its_task_history(
    command: Command, data_dir: Path, untouched_home: Path
) -> None:
    done = command("flows.daily", "--site", "demo", **NO_SERVER)
    assert done.returncode == 0, done.stderr
    assert [word for word in NOISE if word in done.stdout + done.stderr] == []
    release = (data_dir / "current").resolve()
    printed = done.stdout.splitlines()
    assert printed[0] == f"release {data_dir / 'releases' / release.name}"
    assert printed[1] == "rates of 2025-12-22"
    assert [line.split()[0] for line in printed[2:7]] == [
        "KGS/USD",
        "KZT/USD",
        "TJS/USD",
        "TMT/USD",
        "UZS/USD",
    ]
    assert printed[-1].endswith('ca-etl sql "from fct_rate_daily"')
    kept = data_dir / ".prefect" / "prefect.db"
    with closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True)) as con:
        tasks = con.execute("select state_name, count(*) from task_run group by state_name").fetchall()
        flows = con.execute("select name, state_name from flow_run").fetchall()
    assert tasks == [("Completed", 6)]
    assert flows == [("ca-daily 2025-12-22", "Completed")]
    assert list(untouched_home.iterdir()) == []


def test_a_day_is_played_at_its_slot_though_the_demo_port_is_in_use(
    command: Command, data_dir: Path, prefect_api: str, site: DemoSite
) -> None:
    environment = {"PREFECT_API_URL": prefect_api, "CA_ETL_DEMO_PORT": str(urlsplit(site.base_url).port)}
    done = command("flows.daily", "--site", "demo", "--day", "2025-12-05", **environment)
    assert done.returncode == 0, done.stderr
    assert site.requests == []
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        found = con.sql("select distinct slot, rate_date from etl_run, fct_rate_daily").fetchall()
    assert [(slot.astimezone(UTC), str(day)) for slot, day in found] == [
        (datetime(2025, 12, 5, 2, tzinfo=UTC), "2025-12-05")
    ]


def test_failed_checks_exit_3_and_say_what_to_do(
    command: Command, data_dir: Path, prefect_api: str, site: DemoSite
) -> None:
    site.faults[site.day] = Fault(rate_times_ten="KZT")
    done = command("flows.daily", "--site", site.base_url, PREFECT_API_URL=prefect_api)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "checks failed, nothing was published" in done.stderr
    assert "next: ca-etl status" in done.stderr
    assert "Traceback" not in done.stderr
    assert journal.read(data_dir)[-1].exit_status == 3


def test_a_held_lock_exits_75_and_says_who_holds_it(
    command: Command, data_dir: Path, prefect_api: str
) -> None:
    holder = Holder(4711, "elsewhere", "20251222T020000Z", "ingest", datetime(2025, 12, 22, 2, tzinfo=UTC))
    with run_lock(data_dir, holder):
        done = command("flows.daily", "--site", "demo", PREFECT_API_URL=prefect_api)
    assert done.returncode == 75
    assert "ingest 20251222T020000Z (pid 4711 on elsewhere" in done.stderr


def test_a_second_command_beside_the_first_exits_75_at_once(
    command: Command, data_dir: Path, untouched_home: Path
) -> None:
    (data_dir / ".prefect").mkdir(parents=True)
    with FileLock(data_dir / ".prefect" / "server.lock"):
        done = command("flows.daily", "--site", "demo", **NO_SERVER)
    assert done.returncode == 75
    assert "is held by another run" in done.stderr
    assert not (data_dir / "runs.jsonl").exists()


def test_a_wrong_setting_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "demo", CA_ETL_DEMO_PORT="eighty")
    assert done.returncode == 2
    assert "CA_ETL_DEMO_PORT=eighty" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_that_is_no_address_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "timesca")
    assert done.returncode == 2
    assert done.stderr.startswith("--site=timesca: ")
    assert not data_dir.exists()


def test_a_server_that_is_not_there_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "demo", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/api" in done.stderr
    assert "Traceback" not in done.stderr
