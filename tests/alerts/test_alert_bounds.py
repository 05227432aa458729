"""A webhook or a mail server that drips or sends nonsense holds a run for a bounded time and reveals nothing."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ca_etl.operate.alert_delivery import look
from ca_etl.operate.alert_store import Change, Message, read
from ca_etl.operate.channels import Bounded, ChannelError, Mail, Webhook
from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunRecord

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MESSAGE = Message(Change.OPENED, "run_failed", "A run failed", "no space", "ca-etl status", NOON, NOON)
SECRET = "a-secret-path-1"  # noqa: S105
MakeSettings = Callable[..., Settings]
Talk = Callable[[socket.socket, threading.Event], None]


def drip(sock: socket.socket, released: threading.Event, text: bytes) -> None:
    """One byte every twentieth of a second until the test is over: no timeout of a read ever fires."""
    for place in range(100_000):
        if released.wait(0.05):
            return
        sock.sendall(text[place % len(text) :][:1])


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


def webhook(port: int) -> Webhook:
    return Webhook(SecretStr(f"http://127.0.0.1:{port}/{SECRET}"))


@pytest.mark.parametrize("talk", [drips_status_line, drips_header, drips_interim_responses])
def test_a_webhook_that_drips_is_given_up_after_its_time(port_of: Callable[[Talk], int], talk: Talk) -> None:
    with pytest.raises(ChannelError, match="the webhook took too long"):
        Bounded(webhook(port_of(talk)), 0.3).send(MESSAGE)


def test_a_mail_server_that_drips_is_given_up_after_its_time(port_of: Callable[[Talk], int]) -> None:
    mail = Mail("127.0.0.1", port_of(drips_greeting), False, "a@example.org", ("b@example.org",))  # noqa: FBT003
    with pytest.raises(ChannelError, match="the mail took too long"):
        Bounded(mail, 0.3).send(MESSAGE)


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
    channel = Bounded(slow, 0.3)
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
        Bounded(Broken(), 30).send(MESSAGE)
    with pytest.raises(KeyError):
        Bounded(Broken(), 30).send(Message(Change.OPENED, "other", "", "", "", NOON, NOON))


def test_a_look_with_a_slow_webhook_ends_reaches_the_mail_and_leaves_the_message_for_the_next(
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
    assert look(slow, now).warnings == (
        "an alert waits: the webhook took too long. Next: check that its server answers, then: ca-etl alerts",
    )
    assert [delivery.to for delivery in read(slow.data_dir).waiting] == [("webhook",)]
    assert len(mail_server.mails) == 1
    assert look(settings_with(alert_webhook=listener.url, **mailed), now).warnings == ()
    assert (len(listener.got), len(mail_server.mails)) == (1, 1)


def bad_header(sock: socket.socket, _: threading.Event) -> None:
    sock.recv(65_536)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\0 no header\r\nContent-Length: 0\r\n: none\r\n\r\n")


def test_an_answer_with_broken_headers_logs_no_address(
    port_of: Callable[[Talk], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook(port_of(bad_header)).send(MESSAGE)
    assert SECRET not in caplog.text


def test_the_lines_of_other_threads_are_not_held_back(
    port_of: Callable[[Talk], int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ChannelError):
        Bounded(webhook(port_of(drips_header)), 0.3).send(MESSAGE)
    logging.getLogger("urllib3.connectionpool").debug("a page is requested")
    assert "a page is requested" in caplog.text
    assert SECRET not in caplog.text


def test_a_time_that_would_outlast_the_lock_is_no_setting(tmp_path: Path) -> None:
    for seconds in (0, 36, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="alert_timeout_seconds"):
            Settings(data_dir=tmp_path, alert_timeout_seconds=seconds, _env_file=None)
