"""The demo site on a loopback port. It shows one day of its history at a time, and can be told to fail."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Final, Self

from ca_etl.demo.content import articles, check_day, default_last_day
from ca_etl.demo.faults import Fault, matches
from ca_etl.demo.handlers import Answer, answer, path_of
from ca_etl.demo.posts import Posts
from ca_etl.errors import CaEtlError

__all__ = ["DemoSite", "Fault", "LoggedRequest", "default_last_day"]

log = logging.getLogger("ca_etl.demo")

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as it came in. Header names are in lower case; `arrived` is `time.monotonic()`."""

    method: str
    path: str
    headers: Mapping[str, str]
    arrived: float
    day: date


class DemoSite:
    """The site as a context manager; it answers between enter and exit.

    `port` 0 takes any free port. `day` is the first day shown, by default `default_last_day()`. `faults` (of
    a day) and `path_faults` (of a path on every day) may be changed at any time; both apply where both are
    set, and a fault's `times` counts per day. `requests` logs every request in order of arrival. `posts` is the
    editor's desk: what is added, edited, back-dated or deleted there shows in the next answer, on pages, in the
    API and in the feed alike. `before_answer` is called with each request, before it is answered. Raises
    `CaEtlError` on enter when the port is taken, `UsageError` for a day outside the history.

        with DemoSite() as site:
            site.play(date(2025, 12, 5))
            requests.get(site.base_url)
    """

    def __init__(
        self, port: int = 0, day: date | None = None, faults: Mapping[date, Fault] | None = None
    ) -> None:
        self.faults: dict[date, Fault] = dict(faults or {})
        self.path_faults: dict[str, Fault] = {}
        self.requests: list[LoggedRequest] = []
        self.posts = Posts(lambda: self._day)
        self.before_answer: Callable[[LoggedRequest], None] | None = None
        self._port = port
        self._server: _Server | None = None
        self._thread: Thread | None = None
        self._spent: Counter[tuple[date, Fault]] = Counter()
        self._lock = Lock()
        self.play(day or default_last_day())

    @property
    def day(self) -> date:
        """The day that the site shows."""
        return self._day

    @property
    def base_url(self) -> str:
        """Address of the front page, with its last slash. Raises `RuntimeError` while the site is down."""
        if self._server is None:
            raise RuntimeError("the demo site is not up: use it in a with statement")
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def play(self, day: date) -> None:
        """Show `day` from now on. Raises `UsageError` outside the history."""
        check_day(day)
        self._day = day

    def __enter__(self) -> Self:
        articles()
        try:
            self._server = _Server(self, self._port)
        except OSError as error:
            raise CaEtlError(
                f"the demo site cannot be served on {HOST}:{self._port}: {error.strerror}",
                "export CA_ETL_DEMO_PORT=0 (takes any free port), then the same command again",
            ) from error
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="ca-etl-demo", daemon=True
        )
        self._thread.start()
        log.debug("the demo site shows %s at %s", self._day, self.base_url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()
        self._server = self._thread = None

    def respond(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """Log the request and say what to answer."""
        day = self._day
        request = LoggedRequest(method, target, headers, time.monotonic(), day)
        self.requests.append(request)
        if self.before_answer is not None:
            self.before_answer(request)
        faults = self._due(day, path_of(target))
        reply = answer(target, headers, day, faults, self.base_url, shelf=self.posts.shelf(day))
        log.debug("%s %s on %s: %d", method, target, day, reply.status)
        return reply

    def _due(self, day: date, path: str) -> tuple[Fault, ...]:
        """The faults of this request; those with a number of times are counted down."""
        due = []
        with self._lock:
            of_path = [fault for pattern, fault in self.path_faults.items() if matches(pattern, path)]
            for fault in (self.faults.get(day), *of_path):
                if fault is None or not fault.concerns(path):
                    continue
                self._spent[day, fault] += 1
                if fault.times is None or self._spent[day, fault] <= fault.times:
                    due.append(fault)
        return tuple(due)


class _Server(ThreadingHTTPServer):
    """Handler threads are joined at close; `hang_up` ends those that wait on an idle connection."""

    daemon_threads = False
    # A fixed port that is already served must be an error, not a second listener.
    allow_reuse_port = False

    def __init__(self, site: DemoSite, port: int) -> None:
        self.site = site
        self.closing = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer asks the name service for the host's name here, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  fixed by the base
        log.error("the demo site failed on a request of %s", client_address, exc_info=sys.exception())

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
            if self.closing.is_set():
                _hang_up(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def hang_up(self) -> None:
        self.closing.set()
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        log.debug("the other side hung up first: %s", error)


class _Handler(BaseHTTPRequestHandler):
    """Writes answers, each in one piece: a kept connection would else wait 40 ms for every one."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "ca-etl-demo"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        try:
            super().finish()
        except ConnectionError as error:
            log.debug("the client left before its answer was sent: %s", error)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError as error:
            log.debug("the client is gone: %s", error)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        log.debug(format, *args)

    def _answer(self, *, with_body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.site.respond(self.command, self.path, headers)
        if reply.wait_seconds:
            self.server.closing.wait(reply.wait_seconds)
        # no Date: the site shows a day of its own, and a run holds its clock against that header
        self.send_response_only(reply.status)
        self.send_header("Server", self.version_string())
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(reply.body)
