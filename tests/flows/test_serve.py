"""`python -m flows.serve`: all deployments from one process, without a work pool."""

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

Command = Callable[..., CompletedProcess[str]]
REPOSITORY = Path(__file__).parents[2]


def test_it_serves_every_deployment_and_leaves_the_schedules_on(prefect_api: str, tmp_path: Path) -> None:
    forget_all()
    log = tmp_path / "serve.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.serve"],
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
    done = command("flows.serve", PREFECT_API_URL="")
    assert done.returncode == 2
    assert "PREFECT_API_URL is not set" in done.stderr
    assert "prefect server start" in done.stderr


def forget_all() -> None:
    """Deployments of another test: their work pool would stay with them."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for each in client.read_deployments():
            client.delete_deployment(each.id)


def read(name: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(f"ca-{name}/{name}")


def wait_for(name: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> Any:
    """The deployment, once it is there."""
    from prefect.exceptions import ObjectNotFound

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return read(name)
        except ObjectNotFound:
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))
