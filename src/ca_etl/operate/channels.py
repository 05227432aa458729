"""Where alerts are sent: a webhook and mail. The error of a channel never contains its address.

An error of requests contains the URL, and the URL of a webhook is its password. So only the type of an error is
reported, and the libraries' own log lines are held back while they send. Mail uses the standard library: Apprise
reports failures in log lines only, which may contain the password.
"""

from __future__ import annotations

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
from typing import Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import requests
from pydantic import SecretStr

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alert_store import Message
from ca_etl.settings import Settings

log = logging.getLogger(__name__)

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


PORTS: Final = {"smtp": 587, "smtps": 465}
TIMEOUT_SECONDS: Final = 10.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HINT: Final = "check CA_ETL_ALERT_MAIL, such as smtp://user@host:587 or smtps://user@host:465"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail for each message, to all of `recipients`. `timeout` is in seconds, for each answer of the server."""

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
    def of(cls, settings: Settings, url: SecretStr) -> Mail:
        """The channel that the settings describe. Raises `UsageError`, which holds no value of a secret."""
        parts, port = _split(url)
        user = unquote(parts.username or "")
        sender = settings.alert_mail_from or (user if "@" in user else "")
        if not settings.alert_mail_to:
            raise UsageError(
                "CA_ETL_ALERT_MAIL is set and CA_ETL_ALERT_MAIL_TO names nobody",
                """CA_ETL_ALERT_MAIL_TO='["operator@example.org"]'""",
            )
        addresses = (sender, *settings.alert_mail_to)
        if any("@" not in each or not each.isprintable() or " " in each for each in addresses):
            raise UsageError(
                "the sender or a recipient of alerts is no mail address", "CA_ETL_ALERT_MAIL_FROM=..."
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
        the others at every look.
        """
        try:
            with self._connected() as server:
                refused = server.send_message(self._mail(message))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ChannelError(failed("the mail was not sent", error), HINT) from None
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


def _split(url: SecretStr) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url.get_secret_value())
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise UsageError("CA_ETL_ALERT_MAIL is no address of a mail server", HINT) from None
    if not parts.hostname:
        raise UsageError("CA_ETL_ALERT_MAIL names no host", HINT)
    return parts, port
