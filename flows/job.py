"""What one flow run is to do: which site, which slot. The slot comes from the schedule, not from the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from errno import EADDRINUSE
from functools import partial

from prefect import runtime

from ca_etl.demo.content import default_last_day
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.consult import consult
from ca_etl.pipeline.context import utc_now
from ca_etl.pipeline.play import play_days, slot_on
from ca_etl.pipeline.run import Edges, Outcome, run_daily
from ca_etl.pipeline.slots import is_done
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP, schedule
from ca_etl.warehouse import journal
from flows.errors import SlotDoneError
from flows.site import DEMO, settings_for


@dataclass(frozen=True, slots=True)
class Job:
    """One slot of the schedule named `on`, on one site. `slot` is in UTC."""

    settings: Settings
    slot: datetime
    on_demo: bool
    on: str = DAILY

    @classmethod
    def of(cls, site: str | None, slot: datetime | None, on: str = DAILY) -> Job:
        """The job that a flow run's parameters ask for. Raises `UsageError` for settings that make no sense."""
        settings = settings_for(site)
        return cls(settings, slot_of(site, slot, settings, on), on_demo=site == DEMO, on=on)

    @property
    def day(self) -> date:
        """The day of the slot, in the zone of the schedule."""
        return self.slot.astimezone(self.settings.zone).date()

    def run(self, edges: Edges) -> Outcome:
        """Run the pipeline. Raises what `run_daily` raises, and `SlotDoneError` for a scheduled run that is late."""
        if not self.on_demo:
            self._assert_slot_is_open()
            return run_daily(self.settings, slot=self.slot, on=self.on, edges=edges)
        try:
            (outcome,) = play_days(self.settings, 1, last_day=self._demo_day(), on=self.on, edges=edges)
        except CaEtlError as error:
            if getattr(error.__cause__, "errno", None) != EADDRINUSE:
                raise
            # Somebody plays the demo at its usual address; any other does as well.
            any_port = self.settings.model_copy(update={"demo_port": 0})
            (outcome,) = play_days(any_port, 1, last_day=self._demo_day(), on=self.on, edges=edges)
        return outcome

    def _demo_day(self) -> date:
        # the slot of a weekly sweep lies some days before the day that the site shows
        return self.day if self.on == DAILY else default_last_day()

    def _assert_slot_is_open(self) -> None:
        if not is_scheduled():
            return
        planned = schedule(self.settings, self.on)
        # what cannot be read is no reason not to capture: the run meets the problem again, and reports it
        runs = consult(
            partial(journal.read, self.settings.data_dir), (), journal.JOURNAL_FILE, "ca-etl doctor"
        )
        done_by = is_done(planned, runs.value, self.slot)
        if done_by is not None:
            raise SlotDoneError(f"The slot {self.slot:%Y-%m-%d %H:%M:%S} UTC was published by run {done_by}")


def slot_of(site: str | None, slot: datetime | None, settings: Settings, on: str = DAILY) -> datetime:
    """The given slot, else the last one of the schedule, else the one that this run was scheduled for; in UTC.

    A run that comes late, after a night without power, stands for the slot of now: the page of an earlier day is
    gone. A worker may begin a run some tenths of a second before its slot, hence the later of the two instants.
    The history of the demo site ends one day, so that its default is a slot of its own.
    """
    if slot is not None:
        return slot.astimezone(UTC)
    if site == DEMO:
        return slot_on(settings, default_last_day(), on)
    latest = schedule(settings, on).latest(utc_now())
    if not is_scheduled():
        return latest
    scheduled: datetime = runtime.flow_run.scheduled_start_time
    return max(latest, scheduled.replace(microsecond=0).astimezone(UTC))


def is_scheduled() -> bool:
    """Whether this flow run was made by the schedule of a deployment, not by hand."""
    return runtime.deployment.id is not None and "auto-scheduled" in runtime.flow_run.tags


def run_name() -> str:
    """Name of a daily flow run under way: its day, in the zone of the schedule."""
    return _named("ca-daily", DAILY)


def sweep_run_name() -> str:
    """Name of a sweep under way."""
    return _named("ca-sweep", SWEEP)


def _named(name: str, on: str) -> str:
    parameters = runtime.flow_run.parameters
    settings = settings_for(None)
    slot = slot_of(parameters.get("site"), parameters.get("slot"), settings, on)
    return f"{name} {slot.astimezone(settings.zone):%Y-%m-%d}"
