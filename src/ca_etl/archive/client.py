"""Request pages of a site politely: robots.txt first, one request at a time, a pause between two, refusals are final.

Each response is read undecoded, within bounds of time and size.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from types import TracebackType
from typing import Any, Final, Self

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util import parse_url

from ca_etl.archive.connection import (
    GZIP_MAGIC,
    Deadline,
    InflateError,
    Inflater,
    TooLargeError,
    WatchedAdapter,
)
from ca_etl.archive.policy import (
    Attempt,
    Done,
    FetchPolicy,
    Follow,
    Headers,
    RetryAfter,
    Stop,
    Validators,
    Verdict,
    decide,
    detail_of,
    header,
)
from ca_etl.archive.robots import RobotsRules, read_robots, unread
from ca_etl.archive.verdict import GZIP, End, Received, judge

Gate = Callable[[str], Stop | None]


@dataclass(frozen=True, slots=True)
class FetchResult:
    """All attempts for one URL, redirects and retries included, robots.txt not, and what came of them.

    `final_url` is the URL that was requested last, or that was not requested because of `verdict`. Only the last
    attempt still has its bytes. With `ends_visit` the host wants a longer pause than a run can wait: later requests
    for it are not sent, and have the verdict `throttled`.
    """

    attempts: tuple[Attempt, ...]
    verdict: Verdict
    detail: str
    final_url: str
    ends_visit: bool = False

    @property
    def last(self) -> Attempt | None:
        """The attempt that decided; None where nothing was requested."""
        return self.attempts[-1] if self.attempts else None

    def without_bytes(self, *, keep_page: bool = False) -> FetchResult:
        """The same without wire bytes, and without the decoded body unless `keep_page`."""
        if self.last is None:
            return self
        last = replace(self.last, wire_body=b"", body=self.last.body if keep_page else b"")
        return replace(self, attempts=(*self.attempts[:-1], last))


class Fetcher:
    """A polite client for the hosts of one policy. A context manager; use from one thread at a time.

    `on_attempt` sees every attempt that got an answer with a status, in wire order: pages, redirects, refusals,
    cut bodies and robots.txt. Give it `ArchiveWriter.add` and everything that came over the wire is in the WARC
    file before anyone looks into it; what it raises ends the visit.
    `clock` gives aware UTC instants, `monotonic` and `sleep` seconds.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        on_attempt: Callable[[Attempt], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._on_attempt = on_attempt
        self._monotonic = monotonic
        self._transport = Transport(policy)
        self._lock = threading.Lock()
        self._rules: dict[str, RobotsRules] = {}
        self._interval: dict[str, float] = {}
        self._last_end: dict[str, float] = {}
        self._throttled: dict[str, Stop] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def get(self, url: str, validators: Validators | None = None) -> FetchResult:
        """Ask for `url` until the policy says done or stop. Network trouble is a verdict, not an exception.

        `validators` are sent to the URL they belong to, which may be one that `url` redirects to.
        """
        with self._lock:
            return self._walk(url, validators, self._page_gate)

    def robots(self, url: str) -> RobotsRules:
        """The rules of `url`'s host: read once per Fetcher, which lives for one run, far below the 24 h of RFC 9309."""
        origin = _origin(url)
        if origin not in self._rules:
            self._rules[origin] = self._read_rules(origin)
        return self._rules[origin]

    def _walk(self, url: str, validators: Validators | None, gate: Gate) -> FetchResult:
        attempts: list[Attempt] = []
        number = redirects = 0
        pause = 0.0
        while True:
            stop = gate(url)
            if stop is not None:
                return FetchResult(tuple(attempts), stop.verdict, detail_of(stop.detail), url)
            number += 1
            attempt = self._ask(url, number, validators, pause)
            decision = decide(self._policy, attempt, attempts=number, redirects=redirects, now=self._clock())
            match decision:
                case Done(verdict, detail):
                    return FetchResult((*attempts, attempt), verdict, detail, url)
                case Stop(verdict, detail, ends_visit):
                    detail = detail_of(detail)
                    if ends_visit:
                        reason = f"not requested after the Retry-After of {url}"
                        self._throttled[_rate_key(url)] = Stop(Verdict.THROTTLED, reason)
                    return FetchResult((*attempts, attempt), verdict, detail, url, ends_visit)
                case Follow(target):
                    url, number, redirects, pause = target, 0, redirects + 1, 0.0
                case RetryAfter(seconds, _, unconditionally):
                    pause = seconds
                    validators = None if unconditionally else validators
            # archived, and no page: five hops of three attempts with 30 MB each were 500 MB a page
            attempts.append(replace(attempt, wire_body=b"", body=b""))

    def _ask(self, url: str, number: int, validators: Validators | None, pause: float) -> Attempt:
        host = _rate_key(url)
        self._rest(host, pause)
        # Without a header that can be sent, a 304 would be a response to no condition.
        applies = validators is not None and validators.refers_to_url == url and validators.headers() != ()
        attempt = self._transport.exchange(
            url, number, validators if applies else None, started_at=self._clock()
        )
        self._last_end[host] = self._monotonic()
        if attempt.status is not None and self._on_attempt is not None:
            self._on_attempt(attempt)
        return attempt

    def _rest(self, host: str, pause: float) -> None:
        """Sleep until the host's interval since the end of its last answer is over, and at least `pause`."""
        if host in self._last_end:
            interval = max(self._policy.min_interval_seconds, self._interval.get(host, 0.0))
            pause = max(pause, self._last_end[host] + interval - self._monotonic())
        if pause > 0:
            self._sleep(pause)

    def _host_gate(self, url: str) -> Stop | None:
        if not self._policy.allows_host(url):
            return Stop(Verdict.OFFSITE, f"{url} is not on an allowed host")
        return self._throttled.get(_rate_key(url))

    def _page_gate(self, url: str) -> Stop | None:
        rules = self.robots(url) if self._host_gate(url) is None else None
        stop = self._host_gate(url)  # once more: the response to robots.txt may have ended the visit
        if stop is not None or rules is None:
            return stop
        if rules.verdict is not Verdict.OK:
            return Stop(rules.verdict, rules.detail)
        if not rules.allowed(url):
            return Stop(Verdict.DISALLOWED, f"robots.txt disallows {url}")
        if rules.min_interval_seconds > self._policy.max_retry_after_seconds:
            asked = f"robots.txt asks for {rules.min_interval_seconds:g} s between two requests"
            return Stop(
                Verdict.DISALLOWED,
                f"{asked}, more than the {self._policy.max_retry_after_seconds:g} s this run may wait",
            )
        return None

    def _read_rules(self, origin: str) -> RobotsRules:
        result = self._walk(f"{origin}/robots.txt", None, self._host_gate)
        last = result.last
        # An answer that came whole says something by its status; of one that is too long the beginning counts.
        speaks = {Verdict.OK, Verdict.OVERSIZE, Verdict.HTTP_ERROR, Verdict.BLOCKED}
        if last is None or result.verdict not in speaks:
            return unread(f"{result.verdict}: {result.detail}")
        if result.verdict is Verdict.BLOCKED:
            return RobotsRules(Verdict.BLOCKED, f"robots.txt: {result.detail}")
        rules = read_robots(
            last.status,
            header(last.response_headers, "Content-Type"),
            last.body,
            user_agent=self._policy.user_agent,
        )
        key = _rate_key(origin)
        self._interval[key] = max(self._interval.get(key, 0.0), rules.min_interval_seconds)
        return rules


def _origin(url: str) -> str:
    parts = parse_url(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _rate_key(url: str) -> str:
    """Host without `www.`: both names are one machine to its operator."""
    return (parse_url(url).host or "").lower().removeprefix("www.")


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
