"""What one flow run is to do: which site, which slot. The slot comes from the schedule, not from the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from errno import EADDRINUSE
from typing import Any

from prefect import runtime

from ca_etl.demo.figures import default_last_day
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import DEFAULT_EDGES, Outcome, run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, schedule
from flows.site import DEMO, settings_for


@dataclass(frozen=True, slots=True)
class Job:
    """One scheduled slot on one site. `slot` is in UTC."""

    settings: Settings
    slot: datetime
    on_demo: bool

    @classmethod
    def of(cls, site: str | None, slot: datetime | None) -> Job:
        """The job that a flow run's parameters ask for. Raises `UsageError` for settings that make no sense."""
        settings = settings_for(site)
        return cls(settings, slot_of(site, slot, settings), on_demo=site == DEMO)

    @property
    def day(self) -> date:
        """The day of the slot, in the zone of the schedule."""
        return self.slot.astimezone(self.settings.zone).date()

    def run(self, call: Callable[..., Any]) -> Outcome:
        """Run the pipeline, each step through `call`. Raises what `run_daily` raises."""
        edges = replace(DEFAULT_EDGES, call=call)
        if not self.on_demo:
            return run_daily(self.settings, slot=self.slot, edges=edges)
        try:
            (outcome,) = play_days(self.settings, 1, last_day=self.day, edges=edges)
        except CaEtlError as error:
            if getattr(error.__cause__, "errno", None) != EADDRINUSE:
                raise
            # Somebody plays the demo at its usual address; any other does as well.
            any_port = self.settings.model_copy(update={"demo_port": 0})
            (outcome,) = play_days(any_port, 1, last_day=self.day, edges=edges)
        return outcome


def slot_of(site: str | None, slot: datetime | None, settings: Settings, on: str = DAILY) -> datetime:
    """The given slot, else the last one of the schedule, else the one that this run was scheduled for; in UTC.

    A run that comes late, after a night without power, stands for the slot of now: the page of an earlier day is
    gone. A worker may begin a run some tenths of a second before its slot, hence the later of the two instants.
    The history of the demo site ends one day, so that its default is a slot of its own.
    """
    if slot is not None:
        return slot.astimezone(UTC)
    planned = schedule(settings, on)
    if site == DEMO:
        return planned.on(default_last_day())
    latest = planned.latest(utc_now())
    if not is_scheduled():
        return latest
    scheduled: datetime = runtime.flow_run.scheduled_start_time
    return max(latest, scheduled.replace(microsecond=0).astimezone(UTC))


def is_scheduled() -> bool:
    """Whether this flow run was made by the schedule of a deployment, not by hand."""
    return runtime.deployment.id is not None and "auto-scheduled" in runtime.flow_run.tags


def run_name() -> str:
    """Name of the flow run under way: its day, in the zone of the schedule."""
    parameters = runtime.flow_run.parameters
    settings = settings_for(None)
    slot = slot_of(parameters.get("site"), parameters.get("slot"), settings)
    return f"ca-daily {slot.astimezone(settings.zone):%Y-%m-%d}"
