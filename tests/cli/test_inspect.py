"""`ca-etl doctor` on real directories, processes and servers."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule
from ca_etl.warehouse.journal import Cause, RunRecord, append

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
CONTACT = {"CA_ETL_CONTACT": "me@example.org"}
HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ca_etl.warehouse.lock import Holder, run_lock

with run_lock(Path(sys.argv[1]), Holder.here("20261201T020000Z", "run", datetime.now(UTC))) as held:
    held.step("load")
    print("held", flush=True)
    sys.stdin.readline()
"""


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, str]]]:
    """The findings by area, each with level, message and next."""
    areas: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(done.stdout)["findings"]:
        areas.setdefault(finding["area"], []).append(finding)
    return areas


def worst(findings: list[dict[str, str]]) -> str:
    return max((finding["level"] for finding in findings), key=["ok", "unknown", "warn", "error"].index)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.lstat().st_mtime_ns, p.lstat().st_size) for p in [folder, *folder.rglob("*")]}


@pytest.fixture
def holder(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A live process that holds the lock of the data directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@contextmanager
def responding(status: int) -> Iterator[str]:
    """The address of a server that responds to each request with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


def test_before_the_first_run_nothing_is_wrong_and_nothing_is_made(cli: Cli, data_dir: Path) -> None:
    data_dir.mkdir()
    done = cli("doctor", "--json", **CONTACT)
    areas = findings(done)
    assert done.returncode == 0, done.stdout
    assert "ca-etl run" in areas["last run"][0]["next"]
    assert list(data_dir.iterdir()) == []


def test_a_directory_that_does_not_exist_is_an_error_of_the_doctor_and_not_made(
    cli: Cli, data_dir: Path
) -> None:
    done = cli("doctor", "--json", CA_ETL_DATA_DIR=str(data_dir / "mistyped"), **CONTACT)
    (finding,) = findings(done)["data directory"]
    assert (done.returncode, finding["level"]) == (1, "error")
    assert f"{data_dir / 'mistyped'} (CA_ETL_DATA_DIR) does not exist" in finding["message"]
    assert finding["next"] == f"ls {data_dir.parent}"
    assert not data_dir.exists()


def test_the_table_names_the_level_and_the_next_command(cli: Cli) -> None:
    done = cli("doctor")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.lstrip().startswith("site")]
    assert "error" in line
    assert "\nnext (site): export CA_ETL_CONTACT=you@example.org" in done.stdout


@pytest.mark.parametrize("columns", [80, 100])
def test_a_next_command_is_in_one_piece_on_a_terminal(
    on_terminal: Callable[..., str], data_dir: Path, columns: int
) -> None:
    deep = data_dir / ("deep" * 40)
    deep.mkdir(parents=True)
    (deep / "decisions.csv").write_text("junk\n1,2\n", encoding="utf-8")
    for command in ("doctor", "status"):
        shown = on_terminal(command, columns=columns, CA_ETL_DATA_DIR=str(deep)).splitlines()
        assert any(re.match(rf"next \(.*\): .*{deep}/decisions.csv", line) for line in shown), command


@pytest.mark.slow
def test_a_check_changes_nothing(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    before = snapshot(data_dir)
    done = cli("doctor", "--deep", "--json", **CONTACT)
    assert {area: worst(of_area) for area, of_area in findings(done).items()} == {
        "alerts": "ok",
        "time zones": "ok",
        "versions": "ok",
        "settings": "ok",
        "clock": "ok",
        "data directory": "ok",
        "disk": worst(findings(done)["disk"]),
        "site": "ok",
        "lock": "ok",
        "archive": "ok",
        "last run": "ok",
        "release": "ok",
        "deployed schedules": "unknown",
        "schedule daily": "ok",
        "schedule sweep": "ok",
    }
    assert snapshot(data_dir) == before


@pytest.mark.parametrize("harm", ["torn", "changed", "deleted"])
@pytest.mark.slow
def test_an_archive_file_that_is_not_what_was_loaded_is_named(
    cli: Cli, page: Path, data_dir: Path, harm: str
) -> None:
    cli("ingest", page)
    (path,) = (data_dir / "archive").rglob("*.warc.gz")
    content = path.read_bytes()
    path.chmod(0o644)
    if harm == "torn":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        path.write_bytes(content[:5] + b"x" + content[6:])  # within the time stamp of the gzip header
    else:
        path.unlink()
    done = cli("doctor", "--json", **CONTACT)
    assert done.returncode == 1
    (finding,) = findings(done)["archive"]
    assert finding["level"] == "error"
    assert path.name in finding["message"]
    assert "restore" in finding["message"]
    assert finding["next"] == "ca-etl doctor --deep"
    (finding,) = findings(cli("doctor", "--deep", "--json", **CONTACT))["archive"]
    assert finding["next"] == "ca-etl backup --help"


def test_what_a_killed_run_was_writing_is_reported(cli: Cli, data_dir: Path) -> None:
    folder = data_dir / "archive" / "2026" / "12"
    folder.mkdir(parents=True)
    (folder / "20261201T020000Z-timesca.warc.gz.open").write_bytes(b"x")
    left, archive = findings(cli("doctor", "--json", **CONTACT))["archive"]
    assert [left["level"], archive["level"]] == ["warn", "ok"]
    assert "recovers" in left["message"]


@pytest.mark.slow
def test_a_live_run_is_reported_and_not_disturbed_and_a_killed_one_is_reported_as_such(
    cli: Cli, holder: subprocess.Popen[str]
) -> None:
    (finding,) = findings(cli("doctor", "--json", **CONTACT))["lock"]
    assert finding["level"] == "ok"
    assert f"pid {holder.pid}" in finding["message"]
    assert "step load" in finding["message"]
    assert cli("rebuild").returncode == 75
    holder.kill()
    holder.wait()
    (finding,) = findings(cli("doctor", "--json", **CONTACT))["lock"]
    assert finding["level"] == "warn"
    assert "was killed" in finding["message"]
    assert "ca-etl run" in finding["next"]
    shown = cli("status").stdout
    assert "a run was killed before its end, and the next one records it: run 20261201T020000Z" in shown
    assert "next (warning): ca-etl run" in shown


def test_a_version_that_does_not_work_is_found_without_importing_it(cli: Cli, tmp_path: Path) -> None:
    for name, version in [("prefect", "3.8.8"), ("fastapi", "0.155.1")]:
        folder = tmp_path / "lib" / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (tmp_path / "lib" / f"{name}.py").write_text("raise SystemExit('imported')\n")
    path = os.pathsep.join([str(tmp_path / "lib"), os.environ.get("PYTHONPATH", "")])
    done = cli("doctor", "--json", **CONTACT, PYTHONPATH=path)
    assert done.returncode == 1
    (finding,) = findings(done)["versions"]
    assert "fastapi 0.155.1" in finding["message"]
    assert finding["next"] == 'pip install "fastapi<0.151"'


def test_zone_data_of_before_2024_are_found(cli: Cli, tmp_path: Path) -> None:
    # Dhaka is at +06:00 all the year, as Almaty was
    (tmp_path / "zones" / "Asia").mkdir(parents=True)
    dhaka = files("tzdata").joinpath("zoneinfo", "Asia", "Dhaka").read_bytes()
    (tmp_path / "zones" / "Asia" / "Almaty").write_bytes(dhaka)
    done = cli("doctor", "--json", **CONTACT, PYTHONTZPATH=str(tmp_path / "zones"))
    assert done.returncode == 1
    (finding,) = findings(done)["time zones"]
    assert "6:00:00" in finding["message"]


def test_a_misspelt_variable_is_a_warning_with_the_name_that_is_meant(
    cli: Cli, data_dir: Path, tmp_path: Path
) -> None:
    data_dir.mkdir()
    (tmp_path / ".env").write_text("CA_ETL_KEEP_RELEASE=3\nPREFECT_HOME=x\n")
    done = cli("doctor", "--json", **CONTACT)
    (finding,) = findings(done)["settings"]
    assert done.returncode == 0
    assert finding["level"] == "warn"
    assert "did you mean CA_ETL_KEEP_RELEASES?" in finding["message"]


def test_a_setting_that_cannot_be_read_stops_no_other_check(cli: Cli) -> None:
    done = cli("doctor", "--json", CA_ETL_TIMEZONE="Asia/Atlantis")
    areas = findings(done)
    assert done.returncode == 1
    assert (
        "CA_ETL_TIMEZONE" in next(line for line in areas["settings"] if line["level"] == "error")["message"]
    )
    assert areas["time zones"][0]["level"] == "ok"


@pytest.mark.slow
def test_a_damaged_journal_or_warehouse_hides_nothing_else(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    (data_dir / "runs.jsonl").write_text("{}\n")
    warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
    warehouse.chmod(0o644)
    warehouse.write_bytes(b"no database")
    done = cli("doctor", "--json", **CONTACT)
    areas = findings(done)
    assert done.returncode == 1
    assert "runs.jsonl line 1" in areas["last run"][0]["message"]
    assert "ca-etl rollback" in areas["release"][0]["next"]
    assert (worst(areas["archive"]), worst(areas["lock"])) == ("ok", "ok")


def test_a_journal_of_tomorrow_is_a_clock_that_went_back(cli: Cli, data_dir: Path) -> None:
    data_dir.mkdir()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    append(data_dir, RunRecord("20990101T000000Z", "run", tomorrow, "failed", "1"))
    (finding,) = findings(cli("doctor", "--json", **CONTACT))["clock"]
    assert finding["level"] == "error"
    assert "timedatectl" in finding["next"]


def test_a_file_instead_of_the_data_directory_is_named(cli: Cli, data_dir: Path) -> None:
    data_dir.write_text("")
    done = cli("doctor", "--json", **CONTACT)
    assert done.returncode == 1
    assert str(data_dir) in findings(done)["data directory"][0]["message"]


@pytest.mark.slow
def test_a_prefect_server_is_requested_only_where_one_is_set(cli: Cli) -> None:
    assert "prefect" not in findings(cli("doctor", "--json", **CONTACT))
    with responding(200) as url:
        (well,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert well["level"] == "ok"
    assert "secret" not in well["message"]
    with responding(503) as url:
        (ill,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert (ill["level"], "responds with status 503" in ill["message"]) == ("warn", True)
    (stopped,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert (stopped["level"], "does not respond" in stopped["message"]) == ("warn", True)
    (nonsense,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL="nonsense"))["prefect"]
    assert nonsense["level"] == "warn"


@pytest.mark.slow
def test_a_directory_of_the_demo_is_well_and_names_what_a_real_site_takes(cli: Cli, data_dir: Path) -> None:
    assert cli("demo", "--days", "2").returncode == 0
    done = cli("doctor", "--json")
    areas = findings(done)
    assert done.returncode == 0, done.stdout
    (site,) = areas["site"]
    assert site["level"] == "warn"
    assert site["next"].startswith(f"CA_ETL_CONTACT=you@example.org CA_ETL_DATA_DIR={data_dir}-timesca.com ")
    (data_dir / "site.txt").unlink()
    missing = findings(cli("doctor", "--json"))["site"][0]
    assert (missing["level"], missing["next"]) == ("warn", f"echo loopback > {data_dir / 'site.txt'}")
    (daily,) = areas["schedule daily"]
    assert (daily["level"], "demo" in daily["message"]) == ("ok", True)


@pytest.mark.slow
def test_with_a_contact_a_directory_of_the_demo_is_an_error(cli: Cli) -> None:
    assert cli("demo").returncode == 0
    done = cli("doctor", "--json", **CONTACT)
    assert done.returncode == 1
    (site,) = findings(done)["site"]
    assert (site["level"], "holds captures of loopback" in site["message"]) == ("error", True)


def test_a_damaged_list_of_decisions_or_alerts_is_an_error(cli: Cli, data_dir: Path) -> None:
    data_dir.mkdir(exist_ok=True)
    (data_dir / "decisions.csv").write_text("junk\n1,2\n", encoding="utf-8")
    (data_dir / "alerts.json").write_text("[", encoding="utf-8")
    done = cli("doctor", "--json", **CONTACT)
    assert done.returncode == 1
    areas = findings(done)
    assert [line["level"] for line in (*areas["decisions"], *areas["alerts"])] == ["error", "error"]


def test_a_channel_that_cannot_send_is_an_error_and_its_address_is_not_shown(
    cli: Cli, data_dir: Path
) -> None:
    data_dir.mkdir(exist_ok=True)
    done = cli("doctor", "--json", CA_ETL_ALERT_WEBHOOK="ftp://host/a-secret", **CONTACT)
    (line,) = findings(done)["alerts"]
    assert line["level"] == "error"
    assert "a-secret" not in done.stdout + done.stderr
    secret = {"CA_ETL_ALERT_WEBHOOK": "ftp://host/a-secret"}
    shown = subprocess.run(line["next"], shell=True, env=secret, capture_output=True, text=True, check=True)  # noqa: S602
    assert shown.stdout == "CA_ETL_ALERT_WEBHOOK\n"
    empty = cli("doctor", "--json", CA_ETL_ALERT_WEBHOOK="", **CONTACT)
    assert [line["level"] for line in findings(empty)["alerts"]] == ["ok"]


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


@pytest.mark.slow
def test_fresh_data_are_0_and_silent_on_stderr(cli: Cli, observed_now: Settings) -> None:
    done = cli("status", "--fail-if-stale")
    assert (done.returncode, done.stderr) == (0, "")
    (daily, sweep) = json.loads(cli("status", "--json").stdout)["schedules"]
    now = datetime.now(UTC)
    assert datetime.fromisoformat(daily["last_observed"]) == schedule(observed_now).latest(now)
    assert datetime.fromisoformat(daily["next_slot"]) > now
    assert daily["due"] is None
    assert (sweep["last_observed"], sweep["due"]) == (None, None)


@pytest.mark.slow
def test_old_data_are_1_and_name_the_source_both_slots_and_the_next_command(cli: Cli) -> None:
    cli("demo")
    # the settings of somebody whose own site is on loopback: its days are not the demo's
    done = cli("status", "--fail-if-stale", CA_ETL_SITE_URL="http://127.0.0.1:1/")
    assert done.returncode == 1
    assert "timesca (daily) is stale: the slot of 2025-12-23 02:00 UTC was due" in done.stderr
    assert "the last observed slot is 2025-12-22 02:00 UTC" in done.stderr
    assert "next: ca-etl" in done.stderr
    assert "20251222T020000Z" in done.stdout
    assert cli("status").returncode == 0


@pytest.mark.slow
def test_the_grace_is_a_setting(cli: Cli) -> None:
    cli("demo")
    own = {"CA_ETL_SITE_URL": "http://127.0.0.1:1/"}
    assert cli("status", "--fail-if-stale", CA_ETL_STALE_AFTER_HOURS="1e5", **own).returncode == 0
    assert cli("status", "--fail-if-stale", CA_ETL_STALE_AFTER_HOURS="6", **own).returncode == 1


@pytest.mark.parametrize(
    "command",
    [
        *(("status",), ("status", "--fail-if-stale"), ("alerts",), ("alerts", "--dry-run"), ("releases",)),
        *(("rollback",), ("sql", "select 1"), ("sql", "select 1", "--failed"), ("verify",)),
    ],
    ids=" ".join,
)
def test_a_data_directory_that_does_not_exist_is_named_and_not_made(
    cli: Cli, data_dir: Path, command: tuple[str, ...]
) -> None:
    done = cli(*command)
    assert done.returncode == 2
    assert f"{data_dir} has no data" in done.stderr
    assert f"next: ls {data_dir.parent}" in done.stderr
    assert not data_dir.exists()


def test_a_directory_with_nothing_of_ours_has_no_data(cli: Cli, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "notes.txt").touch()
    for command in ("status", "alerts", "rollback"):
        done = cli(command)
        assert (done.returncode, f"{data_dir} has no data" in done.stderr) == (2, True)
    assert [path.name for path in data_dir.iterdir()] == ["notes.txt"]


def test_a_data_directory_without_a_release_is_stale(cli: Cli, data_dir: Path) -> None:
    (data_dir / "archive").mkdir(parents=True)
    assert "nothing is published yet" in cli("status").stdout
    done = cli("status", "--fail-if-stale")
    assert done.returncode == 1
    assert "has no published release" in done.stderr


@pytest.mark.parametrize("harm", ["file instead of it", "journal", "warehouse", "no release", "current"])
def test_a_data_directory_that_cannot_be_read_is_stale(
    cli: Cli, data_dir: Path, observed_now: Settings, harm: str
) -> None:
    current = data_dir / "current"
    match harm:
        case "file instead of it":
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


@pytest.mark.slow
def test_status_shows_freshness_runs_checks_and_rejects(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    shown = cli("status").stdout
    assert "2025-12-05" in shown
    assert "succeeded" in shown
    status = json.loads(cli("status", "--json").stdout)
    assert [run["kind"] for run in status["runs"]] == ["ingest"]
    assert status["release"] == status["runs"][0]["release_id"]


@pytest.mark.slow
def test_status_shows_the_outcomes_of_the_sources_of_articles(cli: Cli) -> None:
    assert cli("demo", "--days", "1").returncode == 0
    (slot,) = json.loads(cli("status", "--json").stdout)["others"]
    assert (slot["source"], slot["outcome"]) == ("timesca-posts", "observed")
    assert "articles and banks" in cli("status").stdout


@pytest.mark.slow
def test_releases_are_listed_and_rolled_back(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    first = (data_dir / "current").resolve()
    cli("ingest", page)
    second = (data_dir / "current").resolve()
    listed = cli("releases").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [first.name, "*"]
    assert cli("rollback").stdout.strip().endswith(first.name)
    assert (data_dir / "current").resolve() == first
    assert cli("rollback", second.name).returncode == 0
    before = (data_dir / "current").lstat().st_ino
    done = cli("rollback", second.name)
    assert (done.returncode, done.stdout) == (0, f"{second}\n")
    assert f"{second.name} is the current release already, and nothing is changed" in done.stderr
    assert (data_dir / "current").lstat().st_ino == before
    assert cli("rollback", "20200101T000000Z").returncode == 1


@pytest.mark.slow
def test_a_rollback_states_from_where_to_where_it_goes_and_what_the_next_run_does(
    cli: Cli, data_dir: Path
) -> None:
    assert cli("demo", "--days", "2").returncode == 0
    second, first = "20251222T020000Z", "20251221T020000Z"
    done = cli("rollback")
    assert done.stdout.strip() == str(data_dir / "releases" / first)
    assert f"from {second} (last day 2025-12-22) to {first} (last day 2025-12-21)\n" in done.stderr
    assert f"the next run copies {first}, loads the 2 archive files that it lacks" in done.stderr
    assert done.stderr.endswith("next: ca-etl demo\n")
    rates = data_dir / "releases" / second / "warehouse.duckdb"
    rates.chmod(0o600)
    rates.write_bytes(rates.read_bytes()[:100])
    assert f"to {second} (last day unknown)" in cli("rollback", second).stderr


def test_models_are_listed_with_their_parents(cli: Cli) -> None:
    parents = "main.fct_rate_observation, staging.stg_rate_day, staging.stg_slot_rate_outcome"
    assert f"main.fct_rate_daily  <- {parents}" in cli("models").stdout


@pytest.mark.slow
def test_a_release_that_was_rolled_back_from_is_not_the_one_before_the_next(cli: Cli, page: Path) -> None:
    good, _bad = (cli("ingest", page).stdout for _ in range(2))
    assert cli("rollback").stdout == good
    assert cli("ingest", page).returncode == 0
    assert cli("rollback").stdout == good


@pytest.mark.slow
def test_the_releases_are_listed_though_the_current_one_lacks_its_warehouse(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    for _ in range(2):
        cli("ingest", page)
    current = (data_dir / "current").resolve()
    current.chmod(0o755)
    (current / "warehouse.duckdb").unlink()
    listed = cli("releases")
    assert listed.returncode == 0
    assert [line[:2] for line in listed.stdout.splitlines()] == ["  ", "* "]
    assert "no warehouse.duckdb" in listed.stdout.splitlines()[1]


@pytest.mark.slow
def test_status_shows_some_rows_of_a_firing_check_below_the_table(cli: Cli) -> None:
    cli("demo", "--wrong", "2025-12-22")
    shown = cli("status", COLUMNS="80").stdout
    assert "rate_does_not_jump" in shown or "rate_is_plausible" in shown
    assert "3 of " in shown
    assert len(shown.splitlines()) < 80


@pytest.mark.slow
def test_status_doctor_and_alerts_name_the_same_conditions(cli: Cli, page: Path, data_dir: Path) -> None:
    def titles() -> list[list[str]]:
        status, alerts, doctor = (
            json.loads(cli(*command, "--json", **CONTACT).stdout)
            for command in (("status",), ("alerts", "--dry-run"), ("doctor",))
        )
        errors = [line["message"] for line in doctor["findings"] if line["level"] == "error"]
        return [
            sorted(f"{one['title']}: {one['detail']}" for one in status["conditions"]),
            sorted(f"{one['title']}: {one['detail']}" for one in alerts["open"]),
            sorted(errors),
        ]

    (data_dir / "archive").mkdir(parents=True)
    assert titles() == [[], [], []]
    assert cli("ingest", page).returncode == 0
    assert titles() == [[], [], []]
    assert "needs attention" not in cli("status").stdout
    cli("demo", "--wrong", "2025-12-22", CA_ETL_DATA_DIR=str(data_dir.with_name("demo")))
    long_ago = datetime.now(UTC) - timedelta(days=9)
    for number in range(3):
        run = RunRecord(f"r{number}", "run", long_ago, "failed", "1", error="away", cause=Cause.SITE)
        append(data_dir, run)
    (data_dir / "decisions.csv").write_text("junk\n1,2\n", encoding="utf-8")
    seen = titles()
    assert seen[0] == seen[1] == seen[2]
    assert [line.partition(":")[0] for line in seen[0]] == [
        "A file is damaged (decisions)",
        "Runs fail",
    ]
    assert "Runs fail" in cli("status").stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", ["rebuild", "restore"])
def test_days_of_the_demo_do_not_look_overdue_once_they_are_rebuilt(
    cli: Cli, data_dir: Path, command: str
) -> None:
    assert cli("demo", "--days", "2").returncode == 0
    backup = data_dir.with_name("backup")
    there = {"CA_ETL_DATA_DIR": str(data_dir.with_name("there"))} if command == "restore" else {}
    assert cli("backup", backup).returncode == 0
    done = cli("rebuild") if command == "rebuild" else cli("restore", backup, **there)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).name.startswith("20251222T0200")
    assert cli("status", "--fail-if-stale", **there).returncode == 0
    assert json.loads(cli("status", "--json", **there).stdout)["conditions"] == []
    assert cli("alerts", **there).stdout == "no alert is open\n"
    levels = {f["area"]: f["level"] for f in json.loads(cli("doctor", "--json", **there).stdout)["findings"]}
    assert {levels[area] for area in ("schedule daily", "alerts", "clock", "last run")} == {"ok"}


@pytest.mark.slow
def test_the_demo_never_looks_overdue_and_its_next_command_is_the_demo(cli: Cli, data_dir: Path) -> None:
    assert cli("demo", "--outage", "2025-12-22").returncode == 1
    shown = [
        cli(*command) for command in (("status", "--json"), ("doctor", "--json"), ("alerts", "--dry-run"))
    ]
    assert [state["due"] for state in json.loads(shown[0].stdout)["schedules"]] == [None, None]
    assert "overdue" not in shown[1].stdout
    assert shown[2].stdout == "no alert is open\n"
    for done in shown:
        assert "ca-etl demo" in done.stdout or done is not shown[1]
        assert not re.search(r"(?<!-timesca.com )ca-etl run", done.stdout), done.stdout
    run = cli("run", **CONTACT)
    assert (run.returncode, "next: ca-etl demo" in run.stderr) == (2, True)
    assert cli("demo").returncode == 0
    assert cli("status", "--fail-if-stale").returncode == 0


@pytest.mark.slow
def test_damaged_alerts_hide_nothing_else_of_the_status(cli: Cli, page: Path, data_dir: Path) -> None:
    assert cli("ingest", page).returncode == 0
    path = data_dir / "alerts.json"
    path.write_text("[")
    shown = cli("status")
    assert shown.returncode == 1
    assert "2025-12-05" in shown.stdout
    assert "no check fires" in shown.stdout
    message, following = shown.stderr.splitlines()
    assert message.startswith(f"ca-etl: {path} is not a list of alerts: ")
    assert following.startswith(f"next: mv {path} {path}.damaged")
    as_json = cli("status", "--json")
    assert as_json.returncode == 1
    (damage,) = json.loads(as_json.stdout)["damaged"]
    assert f"next: {damage['next_command']}" == following
    path.rename(data_dir / "alerts.json.damaged")
    assert cli("status").returncode == 0


@pytest.mark.slow
def test_the_check_of_the_status_is_the_doctor(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    checked, doctor = cli("status", "--check", "--json"), cli("doctor", "--json")
    assert checked.returncode == doctor.returncode == 1
    areas = [
        [(line["area"], line["level"]) for line in json.loads(done.stdout)["findings"]]
        for done in (checked, doctor)
    ]
    assert areas[0] == areas[1]
    assert ("site", "error") in areas[0]


@pytest.mark.slow
def test_a_damaged_release_hides_nothing_else_of_the_status(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
    warehouse.chmod(0o644)
    warehouse.write_bytes(b"not a database")
    shown = cli("status")
    assert shown.returncode == 1
    assert "there is no current release that can be read" in shown.stdout
    assert "succeeded" in shown.stdout
    assert "nothing is published" not in shown.stdout
    (damage,) = json.loads(cli("status", "--json").stdout)["damaged"]
    assert damage["area"] == "release"


def test_what_is_piped_is_not_folded(cli: Cli, data_dir: Path) -> None:
    long = data_dir / ("deep" * 40)
    doctor = cli("doctor", CA_ETL_DATA_DIR=str(long), COLUMNS="80").stdout
    assert (
        f"{long} (CA_ETL_DATA_DIR) does not exist: is the path right? If it is, the first run begins it"
        in doctor
    )
    assert "$CA_ETL_DATA_DIR" not in doctor


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of two days of the demo with its banks."""
    folder = tmp_path_factory.mktemp("days")
    settings = Settings(data_dir=folder, demo_port=0, sources=("all",), _env_file=None)
    list(play_days(settings, 2))
    return settings.data_dir


def newest_rate(cli: Cli, days: Path) -> dict[str, Any]:
    hint = cli("trace", "rate", "KZT", "1999-01-01", CA_ETL_DATA_DIR=str(days)).stderr
    command = hint.rpartition("next: ca-etl ")[2].split()
    return json.loads(cli(*command, "--json", CA_ETL_DATA_DIR=str(days)).stdout)


def test_a_trace_marks_the_line_of_the_page(cli: Cli, days: Path) -> None:
    rate = newest_rate(cli, days)
    done = cli("trace", "rate", "KZT", rate["rate_date"], CA_ETL_DATA_DIR=str(days))
    assert done.returncode == 0
    assert f">>KZT/USD = {rate['rate_text']}" in done.stdout
    assert f"{rate['change_text']}<<" in done.stdout
    assert rate["evidence"]["capture"]["archive_file"] in done.stdout


def test_the_trace_of_the_ticker_names_the_command_that_traces_the_rate_of_the_bank(
    cli: Cli, days: Path
) -> None:
    day = newest_rate(cli, days)["rate_date"]
    done = cli("trace", "rate", "KZT", day, CA_ETL_DATA_DIR=str(days))
    command = done.stdout.splitlines()[-1].split()
    assert command[:6] == ["ca-etl", "trace", "rate", "KZT", day, "--source"]
    official = cli(*command[1:], CA_ETL_DATA_DIR=str(days))
    assert official.returncode == 0
    assert cli(*command[1:-1], command[-1].upper(), CA_ETL_DATA_DIR=str(days)).stdout == official.stdout
    rate = json.loads(cli(*command[1:], "--json", CA_ETL_DATA_DIR=str(days)).stdout)
    assert f"{rate['lines'][-1]['rate_text']}<<" in official.stdout
    assert f"KZT/USD = {rate['rate']}" in official.stdout
    assert "computed from the archive, equals the stored one" in official.stdout


@pytest.mark.parametrize("columns", [80, 100])
def test_a_value_that_is_wider_than_the_window_continues_below_itself(
    cli: Cli, on_terminal: Callable[..., str], days: Path, columns: int
) -> None:
    where = {"CA_ETL_DATA_DIR": str(days)}
    rate = newest_rate(cli, days)
    article = json.loads(
        cli("sql", "select article_id from fct_article limit 1", "--format", "json", **where).stdout
    )[0]["article_id"]
    for command in (
        ("trace", "rate", "KZT", rate["rate_date"]),
        ("trace", "rate", "KZT", rate["rate_date"], "--source", "cbr"),
        ("trace", "article", article),
        ("capture", rate["evidence"]["capture"]["capture_id"]),
    ):
        lines = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(*command, columns=columns, **where)).splitlines()
        assert all(len(line) <= columns for line in lines)
        assert [line for line in lines if not re.match(r"[a-z]+ +\S|" + " " * 13 + r"\S|$", line)] == []
        assert "".join(lines).replace(" ", "").count("computedfromthearchive,equalsthestoredone") == 1


def test_a_trace_works_in_the_narrowest_window(on_terminal: Callable[..., str], days: Path) -> None:
    command = ("trace", "rate", "KZT", "2025-12-22")
    assert "Traceback" not in on_terminal(*command, columns=13, CA_ETL_DATA_DIR=str(days))


def test_a_trace_of_an_article_takes_no_day(cli: Cli, days: Path) -> None:
    done = cli("trace", "article", "0a", "2025-12-22", CA_ETL_DATA_DIR=str(days))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(
        "an article is traced without a day or a source\nnext: ca-etl trace article 0a\n"
    )


def test_the_body_of_a_capture_has_the_digest_of_its_summary(cli: Cli, days: Path) -> None:
    stored = newest_rate(cli, days)["evidence"]["capture"]
    where = {"CA_ETL_DATA_DIR": str(days)}
    summary = cli("capture", stored["capture_id"], **where)
    assert f"sha256 {stored['payload_sha256']}" in summary.stdout
    body = cli("capture", stored["capture_id"], "--body", **where).stdout
    assert hashlib.sha256(body.encode()).hexdigest() == stored["payload_sha256"]
    assert cli("capture", stored["capture_id"], "--headers", **where).stdout.startswith("HTTP/1.1 200")
    assert cli("capture", stored["capture_id"], "--headers", "--body", **where).returncode == 2


def test_a_trace_without_its_archive_file_shows_the_chain_up_to_there(
    cli: Cli, days: Path, data_dir: Path
) -> None:
    shutil.copytree(days, data_dir, symlinks=True)
    stored = newest_rate(cli, days)["evidence"]["capture"]
    (data_dir / "archive" / stored["archive_file"]).unlink()
    done = cli("trace", "rate", "KZT", newest_rate(cli, days)["rate_date"])
    assert done.returncode == 1
    assert stored["archive_file"] in done.stdout
    assert "not verified" in done.stdout
    assert "next: ca-etl doctor --deep" in done.stderr


def test_a_release_of_an_earlier_version_is_rebuilt_before_a_trace(
    cli: Cli, days: Path, data_dir: Path, rewritten: Callable[[Path], Any]
) -> None:
    shutil.copytree(days, data_dir, symlinks=True)
    with rewritten((data_dir / "current").resolve()) as con:
        con.execute("drop table main.fct_rate_best")
    done = cli("trace", "rate", "KZT", "2025-12-22")
    assert done.returncode == 1
    assert done.stderr.endswith("is of an earlier version, which cannot be traced\nnext: ca-etl rebuild\n")


def test_a_trace_of_a_rate_needs_a_day(cli: Cli, days: Path) -> None:
    done = cli("trace", "rate", "KZT", CA_ETL_DATA_DIR=str(days))
    assert (done.returncode, "the day of the rate is missing" in done.stderr) == (2, True)


def test_an_article_without_edits_has_no_difference(cli: Cli, days: Path) -> None:
    where = {"CA_ETL_DATA_DIR": str(days)}
    query = "select min(article_id) as id from fct_article where revisions = 0"
    article = json.loads(cli("sql", query, "--format", "json", **where).stdout)[0]["id"]
    assert "has one state" in cli("diff", article, **where).stdout
    assert f"article      {article}" in cli("trace", "article", article, **where).stdout


def test_a_trace_works_while_a_run_holds_the_lock(
    cli: Cli, days: Path, data_dir: Path, request: pytest.FixtureRequest
) -> None:
    shutil.copytree(days, data_dir, symlinks=True)
    request.getfixturevalue("holder")
    assert cli("trace", "rate", "KZT", newest_rate(cli, days)["rate_date"]).returncode == 0
