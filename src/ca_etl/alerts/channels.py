"""Where alerts go: a webhook and mail. What a channel says of a failure never holds its address.

An error of requests spells the URL, and the URL of a webhook is its password. So an error is told by its type alone,
and the libraries' own log lines are held back while they send.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import requests
from pydantic import SecretStr

from ca_etl.alerts.transitions import Message
from ca_etl.errors import CaEtlError

# requests and urllib3 name the path at DEBUG; httpx, under Prefect's blocks, names the whole URL at INFO.
TALKATIVE: Final = (
    "urllib3.connectionpool",
    "requests",
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "apprise",
)
TIMEOUTS: Final = (5.0, 10.0)


class ChannelError(CaEtlError):
    """A message could not be delivered; it waits, and is sent again at the next look."""


class Channel(Protocol):
    """A way to an operator. `name` is written to disk and to logs: it holds no secret."""

    @property
    def name(self) -> str:
        """Under which deliveries are recorded."""

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError`."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """POST `{"text": ...}` as JSON, the form that Slack and what imitates it take. `timeouts` are seconds."""

    url: SecretStr
    timeouts: tuple[float, float] = TIMEOUTS
    name: str = field(default="webhook", init=False)

    def send(self, message: Message) -> None:
        """Deliver one message. Any answer but 2xx is a failure; a redirect is not followed."""
        with held_back():
            try:
                with requests.post(
                    self.url.get_secret_value(),
                    json={"text": escaped(message.text)},
                    timeout=self.timeouts,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    status = answer.status_code
            except (requests.RequestException, OSError, ValueError) as error:
                raise ChannelError(
                    f"the webhook was not reached: {type(error).__name__}", "check CA_ETL_ALERT_WEBHOOK"
                ) from None
        if not 200 <= status < 300:
            raise ChannelError(f"the webhook answered {status}", "check CA_ETL_ALERT_WEBHOOK")


def escaped(text: str) -> str:
    """Text in which Slack sees no mark-up: a title `<!channel>` of a page must not call everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextmanager
def held_back() -> Iterator[None]:
    """Drop the log lines of the libraries that send, for the block."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]

    def drop(_record: logging.LogRecord) -> bool:
        return False

    for each in loggers:
        each.addFilter(drop)
    try:
        yield
    finally:
        for each in loggers:
            each.removeFilter(drop)


def failed(what: str, error: Exception) -> str:
    """What is told of a failure: the kind of error, and the code of a mail server's answer."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{what}: {type(error).__name__}{code}"
