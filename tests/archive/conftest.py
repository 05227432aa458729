"""A server that sends exactly the bytes it is given, and makers of the things that the archive room handles."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from ca_etl.archive.client import Fetcher
from ca_etl.archive.policy import Attempt, FetchPolicy, Validators, Verdict

NOON = datetime(2025, 12, 5, 2, 0, 0, 250000, tzinfo=UTC)
PAGE = b"<!doctype html><html><body><h1>Rates</h1>" + b"<p>KGS/USD = 0.01144 0%</p>" * 200 + b"</body></html>"

Reply = bytes | Callable[[socket.socket], None]


@dataclass
class Site:
    """A server on 127.0.0.1. `routes[path]` is a reply, or a list of replies for one hit after the other.

    A reply is the raw bytes to send before the connection ends, or a function over the socket. An unknown path,
    robots.txt too, is a 404.
    """

    port: int
    routes: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [request.split(" ")[1] for request in self.requests]

    def serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(20)
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                request += chunk
            self.requests.append(request.decode("latin-1"))
            reply = self.routes.get(
                request.split(b" ")[1].decode(), response(b"nothing here", "404 Not Found")
            )
            if isinstance(reply, list):
                reply = reply.pop(0) if len(reply) > 1 else reply[0]
            try:
                if callable(reply):
                    reply(connection)
                else:
                    connection.sendall(reply)
            except OSError:
                return  # the client hung up first


def response(body: bytes, status: str = "200 OK", *, length: int | None = -1, **headers: str) -> bytes:
    """A raw HTTP response. `length` is the Content-Length: -1 the true one, None leaves it out."""
    named = {"Content-Type": "text/html; charset=UTF-8"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    if length is not None:
        named["Content-Length"] = str(len(body) if length < 0 else length)
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


@pytest.fixture(name="response")
def _response() -> Callable[..., bytes]:
    return response


@pytest.fixture
def page() -> bytes:
    return PAGE


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def site() -> Iterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    running = Site(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=running.serve, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield running
    running.stopping.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(5)
    for thread in threads:
        thread.join(5)


@pytest.fixture
def policy() -> Callable[..., FetchPolicy]:
    def make(**changes: object) -> FetchPolicy:
        fields: dict[str, object] = {
            "user_agent": "ca_etl/0 (+tests@example.org)",
            "allowed_hosts": frozenset({"127.0.0.1"}),
            "min_interval_seconds": 0.0,
            "connect_timeout_seconds": 5.0,
            "read_timeout_seconds": 5.0,
            "max_request_seconds": 20.0,
        }
        return FetchPolicy(**(fields | changes))  # type: ignore[arg-type]

    return make


@dataclass
class Visit:
    """A Fetcher that records its sleeps instead of sleeping, and its attempts."""

    fetcher: Fetcher
    sleeps: list[float]
    seen: list[Attempt]


@pytest.fixture
def visit(policy: Callable[..., FetchPolicy]) -> Iterator[Callable[..., Visit]]:
    opened: list[Fetcher] = []

    def make(**changes: object) -> Visit:
        sleeps: list[float] = []
        seen: list[Attempt] = []
        fetcher = Fetcher(policy(**changes), clock=lambda: NOON, sleep=sleeps.append, on_attempt=seen.append)
        opened.append(fetcher)
        return Visit(fetcher, sleeps, seen)

    yield make
    for fetcher in opened:
        fetcher.__exit__(None, None, None)


@pytest.fixture
def attempt() -> Callable[..., Attempt]:
    def make(**changes: object) -> Attempt:
        fields: dict[str, object] = {
            "url": "http://site.test/latest/",
            "number": 1,
            "started_at": NOON,
            "verdict": Verdict.OK,
            "detail": "",
            "request_target": "/latest/",
            "request_headers": (("Host", "site.test"), ("User-Agent", "ca_etl/0")),
            "status": 200,
            "reason": "OK",
            "response_headers": (("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))),
            "wire_body": PAGE,
            "body": PAGE,
        }
        return Attempt(**(fields | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def validators() -> Callable[..., Validators]:
    def make(**changes: object) -> Validators:
        fields: dict[str, object] = {
            "etag": '"v1"',
            "last_modified": None,
            "refers_to": "urn:uuid:00000000-0000-5000-8000-000000000001",
            "refers_to_date": NOON,
            "refers_to_url": "http://site.test/latest/",
            "payload_digest": "sha256:" + "0" * 64,
        }
        return Validators(**(fields | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def gzipped() -> Callable[[bytes], bytes]:
    return lambda body: gzip.compress(body, mtime=0)
