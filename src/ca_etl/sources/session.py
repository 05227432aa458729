"""A session with a site: one polite client, whose responses go into the archive file that is open."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from ca_etl import __version__
from ca_etl.archive import naming
from ca_etl.archive.client import Fetcher, FetchResult
from ca_etl.archive.policy import Attempt, FetchPolicy, Validators, Verdict, header
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.errors import UsageError
from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page
from ca_etl.records import LOOPBACK, site_name
from ca_etl.settings import Settings
from ca_etl.warehouse.journal import RunKind, RunRecord

P = TypeVar("P")
R = TypeVar("R")
Clock = Callable[[], datetime]
Sleep = Callable[[float], None]

USABLE: Final = frozenset({Verdict.OK, Verdict.UNCHANGED})
# Clocks that a network keeps differ by less; Prefect's worker begins a run some tenths of a second before its slot.
TOLERANCE: Final = timedelta(minutes=2)
# The site refused, or could not consent: requesting the next page would not be polite.
FINAL: Final = frozenset({Verdict.BLOCKED, Verdict.DISALLOWED, Verdict.THROTTLED})


class Progress(Protocol):
    """Receives how far a step has come; `total` is the number of files, pages or tables in it."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called before each unit of work."""


def utc_now() -> datetime:
    """The wall clock, zone-aware."""
    return datetime.now(UTC)


def silent(step: str, done: int, total: int) -> None:
    """Progress that is shown to no one."""


@dataclass(frozen=True, slots=True)
class Context:
    """One run. `slot` is the scheduled instant in UTC and `schedule` its name, None for runs without one.

    `runs` is the journal when the run began.
    """

    settings: Settings
    kind: RunKind
    run_id: str
    started_at: datetime
    slot: datetime | None = None
    clock: Clock = utc_now
    sleep: Sleep = time.sleep
    progress: Progress = silent
    schedule: str | None = None
    runs: tuple[RunRecord, ...] = ()

    def slot_origin(self, source: str) -> naming.Origin:
        """What the archive file of `source` in the slot of this run is written for."""
        assert self.slot is not None  # noqa: S101  only `run` captures, and a run has a slot
        return naming.Origin(source, self.schedule or naming.DAILY, self.slot)


def withheld_files(runs: Sequence[RunRecord], now: datetime) -> frozenset[str]:
    """Archive files (relative POSIX paths) that are not loaded: their captures have the dates of a wrong clock.

    A later run that was published, or begins `now`, before the time of what contradicted that clock shows that the
    clock was right and the other thing wrong: its files are loaded.
    """
    earliest, files = now, set[str]()
    for run in reversed(runs):
        if run.release_id:
            earliest = min(earliest, run.started_at)
        elif run.contradicted_by and run.contradicted_by <= earliest + TOLERANCE:
            files.update(run.held)
    return frozenset(files)


@dataclass(frozen=True, slots=True)
class FetchedUrl:
    """What became of one URL that was requested for a slot. `detail` is text for people."""

    url: str
    verdict: Verdict
    detail: str


class Session:
    """Requests pages, with robots.txt read once and the pause kept between all of them. A context manager.

    Raises `UsageError` when the site may not be requested as things are set.
    """

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._writer: ArchiveWriter | None = None
        self._fetcher = Fetcher(
            fetch_policy(ctx.settings), clock=ctx.clock, sleep=ctx.sleep, on_attempt=self._archive
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fetcher.__exit__()

    def slot_file(self, source: str) -> AbstractContextManager[None]:
        """Let the responses go into the file of `source` in the run's slot until the block ends."""
        origin = self.ctx.slot_origin(source)
        return self.file(origin.name, source, **origin.info)

    @contextmanager
    def file(self, name: str, source: str, **info: str) -> Iterator[None]:
        """Let the responses go into the archive file of that name until the block ends; no file without a response."""
        info = {"ca-etl-run": self.ctx.run_id, "software": f"ca_etl/{__version__}", **info}
        archive_dir = self.ctx.settings.archive_dir
        with ArchiveWriter(archive_dir, name, source=source, info=info, clock=self.ctx.clock) as writer:
            self._writer = writer
            try:
                yield
            finally:
                self._writer = None

    def get(self, url: str, validators: Validators | None = None) -> FetchResult:
        """One page, into the file that is open, where the bytes as sent are from then on."""
        return self._fetcher.get(url, validators).without_bytes(keep_page=True)

    def crawl(
        self, urls: Generator[str, P, R], read: Callable[[FetchResult], P]
    ) -> tuple[R, FetchResult | None]:
        """Request the pages that `urls` names, and send it what `read` makes of each response, until it has ended.

        Its result, and the last response, None where nothing was requested.
        """
        last: FetchResult | None = None
        try:
            url = next(urls)
            while True:
                last = self.get(url)
                page = read(last)
                last = last.without_bytes()
                url = urls.send(page)
        except StopIteration as end:
            return end.value, last

    def _archive(self, attempt: Attempt) -> None:
        if self._writer is None:
            raise RuntimeError(f"{attempt.url} was requested with no archive file open")
        self._writer.add(attempt)


def page_of(result: FetchResult) -> Page | None:
    """The last response as a page, whatever its status; None where there was no response, or it is not a page."""
    last = result.last
    if last is None:
        return None
    kind = header(last.response_headers, "Content-Type")
    read = read_page(last.body, content_type=kind, url=result.final_url, on=None)
    return read if isinstance(read, Page) else None


def fetch_policy(settings: Settings) -> FetchPolicy:
    """How the site is requested.

    Raises `UsageError` when the site is not on loopback and no contact is set: a crawler that hides its operator is
    not polite.
    """
    host = (urlsplit(str(settings.site_url)).hostname or "").lower()
    on_loopback = site_name(str(settings.site_url)) == LOOPBACK
    if not settings.contact and not on_loopback:
        raise UsageError(
            f"{settings.site_url} is not requested: no contact is set",
            "export CA_ETL_CONTACT=you@example.org (it goes into the User-Agent)",
        )
    bare = host.removeprefix("www.")
    contact = f" (+{settings.contact})" if settings.contact else ""
    return FetchPolicy(
        user_agent=f"ca_etl/{__version__}{contact}",
        min_interval_seconds=settings.min_interval_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        max_attempts=settings.max_attempts,
        backoff_base_seconds=settings.backoff_seconds,
        max_retry_after_seconds=settings.max_retry_after_seconds,
        allowed_hosts=frozenset({bare, f"www.{bare}", *(name.lower() for name in settings.allowed_hosts)}),
        max_wire_bytes=settings.max_wire_bytes,
        max_decoded_bytes=settings.max_decoded_bytes,
    )
