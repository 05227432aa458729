"""Alerts by mail, with the standard library.

Apprise sends mail too, and much else. It says why a sending failed in a log line only, and its log lines may hold
the address with the password; here a failure is an exception of which the type alone is told. Its other services
are reached through Prefect's notification blocks, which are Apprise.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from ca_etl.alerts.channels import ChannelError, failed
from ca_etl.alerts.transitions import Message
from ca_etl.errors import UsageError
from ca_etl.settings import Settings

log = logging.getLogger(__name__)

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
