"""Findings of `ca-etl doctor` about the machine: clock, disk, zone data, versions, variables, and what starts runs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import requests

from ca_etl.errors import counted, nearest_folder
from ca_etl.settings import Misspelt
from ca_etl.sources.schedules import DAILY, SWEEP, Schedule, prefect_cron
from ca_etl.sources.session import TOLERANCE

# The month in which this code was written: an earlier date comes from a clock whose battery is empty.
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
DEPLOYED: Final = "deployed schedules"
TIMERS: Final = {DAILY: "ca-etl.timer", SWEEP: "ca-etl-sweep.timer"}
# The first folder that has a unit counts, as for systemd.
UNIT_FOLDERS: Final = tuple(
    Path(folder) for folder in ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
)
COMPARED_SLOTS: Final = 10


class Level(StrEnum):
    """The severity of a finding. After an error the next run fails, or its data cannot be trusted."""

    OK = "ok"
    UNKNOWN = "unknown"  # it cannot be found out from here
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check of `ca-etl doctor`. `next` is the command to run, empty where nothing is to be done."""

    area: str
    level: Level
    message: str
    next: str = ""


def ok(area: str, message: str) -> Finding:
    """A finding that needs no action."""
    return Finding(area, Level.OK, message)


def unknown(area: str, message: str, next_command: str) -> Finding:
    """A finding that something cannot be found out from here, such as whether runs are scheduled."""
    return Finding(area, Level.UNKNOWN, message, next_command)


def warn(area: str, message: str, next_command: str) -> Finding:
    """A finding that does not stop the next run."""
    return Finding(area, Level.WARN, message, next_command)


def error(area: str, message: str, next_command: str) -> Finding:
    """A finding because of which the next run fails, or its data cannot be trusted."""
    return Finding(area, Level.ERROR, message, next_command)


def zone_data(offset: timedelta | None) -> Iterator[Finding]:
    """Check the zone data: Almaty must be at +05:00 since March 2024.

    `offset` is the offset of Almaty from UTC in June 2024, None where the zone is unknown.
    """
    if offset == ALMATY_SINCE_2024:
        yield ok("time zones", "Asia/Almaty is at +05:00, as since March 2024")
        return
    actual = "unknown" if offset is None else f"at {offset} in June 2024"
    yield error(
        "time zones",
        f"Asia/Almaty is {actual}: the zone data are older than 2024a, so that each slot is an hour off",
        "sudo apt-get install --only-upgrade tzdata",
    )


def almaty_offset() -> timedelta | None:
    """The offset from UTC of Almaty in June 2024, by the zone data that Python uses; None without zone data."""
    try:
        return datetime(2024, 6, 1, tzinfo=ZoneInfo("Asia/Almaty")).utcoffset()
    except ZoneInfoNotFoundError:
        return None


def clock(now: datetime, newest_capture: datetime | None) -> Iterator[Finding]:
    """Check that the clock is not earlier than this code and the newest capture.

    Both times are zone-aware; None means that there is no capture. A clock before the last run of the journal is not
    reported here, but as a condition.
    """
    next_command = "timedatectl"
    shown = f"the clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now < EARLIEST:
        yield error("clock", f"{shown}, but this version of ca-etl was written later", next_command)
    elif newest_capture and now < newest_capture - TOLERANCE:
        captured = f"{newest_capture.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield warn(
            "clock",
            f"{shown}, but the newest capture was made later, at {captured}, "
            "or an ingested file has a wrong --captured-at and is to be excluded by `ca-etl decide`",
            next_command,
        )
    else:
        yield ok("clock", shown)


def disk(folder: Path, free_bytes: int, free_files: int | None, release_bytes: int) -> Iterator[Finding]:
    """Check that the file system of `folder` has room for the next runs.

    `release_bytes` is the size of the current release with its exports, 0 without one. `free_files` is the number of
    files that the file system has room for, None where it has no such limit.
    """
    least = LEAST_RELEASES * release_bytes + LEAST_BYTES
    ample = AMPLE_RELEASES * release_bytes + GIGABYTE
    room = f"{_size(free_bytes)} are free at {folder}, and a release takes {_size(release_bytes)}"
    next_command = f"df -h {folder}"
    if free_bytes < least:
        yield error("disk", f"{room}: too little for the next run, which needs {_size(least)}", next_command)
    elif free_bytes < ample:
        yield warn(
            "disk", f"{room}: enough for the next run, but {_size(ample)} are recommended", next_command
        )
    else:
        yield ok("disk", room)
    if free_files is not None and free_files < LEAST_FILES:
        yield error(
            "disk",
            f"the file system of {folder} has room for {counted(free_files, 'more file')}, too few for the next run",
            f"df -i {folder}",
        )


def check_disk(data_dir: Path) -> Iterator[Finding]:
    """Check that the file system of the data directory, existing or yet to be made, has room for the next runs."""
    folder = nearest_folder(data_dir)
    room = os.statvfs(folder)
    release = (data_dir / "current").resolve()
    sizes = (path.stat().st_size for path in release.rglob("*") if path.is_file()) if release.is_dir() else ()
    yield from disk(
        folder, room.f_bavail * room.f_frsize, room.f_favail if room.f_files else None, sum(sizes)
    )


def versions(installed: Mapping[str, str]) -> Iterator[Finding]:
    """Check that the installed versions work together. `installed` maps a distribution to its version."""
    problems = [*_duckdb(installed.get("duckdb")), *_prefect(installed)]
    yield from problems
    if not problems:
        yield ok("versions", ", ".join(f"{name} {number}" for name, number in installed.items()))


def installed_versions() -> dict[str, str]:
    """The version of each installed distribution, from its metadata: importing a broken one may raise any error."""
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
        yield error("versions", f"duckdb {duckdb} is too old: 1.5.5 is the oldest that works", "make setup")
    elif _numbers(duckdb)[:2] not in DUCKDB_TESTED:
        yield warn(
            "versions",
            f"duckdb {duckdb} is not a tested version; 1.5 and 2.0 are",
            "make setup",
        )


def _prefect(installed: Mapping[str, str]) -> Iterator[Finding]:
    prefect = installed.get("prefect")
    if prefect is None:
        return
    if prefect != PREFECT_TESTED:
        yield warn("versions", f"prefect {prefect} is not the tested version {PREFECT_TESTED}", "make setup")
    fastapi = installed.get("fastapi")
    if fastapi and _numbers(fastapi) >= (0, 151):
        yield error(
            "versions",
            f"prefect {prefect} does not work with fastapi {fastapi}: its server responds with status 422 from fastapi "
            "0.151 on, and does not start from 0.155 on",
            'pip install "fastapi<0.151"',
        )
    sqlalchemy = installed.get("sqlalchemy")
    if sqlalchemy and _numbers(sqlalchemy) >= (2, 1):
        yield warn(
            "versions",
            f"prefect {prefect} works badly with SQLAlchemy {sqlalchemy}: from 2.1 on its server fails more often with "
            '"database is locked"',
            'pip install "sqlalchemy<2.1"',
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("+", maxsplit=1)[0])[:3])


def variables(misspelt: Sequence[Misspelt]) -> Iterator[Finding]:
    """Check that each environment variable `CA_ETL_*` has the name of a setting; a misspelt one has no effect."""
    for variable in misspelt:
        in_environment = variable.origin == "environment"
        command = (
            f"unset {variable.name}" if in_environment else f"grep -no {variable.name} {variable.origin}"
        )
        yield warn("settings", str(variable), command)
    if not misspelt:
        yield ok("settings", "every CA_ETL_ variable is the name of a setting")


def prefect_api(url: str) -> Iterator[Finding]:
    """Check that the Prefect server at `url` responds within three seconds. An empty URL is not checked."""
    if not url:
        return
    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    health = f"{url.rstrip('/')}/health"
    try:
        with requests.get(health, timeout=PREFECT_TIMEOUT_SECONDS, stream=True) as response:
            problem = "" if response.ok else f"responds with status {response.status_code} at /health"
    except requests.RequestException as failure:
        problem = f"does not respond at /health ({type(failure).__name__})"
    if not problem:
        yield ok("prefect", f"the Prefect server at {shown} responds")
        return
    yield warn(
        "prefect",
        f"the Prefect server at PREFECT_API_URL={shown} {problem}, so that no scheduled flow runs",
        "prefect server start",
    )


def deployed_schedules(
    planned: Sequence[Schedule], now: datetime, url: str, folders: Sequence[Path] = UNIT_FOLDERS
) -> Iterator[Finding]:
    """Check that systemd timers and a Prefect server start runs on the schedules of the settings.

    Where runs start at other times, days count as missed. `url` is that of the Prefect server, empty without one;
    `folders` are those of systemd's units.
    """
    timers = {schedule.name: _timer_calendars(TIMERS[schedule.name], folders) for schedule in planned}
    if not url and not any(timers.values()):
        yield unknown(
            DEPLOYED,
            "what starts runs is unknown: no timer of ca-etl is installed, and PREFECT_API_URL is not set",
            "ca-etl schedule",
        )
    for schedule in planned:
        if timers[schedule.name]:
            yield _timer(schedule, timers[schedule.name], now, folders)
    if url:
        yield from _prefect_deployments(planned, url)


def _timer_calendars(timer: str, folders: Sequence[Path]) -> list[str]:
    """The OnCalendar expressions of an installed timer with its drop-in files; an empty one drops those before it."""
    unit = next((folder / timer for folder in folders if (folder / timer).is_file()), None)
    drop_ins = [path for folder in folders for path in (folder / f"{timer}.d").glob("*.conf")]
    paths = [] if unit is None else [unit, *sorted(drop_ins, key=lambda path: path.name)]
    calendars: list[str] = []
    for path in paths:
        for calendar in re.findall(r"^OnCalendar=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            calendars = [*calendars, calendar.strip()] if calendar.strip() else []
    return calendars


def _timer(schedule: Schedule, calendars: Sequence[str], now: datetime, folders: Sequence[Path]) -> Finding:
    timer = TIMERS[schedule.name]
    wanted = f"the schedule {schedule.name} of the settings is {schedule.cron} ({schedule.zone.key})"
    elapses = _elapses(calendars, now)
    if elapses is None:
        message = f"whether {timer} is right is unknown, since systemd-analyze cannot evaluate it; {wanted}"
        return unknown(DEPLOYED, message, f"systemctl cat {timer}")
    if elapses != [f"{slot:%Y-%m-%d %H:%M:%S}" for slot in islice(schedule.after(now), COMPARED_SLOTS)]:
        command = f"sudo systemctl edit {timer}"
        return warn(
            DEPLOYED,
            f"{timer} runs at {' and '.join(calendars)}, but {wanted}: it needs another OnCalendar=",
            command,
        )
    if not any((folder / "timers.target.wants" / timer).is_symlink() for folder in folders):
        message = f"{timer} is installed and not enabled, so that it starts no run"
        return warn(DEPLOYED, message, f"sudo systemctl enable --now {timer}")
    return ok(DEPLOYED, f"{timer} runs at {' and '.join(calendars)}, as in the settings")


def _elapses(calendars: Sequence[str], now: datetime) -> list[str] | None:
    """The next instants (UTC) of some OnCalendar expressions after `now`; None where systemd cannot evaluate them."""
    base = f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    options = ["calendar", f"--base-time={base}", f"--iterations={COMPARED_SLOTS}"]
    found: set[str] = set()
    for calendar in calendars:
        try:
            analyzed = subprocess.run(
                ["systemd-analyze", *options, calendar],
                capture_output=True,
                text=True,
                check=True,
                timeout=PREFECT_TIMEOUT_SECONDS,
                env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found.update(re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", analyzed.stdout))
    return sorted(found)[:COMPARED_SLOTS]


def _prefect_deployments(planned: Sequence[Schedule], url: str) -> Iterator[Finding]:
    """Whether the deployments of a Prefect server have the cron expressions of the settings."""
    try:
        response = requests.post(
            f"{url.rstrip('/')}/deployments/filter", json={}, timeout=PREFECT_TIMEOUT_SECONDS
        )
        response.raise_for_status()
        deployed = {
            (entry["name"], planned["slug"]): (
                planned["schedule"].get("cron"),
                planned["schedule"].get("timezone"),
            )
            for entry in response.json()
            for planned in entry["schedules"]
            if planned["active"] and not entry["paused"]
        }
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as failure:
        message = f"the deployments of the Prefect server are unknown: {type(failure).__name__}"
        yield unknown(DEPLOYED, message, "prefect deployment ls")
        return
    for schedule in planned:
        wanted = (prefect_cron(schedule.cron), schedule.zone.key)
        cron, zone = deployed.get((schedule.name, schedule.name), (None, None))
        if (cron, zone) == wanted:
            yield ok(
                DEPLOYED,
                f"the Prefect deployment {schedule.name} runs at {cron} ({zone}), as in the settings",
            )
            continue
        actual = f"runs at {cron} ({zone})" if cron else "has no active schedule"
        yield warn(
            DEPLOYED,
            f"the Prefect deployment {schedule.name} {actual}, but the schedule {schedule.name} of the settings is "
            f"{wanted[0]} ({wanted[1]})",
            "python -m flows.deploy setup",
        )


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{count / 1_000_000:.1f} MB"
