"""One request and its answer, read undecoded, within bounds of time and size."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import Any, Final

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ca_etl.archive.classify import GZIP, End, Received, judge
from ca_etl.archive.connection import Deadline, WatchedAdapter
from ca_etl.archive.inflate import GZIP_MAGIC, InflateError, Inflater, TooLargeError
from ca_etl.archive.policy import Attempt, FetchPolicy, Headers, Validators, Verdict, detail_of

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
    """One requests.Session that sends what we say and nothing else.

    `trust_env` is off: a ~/.netrc entry would put credentials into a request that is archived, and a proxy from the
    environment would stand between the demo on loopback and its client. Cookies are not kept, so each request
    is the first one a visitor makes. The adapter retries nothing: every attempt is seen and counted.
    """

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._adapter = WatchedAdapter()

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()
        self._session.close()

    def exchange(
        self, url: str, number: int, validators: Validators | None, *, started_at: datetime
    ) -> Attempt:
        """Send one GET, without following anything, and judge the answer.

        Network trouble is a verdict, not an exception.
        """
        initial = Attempt(url, number, started_at, Verdict.UNREACHABLE, "no response", validators=validators)
        with Deadline(self._policy.max_request_seconds) as deadline:
            try:
                prepared = self._prepare(url, validators)
            except TROUBLE as error:
                return replace(initial, detail=detail_of(str(error)), permanent=True)
            sent = replace(
                initial, request_target=prepared.path_url, request_headers=tuple(prepared.headers.items())
            )
            self._adapter.deadline = deadline
            try:
                # Session.send reads the whole body of a redirect by itself, decoded and without a bound,
                # even with allow_redirects=False; the adapter below it only sends.
                response = self._adapter.send(
                    prepared,
                    stream=True,
                    timeout=(self._policy.connect_timeout_seconds, self._policy.read_timeout_seconds),
                )
            except TROUBLE as error:
                why = (
                    f"no response within {self._policy.max_request_seconds:g} s"
                    if deadline.expired
                    else _reason_of(error)
                )
                return replace(sent, detail=detail_of(why), permanent=isinstance(error, PERMANENT))
            with response:
                received = _receive(response, self._policy, deadline)
        # A kept connection that the server gives up in the pause between two requests fails the next one. Not to reuse
        # it costs a handshake a page. Asking for "Connection: close" would cost more: some servers then leave out the
        # chunked framing, which is the proof that a body is whole.
        self._adapter.close()
        judgement = judge(received, validators)
        return replace(
            sent,
            verdict=judgement.verdict,
            detail=detail_of(judgement.detail),
            status=received.status,
            reason=received.reason,
            http_version=received.http_version,
            response_headers=received.headers,
            dropped_header_lines=deadline.dropped_header_lines,
            wire_body=received.wire_body,
            body=received.body,
            truncated=judgement.truncated,
            ip_address=deadline.ip_address,
        )

    def _prepare(self, url: str, validators: Validators | None) -> requests.PreparedRequest:
        headers = {
            "User-Agent": self._policy.user_agent,
            "Accept": ACCEPT,
            # brotli would need a decoder that can be bounded; gzip is what we inflate ourselves
            "Accept-Encoding": "gzip",
            **dict(validators.headers() if validators else ()),
        }
        prepared = self._session.prepare_request(requests.Request("GET", url))
        match = re.match(r"https?://(?:[^/?#]*@)?([^/?#]+)", prepared.url or "", re.IGNORECASE)
        # Host is set here so that the archived request is the one that was sent.
        prepared.headers.update({"Host": match.group(1) if match else "", **headers})
        return prepared


def _receive(response: requests.Response, policy: FetchPolicy, deadline: Deadline) -> Received:
    raw: Any = response.raw
    headers = _wire_headers(raw)
    is_framed = bool(raw.chunked) or raw.length_remaining is not None
    encoding = (response.headers.get("Content-Encoding") or "").strip().lower()
    body = _Body(policy, is_gzip=encoding in GZIP)
    end, detail = _read_body(raw, body, policy, deadline)
    wire = body.wire
    decoded, error = body.finish()
    return Received(
        status=response.status_code,
        reason=response.reason or "",
        http_version="HTTP/1.0" if raw.version == 10 else "HTTP/1.1",
        headers=headers,
        wire_body=wire,
        body=wire if decoded is None else decoded,
        end=end,
        detail=detail,
        is_framed=is_framed,
        inflate_error=error,
    )


def _read_body(raw: Any, body: _Body, policy: FetchPolicy, deadline: Deadline) -> tuple[End, str]:  # noqa: ANN401  requests leaves `raw` untyped
    """Read until the end, a bound or a break. What was read stays in `body`."""
    try:
        while True:
            # read1 gives what has arrived; read would wait for a full chunk and lose it when the connection breaks.
            # A server that sends more than its Content-Length must not leak into the page.
            left = raw.length_remaining
            chunk = raw.read1(CHUNK if left is None else min(CHUNK, left), decode_content=False)
            if deadline.expired:
                return (
                    End.TIME,
                    f"not complete after {policy.max_request_seconds:g} s, {body.size} bytes read",
                )
            if not chunk:
                return End.COMPLETE, ""
            if not body.add(chunk):
                return End.LENGTH, f"more than {policy.max_wire_bytes} bytes sent"
    except ReadTimeoutError:
        return End.TIME, f"no byte for {policy.read_timeout_seconds:g} s after {body.size} bytes"
    except (HTTPError, OSError) as error:
        if deadline.expired:
            return End.TIME, f"not complete after {policy.max_request_seconds:g} s, {body.size} bytes read"
        return End.DISCONNECT, f"cut after {body.size} bytes: {error}"


class _Body:
    """Wire bytes and, for gzip, what they inflate to: bounded at every chunk.

    Gzip is also what begins like it under no header, since the reading of the archive takes it for that.
    """

    def __init__(self, policy: FetchPolicy, *, is_gzip: bool) -> None:
        self._policy = policy
        self._pieces: list[bytes] = []
        self.size = 0
        self._error: InflateError | None = None
        self._inflater = self._new_inflater() if is_gzip else None

    def add(self, chunk: bytes) -> bool:
        """Keep a chunk; false once a bound is crossed."""
        most = self._policy.max_wire_bytes
        if self._inflater is None and self.size < len(GZIP_MAGIC):
            chunk, self._pieces, self.size = self.wire + chunk, [], 0
            self._inflater = self._new_inflater() if chunk.startswith(GZIP_MAGIC) else None
        if self._inflater is None:
            most = min(most, self._policy.max_decoded_bytes)
        kept = chunk[: most - self.size]
        self._pieces.append(kept)
        self.size += len(kept)
        if self._inflater is not None and self._error is None:
            try:
                self._inflater.feed(kept)
            except InflateError as error:
                self._error = error
        return len(kept) == len(chunk) and not isinstance(self._error, TooLargeError)

    def _new_inflater(self) -> Inflater:
        return Inflater(max_bytes=self._policy.max_decoded_bytes, max_ratio=self._policy.max_ratio)

    @property
    def wire(self) -> bytes:
        return b"".join(self._pieces)

    def finish(self) -> tuple[bytes | None, InflateError | None]:
        """What the wire bytes inflate to; None where they are the body themselves."""
        if self._inflater is None:
            return None, None
        if self._error is not None:
            return self._error.partial, self._error
        try:
            return self._inflater.finish().body, None
        except InflateError as error:
            return error.partial, error


def _wire_headers(raw: Any) -> Headers:  # noqa: ANN401
    # The public mapping groups repeated headers; the message below it keeps the order of the wire.
    message: HTTPMessage = raw._original_response.msg  # noqa: SLF001
    return tuple((name, re.sub(r"\r?\n[ \t]*", " ", value)) for name, value in message.items())


def _reason_of(error: Exception) -> str:
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", None) or cause
    return f"{type(error).__name__}: {reason}"
