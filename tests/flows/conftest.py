"""One Prefect server for all tests of the flows: our own, as `make run` starts it, with an empty home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
# `flows` is not part of the installed package: it is found from the root of the repository, as Prefect finds it.
sys.path.insert(0, str(REPOSITORY))

from flows.deploy import QUIET, local_server  # noqa: E402

PACE = {"CA_ETL_MIN_INTERVAL_SECONDS": "0", "CA_ETL_BACKOFF_SECONDS": "0", "CA_ETL_MAX_ATTEMPTS": "1"}

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the server's API. Prefect is imported after the environment is set, as it reads that once."""
    home = tmp_path_factory.mktemp("prefect")
    with local_server(home) as server, pytest.MonkeyPatch.context() as environment:
        for name, value in {**QUIET, "PREFECT_HOME": str(home), "PREFECT_API_URL": server.api_url}.items():
            environment.setenv(name, value)
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        server.ready()
        with temporary_settings({PREFECT_API_URL: server.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield server.api_url
            EventsWorker.drain_all()
            APILogWorker.instance().drain()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory that the settings of this process and its children name."""
    folder = tmp_path / "data"
    for name, value in {**PACE, "CA_ETL_DATA_DIR": str(folder)}.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def command() -> Command:
    """Run a Python module as a program at the root of the repository."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    return run


@pytest.fixture
def listener() -> Iterator[Any]:
    """A webhook on loopback: `got` is what was posted, `status` that of its responses."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append(json.loads(body))
            self.send_response(server.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        status = 200

        def __init__(self) -> None:
            super().__init__(("127.0.0.1", 0), Handler)
            self.got: list[Any] = []

    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
