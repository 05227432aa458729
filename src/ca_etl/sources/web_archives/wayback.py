"""The Wayback Machine: one index for everything, and each capture as it plays it back (a memento)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from ca_etl.archive.naming import FETCHED_AT, MEMENTO, REQUESTED, warc_date
from ca_etl.archive.policy import Attempt, FetchPolicy, Headers, Verdict
from ca_etl.parse.links import bare_address
from ca_etl.settings import Settings
from ca_etl.sources.session import Session, address_of
from ca_etl.sources.source import DateRange, Source
from ca_etl.sources.web_archives.cdx import (
    IndexLine,
    IndexPage,
    instant_of,
    page_address,
    read_wayback,
    wayback_query,
)
from ca_etl.sources.web_archives.web_archive import (
    IndexUnavailableError,
    Kept,
    OpenIndex,
    WebArchive,
    patient,
    usable,
)

NAME: Final = "wayback"
ROOT: Final = "https://web.archive.org/"
# Far below the ceiling of its index, 150,000 lines: a month of a site is one response, seldom two.
LINES: Final = 10_000
MOST_RESPONSES: Final = 100
ORIGINAL: Final = "x-archive-orig-"
STATUS_OK: Final = 200
# Of the body as it was sent to the web archive, not as it is played back.
OF_THE_WIRE: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def _open_index(root: str, session: Session, host: str) -> OpenIndex:
    """The index of the captures of some days; after a limit each response gives the key of the next one."""
    address = f"{address_of(session.ctx.settings, root, f'{NAME}/')}cdx/search/cdx"

    def pages(days: DateRange) -> Iterator[tuple[str, IndexPage]]:
        keys: set[str | None] = {None}
        key: str | None = None
        while True:
            url = f"{address}?{wayback_query(host, days, limit=LINES, resume_key=key)}"
            result = session.get_index(url)
            if result.verdict is not Verdict.OK or result.last is None:
                raise IndexUnavailableError(result)
            page = read_wayback(result.last.body.decode("utf-8", "replace"))
            key = page.resume_key
            # a key that comes again would go round for ever
            is_round = key is not None and (key in keys or len(keys) > MOST_RESPONSES)
            keys.add(key)
            yield url, IndexPage(page.lines, page.bad, key, page.is_whole and not is_round)
            if key is None or is_round:
                return

    return pages


def _fetch(root: str, session: Session, line: IndexLine) -> Kept:
    """Archive the memento of a capture, with the time of the one that was served, which need not be the requested."""
    address = address_of(session.ctx.settings, root, f"{NAME}/")
    # identity: a coding that it states besides is that of the original, and may be removed or not
    result = session.get_kept(
        f"{address}web/{line.timestamp}id_/{line.url}", (("Accept-Encoding", "identity"),)
    )
    attempt = result.last
    # a page that asked the crawler of the archive for a proof is a capture like others, and no refusal of ours
    is_challenge = result.verdict is Verdict.BLOCKED and attempt is not None and _is_memento(attempt)
    if not (is_challenge or usable(result)) or attempt is None:
        return Kept.unusable(result)
    served = re.fullmatch(rf"{re.escape(address)}web/([0-9]{{14}})(?:id_)?/(.+)", result.final_url)
    problem = _problem(line, served)
    if problem is None and not _is_memento(attempt):
        return Kept("the response is a page of the web archive itself", body=attempt.wire_body, may_pass=True)
    if problem is not None or served is None:
        return Kept(problem, body=attempt.wire_body)
    session.writer.add_memento(
        attempt,
        page_address(line.url),
        instant_of(served[1]),
        original_headers(attempt.response_headers),
        {
            MEMENTO: result.final_url,
            REQUESTED: line.timestamp,
            FETCHED_AT: warc_date(attempt.started_at),
        },
    )
    return Kept()


def _is_memento(attempt: Attempt) -> bool:
    """Whether a response plays back a capture with status 200, and is no page of the web archive itself."""
    names = {name.lower() for name, _ in attempt.response_headers}
    is_played = "memento-datetime" in names or any(name.startswith(ORIGINAL) for name in names)
    return is_played and attempt.status == STATUS_OK


def _problem(line: IndexLine, served: re.Match[str] | None) -> str | None:
    """Why a response is no memento of the page that `line` names; None for a memento of it, of whatever time."""
    if served is None:
        return "the redirect leads to a page that is no memento"
    if bare_address(page_address(served[2])) != bare_address(page_address(line.url)):
        return f"a memento of {served[2]} was served"
    try:
        instant_of(served[1])
    except ValueError:
        return f"a memento of {served[1]} was served, which is no time"
    return None


def original_headers(headers: Headers) -> Headers:
    """The headers of the original response, as played back with the prefix `x-archive-orig-`.

    Those that describe the body on the wire keep their prefix: type, coding and length are of the body as it is here.
    """
    named = [(name.lower(), name, value) for name, value in headers]
    originals = [
        (name[len(ORIGINAL) :], value)
        for lower, name, value in named
        if lower.startswith(ORIGINAL) and lower[len(ORIGINAL) :] not in OF_THE_WIRE | {"content-type"}
    ]
    of_body = [
        (name, value)
        for lower, name, value in named
        if lower in OF_THE_WIRE | {"content-type"} or lower.removeprefix(ORIGINAL) in OF_THE_WIRE
    ]
    return (*originals, *of_body)


def _pace(policy: FetchPolicy, settings: Settings) -> FetchPolicy:
    return patient(policy, interval=settings.wayback_interval_seconds)


def source(root: str = ROOT) -> Source:
    """The Wayback Machine as a source, with its address, which ends in a slash."""
    return WebArchive(
        NAME,
        frozenset({urlsplit(root).hostname or ""}),
        partial(_open_index, root),
        partial(_fetch, root),
        _pace,
        index_lags=True,
    ).source()


SOURCE: Final = source()
