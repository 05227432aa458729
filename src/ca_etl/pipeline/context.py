"""What every step of a run knows: which run it is, and the edges it may touch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from ca_etl.settings import Settings
from ca_etl.warehouse.journal import RunRecord

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


class Kind(StrEnum):
    """What a run was asked to do."""

    RUN = "run"
    INGEST = "ingest"
    REBUILD = "rebuild"
    RETRY = "retry"
    BACKFILL = "backfill"


class Status(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CHECKS_FAILED = "checks_failed"
    CRASHED = "crashed"


class Progress(Protocol):
    """Told how far a step has come; `total` is the number of files, pages or tables in it."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called before each unit of work."""


def utc_now() -> datetime:
    """The wall clock, zone-aware."""
    return datetime.now(UTC)


def silent(step: str, done: int, total: int) -> None:
    """Progress for nobody."""


@dataclass(frozen=True, slots=True)
class Context:
    """One run. `slot` is the scheduled instant in UTC and `schedule` its name, None for runs without one.

    `runs` is the journal as it stood when the run began.
    """

    settings: Settings
    kind: Kind
    run_id: str
    started_at: datetime
    slot: datetime | None = None
    clock: Clock = utc_now
    sleep: Sleep = time.sleep
    progress: Progress = silent
    schedule: str | None = None
    runs: tuple[RunRecord, ...] = ()
