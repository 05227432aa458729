"""What Prefect costs: one day through a flow beside `ca-etl run`, and the memory of a server and a worker that idle.

The demo site is played in this process. Each way has a data directory of its own and takes one more day of it a
repeat, in turns. The rows below the first say what the difference goes to: modules that are imported, a server that
is started for one run, and what is left, which is Prefect's engine at work. The server keeps its data in SQLite, or
in the PostgreSQL that CA_ETL_TEST_POSTGRES names (`scripts/with_postgres.sh python -m benchmarks.orchestration`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from benchmarks.measure import ROOT, Claim, interleaved, print_table, tell, wall_of_process
from ca_etl.demo.content import default_last_day
from ca_etl.demo.site import DemoSite
from flows.deploy import QUIET, local_server

POSTGRES: Final = "CA_ETL_TEST_POSTGRES"
DATABASE: Final = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
IDLE_SECONDS: Final = 20
OURS: Final = "import ca_etl.pipeline.run"
PREFECT: Final = "import flows.daily"


def claims() -> Iterator[Claim]:
    """Seconds of a run each way, and megabytes of what idles."""
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as name, DemoSite() as site:
        folder = Path(name)
        database = os.environ.get(POSTGRES)
        with _idle(folder, database) as (api, server, worker):
            yield from _runs(folder, site, api)
            tell(f"orchestration: {IDLE_SECONDS} s of idleness")
            time.sleep(IDLE_SECONDS)
            kind = "PostgreSQL" if database else "SQLite"
            yield Claim(f"memory of an idle server on {kind}", f"{_resident(server):.0f} MB", "-", "-")
            yield Claim("memory of an idle worker", f"{_resident(worker):.0f} MB", "-", "-")


def main() -> None:
    """Print this file's claims alone."""
    print_table(claims())


def _runs(folder: Path, site: DemoSite, api: str) -> Iterator[Claim]:
    tell("orchestration: runs with and without Prefect")
    ca_etl = str(Path(sys.executable).with_name("ca-etl"))
    flow = [sys.executable, "-m", "flows.daily", "--site", site.base_url, "--day"]
    python = [sys.executable, "-c"]

    def day_by_day(
        command: Callable[[date], list[str]], home: str, **environment: str
    ) -> Callable[[], float]:
        days = iter(default_last_day() - timedelta(days=back) for back in range(28, -1, -1))
        settings = {
            "CA_ETL_DATA_DIR": str(folder / home),
            "CA_ETL_SITE_URL": site.base_url,
            "CA_ETL_MIN_INTERVAL_SECONDS": "0",
            **QUIET,
            **environment,
        }

        def once() -> float:
            day = next(days)
            site.play(day)
            return wall_of_process(command(day), settings)

        once()
        return once

    took = interleaved(
        {
            "direct": day_by_day(lambda day: [ca_etl, "run", "--slot", f"{day}T02:00:00Z"], "direct"),
            "flow": day_by_day(
                lambda day: [*flow, f"{day}"],
                "flow",
                PREFECT_API_URL=api,
                PREFECT_HOME=str(folder / "client"),
            ),
            "own server": day_by_day(lambda day: [*flow, f"{day}"], "own"),
            "import ours": lambda: wall_of_process([*python, OURS]),
            "import prefect": lambda: wall_of_process([*python, PREFECT]),
        },
        repeats=3,
    )
    direct, flow_run, own = took["direct"], took["flow"], took["own server"]
    imported = took["import prefect"] - took["import ours"]
    yield Claim(
        "a day under Prefect, server running", _s(flow_run), f"ca-etl run {_s(direct)}", _x(flow_run, direct)
    )
    yield Claim("... of it importing Prefect", _s(imported), "-", "-")
    yield Claim("... of it Prefect's engine and its history", _s(flow_run - direct - imported), "-", "-")
    yield Claim(
        "a day under Prefect, server of its own", _s(own), f"ca-etl run {_s(direct)}", _x(own, direct)
    )
    yield Claim("... of it that server", _s(own - flow_run), "-", "-")


@contextmanager
def _idle(folder: Path, database: str | None) -> Iterator[tuple[str, int, int]]:
    """A server and a worker of its pool; the API's URL, and both process ids."""
    if database:
        os.environ[DATABASE] = database
    with local_server(folder / "server") as server:
        server.ready()
        os.environ.pop(DATABASE, None)
        environment = {
            **os.environ,
            **QUIET,
            "PREFECT_API_URL": server.api_url,
            "PREFECT_HOME": str(folder / "client"),
        }
        subprocess.run(
            [sys.executable, "-m", "flows.deploy", "setup"],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "ca-process"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield server.api_url, server.process.pid, worker.pid
        finally:
            worker.kill()
            worker.wait()


def _resident(pid: int) -> float:
    """Megabytes of memory that a process holds, its shared libraries included. Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) / 1000


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _x(ours: float, alternative: float) -> str:
    return f"{ours / alternative:.1f}"


if __name__ == "__main__":
    main()
