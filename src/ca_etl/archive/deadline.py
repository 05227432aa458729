"""A bound on the time of one whole request, however slowly its bytes come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter


class Watch:
    """The connection that carries the present request: its peer for the record, its socket for the deadline."""

    def __init__(self) -> None:
        self.ip_address: str | None = None
        self.deadline: Deadline | None = None

    def see(self, connection: HTTPConnection) -> None:
        """Take note of a connection that is about to wait for its answer."""
        self.ip_address = connection.sock.getpeername()[0]
        if self.deadline is not None:
            self.deadline.guard(connection.sock)


class Deadline:
    """Hangs up when the time of the whole request is over.

    Socket timeouts restart with each byte, so that a server which drips a byte a second holds its client
    for hours, in the headers as in the body. A shut-down socket ends the read that waits on it.
    """

    def __init__(self, seconds: float, watch: Watch) -> None:
        self.expired = False
        self._watch = watch
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._watch.deadline, self._watch.ip_address = self, None
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._sock = None
        self._watch.deadline = None

    def guard(self, sock: socket.socket) -> None:
        """Name the socket to hang up; at once if the time is over already."""
        with self._lock:
            self._sock = sock
            if self.expired:
                self._hang_up()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            self._hang_up()

    def _hang_up(self) -> None:
        if self._sock is None:
            return
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # the peer was faster
            return


class WatchedAdapter(HTTPAdapter):
    """Tells `watch` which connection a request went out on."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._watched: dict[type[Any], type[Any]] = {}
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as requests has it
        """The pool for a request, its connections made watchable."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        plain: type[Any] = type(pool).ConnectionCls
        if plain not in self._watched:
            self._watched[plain] = _watched(plain, self._watch.see)
        pool.ConnectionCls = self._watched[plain]
        return pool


def _watched(plain: type[Any], see: Callable[[HTTPConnection], None]) -> type[Any]:
    class Watched(plain):  # type: ignore[misc]  # the class is known at run time only, by scheme
        def getresponse(self) -> Any:  # noqa: ANN401  as urllib3 has it
            see(self)
            return super().getresponse()

    return Watched
