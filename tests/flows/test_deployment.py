"""`deployments/prefect.yaml`, deployed to a real server and read back."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from ca_etl.demo.site import DemoSite
from ca_etl.warehouse import journal

Command = Callable[..., CompletedProcess[str]]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployment(prefect_api: str) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    environment = {"CA_ETL_HOME": str(REPOSITORY), "PREFECT_API_URL": prefect_api}
    prefect(environment, "work-pool", "create", "ca-process", "--type", "process")
    prefect(environment, "deploy", "--prefect-file", "deployments/prefect.yaml", "--all")
    with get_client(sync_client=True) as client:
        yield client.read_deployment_by_name("ca-daily/daily")


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
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("0 7 * * *", "Asia/Almaty")


def test_one_run_at_a_time_and_a_second_is_cancelled(deployment: Any) -> None:
    assert deployment.global_concurrency_limit.limit == 1
    assert deployment.concurrency_options.collision_strategy == "CANCEL_NEW"


def test_it_runs_the_flow_of_this_repository_in_the_process_pool(deployment: Any) -> None:
    assert deployment.entrypoint == "flows/daily.py:daily"
    assert deployment.work_pool_name == "ca-process"
    assert deployment.tags == ["ca_etl", "daily"]
    assert deployment.pull_steps == [
        {"prefect.deployments.steps.set_working_directory": {"directory": str(REPOSITORY)}}
    ]


def test_the_parameters_of_the_file_fit_the_flow(deployment: Any) -> None:
    from flows.daily import daily

    text = (REPOSITORY / "deployments" / "prefect.yaml").read_text(encoding="utf-8")
    for entry in yaml.safe_load(text)["deployments"]:
        inspect.signature(daily.fn).bind(**entry["parameters"])
        daily.validate_parameters(entry["parameters"])
    assert set(deployment.parameter_openapi_schema["properties"]) == set(daily.parameters.properties)
    assert set(daily.parameters.properties) == {"site", "slot"}


def test_a_scheduled_run_takes_its_slot_from_its_scheduled_time(
    deployment: Any, prefect_api: str, command: Command, data_dir: Path, site: DemoSite
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.states import Scheduled

    slot = datetime(2025, 12, 21, 2, tzinfo=UTC)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(
            deployment.id, parameters={"site": site.base_url}, state=Scheduled(scheduled_time=slot)
        )
        done = command("prefect", "flow-run", "execute", str(run.id), PREFECT_API_URL=prefect_api)
        assert done.returncode == 0, done.stdout + done.stderr
        assert client.read_flow_run(run.id).name == "ca-daily 2025-12-21"
    (record,) = journal.read(data_dir)
    assert record.slot == slot
