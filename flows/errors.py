"""What a flow run ended with, beside a state."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.run import Outcome


@dataclass(frozen=True, slots=True)
class Report:
    """A run that was recorded in the journal, and the task runs of its steps."""

    outcome: Outcome
    task_runs: tuple[UUID, ...]


class RunFailedError(CaEtlError):
    """A run that published nothing; its journal line says the same."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.outcome.error, report.outcome.hint)
        self.report = report
        self.exit_status = report.outcome.exit_status


class SlotDoneError(CaEtlError):
    """The slot that a late run stands for was published by another run."""

    exit_status = 0
