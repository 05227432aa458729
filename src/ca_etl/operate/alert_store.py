"""Open alerts and pending messages (`<data_dir>/alerts.json`, written whole each time), and what changes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from ca_etl.errors import CaEtlError
from ca_etl.operate.alerts import Condition, lasted, one_line
from ca_etl.warehouse.durable_files import read_if_there, storage, write_atomic


class Change(StrEnum):
    """What a message tells."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """A condition that holds, as it was last seen. `opened_at` (UTC) is when it was first seen.

    `told` are the channels for which its opening message was made, whether or not it has arrived yet.
    """

    key: str
    title: str
    detail: str
    next_command: str
    since: AwareDatetime
    opened_at: AwareDatetime
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent when an alert opens or is resolved. `at` is UTC."""

    change: Change
    key: str
    title: str
    detail: str
    next_command: str
    opened_at: AwareDatetime
    at: AwareDatetime

    @property
    def subject(self) -> str:
        """One line."""
        if self.change is Change.OPENED:
            return one_line(f"ca-etl: {self.title}")
        return one_line(f"ca-etl: resolved after {lasted(self.at - self.opened_at)}: {self.title}")

    @property
    def body(self) -> str:
        """What stands below the subject."""
        if self.change is Change.OPENED:
            return f"{self.detail}\nNext: {self.next_command}"
        return f"It was: {self.detail}"

    @property
    def text(self) -> str:
        """Subject and body."""
        return f"{self.subject}\n{self.body}"

    @property
    def message_id(self) -> str:
        """The same for the same message, however often it is sent."""
        named = f"{self.change}\n{self.key}\n{self.opened_at.isoformat()}"
        return hashlib.sha256(named.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the channels that it has not reached yet."""

    message: Message
    to: tuple[str, ...]


def transitions(
    before: Sequence[OpenAlert], conditions: Iterable[Condition], channels: Iterable[str], now: datetime
) -> tuple[tuple[Delivery, ...], tuple[OpenAlert, ...]]:
    """The messages to send and the alerts open after them.

    A new condition opens once, for each of the `channels` configured: a channel that is set up later is told then.
    One that goes on is silent. One that is gone gives one message, to the channels that were told of its opening.
    """
    names = tuple(dict.fromkeys(channels))
    open_before = {alert.key: alert for alert in before}
    holding = {condition.key: condition for condition in conditions}
    deliveries: list[Delivery] = []
    for key, alert in open_before.items():
        to = tuple(name for name in alert.told if name in names)
        if key not in holding and to:
            deliveries.append(Delivery(_message(Change.RESOLVED, alert, now), to))
    after: list[OpenAlert] = []
    for key, condition in holding.items():
        known = open_before.get(key)
        alert = _seen(condition, known, now)
        untold = tuple(name for name in names if name not in alert.told)
        if untold:
            deliveries.append(Delivery(_message(Change.OPENED, alert, now), untold))
        after.append(replace(alert, told=(*alert.told, *untold)))
    return tuple(deliveries), tuple(after)


def _seen(condition: Condition, known: OpenAlert | None, now: datetime) -> OpenAlert:
    return OpenAlert(
        key=condition.key,
        title=condition.title,
        detail=condition.detail,
        next_command=condition.next_command,
        since=known.since if known else condition.since,
        opened_at=known.opened_at if known else now,
        told=known.told if known else (),
    )


def _message(change: Change, alert: OpenAlert, now: datetime) -> Message:
    return Message(change, alert.key, alert.title, alert.detail, alert.next_command, alert.opened_at, now)


ALERTS_FILE: Final = "alerts.json"
LOCK_FILE: Final = ".alerts.lock"
# Longer than one process needs to send to three channels that all hang.
PATIENCE_SECONDS: Final = 120.0


class AlertsError(CaEtlError):
    """The alerts on disk cannot be read, or another process does not let go of them."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The open alerts, and the deliveries that have not arrived, oldest first."""

    # An unknown field was written by a later version: dropping it would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    open: tuple[OpenAlert, ...] = ()
    waiting: tuple[Delivery, ...] = ()


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
            f"{path} is no list of alerts: {'.'.join(map(str, first['loc']))} {first['msg']}",
            f"mv {path} {path}.damaged (open alerts are then told once more)",
        ) from error


def write(data_dir: Path, alerts: Alerts) -> None:
    """Record `alerts`, durable on return, while `alerts_lock` is held. Raises `StorageError`."""
    write_atomic(data_dir / ALERTS_FILE, _adapter().dump_json(alerts, indent=1) + b"\n")


@contextmanager
def alerts_lock(data_dir: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Be the only one who looks and tells, from reading to the last sending.

    Raises `AlertsError` when another process holds the lock for longer than `patience` seconds, `StorageError`.
    """
    path = data_dir / LOCK_FILE
    with storage(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise AlertsError(
                f"{path} has been held by another process for {patience:g} seconds",
                "ca-etl alerts (again, later: what is to be told is not lost)",
            ) from None
    try:
        yield
    finally:
        lock.release()


@cache
def _adapter() -> TypeAdapter[Alerts]:
    return TypeAdapter(Alerts)
