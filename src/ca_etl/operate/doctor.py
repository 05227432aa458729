"""`ca-etl doctor`: check machine, settings and data directory, without changing any of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
from rich.table import Table
from rich.text import Text

from ca_etl.archive.framing import BadRange, split_records
from ca_etl.archive.naming import OPEN_SUFFIX
from ca_etl.archive.reader import archive_files
from ca_etl.errors import Problem, UsageError
from ca_etl.operate import machine
from ca_etl.operate.alert_delivery import OpenAlert, channels
from ca_etl.operate.machine import Finding, Level, error, ok, warn
from ca_etl.operate.status import JOURNAL, SlotState, age, collect, utc_minute
from ca_etl.pipeline import slots
from ca_etl.pipeline.clock import evidence
from ca_etl.records import LOOPBACK, site_name
from ca_etl.screen import table
from ca_etl.settings import Settings, misspelt, present_variables
from ca_etl.sources.schedules import DAILY
from ca_etl.sources.session import withheld_files
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.data_directory import MARKER, claimed_site, consult_marker
from ca_etl.warehouse.journal import RunRecord, RunStatus
from ca_etl.warehouse.lock import Holder
from ca_etl.warehouse.reading import consult, consult_release

# A check: the area of its findings, and the function that makes them.
Probe = tuple[str, Callable[[], Iterable[Finding]]]

SHOWN: Final = 3
STYLE: Final = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}
# No step of a daily run may take more than an hour; a run of all steps is over long before six.
LONG_RUN: Final = timedelta(hours=6)
# Reading three weeks of daily files takes a tenth of a second; --deep reads all.
READ_WHOLE: Final = 20
KNOWN_FILES: Final = "select archive_file, sha256, bytes from raw.archive_file"
NEWEST_CAPTURE: Final = "select max(captured_at) from raw.capture"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings of one `ca-etl doctor`, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The most severe level of all findings; `ok` without findings."""
        return max((finding.level for finding in self.findings), key=list(Level).index, default=Level.OK)


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """Result of reading the archive. Files are named by their path below the archive folder.

    `files` counts all files, `read` those read to their end; of the others only the first record was read. `damaged`
    maps a file to its damage. `missing` files are known to the current release, but do not exist. `left_open` files
    were being written when their run was killed.
    """

    files: int
    read: int
    damaged: dict[str, str]
    missing: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


def examine(settings: Settings | UsageError, now: datetime, *, deep: bool = False) -> Diagnosis:
    """Make every check and return the findings. A check that cannot be made is itself a finding of level error.

    `settings` may be the error of reading them; `now` is zone-aware. `deep` reads every archive file to its end.
    """
    probes: list[Probe] = [
        ("time zones", lambda: machine.zone_data(machine.almaty_offset())),
        ("versions", lambda: machine.versions(machine.installed_versions())),
        ("prefect", lambda: machine.prefect_api(os.environ.get("PREFECT_API_URL", ""))),
        ("settings", lambda: machine.variables(misspelt(present_variables()))),
    ]
    if isinstance(settings, UsageError):
        unreadable = error("settings", str(settings), settings.hint)
        probes += [("settings", lambda: [unreadable]), ("clock", lambda: machine.clock(now, None, None))]
    else:
        probes += _data_directory(settings, now, deep=deep)
    return Diagnosis(tuple(finding for area, probe in probes for finding in _run_probe(area, probe)))


def _run_probe(area: str, probe: Callable[[], Iterable[Finding]]) -> list[Finding]:
    result = consult(lambda: list(probe()), None, area, "ls -ld . data (may this user read them?)")
    problem = result.problem
    return (result.value or []) if problem is None else [error(area, problem.message, problem.next_command)]


def _data_directory(settings: Settings, now: datetime, *, deep: bool) -> Iterator[Probe]:
    path = settings.data_dir
    report = collect(settings, now)
    damaged = {damage.area for damage in report.damaged}
    runs = () if JOURNAL in damaged else journal.distinct(journal.read(path))
    past_runs = slots.present(runs, now)
    newest_run = max((run.finished_at or run.started_at for run in evidence(runs)), default=None)
    files, newest_capture = consult_release(path, _known_archive, ({}, None), of_any_version=True).value
    claimed = consult(partial(claimed_site, path), None, path / MARKER, "").value
    in_use = report.running is not None
    probes: list[Probe] = [
        ("clock", lambda: machine.clock(now, newest_run, newest_capture)),
        ("data directory", lambda: data_directory(path, unwritable(path))),
        ("disk", lambda: machine.check_disk(path)),
        ("site", lambda: site(settings, claimed, consult_marker(settings))),
        ("lock", lambda: run_lock(lock.running(path), _crashed(path), now, held=in_use)),
        (
            "archive",
            lambda: archive(
                read_archive_state(settings.archive_dir, files, deep=deep, in_use=in_use),
                withheld_files(runs, now),
            ),
        ),
        (JOURNAL, lambda: last_run(past_runs, now, report.warnings)),
        ("alerts", lambda: alerts(report.alerts, channels(settings)[1])),
    ]
    yield from (probe for probe in probes if probe[0] not in damaged)
    if JOURNAL not in damaged:
        demo = is_demo(settings, claimed)
        yield "schedules", lambda: freshness(report.schedules, has_run=bool(past_runs), demo=demo)
    for damage in report.damaged:
        finding = error(damage.area, damage.message, damage.next_command)
        yield damage.area, partial(list, [finding])


def render(diagnosis: Diagnosis) -> Table:
    """The findings as a table: a row for each finding, with the next command."""
    rows = [(f.area, Text(f.level, style=STYLE[f.level]), f.message, f.next) for f in diagnosis.findings]
    return table(("area", "", "finding", "next"), rows)


def _listed(names: Collection[str]) -> str:
    """The first three names in a list, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(sorted(names)[:SHOWN])}{more}"


def data_directory(path: Path, refused: Sequence[str]) -> Iterator[Finding]:
    """Whether the data directory exists and may be written to. `refused` are paths in it that may not."""
    area = "data directory"
    if path.exists() and not path.is_dir():
        yield error(
            area, f"the data directory {path} is not a folder", f"ls -ld {path} (or set CA_ETL_DATA_DIR)"
        )
    elif refused:
        command = "chown -R $(id -un)" if path.exists() else "ls -ld"
        yield error(area, f"this user may not write to {_listed(refused)}", f"{command} {refused[0]}")
    elif not path.exists():
        yield warn(area, f"{path} does not exist yet: the first run makes it", "ca-etl run, or ca-etl demo")
    else:
        yield ok(area, f"this user may write to {path}")


def unwritable(data_dir: Path) -> list[str]:
    """The folders and files of the data directory that this user may not write to.

    Without a data directory the nearest existing parent folder is examined, in which the first run would make it.
    """
    archive_dir = data_dir / "archive"
    folders = [data_dir, data_dir / "releases", archive_dir, *sorted(archive_dir.glob("*/*"))[-1:]]
    if not data_dir.exists():
        folders = [machine.nearest_folder(data_dir)]
    refused = [folder for folder in folders if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK)]
    files = [data_dir / journal.JOURNAL_FILE, data_dir / lock.LOCK_FILE]
    refused += [file for file in files if file.exists() and not os.access(file, os.W_OK)]
    return [str(path) for path in refused]


def is_demo(settings: Settings, claimed: str | None) -> bool:
    """Whether only the demo wrote the data: the site of its captures (`claimed`) is loopback, and `site_url` is not."""
    return claimed == LOOPBACK and site_name(str(settings.site_url)) != LOOPBACK


def site(settings: Settings, claimed: str | None, marker: Problem | None = None) -> Iterator[Finding]:
    """Whether the site of the settings may be requested, and the data directory is of the same site.

    `claimed` is the site whose captures the data directory holds, None without captures. `marker` is the problem of
    the file that names this site, None without a problem.
    """
    wanted = site_name(str(settings.site_url))
    other_dir = f"CA_ETL_DATA_DIR={settings.data_dir}-{wanted}"
    if marker is not None:
        yield error("site", marker.message, marker.next_command)
        return
    if is_demo(settings, claimed) and not settings.contact:
        yield warn(
            "site",
            f"{settings.data_dir} holds only captures of the demo site",
            f"CA_ETL_CONTACT=you@example.org {other_dir} ca-etl run (captures the real site)",
        )
        return
    if wanted != LOOPBACK and not settings.contact:
        yield error(
            "site",
            f"CA_ETL_CONTACT is empty, and without a contact {settings.site_url} is not requested",
            "export CA_ETL_CONTACT=you@example.org (sent in the User-Agent)",
        )
    if claimed is not None and claimed != wanted:
        yield error(
            "site",
            f"{settings.data_dir} holds captures of {claimed}, but CA_ETL_SITE_URL is {settings.site_url}",
            f"export {other_dir} (each site needs a data directory of its own)",
        )
    elif wanted == LOOPBACK or settings.contact:
        yield ok("site", f"{settings.site_url}, contact {settings.contact or 'none'}")


def run_lock(
    holder: Holder | None, crashed: Collection[str], now: datetime, *, held: bool
) -> Iterator[Finding]:
    """Whether a run holds the lock, or a run was killed before it wrote its journal line.

    `holder` is the run that `.running.json` names, `held` whether it still holds the lock, `crashed` the names of the
    files that earlier killed runs left.
    """
    recover = "ca-etl run (writes the missing journal line, and continues)"
    if holder is not None and held and now - holder.started_at > LONG_RUN:
        stop = f"ps -fp {holder.pid} (if it hangs: kill {holder.pid}, then ca-etl run)"
        yield warn("lock", f"a run has held the lock for more than six hours: {holder}", stop)
    elif holder is not None and held:
        yield ok("lock", f"a run is active: {holder}")
    elif holder is not None:
        yield warn("lock", f"a run was killed before its end: {holder}", recover)
    if crashed:
        yield warn("lock", f"runs were killed and have no journal line: {_listed(crashed)}", recover)
    if holder is None and not crashed:
        yield ok("lock", "no run holds the lock")


def _crashed(data_dir: Path) -> list[str]:
    return [path.name for path in data_dir.glob(lock.CRASHED_GLOB)]


def archive(state: ArchiveState, held: Collection[str] = ()) -> Iterator[Finding]:
    """Whether the archive, from which every release can be rebuilt, is complete and undamaged.

    `held` are the names of files that are not loaded because the clock of their run was wrong.
    """
    restore = "restore the file from a backup, then: ca-etl doctor --deep"
    for name, damage in state.damaged.items():
        yield error("archive", f"the archive file {name} {damage}", restore)
    if state.missing:
        yield error("archive", f"archive files of the release are missing: {_listed(state.missing)}", restore)
    if state.left_open:
        left = f"a killed run left unfinished archive files: {_listed(state.left_open)}"
        yield warn("archive", left, "ca-etl run (recovers their captures)")
    if not state.damaged and not state.missing:
        yield ok("archive", f"{state.files} files without damage, {state.read} of them read to their end")
    if held:
        kept = f"archive files are not loaded, since the clock of their run was wrong: {_listed(held)}"
        yield warn("archive", kept, "timedatectl (is the clock set by NTP?), then: ca-etl run")


def read_archive_state(
    root: Path, known: Mapping[str, tuple[str, int]], *, deep: bool = False, in_use: bool = False
) -> ArchiveState:
    """Read the archive below `root`: the first record of every file, and the newest twenty files to their end.

    `deep` reads all files to their end. `known` maps a file to the SHA-256 and bytes that it had when it was loaded.
    While a run is active (`in_use`), its open file is not reported as left by a killed run.
    """
    paths = archive_files(root)
    whole = set(paths if deep else paths[-READ_WHOLE:])
    names = {path: path.relative_to(root).as_posix() for path in paths}
    damaged = {
        name: damage
        for path, name in names.items()
        if (damage := _damage_of(path, known.get(name), to_end=path in whole))
    }
    missing = tuple(sorted(set(known) - set(names.values())))
    left = () if in_use else tuple(sorted(path.name for path in root.glob(f"*/*/*{OPEN_SUFFIX}")))
    return ArchiveState(len(paths), len(whole), damaged, missing, left)


def _damage_of(path: Path, known: tuple[str, int] | None, *, to_end: bool) -> str:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for part in split_records(file):
                if isinstance(part, BadRange):
                    return f"has a bad record at byte {part.start}: {part.reason}, {part.detail}"
                if not to_end:
                    break
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest() if known and to_end else None
    except OSError as failure:
        return f"cannot be read: {failure.strerror or failure}"
    if known and size != known[1]:
        return f"has {size} bytes, but had {known[1]} when it was loaded"
    return "has changed since it was loaded" if known and digest and digest != known[0] else ""


def _known_archive(
    con: duckdb.DuckDBPyConnection | None,
) -> tuple[dict[str, tuple[str, int]], datetime | None]:
    """SHA-256 and bytes of each archive file of the current release, and the time of its newest capture (UTC).

    Without a release, whose connection is `con`, there are no files and no time.
    """
    if con is None:
        return {}, None
    files = {name: (sha256, size) for name, sha256, size in con.execute(KNOWN_FILES).fetchall()}
    ((newest,),) = con.execute(NEWEST_CAPTURE).fetchall()
    return files, newest


def last_run(runs: Sequence[RunRecord], now: datetime, problems: Iterable[Problem] = ()) -> Iterator[Finding]:
    """How the last run ended, and the `problems` of the journal, which do not stop the next run."""
    for problem in problems:
        yield warn(JOURNAL, problem.message, problem.next_command)
    if not runs:
        yield warn(JOURNAL, "the journal has no run yet", "ca-etl run")
        return
    last = runs[-1]
    ended = f"{last.kind} {last.run_id} {last.status}, {age(now, last.finished_at or last.started_at)} ago"
    if last.status == RunStatus.SUCCEEDED:
        yield ok(JOURNAL, ended)
    elif last.status == RunStatus.CRASHED:
        yield warn(JOURNAL, f"{ended}: {last.error}", "ca-etl run")
    else:
        yield error(JOURNAL, f"{ended}: {last.error}", "ca-etl status (shows the cause), then: ca-etl run")


def alerts(open_alerts: Sequence[OpenAlert], warnings: Sequence[str]) -> Iterator[Finding]:
    """The alerts that were open at the last check. `warnings` are the problems of channels with wrong settings."""
    for warning in warnings:
        yield error("alerts", warning, "env | grep CA_ETL_ALERT_")
    for alert in open_alerts:
        yield warn("alerts", f"an alert is open: {alert.title}", alert.next_command)
    if not open_alerts and not warnings:
        yield ok("alerts", "no alert was open at the last check")


def freshness(states: Iterable[SlotState], *, has_run: bool, demo: bool) -> Iterator[Finding]:
    """Whether each schedule has an overdue slot: an error once a run has been made, and never for the demo's data."""
    for state in states:
        area = f"schedule {state.schedule}"
        observed = f"the last observed slot is {utc_minute(state.last_observed)}"
        if state.due is None and state.last_observed is None:
            yield ok(area, "this schedule has never run, so that no slot is expected")
        elif state.due is None:
            yield ok(area, f"{observed}, the next slot is {utc_minute(state.next_slot)}")
        elif demo:
            yield ok(area, f"{observed}, a past day that the demo captured")
        else:
            finding = error if has_run else warn
            command = "ca-etl run" if state.schedule == DAILY else "ca-etl schedule (is it set up?)"
            yield finding(area, f"{observed}, but the slot of {utc_minute(state.due)} was due", command)
