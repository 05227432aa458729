"""Request pages of a site politely: robots.txt first, one request at a time with a pause, refusals are final."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Self

from protego import Protego
from urllib3.util import parse_url

from ca_etl.archive.connection import Transport
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

Gate = Callable[[str], Stop | None]


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The result of fetching one URL: all attempts (redirects and retries, without robots.txt) and the verdict.

    `final_url` is the URL that was requested last, or that was not requested because of `verdict`. Only the last
    attempt still has its bytes. `ends_visit` is True where the host requires a longer pause than a run can wait: later
    requests to that host are not sent, and have the verdict `throttled`.
    """

    attempts: tuple[Attempt, ...]
    verdict: Verdict
    detail: str
    final_url: str
    ends_visit: bool = False

    @property
    def last(self) -> Attempt | None:
        """The last attempt to request the URL, which decided the verdict; None where nothing was requested."""
        return self.attempts[-1] if self.attempts else None

    def without_bytes(self, *, keep_page: bool = False) -> FetchResult:
        """A copy of the fetch result without the bytes as sent, and without the decoded body unless `keep_page`."""
        if self.last is None:
            return self
        last = replace(self.last, wire_body=b"", body=self.last.body if keep_page else b"")
        return replace(self, attempts=(*self.attempts[:-1], last))


class Fetcher:
    """A polite HTTP client for the hosts that a `FetchPolicy` allows. A context manager; use from one thread at a time.

    `on_attempt` is called with every attempt that has a response, in the order received: pages, redirects, refusals,
    truncated bodies and robots.txt. With `ArchiveWriter.add` every response is in the WARC file before it is parsed.
    An exception that `on_attempt` raises ends all requests. `clock` gives aware UTC instants, `monotonic` and `sleep`
    seconds.
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
        self._rules: dict[str, RobotsRules] = {}
        self._interval: dict[str, float] = {}
        self._last_end: dict[str, float] = {}
        self._throttled: dict[str, Stop] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def get(self, url: str, validators: Validators | None = None, *, headers: Headers = ()) -> FetchResult:
        """Request `url`, with the redirects and retries of the policy. A network error is a verdict, not an exception.

        `validators` are sent only to the URL that they belong to, which may be one that `url` redirects to; `headers`,
        such as Range, are sent to all.
        """
        return self._get(url, validators, self._page_gate, headers)

    def robots(self, url: str) -> RobotsRules:
        """The robots.txt rules of the host of `url`, which are requested once by each Fetcher."""
        origin = _origin(url)
        if origin not in self._rules:
            self._rules[origin] = self._read_rules(origin)
        return self._rules[origin]

    def _get(self, url: str, validators: Validators | None, gate: Gate, headers: Headers = ()) -> FetchResult:
        attempts: list[Attempt] = []
        number = redirects = 0
        pause = 0.0
        while True:
            stop = gate(url)
            if stop is not None:
                return FetchResult(tuple(attempts), stop.verdict, detail_of(stop.detail), url)
            number += 1
            attempt = self._request(url, number, validators, pause, headers)
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
            # archived already, and not the page: five hops of three attempts with 30 MB each were 500 MB a page
            attempts.append(replace(attempt, wire_body=b"", body=b""))

    def _request(
        self, url: str, number: int, validators: Validators | None, pause: float, headers: Headers
    ) -> Attempt:
        host = _rate_key(url)
        self._wait(host, pause)
        # Without a header that can be sent, a 304 would be a response to no condition.
        applies = validators is not None and validators.refers_to_url == url and validators.headers() != ()
        attempt = self._transport.exchange(
            url, number, validators if applies else None, started_at=self._clock(), headers=headers
        )
        self._last_end[host] = self._monotonic()
        if attempt.status is not None and self._on_attempt is not None:
            self._on_attempt(attempt)
        return attempt

    def _wait(self, host: str, pause: float) -> None:
        """Sleep until the host's interval since the end of its last response is over, and at least `pause`."""
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
            interval = f"robots.txt requires {rules.min_interval_seconds:g} s between two requests"
            return Stop(
                Verdict.DISALLOWED,
                f"{interval}, more than the {self._policy.max_retry_after_seconds:g} s this run may wait",
            )
        return None

    def _read_rules(self, origin: str) -> RobotsRules:
        result = self._get(f"{origin}/robots.txt", None, self._host_gate)
        last = result.last
        # A whole response counts by its status; of one that is too long, as far as it was read.
        readable = {Verdict.OK, Verdict.OVERSIZE, Verdict.HTTP_ERROR, Verdict.BLOCKED}
        if last is None or result.verdict not in readable:
            return unreadable_rules(f"{result.verdict}: {result.detail}")
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


# RFC 9309 2.5 requires at least 500 KiB.
MAX_PARSED_BYTES: Final = 1_048_576
DIRECTIVE: Final = re.compile(
    rb"^[ \t]*(user-?agent|disallow|allow|sitemap|crawl-delay)[ \t]*:", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The robots.txt rules of one host for one crawler.

    `verdict` is OK when the rules could be read, or when there are none; any other stops the visit, with `detail`
    as the reason: BLOCKED and DISALLOWED are refusals, with UNREACHABLE the host did not respond.
    `min_interval_seconds` is the least pause that Crawl-delay or Request-rate require, 0 where robots.txt has none.
    """

    verdict: Verdict
    detail: str
    min_interval_seconds: float = 0.0
    _parser: Protego | None = field(default=None, repr=False, compare=False)
    _agent: str = ""

    def allowed(self, url: str) -> bool:
        """Whether robots.txt allows to request `url`, which must be on the host of these rules."""
        if self.verdict is not Verdict.OK:
            return False
        # The standard library takes (agent, url), Protego (url, agent); swapped, both allow everything.
        return self._parser is None or self._parser.can_fetch(url=url, user_agent=self._agent)


def read_robots(  # noqa: PLR0911  one return a rule
    status: int | None, content_type: str | None, body: bytes, *, user_agent: str
) -> RobotsRules:
    """Parse the response to GET /robots.txt, after redirects, to rules; `status` None means no complete response.

    By RFC 9309: a missing file (404, 410 and most of 4xx) allows everything; 429, 5xx and no response disallow
    everything. Status 401 or 403 and an HTML page mean that the crawler is refused, and disallow everything too.
    """
    if status is None:
        return unreadable_rules("no response")
    if status in {401, 403}:
        return RobotsRules(Verdict.BLOCKED, f"robots.txt has the status {status}")
    if status == 429 or status >= 500:
        return RobotsRules(
            Verdict.UNREACHABLE, f"robots.txt has the status {status}: assumed to disallow everything"
        )
    if 400 <= status < 500:
        return RobotsRules(Verdict.OK, f"robots.txt has the status {status}: no rules")
    if status != 200:
        return RobotsRules(
            Verdict.DISALLOWED, f"robots.txt has the status {status}, which is neither a file nor its absence"
        )
    if _is_html(content_type, body):
        # A challenge page parses as "everything is allowed".
        return RobotsRules(Verdict.BLOCKED, "robots.txt is an HTML page")
    return _parse(body, user_agent)


def unreadable_rules(reason: str) -> RobotsRules:
    """The robots.txt rules of a host that gave no complete robots.txt: everything is disallowed."""
    return RobotsRules(
        Verdict.UNREACHABLE, f"robots.txt could not be read, so nothing is requested; {reason}"
    )


def product_token(user_agent: str) -> str:
    """The product token of a User-Agent, by which robots.txt names crawlers: `ca_etl` of `ca_etl/0.1.0 (+...)`."""
    match = re.match(r"[A-Za-z_-]+", user_agent)
    return match.group() if match else user_agent


def _is_html(content_type: str | None, body: bytes) -> bool:
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return True
    is_declared = "html" in (content_type or "").lower()
    return is_declared and bool(text) and DIRECTIVE.search(text) is None


def _parse(body: bytes, user_agent: str) -> RobotsRules:
    head = body
    if len(body) > MAX_PARSED_BYTES:
        head = body[: body.rfind(b"\n", 0, MAX_PARSED_BYTES) + 1]
    parser = Protego.parse(head.decode("utf-8-sig", errors="replace"))
    agent = product_token(user_agent)
    interval = parser.crawl_delay(agent) or 0.0
    rate = parser.request_rate(agent)
    if rate is not None and rate.requests > 0:
        interval = max(interval, rate.seconds / rate.requests)
    return RobotsRules(Verdict.OK, "robots.txt read", interval, parser, agent)
