"""A progress bar that only shows itself on work that takes long enough to need one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ca_etl.pipeline.context import Progress as Told
from ca_etl.screen import Screen


@contextmanager
def bar_after(seconds: float, console: Console | None = None) -> Iterator[Told]:
    """A progress bar on stderr from `seconds` after the start on; it goes when the block ends."""
    step_name = TextColumn("{task.description}", markup=False)
    columns = (step_name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console or Screen(stderr=True), transient=True)
    tasks = {}
    begun = time.monotonic()
    started = False

    def told(step: str, done: int, total: int) -> None:
        nonlocal started
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=total)
        bar.update(tasks[step], completed=done, total=total)
        if not started and time.monotonic() - begun >= seconds:
            bar.start()
            started = True

    try:
        yield told
    finally:
        if started:
            bar.stop()
