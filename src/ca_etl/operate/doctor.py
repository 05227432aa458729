"""`ca-etl doctor`: check machine, settings and data directory, without changing any of them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import duckdb
from rich.console import Group, RenderableType
from rich.text import Text

from ca_etl.archive import sealed_file
from ca_etl.archive.framing import BadRange, split_records
from ca_etl.archive.naming import OPEN_SUFFIX
from ca_etl.archive.reader import archive_files
from ca_etl.errors import Problem, UsageError, counted, nearest_folder
from ca_etl.operate import machine
from ca_etl.operate.alert_delivery import channels, damage_of_alerts
from ca_etl.operate.alerts import ALERTS, CLOCK, DECISIONS, JOURNAL, LOCK, RELEASE, Condition, schedule_area
from ca_etl.operate.machine import Finding, Level, error, ok, warn
from ca_etl.operate.status import SlotState, StatusReport, age, collect, utc_minute
from ca_etl.parse.page import PARSER_VERSION
from ca_etl.parse.rows import SITE
from ca_etl.pipeline.capture import enabled_sources
from ca_etl.records import LOOPBACK, site_name
from ca_etl.screen import next_commands, table
from ca_etl.settings import Settings, misspelt, present_variables
from ca_etl.sources import all_sources, parser_versions
from ca_etl.sources.schedules import schedules
from ca_etl.sources.session import withheld_files
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.data_directory import (
    MARKER,
    consult_marker,
    consult_recorded_site,
    is_demo,
    next_command,
    unwritable,
)
from ca_etl.warehouse.journal import RunStatus
from ca_etl.warehouse.lock import Holder
from ca_etl.warehouse.reading import RESTORE, consult, consult_release

# A check: the area of its findings, and the function that makes them.
Probe = tuple[str, Callable[[], Iterable[Finding]]]

SHOWN: Final = 3
FROM_BACKUP: Final = "`ca-etl backup`, into the folder of its backup, names the command to restore it"
STYLE: Final = {
    Level.OK: "green",
    Level.UNKNOWN: "cyan",
    Level.WARN: "yellow",
    Level.ERROR: "bold red",
}
# No step of a daily run may take more than an hour; a run of all steps is over long before six.
LONG_RUN: Final = timedelta(hours=6)
# Reading three weeks of daily files takes a tenth of a second; --deep reads all.
READ_WHOLE: Final = 20
KNOWN_FILES: Final = "select archive_file, sha256, bytes from raw.archive_file"
NEWEST_CAPTURE: Final = "select max(captured_at) from raw.capture"
READ_BY: Final = "select parser_version, source, count(*) from raw.capture group by all order by all"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings of one `ca-etl doctor`, in the order of its checks."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The most severe level of all findings; `ok` without findings."""
        return max((finding.level for finding in self.findings), key=list(Level).index, default=Level.OK)


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """The result of reading the archive. Files are named by their path below the archive folder.

    `files` counts all files, `read` those read to their end; of the others only the first record was read. `damaged`
    maps a file to its damage. `missing` files are known to the current release, but do not exist. `left_open` files
    were being written when their run was killed. `given_up` are outside files whose loss was accepted; none counts.
    """

    files: int
    read: int
    damaged: dict[str, Problem]
    missing: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


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
        probes += [("settings", lambda: [unreadable]), (CLOCK, lambda: machine.clock(now, None))]
    else:
        probes += [("settings", lambda: _banks(settings)), *_data_directory(settings, now, deep=deep)]
    return Diagnosis(tuple(finding for area, probe in probes for finding in _run_probe(area, probe)))


def _banks(settings: Settings) -> Iterator[Finding]:
    """Whether each name in `CA_ETL_SOURCES` is that of a source: with another one a run ends before its requests."""
    try:
        enabled_sources(settings, all_sources())
    except UsageError as wrong:
        yield error("settings", str(wrong), wrong.hint)


def _run_probe(area: str, probe: Callable[[], Iterable[Finding]]) -> list[Finding]:
    result = consult(lambda: list(probe()), None, area, "ls -ld . data")
    problem = result.problem
    return (result.value or []) if problem is None else [error(area, problem.message, problem.next_command)]


def _data_directory(settings: Settings, now: datetime, *, deep: bool) -> Iterator[Probe]:
    path = settings.data_dir
    report = collect(settings, now)
    runs = consult(partial(journal.read, path), (), path, "").value
    known = consult_release(path, _known_archive, KnownArchive(), of_any_version=True).value
    files, newest_capture, earlier = known.files, known.newest_capture, known.earlier_parsers
    recorded = consult_recorded_site(settings).value
    in_use = report.running is not None

    def judged(area: str, probe: Callable[[], Iterable[Finding]]) -> Probe:
        """The findings of one area of `ca-etl doctor`: its conditions first, then those that `probe` returns.

        A condition replaces the finding that all is well.
        """

        def findings() -> Iterator[Finding]:
            found = [condition for condition in report.conditions if condition.area == area]
            yield from (error(area, _text(condition), condition.next_command) for condition in found)
            others = () if any(damage.area == area for damage in report.damaged) else probe()
            for finding in others:
                if finding.level is not Level.OK or not found:
                    yield replace(finding, next=next_command(finding.next, is_demo=report.is_demo))

        return area, findings

    yield judged(CLOCK, lambda: machine.clock(now, newest_capture))
    yield judged("data directory", lambda: data_directory(path, unwritable(path)))
    yield judged("disk", lambda: machine.check_disk(path))
    yield "site", lambda: _site(settings, recorded)
    yield judged(LOCK, lambda: run_lock(lock.live_run(path), report.killed, now))
    yield judged(
        "archive",
        lambda: archive(
            read_archive_state(settings.archive_dir, files, deep=deep, in_use=in_use),
            withheld_files(runs, now),
            deep=deep,
        ),
    )
    yield judged(RELEASE, lambda: release(report.release, earlier))
    yield judged(DECISIONS, lambda: ())
    yield judged(JOURNAL, lambda: last_run(report))
    yield judged(ALERTS, lambda: alerts(channels(settings)[1], damage_of_alerts(path)))
    for state in report.schedules:
        yield judged(schedule_area(state.schedule), partial(schedule, state, is_demo=report.is_demo))
    if not report.is_demo:
        url = os.environ.get("PREFECT_API_URL", "")
        yield machine.DEPLOYED, lambda: machine.deployed_schedules(schedules(settings), now, url)


def _text(condition: Condition) -> str:
    return f"{condition.title}: {condition.detail}"


def render(diagnosis: Diagnosis) -> RenderableType:
    """The findings of `ca-etl doctor` as a table, a row for each, with the next commands below."""
    rows = [(f.area, Text(f.level, style=STYLE[f.level]), f.message) for f in diagnosis.findings]
    commands = next_commands((f.area, f.next) for f in diagnosis.findings)
    return Group(table(("area", "", "finding"), rows), commands)


def _listed(names: Collection[str]) -> str:
    """The first three names in a list, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(sorted(names)[:SHOWN])}{more}"


def data_directory(path: Path, refused: Sequence[str]) -> Iterator[Finding]:
    """Check that the data directory exists and may be written to. `refused` are paths in it that may not."""
    area = "data directory"
    if path.exists() and not path.is_dir():
        yield error(area, f"the data directory {path} (CA_ETL_DATA_DIR) is not a folder", f"ls -ld {path}")
    elif refused:
        command = "chown -R $(id -un)" if path.exists() else "ls -ld"
        yield error(area, f"this user may not write to {_listed(refused)}", f"{command} {refused[0]}")
    elif not path.exists():
        yield error(
            area,
            f"{path} (CA_ETL_DATA_DIR) does not exist: is the path right? If it is, the first run begins it",
            f"ls {nearest_folder(path)}",
        )
    else:
        yield ok(area, f"this user may write to {path}")


def _site(settings: Settings, recorded: str | None) -> Iterator[Finding]:
    """The findings of `site`, which are not fine where `site.txt` is missing beside captures of the site `recorded`."""
    marker = settings.data_dir / MARKER
    findings = site(settings, recorded, consult_marker(settings))
    if recorded is None or marker.exists():
        yield from findings
        return
    yield warn(
        "site", f"{marker} is missing; the archive has pages of {recorded}", f"echo {recorded} > {marker}"
    )
    yield from (finding for finding in findings if finding.level is not Level.OK)


def site(settings: Settings, claimed: str | None, marker: Problem | None = None) -> Iterator[Finding]:
    """Check that the site of the settings may be requested, and that the data directory is of the same site.

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
            f"CA_ETL_CONTACT=you@example.org {other_dir} ca-etl run",
        )
        return
    if wanted != LOOPBACK and not settings.contact:
        yield error(
            "site",
            f"CA_ETL_CONTACT is empty, and without a contact {settings.site_url} is not requested",
            "export CA_ETL_CONTACT=you@example.org",
        )
    if claimed is not None and claimed != wanted:
        yield error(
            "site",
            f"{settings.data_dir} holds captures of {claimed}, but CA_ETL_SITE_URL is {settings.site_url}",
            f"export {other_dir}",
        )
    elif wanted == LOOPBACK or settings.contact:
        yield ok("site", f"{settings.site_url}, contact {settings.contact or 'none'}")


def run_lock(holder: Holder | None, killed: Sequence[Problem], now: datetime) -> Iterator[Finding]:
    """Check that the run `holder` does not hold the lock for too long, and that no run was `killed` unrecorded."""
    if holder is not None and now - holder.since > LONG_RUN:
        stop = f"ps -fp {holder.pid}"
        yield warn("lock", f"a run has held the lock for more than six hours: {holder}", stop)
    elif holder is not None:
        yield ok("lock", f"a run is active: {holder}")
    elif not killed:
        yield ok("lock", "no run holds the lock")
    for problem in killed:
        yield warn("lock", problem.message, problem.next_command)


def archive(state: ArchiveState, held: Collection[str] = (), *, deep: bool = False) -> Iterator[Finding]:
    """Check that the archive, from which every release can be rebuilt, is complete and undamaged.

    `held` are the names of files that are not loaded because the clock of their run was wrong; `deep` is that of
    `read_archive_state`.
    """
    restore = "ca-etl backup --help" if deep else RESTORE
    for name, damage in state.damaged.items():
        # what is elsewhere is in no backup
        repair = "" if sealed_file.is_reference(Path(name)) else f"; {FROM_BACKUP}"
        yield error(
            "archive", f"the archive file {name} {damage.message}{repair}", damage.next_command or restore
        )
    if state.missing:
        missing = f"archive files of the release are missing: {_listed(state.missing)}"
        yield error("archive", f"{missing}; {FROM_BACKUP}", restore)
    if state.left_open:
        left = f"a killed run left archive files, whose captures the next run recovers: {_listed(state.left_open)}"
        yield warn("archive", left, "ca-etl run")
    if not state.damaged and not state.missing:
        yield ok(
            "archive",
            f"{counted(state.files, 'file')} without damage, {state.read} of them read to their end",
        )
    if state.given_up:
        loss = f"the loss of {counted(len(state.given_up), 'file')} ingested by reference was accepted"
        yield warn(
            "archive",
            f"captures are left out, since {loss}: {_listed(state.given_up)}",
            "ca-etl sql \"from etl_reject where reason = 'lost_reference'\"",
        )
    if held:
        kept = f"archive files are not loaded, since the clock of their run was wrong: {_listed(held)}"
        yield warn("archive", kept, "timedatectl && ca-etl run")


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
        if (damage := damage_of(path, known.get(name), to_end=path in whole))
    }
    given_up = {
        path: reference.path
        for path, name in names.items()
        if name not in damaged and (reference := sealed_file.read_reference(path)) and reference.is_given_up
    }
    missing = tuple(sorted(set(known) - set(names.values())))
    left = () if in_use else tuple(sorted(path.name for path in root.glob(f"*/*/*{OPEN_SUFFIX}")))
    read = len(whole - given_up.keys())
    return ArchiveState(len(paths) - len(given_up), read, damaged, missing, left, tuple(given_up.values()))


def damage_of(path: Path, known: tuple[str, int] | None, *, to_end: bool) -> Problem | None:
    """The damage of an archive file: unreadable, or different from what was loaded; None where it is sound.

    `known` are the SHA-256 and the bytes that it had when it was loaded, None where it was not. Without `to_end` only
    the first record and the size are examined. The next command is that for a lost reference, else empty.
    """
    try:
        if sealed_file.is_reference(path):
            # bad records in it were there when it was ingested, unless it has changed
            if not sealed_file.is_given_up(path):
                with sealed_file.open_archive(path) as file:
                    _ = sealed_file.verified_digest(path, file) if to_end else ""
            return None
        with sealed_file.open_archive(path) as file:
            size = os.fstat(file.fileno()).st_size
            for part in split_records(file):
                if isinstance(part, BadRange):
                    return Problem(f"has a bad record at byte {part.start}: {part.reason}, {part.detail}", "")
                if not to_end:
                    break
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest() if known and to_end else None
    except sealed_file.LostReferenceError as lost:
        return Problem(f"is a reference: {lost}", lost.hint)
    except OSError as failure:
        return Problem(f"cannot be read: {failure.strerror or failure}", "")
    if known and size != known[1]:
        return Problem(f"has {size} bytes, but had {known[1]} when it was loaded", "")
    has_changed = known and digest and digest != known[0]
    return Problem("has changed since it was loaded", "") if has_changed else None


@dataclass(frozen=True, slots=True)
class KnownArchive:
    """The facts that the current release has about the archive; all are empty without a release.

    `files` maps an archive file to its SHA-256 and bytes; `newest_capture` is the time of the newest capture (UTC).
    `earlier_parsers` counts the captures that were read by another parser than the present one, by parser version.
    """

    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    newest_capture: datetime | None = None
    earlier_parsers: Mapping[str, int] = field(default_factory=dict)


def _known_archive(con: duckdb.DuckDBPyConnection | None) -> KnownArchive:
    if con is None:
        return KnownArchive()
    files = {name: (sha256, size) for name, sha256, size in con.execute(KNOWN_FILES).fetchall()}
    ((newest,),) = con.execute(NEWEST_CAPTURE).fetchall()
    present, earlier = parser_versions(), Counter[str]()
    for version, source, captures in con.execute(READ_BY).fetchall():
        if version != present.get(source, SITE.version):
            earlier[version] += captures
    return KnownArchive(files, newest, earlier)


def release(release_id: str | None, earlier_parsers: Mapping[str, int]) -> Iterator[Finding]:
    """The finding about the current release: none yet, read by earlier parsers, or fine.

    `earlier_parsers` maps each earlier parser version to the number of captures that it read.
    """
    if earlier_parsers:
        counts = ", ".join(f"{count} by version {version}" for version, count in earlier_parsers.items())
        yield warn(
            RELEASE,
            f"captures of the release {release_id} were read by another parser than the present one, "
            f"{PARSER_VERSION}: {counts}",
            "ca-etl rebuild",
        )
    elif release_id is not None:
        yield ok(RELEASE, f"all captures of the release {release_id} were read by the present parser")


def last_run(report: StatusReport) -> Iterator[Finding]:
    """The findings about how the last run ended, and about a damaged journal, which does not stop the next run."""
    for problem in report.warnings:
        yield warn(JOURNAL, problem.message, problem.next_command)
    if not report.runs:
        yield warn(JOURNAL, "the journal has no run yet", "ca-etl run")
        return
    last = report.runs[-1]
    ended = (
        f"{last.kind} {last.run_id} {last.status}, {age(report.at, last.finished_at or last.started_at)} ago"
    )
    if last.status == RunStatus.SUCCEEDED:
        yield ok(JOURNAL, ended)
    else:
        yield warn(JOURNAL, f"{ended}: {last.error}", "ca-etl status && ca-etl run")


def alerts(warnings: Sequence[str], damaged: Iterable[Problem]) -> Iterator[Finding]:
    """The findings about alerts: the problems of channels with wrong settings, and of `alerts.json`."""
    problems = [error(ALERTS, warning, "env | grep -o '^CA_ETL_ALERT_[A-Z_]*'") for warning in warnings]
    problems += [error(ALERTS, damage.message, damage.next_command) for damage in damaged]
    yield from problems or [ok(ALERTS, "no condition needs an operator")]


def schedule(state: SlotState, *, is_demo: bool) -> Iterator[Finding]:
    """The finding about a schedule: its last observed and its next slot. An overdue slot is reported as a condition."""
    area = schedule_area(state.schedule)
    if state.last_observed is None:
        yield ok(area, "no slot of this schedule was observed or is expected yet")
    else:
        observed = f"the last observed slot is {utc_minute(state.last_observed)}"
        after = "a past day of the demo" if is_demo else f"the next slot is {utc_minute(state.next_slot)}"
        yield ok(area, f"{observed}, {after}")
