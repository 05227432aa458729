"""Evaluate alert conditions, notify about changes, and retry undelivered notifications.

Open alerts and pending messages are in `<data_dir>/alerts.json`, which is written whole each time. A message is
stored there as pending, sent to each channel, and marked as delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, ConfigDict, SecretStr, TypeAdapter, ValidationError

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alerts import Condition, conditions
from ca_etl.operate.channels import Change, Channel, ChannelError, Mail, Message, TimeLimit, Webhook
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.durable_files import StorageError, read_if_there, storage, write_atomic

log = logging.getLogger(__name__)

ALERTS_FILE: Final = "alerts.json"
LOCK_FILE: Final = ".alerts.lock"
# Longer than one process needs to send to three channels that all hang.
LOCK_TIMEOUT_SECONDS: Final = 120.0

WEBHOOK: Final = "webhook"
MAIL: Final = "mail"
PREFECT: Final = "prefect"


class AlertsError(CaEtlError):
    """The alerts on disk cannot be read, or another process does not release them."""


@dataclass(frozen=True, slots=True)
class OpenAlert(Condition):
    """A condition that holds, as of the last check. `opened_at` (UTC) is the time of the first check that had it.

    `told`, named as in the file, are the channels that its opening message was made for, delivered or not.
    """

    opened_at: AwareDatetime
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the channels that it has not reached yet."""

    message: Message
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """The open alerts, and the deliveries that have not arrived, oldest first."""

    # An unknown field was written by a later version: dropping it would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    open: tuple[OpenAlert, ...] = ()
    waiting: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertReport:
    """Result of one check. `sent` are the messages that reached a channel, or would be sent in a dry run.

    `waiting` are those that still have to reach one; `warnings` are the reasons, without secrets.
    """

    open: tuple[OpenAlert, ...] = ()
    sent: tuple[Message, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    warnings: tuple[str, ...] = ()


def configured_channels(settings: Settings) -> tuple[str, ...]:
    """Names of the channels that the settings configure. `prefect` is one that flows alone can reach."""
    is_set = {
        WEBHOOK: settings.alert_webhook is not None,
        MAIL: settings.alert_mail is not None,
        PREFECT: bool(settings.alert_prefect_block),
    }
    return tuple(name for name, value in is_set.items() if value)


def channels(settings: Settings) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """The channels of the library itself, and a warning for each whose settings are not valid."""
    own: list[Channel] = []
    warnings: list[str] = []
    if settings.alert_webhook is not None:
        if _is_web_address(settings.alert_webhook):
            own.append(Webhook(settings.alert_webhook))
        else:
            warnings.append("CA_ETL_ALERT_WEBHOOK is not an http or https address; alerts wait")
    if settings.alert_mail is not None:
        try:
            own.append(Mail.from_settings(settings, settings.alert_mail))
        except UsageError as error:
            warnings.append(f"{error}; alerts wait. Next: {error.hint}")
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
    """Evaluate the journal at `now` (zone-aware), notify about what changed, and record it.

    `also` are channels from outside the library. A message whose sending fails waits for the next check. Each is sent
    once to a channel that works, whichever process checks and how many at a time; a process that is killed between a
    sending and its record sends that one again. `dry_run` sends and records nothing.

    Raises `AlertsError` and `StorageError`.
    """
    names = configured_channels(settings)

    def evaluate() -> tuple[Condition, ...]:
        return conditions(settings, journal.distinct(journal.read(settings.data_dir)), now)

    if dry_run:
        deliveries, alerts = transitions(read(settings.data_dir), evaluate(), names, now)
        return AlertReport(alerts.open, tuple(delivery.message for delivery in deliveries), alerts.waiting)
    own, warnings = channels(settings)
    limited = [TimeLimit(channel, settings.alert_timeout_seconds) for channel in (*own, *also)]
    report = notify(settings.data_dir, evaluate, names, limited, now)
    return replace(report, warnings=(*warnings, *report.warnings))


def check_after_run(settings: Settings, now: datetime, *, also: Sequence[Channel] = ()) -> tuple[str, ...]:
    """Check once a run has ended; the warnings, also about a check that failed, which never fails the run."""
    try:
        return check_alerts(settings, now, also=also).warnings
    except (CaEtlError, OSError) as error:
        hint = f" Next: {error.hint}" if isinstance(error, CaEtlError) and error.hint else ""
        return (f"alerts were not checked: {error}.{hint}",)


def end_of_last_run(settings: Settings) -> datetime | None:
    """When the last run of the journal ended, by its own clock; None without one. The demo plays past days."""
    runs = journal.read(settings.data_dir)
    return (runs[-1].finished_at or runs[-1].started_at) if runs else None


def transitions(
    known: Alerts, conditions: Iterable[Condition], channels: Iterable[str], now: datetime
) -> tuple[tuple[Delivery, ...], Alerts]:
    """The deliveries that `conditions` call for, and what is recorded with them.

    A new condition opens once, for each of the `channels` configured, and later for one that is configured then.
    One that lasts is silent. One that has ended gives one message, to the channels that its opening was sent to.
    """
    names = tuple(dict.fromkeys(channels))
    open_before = {alert.key: alert for alert in known.open}
    current = {condition.key: condition for condition in conditions}
    deliveries: list[Delivery] = []
    for key, alert in open_before.items():
        to = tuple(name for name in alert.told if name in names)
        if key not in current and to:
            deliveries.append(_delivery(Change.RESOLVED, alert, now, to))
    still_open: list[OpenAlert] = []
    for key, condition in current.items():
        alert = _open_alert(condition, open_before.get(key), now)
        new_channels = tuple(name for name in names if name not in alert.told)
        if new_channels:
            deliveries.append(_delivery(Change.OPENED, alert, now, new_channels))
        still_open.append(replace(alert, told=(*alert.told, *new_channels)))
    # What waits for a channel that is no longer configured would wait for ever.
    waiting = _filter_waiting((*known.waiting, *deliveries), lambda _, name: name in names)
    return tuple(deliveries), Alerts(tuple(still_open), waiting)


def _open_alert(condition: Condition, known: OpenAlert | None, now: datetime) -> OpenAlert:
    key, title, detail, command = condition.key, condition.title, condition.detail, condition.next_command
    if known is None:
        return OpenAlert(key, title, detail, command, condition.since, now)
    return replace(known, title=title, detail=detail, next_command=command)


def _delivery(change: Change, alert: OpenAlert, now: datetime, to: tuple[str, ...]) -> Delivery:
    message = Message(change, alert.key, alert.title, alert.detail, alert.next_command, alert.opened_at, now)
    return Delivery(message, to)


def notify(
    data_dir: Path,
    evaluate: Callable[[], Iterable[Condition]],
    names: Sequence[str],
    channels: Iterable[Channel],
    now: datetime,
) -> AlertReport:
    """Record what began and ended by what `evaluate` gives, and send what waits for `channels`.

    `names` are the channels configured, of which some may be out of reach here. `evaluate` is called with the lock
    held: of two processes the later one has what the earlier has sent. Raises `AlertsError` and `StorageError`.
    """
    reachable = {channel.name: channel for channel in channels}
    with alerts_lock(data_dir):
        known = read(data_dir)
        _, alerts = transitions(known, evaluate(), names, now)
        if alerts != known:
            # Before the first sending: a message that is on its way to one channel is not lost to another.
            try:
                write(data_dir, alerts)
            except StorageError:
                # An operator must be notified of a full disk, though each check sends it again until there is room.
                for warning in _send(alerts, reachable, lambda _: None).warnings:
                    log.warning("it could not be recorded either: %s", warning)
                raise
        return _send(alerts, reachable, partial(write, data_dir))


def _send(alerts: Alerts, channels: Mapping[str, Channel], record: Callable[[Alerts], None]) -> AlertReport:
    """Send what waits, oldest first; `record` what is left after each success.

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
                warnings.append(f"an alert waits: {error}. Next: {error.hint}, then: ca-etl alerts")
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
    """What is recorded; nothing without a file. Raises `AlertsError` when it is damaged, `StorageError`."""
    path = data_dir / ALERTS_FILE
    data = read_if_there(path)
    if data is None:
        return Alerts()
    try:
        return _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise AlertsError(
            f"{path} is not a list of alerts: {'.'.join(map(str, first['loc']))} {first['msg']}",
            f"mv {path} {path}.damaged (open alerts are then sent once more)",
        ) from error


def write(data_dir: Path, alerts: Alerts) -> None:
    """Record `alerts`, durable on return, while `alerts_lock` is held. Raises `StorageError`."""
    write_atomic(data_dir / ALERTS_FILE, _adapter().dump_json(alerts, indent=1) + b"\n")


@contextmanager
def alerts_lock(data_dir: Path, timeout: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
    """Be the only process that evaluates and sends, from reading to the last sending.

    Raises `AlertsError` when another process holds the lock for longer than `timeout` seconds, `StorageError`.
    """
    path = data_dir / LOCK_FILE
    with storage(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise AlertsError(
                f"{path} has been held by another process for {timeout:g} seconds",
                "ca-etl alerts (again, later: no message is lost)",
            ) from None
    try:
        yield
    finally:
        lock.release()


@cache
def _adapter() -> TypeAdapter[Alerts]:
    return TypeAdapter(Alerts)
