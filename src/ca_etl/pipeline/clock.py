"""Check the clock of a run against the newest instant on record and against the Date headers of the site."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.archive.policy import count_of, http_date
from ca_etl.archive.reader import whole_records
from ca_etl.errors import CaEtlError
from ca_etl.settings import Settings
from ca_etl.sources.session import Clock
from ca_etl.warehouse.journal import RunRecord
from ca_etl.warehouse.reading import published_warehouse

LEAP: Final = timedelta(days=1)
# The years that a site's clock can show: a device without one sends 1970, "never" is 9999.
YEARS: Final = range(2020, 2100)
STAMP: Final = re.compile(r"\d{8}T\d{6}Z")
# Captures that runs have made: files of an operator may have any date.
NEWEST_CAPTURE: Final = "select max(captured_at) from raw.capture where archive_file not like '%-ingest-%'"


@dataclass(frozen=True, slots=True)
class Witness:
    """A recorded time with which the clock of a run is compared; `name` states whose, such as "the end of run X"."""

    at: datetime
    name: str

    def against(self, now: datetime) -> str:
        """A sentence that states how far a clock that shows `now` (zone-aware) is from the recorded time."""
        side = "before" if now < self.at else "after"
        return (
            f"the clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {abs(now - self.at).days} days {side} "
            f"{self.name} ({self.at.astimezone(UTC):%Y-%m-%d %H:%M})"
        )


class ClockError(CaEtlError):
    """The clock of a run is more than a day off a recorded time; an operator has to decide which one is right."""

    def __init__(self, now: datetime, witness: Witness) -> None:
        super().__init__(
            f"{witness.against(now)}: no observation is written. If this clock is right, --trust-clock "
            "ignores runs and captures dated after it",
            "timedatectl",
        )


def is_trusted(run: RunRecord) -> bool:
    """Whether a run published although its clock was contradicted, because an operator trusted the clock."""
    return run.contradicted_by is not None and run.release_id is not None


def evidence(runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """The runs whose times the clock of a new run is compared with: those since the last one with a trusted clock.

    Runs with a wrong clock are left out.
    """
    begin = max((number for number, run in enumerate(runs) if is_trusted(run)), default=0)
    return tuple(run for run in runs[begin:] if run.contradicted_by is None or is_trusted(run))


def time_of(runs: Sequence[RunRecord], now: datetime, *, is_demo: bool) -> datetime:
    """The present time of a data directory: `now`, or for the demo the end of its last run.

    The demo captures days of the past, which by the clock of the machine would always be overdue.
    """
    return (runs[-1].finished_at or runs[-1].started_at) if is_demo and runs else now


def clock_from(instant: datetime) -> Clock:
    """A clock, as a function, that starts at `instant` (zone-aware) and then advances in real time."""
    started = time.monotonic()
    return lambda: instant + timedelta(seconds=time.monotonic() - started)


def newest_known(settings: Settings, runs: Sequence[RunRecord], archived: Iterable[Path]) -> Witness | None:
    """The newest time recorded in the journal, the archive or the current release; None before the first run.

    `archived` are the files of the archive. A release that cannot be read is ignored here, and reported by the load.
    """
    known = [
        Witness(run.finished_at or run.started_at, f"the end of run {run.run_id}") for run in evidence(runs)
    ]
    if not any(is_trusted(run) for run in runs):
        held = {name for run in runs for name in run.held}
        root = settings.archive_dir
        own = (path for path in archived if path.relative_to(root).as_posix() not in held)
        known += [*_newest_file(own), *_newest_capture(settings.data_dir)]
    return max(known, key=lambda witness: witness.at, default=None)


def contradiction(now: datetime, known: Witness | None, responses: Iterable[Path]) -> Witness | None:
    """The recorded time that differs from `now`, the start of a run, by more than a day; None where none does.

    `known` is the newest recorded time, None without one. `responses` are the archive files that the run wrote: the
    Date headers in them count where all differ in one direction, since a cached page has an old date.
    """
    if known is not None and known.at > now + LEAP:
        return known
    dates = [date for path in responses for date in _site_dates(path)]
    after = [sent for archived, sent, _ in dates if sent > archived + LEAP]
    before = [sent for archived, sent, aged in dates if aged < archived - LEAP]
    if dates and len(dates) in {len(after), len(before)}:
        return Witness(max(after or before), "the date that the site sends")
    return None


def _newest_file(paths: Iterable[Path]) -> Iterator[Witness]:
    # a file is named by the slot or the start of its run, in UTC
    name = max((path.name for path in paths if STAMP.match(path.name)), default="")
    try:
        at = datetime.strptime(f"{name[:15]}+0000", "%Y%m%dT%H%M%S%z")
    except ValueError:
        return
    yield Witness(at, f"archive file {name}")


def _newest_capture(data_dir: Path) -> Iterator[Witness]:
    try:
        with published_warehouse(data_dir) as con:
            ((newest,),) = con.execute(NEWEST_CAPTURE).fetchall() if con else [(None,)]
    except (CaEtlError, OSError, duckdb.Error):
        return
    if newest is not None:
        yield Witness(newest, "the newest capture of the current release")


def _site_dates(path: Path) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Of each response when it was archived, its Date, and its Date with the Age that a cache on the way adds."""
    for record in whole_records(path):
        sent = http_date(record.http_headers.get("date") or "")
        if sent is not None and sent.year in YEARS:
            age = timedelta(seconds=count_of(record.http_headers.get("age")) or 0)
            yield record.date, sent, sent + age
