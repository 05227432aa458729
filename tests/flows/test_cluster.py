"""A large archive parsed by tasks gives the rows of one process, whatever dies, and no task run stays Running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import duckdb
import pytest

from ca_etl.parse.page import Content, Parser, Terms
from ca_etl.parse.rows import SITE
from ca_etl.pipeline import parts
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.run import run_ingest
from ca_etl.records import Capture
from ca_etl.settings import Settings
from ca_etl.sources import all_sources
from ca_etl.sources.source import Source
from tests.flows.conftest import REPOSITORY
from tests.pipeline.test_parts import is_alive, write_pages

pytestmark = [pytest.mark.usefixtures("prefect_api", "data_dir"), pytest.mark.slow]

PAGES = 24
# Each page is some parts, so that the last parts of its file begin in the middle of a page.
PART = 5_000
DEADLY = "http://127.0.0.1/?13"
# What a run records of itself.
OF_THE_RUN = frozenset({"run", "slot", "layout", "check_result", "etl_run", "etl_check"})
COLUMNS_OF_THE_RUN = frozenset({"run_id", "loaded_by", "runs"})

Rows = dict[str, list[tuple[Any, ...]]]


def read_or_die(capture: Capture, terms: Terms) -> Content:
    """Parse a page, and record it; at one page a process gets a signal, as often as the environment states."""
    run, log = int(os.environ["RUN_PID"]), Path(os.environ["PAGES_READ"])
    with log.open("a") as file:
        file.write(f"{capture.url} {os.getpid()}\n")
    is_deadly = capture.url == DEADLY and os.getpid() != run
    if is_deadly and pages_read(log)[DEADLY] <= int(os.environ["DEATHS"]):
        time.sleep(1)  # until Prefect has been sent that the task runs
        victim = {"worker": os.getpid(), "run": run}[os.environ["VICTIM"]]
        os.kill(victim, signal.Signals[os.environ["SIGNAL"]])
        time.sleep(60)
    return SITE.read(capture, terms)


def pages_read(log: Path) -> Counter[str]:
    """How often each page was parsed, by its URL."""
    return Counter(log.read_text().split()[::2])


def deadly_sources() -> tuple[Source, ...]:
    parser = Parser(SITE.version, read_or_die)
    return tuple(replace(source, parser=parser) for source in all_sources() if source.parser == SITE)


def run_flow(sources: tuple[Source, ...] | None = None) -> Any:
    """Run the archive of the data directory through a flow, and return the state that it ends with."""
    from prefect import flow

    from flows.flow_run import run_without_slot

    @flow
    def load_archive() -> Any:
        return run_without_slot(
            lambda settings, environment: run_ingest(
                settings,
                GivenFiles((Path(os.environ["PAGES"]),)),
                environment=replace(environment, sources=sources or environment.sources),
            )
        )

    return load_archive(return_state=True)


def task_runs(state: Any) -> dict[str, list[list[str]]]:
    """The states of each task run of a flow run, by the name of its task."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    chosen = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    deadline = time.monotonic() + 15
    with get_client(sync_client=True) as client:
        while True:
            runs = client.read_task_runs(flow_run_filter=chosen)
            if all(run.state and run.state.is_final() for run in runs) or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        states: dict[str, list[list[str]]] = {}
        for run in runs:
            name = run.name.rpartition("-")[0] or run.name
            of_run = sorted(client.read_task_run_states(run.id), key=lambda one: one.timestamp)
            states.setdefault(name, []).append([str(one.name) for one in of_run])
    return states


def assert_ended(state: Any) -> list[list[str]]:
    """Assert that no task run of a flow is under way; return the states of those that parsed."""
    assert state.is_completed(), state.message
    states = task_runs(state)
    last = Counter(of_run[-1] for of_runs in states.values() for of_run in of_runs)
    assert set(last) <= {"Completed", "Crashed"}, states
    return states.get("Parse parts of the archive", [])


def parsing_at_present() -> set[Any]:
    """The task runs of any flow run that parse parts, and are Running for Prefect."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterState, TaskRunFilterStateName

    chosen = TaskRunFilter(state=TaskRunFilterState(name=TaskRunFilterStateName(any_=["Running"])))
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(task_run_filter=chosen)
    return {run.id for run in runs if run.name.startswith("Parse")}


def rows_of(data_dir: Path) -> Rows:
    """All rows of the current release, without what is of the run."""
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema in ('raw', 'main') order by all"
        ).fetchall()
        rows = {}
        for schema, table in tables:
            if table in OF_THE_RUN:
                continue
            names = [
                name for name in con.sql(f"from {schema}.{table}").columns if name not in COLUMNS_OF_THE_RUN
            ]
            columns = ", ".join(f'"{name}"::varchar' for name in names)
            rows[f"{schema}.{table}"] = con.sql(
                f"select {columns} from {schema}.{table} order by all"
            ).fetchall()
    return rows


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose archive one process has loaded."""
    folder = tmp_path_factory.mktemp("alone")
    pages = write_pages(folder / "pages", pages=PAGES)
    settings = Settings(data_dir=folder / "data", site_url="http://127.0.0.1/", workers=1, sources=())
    outcome = run_ingest(settings, GivenFiles((pages,)))
    assert outcome.exit_status == 0, outcome.error
    return settings.data_dir


@pytest.fixture
def loaded_alone(alone: Path) -> Rows:
    rows = rows_of(alone)
    assert len(rows["main.fct_rate_observation"]) > PAGES
    return rows


@pytest.fixture(autouse=True)
def _archive(alone: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same archive, which nothing was loaded of; the tasks are to parse it in many small parts."""
    shutil.copytree(alone / "archive", data_dir / "archive")
    monkeypatch.setattr(parts, "PART_BYTES", PART)
    for name, value in {
        "CA_ETL_SITE_URL": "http://127.0.0.1/",
        "CA_ETL_WORKERS": "2",
        "CA_ETL_TASK_RUNNER": "dask",
        "PAGES": str(alone.parent / "pages"),
        "VICTIM": "worker",
        "SIGNAL": "SIGKILL",
        "RUN_PID": str(os.getpid()),
        "PAGES_READ": str(data_dir / "pages-read.txt"),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def no_second_chance() -> Iterator[None]:
    """Dask gives a task up as soon as one worker has died with it."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        yield


@pytest.mark.parametrize("runner", ["processes", "threads", "dask"])
def test_two_workers_of_any_kind_give_the_rows_of_one_process(
    runner: str, data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_ETL_TASK_RUNNER", runner)
    state = run_flow()
    tasks = assert_ended(state)
    assert (tasks == []) == (runner == "processes")
    assert rows_of(data_dir) == loaded_alone
    assert list(data_dir.glob("parts/*")) == []


def test_a_dask_worker_that_is_killed_in_the_middle_changes_nothing_but_the_time(
    data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEATHS", "1")
    tasks = assert_ended(run_flow(deadly_sources()))
    assert rows_of(data_dir) == loaded_alone
    assert pages_read(data_dir / "pages-read.txt")[DEADLY] == 2
    assert {of_run[-1] for of_run in tasks} == {"Completed"}
    # PrefectHQ/prefect#15442: of the tasks that had ended none begins again, since its result died with the worker
    assert len(tasks) > 10
    assert [of_run for of_run in tasks if of_run.count("Completed") > 1] == []
    assert sum(of_run.count("Running") for of_run in tasks) <= len(tasks) + 1


@pytest.mark.usefixtures("no_second_chance")
def test_a_part_that_ends_every_worker_is_read_by_the_run_and_its_task_runs_are_crashed(
    data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from flows import cluster

    monkeypatch.setenv("DEATHS", "1000")
    # the part is first in a task with others
    monkeypatch.setattr(cluster, "TASKS_OF_WORKER", 1)
    tasks = assert_ended(run_flow(deadly_sources()))
    assert rows_of(data_dir) == loaded_alone
    # PrefectHQ/prefect#17384 and #21638: after KilledWorker they would be Running for ever
    assert Counter(of_run[-1] for of_run in tasks)["Crashed"] >= 2
    assert "parts of the archive are missing: the run parses them" in caplog.text


def test_workers_that_hang_are_left_alone_and_the_run_reads_their_parts(
    data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from flows import cluster

    monkeypatch.setenv("DEATHS", "1000")
    monkeypatch.setenv("SIGNAL", "SIGSTOP")
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 20)
    tasks = assert_ended(run_flow(deadly_sources()))
    assert rows_of(data_dir) == loaded_alone
    assert "Crashed" in {of_run[-1] for of_run in tasks}
    assert "no task has ended for 20 seconds: the cluster is left alone" in caplog.text


STOPPED_FLOW = """
    import os
    os.environ["RUN_PID"] = str(os.getpid())
    from ca_etl.pipeline import parts
    from tests.flows.test_cluster import PART, deadly_sources, run_flow
    parts.PART_BYTES = PART
    # a signal while Prefect serializes a task is pydantic's error: the flow has failed, and its process goes on
    raise SystemExit(not run_flow(deadly_sources()).is_completed())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_flow_that_ends_early_ends_its_workers_and_the_next_one_takes_the_parts_that_exist(
    number: signal.Signals, data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = data_dir / "pages-read.txt"
    monkeypatch.setenv("DEATHS", "1")
    at_work = parsing_at_present()
    stopped = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STOPPED_FLOW)],
        cwd=REPOSITORY,
        env={**os.environ, "VICTIM": "run", "SIGNAL": number.name},
        check=False,
    )
    assert stopped.returncode != 0
    # nobody is left to report the end of a killed one
    assert number is signal.SIGKILL or parsing_at_present() <= at_work
    workers = set(map(int, log.read_text().split()[1::2]))
    while any(map(is_alive, workers)):
        time.sleep(0.05)
    stored = {path.name for path in data_dir.glob("parts/*.parquet")}
    assert stored
    before = pages_read(log)
    assert_ended(run_flow(deadly_sources()))
    assert rows_of(data_dir) == loaded_alone
    # at the ends of a part a page is read twice
    assert (pages_read(log) - before).total() < PAGES
    assert list(data_dir.glob("parts/*")) == []


def test_the_parts_of_a_flow_may_be_on_s3(
    s3: str, data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_ETL_PARTS_URL", s3)
    tasks = assert_ended(run_flow())
    assert {of_run[-1] for of_run in tasks} == {"Completed"}
    assert rows_of(data_dir) == loaded_alone
    assert not (data_dir / "parts").exists()


def test_workers_elsewhere_parse_for_the_flow_of_a_deployment_which_prefect_reads_from_its_file(
    data_dir: Path, loaded_alone: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster
    from prefect.flows import load_flow_from_entrypoint

    with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0") as workers:
        monkeypatch.setenv("DASK_SCHEDULER", workers.scheduler_address)
        deployed: Any = load_flow_from_entrypoint(f"{REPOSITORY}/flows/backfill.py:backfill")
        tasks = assert_ended(deployed([os.environ["PAGES"]], return_state=True))
        assert workers.scheduler.transition_counter > 0
        assert workers.scheduler.tasks == {}
    assert {of_run[-1] for of_run in tasks} == {"Completed"}
    assert rows_of(data_dir) == loaded_alone


def test_a_scheduler_that_is_away_fails_the_run_and_is_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER", "tcp://127.0.0.1:9")
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        state = run_flow()
    assert state.is_failed()
    assert "no worker of Dask is at tcp://127.0.0.1:9 (DASK_SCHEDULER)" in state.message
    assert "python -m dask worker tcp://127.0.0.1:9" in state.message


def test_without_the_extra_a_flow_for_dask_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    state = run_flow()
    assert state.is_failed()
    assert "CA_ETL_TASK_RUNNER=dask needs a package of the extra `cluster`" in state.message
    assert "pip install 'dask[distributed]' prefect-dask s3fs" in state.message


def test_workers_are_sent_no_setting_and_tasks_have_no_retries() -> None:
    from prefect import flow, task
    from prefect.context import serialize_context

    from flows.cluster import TASK, context_of_tasks

    @task
    def step(_settings: Settings) -> Any:
        with context_of_tasks():
            return serialize_context()

    sent = flow(lambda: step(Settings(alert_webhook="https://example.org/secret")))()
    assert sent["task_run_context"] == {}
    assert sent["flow_run_context"]["flow_run"]["name"]
    assert "example.org" not in str(sent)
    # PrefectHQ/prefect#5925: they would not begin where a worker was killed
    assert TASK.retries == 0
