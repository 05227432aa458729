"""Send one GET and read its response undecoded, within limits of time and size; tolerate malformed header lines."""

from __future__ import annotations

import re
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http.client import HTTPException, HTTPMessage, HTTPResponse
from io import BufferedReader, RawIOBase
from itertools import chain
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ca_etl.archive.policy import Attempt, FetchPolicy, Headers, Validators, Verdict, detail_of
from ca_etl.archive.record import GZIP_MAGIC, InflateError, TooLargeError, inflate
from ca_etl.archive.verdict import GZIP, BodyEnd, End, content_encoding, judge

FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,1000})[ \t]{0,1000}:")
# A bare CR would begin a field of its own, RFC 9112 2.2; both are to be read as a space, RFC 9110 5.5.
TO_SPACES: Final = bytes.maketrans(b"\r\0", b"  ")
MOST_DROPPED: Final = 100
CHUNK: Final = 65_536
ACCEPT: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# requests passes some errors of urllib3 and http.client on as they are.
TROUBLE: Final = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)
# No retry can fix these.
PERMANENT: Final = (
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class Transport:
    """An HTTP client that sends exactly the headers given, and neither retries nor follows redirects.

    It uses the adapter of `requests` without a `requests.Session`. A session would put an entry of ~/.netrc into a
    request that is archived, take a proxy from the environment, keep cookies, and read the whole body of a redirect
    without a limit.
    """

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy
        self._adapter = _TimedAdapter()

    def close(self) -> None:
        """Close all HTTP connections of this client."""
        self._adapter.close()

    def exchange(
        self,
        url: str,
        number: int,
        validators: Validators | None,
        *,
        started_at: datetime,
        headers: Headers = (),
    ) -> Attempt:
        """Send one GET without following redirects, read the response, and determine its verdict.

        `headers` are sent beside the usual ones, or in place of those of the same names. A network error is a verdict,
        not an exception.
        """
        attempt = Attempt(url, number, started_at, Verdict.UNREACHABLE, "no response", validators=validators)
        try:
            prepared = self._prepare(url, validators, headers)
        except TROUBLE as error:
            return replace(attempt, detail=detail_of(str(error)), permanent=True)
        attempt = replace(
            attempt, request_target=prepared.path_url, request_headers=tuple(prepared.headers.items())
        )
        exchange = _Exchange(time.monotonic() + self._policy.max_request_seconds)
        self._adapter.exchange = exchange
        try:
            response = self._adapter.send(
                prepared,
                stream=True,
                timeout=(self._policy.connect_timeout_seconds, self._policy.read_timeout_seconds),
            )
        except TROUBLE as error:
            too_late = f"no response within {self._policy.max_request_seconds:g} s"
            detail = too_late if exchange.is_over else _reason_of(error)
            return replace(attempt, detail=detail_of(detail), permanent=isinstance(error, PERMANENT))
        with response:
            received = _receive(attempt, response, self._policy, exchange)
        # A kept connection that the server gives up in the pause between two requests fails the next one. Not to reuse
        # it costs a handshake a page. Sending "Connection: close" would cost more: some servers then leave out the
        # chunked framing, which is the proof that a body is whole.
        self._adapter.close()
        return received

    def _prepare(self, url: str, validators: Validators | None, headers: Headers) -> requests.PreparedRequest:
        sent = {
            "User-Agent": self._policy.user_agent,
            "Accept": ACCEPT,
            # brotli would need a decoder that can be bounded; gzip is what we inflate ourselves
            "Accept-Encoding": "gzip",
            **dict(validators.headers() if validators else ()),
            **dict(headers),
        }
        prepared = requests.Request("GET", url).prepare()
        match = re.match(r"https?://(?:[^/?#]*@)?([^/?#]+)", prepared.url or "", re.IGNORECASE)
        # Host is set here so that the archived request is the one that was sent.
        prepared.headers.update({"Host": match.group(1) if match else "", **sent})
        return prepared


@dataclass(slots=True)
class _Exchange:
    """A request in progress: its deadline (`time.monotonic`), and what is seen of its connection."""

    ends_at: float
    is_over: bool = False
    ip_address: str | None = None
    dropped_header_lines: int = 0


class _TimedAdapter(HTTPAdapter):
    """Sends requests, and reads their responses within `exchange`, which is to be set before each request."""

    exchange: _Exchange

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  as requests has it
        """The connection pool for a request, with connections that limit the time and the size of a response."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = partial(self._connection, type(pool).ConnectionCls)
        return pool

    def _connection(self, plain: type[Any], **arguments: Any) -> Any:  # noqa: ANN401  as urllib3 has it
        connection = plain(**arguments)
        connection.response_class = self._response
        return connection

    def _response(self, sock: socket.socket, **arguments: Any) -> HTTPResponse:  # noqa: ANN401  as http.client has it
        self.exchange.ip_address = sock.getpeername()[0]
        return _TimedResponse(self.exchange, sock, **arguments)


class _TimedResponse(HTTPResponse):
    """A response that is read through `_TimedSocket`, and its head through `_Head`."""

    def __init__(self, exchange: _Exchange, sock: socket.socket, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(sock, **arguments)
        self._exchange = exchange
        self.fp = BufferedReader(_TimedSocket(self.fp.detach(), sock, exchange))

    def begin(self) -> None:
        """Read the status line and the header of an HTTP response."""
        file = self.fp
        head: Any = _Head(file, self._exchange)
        self.fp = head
        super().begin()
        if self.fp is head:
            self.fp = file


class _TimedSocket(RawIOBase):
    """A stream of a socket that ends at the deadline of the exchange, as if the server had closed the connection.

    A timeout of the socket starts again with each byte, so that a server which drips a byte a second would hold its
    client for hours, in the headers as in the body.
    """

    def __init__(self, raw: RawIOBase, sock: socket.socket, exchange: _Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        """Whether the stream of an HTTP response can be read: always true."""
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  any writable buffer
        """Read the bytes of an HTTP response that have arrived into `buffer`, or wait for some; returns their number.

        Raises `TimeoutError` when nothing arrives within the timeout of the socket.
        """
        left = self._exchange.ends_at - time.monotonic()
        if self._exchange.is_over or left <= 0:
            self._exchange.is_over = True
            return 0
        own = self._timeout is not None and self._timeout < left
        self._sock.settimeout(self._timeout if own else left)
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            if own:
                raise
            self._exchange.is_over = True
            return 0

    def close(self) -> None:
        """Close the stream of an HTTP response and the socket that it reads."""
        self._raw.close()
        super().close()


class _Head:
    """The lines of a response's head, and of the heads of 1xx responses before it, without malformed header lines.

    http.client takes a malformed line for the end of the header: the fields after it, perhaps Content-Length or
    Transfer-Encoding, are lost, and urllib3 logs a traceback. Browsers ignore the line.
    """

    def __init__(self, file: Any, exchange: _Exchange) -> None:  # noqa: ANN401  a buffered reader of a socket
        self.close = file.close
        self.flush = file.flush
        self._file = file
        self._exchange = exchange
        self._is_at_status = True
        self._may_fold = False

    def readline(self, limit: int) -> bytes:
        """The next line of the header of an HTTP response, also the empty one at its end."""
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
            self._exchange.dropped_header_lines += 1
            if self._exchange.dropped_header_lines > MOST_DROPPED:
                raise HTTPException(f"got more than {MOST_DROPPED} lines that are not header fields")


def _receive(
    attempt: Attempt, response: requests.Response, policy: FetchPolicy, exchange: _Exchange
) -> Attempt:
    raw: Any = response.raw
    # The public mapping groups repeated headers; the message below it keeps the order of the wire.
    message: HTTPMessage = raw._original_response.msg  # noqa: SLF001
    headers = tuple((name, re.sub(r"\r?\n[ \t]*", " ", value)) for name, value in message.items())
    is_framed = bool(raw.chunked) or raw.length_remaining is not None
    wire = _WireBody(raw, policy, exchange)
    body, inflate_error = _read_body(wire, policy, is_gzip=content_encoding(headers) in GZIP)
    data = b"".join(wire.pieces)
    received = replace(
        attempt,
        status=response.status_code,
        reason=response.reason or "",
        http_version="HTTP/1.0" if raw.version == 10 else "HTTP/1.1",
        response_headers=headers,
        dropped_header_lines=exchange.dropped_header_lines,
        wire_body=data,
        body=data if body is None else body,
        ip_address=exchange.ip_address,
    )
    judgement = judge(received, BodyEnd(wire.end, wire.detail, is_framed, inflate_error))
    return replace(
        received,
        verdict=judgement.verdict,
        detail=detail_of(judgement.detail),
        truncated=judgement.truncated,
    )


def _read_body(
    wire: _WireBody, policy: FetchPolicy, *, is_gzip: bool
) -> tuple[bytes | None, InflateError | None]:
    """Read `wire` to its end or a bound; returns the inflated body (None without gzip) and the error that ended it.

    A body that begins like gzip is inflated without a Content-Encoding header too, as by the reader of the archive.
    """
    chunks = wire.chunks()
    start = next(chunks, b"")
    if len(start) < len(GZIP_MAGIC):
        start += next(chunks, b"")
    if not is_gzip and not start.startswith(GZIP_MAGIC):
        deque(chunks, maxlen=0)
        return None, None
    try:
        inflated = inflate(
            chain([start], chunks), max_bytes=policy.max_decoded_bytes, max_ratio=policy.max_ratio
        )
    except InflateError as error:
        # the archive keeps all that was sent, but of a bomb no more than its bound
        if not isinstance(error, TooLargeError):
            deque(chunks, maxlen=0)
        return error.partial, error
    return inflated.body, None


class _WireBody:
    """A body as it is sent, within the bounds of `policy`. `end` and `detail` state how the reading ended."""

    def __init__(self, raw: Any, policy: FetchPolicy, exchange: _Exchange) -> None:  # noqa: ANN401  untyped by requests
        self.pieces: list[bytes] = []
        self.end = End.COMPLETE
        self.detail = ""
        self._raw = raw
        self._policy = policy
        self._exchange = exchange
        self._size = 0

    def chunks(self) -> Iterator[bytes]:
        """Iterate over the chunks of the body of an HTTP response as they arrive; each is also kept in `pieces`."""
        try:
            yield from self._read()
        except ReadTimeoutError:
            self.end = End.TIME
            self.detail = f"no byte for {self._policy.read_timeout_seconds:g} s after {self._size} bytes"
        except (HTTPError, OSError) as error:
            self.end, self.detail = End.DISCONNECT, f"cut after {self._size} bytes: {error}"
        if self._exchange.is_over:
            self.end = End.TIME
            limit = f"{self._policy.max_request_seconds:g} s"
            self.detail = f"not complete after {limit}, {self._size} bytes read"

    def _read(self) -> Iterator[bytes]:
        most = min(self._policy.max_wire_bytes, self._policy.max_decoded_bytes)
        while True:
            # read1 gives what has arrived; read would wait for a full chunk and lose it when the connection breaks.
            # A server that sends more than its Content-Length must not leak into the page.
            left = self._raw.length_remaining
            chunk = self._raw.read1(CHUNK if left is None else min(CHUNK, left), decode_content=False)
            if not chunk:
                return
            piece = chunk[: most - self._size]
            self.pieces.append(piece)
            self._size += len(piece)
            yield piece
            if len(piece) < len(chunk):
                self.end, self.detail = End.LENGTH, f"more than {most} bytes sent"
                return


def _reason_of(error: Exception) -> str:
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", None) or cause
    return f"{type(error).__name__}: {reason}"
