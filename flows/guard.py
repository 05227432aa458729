"""A flow process that outlives its worker is nobody's: it would hold the lock, and no one would see its end."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import Final

from prefect import runtime

PR_SET_PDEATHSIG: Final = 1  # of linux/prctl.h


def end_with_worker() -> None:
    """Have the kernel end this process when its worker is killed. Does nothing off Linux, or without a deployment.

    Left alone, the process of a worker that was killed goes on until its next line of log meets the closed pipe.
    """
    if sys.platform != "linux" or runtime.deployment.id is None:
        return
    if threading.current_thread() is not threading.main_thread():
        return
    parent = os.getppid()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
