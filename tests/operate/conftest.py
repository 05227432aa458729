from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ca_etl.settings import Settings

SECRET = "T0000-B0000-a-secret-path"  # noqa: S105


@dataclass
class Listener:
    """A webhook on loopback. `status` is that of its responses; `manner` makes it misbehave instead."""

    url: str = ""
    status: int = 200
    manner: str = ""
    location: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def subjects(self) -> list[str]:
        return [str(message["text"]).splitlines()[0] for message in self.got]


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if listener.manner == "hangs":
                listener.released.wait(30)
                return
            if listener.manner == "holds":
                listener.arrived.set()
                listener.released.wait(30)
            if listener.manner == "closes":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if listener.status < 300:
                listener.got.append(json.loads(body))
            self.send_response(listener.status)
            if listener.location:
                self.send_header("Location", listener.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    with ExitStack() as stack:

        def start(**manners: Any) -> Listener:
            listener = Listener(**manners)
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _handler(listener)))
            listener.url = f"http://127.0.0.1:{server.server_port}/services/{SECRET}"
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            stack.callback(listener.released.set)
            return listener

        yield start


@pytest.fixture
def listener(listen: Callable[..., Listener]) -> Listener:
    return listen()


@dataclass
class MailServer:
    """An SMTP server on loopback that keeps what it is sent. It refuses the recipients in `refuses`."""

    port: int = 0
    refuses: frozenset[str] = frozenset()
    password: str | None = None
    mails: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


def _mail_handler(kept: MailServer) -> type[socketserver.StreamRequestHandler]:
    import base64

    class Handler(socketserver.StreamRequestHandler):
        def send_line(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.send_line("220 sink")
            for raw in self.rfile:
                line = raw.decode(errors="replace").strip()
                word = line.upper()
                if word.startswith("EHLO"):
                    self.send_line("250-sink\r\n250 AUTH PLAIN")
                elif word.startswith("AUTH PLAIN"):
                    _, _, password = base64.b64decode(line.split()[2]).decode().split("\0")
                    right = password == kept.password
                    self.send_line("235 welcome" if right else f"535 {password} is wrong")
                elif word.startswith("RCPT TO:"):
                    address = line[9:-1]
                    refused = address in kept.refuses
                    kept.recipients += [] if refused else [address]
                    self.send_line("550 nobody" if refused else "250 fine")
                elif word == "DATA":
                    self.send_line("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    kept.mails.append(b"".join(lines).decode())
                    self.send_line("250 kept")
                elif word == "QUIT":
                    self.send_line("221 bye")
                    return
                else:
                    self.send_line("250 fine")

    return Handler


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    kept = MailServer()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _mail_handler(kept)) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    def make(**values: Any) -> Settings:
        paced = {"demo_port": 0, "min_interval_seconds": 0, "backoff_seconds": 0}
        return Settings(data_dir=tmp_path / "data", _env_file=None, **{**paced, **values})

    return make
