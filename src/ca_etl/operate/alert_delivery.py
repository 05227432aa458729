"""Evaluate alert conditions, notify about changes, and retry undelivered notifications.

A message is stored as pending, sent to each channel, and marked as delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alert_store import (
    Alerts,
    Delivery,
    Message,
    OpenAlert,
    alerts_lock,
    read,
    transitions,
    write,
)
from ca_etl.operate.alerts import Condition, conditions
from ca_etl.operate.channels import Bounded, Channel, ChannelError, Mail, Webhook
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.durable_files import StorageError

log = logging.getLogger(__name__)

WEBHOOK: Final = "webhook"
MAIL: Final = "mail"
PREFECT: Final = "prefect"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. `sent` are the messages that reached a channel, or would be sent in a dry run.

    `waiting` are those that still have to reach one; `warnings` say why, without secrets.
    """

    open: tuple[OpenAlert, ...] = ()
    sent: tuple[Message, ...] = ()
    waiting: tuple[Delivery, ...] = ()
    warnings: tuple[str, ...] = ()


def configured(settings: Settings) -> tuple[str, ...]:
    """Names of the channels that the settings ask for. `prefect` is one that flows alone can reach."""
    asked = {
        WEBHOOK: settings.alert_webhook is not None,
        MAIL: settings.alert_mail is not None,
        PREFECT: bool(settings.alert_prefect_block),
    }
    return tuple(name for name, wanted in asked.items() if wanted)


def channels(settings: Settings) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """The channels of the library itself, and a warning for each whose settings make no sense."""
    made: list[Channel] = []
    warnings: list[str] = []
    if settings.alert_webhook is not None:
        if _is_web_address(settings.alert_webhook):
            made.append(Webhook(settings.alert_webhook))
        else:
            warnings.append("CA_ETL_ALERT_WEBHOOK is no http or https address; alerts wait")
    if settings.alert_mail is not None:
        try:
            made.append(Mail.of(settings, settings.alert_mail))
        except UsageError as error:
            warnings.append(f"{error}; alerts wait. Next: {error.hint}")
    return tuple(made), tuple(warnings)


def look(settings: Settings, now: datetime, *, also: Sequence[Channel] = (), dry_run: bool = False) -> Look:
    """Judge the journal at `now` (zone-aware), tell what changed, and record what was told.

    `also` are channels from outside the library. A message whose sending fails waits for the next look. Each is sent
    once to a channel that works, whoever looks and how many at a time; a process that is killed between a sending
    and its record sends that one again. `dry_run` sends and records nothing.

    Raises `AlertsError` and `StorageError`.
    """
    names = configured(settings)

    def judge() -> tuple[Condition, ...]:
        return conditions(settings, journal.distinct(journal.read(settings.data_dir)), now)

    if dry_run:
        deliveries, alerts = judged(read(settings.data_dir), judge(), names, now)
        return Look(alerts.open, tuple(each.message for each in deliveries), alerts.waiting)
    own, warnings = channels(settings)
    bounded = [Bounded(channel, settings.alert_timeout_seconds) for channel in (*own, *also)]
    alerts, sent, failures = tell(settings.data_dir, judge, names, bounded, now)
    return Look(alerts.open, sent, alerts.waiting, (*warnings, *failures))


def after_run(settings: Settings, now: datetime, *, also: Sequence[Channel] = ()) -> tuple[str, ...]:
    """Look once a run is over. What stands in the way is given back as warnings: the run is none the worse for it."""
    try:
        return look(settings, now, also=also).warnings
    except (CaEtlError, OSError) as error:
        hint = f" Next: {error.hint}" if isinstance(error, CaEtlError) and error.hint else ""
        return (f"alerts were not looked at: {error}.{hint}",)


def end_of_last_run(settings: Settings) -> datetime | None:
    """When the last run of the journal ended, by its own clock; None without one. The demo plays past days."""
    runs = journal.read(settings.data_dir)
    return (runs[-1].finished_at or runs[-1].started_at) if runs else None


def _is_web_address(url: SecretStr) -> bool:
    try:
        parts = urlsplit(url.get_secret_value())
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def tell(
    data_dir: Path,
    judge: Callable[[], Iterable[Condition]],
    names: Sequence[str],
    channels: Iterable[Channel],
    now: datetime,
) -> tuple[Alerts, tuple[Message, ...], tuple[str, ...]]:
    """Record what began and ended by what `judge` finds, and send what waits for `channels`.

    `names` are the channels asked for, of which some may be out of reach here. Gives back what is recorded now, the
    messages sent, and a warning for each channel that failed. `judge` is called with the lock held: of two
    processes the later one sees what the earlier has told. Raises `AlertsError` and `StorageError`.
    """
    reachable = {each.name: each for each in channels}
    with alerts_lock(data_dir):
        known = read(data_dir)
        _, alerts = judged(known, judge(), names, now)
        if alerts != known:
            # Before the first sending: a message that is on its way to one channel is not lost to another.
            try:
                write(data_dir, alerts)
            except StorageError:
                # A full disk is what an operator must hear of, though each look will tell it anew until there is room.
                _send_unrecorded(alerts, reachable)
                raise
        return _deliver(data_dir, alerts, reachable)


def judged(
    known: Alerts, conditions: Iterable[Condition], names: Sequence[str], now: datetime
) -> tuple[tuple[Delivery, ...], Alerts]:
    """The deliveries that `conditions` call for, and what is recorded with them. Pure."""
    deliveries, still_open = transitions(known.open, conditions, names, now)
    # What waits for a channel that nobody asks for any more would wait for ever.
    waiting = _narrowed((*known.waiting, *deliveries), lambda _, name: name in names)
    return deliveries, Alerts(still_open, waiting)


def _deliver(
    data_dir: Path, alerts: Alerts, reachable: dict[str, Channel]
) -> tuple[Alerts, tuple[Message, ...], tuple[str, ...]]:
    """Send what waits, oldest first, each success recorded at once.

    A channel that fails is left alone for the rest of the look: its messages keep their order, and nobody waits for
    one time-out again and again.
    """
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
            log.info("told %s: %s", name, message.subject)
            sent.append(message)
            alerts = replace(alerts, waiting=_delivered(alerts.waiting, message, name))
            write(data_dir, alerts)
    return alerts, tuple(dict.fromkeys(sent)), tuple(warnings)


def _send_unrecorded(alerts: Alerts, reachable: dict[str, Channel]) -> None:
    for delivery in alerts.waiting:
        for name in delivery.to:
            if name not in reachable:
                continue
            try:
                reachable[name].send(delivery.message)
            except ChannelError as error:
                log.warning("an alert could be neither recorded nor sent: %s", error)


def _delivered(waiting: Iterable[Delivery], message: Message, to: str) -> tuple[Delivery, ...]:
    return _narrowed(waiting, lambda each, name: (each, name) != (message, to))


def _narrowed(waiting: Iterable[Delivery], keep: Callable[[Message, str], bool]) -> tuple[Delivery, ...]:
    kept = (replace(each, to=tuple(name for name in each.to if keep(each.message, name))) for each in waiting)
    return tuple(each for each in kept if each.to)
