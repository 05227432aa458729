"""What became of one source in a slot: its line in the journal, and a checkpoint in case the run is killed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

from pydantic import TypeAdapter, ValidationError

from ca_etl.archive.client import FetchResult
from ca_etl.archive.policy import Verdict
from ca_etl.pipeline.session import FINAL, USABLE, FetchedUrl
from ca_etl.pipeline.slots import SlotOutcome, slot_record
from ca_etl.records import UNAVAILABLE_STATUSES
from ca_etl.sources.schedules import Schedule
from ca_etl.warehouse.durable_files import read_if_there, write_atomic
from ca_etl.warehouse.journal import Cause, SlotRecord

log = logging.getLogger(__name__)

CHECKPOINT_FILE: Final = "articles.json"
TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What became of one source in a slot. `articles` counts those it gave; the rest are facts of `SlotRecord`."""

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
        """A source that responded: with articles, or with the word that there are none."""
        outcome = SlotOutcome.OBSERVED if articles else SlotOutcome.UNCHANGED
        return cls(source, outcome, reason, articles, is_complete=is_complete)

    @classmethod
    def failed(cls, source: str, last: FetchResult | None, reason: str, articles: int) -> Self:
        """A source whose `last` response ended the requests: closed, blocked, or failed."""
        outcome = outcome_of(last)
        cause = Cause.SITE if outcome is SlotOutcome.FAILED else None
        return cls(source, outcome, reason, articles, cause, is_complete=False)

    def record(self, schedule: Schedule, slot: datetime) -> SlotRecord:
        """Its line of the journal, for a slot of `schedule`."""
        return replace(
            slot_record(schedule, slot, self.outcome, self.reason),
            source=self.source,
            cause=self.cause,
            pages_requested=self.pages_requested,
            pages_usable=self.pages_usable,
            is_complete=self.is_complete,
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The outcomes of the article sources in the run of that id."""

    run_id: str
    outcomes: tuple[SourceOutcome, ...]


def write_checkpoint(data_dir: Path, run_id: str, outcomes: Iterable[SourceOutcome]) -> None:
    """Keep the outcomes of a run until its journal line is written. Raises `StorageError`."""
    checkpoint = TypeAdapter(Checkpoint).dump_json(Checkpoint(run_id, tuple(outcomes)))
    write_atomic(data_dir / CHECKPOINT_FILE, checkpoint + b"\n")


def read_checkpoint(data_dir: Path, run_id: str) -> tuple[SourceOutcome, ...]:
    """The outcomes that the run of that id has kept, empty where there are none. Raises `StorageError`.

    A checkpoint that is damaged, or of another version, is ignored: the next run requests the articles once more.
    """
    path = data_dir / CHECKPOINT_FILE
    data = read_if_there(path)
    if data is None:
        return ()
    try:
        checkpoint = TypeAdapter(Checkpoint).validate_json(data)
    except ValidationError as error:
        log.warning("%s is damaged, and ignored: %s", path, error)
        return ()
    return checkpoint.outcomes if checkpoint.run_id == run_id else ()


def slot_outcome(
    source: str,
    pages: Sequence[FetchedUrl],
    archived: int,
    *,
    rates: int | None,
    error: str = "",
    cause: Cause | None = None,
) -> SourceOutcome:
    """The outcome of a run's own slot.

    `pages` were requested by the run, `archived` pages before it; `rates` were loaded, None before the load. `error`
    and `cause` are those of the run. A run that failed after its pages were archived has observed its slot: the next
    run loads them.
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
        return of_pages(SlotOutcome.FAILED, counted(pages), cause=Cause.SITE)
    is_unchanged = not archived and not any(page.verdict is Verdict.OK for page in pages)
    if rates == 0 and not archived and not is_unchanged:
        return of_pages(SlotOutcome.FAILED, "no page had rates", cause=Cause.NO_RATES)
    missing = counted(page for page in pages if page.verdict not in USABLE)
    reason = f"{usable} of {requested} pages; {missing}" if missing else None
    return of_pages(SlotOutcome.UNCHANGED if is_unchanged else SlotOutcome.OBSERVED, reason)


def counted(pages: Iterable[FetchedUrl]) -> str:
    """Verdicts with their numbers, such as "3 http_error, 1 blocked"."""
    return ", ".join(f"{number} {verdict}" for verdict, number in Counter(p.verdict for p in pages).items())


def outcome_of(result: FetchResult | None) -> SlotOutcome:
    """The outcome of a source whose last response was `result` and gave no articles."""
    if result is None:
        return SlotOutcome.FAILED
    last = result.last
    if last is not None and (last.status in UNAVAILABLE_STATUSES or result.verdict in USABLE):
        return SlotOutcome.CLOSED
    is_no = result.verdict in FINAL or result.ends_visit or (last is not None and last.status == TOO_MANY)
    return SlotOutcome.BLOCKED if is_no else SlotOutcome.FAILED


def status_of(result: FetchResult) -> int | None:
    """The HTTP status of the last response, None where there was none."""
    return result.attempts[-1].status if result.attempts else None
