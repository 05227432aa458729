"""What a run leaves to be seen in Prefect's UI: a summary, the rates as a table, the release, and progress."""

from __future__ import annotations

from typing import Final, cast
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.summary import Facts, rates_table, summary

SUMMARY: Final = "ca-etl-summary"
RATES: Final = "ca-etl-rates"
RELEASE: Final = "ca-etl-release"
PROGRESS: Final = "ca-etl-progress"
# A daily run loads one file and asks for four pages: nobody would see the bar move.
LONG_WORK: Final = 20
STEP_PERCENT: Final = 5.0


def create_artifacts(facts: Facts, day: str) -> None:
    """Leave the artifacts of a run that is over. Their keys stay the same, so that the UI keeps their history."""
    create_markdown_artifact(summary(facts), key=SUMMARY, description=f"How the run of {day} ended")
    if facts.contents is not None and facts.contents.rates:
        told = f"Rates of {facts.contents.rates_date}, in the run of {day}"
        create_table_artifact(rates_table(facts.contents), key=RATES, description=told)
    if facts.release is not None:
        create_link_artifact(
            facts.release.resolve().as_uri(),
            link_text=f"Release {facts.release.name}",
            key=RELEASE,
            description="The folder on the machine of the worker",
        )


class ProgressArtifacts:
    """Progress of long steps as artifacts: one a step, moved in steps of five per cent."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[UUID, float]] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called before each unit of work."""
        if total < LONG_WORK:
            return
        percent = 100.0 * done / total
        told = f"{step}: {done} of {total}"
        known = self._shown.get(step)
        if known is None:
            made = cast("UUID", create_progress_artifact(percent, key=f"{PROGRESS}-{step}", description=told))
            self._shown[step] = (made, percent)
        elif percent - known[1] >= STEP_PERCENT:
            update_progress_artifact(known[0], percent, description=told)
            self._shown[step] = (known[0], percent)

    def close(self) -> None:
        """Show what was begun as done."""
        for artifact, _ in self._shown.values():
            update_progress_artifact(artifact, 100.0)
        self._shown.clear()
