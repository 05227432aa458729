"""The definition of a source (schedules, tables, requests) and of its outcome in a slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Final, Self

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import FetchPolicy, Verdict
from ca_etl.errors import CaEtlError, Problem, UsageError, assert_in_order
from ca_etl.parse.page import Article, Parser
from ca_etl.parse.rows import SITE
from ca_etl.records import UNAVAILABLE_STATUSES
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP, Schedule
from ca_etl.sources.session import FINAL, USABLE, Context, FetchedUrl, Session
from ca_etl.warehouse.journal import GOOD, Cause, SlotOutcome, SlotRecord

TOO_MANY: Final = 429
# How far the first run reaches back; what is older is history, and `ca-etl backfill` requests it.
FIRST_RANGE: Final = timedelta(days=30)
# Two machines' clocks, and what was changed while the last run read.
OVERLAP: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of the warehouse: when and how it is requested, and the tables that its responses fill.

    `name` is the one in archive file names, in every record, `raw.slot` and `seeds.sources`; the slots of `schedules`
    request the source; `tables` are `raw.*` tables. `request` archives the source for a slot, and is given the articles
    of which an earlier source had too little; `history` archives past date ranges, None where the source offers none;
    `plan` finds out what that would take, None where it cannot be known before.
    `parser` makes rows of what is archived, now and in each rebuild. `hosts` may be requested beside those of the site;
    `pace` makes the rules for requests of its history of those for the site, None where these apply.
    """

    name: str
    schedules: frozenset[str]
    tables: frozenset[str]
    request: Callable[[Session, Iterable[Article]], SourceReply]
    history: History | None = None
    plan: Callable[[Session, Sequence[DateRange]], HistoryPlan] | None = None
    parser: Parser = SITE
    hosts: frozenset[str] = frozenset()
    pace: Callable[[FetchPolicy, Settings], FetchPolicy] | None = None


@dataclass(frozen=True, slots=True)
class SourceReply:
    """The result of requesting a source in a slot. `outcome` is None where nothing was requested.

    `pages` are the single pages requested; `archived` counts the pages that the archive had before. `leads` are
    articles of which another source may have more, to be iterated once. After a reply that `is_final` no other source
    is requested. `problems` are those met in archive and release before the first request.
    """

    outcome: SourceOutcome | None = None
    leads: Iterable[Article] = ()
    is_final: bool = False
    pages: tuple[FetchedUrl, ...] = ()
    archived: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """The outcome of a source in a slot; `articles` is the number of articles received.

    `reason` is text for people; `cause` is why the source failed, None where it did not. `pages_requested` and
    `pages_usable` are None of a source without single pages. `is_complete` states whether the source gave all that was
    requested, None where that is unknown.
    """

    source: str
    outcome: SlotOutcome
    reason: str | None = None
    articles: int = 0
    cause: Cause | None = None
    pages_requested: int | None = None
    pages_usable: int | None = None
    is_complete: bool | None = None

    @classmethod
    def observed(cls, source: str, articles: int, reason: str | None, *, is_complete: bool) -> Self:
        """The outcome of a source that responded well: `observed` with articles, `unchanged` without new ones."""
        outcome = SlotOutcome.OBSERVED if articles else SlotOutcome.UNCHANGED
        return cls(source, outcome, reason, articles, is_complete=is_complete)

    @classmethod
    def failed(cls, source: str, last: FetchResult | None, reason: str, articles: int) -> Self:
        """The outcome of a source that gave too little: `closed` (not offered), `blocked` (refused) or `failed`.

        `last` is the response that decides this, None where the source did not respond.
        """
        outcome = outcome_without_articles(last)
        cause = Cause.SITE if outcome is SlotOutcome.FAILED else None
        return cls(source, outcome, reason, articles, cause, is_complete=False)

    def record(self, schedule: Schedule, slot: datetime) -> SlotRecord:
        """This outcome as a line of the journal about the slot, or about the last slot of `schedule` before `slot`.

        `slot` is zone-aware.
        """
        expected = schedule.latest(slot)
        return SlotRecord(
            self.source,
            schedule.name,
            expected,
            schedule.day(expected),
            self.outcome.value,
            self.reason,
            self.cause,
            self.pages_requested,
            self.pages_usable,
            self.is_complete,
        )


@dataclass(frozen=True, slots=True)
class DateRange:
    """A range of UTC calendar days from `first` to `last`, both included."""

    first: date
    last: date

    @classmethod
    def of(cls, first: date, last: date | None, today: date) -> DateRange:
        """The range of days from `first` to `last`; `last` None means `today`.

        Raises `UsageError` when `first` is after `last`, or `last` after `today`.
        """
        last = last or today
        assert_in_order(first, last, hint="ca-etl backfill --help")
        if last > today:
            raise UsageError(f"{last} is in the future: today is {today}", "ca-etl backfill --help")
        return cls(first, last)

    def months(self) -> Iterator[DateRange]:
        """The range of days split by calendar month, the oldest month first."""
        begin = self.first
        while begin <= self.last:
            following = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
            yield DateRange(begin, min(self.last, following - timedelta(days=1)))
            begin = following

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The instants (UTC) just before and just after the range of days: the posts API excludes its bounds."""
        begin = datetime.combine(self.first, time(), UTC)
        return begin - timedelta(seconds=1), datetime.combine(self.last, time(), UTC) + timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def as_options(ranges: Sequence[DateRange]) -> str:
    """The options `--from` and `--to` of `ca-etl backfill` for ranges of days, given in their order."""
    return f"--from {ranges[0].first} --to {ranges[-1].last}"


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A part of a source's past that was archived: its number of articles, and the months that are complete with it."""

    articles: int
    complete: tuple[DateRange, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """What archiving a past would take: the captures to request and their requests, `seconds` of pauses between these.

    `days` are the calendar days in the zone of the settings of which there is a listing page.
    """

    captures: int
    requests: int
    seconds: float
    days: frozenset[date]


History = Callable[[Session, Sequence[DateRange]], Iterator[HistoryPart]]


class SourceUnavailableError(CaEtlError):
    """A source (posts API, feed or bank) gives nothing: it is not offered, it refuses this client, or it fails."""

    @classmethod
    def of(cls, source: str, last: FetchResult | None, where: str, *, later: str, instead: str) -> Self:
        """The error that `source` gave nothing, with the next command: `instead` where it is not offered, else `later`.

        `last` is the response that decides this, None without one; `where` is the text after the name of the source.
        """
        if outcome_without_articles(last) is SlotOutcome.CLOSED:
            return cls(f"{source} is not offered {where}; another source does without it", instead)
        return cls(f"{source} does not respond {where}; a later backfill continues", later)


def last_captured(ctx: Context, sources: Iterable[str], *, completely: bool) -> datetime | None:
    """The start (UTC) of the last run that captured articles of one of `sources`; None without such a run.

    `completely` counts only runs that captured all articles requested. The weekly sweep does not count, since it does
    not request edited articles; nor does a run that a wrong clock dates in the future.
    """
    wanted = frozenset(sources)
    return max(
        (
            run.started_at
            for run in ctx.runs
            if run.schedule != SWEEP and run.started_at <= ctx.started_at
            for record in run.slots
            if record.source in wanted and record.outcome in GOOD
            if record.is_complete or not completely
        ),
        default=None,
    )


def request_since(ctx: Context, *sources: str) -> datetime:
    """The time (UTC) since which changed articles are requested: 2 hours before the last run that captured some.

    It is 30 days ago without such a run. After an incomplete run the last complete one counts, but no more than 30
    days back, since a feed that is never complete would otherwise be requested further back each day.
    """
    month_ago = ctx.started_at - FIRST_RANGE
    last, complete = (last_captured(ctx, sources, completely=completely) for completely in (False, True))
    if last is None:
        return month_ago
    return min(last, month_ago if complete is None else max(complete, month_ago)) - OVERLAP


def outcome_of_pages(
    source: str,
    pages: Sequence[FetchedUrl],
    archived: int,
    *,
    rates: int | None,
    error: str = "",
    cause: Cause | None = None,
) -> SourceOutcome:
    """The outcome of requesting the listing pages of a slot, from the verdicts on the pages.

    `pages` were requested by this run, `archived` counts pages that earlier runs archived. `rates` counts the loaded
    rates, None before the load. `error` and `cause` are those of the run. A run that failed after it had archived its
    pages has observed its slot: the next run loads them.
    """
    requested, usable = len(pages) + archived, sum(page.verdict in USABLE for page in pages) + archived
    if not requested:
        return SourceOutcome(source, SlotOutcome.FAILED, error or None, cause=cause)
    of_pages = partial(
        SourceOutcome, source, pages_requested=requested, pages_usable=usable, is_complete=usable == requested
    )
    if not usable:
        refused = next((page for page in pages if page.verdict in FINAL), None)
        if refused is not None:
            return of_pages(SlotOutcome.BLOCKED, f"{refused.verdict}: {refused.detail}")
        return of_pages(SlotOutcome.FAILED, _count_verdicts(pages), cause=Cause.SITE)
    is_unchanged = not archived and not any(page.verdict is Verdict.OK for page in pages)
    if rates == 0 and not archived and not is_unchanged:
        return of_pages(SlotOutcome.FAILED, "no page had rates", cause=Cause.NO_RATES)
    missing = _count_verdicts(page for page in pages if page.verdict not in USABLE)
    reason = f"{usable} of {requested} pages; {missing}" if missing else None
    return of_pages(SlotOutcome.UNCHANGED if is_unchanged else SlotOutcome.OBSERVED, reason)


def _count_verdicts(pages: Iterable[FetchedUrl]) -> str:
    """Verdicts with their numbers, such as "3 http_error, 1 blocked"."""
    counts = Counter(page.verdict for page in pages)
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items())


def outcome_without_articles(last: FetchResult | None) -> SlotOutcome:
    """The outcome of a source whose `last` response has no articles: not offered (`closed`), `blocked` or `failed`."""
    if last is None:
        return SlotOutcome.FAILED
    status = status_of(last)
    if status in UNAVAILABLE_STATUSES or last.verdict in USABLE:
        return SlotOutcome.CLOSED
    is_refusal = last.verdict in FINAL or last.ends_visit or status == TOO_MANY
    return SlotOutcome.BLOCKED if is_refusal else SlotOutcome.FAILED


def refused(source: str, last: FetchResult | None, reason: str, articles: int) -> SourceReply:
    """The reply of a source whose `last` response ended its requests, with the `reason` and the articles so far.

    After status 429 (too many requests) the reply is final: no other source is requested.
    """
    # 429 Too Many Requests is about the client, whatever it requests next.
    is_final = last is not None and status_of(last) == TOO_MANY
    return SourceReply(SourceOutcome.failed(source, last, reason, articles), is_final=is_final)


def status_of(result: FetchResult) -> int | None:
    """The HTTP status of the last response to a URL; None where there was no response."""
    return result.attempts[-1].status if result.attempts else None
