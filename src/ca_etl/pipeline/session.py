"""A session with the site: one polite client, whose responses go into the archive file that is open."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from ca_etl import __version__
from ca_etl.archive import naming
from ca_etl.archive.client import Fetcher, FetchResult
from ca_etl.archive.policy import Attempt, Validators, Verdict, header
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page
from ca_etl.pipeline.context import Context
from ca_etl.sources import timesca

P = TypeVar("P")
R = TypeVar("R")

USABLE: Final = frozenset({Verdict.OK, Verdict.UNCHANGED})
# The site refused, or could not consent: requesting the next page would not be polite.
FINAL: Final = frozenset({Verdict.BLOCKED, Verdict.DISALLOWED, Verdict.THROTTLED})


@dataclass(frozen=True, slots=True)
class FetchedUrl:
    """What became of one URL that was requested for a slot. `detail` is text for people."""

    url: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class Walked(Generic[R]):
    """How a walk of many pages ended, and the answer it ended with; None where nothing was asked."""

    ended: R
    last: FetchResult | None


def page_of(result: FetchResult) -> Page | None:
    """The last response as a page, whatever its status; None where there was no response, or it is not a page."""
    last = result.last
    if last is None:
        return None
    kind = header(last.response_headers, "Content-Type")
    read = read_page(last.body, content_type=kind, url=result.final_url, on=None)
    return read if isinstance(read, Page) else None


def slot_origin(ctx: Context, source: str) -> naming.Origin:
    """What the archive file of `source` in the slot of this run is written for."""
    assert ctx.slot is not None  # noqa: S101  only `run` captures, and a run has a slot
    return naming.Origin(source, ctx.schedule or naming.DAILY, ctx.slot)


class Visit:
    """Asks for pages, with robots.txt read once and the pause kept between all of them. A context manager.

    Raises `UsageError` when the site may not be asked as things are set.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._writer: ArchiveWriter | None = None
        self._fetcher = Fetcher(
            timesca.fetch_policy(ctx.settings), clock=ctx.clock, sleep=ctx.sleep, on_attempt=self._archive
        )

    def __enter__(self) -> Self:
        self._fetcher.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fetcher.__exit__(kind, error, trace)

    def slot_file(self, source: str) -> AbstractContextManager[None]:
        """Let the responses go into the file of `source` in the run's slot until the block ends."""
        origin = slot_origin(self._ctx, source)
        return self.file(origin.name, source, **origin.info)

    @contextmanager
    def file(self, name: str, source: str, **info: str) -> Iterator[None]:
        """Let the responses go into the archive file of that name until the block ends; no file without a response."""
        info = {"ca-etl-run": self._ctx.run_id, "software": f"ca_etl/{__version__}", **info}
        archive_dir = self._ctx.settings.archive_dir
        with ArchiveWriter(archive_dir, name, source=source, info=info, clock=self._ctx.clock) as writer:
            self._writer = writer
            try:
                yield
            finally:
                self._writer = None

    def get(self, url: str, validators: Validators | None = None) -> FetchResult:
        """One page, into the file that is open, where the bytes as sent are from then on."""
        return self._fetcher.get(url, validators).without_bytes(keep_page=True)

    def walk(self, asking: Generator[str, P, R], read: Callable[[FetchResult], P]) -> Walked[R]:
        """Request the pages that `asking` names, and send it what `read` makes of each, until it has ended."""
        last: FetchResult | None = None
        try:
            url = next(asking)
            while True:
                last = self.get(url)
                page = read(last)
                last = last.without_bytes()
                url = asking.send(page)
        except StopIteration as over:
            return Walked(over.value, last)

    def _archive(self, attempt: Attempt) -> None:
        if self._writer is None:
            raise RuntimeError(f"{attempt.url} was asked for with no archive file open")
        self._writer.add(attempt)
