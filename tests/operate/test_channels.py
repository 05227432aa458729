"""The webhook and the mail, against listeners on loopback that behave, misbehave, drip or send nonsense."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ca_etl.errors import UsageError
from ca_etl.operate.alert_delivery import channels, check_alerts, configured_channels, read
from ca_etl.operate.channels import Change, Channel, ChannelError, Mail, Message, TimeLimit, Webhook
from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunRecord

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPENED = Message(
    Change.OPENED, "checks_failed", "Checks <failed> & more", "a <!channel>", "ca-etl status", NOON, NOON
)
RESOLVED = Message(
    Change.RESOLVED,
    "run_failed",
    "Runs\nfail",
    "no space",
    "ca-etl status",
    NOON,
    NOON + timedelta(minutes=90),
)
PASSWORD = "hunter2"  # noqa: S105
MakeSettings = Callable[..., Settings]


def webhook(url: str) -> Webhook:
    return Webhook(SecretStr(url), timeouts=(0.5, 0.3))


def failure(channel: Channel, message: Message = OPENED) -> str:
    with pytest.raises(ChannelError) as error:
        channel.send(message)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return str(error.value)


def test_a_webhook_gets_one_text_in_which_slack_sees_no_mark_up(listener: Any) -> None:
    webhook(listener.url).send(OPENED)
    webhook(listener.url).send(RESOLVED)
    assert listener.got == [
        {
            "text": "ca-etl: Checks &lt;failed&gt; &amp; more\na &lt;!channel&gt;\nNext: ca-etl status",
        },
        {"text": "ca-etl: resolved after 1 h 30 min: Runs fail\nThe alert was: no space"},
    ]


@pytest.mark.parametrize("status", [300, 404, 500])
def test_a_response_that_is_not_a_success_is_a_failure(listener: Any, status: int) -> None:
    listener.status = status
    assert failure(webhook(listener.url)) == f"the webhook responded with status {status}"


def test_a_redirect_is_not_followed(listen: Callable[..., Any]) -> None:
    elsewhere = listen()
    listener = listen(status=307, location=elsewhere.url)
    assert failure(webhook(listener.url)) == "the webhook responded with status 307"
    assert elsewhere.got == []


@pytest.mark.parametrize(("manner", "named"), [("hangs", "ReadTimeout"), ("closes", "ConnectionError")])
def test_a_listener_that_hangs_or_closes_is_a_failure_of_a_kind(
    listener: Any, manner: str, named: str
) -> None:
    listener.manner = manner
    assert failure(webhook(listener.url)) == f"the webhook could not be reached: {named}"


def test_a_port_without_a_listener_is_a_failure_that_names_no_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert failure(webhook(f"http://127.0.0.1:{port}/a-secret")) == (
        "the webhook could not be reached: ConnectionError"
    )


def test_no_log_line_at_any_level_names_the_path_of_a_webhook(
    listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook(listener.url).send(OPENED)
    listener.status = 500
    failure(webhook(listener.url))
    assert "secret" not in caplog.text
    logging.getLogger("urllib3.connectionpool").debug("afterwards it logs again")
    assert "afterwards" in caplog.text


def mail(settings_with: MakeSettings, port: int, **values: Any) -> Mail:
    settings = settings_with(
        **{
            "alert_mail": f"smtp://ca%40example.org@127.0.0.1:{port}",
            "alert_mail_to": ("a@example.org", "b@example.org"),
            **values,
        }
    )
    return Mail.from_settings(settings, settings.alert_mail)


def test_a_mail_reaches_all_recipients_with_subject_and_body(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    mail(settings_with, mail_server.port).send(RESOLVED)
    (text,) = mail_server.mails
    got = email.message_from_string(text, policy=email.policy.default)
    assert got["Subject"] == "ca-etl: resolved after 1 h 30 min: Runs fail"
    assert (got["From"], got["To"]) == ("ca@example.org", "a@example.org, b@example.org")
    assert got["Date"].datetime == RESOLVED.at
    assert got.get_content().strip() == "The alert was: no space"
    assert mail_server.recipients == ["a@example.org", "b@example.org"]


def test_a_mail_that_is_sent_twice_is_the_same_mail(mail_server: Any, settings_with: MakeSettings) -> None:
    for message in (OPENED, OPENED, RESOLVED):
        mail(settings_with, mail_server.port).send(message)
    ids = [email.message_from_string(text)["Message-ID"] for text in mail_server.mails]
    assert [ids.count(message_id) for message_id in ids] == [2, 2, 1]


def test_a_mail_of_which_one_recipient_is_refused_counts_as_sent(
    mail_server: Any, settings_with: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server.refuses = frozenset({"a@example.org"})
    mail(settings_with, mail_server.port).send(OPENED)
    assert mail_server.recipients == ["b@example.org"]
    assert "refused 1 of 2 recipients" in caplog.text


def test_a_mail_that_no_recipient_is_accepted_for_is_a_failure(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    mail_server.refuses = frozenset({"a@example.org", "b@example.org"})
    assert failure(mail(settings_with, mail_server.port)) == ("the mail was not sent: SMTPRecipientsRefused")


def test_a_password_of_its_own_setting_logs_in(mail_server: Any, settings_with: MakeSettings) -> None:
    mail_server.password = PASSWORD
    mail(settings_with, mail_server.port, alert_mail_password=PASSWORD).send(OPENED)
    assert len(mail_server.mails) == 1


def test_a_wrong_password_is_reported_by_code_even_where_the_server_repeats_it(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    mail_server.password = f"not {PASSWORD}"
    assert failure(mail(settings_with, mail_server.port, alert_mail_password=PASSWORD)) == (
        "the mail was not sent: SMTPAuthenticationError 535"
    )


def test_a_server_that_speaks_no_tls_is_a_failure_under_smtps(
    mail_server: Any, settings_with: MakeSettings
) -> None:
    assert failure(
        mail(
            settings_with,
            mail_server.port,
            alert_mail=f"smtps://127.0.0.1:{mail_server.port}",
            alert_mail_from="ca@example.org",
        )
    ).startswith("the mail was not sent: SSL")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"alert_mail": "imap://hunter2@host"}, "not the URL of a mail server"),
        ({"alert_mail": "smtp://hunter2@host:many"}, "not the URL of a mail server"),
        ({"alert_mail": "smtp:hunter2"}, "URL without a host"),
        ({"alert_mail_to": ()}, "CA_ETL_ALERT_MAIL_TO names no recipient"),
        ({"alert_mail_to": ("a@b.org\nBcc: c@d.org",)}, "not a mail address"),
        ({"alert_mail": "smtp://hunter2@host"}, "not a mail address"),
    ],
)
def test_a_mail_setting_that_is_not_valid_is_named_without_its_value(
    settings_with: MakeSettings, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        mail(settings_with, 25, **values)
    assert "hunter2" not in str(error.value) + error.value.hint


def test_a_webhook_that_is_not_an_address_is_a_warning_without_its_value(settings_with: MakeSettings) -> None:
    settings = settings_with(alert_webhook="hunter2")
    own, warnings = channels(settings)
    assert (own, configured_channels(settings)) == ((), ("webhook",))
    assert warnings == (
        "CA_ETL_ALERT_WEBHOOK is not an http or https address, so that no alert can be sent to it",
    )


def test_settings_and_channels_show_no_secret(settings_with: MakeSettings) -> None:
    settings = settings_with(
        alert_webhook="http://127.0.0.1/hunter2",
        alert_mail="smtp://user%40example.org:hunter2@127.0.0.1:25",
        alert_mail_password=PASSWORD,
        alert_mail_to=("a@example.org",),
    )
    own, _ = channels(settings)
    assert [channel.name for channel in own] == ["webhook", "mail"]
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()} {own!r}"


MESSAGE = Message(Change.OPENED, "run_failed", "A run failed", "no space", "ca-etl status", NOON, NOON)
SECRET = "a-secret-path-1"  # noqa: S105
Talk = Callable[[socket.socket, threading.Event], None]


def drip(sock: socket.socket, released: threading.Event, text: bytes) -> None:
    """One byte every twentieth of a second until the test is over: no timeout of a read ever fires."""
    for index in range(100_000):
        if released.wait(0.05):
            return
        sock.sendall(text[index % len(text) :][:1])


def drips_status_line(sock: socket.socket, released: threading.Event) -> None:
    drip(sock, released, b"HTTP/1.1 200 " + b"O" * 100_000)


def drips_header(sock: socket.socket, released: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    drip(sock, released, b"a")


def drips_interim_responses(sock: socket.socket, released: threading.Event) -> None:
    drip(sock, released, b"HTTP/1.1 100 Continue\r\n\r\n")


def drips_greeting(sock: socket.socket, released: threading.Event) -> None:
    drip(sock, released, b"220-still getting up\r\n")


@pytest.fixture
def port_of() -> Iterator[Callable[[Talk], int]]:
    """A server on loopback that calls `talk` for each connection, until the test is over."""
    with ExitStack() as stack:
        released = threading.Event()
        threads: list[threading.Thread] = []
        stack.callback(lambda: [thread.join() for thread in threads])
        stack.callback(released.set)

        def listen(talk: Talk) -> int:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            server.settimeout(0.05)

            def serve() -> None:
                while not released.is_set():
                    try:
                        sock, _ = server.accept()
                    except TimeoutError:
                        continue
                    except OSError:
                        return
                    with sock:
                        try:
                            talk(sock, released)
                        except OSError:
                            continue

            threads.append(threading.Thread(target=serve))
            threads[-1].start()
            return int(server.getsockname()[1])

        yield listen


def webhook_on(port: int) -> Webhook:
    return Webhook(SecretStr(f"http://127.0.0.1:{port}/{SECRET}"))


@pytest.mark.parametrize("talk", [drips_status_line, drips_header, drips_interim_responses])
def test_a_webhook_that_drips_is_given_up_after_its_time(port_of: Callable[[Talk], int], talk: Talk) -> None:
    with pytest.raises(ChannelError, match="the webhook channel took too long to accept a message"):
        TimeLimit(webhook_on(port_of(talk)), 0.3).send(MESSAGE)


def test_a_mail_server_that_drips_is_given_up_after_its_time(port_of: Callable[[Talk], int]) -> None:
    mail = Mail("127.0.0.1", port_of(drips_greeting), False, "a@example.org", ("b@example.org",))  # noqa: FBT003
    with pytest.raises(ChannelError, match="the mail channel took too long to accept a message"):
        TimeLimit(mail, 0.3).send(MESSAGE)


@dataclass
class Slow:
    """A channel that takes a while, and keeps what it is sent."""

    seconds: float = 0.0
    name: str = "webhook"
    got: list[Message] = field(default_factory=list)
    never: threading.Event = field(default_factory=threading.Event)

    def send(self, message: Message) -> None:
        self.got.append(message)
        self.never.wait(self.seconds)


def test_the_time_is_for_all_messages_of_a_check_together() -> None:
    slow = Slow(0.2)
    channel = TimeLimit(slow, 0.3)
    failures = 0
    for _ in range(10):
        try:
            channel.send(MESSAGE)
        except ChannelError:
            failures += 1
    assert failures >= 8
    assert len(slow.got) <= 2


def test_a_failure_and_a_defect_of_a_channel_are_raised_where_it_was_called() -> None:
    class Broken(Slow):
        def send(self, message: Message) -> None:
            raise ChannelError("out of order") if message.key == "run_failed" else KeyError(message.key)

    with pytest.raises(ChannelError, match="out of order"):
        TimeLimit(Broken(), 30).send(MESSAGE)
    with pytest.raises(KeyError):
        TimeLimit(Broken(), 30).send(Message(Change.OPENED, "other", "", "", "", NOON, NOON))


def test_a_check_with_a_slow_webhook_ends_reaches_the_mail_and_leaves_the_message_for_the_next(
    port_of: Callable[[Talk], int], mail_server: Any, listener: Any, settings_with: MakeSettings
) -> None:
    mailed = {
        "alert_mail": f"smtp://ca%40example.org@127.0.0.1:{mail_server.port}",
        "alert_mail_to": ("a@example.org",),
    }
    slow = settings_with(
        alert_webhook=f"http://127.0.0.1:{port_of(drips_header)}/{SECRET}", alert_timeout_seconds=3, **mailed
    )
    slow.data_dir.mkdir()
    now = utc_now()
    line = RunRecord(
        f"{now:%Y%m%dT%H%M%SZ}", "run", now, "checks_failed", "0.1.0", finished_at=now, error="a jump"
    )
    journal.append(slow.data_dir, line)
    assert check_alerts(slow, now).warnings == (
        (
            "an alert was not delivered: the webhook channel took too long to accept a message. "
            "Next: ca-etl doctor && ca-etl alerts"
        ),
    )
    assert [delivery.to for delivery in read(slow.data_dir).waiting] == [("webhook",)]
    assert len(mail_server.mails) == 1
    assert check_alerts(settings_with(alert_webhook=listener.url, **mailed), now).warnings == ()
    assert (len(listener.got), len(mail_server.mails)) == (1, 1)


def bad_header(sock: socket.socket, _: threading.Event) -> None:
    sock.recv(65_536)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\0 no header\r\nContent-Length: 0\r\n: none\r\n\r\n")


def test_a_response_with_broken_headers_logs_no_address(
    port_of: Callable[[Talk], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook_on(port_of(bad_header)).send(MESSAGE)
    assert SECRET not in caplog.text


def test_the_log_lines_of_other_threads_are_kept(
    port_of: Callable[[Talk], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ChannelError):
        TimeLimit(webhook_on(port_of(drips_header)), 0.3).send(MESSAGE)
    logging.getLogger("urllib3.connectionpool").debug("a page is requested")
    assert "a page is requested" in caplog.text
    assert SECRET not in caplog.text


def test_a_time_that_would_outlast_the_lock_is_not_a_setting(tmp_path: Path) -> None:
    for seconds in (0, 36, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="alert_timeout_seconds"):
            Settings(data_dir=tmp_path, alert_timeout_seconds=seconds, _env_file=None)
