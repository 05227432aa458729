"""Report a finished run to Prefect: summary, artifacts of the UI, alerts, and stored task runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from inspect import iscoroutine
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterId
from prefect.exceptions import PrefectException
from prefect.utilities.asyncutils import run_coro_as_sync

from ca_etl.errors import CaEtlError, counted
from ca_etl.operate.alert_delivery import PREFECT, check_after_run
from ca_etl.operate.channels import Channel, ChannelError, Message, describe_failure, muted_libraries
from ca_etl.pipeline.outcome import Outcome
from ca_etl.report.run_summary import RATE_COLUMNS, RunSummary, read_summary
from ca_etl.settings import Settings
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.journal import RunStatus
from ca_etl.warehouse.release import Building, Release

log = logging.getLogger(__name__)

# A daily run loads one file and requests four pages: its bar would be over before it is seen.
MANY_UNITS: Final = 20
STEP_PERCENT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """The data of a flow run's final state: the outcome of the run, and the ids of its task runs in Prefect."""

    outcome: Outcome
    task_runs: tuple[UUID, ...]


class RunFailedError(CaEtlError):
    """A run ended without a release; its journal line has the same error."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.outcome.error, report.outcome.hint)
        self.report = report
        self.exit_status = report.outcome.exit_status


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """The outcome and summary of a run for the slot `slot` (UTC). `contents` is None where no table was built."""

    outcome: Outcome
    slot: datetime
    contents: RunSummary | None = None


def summarize(outcome: Outcome, data_dir: Path, slot: datetime) -> FlowSummary:
    """Summarize a finished run from its release, or from the unpublished warehouse that failed its checks."""
    built: Release | Building | None = outcome.release
    if outcome.status is RunStatus.CHECKS_FAILED:
        built = Building(data_dir, outcome.run_id)
    contents = read_contents(built.warehouse, outcome.run_id) if built else None
    return FlowSummary(outcome, slot, contents)


def read_contents(warehouse: Path, run_id: str) -> RunSummary:
    """Read the summary of the run `run_id`. Raises `duckdb.Error` for an unreadable warehouse."""
    with open_release(warehouse) as con:
        return read_summary(con, run_id)


def summary_line(summary: FlowSummary) -> str:
    """The result of a run in one line: release, number of rates and articles, or the error."""
    release, contents = summary.outcome.release, summary.contents
    if release is None or contents is None:
        return summary.outcome.error
    rates = f"{counted(len(contents.rates), 'rate')} of {contents.day}" if contents.rates else "no rates"
    return f"Release {release.release_id}: {rates}, {contents.counts}"


def summary_markdown(summary: FlowSummary) -> str:
    """The summary of a run as Markdown: status, rates, articles, rejects, checks and warnings."""
    outcome, contents = summary.outcome, summary.contents
    parts = [f"# {summary.slot:%Y-%m-%d %H:%M} UTC: {outcome.status.replace('_', ' ')}"]
    if outcome.release is not None:
        parts.append(f"Release `{outcome.release.release_id}` is stored in `{outcome.release.folder}`.")
    else:
        parts.append(f"No release: {outcome.error}")
        parts += [f"Next: `{outcome.hint}`"] if outcome.hint else []
    if contents is not None:
        parts += _contents_markdown(contents, published=outcome.release is not None)
    if outcome.fired or contents is not None:
        rows = [(c.severity, c.check_name, c.model, str(c.offending_rows), c.sample) for c in outcome.fired]
        header = ("Severity", "Check", "Table", "Rows", "Some of them")
        parts += ["## Checks that fired", _table(header, rows)]
    if outcome.warnings:
        parts += ["## Warnings", "\n".join(f"- {_cell(warning)}" for warning in outcome.warnings)]
    return "\n\n".join(parts) + "\n"


def _contents_markdown(contents: RunSummary, *, published: bool) -> list[str]:
    note = "" if published else " (not published)"
    return [
        f"## A dollar on {contents.day or 'no day'}{note}",
        _table(RATE_COLUMNS, [rate.cells() for rate in contents.rates]),
        "\n".join(f"- {_cell(line)}" for line in (contents.counts, *contents.gap_lines)),
        "## Rejects",
        _table(("Reason", "Rejects"), [(reason, str(count)) for reason, count in contents.rejects]),
    ]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return "None."
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: str) -> str:
    # In Markdown a bar would begin a new column, and a line break would end the table.
    return " ".join(value.replace("|", "\\|").split())


def create_artifacts(summary: FlowSummary, day: str) -> None:
    """Create the artifacts of a finished run in Prefect's UI, with constant keys so that the UI shows their history."""
    create_markdown_artifact(
        summary_markdown(summary), key="ca-etl-summary", description=f"Result of the run of {day}"
    )
    contents = summary.contents
    if contents is not None and contents.rates:
        create_table_artifact(
            [dict(zip(RATE_COLUMNS, rate.cells(), strict=True)) for rate in contents.rates],
            key="ca-etl-rates",
            description=f"A dollar on {contents.day}, from the run of {day}",
        )
    release = summary.outcome.release
    if release is not None:
        create_link_artifact(
            release.folder.resolve().as_uri(),
            link_text=f"Release {release.release_id}",
            key="ca-etl-release",
            description="Folder of the release on the machine of the worker",
        )


class ProgressArtifacts:
    """The progress of long steps in Prefect's UI: one artifact for each step, updated at every five per cent."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[UUID, float]] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that `done` of `total` units of `step` are done; a step of fewer than 20 units is not shown."""
        if total < MANY_UNITS:
            return
        percent = 100.0 * done / total
        text = f"{step}: {done} of {total}"
        artifact, shown = self._shown.get(step, (None, 0.0))
        if artifact is None:
            key = f"ca-etl-progress-{step}"
            artifact = cast("UUID", create_progress_artifact(percent, key=key, description=text))
        elif percent - shown >= STEP_PERCENT:
            update_progress_artifact(artifact, percent, description=text)
        else:
            return
        self._shown[step] = (artifact, percent)

    def close(self) -> None:
        """Set the progress shown in Prefect's UI to 100 per cent for every step."""
        for artifact, _ in self._shown.values():
            update_progress_artifact(artifact, 100.0)
        self._shown.clear()


@dataclass(frozen=True, slots=True)
class PrefectBlock:
    """An alert channel that sends with a notification block of Prefect, named by `reference`: slack-webhook/ca-etl.

    The secrets of the block stay on Prefect's server.
    """

    reference: str
    name: str = field(default=PREFECT, init=False)

    def send(self, message: Message) -> None:
        """Send one alert message. Raises `ChannelError`, without the text of the block's error, which may be secret."""
        with muted_libraries():
            try:
                self._notify(message)
            except (NotificationError, PrefectException, httpx.HTTPError, OSError, ValueError) as error:
                raise ChannelError(
                    describe_failure(f"Prefect's block {self.reference} did not send the message", error),
                    self._hint,
                ) from None

    def _notify(self, message: Message) -> None:
        block: object = Block.load(self.reference)
        if not isinstance(block, NotificationBlock):
            raise ChannelError(f"Prefect's block {self.reference} is not a notification block", self._hint)
        # Without `raise_on_failure` a block of Apprise reports a failure in a log line only.
        with block.raise_on_failure():
            done: object = block.notify(body=message.body, subject=message.subject)
            if iscoroutine(done):
                # A block of another package may return a coroutine; those of Prefect run it themselves.
                run_coro_as_sync(done)

    @property
    def _hint(self) -> str:
        return f"prefect block inspect {self.reference}"


def send_alerts(settings: Settings, now: datetime) -> tuple[str, ...]:
    """Check for alerts after a run and send them, also by Prefect's block. Warnings are logged and returned."""
    block = settings.alert_prefect_block
    channels: tuple[Channel, ...] = (PrefectBlock(block),) if block else ()
    warnings = check_after_run(settings, now, also=channels)
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


def wait_until_recorded(task_runs: Collection[UUID], seconds: float = 15) -> bool:
    """Wait until Prefect's server has stored the final state of all `task_runs`; False if `seconds` pass before.

    The server gets the states as events, and stores them a while after the flow has ended.
    """
    deadline = time.monotonic() + seconds
    chosen = TaskRunFilter(id=TaskRunFilterId(any_=list(task_runs)))
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            stored = client.read_task_runs(task_run_filter=chosen) if task_runs else []
            if sum(run.state is not None and run.state.is_final() for run in stored) == len(task_runs):
                return True
            time.sleep(0.05)
    return False
