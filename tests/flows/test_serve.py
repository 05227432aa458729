"""`python -m flows.deploy serve`: all deployments from one process, without a work pool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from ca_etl.demo.site import DemoSite

Command = Callable[..., CompletedProcess[str]]
REPOSITORY = Path(__file__).parents[2]


def test_it_serves_every_deployment_and_leaves_the_schedules_on(prefect_api: str, tmp_path: Path) -> None:
    deploy_to_the_pool(prefect_api)
    log = tmp_path / "serve.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.deploy", "serve"],
            cwd=REPOSITORY,
            env={**os.environ, "PREFECT_API_URL": prefect_api, "CA_ETL_DAILY_CRON": "15 6 * * *"},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        served = {name: wait_for(name, process, log) for name in ("daily", "sweep", "backfill")}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert {name: [each.schedule.cron for each in one.schedules] for name, one in served.items()} == {
        "daily": ["15 6 * * *"],
        "sweep": ["30 9 * * 0"],
        "backfill": [],
    }
    for name, one in served.items():
        assert one.work_pool_name is None
        assert set(one.tags) == {"ca_etl", name, "source:timesca"}
    after = read("daily")
    assert not after.paused
    assert [each.active for each in after.schedules] == [True]


def test_without_a_server_it_says_how_to_start_one(command: Command) -> None:
    done = command("flows.deploy", "serve", PREFECT_API_URL="")
    assert done.returncode == 2
    assert "PREFECT_API_URL is not set" in done.stderr
    assert "prefect server start" in done.stderr


def test_a_cron_that_is_not_one_is_reported_without_a_traceback(command: Command, prefect_api: str) -> None:
    for action in ("setup", "serve"):
        wrong = command("flows.deploy", action, PREFECT_API_URL=prefect_api, CA_ETL_DAILY_CRON="at dawn")
        assert wrong.returncode == 2
        assert wrong.stderr.startswith("CA_ETL_DAILY_CRON=at dawn: ")
        assert "Traceback" not in wrong.stderr


def test_setup_warns_of_a_schedule_that_the_file_does_not_have(command: Command, prefect_api: str) -> None:
    done = command("flows.deploy", "setup", PREFECT_API_URL=prefect_api, CA_ETL_DAILY_CRON="15 6 * * *")
    assert done.returncode == 0
    assert (
        "prefect.yaml runs daily at 0 7 * * * (Asia/Almaty), and the settings have 15 6 * * *" in done.stderr
    )


def test_what_is_not_an_api_of_prefect_is_one_sentence(command: Command, site: DemoSite) -> None:
    done = command("flows.deploy", "setup", PREFECT_API_URL=f"{site.base_url}api")
    assert done.returncode == 1
    assert f"{site.base_url}api is not an API of Prefect: it responds with " in done.stderr
    assert "Traceback" not in done.stderr


def deploy_to_the_pool(prefect_api: str) -> None:
    """The other way to schedule, tried before: served then, a deployment would keep its pool and lose its code."""
    environment = {**os.environ, "CA_ETL_HOME": str(REPOSITORY), "PREFECT_API_URL": prefect_api}
    file = "deployments/prefect.yaml"
    for arguments in (
        ["flows.deploy", "setup"],
        ["prefect", "--no-prompt", "deploy", "--prefect-file", file, "--all"],
    ):
        subprocess.run(
            [sys.executable, "-m", *arguments], cwd=REPOSITORY, env=environment, check=True, timeout=60
        )
    assert read("daily").work_pool_name == "ca-process"


def read(name: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(f"ca-{name}/{name}")


def wait_for(name: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> Any:
    """The deployment, once it is served: not the one of a work pool that stood there before."""
    from prefect.exceptions import ObjectNotFound

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if (found := read(name)).work_pool_name is None:
                return found
        except ObjectNotFound:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))
