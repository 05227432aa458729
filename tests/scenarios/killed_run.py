"""A run that kills itself, as a power cut would, before step number N. Run as a program by the tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings


def main() -> None:
    data_dir, site_url, slot, when, step = sys.argv[1:]

    def call(function: Callable[..., object], *args: object) -> object:
        if (when, step) == ("before", function.__name__):
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args)
        if (when, step) == ("after", function.__name__):
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    settings = Settings(
        data_dir=Path(data_dir), site_url=site_url, min_interval_seconds=0, backoff_seconds=0, _env_file=None
    )
    at = datetime.fromisoformat(slot)
    run_daily(settings, slot=at, environment=Environment(clock=clock_from(at), call=call))


if __name__ == "__main__":
    main()
