"""A real Prefect server on PostgreSQL, a real process worker, and the demo site, all on loopback."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.settings import Settings
from ca_etl.sources.schedules import Schedule, schedule
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import RunRecord

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))
POSTGRES = "CA_ETL_TEST_POSTGRES"


def restore_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Machine:
    """One machine as an operator sets it up, with slots `seconds` apart."""

    folder: Path
    database: str
    site: DemoSite
    seconds: int
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.folder / "data", daily_cron=self.cron, _env_file=None)

    @property
    def cron(self) -> str:
        return f"*/{self.seconds} * * * * *"

    @property
    def schedule(self) -> Schedule:
        return schedule(self.settings)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
        return {
            **inherited,
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self.database,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            "DO_NOT_TRACK": "1",
            "CA_ETL_DATA_DIR": str(self.settings.data_dir),
            "CA_ETL_SITE_URL": self.site.base_url,
            "CA_ETL_DAILY_CRON": self.cron,
            "CA_ETL_MIN_INTERVAL_SECONDS": "0",
            "CA_ETL_BACKOFF_SECONDS": "0",
            "CA_ETL_MAX_ATTEMPTS": "1",
            "CA_ETL_READ_TIMEOUT_SECONDS": "200",
        }

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *arguments],
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # a script's background job inherits an ignored SIGINT, and with it a worker survives SIGTERM
                preexec_fn=restore_sigint,  # noqa: PLW1509  only this process's main thread starts others
            )
        self.started.append(process)
        return process

    def start_server(self) -> subprocess.Popen[bytes]:
        server = self.start("server", "server", "start", "--host", "127.0.0.1", "--port", str(self.port))
        self.until(self.responds, 60, "the server responds")
        return server

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "worker", "start", "--pool", "ca-process", "--name", "w1")

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> None:
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def responds(self) -> bool:
        import requests

        try:
            return requests.get(f"{self.url}/api/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def runs(self) -> tuple[RunRecord, ...]:
        return journal.read(self.settings.data_dir)

    def published(self) -> list[RunRecord]:
        return [run for run in self.runs() if run.release_id]

    def client(self) -> Any:
        from prefect.client.orchestration import SyncPrefectClient

        return SyncPrefectClient(f"{self.url}/api")

    def flow_runs(self, *states: str) -> list[Any]:
        from prefect.client.schemas.filters import (
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateName,
        )

        chosen = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=list(states))))
        with self.client() as client:
            return list(client.read_flow_runs(flow_run_filter=chosen))

    def beating(self, flow_run: Any) -> bool:
        """Whether the server has a heartbeat of a run."""
        import requests

        query = {
            "filter": {
                "event": {"name": ["prefect.flow-run.heartbeat"]},
                "resource": {"id": [f"prefect.flow-run.{flow_run}"]},
            }
        }
        events = requests.post(f"{self.url}/api/events/filter", json=query, timeout=10)
        events.raise_for_status()
        return bool(events.json()["events"])

    def artifact(self, flow_run: Any, key: str) -> Any:
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

        chosen = ArtifactFilter(
            key=ArtifactFilterKey(any_=[key]), flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run])
        )
        with self.client() as client:
            (artifact,) = client.read_artifacts(artifact_filter=chosen)
        return artifact

    def until(self, holds: Callable[[], Any], seconds: float, what: str) -> Any:
        """Wait for something that another process does, and return it. The logs are shown when it does not come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if result := holds():
                return result
            time.sleep(0.2)
        logs = "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-4000:]}"
            for path in self.folder.glob("*.log")
        )
        raise AssertionError(f"not within {seconds} s: {what}\n{self.runs()}\n{logs}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        warehouse = (self.settings.data_dir / "current").resolve() / "warehouse.duckdb"
        with duckdb.connect(str(warehouse), read_only=True) as con:
            return con.sql(sql).fetchall()


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with a database of its own, its server up and set up; `SECONDS` of the module is its interval."""
    database = os.environ.get(POSTGRES)
    if not database:
        pytest.skip(f"{POSTGRES} names no PostgreSQL server (scripts/with_postgres.sh make test-slow)")
    folder = tmp_path_factory.mktemp("machine")
    with DemoSite(port=0) as site:
        made = Machine(folder, own_database(database, request.module.__name__), site, request.module.SECONDS)
        try:
            made.start_server()
            yield made
        finally:
            for process in reversed(made.started):
                if process.poll() is None:
                    made.stop(process)


def own_database(url: str, name: str) -> str:
    """Make a database beside the one of `url`, and return its URL."""
    import asyncio

    import asyncpg

    database = re.sub(r"\W", "_", f"{name}_{datetime.now().timestamp():.0f}").lower()  # noqa: DTZ005

    async def make() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(f'create database "{database}"')
        await connection.close()

    asyncio.run(make())
    return f"{url.rpartition('/')[0]}/{database}"


@dataclass(frozen=True)
class Browser:
    """Headless Chromium, with a new profile for each page."""

    program: str
    folder: Path

    def _open(self, url: str, *options: str) -> subprocess.CompletedProcess[str]:
        import tempfile

        with tempfile.TemporaryDirectory(dir=self.folder) as profile:
            return subprocess.run(
                [
                    self.program,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    f"--user-data-dir={profile}",
                    "--window-size=1400,1000",
                    "--virtual-time-budget=20000",
                    *options,
                    url,
                ],
                capture_output=True,
                text=True,
                timeout=90,
                check=True,
            )

    def text(self, url: str) -> str:
        """The page after its scripts have run."""
        return self._open(url, "--dump-dom").stdout

    def picture(self, url: str, file: Path) -> None:
        self._open(url, f"--screenshot={file}")


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    import shutil

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    return Browser(program, tmp_path)
