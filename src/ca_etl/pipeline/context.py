"""The environment of a run, replaceable in tests and in Prefect: clock, sleep, progress, and the call of a step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ca_etl.sources import all_sources
from ca_etl.sources.session import Clock, Progress, Sleep, silent, utc_now
from ca_etl.sources.source import Source

__all__ = ["Call", "Environment", "direct", "utc_now"]

Call = Callable[..., Any]


def direct(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step returns
    """Call a step of a run as a plain function; the Prefect flow calls it as a task instead."""
    return step(*args)


@dataclass(frozen=True, slots=True)
class Environment:
    """Clock, sleep, progress, step caller and sources of a run.

    With `trust_clock` a contradicted clock does not stop it.
    """

    # by its name, so that a test of the whole program can replace it
    clock: Clock = field(default_factory=lambda: utc_now)
    sleep: Sleep = time.sleep
    progress: Progress = silent
    call: Call = direct
    trust_clock: bool = False
    sources: tuple[Source, ...] = field(default_factory=all_sources)
