"""From a run of the command to the listener: one message when it goes wrong, one when it is well again."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ca_etl.operate.alert_delivery import after_run, end_of_last_run, look
from ca_etl.operate.alert_store import LOCK_FILE, read
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.play import faults, play_days
from ca_etl.settings import Settings
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.journal import RunRecord, SlotRecord
from ca_etl.warehouse.lock import Holder, run_lock
from ca_etl.warehouse.raw_load import CaptureDecision

pytestmark = pytest.mark.slow

SECRET = "a-secret-path"  # noqa: S105  the end of each listener's address
WRONG = "2025-12-22"
COMMAND = str(Path(sys.executable).with_name("ca-etl"))
Cli = Callable[..., "subprocess.CompletedProcess[str]"]
MakeSettings = Callable[..., Settings]


def record(settings: Settings, status: str, error: str | None = None, **changes: Any) -> datetime:
    """A line in the journal, of a daily run of now; when it ended."""
    now = utc_now()
    own = SlotRecord("timesca", "daily", now, now.date(), "observed")
    settings.data_dir.mkdir(exist_ok=True)
    line = RunRecord(
        run_id=f"{now:%Y%m%dT%H%M%S.%fZ}",
        kind="run",
        started_at=now,
        finished_at=now,
        status=status,
        error=error,
        code_version="0.1.0",
        slot=now,
        schedule="daily",
        slots=(own,),
        release_id="a-release" if status == "succeeded" else None,
        **changes,
    )
    journal.append(settings.data_dir, line)
    return now


def nowhere_in(folder: Path) -> list[Path]:
    """The files of a folder that hold the secret."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_failed_check_is_told_once_and_its_end_once(cli: Cli, listener: Any, tmp_path: Path) -> None:
    told = {"CA_ETL_ALERT_WEBHOOK": listener.url}
    done = [cli("-v", "demo", "--wrong", WRONG, **told) for _ in range(2)]
    assert [each.returncode for each in done] == [3, 3]
    assert listener.subjects == ["ca-etl: Checks failed, nothing is published"]
    sample = listener.got[0]["text"]
    assert "KZT" in sample
    assert "Next: ca-etl status" in sample

    wrong = cli(
        "sql",
        "--failed",
        "select capture_id from raw.rate_observation where base = 'KZT' and rate > 0.01",
        "-f",
        "csv",
    ).stdout.split()[1:]
    assert wrong
    for capture_id in wrong:
        overrides.append(
            tmp_path / "data", CaptureDecision(capture_id, "exclude", "ten times too high", utc_now())
        )
    done.append(cli("-v", "demo", **told))
    assert done[-1].returncode == 0, done[-1].stderr
    assert len(listener.got) == 2
    assert listener.subjects[1].startswith("ca-etl: resolved after ")
    assert not any(SECRET in each.stderr + each.stdout for each in done)
    assert nowhere_in(tmp_path / "data") == []


def test_played_days_open_and_close_by_their_own_clock(listener: Any, settings_with: MakeSettings) -> None:
    settings = settings_with(alert_webhook=listener.url)
    last = datetime.fromisoformat(WRONG).date()
    broken = faults([last - timedelta(days=2), last - timedelta(days=1)], [])
    for _ in play_days(settings, 4, faults=broken):
        ended = end_of_last_run(settings)
        assert ended is not None
        assert after_run(settings, ended) == ()
    assert listener.subjects == [
        "ca-etl: No fresh data of timesca/daily",
        "ca-etl: Runs fail",
        "ca-etl: resolved after 1 d 0 h: No fresh data of timesca/daily",
        "ca-etl: resolved after 1 d 0 h: Runs fail",
    ]


def test_two_processes_at_once_send_once(
    listen: Callable[..., Any],
    settings_with: MakeSettings,
    environment: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = listen(manner="holds")
    settings = settings_with(alert_webhook=listener.url)
    now = record(settings, "checks_failed", "checks failed")
    caplog.set_level(logging.DEBUG, "filelock")
    waits = threading.Event()

    def heed(line: logging.LogRecord) -> bool:
        if LOCK_FILE in line.getMessage() and "not acquired" in line.getMessage():
            waits.set()
        return True

    logging.getLogger("filelock").addFilter(heed)
    try:
        told = {**environment, "CA_ETL_ALERT_WEBHOOK": listener.url}
        with subprocess.Popen([COMMAND, "alerts"], cwd=tmp_path, env=told, stdout=subprocess.PIPE) as other:
            assert listener.arrived.wait(30)
            with ThreadPoolExecutor(1) as ours:
                looking = ours.submit(look, settings, now)
                assert waits.wait(8)
                listener.released.set()
                assert [alert.key for alert in looking.result().open] == ["checks_failed"]
    finally:
        logging.getLogger("filelock").removeFilter(heed)
    assert other.returncode == 1
    assert len(listener.got) == 1


def test_a_webhook_that_is_away_does_not_fail_a_good_run_and_is_told_later(
    cli: Cli, listener: Any, settings_with: MakeSettings, tmp_path: Path
) -> None:
    settings = settings_with()
    record(settings, "checks_failed", "checks failed")
    listener.status = 500
    told = {"CA_ETL_ALERT_WEBHOOK": listener.url}
    assert cli("alerts", **told).returncode == 1
    done = cli("demo", **told)
    assert done.returncode == 0
    assert "warning: an alert waits: the webhook answered 500." in done.stderr
    listener.status = 200
    found = cli("alerts", "--json", **told)
    assert json.loads(found.stdout)["waiting"] == []
    assert listener.subjects[:2] == [
        "ca-etl: Checks failed, nothing is published",
        "ca-etl: resolved after 0 min: Checks failed, nothing is published",
    ]
    assert nowhere_in(tmp_path / "data") == []
    assert SECRET not in done.stderr + found.stderr + found.stdout


def test_the_command_lists_what_is_open_and_its_exit_status_says_whether_anything_is(
    cli: Cli, settings_with: MakeSettings
) -> None:
    settings = settings_with()
    record(settings, "succeeded")
    quiet = cli("alerts")
    assert (quiet.returncode, quiet.stdout) == (0, "no alert is open\n")
    record(settings, "failed", "cannot write data/runs.jsonl: No space left on device")
    found = cli("alerts")
    assert found.returncode == 1
    assert found.stdout.startswith("run_failed: A run failed (for 0 min)\n")
    assert "No space left on device" in found.stdout
    assert "next: ca-etl status" in found.stdout
    as_json = json.loads(cli("alerts", "--json").stdout)
    assert [each["key"] for each in as_json["open"]] == ["run_failed"]
    record(settings, "succeeded")
    assert cli("alerts").returncode == 0


def test_a_dry_run_sends_and_records_nothing(cli: Cli, listener: Any, settings_with: MakeSettings) -> None:
    settings = settings_with()
    record(settings, "checks_failed", "checks failed")
    done = cli("alerts", "--dry-run", CA_ETL_ALERT_WEBHOOK=listener.url)
    assert done.returncode == 1
    assert "would be told: ca-etl: Checks failed, nothing is published" in done.stdout
    assert listener.got == []
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["runs.jsonl"]


def test_a_run_that_fails_is_looked_at_and_one_beside_another_is_not(
    cli: Cli, settings_with: MakeSettings, tmp_path: Path
) -> None:
    settings = settings_with()
    (tmp_path / "page.txt").write_text("some text")
    holder = Holder(os.getpid(), "here", "20251222T020000Z", "rebuild", datetime(2025, 12, 22, 2, tzinfo=UTC))
    with run_lock(settings.data_dir, holder):
        assert cli("ingest", "page.txt").returncode == 75
    assert not (settings.data_dir / "alerts.json").exists()
    # nothing listens at the site's address
    away = {"CA_ETL_SITE_URL": "http://127.0.0.1:9/", "CA_ETL_MAX_ATTEMPTS": "1"}
    runs = [cli("run", **away) for _ in range(2)]
    assert [each.returncode for each in runs] == [1, 1]
    assert [alert.key for alert in read(settings.data_dir).open] == ["run_failed"]


def test_what_stands_in_the_way_of_a_look_is_a_warning_to_a_run(settings_with: MakeSettings) -> None:
    settings = settings_with()
    settings.data_dir.mkdir()
    (settings.data_dir / "alerts.json").write_text("no alerts")
    (warning,) = after_run(settings, utc_now())
    assert warning.startswith(f"alerts were not looked at: {settings.data_dir / 'alerts.json'} is no list")


def test_a_message_reaches_webhook_and_mail_and_the_mail_server_s_absence_holds_up_neither(
    listener: Any, mail_server: Any, settings_with: MakeSettings
) -> None:
    address = f"smtp://ca%40example.org:{SECRET}@127.0.0.1"
    both = {"alert_webhook": listener.url, "alert_mail_to": ("a@example.org",)}
    mail_server.password = SECRET
    settings = settings_with(**both, alert_mail=f"{address}:1")
    now = record(settings, "checks_failed", "checks failed")
    found = look(settings, now)
    (warning,) = found.warnings
    assert warning == (
        "an alert waits: the mail was not sent: ConnectionRefusedError. Next: check CA_ETL_ALERT_MAIL, "
        "such as smtp://user@host:587 or smtps://user@host:465, then: ca-etl alerts"
    )
    assert (len(listener.got), [each.to for each in found.waiting]) == (1, [("mail",)])
    look(settings_with(**both, alert_mail=f"{address}:{mail_server.port}"), now)
    assert (len(listener.got), len(mail_server.mails)) == (1, 1)
    assert nowhere_in(settings.data_dir) == []
