"""The Prefect server of a run ends with the run, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from flows.deploy import ServerError, local_server

REPOSITORY = Path(__file__).parents[2]
SECONDS = 20
SERVE = """
import sys
from pathlib import Path
from flows.deploy import local_server

with local_server(Path(sys.argv[1])) as server:
    if sys.argv[2] == "answering":
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
@pytest.mark.parametrize("state", ["answering", "starting"])
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
