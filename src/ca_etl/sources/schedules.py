"""The schedules: when each source is captured. Journal, deployments, timers and freshness use this one list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ca_etl.archive import naming
from ca_etl.errors import UsageError
from ca_etl.settings import Settings

DAILY: Final = naming.DAILY
SWEEP: Final = "sweep"
SECOND: Final = timedelta(seconds=1)
FIELDS_WITH_SECONDS: Final = 6


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule, on which sources are captured: `cron` has five fields, or six with seconds first, in `zone`.

    A slot is one instant of the schedule, in UTC. It makes a run repeatable: a second run for the same slot reads its
    pages from the archive and requests nothing.
    """

    name: str
    source: str
    cron: str
    zone: ZoneInfo
    summary: str

    def latest(self, now: datetime) -> datetime:
        """The latest slot of the schedule, in UTC, at or before `now` (zone-aware)."""
        local = now.astimezone(self.zone).replace(microsecond=0) + SECOND
        return next(CronSim(self.cron, local, reverse=True)).astimezone(UTC)

    def after(self, instant: datetime) -> Iterator[datetime]:
        """Iterate without end over the slots of the schedule (UTC) after `instant` (zone-aware)."""
        for slot in CronSim(self.cron, instant.astimezone(self.zone)):
            yield slot.astimezone(UTC)

    def between(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """The slots of the schedule (UTC) between the instants `after` and `before`, both excluded, newest first."""
        for slot in CronSim(self.cron, before.astimezone(self.zone), reverse=True):
            if slot <= after:
                return
            yield slot.astimezone(UTC)

    def on(self, day: date) -> datetime:
        """The first slot of the schedule (UTC) on the calendar day `day` in its zone, or the first on a later day."""
        return next(self.after(datetime.combine(day, time(), self.zone) - SECOND))

    def day(self, slot: datetime) -> date:
        """The calendar day of a slot, in the zone of the schedule."""
        return slot.astimezone(self.zone).date()

    def is_overdue(self, last_observed: datetime | None, now: datetime, grace: timedelta) -> bool:
        """Whether a slot that is newer than `last_observed` was due at least `grace` before `now`.

        `last_observed` is the newest slot whose pages were captured, None without one.
        """
        return last_observed is None or last_observed < self.latest(now - grace)


def prefect_cron(cron: str) -> str:
    """Convert a cron expression of the settings to Prefect's form, in which the seconds come last, not first."""
    fields = cron.split()
    return " ".join((*fields[1:], fields[0])) if len(fields) == FIELDS_WITH_SECONDS else cron


def run_command(schedule: str | None) -> str:
    """The command that an operator types to run a schedule, by its name; None means the daily one.

    >>> run_command("sweep")
    'ca-etl run --schedule sweep'
    """
    return "ca-etl run" if schedule in {None, DAILY} else f"ca-etl run --schedule {schedule}"


def schedules(settings: Settings) -> tuple[Schedule, ...]:
    """The schedules of an installation, `daily` and `sweep`, with the times in its settings."""
    return (
        Schedule(
            DAILY,
            "timesca",
            settings.daily_cron,
            settings.zone,
            "the listing pages, with the day's ticker, and new articles",
        ),
        Schedule(
            SWEEP,
            "timesca",
            settings.sweep_cron,
            settings.zone,
            f"pages 2 to {settings.sweep_pages} of each listing, and which articles were deleted",
        ),
    )


def schedule(settings: Settings, name: str = DAILY) -> Schedule:
    """The schedule called `name`, with the times in the settings. Raises `UsageError` for an unknown name."""
    known = {planned.name: planned for planned in schedules(settings)}
    if name not in known:
        raise UsageError(
            f"there is no schedule {name!r}; the schedules are {', '.join(known)}", "ca-etl schedule"
        )
    return known[name]
