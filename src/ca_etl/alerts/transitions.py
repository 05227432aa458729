"""What begins and what ends between two looks, and the message for each. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from ca_etl.alerts.conditions import Condition
from ca_etl.alerts.wording import lasted, one_line


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
