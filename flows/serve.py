"""`python -m flows.serve`: all deployments from one process, for one machine without a work pool and worker.

It needs a running server, which PREFECT_API_URL names, and runs one flow at a time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ca_etl.errors import CaEtlError, UsageError
from flows.deployments import RUN_ENVIRONMENT, Deployment, deployments, prefect_cron
from flows.local_server import QUIET
from flows.site import settings_for

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


def main() -> int:
    """Serve until the process is stopped; return the exit status."""
    try:
        settings = settings_for(None)
        if not os.environ.get("PREFECT_API_URL"):
            raise UsageError(
                "PREFECT_API_URL is not set, and schedules need a server that stays",
                "prefect server start, then export PREFECT_API_URL=http://127.0.0.1:4200/api",
            )
    except CaEtlError as error:
        sys.stderr.write(f"{error}\nnext: {error.hint}\n")
        return error.exit_status
    # Prefect reads the environment at import, and the flow runs inherit it.
    for name, value in {**QUIET, **RUN_ENVIRONMENT}.items():
        os.environ.setdefault(name, value)
    import httpx  # noqa: PLC0415
    from prefect import serve  # noqa: PLC0415

    try:
        take_out_of_the_pool([f"{flow_name(each)}/{each.name}" for each in deployments(settings)])
    except httpx.HTTPError as error:
        sys.stderr.write(f"{os.environ['PREFECT_API_URL']}: {error}\nnext: prefect server start\n")
        return 1
    serve(
        *(served(each) for each in deployments(settings)),
        # Of all deployments together. A run beyond it is taken at a later look, as in a work pool of limit 1.
        limit=1,
        # By default the schedules are paused when the process stops, and nobody starts them again after a reboot.
        pause_on_shutdown=False,
    )
    return 0


def take_out_of_the_pool(names: Iterable[str]) -> None:
    """Delete the deployments of a work pool that bear these names; their flow runs stay.

    Prefect keeps their pool when they are served, and drops where their code is: every run then crashes at its start.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        for name in names:
            try:
                known = client.read_deployment_by_name(name)
            except ObjectNotFound:
                continue
            if known.work_pool_name:
                client.delete_deployment(known.id)
                sys.stderr.write(f"{name} was taken out of the work pool {known.work_pool_name}\n")


def flow_name(deployment: Deployment) -> str:
    """The name of the flow of a deployment: `ca-daily` of daily."""
    return f"ca-{deployment.name}"


def served(deployment: Deployment) -> RunnerDeployment:
    """The deployment as Prefect's runner takes it: no pool, no pull step, run from the current directory."""
    from prefect.deployments.runner import RunnerDeployment  # noqa: PLC0415
    from prefect.schedules import Cron  # noqa: PLC0415

    planned = deployment.schedule
    return RunnerDeployment.from_entrypoint(
        deployment.entrypoint,
        name=deployment.name,
        description=deployment.description,
        tags=list(deployment.tags),
        parameters=dict(deployment.parameters),
        schedules=[]
        if planned is None
        else [Cron(prefect_cron(planned.cron), timezone=planned.zone.key, slug=planned.name)],
    )


if __name__ == "__main__":
    raise SystemExit(main())
