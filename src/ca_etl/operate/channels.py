"""The message of an alert, and the channels that send it to an operator: a webhook and mail.

The URL of a webhook is its password, and an error of requests contains the URL. So the error of a channel reports
only the type of the library's error, and the libraries' own log lines are dropped during sending. Mail uses the
standard library: Apprise reports failures in log lines only, which may contain the password.
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

# Libraries that log the path of a webhook at DEBUG, or the whole URL: at INFO (httpx), and at WARNING for a response
# with a malformed header line (urllib3.connection).
SENDING_LIBRARIES: Final = frozenset({"urllib3", "requests", "httpx", "httpcore", "apprise"})
TIMEOUTS: Final = (5.0, 10.0)


class Change(StrEnum):
    """Whether a message reports that an alert opened or that it was resolved."""

    OPENED = "opened"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to an operator about an alert that opened or was resolved; `at` is when it did (UTC).

    `machine` is the host name of the machine that noticed this, `data_dir` the data directory; both are empty in
    messages of an earlier version.
    """

    change: Change
    key: str
    title: str
    detail: str
    next_command: str
    opened_at: AwareDatetime
    at: AwareDatetime
    machine: str = ""
    data_dir: str = ""

    @property
    def subject(self) -> str:
        """The alert message in one line, with the title of the alert."""
        if self.change is Change.OPENED:
            return one_line(f"ca-etl: {self.title}")
        return one_line(f"ca-etl: resolved after {duration(self.at - self.opened_at)}: {self.title}")

    @property
    def body(self) -> str:
        """The text of the alert message: details, next command (where the alert opened), machine and data directory."""
        is_open = self.change is Change.OPENED
        lines = [f"{self.detail}\nNext: {self.next_command}" if is_open else f"The alert was: {self.detail}"]
        lines += (
            [one_line(f"Machine: {self.machine}, data directory: {self.data_dir}")] if self.machine else []
        )
        return "\n".join(lines)

    @property
    def text(self) -> str:
        """Subject and body of the alert message in one text, for a channel without a field for the subject."""
        return f"{self.subject}\n{self.body}"

    @property
    def message_id(self) -> str:
        """The identifier of the alert message, 32 hex digits; it is the same however often the message is sent."""
        identity = f"{self.change}\n{self.key}\n{self.opened_at.isoformat()}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]


class ChannelError(CaEtlError):
    """A channel did not accept an alert message, which is sent again at the next check."""


class Channel(Protocol):
    """A way to send alert messages to an operator, such as mail."""

    @property
    def name(self) -> str:
        """The name of the alert channel, for `alerts.json` and logs; it has no secrets."""

    def send(self, message: Message) -> None:
        """Send one alert message. Raises `ChannelError` when the channel did not accept it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An alert channel that posts messages to a URL, as JSON in the form of Slack, `{"text": ...}`.

    `timeouts` are the seconds to connect and to read.
    """

    url: SecretStr
    timeouts: tuple[float, float] = TIMEOUTS
    name: str = field(default="webhook", init=False)

    def send(self, message: Message) -> None:
        """Post one alert message to the URL. Raises `ChannelError` for any status but 2xx, also for a redirect."""
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
                    f"the webhook could not be reached: {type(error).__name__}",
                    "env | grep -o ^CA_ETL_ALERT_WEBHOOK",
                ) from None
        if not 200 <= status < 300:
            raise ChannelError(
                f"the webhook responded with status {status}", "env | grep -o ^CA_ETL_ALERT_WEBHOOK"
            )


def escape_slack_markup(text: str) -> str:
    """Escape the characters of Slack's mark-up in a text: a page title `<!channel>` must not notify every member."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextmanager
def muted_libraries() -> Iterator[None]:
    """Drop the log lines that the libraries for sending write within the `with` block, in this thread only."""
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
    """An alert channel that has `seconds` in total to send all messages of one check, DNS included.

    The timeouts of requests and smtplib start again with every byte, so that a server that sends one byte a second
    could hold a run for ever. Each message is sent in a thread; a thread that takes too long is abandoned. Its message
    is sent again at the next check, and may arrive twice.
    """

    channel: Channel
    seconds: float

    @property
    def name(self) -> str:
        """The name of the alert channel whose sending time is limited."""
        return self.channel.name

    def send(self, message: Message) -> None:
        """Send one alert message. Raises `ChannelError`, also when the remaining seconds are not enough."""
        outcome: Future[None] = Future()

        def deliver() -> None:
            try:
                self.channel.send(message)
            except BaseException as error:  # noqa: BLE001  `outcome.result()` below raises it
                outcome.set_exception(error)
            else:
                outcome.set_result(None)

        start = time.monotonic()
        if self.seconds > 0:
            threading.Thread(target=copy_context().run, args=(deliver,), daemon=True).start()
            wait((outcome,), self.seconds)
            self.seconds -= time.monotonic() - start
        if not outcome.done():
            raise ChannelError(
                f"the {self.name} channel took too long to accept a message",
                "ca-etl doctor",
            )
        outcome.result()


def describe_failure(what: str, error: Exception) -> str:
    """Describe a failure to send, without secrets: `what`, the type of the error, and a mail server's code."""
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{what}: {type(error).__name__}{code}"


PORTS: Final = {"smtp": 587, "smtps": 465}
TIMEOUT_SECONDS: Final = 10.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HINT: Final = "export CA_ETL_ALERT_MAIL=smtps://user@host:465"


@dataclass(frozen=True, slots=True)
class Mail:
    """An alert channel that mails each message to all `recipients`. `timeout` is in seconds, for each response."""

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
        """The mail channel that the settings configure, at the server `url`. Raises `UsageError` without secrets."""
        parts, port = _split(url)
        user = unquote(parts.username or "")
        sender = settings.alert_mail_from or (user if "@" in user else "")
        if not settings.alert_mail_to:
            raise UsageError(
                "CA_ETL_ALERT_MAIL is set, but CA_ETL_ALERT_MAIL_TO names no recipient",
                """export CA_ETL_ALERT_MAIL_TO='["operator@example.org"]'""",
            )
        addresses = (sender, *settings.alert_mail_to)
        if not all(map(_is_mail_address, addresses)):
            raise UsageError(
                "CA_ETL_ALERT_MAIL_FROM or CA_ETL_ALERT_MAIL_TO has an entry that is not a mail address",
                "export CA_ETL_ALERT_MAIL_FROM=sender@example.org",
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
        """Mail one message. Raises `ChannelError` when the server accepts it for no recipient.

        When the server refuses only some recipients, the message counts as delivered: sent again at every check, it
        would reach the other recipients each time.
        """
        try:
            with self._connected() as server:
                refused = server.send_message(self._mail(message))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ChannelError(describe_failure("the mail was not sent", error), HINT) from None
        if refused:
            log.warning(
                "the mail server refused %d of %d recipients of an alert; check CA_ETL_ALERT_MAIL_TO",
                len(refused),
                len(self.recipients),
            )

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
        raise UsageError("CA_ETL_ALERT_MAIL is not the URL of a mail server", HINT) from None
    if not parts.hostname:
        raise UsageError("CA_ETL_ALERT_MAIL is a URL without a host", HINT)
    return parts, port
