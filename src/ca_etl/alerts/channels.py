"""Where alerts go: a webhook and mail. What a channel says of a failure never holds its address.

An error of requests spells the URL, and the URL of a webhook is its password. So an error is told by its type alone,
and the libraries' own log lines are held back while they send.
"""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Final, Protocol

import requests
from pydantic import SecretStr

from ca_etl.alerts.transitions import Message
from ca_etl.errors import CaEtlError

# They name the path of a webhook at DEBUG, the whole URL at INFO (httpx) or, of an answer with a header line that is
# not one, at WARNING (urllib3.connection).
TALKATIVE: Final = frozenset({"urllib3", "requests", "httpx", "httpcore", "apprise"})
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
    """Drop the log lines of the libraries that send, for the block and for its thread."""
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in TALKATIVE]
    sending = threading.get_ident()

    def drop(record: logging.LogRecord) -> bool:
        return record.thread != sending

    loggers = [logging.getLogger(name) for name in {*TALKATIVE, *known}]
    for logger in loggers:
        logger.addFilter(drop)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(drop)


@dataclass(slots=True)
class Bounded:
    """A channel with `seconds` for all the messages of one check, from the look-up of its host to the last byte.

    The timeouts of requests and smtplib begin anew with every byte, so a server that sends one a second would hold a
    run for as long as it pleased. The sending is left to a thread; one that takes too long is abandoned with it, and
    ends with the server or the process. Its message waits, and may arrive twice.
    """

    channel: Channel
    seconds: float

    @property
    def name(self) -> str:
        """The name of the channel."""
        return self.channel.name

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError`, also when the time is up."""
        outcome: Future[None] = Future()

        def deliver() -> None:
            try:
                self.channel.send(message)
            except BaseException as error:  # noqa: BLE001  it is raised where the outcome is waited for
                outcome.set_exception(error)
            else:
                outcome.set_result(None)

        began = time.monotonic()
        if self.seconds > 0:
            threading.Thread(target=copy_context().run, args=(deliver,), daemon=True).start()
            wait((outcome,), self.seconds)
            self.seconds -= time.monotonic() - began
        if not outcome.done():
            raise ChannelError(f"the {self.name} took too long", "check that its server answers")
        outcome.result()


def failed(what: str, error: Exception) -> str:
    """What is told of a failure: the kind of error, and the code of a mail server's answer."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{what}: {type(error).__name__}{code}"
