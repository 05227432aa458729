"""Evaluate alert conditions, notify an operator about changes, and retry undelivered notifications.

Open alerts and undelivered messages are in `<data_dir>/alerts.json`, which is written whole each time. A message is
stored there before it is sent, and removed for each channel that has accepted it.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alerts import ALERTS, JOURNAL, Condition, Damage
from ca_etl.operate.channels import Change, Channel, ChannelError, Mail, Message, TimeLimit, Webhook
from ca_etl.operate.status import collect
from ca_etl.pipeline.clock import time_of
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.data_directory import holds_demo
from ca_etl.warehouse.durable_files import StorageError, read_if_there, storage, write_atomic
from ca_etl.warehouse.reading import consult

log = logging.getLogger(__name__)

ALERTS_FILE: Final = "alerts.json"
LOCK_FILE: Final = ".alerts.lock"
# Longer than one process needs to send to three channels that all hang.
LOCK_TIMEOUT_SECONDS: Final = 120.0

WEBHOOK: Final = "webhook"
MAIL: Final = "mail"
PREFECT: Final = "prefect"


class AlertsError(CaEtlError):
    """`alerts.json` cannot be read, or another process holds its lock for too long."""


@dataclass(frozen=True, slots=True)
class OpenAlert(Condition):
    """An alert: a condition that was true at the last check. `opened_at` (UTC) is the first check that found it true.

    `channels` (the key `told` in `alerts.json`) are those that the message about its opening is for, delivered or not.
    """

    opened_at: AwareDatetime
    channels: Annotated[tuple[str, ...], Field(alias="told")] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is not delivered yet, and the names of the channels that have not accepted it (`to`)."""

    message: Message
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """The content of `alerts.json`: the open alerts, and the messages that are not delivered yet, oldest first."""

    # An unknown field was written by a later version: it would be dropped silently.
    __pydantic_config__ = ConfigDict(extra="forbid")

    open: tuple[OpenAlert, ...] = ()
    waiting: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertReport:
    """The result of one alert check. `sent` are the messages that reached a channel, or would be sent in a dry run.

    `waiting` are the messages that are not delivered yet; `warnings` state why, without secrets.
    """

    open: tuple[OpenAlert, ...] = ()
    sent: tuple[Message, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    warnings: tuple[str, ...] = ()


def configured_channels(settings: Settings) -> tuple[str, ...]:
    """The names of the alert channels that the settings configure. The channel `prefect` is used by flows only."""
    is_set = {
        WEBHOOK: settings.alert_webhook is not None,
        MAIL: settings.alert_mail is not None,
        PREFECT: bool(settings.alert_prefect_block),
    }
    return tuple(name for name, value in is_set.items() if value)


def channels(settings: Settings) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """The webhook and mail channels that the settings configure, and a warning for each one with an invalid setting."""
    own: list[Channel] = []
    warnings: list[str] = []
    if settings.alert_webhook is not None:
        if _is_web_address(settings.alert_webhook):
            own.append(Webhook(settings.alert_webhook))
        else:
            warnings.append(
                "CA_ETL_ALERT_WEBHOOK is not an http or https address, so that no alert can be sent to it"
            )
    if settings.alert_mail is not None:
        try:
            own.append(Mail.from_settings(settings, settings.alert_mail))
        except UsageError as error:
            warnings.append(f"no alert can be mailed: {error}. Next: {error.hint}")
    return tuple(own), tuple(warnings)


def _is_web_address(url: SecretStr) -> bool:
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def check_alerts(
    settings: Settings, now: datetime, *, also: Sequence[Channel] = (), dry_run: bool = False
) -> AlertReport:
    """Send messages about the conditions that are new or over at `now` (zone-aware), and record the open ones.

    In a data directory of the demo the time is the end of its last run. `also` are further channels, such as that of
    Prefect. A message that a channel did not accept is sent again at the next check. Each channel gets a message once,
    also when several processes check; only where a process is killed between sending and recording is it sent twice.
    `dry_run` sends and records nothing.

    Raises `AlertsError` and `StorageError`.
    """
    names, data_dir = configured_channels(settings), settings.data_dir
    runs = consult(partial(journal.read, data_dir), (), data_dir, "ca-etl doctor").value
    at = time_of(runs, now, is_demo=holds_demo(settings))

    def evaluate() -> tuple[Condition, ...]:
        report = collect(settings, now)
        if not any(damage.area == JOURNAL for damage in report.damaged):
            return report.conditions
        # without the journal it is unknown whether an open alert is over
        keys = {condition.key for condition in report.conditions}
        return (*report.conditions, *(alert for alert in read(data_dir).open if alert.key not in keys))

    if dry_run:
        deliveries, alerts = transitions(read(data_dir), evaluate(), names, at, **_origin(data_dir))
        return AlertReport(alerts.open, tuple(delivery.message for delivery in deliveries), alerts.waiting)
    own, warnings = channels(settings)
    limited = [TimeLimit(channel, settings.alert_timeout_seconds) for channel in (*own, *also)]
    report = notify(data_dir, evaluate, names, limited, at)
    return replace(report, warnings=(*warnings, *report.warnings))


def check_after_run(settings: Settings, now: datetime, *, also: Sequence[Channel] = ()) -> tuple[str, ...]:
    """Check for alerts after a run and return the warnings. A failed check is a warning: it never fails the run."""
    try:
        return check_alerts(settings, now, also=also).warnings
    except (CaEtlError, OSError) as error:
        following = f" Next: {error.hint}" if isinstance(error, CaEtlError) and error.hint else ""
        return (f"the check for alerts failed: {error}.{following}",)


def _origin(data_dir: Path) -> dict[str, str]:
    return {"machine": socket.gethostname(), "data_dir": str(data_dir.absolute())}


def transitions(
    known: Alerts,
    conditions: Iterable[Condition],
    channels: Iterable[str],
    now: datetime,
    *,
    machine: str = "",
    data_dir: str = "",
) -> tuple[tuple[Delivery, ...], Alerts]:
    """Compare the alerts in `alerts.json` with the `conditions` true at `now`; returns new messages and new content.

    A new condition makes one message for each configured channel, and later one for a channel configured since. A
    condition that lasts makes no further message. An ended condition makes one, for the channels of its opening.
    `machine` (a host name) and `data_dir` are named in the messages.
    """
    names = tuple(dict.fromkeys(channels))
    open_before = {alert.key: alert for alert in known.open}
    current = {condition.key: condition for condition in conditions}
    deliveries: list[Delivery] = []

    def delivery(change: Change, alert: OpenAlert, to: tuple[str, ...]) -> Delivery:
        texts = (alert.key, alert.title, alert.detail, alert.next_command)
        return Delivery(Message(change, *texts, alert.opened_at, now, machine, data_dir), to)

    for key, alert in open_before.items():
        to = tuple(name for name in alert.channels if name in names)
        if key not in current and to:
            deliveries.append(delivery(Change.RESOLVED, alert, to))
    still_open: list[OpenAlert] = []
    for key, condition in current.items():
        alert = _open_alert(condition, open_before.get(key), now)
        new_channels = tuple(name for name in names if name not in alert.channels)
        if new_channels:
            deliveries.append(delivery(Change.OPENED, alert, new_channels))
        still_open.append(replace(alert, channels=(*alert.channels, *new_channels)))
    # A message for a channel that is no longer configured would wait for ever.
    waiting = _filter_waiting((*known.waiting, *deliveries), lambda _, name: name in names)
    return tuple(deliveries), Alerts(tuple(still_open), waiting)


def _open_alert(condition: Condition, known: OpenAlert | None, now: datetime) -> OpenAlert:
    key, title, detail, command = condition.key, condition.title, condition.detail, condition.next_command
    if known is None:
        return OpenAlert(key, title, detail, command, condition.since, now, area=condition.area)
    return replace(known, title=title, detail=detail, next_command=command)


def notify(
    data_dir: Path,
    evaluate: Callable[[], Iterable[Condition]],
    names: Sequence[str],
    channels: Iterable[Channel],
    now: datetime,
) -> AlertReport:
    """Record the alerts that opened or ended, and send all messages that are not delivered yet.

    `evaluate` returns the conditions that are true now; it is called with the lock held, so that of two processes the
    later one knows what the earlier has sent. `names` are the configured channels, `channels` those that this process
    can send to.

    Raises `AlertsError` and `StorageError`.
    """
    reachable = {channel.name: channel for channel in channels}
    with alerts_lock(data_dir):
        known = read(data_dir)
        _, alerts = transitions(known, evaluate(), names, now, **_origin(data_dir))
        if alerts != known:
            # Recorded before the first sending: a kill while one channel is served loses no message for another.
            try:
                write(data_dir, alerts)
            except StorageError:
                # An operator must be notified of a full disk, though each check sends it again until there is room.
                for warning in _send(alerts, reachable, lambda _: None).warnings:
                    log.warning("an alert could be neither recorded nor sent: %s", warning)
                raise
        return _send(alerts, reachable, partial(write, data_dir))


def _send(alerts: Alerts, channels: Mapping[str, Channel], record: Callable[[Alerts], None]) -> AlertReport:
    """Send the undelivered messages, oldest first; after each success, `record` those that remain.

    A channel that fails is skipped from then on: its messages keep their order, and one time-out is enough.
    """
    reachable = dict(channels)
    sent: list[Message] = []
    warnings: list[str] = []
    for delivery in alerts.waiting:
        message = delivery.message
        for name in delivery.to:
            if name not in reachable:
                continue
            try:
                reachable[name].send(message)
            except ChannelError as error:
                del reachable[name]
                warnings.append(f"an alert was not delivered: {error}. Next: {error.hint} && ca-etl alerts")
                continue
            log.info("sent to %s: %s", name, message.subject)
            sent.append(message)
            alerts = replace(alerts, waiting=_without(alerts.waiting, message, name))
            record(alerts)
    return AlertReport(alerts.open, tuple(dict.fromkeys(sent)), alerts.waiting, tuple(warnings))


def _without(waiting: Iterable[Delivery], message: Message, channel: str) -> tuple[Delivery, ...]:
    return _filter_waiting(waiting, lambda other, name: (other, name) != (message, channel))


def _filter_waiting(
    waiting: Iterable[Delivery], keep: Callable[[Message, str], bool]
) -> tuple[Delivery, ...]:
    kept = (
        replace(delivery, to=tuple(name for name in delivery.to if keep(delivery.message, name)))
        for delivery in waiting
    )
    return tuple(delivery for delivery in kept if delivery.to)


def read(data_dir: Path) -> Alerts:
    """Read `alerts.json`; without the file there are no alerts.

    Raises `AlertsError` when the file is damaged, `StorageError` when it cannot be read.
    """
    path = data_dir / ALERTS_FILE
    data = read_if_there(path)
    if data is None:
        return Alerts()
    try:
        return _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise AlertsError(
            f"{path} is not a list of alerts: {'.'.join(map(str, first['loc']))} {first['msg']}; "
            "without it, the next check makes a new one and sends the open alerts once more",
            f"mv {path} {path}.damaged",
        ) from error


def damage_of_alerts(data_dir: Path) -> tuple[Damage, ...]:
    """The damage of an `alerts.json` that cannot be read; empty for a readable or missing file."""
    problem = consult(partial(read, data_dir), None, data_dir / ALERTS_FILE, f"ls -la {data_dir}").problem
    return () if problem is None else (Damage(problem.message, problem.next_command, ALERTS),)


def write(data_dir: Path, alerts: Alerts) -> None:
    """Write `alerts.json`, durable on return, while the caller holds `alerts_lock`. Raises `StorageError`."""
    write_atomic(data_dir / ALERTS_FILE, _adapter().dump_json(alerts, indent=1, by_alias=True) + b"\n")


@contextmanager
def alerts_lock(data_dir: Path, timeout: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold the lock of `alerts.json` for the `with` block, so that no other process checks or sends alerts meanwhile.

    Raises `AlertsError` when another process holds the lock for longer than `timeout` seconds, `StorageError` when the
    lock file cannot be made.
    """
    path = data_dir / LOCK_FILE
    with storage(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise AlertsError(
                f"another process has been sending alerts for {timeout:g} seconds and holds {path}; "
                "no message is lost",
                "ca-etl alerts",
            ) from None
    try:
        yield
    finally:
        lock.release()


@cache
def _adapter() -> TypeAdapter[Alerts]:
    return TypeAdapter(Alerts)
