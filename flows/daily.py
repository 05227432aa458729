"""The scheduled run under Prefect: each step of the pipeline is a task, its end is the state of the flow.

By hand: `python -m flows.daily --site demo`, or the address of a site. By schedule: `deployments/prefect.yaml`.
"""

from __future__ import annotations

if __name__ == "__main__":
    # Prefect reads its settings while it is imported below; the command prepares them first.
    from flows.command import main

    raise SystemExit(main())

from typing import Any, Final

from prefect import State, flow
from prefect.states import Failed
from pydantic import AwareDatetime

from ca_etl.errors import CaEtlError
from flows.ending import advised, ended
from flows.job import Job, run_name

HOUR: Final = 3600


@flow(name="ca-daily", flow_run_name=run_name, timeout_seconds=6 * HOUR)
def daily(site: str | None = None, slot: AwareDatetime | None = None) -> State[Any]:
    """Capture the pages of one daily slot, and publish what they say.

    `site` is the address of the site (default: CA_ETL_SITE_URL), or `demo` for the embedded one. `slot` is the
    scheduled instant that the run stands for, with its offset (default: the last one of the schedule). A run that
    comes late, whose slot another one has published by then, is skipped. The state is that of `flows.ending.ended`.
    """
    try:
        job = Job.of(site, slot)
    except CaEtlError as error:
        return Failed(message=advised(str(error), error.hint), data=error)
    return ended(job.settings, job.slot, job.run, played=job.on_demo)
