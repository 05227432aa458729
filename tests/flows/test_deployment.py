"""`deployments/prefect.yaml`, deployed to a real server and read back."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.sources.schedules import Schedule
from ca_etl.warehouse import journal
from flows.deploy import deployments, prefect_cron

Command = Callable[..., CompletedProcess[str]]
REPOSITORY = Path(__file__).parents[2]
ENTRYPOINTS = {
    "daily": "flows/daily.py:daily",
    "sweep": "flows/daily.py:sweep",
    "backfill": "flows/backfill.py:backfill",
    "backfill-posts": "flows/backfill.py:backfill_posts",
}
RUN_ENVIRONMENT = {"PREFECT_LOGGING_EXTRA_LOGGERS": "ca_etl", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}


@pytest.fixture(scope="module")
def deployed(prefect_api: str) -> Iterator[dict[str, Any]]:
    """Every deployment of the file as the server holds it, by name."""
    from prefect.client.orchestration import get_client

    environment = {"CA_ETL_HOME": str(REPOSITORY), "PREFECT_API_URL": prefect_api}
    prefect(environment, "work-pool", "create", "ca-process", "--type", "process", "--overwrite")
    prefect(environment, "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
    with get_client(sync_client=True) as client:
        yield {name: client.read_deployment_by_name(f"ca-{name}/{name}") for name in ENTRYPOINTS}


@pytest.fixture
def deployment(deployed: dict[str, Any]) -> Any:
    return deployed["daily"]


def prefect(environment: dict[str, str], *arguments: str) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_daily_at_seven_in_almaty(deployment: Any) -> None:
    (schedule,) = deployment.schedules
    assert schedule.active
    assert schedule.slug == "daily"
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 7 * * *", "Asia/Almaty")


def test_the_sweep_is_weekly_and_backfills_are_only_run_by_hand(deployed: dict[str, Any]) -> None:
    (schedule,) = deployed["sweep"].schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("30 9 * * 0", "Asia/Almaty")
    assert deployed["backfill"].schedules == deployed["backfill-posts"].schedules == []


def test_none_has_a_limit_of_its_own(deployed: dict[str, Any]) -> None:
    for each in deployed.values():
        assert each.global_concurrency_limit is None
        assert each.concurrency_options is None


def test_it_runs_the_flow_of_this_repository_in_the_process_pool(deployed: dict[str, Any]) -> None:
    for name, each in deployed.items():
        assert each.entrypoint == ENTRYPOINTS[name]
        assert each.work_pool_name == "ca-process"
        assert each.tags == ["ca_etl", name, "source:timesca"]
        assert each.job_variables == {"env": RUN_ENVIRONMENT}
        assert each.pull_steps == [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(REPOSITORY)}}
        ]


@pytest.mark.parametrize("planned", deployments(), ids=lambda entry: str(entry["name"]))
def test_the_parameters_of_a_deployment_fit_its_flow(
    planned: dict[str, Any], deployed: dict[str, Any]
) -> None:
    from prefect.flows import load_flow_from_entrypoint

    flow = load_flow_from_entrypoint(str(REPOSITORY / planned["entrypoint"]))
    assert flow.name == f"ca-{planned['name']}"
    signature = inspect.signature(flow.fn)
    if not planned["schedules"]:
        signature.bind_partial(**planned["parameters"])
    else:
        # Nobody is there to add what is missing.
        signature.bind(**planned["parameters"])
        flow.validate_parameters(planned["parameters"])
    on_server = deployed[planned["name"]]
    assert on_server.parameters == planned["parameters"]
    assert list(on_server.parameter_openapi_schema["properties"]) == list(signature.parameters)
    assert on_server.enforce_parameter_schema


def test_the_signatures_are_the_agreed_ones(deployed: dict[str, Any]) -> None:
    found = {name: set(each.parameter_openapi_schema["properties"]) for name, each in deployed.items()}
    assert found == {
        "daily": {"site", "slot"},
        "sweep": {"site", "slot"},
        "backfill": {"paths", "url"},
        "backfill-posts": {"first", "last", "source"},
    }


@pytest.mark.parametrize(
    "cron", ["0 7 * * *", "30 9 * * 0", "30 9 * * 7", "*/20 * * * * *", "5 0 7 * * 1-5", "0 7 1,15 * *"]
)
def test_prefect_means_the_same_instants_by_a_cron_as_the_ledger(prefect_api: str, cron: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    ours = Schedule("daily", "timesca", cron, ZoneInfo("Asia/Almaty"), "")
    theirs = CronSchedule(cron=prefect_cron(cron), timezone="Asia/Almaty")
    # The switch from UTC+6 to UTC+5 on 1 March 2024 is within the 40 slots of each day's and each week's cron.
    start = datetime(2024, 2, 10, 0, 0, 1, tzinfo=UTC)
    dates = asyncio.run(theirs.get_dates(n=40, start=start))
    assert [date.astimezone(UTC) for date in dates] == list(islice(ours.after(start), 40))


def test_a_run_of_the_deployment_stands_for_the_slot_that_it_is_given(
    deployment: Any, prefect_api: str, command: Command, data_dir: Path, site: DemoSite
) -> None:
    from prefect.client.orchestration import get_client

    slot = datetime(2025, 12, 21, 2, tzinfo=UTC)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(
            deployment.id, parameters={"site": site.base_url, "slot": slot.isoformat()}
        )
        done = command("prefect", "flow-run", "execute", str(run.id), PREFECT_API_URL=prefect_api)
        assert done.returncode == 0, done.stdout + done.stderr
        assert client.read_flow_run(run.id).name == "ca-daily 2025-12-21"
    (record,) = journal.read(data_dir)
    assert record.slot == slot


def test_a_backfill_of_posts_is_started_as_the_readme_says(
    deployed: dict[str, Any], prefect_api: str, command: Command, data_dir: Path, site: DemoSite
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    named = ["ca-backfill-posts/backfill-posts", "-p", "first=2025-12-01", "-p", "last=2025-12-22"]
    started = command("prefect", "--no-prompt", "deployment", "run", *named, PREFECT_API_URL=prefect_api)
    assert started.returncode == 0, started.stdout + started.stderr
    only = DeploymentFilter(id=DeploymentFilterId(any_=[deployed["backfill-posts"].id]))
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(deployment_filter=only)
    done = command(
        "prefect",
        "flow-run",
        "execute",
        str(run.id),
        PREFECT_API_URL=prefect_api,
        CA_ETL_SITE_URL=site.base_url,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = journal.read(data_dir)
    assert (record.kind, record.status) == ("backfill", "succeeded")
