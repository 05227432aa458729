"""Alerts at the end of a flow run, also through one of Prefect's notification blocks."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from inspect import iscoroutine

import httpx
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.exceptions import PrefectException
from prefect.utilities.asyncutils import run_coro_as_sync

from ca_etl.operate.alert_delivery import PREFECT, after_run
from ca_etl.operate.alert_store import Message
from ca_etl.operate.channels import Channel, ChannelError, failed, held_back
from ca_etl.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PrefectBlock:
    """The notification block `reference`, such as slack-webhook/ca-etl; its secrets stay with Prefect's server."""

    reference: str
    name: str = field(default=PREFECT, init=False)

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError`, which holds no address: a block's error may spell it."""
        with held_back():
            try:
                self._notify(message)
            except (NotificationError, PrefectException, httpx.HTTPError, OSError, ValueError) as error:
                raise ChannelError(
                    failed(f"Prefect's block {self.reference} did not notify", error), self._hint
                ) from None

    def _notify(self, message: Message) -> None:
        block: object = Block.load(self.reference)
        if not isinstance(block, NotificationBlock):
            raise ChannelError(f"Prefect's block {self.reference} is not for notifications", self._hint)
        # Without it a block of Apprise that fails says so in a log line only.
        with block.raise_on_failure():
            done: object = block.notify(body=message.body, subject=message.subject)
            if iscoroutine(done):
                # Prefect's own blocks see that nobody awaits here; one of somebody else's may not.
                run_coro_as_sync(done)

    @property
    def _hint(self) -> str:
        return f"prefect block inspect {self.reference}"


def channels_of_prefect(settings: Settings) -> tuple[Channel, ...]:
    """The channel that `alert_prefect_block` names, none without one."""
    return (PrefectBlock(settings.alert_prefect_block),) if settings.alert_prefect_block else ()


def after_flow(settings: Settings, now: datetime) -> tuple[str, ...]:
    """Look for alerts once the run of a flow is over; what stands in the way is logged and given back."""
    warnings = after_run(settings, now, also=channels_of_prefect(settings))
    for warning in warnings:
        log.warning("%s", warning)
    return warnings
