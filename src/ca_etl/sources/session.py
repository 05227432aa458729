"""Request the site within one run: one polite HTTP client, whose responses go into the open archive file."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from ca_etl import __version__
from ca_etl.archive import naming
from ca_etl.archive.client import Fetcher, FetchResult
from ca_etl.archive.policy import Attempt, FetchPolicy, Headers, Validators, Verdict, header
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.errors import UsageError
from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page
from ca_etl.records import LOOPBACK, site_name
from ca_etl.settings import Settings
from ca_etl.warehouse.journal import RunKind, RunRecord

if TYPE_CHECKING:
    from ca_etl.sources.source import Source

P = TypeVar("P")
R = TypeVar("R")
Clock = Callable[[], datetime]
Sleep = Callable[[float], None]

USABLE: Final = frozenset({Verdict.OK, Verdict.UNCHANGED})
# Clocks that a network keeps differ by less; Prefect's worker begins a run some tenths of a second before its slot.
TOLERANCE: Final = timedelta(minutes=2)
# A body that cannot be decoded is kept as it is: web archives state codings that they have removed.
LEFT: Final = frozenset({Verdict.OK, Verdict.BAD_ENCODING})
# The site refused, or could not consent: requesting the next page would not be polite.
FINAL: Final = frozenset({Verdict.BLOCKED, Verdict.DISALLOWED, Verdict.THROTTLED})


class Progress(Protocol):
    """A function that is called to show the progress of a step: `done` of `total` files, pages or tables."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called before each unit of work."""


def utc_now() -> datetime:
    """The present time of this machine's clock, in UTC and zone-aware."""
    return datetime.now(UTC)


def silent(step: str, done: int, total: int) -> None:
    """A `Progress` function that shows nothing."""


@dataclass(frozen=True, slots=True)
class Context:
    """The settings, identity and tools of a run, with which each of its steps is called.

    `slot` is the scheduled instant in UTC and `schedule` the name of its schedule, None for a run that no schedule
    started. `runs` are those of the journal when the run began. `sources` are all sources that a run may request and
    whose captures a load may read. `accept_loss` is as in `Environment`.
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
    sources: tuple[Source, ...] = ()
    accept_loss: bool = False

    def slot_origin(self, source: str) -> naming.Origin:
        """The source, schedule and slot that are recorded in the archive file of `source` in this run."""
        assert self.slot is not None  # noqa: S101  only `run` captures, and a run has a slot
        return naming.Origin(source, self.schedule or naming.DAILY, self.slot)


def withheld_files(runs: Sequence[RunRecord], now: datetime) -> frozenset[str]:
    """The archive files that are not loaded because the clock of their run was wrong, as relative POSIX paths.

    A clock counts as wrong when it is more than a day off a known time, such as the end of an earlier run. Its files
    are loaded after all once a later run (a published one, or the one that begins at `now`) started before that known
    time, since the clock was right then.
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
    """A URL that was requested for a slot, with its verdict; `detail` explains the verdict in words."""

    url: str
    verdict: Verdict
    detail: str


class Archived(Enum):
    """How a session archives a response: as a capture, as evidence, or not, where the caller adds what is in it."""

    CAPTURE = auto()
    EVIDENCE = auto()
    BY_CALLER = auto()


class Session:
    """A polite HTTP session: reads robots.txt once, pauses between requests, and archives every response.

    A context manager. With a `source` that has a pace, all requests have that pace, which `policy` states. Raises
    `UsageError` when the settings forbid requests (see `fetch_policy`).
    """

    def __init__(self, ctx: Context, source: Source | None = None) -> None:
        self.ctx = ctx
        self._writer: ArchiveWriter | None = None
        self._archived: Archived = Archived.CAPTURE
        hosts = (host for known in ctx.sources for host in known.hosts)
        policy = fetch_policy(ctx.settings, *hosts)
        if source is not None and source.pace is not None:
            policy = source.pace(policy, ctx.settings)
        self.policy = policy
        self._fetcher = Fetcher(policy, clock=ctx.clock, sleep=ctx.sleep, on_attempt=self._archive)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fetcher.__exit__()

    @property
    def writer(self) -> ArchiveWriter:
        """The open archive file. Raises `RuntimeError` outside of `file`."""
        if self._writer is None:
            raise RuntimeError("no archive file is open")
        return self._writer

    def slot_file(self, source: str) -> AbstractContextManager[None]:
        """Archive all responses of the `with` block in one file, that of `source` for the slot of the run."""
        origin = self.ctx.slot_origin(source)
        return self.file(origin.name, source, **origin.info)

    @contextmanager
    def file(self, name: str, source: str, **info: str) -> Iterator[None]:
        """Archive all responses of the `with` block in the file called `name`; without a response no file is made.

        `info` are further fields of its warcinfo record.
        """
        info = {"ca-etl-run": self.ctx.run_id, "software": f"ca_etl/{__version__}", **info}
        archive_dir = self.ctx.settings.archive_dir
        with ArchiveWriter(archive_dir, name, source=source, info=info, clock=self.ctx.clock) as writer:
            self._writer = writer
            try:
                yield
            finally:
                self._writer = None

    def get(self, url: str, validators: Validators | None = None) -> FetchResult:
        """Request one page and archive the response. The result has the decoded body, but not the bytes as sent."""
        return self._fetcher.get(url, validators).without_bytes(keep_page=True)

    def get_index(self, url: str) -> FetchResult:
        """Request an index of captures. Each response is archived as evidence, and gives no capture itself."""
        with self._archive_as(Archived.EVIDENCE):
            return self._fetcher.get(url).without_bytes(keep_page=True)

    def get_kept(self, url: str, headers: Headers) -> FetchResult:
        """Request a capture that a web archive keeps, by the URL that it has there, with additional request headers.

        A usable response is left to the caller, who adds the capture in it to `writer`; others are archived as
        evidence.
        """
        with self._archive_as(Archived.BY_CALLER):
            return self._fetcher.get(url, headers=headers)

    def crawl(
        self, urls: Generator[str, P, R], read: Callable[[FetchResult], P]
    ) -> tuple[R, FetchResult | None]:
        """Request each URL that the generator `urls` yields, and send it what `read` makes of the response.

        Returns the result of the generator, and the last response (None where it yielded no URL).
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

    @contextmanager
    def _archive_as(self, archived: Archived) -> Iterator[None]:
        self._archived = archived
        try:
            yield
        finally:
            self._archived = Archived.CAPTURE

    def _archive(self, attempt: Attempt) -> None:
        is_left = self._archived is Archived.BY_CALLER and attempt.verdict in LEFT
        if is_left and urlsplit(attempt.url).path != "/robots.txt":
            return
        self.writer.add(attempt, is_evidence=self._archived is not Archived.CAPTURE)


def page_of(result: FetchResult) -> Page | None:
    """Parse the last response of a fetch as a page, whatever its status; None without a response or a page."""
    last = result.last
    if last is None:
        return None
    kind = header(last.response_headers, "Content-Type")
    read = read_page(last.body, content_type=kind, url=result.final_url, on=None)
    return read if isinstance(read, Page) else None


def address_of(settings: Settings, root: str, path: str) -> str:
    """The address `root` of a source, or for a site on loopback `path` below it: a demo requests no other site."""
    site = str(settings.site_url)
    is_demo = site_name(site) == LOOPBACK != site_name(root)
    return f"{site}{path}" if is_demo else root


def fetch_policy(settings: Settings, *hosts: str) -> FetchPolicy:
    """The rules for requests to the site, from the settings: pauses, limits, User-Agent, allowed hosts.

    `hosts` are the hosts of other sources; without a contact only those on loopback are requested. Raises `UsageError`
    when no contact is set and the site is not on loopback, since a polite crawler names its operator.
    """
    host = (urlsplit(str(settings.site_url)).hostname or "").lower()
    on_loopback = site_name(str(settings.site_url)) == LOOPBACK
    if not settings.contact and not on_loopback:
        raise UsageError(
            f"{settings.site_url} is not requested: no contact is set, which goes into the User-Agent",
            "export CA_ETL_CONTACT=you@example.org",
        )
    bare = host.removeprefix("www.")
    contact = f" (+{settings.contact})" if settings.contact else ""
    others = (host for host in hosts if settings.contact or site_name(f"http://{host}/") == LOOPBACK)
    return FetchPolicy(
        user_agent=f"ca_etl/{__version__}{contact}",
        min_interval_seconds=settings.min_interval_seconds,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        max_attempts=settings.max_attempts,
        backoff_base_seconds=settings.backoff_seconds,
        max_retry_after_seconds=settings.max_retry_after_seconds,
        allowed_hosts=frozenset(
            {bare, f"www.{bare}", *others, *(name.lower() for name in settings.allowed_hosts)}
        ),
        max_wire_bytes=settings.max_wire_bytes,
        max_decoded_bytes=settings.max_decoded_bytes,
    )
