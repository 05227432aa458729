"""Each message to each channel: written down, sent, crossed out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ca_etl.alerts.channels import Channel, ChannelError
from ca_etl.alerts.conditions import Condition
from ca_etl.alerts.store import Alerts, alerts_lock, read, write
from ca_etl.alerts.transitions import Delivery, Message, transitions
from ca_etl.warehouse.files import StorageError

log = logging.getLogger(__name__)


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
