"""The Prefect server of a run ends with the run, however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SECONDS = 20
SERVE = """
import sys
from pathlib import Path
from flows.local_server import local_server

with local_server(Path(sys.argv[1])) as server:
    if sys.argv[2] == "answering":
        server.ready()
    print(server.process.pid, flush=True)
    sys.stdin.readline()
"""


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
