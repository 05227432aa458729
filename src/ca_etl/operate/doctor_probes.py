"""Probe machine, settings and data directory for the doctor, without changing any of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import requests

from ca_etl.archive.framing import BadRange, split_records
from ca_etl.archive.naming import OPEN_SUFFIX
from ca_etl.archive.reader import archive_files
from ca_etl.errors import CaEtlError, Problem, UsageError
from ca_etl.operate import alert_store, doctor
from ca_etl.operate.alert_delivery import channels
from ca_etl.operate.doctor import ArchiveState, Diagnosis, Finding, Level, LockState, Place
from ca_etl.pipeline import slots
from ca_etl.pipeline.clock import evidence
from ca_etl.pipeline.crash_recovery import lost_run_ids
from ca_etl.settings import Misspelt, Settings, misspelt, present
from ca_etl.sources.session import TOLERANCE, withheld_files
from ca_etl.warehouse import journal, lock, overrides
from ca_etl.warehouse.data_directory import claimed_site, consult_marker
from ca_etl.warehouse.journal import JOURNAL_FILE, Journal
from ca_etl.warehouse.reading import consult, published_warehouse

T = TypeVar("T")

# Reading three weeks of daily files takes a tenth of a second; --deep reads all.
READ_WHOLE: Final = 20
PREFECT_TIMEOUT_SECONDS: Final = 3.0

KNOWN_FILES: Final = "select archive_file, sha256, bytes from raw.archive_file"
NEWEST_CAPTURE: Final = "select epoch_us(max(captured_at)) from raw.capture"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What the current release knows: SHA-256 and bytes of each archive file, the newest capture, the lost runs.

    `lost_decisions` is the problem of `decisions.csv`.
    """

    files: Mapping[str, tuple[str, int]]
    newest_capture: datetime | None
    lost_runs: frozenset[str] = frozenset()
    lost_decisions: Problem | None = None


def examine(settings: Settings | UsageError, now: datetime, *, deep: bool = False) -> Diagnosis:
    """Look at everything. `settings` may be the error that reading them gave; `now` is zone-aware."""
    found = [
        *_looked_at("time zones", lambda: zone_data(almaty_in_2024())),
        *_looked_at("versions", lambda: versions(installed())),
        *_looked_at("prefect", lambda: prefect_api(ask_prefect(os.environ.get("PREFECT_API_URL", "")))),
        *_looked_at("settings", lambda: variables(misspelt(present()))),
    ]
    if isinstance(settings, UsageError):
        found.append(Finding("settings", Level.ERROR, str(settings), settings.hint))
        found += clock(now, None, None)
        return Diagnosis(tuple(found))
    return Diagnosis((*found, *_data_directory(settings, now, deep=deep)))


def _data_directory(settings: Settings, now: datetime, *, deep: bool) -> Iterator[Finding]:
    path = settings.data_dir
    troubles: list[Finding] = []
    written = _read_or("last run", troubles, lambda: journal.read_journal(path))
    runs = None if written is None else journal.distinct(written.runs)
    known = _read_or("release", troubles, lambda: known_to_release(path, written))
    newest_run = max((run.finished_at or run.started_at for run in evidence(runs or ())), default=None)
    yield from clock(now, newest_run, known.newest_capture if known else None)
    yield from _looked_at("data directory", lambda: doctor.place(read_place(path)))
    yield from _looked_at("disk", lambda: disk(read_disk(path)))
    unread: list[Finding] = []
    claimed = _read_or("site", unread, lambda: claimed_site(path))
    marker = _read_or("site", unread, lambda: consult_marker(settings))
    if marker is not None and not unread:
        unread.append(Finding("site", Level.ERROR, marker.message, marker.next_command))
    yield from unread or doctor.site(settings, claimed)
    state = _read_or("lock", troubles, lambda: read_lock(path))
    if state is not None:
        yield from doctor.lock(state, now)
    files = known.files if known else {}
    in_use = state is not None and state.held
    yield from _looked_at(
        "archive",
        lambda: doctor.archive(read_archive_state(settings.archive_dir, files, deep=deep, in_use=in_use)),
    )
    if written is not None and runs is not None:
        lost = known.lost_runs if known else frozenset[str]()
        yield from doctor.withheld(sorted(withheld_files(runs, now)))
        come = slots.present(runs, now)
        yield from doctor.last_run(come, now, tuple(journal.problems(path, written, lost)))
        yield from doctor.freshness(settings, come, now, claimed)
    _read_or("decisions", troubles, lambda: overrides.read(path))
    if known is not None and (lost_decisions := known.lost_decisions) is not None:
        yield Finding("decisions", Level.ERROR, lost_decisions.message, lost_decisions.next_command)
    yield from _looked_at("alerts", lambda: doctor.alerts(alert_store.read(path).open, channels(settings)[1]))
    yield from troubles


def _looked_at(area: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    troubles: list[Finding] = []
    found = _read_or(area, troubles, lambda: list(look()))
    return [*(found or []), *troubles]


def _read_or(area: str, troubles: list[Finding], read: Callable[[], T]) -> T | None:
    """What `read` gives. What keeps it from reading becomes a finding, so that all else is looked at still."""
    try:
        return read()
    except CaEtlError as error:
        troubles.append(Finding(area, Level.ERROR, str(error), error.hint))
    except (OSError, duckdb.Error, UnicodeDecodeError) as error:
        troubles.append(
            Finding(area, Level.ERROR, f"cannot be read: {error}", "ls -ld . data (may we read it?)")
        )
    return None


def almaty_in_2024() -> timedelta | None:
    """The offset of Almaty in June 2024 by the zone data that Python uses here, None without any."""
    try:
        return datetime(2024, 6, 1, tzinfo=ZoneInfo("Asia/Almaty")).utcoffset()
    except ZoneInfoNotFoundError:
        return None


def installed() -> dict[str, str]:
    """Versions by the metadata of the distributions; none is imported, since a broken one may not let itself be."""
    found = {}
    for name in LOOKED_AT:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def ask_prefect(url: str) -> PrefectApi | None:
    """Whether the API at `url` says that it is well, within three seconds; None for no URL."""
    if not url:
        return None
    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    try:
        with requests.get(
            f"{url.rstrip('/')}/health", timeout=PREFECT_TIMEOUT_SECONDS, stream=True
        ) as answer:
            return PrefectApi(shown, "" if answer.ok else f"/health answers {answer.status_code}")
    except requests.RequestException as error:
        return PrefectApi(shown, f"/health does not answer ({type(error).__name__})")


def known_to_release(data_dir: Path, written: Journal | None) -> Known:
    """The archive as the current release knows it, and the runs that it knows and the journal, `written`, does not.

    Nothing before the first release. Raises `CaEtlError`.
    """
    with published_warehouse(data_dir) as con:
        if con is None:
            return Known({}, None)
        files = {name: (sha256, size) for name, sha256, size in con.execute(KNOWN_FILES).fetchall()}
        ((newest,),) = con.execute(NEWEST_CAPTURE).fetchall()
        lost = frozenset[str]() if written is None else lost_run_ids(con, data_dir, written)
        # a file that cannot be read has a finding of its own
        decided = consult(partial(overrides.lost, con, data_dir), None, overrides.DECISIONS_FILE, "").value
    return Known(files, None if newest is None else EPOCH + timedelta(microseconds=newest), lost, decided)


def read_place(data_dir: Path) -> Place:
    """The data directory, and what of it refuses to be written to."""
    exists = data_dir.exists()
    nearest = _nearest(data_dir)
    archive = data_dir / "archive"
    wanted = (
        [data_dir, data_dir / "releases", archive, *sorted(archive.glob("*/*"))[-1:]] if exists else [nearest]
    )
    folders = [each for each in wanted if each.is_dir() and not os.access(each, os.W_OK | os.X_OK)]
    files = [data_dir / JOURNAL_FILE, data_dir / lock.LOCK_FILE]
    refused = folders + [each for each in files if each.exists() and not os.access(each, os.W_OK)]
    return Place(str(data_dir), exists, data_dir.is_dir(), str(nearest), tuple(map(str, refused)))


def read_disk(data_dir: Path) -> Disk:
    """The room where the data directory stands or would stand."""
    nearest = _nearest(data_dir)
    room = os.statvfs(nearest)
    folder = (data_dir / "current").resolve()
    sizes = (each.stat().st_size for each in folder.rglob("*") if each.is_file()) if folder.is_dir() else ()
    return Disk(
        str(nearest), room.f_bavail * room.f_frsize, room.f_favail if room.f_files else None, sum(sizes)
    )


def read_lock(data_dir: Path) -> LockState:
    """Whether a run is on, and who it is."""
    holder = lock.running(data_dir)
    crashed = tuple(sorted(path.name for path in data_dir.glob(lock.CRASHED_GLOB)))
    return LockState(lock.at_work(data_dir) is not None, holder, crashed)


def read_archive_state(
    root: Path, known: Mapping[str, tuple[str, int]], *, deep: bool = False, in_use: bool = False
) -> ArchiveState:
    """Open every file; read the newest twenty, or all, to the end and hold them against `known`.

    While the archive is `in_use` by a run, its open file is no leftover.
    """
    paths = archive_files(root)
    whole = set(paths if deep else paths[-READ_WHOLE:])
    names = {path: path.relative_to(root).as_posix() for path in paths}
    wrong = {
        name: trouble
        for path, name in names.items()
        if (trouble := _trouble(path, known.get(name), to_end=path in whole))
    }
    missing = tuple(sorted(set(known) - set(names.values())))
    left = () if in_use else tuple(sorted(each.name for each in root.glob(f"*/*/*{OPEN_SUFFIX}")))
    return ArchiveState(len(paths), len(whole), wrong, missing, left)


def _trouble(path: Path, known: tuple[str, int] | None, *, to_end: bool) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for part in split_records(file):
                if isinstance(part, BadRange):
                    return f"{part.reason} at byte {part.start}: {part.detail}"
                if not to_end:
                    break
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest() if known and to_end else None
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if known and size != known[1]:
        return f"has {size} bytes, had {known[1]} when it was loaded"
    return "has changed since it was loaded" if known and digest and digest != known[0] else ""


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


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
        command = (
            f"unset {each.name}" if each.origin == "environment" else f"grep -n {each.name} {each.origin}"
        )
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
