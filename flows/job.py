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
from ca_etl.sources.timesca import latest_slot
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


def slot_of(site: str | None, slot: datetime | None, settings: Settings) -> datetime:
    """The given slot, else the time that a deployment scheduled this run for, else the last daily slot; in UTC.

    A run that waited for its worker thus still stands for the slot it was made for. The history of the demo site
    ends one day, so that its default is a slot of its own.
    """
    if slot is None and site == DEMO:
        slot = datetime.combine(default_last_day(), settings.daily_at, settings.zone)
    if slot is None and runtime.deployment.id is not None:
        slot = runtime.flow_run.scheduled_start_time.replace(microsecond=0)
    return (slot or latest_slot(utc_now(), settings.daily_at, settings.zone)).astimezone(UTC)


def run_name() -> str:
    """Name of the flow run under way: its day, in the zone of the schedule."""
    parameters = runtime.flow_run.parameters
    settings = settings_for(None)
    slot = slot_of(parameters.get("site"), parameters.get("slot"), settings)
    return f"ca-daily {slot.astimezone(settings.zone):%Y-%m-%d}"
