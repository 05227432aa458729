"""The message of an alert, and where it is sent: a webhook and mail. The error of a channel contains no address.

An error of requests contains the URL, and the URL of a webhook is its password. So only the type of an error is
reported, and the libraries' own log lines are held back while they send. Mail uses the standard library: Apprise
reports failures in log lines only, which may contain the password.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import requests
from pydantic import AwareDatetime, SecretStr

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alerts import duration, one_line
from ca_etl.settings import Settings

log = logging.getLogger(__name__)

# They log the path of a webhook at DEBUG, the whole URL at INFO (httpx) or, of a response with a line among its headers
# that is not a header, at WARNING (urllib3.connection).
SENDING_LIBRARIES: Final = frozenset({"urllib3", "requests", "httpx", "httpcore", "apprise"})
TIMEOUTS: Final = (5.0, 10.0)


class Change(StrEnum):
    """What a message reports."""

    OPENED = "opened"
    RESOLVED = "resolved"


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
        return one_line(f"ca-etl: resolved after {duration(self.at - self.opened_at)}: {self.title}")

    @property
    def body(self) -> str:
        """What follows the subject."""
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
        identity = f"{self.change}\n{self.key}\n{self.opened_at.isoformat()}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


class ChannelError(CaEtlError):
    """A message could not be delivered; it waits, and is sent again at the next check."""


class Channel(Protocol):
    """A way to an operator. `name` is written to disk and to logs: it holds no secret."""

    @property
    def name(self) -> str:
        """Under which deliveries are recorded."""

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError`."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """POST `{"text": ...}` as JSON, as Slack takes it. `timeouts` are seconds to connect and to read."""

    url: SecretStr
    timeouts: tuple[float, float] = TIMEOUTS
    name: str = field(default="webhook", init=False)

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError` for any response but 2xx; a redirect is not followed."""
        with muted_libraries():
            try:
                with requests.post(
                    self.url.get_secret_value(),
                    json={"text": escape_slack_markup(message.text)},
                    timeout=self.timeouts,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    status = response.status_code
            except (requests.RequestException, OSError, ValueError) as error:
                raise ChannelError(
                    f"the webhook was not reached: {type(error).__name__}", "check CA_ETL_ALERT_WEBHOOK"
                ) from None
        if not 200 <= status < 300:
            raise ChannelError(f"the webhook responded with {status}", "check CA_ETL_ALERT_WEBHOOK")


def escape_slack_markup(text: str) -> str:
    """The text without mark-up for Slack: a title `<!channel>` of a page must not notify every member."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextmanager
def muted_libraries() -> Iterator[None]:
    """Drop the log lines of the libraries that send, for the block and for its thread."""
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in SENDING_LIBRARIES]
    sending = threading.get_ident()

    def drop(record: logging.LogRecord) -> bool:
        return record.thread != sending

    loggers = [logging.getLogger(name) for name in {*SENDING_LIBRARIES, *known}]
    for logger in loggers:
        logger.addFilter(drop)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(drop)


@dataclass(slots=True)
class TimeLimit:
    """A channel with `seconds` for all the messages of one check, from resolving its host to the last byte.

    The timeouts of requests and smtplib start again with every byte, so that a server that sends one a second would
    hold a run for as long as it pleased. A thread sends; one that takes too long is abandoned, and ends with the
    server or the process. Its message waits, and may arrive twice.
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

        start = time.monotonic()
        if self.seconds > 0:
            threading.Thread(target=copy_context().run, args=(deliver,), daemon=True).start()
            wait((outcome,), self.seconds)
            self.seconds -= time.monotonic() - start
        if not outcome.done():
            raise ChannelError(f"the {self.name} took too long", "check that its server responds")
        outcome.result()


def describe_failure(what: str, error: Exception) -> str:
    """What is reported of a failure: the type of the error, and the code of a mail server's response."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{what}: {type(error).__name__}{code}"


PORTS: Final = {"smtp": 587, "smtps": 465}
TIMEOUT_SECONDS: Final = 10.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HINT: Final = "check CA_ETL_ALERT_MAIL, such as smtp://user@host:587 or smtps://user@host:465"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail for each message, to all of `recipients`. `timeout` is in seconds, for each response of the server."""

    host: str
    port: int
    implicit_tls: bool
    sender: str
    recipients: tuple[str, ...]
    user: str = field(default="", repr=False)
    password: SecretStr | None = None
    timeout: float = TIMEOUT_SECONDS
    name: str = field(default="mail", init=False)

    @classmethod
    def from_settings(cls, settings: Settings, url: SecretStr) -> Mail:
        """The channel that the settings describe. Raises `UsageError`, which holds no value of a secret."""
        parts, port = _split(url)
        user = unquote(parts.username or "")
        sender = settings.alert_mail_from or (user if "@" in user else "")
        if not settings.alert_mail_to:
            raise UsageError(
                "CA_ETL_ALERT_MAIL is set and CA_ETL_ALERT_MAIL_TO is empty",
                """CA_ETL_ALERT_MAIL_TO='["operator@example.org"]'""",
            )
        addresses = (sender, *settings.alert_mail_to)
        if not all(map(_is_mail_address, addresses)):
            raise UsageError(
                "the sender or a recipient of alerts is not a mail address", "CA_ETL_ALERT_MAIL_FROM=..."
            )
        return cls(
            host=parts.hostname or "",
            port=port,
            implicit_tls=parts.scheme == "smtps",
            sender=sender,
            recipients=settings.alert_mail_to,
            user=user,
            password=settings.alert_mail_password
            or (SecretStr(unquote(parts.password)) if parts.password else None),
        )

    def send(self, message: Message) -> None:
        """Deliver one message. Raises `ChannelError`.

        Where the server refuses one recipient of several, the message counts as delivered: sent again it would reach
        the others at every check.
        """
        try:
            with self._connected() as server:
                refused = server.send_message(self._mail(message))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ChannelError(describe_failure("the mail was not sent", error), HINT) from None
        if refused:
            log.warning("the mail server refused %d of %d recipients", len(refused), len(self.recipients))

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
            if self.implicit_tls
            else smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        )
        try:
            self._log_in(server, context)
        except (smtplib.SMTPException, OSError, ValueError):
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP, context: ssl.SSLContext) -> None:
        server.ehlo()
        encrypted = self.implicit_tls
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
            encrypted = True
        if self.password is None:
            return
        if not encrypted and self.host not in LOOPBACK:
            raise smtplib.SMTPNotSupportedError("no STARTTLS: the password would go in the clear")
        server.login(self.user, self.password.get_secret_value())

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = format_datetime(message.at)
        # A message that is sent twice, after a crash in between, is the same mail to its reader.
        mail["Message-ID"] = f"<{message.message_id}@ca-etl.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        return mail


def _is_mail_address(text: str) -> bool:
    return "@" in text and text.isprintable() and " " not in text


def _split(url: SecretStr) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url.get_secret_value())
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise UsageError("CA_ETL_ALERT_MAIL is not the address of a mail server", HINT) from None
    if not parts.hostname:
        raise UsageError("CA_ETL_ALERT_MAIL names no host", HINT)
    return parts, port
