"""Kill runs, backfills and ingests of the demo at random moments, and compare what they leave with a calm twin.

    python scripts/chaos.py --kills 200 --seed 1

Each round is a day of the demo site and one operation. In one data directory it is killed (SIGKILL) at a random moment,
once to three times, and then done again to its end, as a schedule would; in the twin it is done once. Every tenth round
and at the end all tables of both are compared, and the killed directory with a rebuild from its own archive. Printed
are the rows that are wrong, lost or doubled, and how often an operation needed anything but itself to be done again.
Exit status 1 where any of these is not zero. Everything happens in --dir, on loopback.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

import duckdb

from ca_etl.demo import desk
from ca_etl.demo.site import DemoSite

FIRST_DAY: Final = date(2025, 6, 1)
# The daily slot is at 02:00 UTC; a run begins some seconds later.
SLOT_HOUR: Final = 2
# Two captures of one page differ in their times, in those that a request names, and in their position in the archive;
# nothing else may.
BOOKKEEPING: Final = frozenset({"etl_run", "etl_check"})
# fmt: off
OWN: Final = frozenset({
    "run_id", "loaded_by", "runs", "capture_id", "observed_at", "captured_at", "archive_offset", "archive_file",
    "known_from", "known_until", "valid_from", "valid_to",
})
# fmt: on
OPERATIONS: Final = ("run", "run", "run", "backfill", "ingest")


@dataclass(slots=True)
class Tally:
    """What the campaign saw."""

    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    wrong: int = 0
    lost: int = 0
    doubled: int = 0
    manual_steps: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was wrong, lost or doubled and nothing had to be done by hand."""
        return not (self.wrong or self.lost or self.doubled or self.manual_steps)

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({kills}) in {self.rounds} rounds: {self.wrong} wrong, {self.lost} lost, "
            f"{self.doubled} doubled, {self.manual_steps} manual steps"
        )


class Campaign:
    """One campaign in a folder: the killed data directory, its calm twin, and the site that both read."""

    def __init__(self, folder: Path, site: DemoSite, chance: random.Random) -> None:
        self.killed, self.calm = folder / "killed", folder / "calm"
        self.tally = Tally()
        self._folder, self._site, self._chance = folder, site, chance
        self._seconds = dict.fromkeys(OPERATIONS, 2.0)
        self._at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC)

    def play(self, kills: int) -> None:
        """Rounds until so many kills have landed."""
        while self.tally.kills.total() < kills:
            day = FIRST_DAY + timedelta(days=self.tally.rounds)
            self._site.play(day)
            desk.work(self._site, day)
            # The first day gives both directories a release.
            name = "run" if not self.tally.rounds else self._chance.choice(OPERATIONS)
            self._round(name, day, kills)
            self.tally.rounds += 1
            if self.tally.rounds % 10 == 0:
                self.compare()
                print(self.tally, flush=True)
        self.compare()

    def _round(self, name: str, day: date, kills: int) -> None:
        at = datetime(day.year, day.month, day.day, SLOT_HOUR, 0, 5, tzinfo=UTC)
        arguments = self._arguments(name, day)
        self._at = at + timedelta(minutes=20)
        started = time.monotonic()
        self._finish(self.calm, at, arguments)
        self._seconds[name] = time.monotonic() - started
        for number in range(self._chance.randint(1, 3)):
            if self.tally.kills.total() < kills and self._kill(
                at + timedelta(minutes=number), name, arguments
            ):
                self.tally.kills[name] += 1
        self._finish(self.killed, at + timedelta(minutes=10), arguments)

    def _arguments(self, name: str, day: date) -> list[str]:
        if name == "backfill":
            first = day - timedelta(days=self._chance.randint(10, 60))
            return ["backfill", "--from", f"{first}", "--to", f"{day - timedelta(days=1)}"]
        if name == "ingest":
            page = self._folder / f"{day}.html"
            url = f"{self._site.base_url}latest/"
            page.write_bytes(self._site.respond("GET", "/latest/", {}).body)
            return [
                "ingest",
                "--url",
                url,
                "--captured-at",
                f"{day - timedelta(days=1)}T09:00:00Z",
                str(page),
            ]
        return ["run"]

    def _kill(self, at: datetime, name: str, arguments: Sequence[str]) -> bool:
        """Kill the operation somewhere within the time that it takes; False where it was done before."""
        process = self._start(self.killed, at, arguments)
        try:
            process.wait(self._chance.uniform(0.05, 1.1) * self._seconds[name])
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return process.returncode == -signal.SIGKILL

    def _finish(self, data_dir: Path, at: datetime, arguments: Sequence[str]) -> None:
        process = self._start(data_dir, at, arguments)
        _, errors = process.communicate()
        if process.returncode:
            self.tally.manual_steps += 1
            print(
                f"{data_dir.name}: {' '.join(arguments)} ended with {process.returncode}: {errors[-600:]}",
                flush=True,
            )

    def _start(self, data_dir: Path, at: datetime, arguments: Sequence[str]) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CA_ETL_")}
        environment |= {
            "CA_ETL_DATA_DIR": str(data_dir),
            "CA_ETL_SITE_URL": self._site.base_url,
            "CA_ETL_MIN_INTERVAL_SECONDS": "0",
            "CA_ETL_BACKOFF_SECONDS": "0",
        }
        command = [sys.executable, __file__, "--at", at.isoformat(), *arguments]
        return subprocess.Popen(
            command,
            env=environment,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def compare(self) -> None:
        """Hold the killed directory against its twin, and against a rebuild from its own archive."""
        killed, calm = _rows(self.killed), _rows(self.calm)
        for table in sorted(killed.keys() | calm.keys()):
            only_killed, only_calm = killed[table] - calm[table], calm[table] - killed[table]
            doubled = sum(count for row, count in only_killed.items() if row in calm[table])
            changed = min(only_killed.total() - doubled, only_calm.total())
            self.tally.doubled += doubled
            self.tally.wrong += changed + max(0, only_killed.total() - doubled - only_calm.total())
            self.tally.lost += only_calm.total() - changed
            for label, rows in (("only after kills", only_killed), ("only without", only_calm)):
                for row in list(rows)[:2]:
                    print(f"{table}: {label}: {row}", flush=True)
        process = self._start(self.killed, self._at, ["verify"])
        _, errors = process.communicate()
        if process.returncode:
            self.tally.wrong += 1
            print(f"the release differs from a rebuild: {errors[-600:]}", flush=True)


def _rows(data_dir: Path) -> dict[str, Counter[tuple[str | None, ...]]]:
    """All rows of `main` as text, the bookkeeping and the columns of `OWN` aside."""
    rows: dict[str, Counter[tuple[str | None, ...]]] = {}
    with duckdb.connect(str((data_dir / "current").resolve() / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'main'").fetchall()
        for (table,) in tables:
            if table not in BOOKKEEPING:
                columns = (
                    f"regexp_replace(\"{name}\"::varchar, '(after|before)=[^&]+', '\\1', 'g')"
                    for name in con.sql(f"from main.{table}").columns
                    if name not in OWN
                )
                rows[table] = Counter(
                    con.execute(f"select {', '.join(columns)} from main.{table}").fetchall()
                )
    return rows


def run_at(instant: datetime, arguments: Sequence[str]) -> NoReturn:
    """Do what `ca-etl` does, with a clock that begins at `instant`."""
    from ca_etl.pipeline import context  # noqa: PLC0415

    started = time.monotonic()
    context.utc_now = lambda: instant + timedelta(seconds=time.monotonic() - started)
    from ca_etl.cli.app import main as run_cli  # noqa: PLC0415

    sys.argv = ["ca-etl", *arguments]
    run_cli()
    sys.exit(0)


def main() -> int:
    """Play the campaign, or as `--at` one operation of it."""
    if sys.argv[1:2] == ["--at"]:
        run_at(datetime.fromisoformat(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dir", type=Path, help="an empty folder; default: a temporary one")
    options = parser.parse_args()
    folder = options.dir or Path(tempfile.mkdtemp(prefix="ca-etl-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    with DemoSite(port=0) as site:
        campaign = Campaign(folder.resolve(), site, random.Random(options.seed))  # noqa: S311
        campaign.play(options.kills)
    print(campaign.tally)
    if campaign.tally.is_clean and options.dir is None:
        shutil.rmtree(folder)
    return 0 if campaign.tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
