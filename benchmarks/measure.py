"""Measuring and telling: interleaved repeats, medians, one Markdown table."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
# The machine's own neighbours disturb single runs; a median of five stands two of them.
REPEATS: Final = 5

_VERSIONS: Final = ("duckdb", "pyarrow", "fastwarc", "selectolax", "requests")

Measurement = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the table. `met` is None where no target is set and the figure is only told."""

    what: str
    ours: str
    alternative: str
    ratio: str
    target: str = "-"
    met: bool | None = None


def interleaved(measurements: Mapping[str, Measurement], repeats: int = REPEATS) -> dict[str, float]:
    """The median of each measurement, taken in turns, so that a busy minute falls upon all of them.

    A measurement returns its own seconds: what it prepares before its clock starts is not counted.
    """
    taken: dict[str, list[float]] = {name: [] for name in measurements}
    for _ in range(repeats):
        for name, measure in measurements.items():
            taken[name].append(measure())
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def wall(action: Callable[[], object]) -> float:
    """Seconds of wall time that `action` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def processor(action: Callable[[], object]) -> float:
    """Seconds of processor time that `action` takes in this process.

    For work on one core that waits for nothing: what else the machine does then counts little.
    """
    started = time.process_time()
    action()
    return time.process_time() - started


def wall_of_process(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> float:
    """Seconds of wall time of a whole process, its start included.

    Raises `RuntimeError` with what the process said when it fails: a failure is no fast run.
    """
    started = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), env={**os.environ, **(environment or {})}, capture_output=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace")[-2000:]
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
    return seconds


def tell(step: str) -> None:
    """Say on stderr what is being measured: stdout is for the table."""
    print(step, file=sys.stderr, flush=True)


def print_table(claims: Iterable[Claim]) -> None:
    """Print the machine and the claims as Markdown."""
    print(f"{machine()}\n")
    print("| claim | ours | alternative | ratio | target | met |")
    print("| --- | --- | --- | --- | --- | --- |")
    for claim in claims:
        met = {True: "yes", False: "**no**", None: "-"}[claim.met]
        print(
            f"| {claim.what} | {claim.ours} | {claim.alternative} | {claim.ratio} | {claim.target} | {met} |",
            flush=True,
        )
    print(f"\nLoad average at the end: {os.getloadavg()[0]:.1f}.")


def machine() -> str:
    """The facts without which a figure says nothing."""
    versions = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    return (
        f"{os.cpu_count()} CPUs ({_processor()}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
