"""HTTP connections with a time limit for the whole request and tolerance for bad header lines; bounded gzip inflation.

The HTTP libraries take a cut gzip body for a whole one: 49,549 of 60,000 bytes came back without an error. Here a
stream that does not reach its end marker is an error, and a bomb is stopped at the step that crosses a bound.
"""

from __future__ import annotations

import re
import socket
import threading
import zlib
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from types import TracebackType
from typing import Any, Final, Self

from requests.adapters import HTTPAdapter

FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,1000})[ \t]{0,1000}:")
# A bare CR would begin a field of its own, RFC 9112 2.2; both are to be read as a space, RFC 9110 5.5.
TO_SPACES: Final = bytes.maketrans(b"\r\0", b"  ")
MOST_DROPPED: Final = 100


class Deadline:
    """Hangs up when the time of the whole request is over, and records what is seen of its connection.

    Socket timeouts restart with each byte, so that a server which drips a byte a second holds its client
    for hours, in the headers as in the body. A shut-down socket ends the read that waits on it.
    """

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self.ip_address: str | None = None
        self.dropped_header_lines = 0
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._sock = None

    def guard(self, sock: socket.socket) -> None:
        """Name the socket to hang up; at once if the time is over already."""
        self.ip_address = sock.getpeername()[0]
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
    """Sends requests, and reads their responses under `deadline`, which is to be set before each."""

    deadline: Deadline

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as requests has it
        """The pool for a request, whose connections read their responses here."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = partial(self._connection, type(pool).ConnectionCls)
        return pool

    def _connection(self, plain: type[Any], **arguments: Any) -> Any:  # noqa: ANN401  as urllib3 has it
        connection = plain(**arguments)
        connection.response_class = self._response
        return connection

    def _response(self, sock: socket.socket, **arguments: Any) -> HTTPResponse:  # noqa: ANN401  as http.client has it
        self.deadline.guard(sock)
        return _Response(self.deadline, sock, **arguments)


class _Response(HTTPResponse):
    """A response whose head is read through `_Head`."""

    def __init__(self, deadline: Deadline, sock: socket.socket, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(sock, **arguments)
        self._deadline = deadline

    def begin(self) -> None:
        """Read the status line and the header."""
        file = self.fp
        head: Any = _Head(file, self._deadline)
        self.fp = head
        super().begin()
        if self.fp is head:
            self.fp = file


class _Head:
    """The lines of a response's head, and of those of 1xx responses before it, without what is no header field.

    http.client takes such a line for the end of the header: what follows it, perhaps Content-Length or
    Transfer-Encoding, is lost, and urllib3 logs a traceback. Browsers pass over it.
    """

    def __init__(self, file: Any, deadline: Deadline) -> None:  # noqa: ANN401  a buffered reader of a socket
        self.close = file.close
        self.flush = file.flush
        self._file = file
        self._deadline = deadline
        self._is_at_status = True
        self._may_fold = False

    def readline(self, limit: int) -> bytes:
        """The next line of the head, the empty one at its end included."""
        while True:
            line: bytes = self._file.readline(limit)
            if not line or len(line) >= limit:
                return line  # the end of a cut head, or a line that http.client refuses as too long
            line = line.rstrip(b"\r\n").translate(TO_SPACES)
            is_status, self._is_at_status = self._is_at_status, not line
            if is_status or not line:
                self._may_fold = False
                return line + b"\r\n"
            field = FIELD.match(line)
            if field or (self._may_fold and line[:1] in b" \t"):
                self._may_fold = True
                return (field.group(1) + line[field.end() - 1 :] if field else line) + b"\r\n"
            self._may_fold = False
            self._deadline.dropped_header_lines += 1
            if self._deadline.dropped_header_lines > MOST_DROPPED:
                raise HTTPException(f"got more than {MOST_DROPPED} lines that are no header field")


GZIP_MAGIC: Final = b"\x1f\x8b"
STEP: Final = 65_536
# Short pages of one repeated line compress a thousandfold; only what is large can hurt.
RATIO_FREE_BYTES: Final = 1_000_000


class InflateError(Exception):
    """A body could not be inflated to its end. `partial` is what came out before."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


class CutStreamError(InflateError):
    """The bytes end before the stream does."""


class CorruptStreamError(InflateError):
    """The bytes are not gzip, or their checksum is wrong."""


class TooLargeError(InflateError):
    """The decoded body crosses a bound of size or ratio."""


@dataclass(frozen=True, slots=True)
class Inflated:
    """A whole body. `trailing_bytes` followed the last gzip member and are no part of it."""

    body: bytes
    members: int
    trailing_bytes: int


class Inflater:
    """Inflates gzip (one member or several) chunk by chunk.

    After a complete member, bytes that begin another member belong to the body and must reach their own end.
    Any other bytes (zero padding, a warning that PHP printed after its compressed page) are counted and left out,
    as browsers do: the page before them is whole.
    """

    def __init__(self, *, max_bytes: int, max_ratio: float) -> None:
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._stream = zlib.decompressobj(wbits=31)
        # its value is given without a copy of 30 MB beside the pieces
        self._out = BytesIO()
        self._size = 0
        self._wire = 0
        self._members = 0
        self._started = False
        self._between = b""
        self._trailing = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the wire. Raises `CorruptStreamError` or `TooLargeError`."""
        self._wire += len(chunk)
        pending = self._between + chunk
        self._between = b""
        while pending:
            if self._trailing:
                self._trailing += len(pending)
                return
            if not self._started and self._members:
                if pending == GZIP_MAGIC[:1]:
                    self._between = pending
                    return
                if not pending.startswith(GZIP_MAGIC):
                    self._trailing = len(pending)
                    return
            pending = self._inflate(pending)

    def finish(self) -> Inflated:
        """The whole body. Raises `CutStreamError` if the stream is not at its end."""
        if self._started or self._members == 0 or self._between:
            raise CutStreamError(f"gzip stream cut after {self._wire} bytes", self._partial())
        return Inflated(self._partial(), self._members, self._trailing)

    def _inflate(self, pending: bytes) -> bytes:
        self._started = True
        try:
            piece = self._stream.decompress(pending, STEP)
        except zlib.error as error:
            raise CorruptStreamError(f"no valid gzip: {error}", self._partial()) from error
        self._size += self._out.write(piece)
        self._check_bounds()
        if not self._stream.eof:
            return self._stream.unconsumed_tail
        rest = self._stream.unused_data
        self._members += 1
        self._started = False
        self._stream = zlib.decompressobj(wbits=31)
        return rest

    def _check_bounds(self) -> None:
        if self._size > self._max_bytes:
            raise TooLargeError(f"inflates to more than {self._max_bytes} bytes", self._partial())
        if self._size > RATIO_FREE_BYTES and self._size > self._max_ratio * self._wire:
            raise TooLargeError(f"inflates to more than {self._max_ratio:g} times its size", self._partial())

    def _partial(self) -> bytes:
        return self._out.getvalue()


def inflate(wire: bytes, *, max_bytes: int, max_ratio: float) -> Inflated:
    """Inflate a whole gzip body. Raises an `InflateError`."""
    inflater = Inflater(max_bytes=max_bytes, max_ratio=max_ratio)
    for start in range(0, len(wire), STEP):
        inflater.feed(wire[start : start + STEP])
    return inflater.finish()
