"""`deployments/prefect.yaml`, deployed to a real server and read back."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import inspect
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest
from filelock import FileLock

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.sources.schedules import Schedule, prefect_cron
from ca_etl.warehouse import journal
from ca_etl.warehouse.lock import Holder, run_lock
from flows.deploy import ServerError, deployments, local_server

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

    set_up(prefect_api)
    with get_client(sync_client=True) as client:
        yield {name: client.read_deployment_by_name(f"ca-{name}/{name}") for name in ENTRYPOINTS}


@pytest.fixture
def deployment(deployed: dict[str, Any]) -> Any:
    return deployed["daily"]


def set_up(prefect_api: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.deploy", "setup"],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_API_URL": prefect_api},
        capture_output=True,
        text=True,
        timeout=180,
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
    for deployment in deployed.values():
        assert deployment.global_concurrency_limit is None
        assert deployment.concurrency_options is None


def test_it_runs_the_flow_of_this_repository_in_the_process_pool(deployed: dict[str, Any]) -> None:
    for name, deployment in deployed.items():
        assert deployment.entrypoint == ENTRYPOINTS[name]
        assert deployment.work_pool_name == "ca-process"
        assert deployment.tags == ["ca_etl", name, "source:timesca"]
        assert deployment.job_variables == {"env": RUN_ENVIRONMENT}
        assert deployment.pull_steps == [
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
    parameters = {
        name: set(deployment.parameter_openapi_schema["properties"]) for name, deployment in deployed.items()
    }
    assert parameters == {
        "daily": {"site", "slot", "again"},
        "sweep": {"site", "slot", "again"},
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


@pytest.mark.slow
def test_a_run_of_the_deployment_is_for_the_slot_that_it_is_given(
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


@pytest.mark.slow
def test_a_backfill_of_posts_is_started_as_the_documents_describe(
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


NO_SERVER = {"PREFECT_API_URL": "", "CA_ETL_DEMO_PORT": "0"}
NOISE = ("Traceback", "database is locked", "Error", "ERROR", "WARNING")


@pytest.fixture
def untouched_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any Prefect of their own."""
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.slow
def test_a_run_on_the_demo_site_is_quiet_and_keeps_its_task_history(
    command: Command, data_dir: Path, untouched_home: Path
) -> None:
    done = command("flows.daily", "--site", "demo", **NO_SERVER)
    assert done.returncode == 0, done.stderr
    assert [word for word in NOISE if word in done.stdout + done.stderr] == []
    release = (data_dir / "current").resolve()
    printed = done.stdout.splitlines()
    assert printed[0] == f"release {data_dir / 'releases' / release.name}"
    assert printed[1].startswith("A dollar on 2025-12-22: ")
    assert [line.split()[0] for line in printed[2:7]] == [
        "KGS",
        "KZT",
        "TJS",
        "TMT",
        "UZS",
    ]
    assert printed[-1].endswith('ca-etl sql "from fct_rate_daily"')
    kept = data_dir / ".prefect" / "prefect.db"
    with closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True)) as con:
        tasks = con.execute("select state_name, count(*) from task_run group by state_name").fetchall()
        flows = con.execute("select name, state_name from flow_run").fetchall()
    assert tasks == [("Completed", 7)]
    assert flows == [("ca-daily 2025-12-22", "Completed")]
    assert list(untouched_home.iterdir()) == []


@pytest.mark.slow
def test_a_day_is_played_at_its_slot_though_the_demo_port_is_in_use(
    command: Command, data_dir: Path, prefect_api: str, site: DemoSite
) -> None:
    environment = {"PREFECT_API_URL": prefect_api, "CA_ETL_DEMO_PORT": str(urlsplit(site.base_url).port)}
    done = command("flows.daily", "--site", "demo", "--day", "2025-12-05", **environment)
    assert done.returncode == 0, done.stderr
    assert site.requests == []
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        slots = con.sql("select distinct slot, rate_date from etl_run, fct_rate_daily").fetchall()
    assert [(slot.astimezone(UTC), str(day)) for slot, day in slots] == [
        (datetime(2025, 12, 5, 2, tzinfo=UTC), "2025-12-05")
    ]


@pytest.mark.slow
def test_failed_checks_exit_3_and_name_what_to_do(
    command: Command, data_dir: Path, prefect_api: str, site: DemoSite
) -> None:
    site.faults[site.day] = Fault(rate_times_ten="KZT")
    done = command("flows.daily", "--site", site.base_url, PREFECT_API_URL=prefect_api)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "checks failed, nothing was published" in done.stderr
    assert "next: ca-etl status" in done.stderr
    assert "Traceback" not in done.stderr
    assert journal.read(data_dir)[-1].exit_status == 3


def test_a_held_lock_exits_75_and_names_its_holder(
    command: Command, data_dir: Path, prefect_api: str
) -> None:
    holder = Holder(4711, "elsewhere", "20251222T020000Z", "ingest", datetime(2025, 12, 22, 2, tzinfo=UTC))
    with run_lock(data_dir, holder):
        done = command("flows.daily", "--site", "demo", PREFECT_API_URL=prefect_api)
    assert done.returncode == 75
    assert "ingest 20251222T020000Z (pid 4711 on elsewhere" in done.stderr


def test_a_second_command_beside_the_first_exits_75_at_once(
    command: Command, data_dir: Path, untouched_home: Path
) -> None:
    (data_dir / ".prefect").mkdir(parents=True)
    with FileLock(data_dir / ".prefect" / "server.lock"):
        done = command("flows.daily", "--site", "demo", **NO_SERVER)
    assert done.returncode == 75
    assert "another run with a temporary Prefect server is active" in done.stderr
    assert not (data_dir / "runs.jsonl").exists()


def test_a_wrong_setting_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "demo", CA_ETL_DEMO_PORT="eighty")
    assert done.returncode == 2
    assert "CA_ETL_DEMO_PORT=eighty" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_site_that_is_not_an_address_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "timesca")
    assert done.returncode == 2
    assert done.stderr.startswith("--site=timesca: ")
    assert not data_dir.exists()


@pytest.mark.slow
def test_a_server_that_is_not_there_is_one_sentence(command: Command, data_dir: Path) -> None:
    done = command("flows.daily", "--site", "demo", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/api" in done.stderr
    assert "Traceback" not in done.stderr


SECONDS = 20
SERVE = """
import sys
from pathlib import Path
from flows.deploy import local_server

with local_server(Path(sys.argv[1])) as server:
    if sys.argv[2] == "responding":
        server.ready()
    print(server.process.pid, flush=True)
    sys.stdin.readline()
"""


def test_without_kernel_locks_it_refuses_and_leaves_no_lock_that_outlives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_args: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    # as on a network file system without flock
    monkeypatch.setattr(fcntl, "flock", missing)
    for _ in range(2):
        with pytest.raises(ServerError, match=r"server\.lock cannot be locked: Function not implemented"):
            local_server(tmp_path).__enter__()
    monkeypatch.undo()
    with FileLock(tmp_path / "server.lock", blocking=False, fallback_to_soft=False):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("state", ["responding", "starting"])
@pytest.mark.slow
def test_the_server_of_a_killed_run_ends(tmp_path: Path, state: str) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path / "home"), state],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdin is not None
    with run.stdin, run.stdout:
        server = os.pidfd_open(int(run.stdout.readline()))
        try:
            run.kill()
            run.wait()
            # a pidfd is readable once its process has ended
            ended, _, _ = select.select([server], [], [], SECONDS)
            if not ended:
                signal.pidfd_send_signal(server, signal.SIGKILL)
            assert ended, "the server outlived the run that started it"
        finally:
            os.close(server)


@pytest.mark.slow
def test_it_serves_every_deployment_and_leaves_the_schedules_on(prefect_api: str, tmp_path: Path) -> None:
    # the other way to schedule, tried before: served then, a deployment would keep its pool and lose its code
    set_up(prefect_api)
    assert read("daily").work_pool_name == "ca-process"
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
    assert {name: [planned.schedule.cron for planned in one.schedules] for name, one in served.items()} == {
        "daily": ["15 6 * * *"],
        "sweep": ["30 9 * * 0"],
        "backfill": [],
    }
    for name, one in served.items():
        assert one.work_pool_name is None
        assert set(one.tags) == {"ca_etl", name, "source:timesca"}
    after = read("daily")
    assert not after.paused
    assert [planned.active for planned in after.schedules] == [True]


def test_without_a_server_it_names_how_to_start_one(command: Command) -> None:
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


def test_setup_deploys_the_schedules_of_the_settings(command: Command, prefect_api: str) -> None:
    try:
        moved = command(
            "flows.deploy", "setup", PREFECT_API_URL=prefect_api, CA_ETL_DAILY_CRON="*/20 15 6 * * *"
        )
        assert (moved.returncode, moved.stderr) == (0, "")
        assert "deployment daily: at */20 15 6 * * *\n" in moved.stdout
        (planned,) = read("daily").schedules
        assert (planned.slug, planned.schedule.cron, planned.schedule.timezone) == (
            *("daily", "15 6 * * * */20"),
            "Asia/Almaty",
        )
    finally:
        set_up(prefect_api)
    (planned,) = read("daily").schedules
    assert planned.schedule.cron == "0 7 * * *"


@pytest.mark.slow
def test_setup_waits_for_a_server_that_still_starts(tmp_path: Path) -> None:
    with local_server(tmp_path) as server:
        set_up(server.api_url)


def test_what_is_not_an_api_of_prefect_is_one_sentence(command: Command, site: DemoSite) -> None:
    done = command("flows.deploy", "setup", PREFECT_API_URL=f"{site.base_url}api")
    assert done.returncode == 1
    assert f"{site.base_url}api is not an API of Prefect: it responds with status " in done.stderr
    assert "Traceback" not in done.stderr


def read(name: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(f"ca-{name}/{name}")


def wait_for(name: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> Any:
    """The deployment, once it is served: not the one of a work pool that was there before."""
    from prefect.exceptions import ObjectNotFound

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if (deployment := read(name)).work_pool_name is None:
                return deployment
        except ObjectNotFound:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))
