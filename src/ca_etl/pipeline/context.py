"""What a run touches besides disk and site: clock, waiting, progress, and how a step is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ca_etl.sources.session import Clock, Progress, Sleep, silent, utc_now

__all__ = ["Call", "Environment", "direct", "utc_now"]

Call = Callable[..., Any]


def direct(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step returns
    """Call a step as it is. The Prefect flow replaces it by a task."""
    return step(*args)


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of a run. `trust_clock`: an operator states that the clock is right, whatever contradicts it."""

    # by its name, so that a test of the whole program can replace it
    clock: Clock = field(default_factory=lambda: utc_now)
    sleep: Sleep = time.sleep
    progress: Progress = silent
    call: Call = direct
    trust_clock: bool = False
