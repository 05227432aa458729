"""All SQL models: our runner against dbt-duckdb, on copies of the same warehouse.

Both build over tables that stand already, as on every day but the first, and end with a closed file. dbt has had an
unmeasured run before, so that it finds its project parsed. The claim is the build as a step of a run against
`dbt run`, which is what a pipeline would have to call; told beside it are both as whole processes, and both without
their start (dbt's own figure). At the end the tables of both are compared row by row: a faster build of other
rows would prove nothing.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from benchmarks.alternatives import alternative, alternative_version
from benchmarks.build_once import build_once
from benchmarks.dbt_project import reported_seconds, write_project
from benchmarks.history import build_history, settings_for
from benchmarks.measure import Claim, interleaved, print_table, tell, wall, wall_of_process
from ca_etl.warehouse.models import Model

DAYS: Final = (30, 1000)
TARGET: Final = 10.0
# Nothing listens there and nobody is asked: the address only stands in the pages.
SITE: Final = "http://127.0.0.1:8808/"


def claims() -> Iterator[Claim]:
    """The comparison on a young warehouse and on one of a thousand days."""
    for days in DAYS:
        with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as folder:
            yield from _compare(Path(folder), days)


def _compare(folder: Path, days: int) -> Iterator[Claim]:
    tell(f"models: making {days} days")
    history = build_history(settings_for(folder / "data", SITE), days)
    assert history.release is not None
    bench = _Bench(folder, history.release.warehouse)
    models = write_project(bench.project, bench.theirs)
    tell(f"models: {len(models)} models of {days} days, ours and dbt-duckdb")
    bench.dbt()
    took = interleaved(
        {
            "build": bench.build,
            "process": bench.process,
            "dbt": bench.dbt,
            "dbt alone": lambda: reported_seconds(bench.project),
        }
    )
    _assert_equal(bench.ours, bench.theirs, models)
    name = f"dbt-duckdb {alternative_version('dbt-duckdb')}"
    title = f"SQL build of {len(models)} models, {days:,} days"
    ratio = took["dbt"] / took["build"]
    yield Claim(
        f"{title}: a step of a run against `dbt run`",
        f"{took['build']:.2f} s",
        f"{took['dbt']:.2f} s ({name})",
        f"{ratio:.1f} times",
        f"at least {TARGET:g} times",
        ratio >= TARGET,
    )
    yield _told(f"{title}: both with the start of Python", took["process"], took["dbt"])
    yield _told(f"{title}: both without it, dbt by its own clock", took["build"], took["dbt alone"])


def _told(what: str, ours: float, theirs: float) -> Claim:
    return Claim(what, f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f} times")


@dataclass(frozen=True, slots=True)
class _Bench:
    """A folder with the given warehouse, and a copy for each side."""

    folder: Path
    given: Path

    @property
    def ours(self) -> Path:
        return self.folder / "ours" / "warehouse.duckdb"

    @property
    def theirs(self) -> Path:
        return self.folder / "theirs" / "warehouse.duckdb"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def build(self) -> float:
        _copy(self.given, self.ours)
        return wall(lambda: build_once(self.ours))

    def process(self) -> float:
        _copy(self.given, self.ours)
        return wall_of_process([sys.executable, "-m", "benchmarks.build_once", self.ours])

    def dbt(self) -> float:
        _copy(self.given, self.theirs)
        place = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        return wall_of_process([alternative("dbt"), "--no-version-check", "run", *place])


def _copy(given: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    shutil.copyfile(given, to)


def _assert_equal(ours: Path, theirs: Path, models: Sequence[Model]) -> None:
    # Tables only: dbt's views name the file that they were made in, and what they hold stands in the tables too.
    tables = [model for model in models if model.header.materialized == "table"]
    with duckdb.connect() as con:
        con.execute(f"attach '{ours}' as ours (read_only); attach '{theirs}' as theirs (read_only)")
        for model in tables:
            one, other = f"from ours.{model.name}", f"from theirs.{model.name}"
            differing = (
                f"select count(*) from (({one} except all {other}) union all ({other} except all {one}))"
            )
            row = con.execute(differing).fetchone()
            if row != (0,):
                raise AssertionError(f"{model.name}: {row} rows differ between our build and dbt's")


if __name__ == "__main__":
    print_table(claims())
