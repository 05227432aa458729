"""Robots.txt as RFC 9309 wants it read, from the answer to rules: no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from protego import Protego

from ca_etl.archive.policy import Verdict

# RFC 9309 2.5 asks for at least 500 KiB.
MAX_PARSED_BYTES: Final = 1_048_576
DIRECTIVE: Final = re.compile(
    rb"^[ \t]*(user-?agent|disallow|allow|sitemap|crawl-delay)[ \t]*:", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What one host allows one crawler.

    `verdict` is OK when the rules could be read, or when there are none; any other stops the visit, with `detail`
    as the reason: BLOCKED and DISALLOWED are refusals, UNREACHABLE says that nobody answered for the host.
    `min_interval_seconds` is the least pause that Crawl-delay or Request-rate ask for, 0 if neither.
    """

    verdict: Verdict
    detail: str
    min_interval_seconds: float = 0.0
    _parser: Protego | None = field(default=None, repr=False, compare=False)
    _agent: str = ""

    def allowed(self, url: str) -> bool:
        """Whether `url`, which must be on this host, may be asked for."""
        if self.verdict is not Verdict.OK:
            return False
        # The standard library takes (agent, url), Protego (url, agent); swapped, both answer "allowed".
        return self._parser is None or self._parser.can_fetch(url=url, user_agent=self._agent)


def read_robots(  # noqa: PLR0911  one return a rule
    status: int | None, content_type: str | None, body: bytes, *, user_agent: str
) -> RobotsRules:
    """Rules from an answer to GET /robots.txt, redirects followed; `status` None means no complete answer.

    A missing file (404, 410 and most of 4xx) allows everything. 401, 403 and an HTML page mean that the crawler
    is not wanted or not seen as one: stop. 429, 5xx and no answer: RFC 9309 2.3.1.4, assume that everything is
    disallowed.
    """
    if status is None:
        return unread("no answer")
    if status in {401, 403}:
        return RobotsRules(Verdict.BLOCKED, f"robots.txt answered {status}")
    if status == 429 or status >= 500:
        return RobotsRules(
            Verdict.UNREACHABLE, f"robots.txt answered {status}: assumed to disallow everything"
        )
    if 400 <= status < 500:
        return RobotsRules(Verdict.OK, f"robots.txt answered {status}: no rules")
    if status != 200:
        return RobotsRules(
            Verdict.DISALLOWED, f"robots.txt answered {status}, which is neither a file nor its absence"
        )
    if _is_html(content_type, body):
        # A challenge page parses as "everything is allowed".
        return RobotsRules(Verdict.BLOCKED, "robots.txt is an HTML page")
    return _parse(body, user_agent)


def unread(why: str) -> RobotsRules:
    """No rules, since robots.txt gave no complete answer: assume that everything is disallowed."""
    return RobotsRules(Verdict.UNREACHABLE, f"robots.txt could not be read, so nothing is asked for; {why}")


def product_token(user_agent: str) -> str:
    """The part of a User-Agent that robots.txt groups name: `ca_etl` of `ca_etl/0.1.0 (+...)`."""
    match = re.match(r"[A-Za-z_-]+", user_agent)
    return match.group() if match else user_agent


def _is_html(content_type: str | None, body: bytes) -> bool:
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return True
    says_html = "html" in (content_type or "").lower()
    return says_html and bool(text) and DIRECTIVE.search(text) is None


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
