"""A flow process that outlives its worker is nobody's: it would hold the lock, and no one would see its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from prefect import runtime

LOOK_EVERY_SECONDS: Final = 0.5


@contextmanager
def ends_with_worker() -> Iterator[None]:
    """Stop this process, as a service is stopped, when the worker that started it dies within the block.

    The run is then recorded here and in Prefect before the process ends. Does nothing without a deployment.
    """
    if runtime.deployment.id is None:
        yield
        return
    over = Event()
    Thread(target=_watch, args=(os.getppid(), over), name="worker-watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(worker: int, over: Event) -> None:
    while not over.wait(LOOK_EVERY_SECONDS):
        if os.getppid() != worker:
            # The console was a pipe to the worker: Prefect's next line would end the process before it has told
            # the server that the run has crashed.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os.kill(os.getpid(), signal.SIGTERM)
            return
