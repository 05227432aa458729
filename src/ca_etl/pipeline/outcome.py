"""The result of a run: what its steps have left, for the command, the flow and the journal that report it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ca_etl.pipeline.capture import Captured
from ca_etl.pipeline.load import Loaded
from ca_etl.warehouse.journal import Cause, CheckResult, RunStatus, SlotRecord
from ca_etl.warehouse.release import Release


@dataclass(slots=True)
class Outcome:
    """The result of a run, which its steps fill in one by one. `release` is None when nothing was published.

    `slots` are the missed slots before the run, `files_held` counts the files of an ingest without a new one; other
    fields that `RunRecord` has, too, are described there.
    """

    run_id: str
    status: RunStatus = RunStatus.SUCCEEDED
    exit_status: int = 0
    release: Release | None = None
    captured: Captured | None = None
    loaded: Loaded | None = None
    checks: tuple[CheckResult, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""
    cause: Cause | None = None
    slots: tuple[SlotRecord, ...] = ()
    contradicted_by: datetime | None = None
    held: tuple[str, ...] = ()
    files_held: int = 0

    @property
    def fired(self) -> tuple[CheckResult, ...]:
        """The checks of the run that returned offending rows, those of severity `error` first."""
        fired = [result for result in self.checks if result.offending_rows]
        return tuple(sorted(fired, key=lambda result: (result.severity != "error", result.check_name)))
