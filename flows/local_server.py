"""A Prefect server of our own for the time of one run, when no other is named.

It stands in for the temporary server that Prefect starts by itself. That one writes its tracebacks among the
lines of the run, and is stopped before it has recorded the last task runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from filelock import FileLock, Timeout

from ca_etl.errors import CaEtlError

HOST: Final = "127.0.0.1"
LOG_FILE: Final = "server.log"
LOCK_FILE: Final = "server.lock"
PR_SET_PDEATHSIG: Final = 1  # of linux/prctl.h
QUIET: Final[Mapping[str, str]] = {
    # The insert of its telemetry is what SQLite refuses with "database is locked" most often.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


class ServerError(CaEtlError):
    """The Prefect server of the run cannot be used."""


class ServerBusyError(ServerError):
    """Another run keeps its history in the same place at this moment."""

    exit_status = 75


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server process; `ready` says when it answers."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def api_url(self) -> str:
        """What PREFECT_API_URL is to be."""
        return f"http://{HOST}:{self.port}/api"

    def ready(self, seconds: float = 90) -> None:
        """Wait until the server answers. Raises `ServerError` when it ends first or `seconds` pass."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.05)
        raise ServerError(f"the Prefect server does not answer at {self.api_url}", f"less {self.log_file}")

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.api_url}/health", timeout=5) as answer:  # noqa: S310  a fixed address on loopback
                return bool(answer.status == 200)
        except (URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def local_server(home: Path) -> Iterator[LocalServer]:
    """Start a server that keeps its database and log in `home`; it ends with the block.

    On Linux it also ends when this process is killed, or when the thread that entered the block ends. Elsewhere a
    process killed with SIGKILL leaves its server behind.

    The caller sets PREFECT_API_URL and calls `ready`. Raises `ServerBusyError` when another process has a server
    on the same `home`: two of them would migrate one database.
    """
    home.mkdir(parents=True, exist_ok=True)
    # A soft lock would outlive a killed run and stop all later ones.
    lock = FileLock(home / LOCK_FILE, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ServerBusyError(
            f"{home / LOCK_FILE} is held by another run with a Prefect server of its own",
            "ca-etl status (try again when it is done)",
        ) from None
    except OSError as error:
        raise ServerError(
            f"{home / LOCK_FILE} cannot be locked: {error.strerror}",
            "export PREFECT_HOME=/var/lib/ca_etl/.prefect (or another folder on a local disk)",
        ) from error
    with lock, (home / LOG_FILE).open("wb") as log:
        server = _start(home, free_port(), log.fileno())
        try:
            yield server
        finally:
            _stop(server.process)


def _start(home: Path, port: int, log: int) -> LocalServer:
    own = {"PREFECT_HOME": str(home.resolve()), "PREFECT_SERVER_UI_ENABLED": "false", **QUIET}
    inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)],
        env={**inherited, **own},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Ctrl-C in the terminal is for the run; it ends the server once its last state is recorded.
        start_new_session=True,
        preexec_fn=_child_set_up(),  # noqa: PLW1509  no thread runs before Prefect is imported
    )
    return LocalServer(process, port, home / LOG_FILE)


def _child_set_up() -> Callable[[], None]:
    """What the child calls before it becomes the server: on Linux the kernel is to end it with its parent.

    It survives the exec, and Prefect serves from that one process.
    """

    def heed_sigint() -> None:
        # A job that a script starts in the background inherits an ignored SIGINT, by which the server is stopped.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    if sys.platform != "linux":
        return heed_sigint
    # Loaded on this side of the fork, where a lock of the loader cannot be held by somebody who is not there.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def end_with_parent() -> None:
        heed_sigint()
        if prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
        # A parent that died before the call sends no signal any more.
        if os.getppid() != parent:
            os._exit(1)

    return end_with_parent


def _stop(process: subprocess.Popen[bytes], seconds: float = 15) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
