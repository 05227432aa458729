"""Findings about the machine; a machine in such a state is hard to come by."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.operate import machine
from ca_etl.operate.doctor import Diagnosis
from ca_etl.operate.machine import Finding, Level
from ca_etl.settings import Settings, misspelt
from ca_etl.sources.schedules import schedules

NOW = datetime(2026, 12, 5, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEGABYTE = 1_000_000


def level(findings: Iterator[Finding]) -> Level:
    return Diagnosis(tuple(findings)).worst


def disk(free_bytes: int, free_files: int | None = None) -> Level:
    return level(machine.disk(Path("/data"), free_bytes, free_files, 400 * MEGABYTE))


def test_room_for_two_releases_is_least_and_for_five_with_a_gigabyte_ample() -> None:
    assert disk(899 * MEGABYTE) is Level.ERROR
    assert disk(900 * MEGABYTE) is Level.WARN
    assert disk(2_999 * MEGABYTE) is Level.WARN
    assert disk(3_000 * MEGABYTE) is Level.OK


def test_a_disk_without_room_for_another_file_is_full() -> None:
    assert disk(10_000 * MEGABYTE, 999) is Level.ERROR
    assert disk(10_000 * MEGABYTE, 1000) is Level.OK


def test_the_clock_is_earlier_than_this_code_or_a_capture() -> None:
    assert level(machine.clock(datetime(2000, 1, 1, tzinfo=UTC), None)) is Level.ERROR
    assert level(machine.clock(NOW, NOW + HOUR)) is Level.WARN
    assert level(machine.clock(NOW, NOW + timedelta(seconds=90))) is Level.OK


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ({"duckdb": "1.5.5"}, Level.OK),
        ({"duckdb": "1.5.6"}, Level.OK),
        ({"duckdb": "2.0.0"}, Level.OK),
        ({"duckdb": "1.6.0"}, Level.WARN),
        ({"duckdb": "2.1.0.dev12"}, Level.WARN),
        ({"duckdb": "1.5.4"}, Level.ERROR),
        ({}, Level.ERROR),
        ({"duckdb": "1.5.5", "fastapi": "0.165.0"}, Level.OK),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.0.58"}, Level.OK),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.151.0", "sqlalchemy": "2.0.58"}, Level.ERROR),
        ({"duckdb": "1.5.5", "prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.1.0"}, Level.WARN),
        ({"duckdb": "1.5.5", "prefect": "3.9.1", "fastapi": "0.150.0"}, Level.WARN),
    ],
)
def test_versions_known_not_to_work_together_are_reported(installed: dict[str, str], expected: Level) -> None:
    assert level(machine.versions(installed)) is expected


@pytest.mark.parametrize("offset", [None, timedelta(hours=6)])
def test_zone_data_before_2024a_or_none_are_an_error(offset: timedelta | None) -> None:
    (finding,) = machine.zone_data(offset)
    assert finding.level is Level.ERROR
    assert "tzdata" in finding.next


def test_names_in_any_case_are_settings_and_what_resembles_none_has_no_advice() -> None:
    names = dict.fromkeys(["ca_etl_contact", "CA_ETL_ZZZZZZ", "CA_ETL_CONTACTS"], "environment")
    assert [(variable.name, variable.meant) for variable in misspelt(names)] == [
        ("CA_ETL_CONTACTS", "CA_ETL_CONTACT"),
        ("CA_ETL_ZZZZZZ", None),
    ]


@given(st.sampled_from(sorted(Settings.model_fields)), st.data())
def test_a_setting_with_one_letter_lost_is_reported_with_its_name(name: str, choose: st.DataObject) -> None:
    lost = choose.draw(st.integers(0, len(name) - 1))
    typed = f"CA_ETL_{name[:lost]}{name[lost + 1 :]}".upper()
    (variable,) = misspelt({typed: "environment"})
    assert variable.meant == f"CA_ETL_{name}".upper()


def timer_folder(tmp_path: Path, calendar: str, *, enabled: bool = True) -> Path:
    folder = tmp_path / "system"
    (folder / "timers.target.wants").mkdir(parents=True)
    (folder / "ca-etl.timer").write_text(f"[Timer]\nUnit=ca-etl.service\nOnCalendar={calendar}\n")
    if enabled:
        (folder / "timers.target.wants" / "ca-etl.timer").symlink_to("../ca-etl.timer")
    return folder


def deployed(folder: Path, url: str = "", **values: str) -> list[Finding]:
    planned = schedules(Settings(_env_file=None, **values))  # type: ignore[arg-type]
    return list(machine.deployed_schedules(planned, NOW, url, (folder,)))


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


@needs_systemd
def test_a_timer_that_runs_at_the_slots_of_the_settings_is_fine(tmp_path: Path) -> None:
    (finding,) = deployed(timer_folder(tmp_path, "*-*-* 07:00:00 Asia/Almaty"))
    assert (finding.level, "ca-etl.timer runs at" in finding.message) == (Level.OK, True)


@needs_systemd
def test_a_timer_at_other_times_than_the_settings_is_named_with_both_and_the_command(tmp_path: Path) -> None:
    folder = timer_folder(tmp_path, "*-*-* 07:00:00 Asia/Almaty")
    (finding,) = deployed(folder, daily_cron="15 6 * * *")
    assert finding.level is Level.WARN
    assert "runs at *-*-* 07:00:00 Asia/Almaty" in finding.message
    assert "the settings is 15 6 * * * (Asia/Almaty)" in finding.message
    assert finding.next.startswith("sudo systemctl edit ca-etl.timer")
    (folder / "ca-etl.timer.d").mkdir()
    (folder / "ca-etl.timer.d" / "override.conf").write_text(
        "[Timer]\nOnCalendar=\nOnCalendar=*-*-* 06:15:00 Asia/Almaty\n"
    )
    (finding,) = deployed(folder, daily_cron="15 6 * * *")
    assert finding.level is Level.OK


@needs_systemd
def test_a_timer_that_is_not_enabled_starts_no_run(tmp_path: Path) -> None:
    (finding,) = deployed(timer_folder(tmp_path, "*-*-* 07:00:00 Asia/Almaty", enabled=False))
    assert (finding.level, finding.next) == (Level.WARN, "sudo systemctl enable --now ca-etl.timer")


def test_without_timers_and_a_server_it_is_unknown_what_starts_runs(tmp_path: Path) -> None:
    (finding,) = deployed(tmp_path)
    assert (finding.level, finding.next.startswith("ca-etl schedule")) == (Level.UNKNOWN, True)


def test_a_calendar_that_systemd_does_not_know_is_unknown(tmp_path: Path) -> None:
    (finding,) = deployed(timer_folder(tmp_path, "every morning"))
    assert (finding.level, "unknown" in finding.message) == (Level.UNKNOWN, True)


@contextmanager
def prefect_with(*crons: tuple[str, str, bool]) -> Iterator[str]:
    """The API of a server whose deployments (name, cron, active) have a schedule in Almaty."""
    entries = [
        {
            "name": name,
            "paused": False,
            "schedules": [
                {"slug": name, "active": active, "schedule": {"cron": cron, "timezone": "Asia/Almaty"}}
            ],
        }
        for name, cron, active in crons
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200 if self.path == "/api/deployments/filter" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(entries).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


def test_the_deployments_of_a_prefect_server_are_compared_with_the_settings(tmp_path: Path) -> None:
    with prefect_with(("daily", "0 7 * * *", True), ("sweep", "30 9 * * 0", True)) as url:
        assert [finding.level for finding in deployed(tmp_path, url)] == [Level.OK, Level.OK]
        moved, sweep = deployed(tmp_path, url, daily_cron="15 6 * * *")
    assert (moved.level, sweep.level) == (Level.WARN, Level.OK)
    assert "daily runs at 0 7 * * * (Asia/Almaty)" in moved.message
    assert "15 6 * * * (Asia/Almaty)" in moved.message
    assert moved.next == "python -m flows.deploy setup"


def test_a_deployment_that_is_missing_or_paused_has_no_active_schedule(tmp_path: Path) -> None:
    with prefect_with(("daily", "0 7 * * *", False)) as url:
        findings = deployed(tmp_path, url)
    assert [finding.level for finding in findings] == [Level.WARN, Level.WARN]
    assert all("has no active schedule" in finding.message for finding in findings)


def test_a_prefect_server_that_does_not_respond_is_unknown_and_not_fine(tmp_path: Path) -> None:
    (finding,) = deployed(tmp_path, "http://127.0.0.1:1/api")
    assert (finding.level, finding.next) == (Level.UNKNOWN, "prefect deployment ls")
