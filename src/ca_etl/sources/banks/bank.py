"""Request a central bank: the table of the day in each daily slot, and the tables of past months for a backfill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from ca_etl.archive.client import FetchResult
from ca_etl.parse.page import Article, Parser, Terms
from ca_etl.records import Capture
from ca_etl.sources.schedules import DAILY
from ca_etl.sources.session import USABLE, FetchedUrl, Session, address_of
from ca_etl.sources.source import (
    DateRange,
    HistoryPart,
    Source,
    SourceOutcome,
    SourceReply,
    SourceUnavailableError,
    as_options,
    outcome_of_pages,
)
from ca_etl.warehouse.journal import Cause, SlotOutcome

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bank:
    """A central bank on the web: its name as a source, the address of its tables, and the IANA zone of its days.

    `latest` gives the path of the table of a day (today in the zone of the bank), `past` the paths for a range of
    days; both are below `root`, which ends in a slash. Without `past` each day of a range is requested as `latest`.
    """

    name: str
    root: str
    zone: str
    latest: Callable[[date], str]
    past: Callable[[DateRange], Iterable[str]] | None = None

    def source(self, parser: Parser) -> Source:
        """The `Source` of this bank, which is requested in each daily slot."""
        return Source(
            name=self.name,
            schedules=frozenset({DAILY}),
            tables=frozenset({"official_rate"}),
            request=partial(_request_day, self, parser),
            history=partial(_request_past, self, parser),
            parser=parser,
            hosts=frozenset({urlsplit(self.root).hostname or ""}),
        )

    def paths(self, days: DateRange) -> Iterable[str]:
        """The paths, below the root of the bank, of the tables of official rates for `days`."""
        if self.past is not None:
            return self.past(days)
        return (self.latest(days.first + number * DAY) for number in range((days.last - days.first).days + 1))


def _address(bank: Bank, session: Session) -> str:
    return address_of(session.ctx.settings, bank.root, f"banks/{bank.name}/")


def _problem(bank: Bank, parser: Parser, session: Session, result: FetchResult) -> str | None:
    """Why a response is no table, such as a refusal, or a page of maintenance with status 200; None for a table."""
    if result.verdict not in USABLE:
        return f"{result.verdict} ({result.detail})"
    body = b"" if result.last is None else result.last.body
    capture = Capture("", bank.name, body, "", 0, url=result.final_url, captured_at=session.ctx.clock())
    content = parser.read(capture, Terms(ZoneInfo(bank.zone)))
    return None if content.is_readable else f"no table: {content.rejects[0].detail}"


def _request_day(bank: Bank, parser: Parser, session: Session, _leads: Iterable[Article]) -> SourceReply:
    """Archive the table of the day of the run."""
    day = session.ctx.started_at.astimezone(ZoneInfo(bank.zone)).date()
    url = f"{_address(bank, session)}{bank.latest(day)}"
    with session.slot_file(bank.name):
        result = session.get(url)
    if result.verdict in USABLE and (problem := _problem(bank, parser, session, result)):
        return SourceReply(SourceOutcome(bank.name, SlotOutcome.FAILED, problem, cause=Cause.SITE))
    page = FetchedUrl(url, result.verdict, result.detail)
    return SourceReply(outcome_of_pages(bank.name, [page], 0, rates=None))


def _request_past(
    bank: Bank, parser: Parser, session: Session, months: Sequence[DateRange]
) -> Iterator[HistoryPart]:
    """Archive the tables of `months`, a file a month.

    Raises `SourceUnavailableError` at the first table that the bank does not give; those before stay archived.
    """
    ctx = session.ctx
    for number, month in enumerate(months):
        ctx.progress("capture", number, len(months))
        name = f"{ctx.started_at:%Y%m%dT%H%M%SZ}-{bank.name}-{month.first:%Y%m%d}"
        with session.file(name, bank.name, **{"ca-etl-days": f"{month}"}):
            for path in bank.paths(month):
                result = session.get(f"{_address(bank, session)}{path}")
                if problem := _problem(bank, parser, session, result):
                    raise SourceUnavailableError(
                        f"{bank.name} gives no table of {month}: {problem}",
                        f"ca-etl backfill --source {bank.name} {as_options(months[number:])}",
                    )
        yield HistoryPart(0, (month,))
