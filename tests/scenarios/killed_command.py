"""The command line, killed as by a power cut before its N-th rename or removal of a file. Run by the tests."""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from ca_etl.cli.app import main


def run() -> None:
    kill_at = int(sys.argv.pop(1))
    numbers = count(1)

    def hook(event: str, _args: object) -> None:
        if event in {"os.rename", "os.remove"} and next(numbers) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    main()


if __name__ == "__main__":
    run()
