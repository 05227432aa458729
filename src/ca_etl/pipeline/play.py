"""The demo: run scheduled days one after the other against the embedded demo site, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta

from ca_etl.demo import desk
from ca_etl.demo.content import default_last_day
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import DEFAULT_ENVIRONMENT, run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, schedule
from ca_etl.warehouse import lock
from ca_etl.warehouse.data_directory import assert_restored, next_command
from ca_etl.warehouse.lock import LockHeldError


def play_days(
    settings: Settings,
    days: int,
    *,
    last_day: date | None = None,
    faults: Mapping[date, Fault] | None = None,
    on: str = DAILY,
    environment: Environment = DEFAULT_ENVIRONMENT,
) -> Iterator[Outcome]:
    """Run a schedule against the embedded demo site, once for each of the `days` days up to `last_day`.

    `on` is the name of the schedule; `faults` are those of the site by day. The clock of a run starts at its slot, so
    that captures have the times of that day. Two articles are edited meanwhile (`demo.desk`).
    """
    assert_restored(settings.data_dir)
    last_day = last_day or default_last_day()
    with _served(settings) as site:
        site.faults.update(faults or {})
        ours = {"site_url": site.base_url, "min_interval_seconds": 0.0, "backoff_seconds": 0.0}
        on_site = settings.model_copy(update=ours)
        for back in range(days - 1, -1, -1):
            day = last_day - timedelta(days=back)
            site.play(day)
            desk.work(site, day)
            slot = slot_on(settings, day, on)
            outcome = run_daily(
                on_site,
                slot=slot,
                on=on,
                environment=replace(environment, clock=clock_from(slot), trust_clock=True),
            )
            outcome.hint = next_command(outcome.hint, is_demo=True)
            yield outcome


@contextmanager
def _served(settings: Settings) -> Iterator[DemoSite]:
    """The demo site while it is served. Where another demo has port and data directory, raises `LockHeldError`."""
    with ExitStack() as stack:
        try:
            site = stack.enter_context(DemoSite(port=settings.demo_port))
        except CaEtlError:
            if (holder := lock.live_run(settings.data_dir)) is not None:
                raise LockHeldError(settings.data_dir, holder) from None
            raise
        yield site


def slot_on(settings: Settings, day: date, on: str = DAILY) -> datetime:
    """The latest slot (UTC) of the schedule named `on` up to the daily slot of `day`."""
    return schedule(settings, on).latest(schedule(settings).on(day))


def faults(outages: Iterable[date], wrong: Iterable[date]) -> dict[date, Fault]:
    """Faults of the demo site by day: status 503 on `outages`, a KZT rate ten times too high on `wrong`."""
    down = {day: Fault(status=503) for day in outages}
    return down | {day: Fault(rate_times_ten="KZT") for day in wrong}
