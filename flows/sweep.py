"""The weekly sweep under Prefect: the pages behind the first of each listing, and what was taken away."""

from __future__ import annotations

from typing import Any, Final

from prefect import State, flow
from prefect.states import Failed
from pydantic import AwareDatetime

from ca_etl.errors import CaEtlError
from ca_etl.sources.schedules import SWEEP
from flows.ending import advised, ended
from flows.job import Job, sweep_run_name

HOUR: Final = 3600


@flow(name="ca-sweep", flow_run_name=sweep_run_name, timeout_seconds=6 * HOUR)
def sweep(site: str | None = None, slot: AwareDatetime | None = None) -> State[Any]:
    """Capture what slipped off the first page of each listing, and what was taken away; publish it.

    Parameters and states are those of `flows.daily.daily`.
    """
    try:
        job = Job.of(site, slot, on=SWEEP)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    return ended(job.settings, job.slot, job.run, played=job.on_demo)
