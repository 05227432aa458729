"""A web archive as a source: find the captures of a date range in its index, request each, and plan both.

Each month is requested in two passes, the first passes of all months before the second: first a capture a day and kind
of listing page, so that days of rates are won by few requests, then the rest. The archive files of a month show which
captures an earlier, stopped backfill has brought.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import partial
from typing import Final, Self
from urllib.parse import urlsplit

from ca_etl.archive.client import FetchResult
from ca_etl.archive.naming import DAMAGED, EVIDENCE, REQUESTED, SEALED_SUFFIX
from ca_etl.archive.policy import FetchPolicy, Verdict
from ca_etl.archive.reader import read_damage, whole_records
from ca_etl.archive.record import CAPTURE_KINDS
from ca_etl.archive.writer import record_id
from ca_etl.errors import CaEtlError, counted
from ca_etl.parse.page import Article, kind_of_url
from ca_etl.records import RejectReason, site_name
from ca_etl.settings import Settings
from ca_etl.sources.session import FINAL, Session
from ca_etl.sources.source import (
    TOO_MANY,
    DateRange,
    HistoryPart,
    HistoryPlan,
    Source,
    SourceReply,
    SourceUnavailableError,
    as_options,
    status_of,
)
from ca_etl.sources.web_archives.cdx import (
    LISTING_KINDS,
    BadIndexLine,
    IndexLine,
    IndexPage,
    LineReason,
    collapse,
    count_reasons,
    one_a_day,
    page_address,
    why_unwanted,
)

log = logging.getLogger(__name__)

SERVER_ERROR: Final = 500
SLOW_DOWN: Final = 503
# A web archive that fails so often in a row is out of service: each failure takes some seven minutes of pauses.
MOST_FAILURES: Final = 3
# A capture that was refused in so many backfills is unavailable: it is not requested again, and holds up no month.
MOST_REFUSALS: Final = 2
REFUSED: Final = (
    "what robots.txt disallows is not requested: get WARC files by agreement with it, and ingest them"
)
MOST_BODY: Final = 8 * 1024 * 1024


class OutOfServiceError(CaEtlError):
    """A web archive gives nothing now, neither its index nor captures."""

    is_refusal = False


class IndexUnavailableError(OutOfServiceError):
    """An index or a capture is not given: the web archive refuses this client, or it fails now.

    `ends_visit` states whether it would refuse the next request, too, whatever that requests.
    """

    def __init__(self, result: FetchResult, *, why: str = "") -> None:
        super().__init__(f"{result.final_url}: {result.verdict} ({why or result.detail})")
        self.is_refusal = result.verdict in {Verdict.DISALLOWED, Verdict.OFFSITE}
        self.ends_visit = result.ends_visit


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of requesting one capture of a web archive: it is archived, or its `problem` makes it a reject.

    A problem that `may_pass` is of the web archive, not of the capture: a later backfill requests the capture again.
    With a `refusal` the web archive refused to give the capture, or did not respond.
    """

    problem: str | None = None
    reason: RejectReason = RejectReason.BAD_RECORD
    body: bytes = b""
    may_pass: bool = False
    refusal: IndexUnavailableError | None = None

    @classmethod
    def unusable(cls, result: FetchResult) -> Self:
        """The result of a response that is a refusal or an error, or is incomplete."""
        if _is_refused(result):
            refusal = IndexUnavailableError(result)
            return cls(str(refusal), RejectReason.UNAVAILABLE, refusal=refusal)
        is_cut = result.verdict is Verdict.TRUNCATED
        reason = RejectReason.TRUNCATED if is_cut else RejectReason.HTTP_ERROR
        may_pass = is_cut or (status_of(result) or 0) >= SERVER_ERROR
        return cls(f"{result.verdict}: {result.detail}", reason, may_pass=may_pass)


OpenIndex = Callable[[DateRange], Iterator[tuple[str, IndexPage]]]


@dataclass(frozen=True, slots=True)
class WebArchive:
    """A web archive: its name as a source, its hosts, and how it is requested.

    `open_index` gives for a host a function from days to the pages of the index, with their URLs; `fetch` archives one
    capture that a line names; both raise `IndexUnavailableError`. `pace` makes the rules of its requests of those for
    the site. With `index_lags` the second pass requests the index again, since its responses may lack captures.
    """

    name: str
    hosts: frozenset[str]
    open_index: Callable[[Session, str], OpenIndex]
    fetch: Callable[[Session, IndexLine], Kept]
    pace: Callable[[FetchPolicy, Settings], FetchPolicy]
    index_lags: bool = False

    def source(self) -> Source:
        """The web archive as a source, which no schedule requests."""
        return Source(
            name=self.name,
            schedules=frozenset(),
            tables=frozenset({"rate_observation", "article_observation", "article_text"}),
            request=_request_nothing,
            history=partial(_request_past, self),
            plan=partial(_plan, self),
            hosts=self.hosts,
            pace=self.pace,
        )


def patient(policy: FetchPolicy, *, interval: float) -> FetchPolicy:
    """The rules for requests of a web archive: one per `interval` (seconds), and pauses of minutes after an error.

    A backfill has the time: it may wait an hour where the archive requires that.
    """
    return replace(
        policy,
        min_interval_seconds=interval,
        read_timeout_seconds=max(policy.read_timeout_seconds, 180.0),
        max_request_seconds=max(policy.max_request_seconds, 600.0),
        max_attempts=max(policy.max_attempts, 4),
        backoff_base_seconds=60.0,
        backoff_cap_seconds=600.0,
        max_retry_after_seconds=max(policy.max_retry_after_seconds, 3600.0),
    )


def _request_nothing(_session: Session, _leads: Iterable[Article]) -> SourceReply:
    return SourceReply()


@dataclass(slots=True)
class _Month:
    """A month under way: its captures by the index, and those that the archive has. `skipped` are other lines.

    `failures` and `refusals` count, by the id of its reject, how often a capture was not given, and was refused.
    """

    archive: str
    days: DateRange
    lines: list[IndexLine] = field(default_factory=list)
    held: set[tuple[str, str]] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    skipped: list[LineReason] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    archived: int = 0
    rejects: int = 0
    has_whole_index: bool = True
    lacks_captures: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no later backfill would bring more."""
        return self.has_whole_index and not self.lacks_captures

    @property
    def unavailable(self) -> int:
        """The number of captures that the web archive refuses for good."""
        return sum(map(self.is_unavailable, self.lines))

    def missing(self, lines: Iterable[IndexLine]) -> list[IndexLine]:
        """Those of `lines` whose captures are to be requested, last the ones that were not given before."""
        missing = [line for line in lines if line.key not in self.held and not self.is_unavailable(line)]
        return sorted(missing, key=self.was_not_given)

    @property
    def untried(self) -> list[IndexLine]:
        """The captures that no earlier backfill failed to get."""
        return [line for line in self.lines if not self.was_not_given(line)]

    def was_not_given(self, line: IndexLine) -> bool:
        """Whether an earlier backfill failed to get the capture."""
        return self.failures[self.reject_id(line)] > 0

    def is_unavailable(self, line: IndexLine) -> bool:
        """Whether the capture was refused in so many backfills that no other one requests it."""
        return self.refusals[self.reject_id(line)] >= MOST_REFUSALS

    def reject_id(self, line: IndexLine) -> str:
        """The id of the reject of a capture that is not given, or is not as its index states."""
        return record_id("kept", self.archive, *line.key)


def _request_past(
    archive: WebArchive, session: Session, months: Sequence[DateRange]
) -> Iterator[HistoryPart]:
    """Archive the captures of `months`, two files a month.

    Raises `SourceUnavailableError` where the web archive refuses or fails; what was archived before stays.
    """
    visit = _Requests(archive, session)
    under_way = [_Month(archive.name, days) for days in months]
    left = list(months)
    try:
        for number, month in enumerate(under_way):
            session.ctx.progress("first of each day", number, len(months))
            with visit.file(month):
                visit.recall(month)
                visit.read_index(month)
                visit.fetch(month, one_a_day(month.untried, session.ctx.settings.zone))
        for number, month in enumerate(under_way):
            session.ctx.progress("capture", number, len(months))
            with visit.file(month):
                if archive.index_lags:
                    visit.read_index(month)
                visit.fetch(month, month.lines)
            visit.report(month)
            left.remove(month.days)
            yield HistoryPart(0, (month.days,) if month.is_whole else ())
    except OutOfServiceError as error:
        later = f"ca-etl backfill --via {archive.name} {as_options(left)}"
        resumes = REFUSED if error.is_refusal else "what it gave is archived, and a later backfill resumes"
        raise SourceUnavailableError(
            f"{archive.name} gives no more: {error}; {resumes}",
            "ca-etl ingest --help" if error.is_refusal else later,
        ) from error


def _plan(archive: WebArchive, session: Session, months: Sequence[DateRange]) -> HistoryPlan:
    """Request the index alone, and count what `_request_past` would request.

    Raises `SourceUnavailableError` where the web archive gives no index.
    """
    visit = _Requests(archive, session)
    missing, pages = list[IndexLine](), 0
    try:
        for number, days in enumerate(months):
            session.ctx.progress("index", number, len(months))
            month = _Month(archive.name, days)
            visit.recall(month)
            with visit.file(month):
                pages += visit.read_index(month)
            missing += month.missing(month.lines)
    except IndexUnavailableError as error:
        raise SourceUnavailableError(
            f"{archive.name} gives no index: {error}",
            f"ca-etl backfill --plan --via {archive.name} {as_options(months)}",
        ) from error
    requests = len(missing) + pages * (2 if archive.index_lags else 1)
    zone = session.ctx.settings.zone
    won = frozenset(line.day(zone) for line in missing if kind_of_url(line.url) in LISTING_KINDS)
    return HistoryPlan(len(missing), requests, requests * session.policy.min_interval_seconds, won)


class _Requests:
    """Requests of one web archive in one session."""

    def __init__(self, archive: WebArchive, session: Session) -> None:
        site = str(session.ctx.settings.site_url)
        self._archive = archive
        self._session = session
        self._site = site_name(site)
        self._failures = 0
        self._pages = archive.open_index(session, (urlsplit(site).hostname or "").removeprefix("www."))

    def file(self, month: _Month) -> AbstractContextManager[None]:
        """Open an archive file of the month."""
        name = f"{self._session.ctx.started_at:%Y%m%dT%H%M%SZ}-{self._archive.name}-{month.days.first:%Y%m%d}"
        return self._session.file(name, self._archive.name, **{"ca-etl-days": f"{month.days}"})

    def recall(self, month: _Month) -> None:
        """Read from the archive which captures of a month earlier backfills have got, and which they have not."""
        pattern = f"*/*/*-{self._archive.name}-{month.days.first:%Y%m}*{SEALED_SUFFIX}"
        for path in self._session.ctx.settings.archive_dir.glob(pattern):
            for record in whole_records(path):
                damage = record.warc.get(DAMAGED.lower())
                if damage is not None:
                    month.failures[record.record_id] += 1
                    month.refusals[record.record_id] += read_damage(damage)[0] is RejectReason.UNAVAILABLE
                elif record.kind in CAPTURE_KINDS and record.uri and EVIDENCE.lower() not in record.warc:
                    stamp = f"{record.date.astimezone(UTC):%Y%m%d%H%M%S}"
                    month.held.add((page_address(record.uri), record.warc.get(REQUESTED.lower(), stamp)))

    def read_index(self, month: _Month) -> int:
        """Add the captures that the index names, its damaged lines as rejects; return the number of its responses."""
        lines, responses = [*month.lines], 0
        month.skipped, month.has_whole_index = [], True
        for url, page in self._pages(month.days):
            responses += 1
            month.has_whole_index &= page.is_whole
            for bad in page.bad:
                self._reject_line(month, url, bad)
            for line in page.lines:
                why = why_unwanted(line, site=self._site, days=month.days)
                if why is None:
                    lines.append(line)
                else:
                    month.skipped.append(why)
        month.lines = collapse(lines)
        return responses

    def fetch(self, month: _Month, lines: Iterable[IndexLine]) -> None:
        """Archive the captures of `lines` that are not archived yet; what is not as stated becomes a reject.

        Raises `OutOfServiceError` where one is refused that no earlier backfill was refused, and after failures in a
        row of captures that no earlier backfill failed to get.
        """
        for line in month.missing(lines):
            kept = self._archive.fetch(self._session, line)
            reject_id = month.reject_id(line)
            if not month.was_not_given(line):
                self._failures = self._failures + 1 if kept.may_pass else 0
            if kept.problem is None:
                month.archived += 1
            else:
                month.lacks_captures |= kept.may_pass
                month.refusals[reject_id] += kept.refusal is not None
                self._reject(month, reject_id, line.url, kept)
            if kept.refusal is not None and (kept.refusal.ends_visit or not month.is_unavailable(line)):
                raise kept.refusal
            if self._failures == MOST_FAILURES:
                raise OutOfServiceError(
                    f"{line.url}: {kept.problem}, the last of {MOST_FAILURES} failures in a row"
                )
            month.held.add(line.key)

    def report(self, month: _Month) -> None:
        """Log what a month has brought."""
        skipped = count_reasons(month.skipped) or "none"
        of_month = (self._archive.name, month.days)
        log.info(
            "%s of %s: %s, %d of them new, %s; lines of no page of the site: %s",
            *(*of_month, counted(len(month.lines), "capture"), month.archived),
            *(counted(month.rejects, "reject"), skipped),
        )
        if month.unavailable:
            log.warning(
                "%s of %s: unavailable captures, refused in two backfills: %d", *of_month, month.unavailable
            )
        if not month.is_whole:
            log.warning(
                "%s of %s: its index or some captures were not given; a later backfill requests them again",
                *of_month,
            )

    def _reject_line(self, month: _Month, url: str, bad: BadIndexLine) -> None:
        reject_id = record_id("line", self._archive.name, bad.text)
        # both passes may read it
        if reject_id not in month.damaged:
            month.damaged.add(reject_id)
            detail = f"line of the index: {bad.reason}, {bad.detail}"
            self._reject(month, reject_id, url, Kept(detail, body=bad.text.encode()))

    def _reject(self, month: _Month, reject_id: str, uri: str, kept: Kept) -> None:
        detail = f"{self._archive.name}: {kept.problem}"
        month.rejects += 1
        log.warning("%s: %s", uri, detail)
        is_cut = len(kept.body) > MOST_BODY
        body, now = kept.body[:MOST_BODY], self._session.ctx.clock()
        self._session.writer.add_damage(reject_id, uri, kept.reason, detail, body, date=now, is_cut=is_cut)


def usable(result: FetchResult) -> bool:
    """Whether a capture was given. Raises `IndexUnavailableError` where it was not even requested.

    That is so where robots.txt disallows it, or where an earlier response requires a pause.
    """
    if result.last is None:
        raise IndexUnavailableError(result)
    return result.verdict in {Verdict.OK, Verdict.BAD_ENCODING}


def _is_refused(result: FetchResult) -> bool:
    """Whether the web archive refused a request, or did not respond; any other status is about the capture."""
    is_refusal = result.verdict in FINAL or result.verdict in {Verdict.UNREACHABLE, Verdict.OFFSITE}
    return is_refusal or result.ends_visit or status_of(result) in {TOO_MANY, SLOW_DOWN}
