"""One look at the journal: what opened or closed since the last one is told, and what still waits is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from ca_etl.alerts.channels import Bounded, Channel, Webhook
from ca_etl.alerts.conditions import Condition, conditions
from ca_etl.alerts.mail import Mail
from ca_etl.alerts.store import read
from ca_etl.alerts.telling import judged, tell
from ca_etl.alerts.transitions import Delivery, Message, OpenAlert
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.settings import Settings
from ca_etl.warehouse import journal

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
