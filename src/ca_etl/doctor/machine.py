"""Judging the machine: clock, zone data, disk, versions, variables, Prefect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ca_etl.doctor.findings import Finding, Level
from ca_etl.doctor.variables import Misspelt
from ca_etl.pipeline.slots import TOLERANCE

# This code was written in that month: an earlier date comes from a machine whose clock lost its battery.
EARLIEST: Final = datetime(2026, 11, 1, tzinfo=UTC)
ALMATY_SINCE_2024: Final = timedelta(hours=5)

GIGABYTE: Final = 1_000_000_000
# A run copies the current release and may need as much again to build in.
LEAST_RELEASES: Final = 2
AMPLE_RELEASES: Final = 5
LEAST_BYTES: Final = 100_000_000
LEAST_FILES: Final = 1000

# The two versions that the tests are run with, and their patch releases.
DUCKDB_TESTED: Final = ((1, 5), (2, 0))
DUCKDB_LEAST: Final = (1, 5, 5)
PREFECT_TESTED: Final = "3.8.8"
LOOKED_AT: Final = ("duckdb", "prefect", "fastapi", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Disk:
    """Room where the data stand. `release_bytes` is the current release with its exports, 0 without one.

    `free_files` is None on a file system that has no fixed number of them.
    """

    place: str
    free_bytes: int
    free_files: int | None
    release_bytes: int


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """The server that PREFECT_API_URL names. `trouble` is empty when it answers."""

    url: str
    trouble: str = ""


def disk(seen: Disk) -> Iterator[Finding]:
    """Whether the next run has room, and the ones after it."""
    least = LEAST_RELEASES * seen.release_bytes + LEAST_BYTES
    ample = AMPLE_RELEASES * seen.release_bytes + GIGABYTE
    level = Level.ERROR if seen.free_bytes < least else Level.WARN if seen.free_bytes < ample else Level.OK
    wanted = {
        Level.OK: "",
        Level.WARN: f", {_size(ample)} is ample",
        Level.ERROR: f", a run needs {_size(least)}",
    }
    yield Finding(
        "disk",
        level,
        f"{_size(seen.free_bytes)} free at {seen.place}, the release has {_size(seen.release_bytes)}{wanted[level]}",
        "" if level is Level.OK else f"df -h {seen.place} (fewer releases: CA_ETL_KEEP_RELEASES)",
    )
    if seen.free_files is not None and seen.free_files < LEAST_FILES:
        yield Finding(
            "disk",
            Level.ERROR,
            f"{seen.place} has room for {seen.free_files} more files",
            f"df -i {seen.place}",
        )


def clock(now: datetime, newest_run: datetime | None, newest_capture: datetime | None) -> Iterator[Finding]:
    """Whether the clock goes back behind what it has shown already. All instants are zone-aware."""
    ask = "timedatectl (is the clock set by NTP?)"
    said = f"the clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now < EARLIEST:
        yield Finding("clock", Level.ERROR, f"{said}, before this version was written", ask)
        return
    if newest_run and now < newest_run - TOLERANCE:
        yield Finding(
            "clock", Level.ERROR, f"{said}, the journal has a run of {newest_run:%Y-%m-%d %H:%M}", ask
        )
        return
    if newest_capture and now < newest_capture - TOLERANCE:
        yield Finding(
            "clock",
            Level.WARN,
            f"{said}, the newest capture is of {newest_capture:%Y-%m-%d %H:%M}",
            f"{ask}; a capture given by hand may have a wrong --captured-at: ca-etl decide exclude",
        )
        return
    yield Finding("clock", Level.OK, said)


def zone_data(offset: timedelta | None) -> Iterator[Finding]:
    """Whether Almaty is at +05:00 since March 2024; `offset` is what the zone data say of June 2024."""
    if offset == ALMATY_SINCE_2024:
        yield Finding("time zones", Level.OK, "Asia/Almaty is at +05:00, as since March 2024")
        return
    found = "unknown" if offset is None else f"at {offset} in June 2024"
    yield Finding(
        "time zones",
        Level.ERROR,
        f"Asia/Almaty is {found}: the zone data are older than 2024a, and each slot is an hour off",
        "apt-get install --only-upgrade tzdata, or: export PYTHONTZPATH= (takes the tzdata package)",
    )


def versions(found: Mapping[str, str]) -> Iterator[Finding]:
    """Versions that are known not to work together. `found` maps a distribution to its version; absent ones lack."""
    bad = [*_duckdb(found.get("duckdb")), *_prefect(found)]
    yield from bad
    if not bad:
        yield Finding("versions", Level.OK, ", ".join(f"{name} {number}" for name, number in found.items()))


def variables(wrong: Sequence[Misspelt]) -> Iterator[Finding]:
    """Settings that have no effect because of their name."""
    for each in wrong:
        command = f"unset {each.name}" if each.place == "environment" else f"grep -n {each.name} {each.place}"
        yield Finding("settings", Level.WARN, str(each), f"{command} (settings: docs/settings.md)")
    if not wrong:
        yield Finding("settings", Level.OK, "every CA_ETL_ variable is a setting")


def prefect_api(api: PrefectApi | None) -> Iterator[Finding]:
    """Whether the Prefect server answers. Nothing is said where none is set: a run does not need it."""
    if api is None:
        return
    if not api.trouble:
        yield Finding("prefect", Level.OK, f"{api.url} answers")
        return
    yield Finding(
        "prefect",
        Level.WARN,
        f"PREFECT_API_URL={api.url}: {api.trouble}; no scheduled flow will run",
        "prefect server start (or unset PREFECT_API_URL; ca-etl run needs no server)",
    )


def _duckdb(version: str | None) -> Iterator[Finding]:
    if version is None:
        yield Finding("versions", Level.ERROR, "duckdb is not installed", "make setup")
        return
    number = _number(version)
    if number < DUCKDB_LEAST:
        yield Finding("versions", Level.ERROR, f"duckdb {version} is older than 1.5.5", "make setup")
    elif number[:2] not in DUCKDB_TESTED:
        yield Finding(
            "versions",
            Level.WARN,
            f"duckdb {version} is not tested; 1.5 and 2.0 are",
            "make setup (locked versions)",
        )


def _prefect(found: Mapping[str, str]) -> Iterator[Finding]:
    prefect = found.get("prefect")
    if prefect is None:
        return
    if prefect != PREFECT_TESTED:
        yield Finding(
            "versions", Level.WARN, f"prefect {prefect} is not tested; {PREFECT_TESTED} is", "make setup"
        )
    fastapi = found.get("fastapi")
    if fastapi and _number(fastapi) >= (0, 151):
        yield Finding(
            "versions",
            Level.ERROR,
            f"prefect {prefect} with fastapi {fastapi}: from 0.151 on its server answers 422, from 0.155 it fails",
            'pip install "fastapi<0.151"',
        )
    sqlalchemy = found.get("sqlalchemy")
    if sqlalchemy and _number(sqlalchemy) >= (2, 1):
        yield Finding(
            "versions",
            Level.WARN,
            f'prefect {prefect} with SQLAlchemy {sqlalchemy}: its SQLite database is "locked" more often from 2.1 on',
            'pip install "sqlalchemy<2.1"',
        )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{count / 1_000_000:.1f} MB"
