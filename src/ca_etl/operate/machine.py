"""Findings about the machine: clock, disk, time zone data, versions, variables of the environment, Prefect server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import requests

from ca_etl.settings import Misspelt
from ca_etl.sources.session import TOLERANCE

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
DISTRIBUTIONS: Final = ("duckdb", "prefect", "fastapi", "sqlalchemy")
PREFECT_TIMEOUT_SECONDS: Final = 3.0


class Level(StrEnum):
    """How much a finding matters. With an error the next run fails, or its data are not to be trusted."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. `next` is the command to run, empty when all is well."""

    area: str
    level: Level
    message: str
    next: str = ""


def ok(area: str, message: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(area, Level.OK, message)


def warn(area: str, message: str, next_command: str) -> Finding:
    """A finding that the next run can do with."""
    return Finding(area, Level.WARN, message, next_command)


def error(area: str, message: str, next_command: str) -> Finding:
    """A finding with which the next run fails, or its data are not to be trusted."""
    return Finding(area, Level.ERROR, message, next_command)


def zone_data(offset: timedelta | None) -> Iterator[Finding]:
    """Whether Almaty is at +05:00 since March 2024; `offset` is that of June 2024 in the zone data of this machine."""
    if offset == ALMATY_SINCE_2024:
        yield ok("time zones", "Asia/Almaty is at +05:00, as since March 2024")
        return
    actual = "unknown" if offset is None else f"at {offset} in June 2024"
    yield error(
        "time zones",
        f"Asia/Almaty is {actual}: the zone data are older than 2024a, and each slot is an hour off",
        "apt-get install --only-upgrade tzdata, or: export PYTHONTZPATH= (takes the tzdata package)",
    )


def almaty_offset() -> timedelta | None:
    """The offset of Almaty in June 2024 by the zone data that Python uses here, None without any."""
    try:
        return datetime(2024, 6, 1, tzinfo=ZoneInfo("Asia/Almaty")).utcoffset()
    except ZoneInfoNotFoundError:
        return None


def clock(now: datetime, newest_run: datetime | None, newest_capture: datetime | None) -> Iterator[Finding]:
    """Whether the clock is earlier than this code, the journal or a capture. All instants are zone-aware."""
    next_command = "timedatectl (is the clock set by NTP?)"
    shown = f"the clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now < EARLIEST:
        yield error("clock", f"{shown}, before this version was written", next_command)
    elif newest_run and now < newest_run - TOLERANCE:
        yield error("clock", f"{shown}, the journal has a run of {newest_run:%Y-%m-%d %H:%M}", next_command)
    elif newest_capture and now < newest_capture - TOLERANCE:
        yield warn(
            "clock",
            f"{shown}, the newest capture is of {newest_capture:%Y-%m-%d %H:%M}",
            f"{next_command}; a capture given by hand may have a wrong --captured-at: ca-etl decide exclude",
        )
    else:
        yield ok("clock", shown)


def disk(folder: Path, free_bytes: int, free_files: int | None, release_bytes: int) -> Iterator[Finding]:
    """Whether the file system of `folder` has room for the next run, and for the ones after it.

    `release_bytes` is the current release with its exports, 0 without one; `free_files` is None on a file system
    that has no fixed number of them.
    """
    least = LEAST_RELEASES * release_bytes + LEAST_BYTES
    ample = AMPLE_RELEASES * release_bytes + GIGABYTE
    room = f"{_size(free_bytes)} free at {folder}, the release has {_size(release_bytes)}"
    next_command = f"df -h {folder} (fewer releases: CA_ETL_KEEP_RELEASES)"
    if free_bytes < least:
        yield error("disk", f"{room}, a run needs {_size(least)}", next_command)
    elif free_bytes < ample:
        yield warn("disk", f"{room}, {_size(ample)} is ample", next_command)
    else:
        yield ok("disk", room)
    if free_files is not None and free_files < LEAST_FILES:
        yield error("disk", f"{folder} has room for {free_files} more files", f"df -i {folder}")


def check_disk(data_dir: Path) -> Iterator[Finding]:
    """The findings about the file system that the data directory is on, or would be made on."""
    folder = nearest_folder(data_dir)
    room = os.statvfs(folder)
    release = (data_dir / "current").resolve()
    sizes = (path.stat().st_size for path in release.rglob("*") if path.is_file()) if release.is_dir() else ()
    yield from disk(
        folder, room.f_bavail * room.f_frsize, room.f_favail if room.f_files else None, sum(sizes)
    )


def nearest_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


def versions(installed: Mapping[str, str]) -> Iterator[Finding]:
    """Versions that are known not to work together. `installed` maps a distribution to its version."""
    problems = [*_duckdb(installed.get("duckdb")), *_prefect(installed)]
    yield from problems
    if not problems:
        yield ok("versions", ", ".join(f"{name} {number}" for name, number in installed.items()))


def installed_versions() -> dict[str, str]:
    """Versions by the metadata of the distributions; none is imported, since a broken one may raise anything."""
    installed = {}
    for name in DISTRIBUTIONS:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def _duckdb(duckdb: str | None) -> Iterator[Finding]:
    if duckdb is None:
        yield error("versions", "duckdb is not installed", "make setup")
    elif _numbers(duckdb) < DUCKDB_LEAST:
        yield error("versions", f"duckdb {duckdb} is older than 1.5.5", "make setup")
    elif _numbers(duckdb)[:2] not in DUCKDB_TESTED:
        yield warn(
            "versions", f"duckdb {duckdb} is not tested; 1.5 and 2.0 are", "make setup (locked versions)"
        )


def _prefect(installed: Mapping[str, str]) -> Iterator[Finding]:
    prefect = installed.get("prefect")
    if prefect is None:
        return
    if prefect != PREFECT_TESTED:
        yield warn("versions", f"prefect {prefect} is not tested; {PREFECT_TESTED} is", "make setup")
    fastapi = installed.get("fastapi")
    if fastapi and _numbers(fastapi) >= (0, 151):
        yield error(
            "versions",
            f"prefect {prefect} with fastapi {fastapi}: from 0.151 on its server returns 422, from 0.155 it fails",
            'pip install "fastapi<0.151"',
        )
    sqlalchemy = installed.get("sqlalchemy")
    if sqlalchemy and _numbers(sqlalchemy) >= (2, 1):
        yield warn(
            "versions",
            f'prefect {prefect} with SQLAlchemy {sqlalchemy}: its SQLite database is "locked" more often from 2.1 on',
            'pip install "sqlalchemy<2.1"',
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+", maxsplit=1)[0])[:3])


def variables(misspelt: Sequence[Misspelt]) -> Iterator[Finding]:
    """Settings that have no effect because of their name."""
    for variable in misspelt:
        in_environment = variable.origin == "environment"
        command = f"unset {variable.name}" if in_environment else f"grep -n {variable.name} {variable.origin}"
        yield warn("settings", str(variable), f"{command} (settings: docs/settings.md)")
    if not misspelt:
        yield ok("settings", "every CA_ETL_ variable is a setting")


def prefect_api(url: str) -> Iterator[Finding]:
    """Whether the Prefect server at `url` responds within three seconds; nothing for no URL: a run does not need it."""
    if not url:
        return
    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    health = f"{url.rstrip('/')}/health"
    try:
        with requests.get(health, timeout=PREFECT_TIMEOUT_SECONDS, stream=True) as response:
            problem = "" if response.ok else f"/health responds with {response.status_code}"
    except requests.RequestException as failure:
        problem = f"/health does not respond ({type(failure).__name__})"
    if not problem:
        yield ok("prefect", f"{shown} responds")
        return
    yield warn(
        "prefect",
        f"PREFECT_API_URL={shown}: {problem}; no scheduled flow will run",
        "prefect server start (or unset PREFECT_API_URL; ca-etl run needs no server)",
    )


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{count / 1_000_000:.1f} MB"
