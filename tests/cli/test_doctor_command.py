"""`ca-etl doctor` on real directories, processes and servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path

import pytest

from ca_etl.warehouse.journal import RunRecord, append

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
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        found.setdefault(each["area"], []).append(each)
    return found


def worst(found: list[dict[str, str]]) -> str:
    return max((each["level"] for each in found), key=["ok", "warn", "error"].index)


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
def answering(status: int) -> Iterator[str]:
    """A server that answers each request with one status; its address."""

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


def test_before_the_first_run_nothing_is_wrong_and_nothing_is_made(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor", "--json", **CONTACT)
    found = findings(done)
    assert done.returncode == 0, done.stdout
    assert worst(found["data directory"]) == "warn"
    assert "ca-etl run" in found["last run"][0]["next"]
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_the_level_and_the_next_command(cli: Cli) -> None:
    done = cli("doctor")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.lstrip().startswith("site")]
    assert "error" in line
    assert "export CA_ETL_CONTACT=you@example.org" in line


def test_a_look_changes_nothing(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    before = snapshot(data_dir)
    done = cli("doctor", "--deep", "--json", **CONTACT)
    assert {area: worst(found) for area, found in findings(done).items()} == {
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
        "schedule daily": "error",
        "schedule sweep": "ok",
    }
    assert snapshot(data_dir) == before


@pytest.mark.parametrize("harm", ["torn", "changed", "gone"])
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
    assert "backup" in finding["next"]


def test_what_a_killed_run_was_writing_is_told(cli: Cli, data_dir: Path) -> None:
    folder = data_dir / "archive" / "2026" / "12"
    folder.mkdir(parents=True)
    (folder / "20261201T020000Z-timesca.warc.gz.open").write_bytes(b"x")
    found = findings(cli("doctor", "--json", **CONTACT))["archive"]
    assert [each["level"] for each in found] == ["warn", "ok"]
    assert "recovers" in found[0]["next"]


def test_a_live_run_is_told_and_not_disturbed_and_a_killed_one_is_told_as_such(
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


def test_a_misspelt_variable_is_a_warning_with_the_name_that_is_meant(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CA_ETL_KEEP_RELEASE=3\nPREFECT_HOME=x\n")
    done = cli("doctor", "--json", **CONTACT)
    (finding,) = findings(done)["settings"]
    assert done.returncode == 0
    assert finding["level"] == "warn"
    assert "did you mean CA_ETL_KEEP_RELEASES?" in finding["message"]


def test_a_setting_that_cannot_be_read_does_not_keep_it_from_looking(cli: Cli) -> None:
    done = cli("doctor", "--json", CA_ETL_TIMEZONE="Asia/Atlantis")
    found = findings(done)
    assert done.returncode == 1
    assert (
        "CA_ETL_TIMEZONE" in next(each for each in found["settings"] if each["level"] == "error")["message"]
    )
    assert found["time zones"][0]["level"] == "ok"


def test_a_damaged_journal_or_warehouse_hides_nothing_else(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    (data_dir / "runs.jsonl").write_text("{}\n")
    warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
    warehouse.chmod(0o644)
    warehouse.write_bytes(b"no database")
    done = cli("doctor", "--json", **CONTACT)
    found = findings(done)
    assert done.returncode == 1
    assert "runs.jsonl line 1" in found["last run"][0]["message"]
    assert "ca-etl rollback" in found["release"][0]["next"]
    assert (worst(found["archive"]), worst(found["lock"])) == ("ok", "ok")


def test_a_journal_of_tomorrow_is_a_clock_that_went_back(cli: Cli, data_dir: Path) -> None:
    data_dir.mkdir()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    append(data_dir, RunRecord("20990101T000000Z", "run", tomorrow, "failed", "1"))
    (finding,) = findings(cli("doctor", "--json", **CONTACT))["clock"]
    assert finding["level"] == "error"
    assert "timedatectl" in finding["next"]


def test_a_file_in_the_place_of_the_data_directory_is_named(cli: Cli, data_dir: Path) -> None:
    data_dir.write_text("")
    done = cli("doctor", "--json", **CONTACT)
    assert done.returncode == 1
    assert str(data_dir) in findings(done)["data directory"][0]["message"]


def test_a_prefect_server_is_asked_only_where_one_is_set(cli: Cli) -> None:
    assert "prefect" not in findings(cli("doctor", "--json", **CONTACT))
    with answering(200) as url:
        (well,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert well["level"] == "ok"
    assert "secret" not in well["message"]
    with answering(503) as url:
        (ill,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert (ill["level"], "answers 503" in ill["message"]) == ("warn", True)
    (gone,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL=url))["prefect"]
    assert (gone["level"], "does not respond" in gone["message"]) == ("warn", True)
    (nonsense,) = findings(cli("doctor", "--json", **CONTACT, PREFECT_API_URL="nonsense"))["prefect"]
    assert nonsense["level"] == "warn"


def test_a_directory_of_the_demo_is_well_and_says_what_a_real_site_takes(cli: Cli, data_dir: Path) -> None:
    assert cli("demo", "--days", "2").returncode == 0
    done = cli("doctor", "--json")
    found = findings(done)
    assert done.returncode == 0, done.stdout
    (site,) = found["site"]
    assert site["level"] == "warn"
    assert site["next"].startswith(f"CA_ETL_CONTACT=you@example.org CA_ETL_DATA_DIR={data_dir}-timesca.com ")
    (daily,) = found["schedule daily"]
    assert (daily["level"], "demo" in daily["message"]) == ("ok", True)


def test_who_has_a_contact_is_told_that_the_demo_holds_the_directory_of_a_real_site(cli: Cli) -> None:
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
    found = findings(done)
    assert [each["level"] for each in (*found["decisions"], *found["alerts"])] == ["error", "error"]


def test_a_channel_that_can_tell_nothing_is_an_error_and_its_address_is_not_shown(
    cli: Cli, data_dir: Path
) -> None:
    data_dir.mkdir(exist_ok=True)
    done = cli("doctor", "--json", CA_ETL_ALERT_WEBHOOK="ftp://host/a-secret", **CONTACT)
    assert [each["level"] for each in findings(done)["alerts"]] == ["error"]
    assert "a-secret" not in done.stdout + done.stderr
    empty = cli("doctor", "--json", CA_ETL_ALERT_WEBHOOK="", **CONTACT)
    assert [each["level"] for each in findings(empty)["alerts"]] == ["ok"]
