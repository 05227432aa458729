"""From a run of the command to the listener: one message when a condition begins and one when it ends."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.operate.alert_delivery import (
    ALERTS_FILE,
    LOCK_FILE,
    Alerts,
    AlertsError,
    OpenAlert,
    alerts_lock,
    check_after_run,
    check_alerts,
    notify,
    read,
    transitions,
)
from ca_etl.operate.alerts import Condition
from ca_etl.operate.channels import Change, ChannelError, Message
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.play import faults, play_days
from ca_etl.settings import Settings
from ca_etl.warehouse import journal, overrides
from ca_etl.warehouse.journal import RunRecord, SlotRecord
from ca_etl.warehouse.lock import Holder, run_lock
from ca_etl.warehouse.raw_load import CaptureDecision

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


def test_a_failed_check_is_reported_once_and_its_end_once(cli: Cli, listener: Any, tmp_path: Path) -> None:
    webhook = {"CA_ETL_ALERT_WEBHOOK": listener.url}
    runs = [cli("-v", "demo", "--wrong", WRONG, **webhook) for _ in range(2)]
    assert [run.returncode for run in runs] == [3, 3]
    assert listener.subjects == ["ca-etl: Checks failed, nothing is published"]
    sample = listener.got[0]["text"]
    assert "KZT" in sample
    assert sample.endswith(f"\nMachine: {socket.gethostname()}, data directory: {tmp_path / 'data'}")
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
    runs.append(cli("-v", "demo", **webhook))
    assert runs[-1].returncode == 0, runs[-1].stderr
    assert len(listener.got) == 2
    assert listener.subjects[1].startswith("ca-etl: resolved after ")
    assert not any(SECRET in run.stderr + run.stdout for run in runs)
    assert nowhere_in(tmp_path / "data") == []


@pytest.mark.slow
def test_played_days_open_and_close_by_their_own_clock(listener: Any, settings_with: MakeSettings) -> None:
    settings = settings_with(alert_webhook=listener.url)
    last = datetime.fromisoformat(WRONG).date()
    broken = faults([last - timedelta(days=2), last - timedelta(days=1)], [])
    for _ in play_days(settings, 4, faults=broken):
        assert check_after_run(settings, utc_now()) == ()
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

    def notice(line: logging.LogRecord) -> bool:
        if LOCK_FILE in line.getMessage() and "not acquired" in line.getMessage():
            waits.set()
        return True

    logging.getLogger("filelock").addFilter(notice)
    try:
        webhook = {**environment, "CA_ETL_ALERT_WEBHOOK": listener.url}
        with subprocess.Popen(
            [COMMAND, "alerts"], cwd=tmp_path, env=webhook, stdout=subprocess.PIPE
        ) as other:
            assert listener.arrived.wait(30)
            with ThreadPoolExecutor(1) as ours:
                check = ours.submit(check_alerts, settings, now)
                assert waits.wait(8)
                listener.released.set()
                assert [alert.key for alert in check.result().open] == ["checks_failed"]
    finally:
        logging.getLogger("filelock").removeFilter(notice)
    assert other.returncode == 1
    assert len(listener.got) == 1


@pytest.mark.slow
def test_a_webhook_that_is_away_does_not_fail_a_good_run_and_is_sent_later(
    cli: Cli, listener: Any, settings_with: MakeSettings, tmp_path: Path
) -> None:
    settings = settings_with()
    record(settings, "checks_failed", "checks failed")
    listener.status = 500
    webhook = {"CA_ETL_ALERT_WEBHOOK": listener.url}
    assert cli("alerts", **webhook).returncode == 1
    done = cli("demo", **webhook)
    assert done.returncode == 0
    assert "warning: an alert was not delivered: the webhook responded with status 500." in done.stderr
    listener.status = 200
    later = cli("alerts", "--json", **webhook)
    assert json.loads(later.stdout)["waiting"] == []
    assert listener.subjects[:2] == [
        "ca-etl: Checks failed, nothing is published",
        "ca-etl: resolved after 0 min: Checks failed, nothing is published",
    ]
    assert nowhere_in(tmp_path / "data") == []
    assert SECRET not in done.stderr + later.stderr + later.stdout


@pytest.mark.slow
def test_the_command_lists_what_is_open_and_its_exit_status_is_1_while_anything_is(
    cli: Cli, settings_with: MakeSettings, tmp_path: Path
) -> None:
    settings = settings_with()
    (tmp_path / "page.txt").write_text("A page without rates.\n")
    assert cli("ingest", tmp_path / "page.txt").returncode == 0
    record(settings, "succeeded")
    quiet = cli("alerts")
    assert (quiet.returncode, quiet.stdout) == (0, "no alert is open\n")
    record(settings, "failed", "cannot write data/runs.jsonl: No space left on device")
    listed = cli("alerts")
    assert listed.returncode == 1
    assert listed.stdout.startswith("run_failed: A run failed (for 0 min)\n")
    assert "No space left on device" in listed.stdout
    assert "next: ca-etl status" in listed.stdout
    as_json = json.loads(cli("alerts", "--json").stdout)
    assert [alert["key"] for alert in as_json["open"]] == ["run_failed"]
    record(settings, "succeeded")
    assert cli("alerts").returncode == 0


def test_a_dry_run_sends_and_records_nothing(cli: Cli, listener: Any, settings_with: MakeSettings) -> None:
    settings = settings_with()
    record(settings, "checks_failed", "checks failed")
    done = cli("alerts", "--dry-run", CA_ETL_ALERT_WEBHOOK=listener.url)
    assert done.returncode == 1
    assert "would be sent: ca-etl: Checks failed, nothing is published" in done.stdout
    assert listener.got == []
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["runs.jsonl"]


@pytest.mark.slow
def test_alerts_are_checked_after_a_run_that_fails_and_not_after_one_beside_another(
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
    assert [run.returncode for run in runs] == [1, 1]
    assert [alert.key for alert in read(settings.data_dir).open] == ["run_failed"]


def test_a_check_that_fails_is_a_warning_of_the_run(settings_with: MakeSettings) -> None:
    settings = settings_with()
    settings.data_dir.mkdir()
    (settings.data_dir / "alerts.json").write_text("no alerts")
    (warning,) = check_after_run(settings, utc_now())
    assert warning.startswith(
        f"the check for alerts failed: {settings.data_dir / 'alerts.json'} is not a list"
    )


def test_a_message_reaches_webhook_and_mail_and_the_mail_server_s_absence_holds_up_neither(
    listener: Any, mail_server: Any, settings_with: MakeSettings
) -> None:
    address = f"smtp://ca%40example.org:{SECRET}@127.0.0.1"
    both = {"alert_webhook": listener.url, "alert_mail_to": ("a@example.org",)}
    mail_server.password = SECRET
    settings = settings_with(**both, alert_mail=f"{address}:1")
    now = record(settings, "checks_failed", "checks failed")
    report = check_alerts(settings, now)
    (warning,) = report.warnings
    assert warning == (
        "an alert was not delivered: the mail was not sent: ConnectionRefusedError. Next: "
        "export CA_ETL_ALERT_MAIL=smtps://user@host:465 && ca-etl alerts"
    )
    assert (len(listener.got), [delivery.to for delivery in report.waiting]) == (1, [("mail",)])
    check_alerts(settings_with(**both, alert_mail=f"{address}:{mail_server.port}"), now)
    assert (len(listener.got), len(mail_server.mails)) == (1, 1)
    assert nowhere_in(settings.data_dir) == []


START = datetime(2026, 3, 2, 2, tzinfo=UTC)
KEYS = ("checks_failed", "run_failed", "stale:timesca/daily")
CHECKS = st.lists(st.frozensets(st.sampled_from(KEYS)), min_size=1, max_size=12)


def condition(key: str, detail: str = "a detail") -> Condition:
    return Condition(key, f"title of {key}", detail, "ca-etl status", START)


def hours(number: int) -> datetime:
    return START + timedelta(hours=number)


@dataclass
class Kept:
    """A channel that keeps what it is sent, while it works."""

    name: str
    works: bool = True
    got: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if not self.works:
            raise ChannelError("out of order")
        self.got.append(message)


def expected(key: str, sets: Sequence[frozenset[str]]) -> list[Change]:
    """Opened at the first check of each unbroken streak, resolved at the first after it."""
    streaks = [holds for holds, _ in groupby(key in keys for keys in sets)]
    changes = [Change.OPENED if holds else Change.RESOLVED for holds in streaks]
    return changes[1:] if changes[0] is Change.RESOLVED else changes


def by_key(messages: Sequence[Message]) -> dict[str, list[Change]]:
    changes: dict[str, list[Change]] = defaultdict(list)
    for message in messages:
        changes[message.key].append(message.change)
    return changes


def test_a_condition_that_begins_lasts_and_ends_gives_two_messages() -> None:
    opened, alerts = transitions(Alerts(), [condition("checks_failed")], ["webhook"], hours(0))
    assert [(delivery.message.change, delivery.to) for delivery in opened] == [(Change.OPENED, ("webhook",))]
    assert opened[0].message.text == ("ca-etl: title of checks_failed\na detail\nNext: ca-etl status")
    silent, alerts = transitions(alerts, [condition("checks_failed", "more")], ["webhook"], hours(1))
    assert silent == ()
    assert [(alert.opened_at, alert.detail) for alert in alerts.open] == [(hours(0), "more")]
    resolved, alerts = transitions(alerts, [], ["webhook"], hours(27))
    assert [delivery.message.subject for delivery in resolved] == [
        "ca-etl: resolved after 1 d 3 h: title of checks_failed"
    ]
    assert alerts.open == ()


def test_a_channel_that_is_set_up_later_gets_what_is_open_and_each_channel_gets_it_once() -> None:
    _, alerts = transitions(Alerts(), [condition("run_failed")], [], hours(0))
    later, alerts = transitions(alerts, [condition("run_failed")], ["mail"], hours(1))
    assert [(delivery.message.change, delivery.message.opened_at, delivery.to) for delivery in later] == [
        (Change.OPENED, hours(0), ("mail",))
    ]
    resolved, _ = transitions(alerts, [], ["mail", "webhook"], hours(2))
    assert [delivery.to for delivery in resolved] == [("mail",)]


def test_without_a_channel_what_is_open_is_kept_and_nothing_waits(tmp_path: Path) -> None:
    notify(tmp_path, lambda: [condition("run_failed")], (), (), hours(0))
    alert = OpenAlert("run_failed", "title of run_failed", "a detail", "ca-etl status", START, hours(0))
    assert read(tmp_path) == Alerts((alert,))


@given(CHECKS)
@settings(deadline=None, max_examples=25)
def test_each_episode_is_reported_once_at_either_end(sets: list[frozenset[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        channel = Kept("webhook")
        for number, keys in enumerate(sets):
            for _ in range(2):
                notify(
                    Path(folder),
                    lambda keys=keys: map(condition, sorted(keys)),
                    ["webhook"],
                    [channel],
                    hours(number),
                )
        changes = by_key(channel.got)
        assert {key: changes[key] for key in KEYS} == {key: expected(key, sets) for key in KEYS}
        assert len({message.message_id for message in channel.got}) == len(channel.got)


@given(CHECKS, st.data())
@settings(deadline=None, max_examples=25)
@pytest.mark.slow
def test_a_channel_that_fails_now_and_then_gets_all_in_order_and_nothing_twice(
    sets: list[frozenset[str]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shaky, steady = Kept("mail"), Kept("webhook")
        for number, keys in enumerate([*sets, sets[-1]]):
            # at the last check everything works again
            shaky.works = number == len(sets) or data.draw(st.booleans())
            notify(
                Path(folder),
                lambda keys=keys: map(condition, sorted(keys)),
                ["mail", "webhook"],
                [shaky, steady],
                hours(number),
            )
        assert shaky.got == steady.got
        assert read(Path(folder)).waiting == ()


def test_a_failed_sending_waits_warns_and_is_made_good(tmp_path: Path) -> None:
    channel = Kept("webhook", works=False)
    holds = [condition("run_failed"), condition("checks_failed")]
    report = notify(tmp_path, lambda: holds, ["webhook"], [channel], hours(0))
    assert (len(report.waiting), report.sent, len(report.warnings)) == (2, (), 1)
    channel.works = True
    report = notify(tmp_path, list, ["webhook"], [channel], hours(1))
    assert (report.open, report.waiting, len(report.sent), report.warnings) == ((), (), 4, ())


def test_messages_for_a_channel_out_of_reach_wait_and_those_for_one_no_longer_configured_do_not(
    tmp_path: Path,
) -> None:
    notify(tmp_path, lambda: [condition("run_failed")], ["prefect"], [], hours(0))
    assert [delivery.to for delivery in read(tmp_path).waiting] == [("prefect",)]
    notify(tmp_path, lambda: [condition("run_failed")], [], [], hours(1))
    assert read(tmp_path).waiting == ()


def test_a_check_without_a_change_writes_nothing(tmp_path: Path) -> None:
    notify(tmp_path, lambda: [condition("run_failed")], [], [], hours(0))
    before = (tmp_path / ALERTS_FILE).stat().st_mtime_ns
    notify(tmp_path, lambda: [condition("run_failed")], [], [], hours(1))
    assert (tmp_path / ALERTS_FILE).stat().st_mtime_ns == before


def test_a_damaged_file_names_itself_and_the_next_command(tmp_path: Path) -> None:
    (tmp_path / ALERTS_FILE).write_text('{"open": [{"key": 3}]}')
    with pytest.raises(AlertsError, match=r"alerts\.json is not a list of alerts: open") as error:
        read(tmp_path)
    assert error.value.hint.startswith("mv ")


def test_a_lock_that_is_not_released_is_reported(tmp_path: Path) -> None:
    with (
        alerts_lock(tmp_path),
        pytest.raises(AlertsError, match="another process has been sending"),
        alerts_lock(tmp_path, timeout=0.05),
    ):
        pass
