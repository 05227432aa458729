"""The demo site as an HTTP server on a loopback port; it shows one day at a time and can inject faults."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Final, Self
from weakref import WeakSet

from ca_etl.demo import banks
from ca_etl.demo.content import articles, check_day, default_last_day
from ca_etl.demo.faults import Fault, matches
from ca_etl.demo.handlers import Response, path_of, respond
from ca_etl.demo.posts import Posts
from ca_etl.errors import CaEtlError

__all__ = ["DemoSite", "Fault", "LoggedRequest", "default_last_day"]

log = logging.getLogger("ca_etl.demo")

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request that the demo site received.

    Header names are in lower case; `arrived` is its `time.monotonic()`, in seconds; `day` is the day that was shown.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    arrived: float
    day: date


class DemoSite:
    """The demo site's HTTP server as a context manager; it runs between enter and exit.

    `port` 0 takes any free port. `day` is the first day shown, by default `default_last_day()`. `faults` (by day) and
    `path_faults` (by path, on every day) may be changed at any time; a request can get several faults, and a fault's
    `times` counts per day. The central banks below `/banks/` are other sites: a day's fault without `paths` does not
    affect them. `requests` lists all requests in order of arrival. `posts` adds, edits and deletes articles, which
    shows in the next response of pages, API and feed. `before_response` is called with each request before its
    response is made. Raises `CaEtlError` on enter when the port is in use, `UsageError` for a day outside the range.

    >>> import requests
    >>> with DemoSite() as site:
    ...     site.play(date(2025, 12, 5))
    ...     requests.get(site.base_url, timeout=60).status_code
    200
    """

    def __init__(
        self, port: int = 0, day: date | None = None, faults: Mapping[date, Fault] | None = None
    ) -> None:
        self.faults: dict[date, Fault] = dict(faults or {})
        self.path_faults: dict[str, Fault] = {}
        self.requests: list[LoggedRequest] = []
        self.posts = Posts(lambda: self._day)
        self.before_response: Callable[[LoggedRequest], None] | None = None
        self._port = port
        self._server: _Server | None = None
        self._spent: Counter[tuple[date, Fault]] = Counter()
        self._lock = Lock()
        self.play(day or default_last_day())

    @property
    def day(self) -> date:
        """The day that the demo site shows."""
        return self._day

    @property
    def base_url(self) -> str:
        """The address of the front page, with a trailing slash. Raises `RuntimeError` while the site is not running."""
        if self._server is None:
            raise RuntimeError("the demo site is not running: use it in a with statement")
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def play(self, day: date) -> None:
        """Make the site show `day` from now on. Raises `UsageError` for a day outside `FIRST_DAY` to `LAST_DAY`."""
        check_day(day)
        self._day = day

    def __enter__(self) -> Self:
        articles()
        try:
            self._server = _Server(self, self._port)
        except OSError as error:
            raise CaEtlError(
                f"the demo site cannot be served on {HOST}:{self._port}: {error.strerror}; port 0 is any free one",
                "export CA_ETL_DEMO_PORT=0",
            ) from error
        self._server.start()
        log.debug("the demo site shows %s at %s", self._day, self.base_url)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def respond(self, method: str, target: str, headers: Mapping[str, str]) -> Response:
        """Record a request in `requests` and make its response, with the faults that apply to it."""
        day = self._day
        request = LoggedRequest(method, target, headers, time.monotonic(), day)
        self.requests.append(request)
        if self.before_response is not None:
            self.before_response(request)
        faults = self._due_faults(day, path_of(target))
        response = respond(target, headers, day, faults, self.base_url, snapshot=self.posts.snapshot(day))
        log.debug("%s %s on %s: %d", method, target, day, response.status)
        return response

    def _due_faults(self, day: date, path: str) -> tuple[Fault, ...]:
        """The faults that apply to a request for `path` on `day`; counts the use of those with limited `times`."""
        due = []
        with self._lock:
            of_day = self.faults.get(day)
            if of_day is not None and path.startswith(banks.ROOT) and not of_day.paths:
                of_day = None
            of_path = [fault for pattern, fault in self.path_faults.items() if matches(pattern, path)]
            for fault in (of_day, *of_path):
                if fault is None or not fault.applies_to(path):
                    continue
                self._spent[day, fault] += 1
                if fault.times is None or self._spent[day, fault] <= fault.times:
                    due.append(fault)
        return tuple(due)


class _Server(ThreadingTCPServer):
    """HTTP server in a thread of its own; `stop` ends this thread and those of all connections, idle connections too.

    A fixed port that is in use is an error. Python's `HTTPServer` would look up the host's name by DNS.
    """

    allow_reuse_address = True

    def __init__(self, site: DemoSite, port: int) -> None:
        self.site = site
        self.closing = Event()
        self._connections: WeakSet[socket.socket] = WeakSet()
        self._thread = Thread(target=self.serve_forever, args=(0.02,), name="ca-etl-demo", daemon=True)
        super().__init__((HOST, port), _Handler)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.closing.set()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError as error:
                log.debug("a connection of the demo site was closed already: %s", error)
        self.server_close()
        self._thread.join()

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002  fixed by the base
        # a client that does not wait for its response is no error of the site
        level = logging.DEBUG if isinstance(sys.exception(), ConnectionError) else logging.ERROR
        log.log(level, "the demo site failed on a request of %s", client_address, exc_info=sys.exception())


class _Handler(BaseHTTPRequestHandler):
    """Request handler that writes each response at once: in parts it would take 40 ms on a kept-alive connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "ca-etl-demo"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.site.respond(self.command, self.path, headers)
        if response.wait_seconds:
            self.server.closing.wait(response.wait_seconds)
        # no Date: the site shows a day of its own, and a run compares its clock with that header
        self.send_response_only(response.status)
        self.send_header("Server", self.version_string())
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 304:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(response.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        log.debug(format, *args)
