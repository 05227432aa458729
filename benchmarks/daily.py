"""One day, from the shell: `ca-etl run`, `sql` and `--help` as whole processes, Python's start included.

The site is the demo site in this process, on loopback and without pauses between requests, so that nothing but work
is measured. Two data directories take one more day each, in turns: one that has had 9 days, one that has had
999 (see `history.py`); the last seven of them were real runs, so that old releases are pruned on every run. The
columns beside ours say what the machine costs by itself: Python with the same large imports, and the same pages
asked for by a bare loop.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from benchmarks.history import NEWEST, build_history, settings_for, slot_of
from benchmarks.measure import REPEATS, Claim, interleaved, print_table, tell, wall_of_process
from ca_etl.demo.site import DemoSite
from ca_etl.settings import Settings

OURS: Final = Path(sys.executable).with_name("ca-etl")
YOUNG, OLD = 10, 1000
# As many as `keep_releases` keeps.
REAL_RUNS: Final = 7
QUERY: Final = "from fct_rate_daily order by rate_date desc limit 5"

RUN_SECONDS, HELP_SECONDS, SQL_SECONDS = 1.5, 0.3, 0.5
AGEING: Final = 1.2

BARE_IMPORTS: Final = "import duckdb, pyarrow, requests"
BARE_LOOP: Final = """
import sys, requests
with requests.Session() as session:
    for url in sys.argv[1:]:
        session.get(url).raise_for_status()
"""
BARE_QUERY: Final = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as con:
    con.sql(sys.argv[2]).show()
"""


def claims() -> Iterator[Claim]:
    """Start, query and day: each beside what the machine costs by itself."""
    with tempfile.TemporaryDirectory(prefix="ca-etl-bench-") as folder, DemoSite() as site:
        young = _Installation.aged(Path(folder) / "young", YOUNG, site)
        old = _Installation.aged(Path(folder) / "old", OLD, site)
        tell("daily: start, query, run")
        python: list[str | Path] = [sys.executable, "-c"]
        urls = [site.base_url + path[1:] for path in ("/robots.txt", *young.settings.listing_paths)]
        took = interleaved(
            {
                "start": lambda: wall_of_process([*python, "pass"]),
                "imports": lambda: wall_of_process([*python, BARE_IMPORTS]),
                "loop": lambda: wall_of_process([*python, BARE_LOOP, *urls]),
                "query": lambda: wall_of_process([*python, BARE_QUERY, old.warehouse, QUERY]),
                "help": lambda: wall_of_process([OURS, "--help"]),
                "sql": lambda: old.command("sql", QUERY),
                "young": young.next_day,
                "old": old.next_day,
            },
            REPEATS,
        )
    yield _within("`ca-etl --help`", took["help"], "a bare Python start", took["start"], HELP_SECONDS)
    yield _within(
        f"`ca-etl sql`, {OLD:,} days", took["sql"], "duckdb.connect and show()", took["query"], SQL_SECONDS
    )
    yield _within(
        f"`ca-etl run`, day {YOUNG}",
        took["young"],
        "imports of duckdb, pyarrow and requests alone",
        took["imports"],
        RUN_SECONDS,
    )
    yield _within(
        f"`ca-etl run`, day {OLD:,}",
        took["old"],
        "a loop of requests.get on the pages",
        took["loop"],
        RUN_SECONDS,
    )
    ageing = took["old"] / took["young"]
    yield Claim(
        f"`ca-etl run`, day {OLD:,} against day {YOUNG}",
        f"{took['old']:.2f} s",
        f"{took['young']:.2f} s (day {YOUNG})",
        f"{ageing:.2f} times",
        f"at most {AGEING:g} times",
        ageing <= AGEING,
    )
    young_work, old_work = (statistics.median(made.processor[-REPEATS:]) for made in (young, old))
    yield Claim(
        "the same in processor time, which a busy machine disturbs less",
        f"{old_work:.2f} s",
        f"{young_work:.2f} s (day {YOUNG})",
        f"{old_work / young_work:.2f} times",
    )


def _within(what: str, ours: float, other: str, theirs: float, target: float) -> Claim:
    return Claim(
        what,
        f"{ours:.2f} s",
        f"{theirs:.2f} s ({other})",
        f"{ours / theirs:.1f} times",
        f"at most {target:g} s",
        ours <= target,
    )


@dataclass(slots=True)
class _Installation:
    """A data directory, and the last day that it has."""

    settings: Settings
    site: DemoSite
    day: date
    processor: list[float] = field(default_factory=list)
    """Seconds of processor time of each run."""

    @classmethod
    def aged(cls, data_dir: Path, days: int, site: DemoSite) -> _Installation:
        """A directory that has had all days but one of `days`, the last of them by real runs."""
        tell(f"daily: making {days} days")
        settings = settings_for(data_dir, site.base_url)
        build_history(settings, days - 1 - REAL_RUNS)
        made = cls(settings, site, NEWEST)
        for _ in range(REAL_RUNS):
            made.next_day()
        return made

    @property
    def warehouse(self) -> Path:
        return self.settings.data_dir / "current" / "warehouse.duckdb"

    def next_day(self) -> float:
        """Seconds of the run of one more day."""
        self.day += timedelta(days=1)
        self.site.play(self.day)
        before = _work_of_children()
        seconds = self.command("run", "--slot", slot_of(self.settings, self.day).isoformat())
        self.processor.append(_work_of_children() - before)
        return seconds

    def command(self, *arguments: str) -> float:
        return wall_of_process([OURS, *arguments], self._environment)

    @property
    def _environment(self) -> Mapping[str, str]:
        return {
            "CA_ETL_DATA_DIR": str(self.settings.data_dir),
            "CA_ETL_SITE_URL": self.site.base_url,
            "CA_ETL_MIN_INTERVAL_SECONDS": "0",
        }


def _work_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print_table(claims())
