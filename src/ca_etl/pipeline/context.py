"""The environment of a run, replaceable in tests and in Prefect: clock, sleep, progress, call of a step, signals."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

from ca_etl.sources import all_sources
from ca_etl.sources.session import Clock, Progress, Sleep, silent, utc_now
from ca_etl.sources.source import Source

__all__ = ["Call", "Environment", "direct", "recorded_stops", "stop_by", "utc_now"]

# The signals that end a run in order, with Python's handlers of them.
STOPS: Final = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
Call = Callable[..., Any]


def direct(step: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  what the step returns
    """Call a step of a run as a plain function. The Prefect flow uses another caller, which makes it a task."""
    return step(*args)


@dataclass(frozen=True, slots=True)
class Environment:
    """What a run takes from outside: clock, sleep, progress, step caller and sources.

    `trust_clock`: the run goes by its clock even where a recorded time contradicts it. `accept_loss`: the run may lose
    most rows of the release, and leaves lost references out. `restores`: the run is the rebuild at the end of
    `ca-etl restore`.
    """

    # by its name, so that a test of the whole program can replace it
    clock: Clock = field(default_factory=lambda: utc_now)
    sleep: Sleep = time.sleep
    progress: Progress = silent
    call: Call = direct
    trust_clock: bool = False
    accept_loss: bool = False
    restores: bool = False
    sources: tuple[Source, ...] = field(default_factory=all_sources)


@contextmanager
def recorded_stops() -> Iterator[Sequence[int]]:
    """Record each Ctrl-C and SIGTERM of the `with` block by its signal number, in the list that the block gets.

    Python drops the exception of a signal that arrives in a destructor, so that the run would publish all the same:
    the next step raises it again. SIGTERM would otherwise end the process before the run has its journal line.
    """
    interrupts: list[int] = []

    def record(number: int, _frame: FrameType | None) -> None:
        interrupts.append(number)
        raise stop_by(number)

    # of Prefect, or of a program of somebody else, the handlers are left alone
    ours = {
        number: python
        for number, python in STOPS.items()
        if current_thread() is main_thread() and signal.getsignal(number) == python
    }
    for number in ours:
        signal.signal(number, record)
    try:
        yield interrupts
    finally:
        for number, python in ours.items():
            signal.signal(number, python)


def stop_by(number: int) -> BaseException:
    """The exception that a signal raises in a run: KeyboardInterrupt, or SystemExit with the status of the signal."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
