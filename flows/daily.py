"""The daily run and the weekly sweep as Prefect flows, in which each step of the pipeline is a task.

Run once: `python -m flows.daily --site demo`, or the address of a site. Schedules: `deployments/prefect.yaml`.
"""

from __future__ import annotations

if __name__ == "__main__":
    # Prefect reads its settings when it is imported below; the command sets them before.
    from flows.deploy import run_locally

    raise SystemExit(run_locally("flows.daily:daily"))

from typing import Any, Final

from prefect import State, flow
from pydantic import AwareDatetime

from ca_etl.sources.schedules import DAILY, SWEEP
from flows.flow_run import run_slot, slot_run_name

SIX_HOURS: Final = 6 * 3600


@flow(name="ca-daily", flow_run_name=lambda: slot_run_name("ca-daily", DAILY), timeout_seconds=SIX_HOURS)
def daily(site: str | None = None, slot: AwareDatetime | None = None, again: bool = False) -> State[Any]:
    """Capture the pages of one daily slot, and publish the rates and articles in them.

    `site` is the address of the site (default: CA_ETL_SITE_URL), or `demo` for the embedded site. `slot` is the
    scheduled instant, with its offset (default: the last slot of the schedule); with `again` the present instant is
    the slot, so that pages that are archived are requested again. A late scheduled run is skipped if another run has
    published its slot. Ends with a state of `flows.flow_run.run_pipeline`.
    """
    return run_slot(site, slot, DAILY, again=again)


@flow(name="ca-sweep", flow_run_name=lambda: slot_run_name("ca-sweep", SWEEP), timeout_seconds=SIX_HOURS)
def sweep(site: str | None = None, slot: AwareDatetime | None = None, again: bool = False) -> State[Any]:
    """Capture the later pages of each listing, search for deleted articles, and publish a release.

    `site` is the address of the site (default: CA_ETL_SITE_URL), or `demo` for the embedded site. `slot` is the
    scheduled instant, with its offset (default: the last slot of the sweep); `again` takes the present instant as the
    slot. Ends with a state of `flows.flow_run.run_pipeline`.
    """
    return run_slot(site, slot, SWEEP, again=again)
