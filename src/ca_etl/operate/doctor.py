"""Findings of the doctor about a data directory: place, site, lock, archive, runs, schedules. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from rich.table import Table
from rich.text import Text

from ca_etl.errors import Problem
from ca_etl.operate.alert_store import OpenAlert
from ca_etl.pipeline.slots import is_expected, last_observed, overdue
from ca_etl.records import LOOPBACK, site_name
from ca_etl.screen import table
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, schedules
from ca_etl.warehouse.journal import RunRecord, RunStatus
from ca_etl.warehouse.lock import Holder

SHOWN: Final = 3


class Level(StrEnum):
    """How much a finding matters. With an error the next run fails, or its data are not to be trusted."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


SEVERITY: Final = (Level.OK, Level.WARN, Level.ERROR)
STYLE: Final = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `next` is the command to run, empty when all is well."""

    area: str
    level: Level
    message: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order in which they were looked for."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The highest level of all findings."""
        return max((each.level for each in self.findings), key=SEVERITY.index, default=Level.OK)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def render(diagnosis: Diagnosis) -> Table:
    """One row for each finding, with the next command."""
    rows = [(f.area, Text(f.level, style=STYLE[f.level]), f.message, f.next) for f in diagnosis.findings]
    return table(("looked at", "", "found", "next"), rows)


# The longest step has an hour; a run of all of them is over long before.
LONG_RUN: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Place:
    """The data directory. `parent` is the nearest folder that exists; `refused` may not be written to."""

    path: str
    exists: bool
    is_folder: bool
    parent: str
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockState:
    """Who holds the lock. `holder` is what `.running.json` says; `crashed` are runs that left such a file before."""

    held: bool
    holder: Holder | None
    crashed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """The archive files, by their path below the archive folder.

    `read` were read to their end, of the others the first record only. `damaged` maps a file to what is wrong;
    `missing` are known to the current release and gone; `left_open` were being written when a run was killed.
    """

    files: int
    read: int
    damaged: dict[str, str]
    missing: tuple[str, ...] = ()
    left_open: tuple[str, ...] = ()


def place(seen: Place) -> Iterator[Finding]:
    """Whether the data directory is there and may be written to."""
    where = "data directory"
    if seen.exists and not seen.is_folder:
        yield Finding(
            where, Level.ERROR, f"{seen.path} is no folder", f"ls -ld {seen.path} (or set CA_ETL_DATA_DIR)"
        )
    elif seen.refused:
        owned = "chown -R $(id -un)" if seen.exists else "ls -ld"
        yield Finding(
            where, Level.ERROR, f"may not be written: {listed(seen.refused)}", f"{owned} {seen.refused[0]}"
        )
    elif not seen.exists:
        yield Finding(where, Level.WARN, f"{seen.path} does not exist yet", "ca-etl run, or ca-etl demo")
    else:
        yield Finding(where, Level.OK, f"{seen.path} may be written to")


def is_demo(settings: Settings, claimed: str | None) -> bool:
    """Whether the demo made the data directory: it holds captures of loopback, and no setting asks for a site there."""
    return claimed == LOOPBACK and site_name(str(settings.site_url)) != LOOPBACK


def site(settings: Settings, claimed: str | None) -> Iterator[Finding]:
    """Whether the site may be asked, and is the one whose captures the data directory holds (`claimed`)."""
    wanted = site_name(str(settings.site_url))
    if is_demo(settings, claimed) and not settings.contact:
        yield Finding(
            "site",
            Level.WARN,
            f"{settings.data_dir} holds the days that the demo played, and no other",
            f"CA_ETL_CONTACT=you@example.org CA_ETL_DATA_DIR={settings.data_dir}-{wanted} ca-etl run (the real site)",
        )
        return
    if wanted != LOOPBACK and not settings.contact:
        yield Finding(
            "site",
            Level.ERROR,
            f"{settings.site_url} is asked by name only: no contact is set",
            "export CA_ETL_CONTACT=you@example.org (it goes into the User-Agent)",
        )
    if claimed is not None and claimed != wanted:
        yield Finding(
            "site",
            Level.ERROR,
            f"{settings.data_dir} holds captures of {claimed}, CA_ETL_SITE_URL is {settings.site_url}",
            f"export CA_ETL_DATA_DIR={settings.data_dir}-{wanted} (one directory for each site)",
        )
    elif wanted == LOOPBACK or settings.contact:
        yield Finding("site", Level.OK, f"{settings.site_url}, contact {settings.contact or 'none'}")


def lock(seen: LockState, now: datetime) -> Iterator[Finding]:
    """Whether a run is on, or was killed before it could write its line."""
    if seen.held and seen.holder is not None:
        long = now - seen.holder.started_at > LONG_RUN
        yield Finding(
            "lock",
            Level.WARN if long else Level.OK,
            f"a run is on: {seen.holder}",
            f"ps -fp {seen.holder.pid} (when it hangs: kill {seen.holder.pid}, then ca-etl run)"
            if long
            else "",
        )
    elif seen.holder is not None:
        yield Finding("lock", Level.WARN, f"a run was killed: {seen.holder}", "ca-etl run (it recovers)")
    if seen.crashed:
        yield Finding(
            "lock",
            Level.WARN,
            f"killed runs without a journal line: {listed(seen.crashed)}",
            "ca-etl run (it recovers)",
        )
    if seen.holder is None and not seen.crashed:
        yield Finding("lock", Level.OK, "free")


def archive(seen: ArchiveState) -> Iterator[Finding]:
    """Whether the archive, from which all else can be rebuilt, is whole."""
    restore = "restore it from a backup, then: ca-etl doctor --deep"
    for name, wrong in seen.damaged.items():
        yield Finding("archive", Level.ERROR, f"{name}: {wrong}", restore)
    if seen.missing:
        yield Finding("archive", Level.ERROR, f"gone: {listed(seen.missing)}", restore)
    if seen.left_open:
        yield Finding(
            "archive",
            Level.WARN,
            f"left by a killed run: {listed(seen.left_open)}",
            "ca-etl run (it recovers them)",
        )
    if not seen.damaged and not seen.missing:
        yield Finding("archive", Level.OK, f"{seen.files} files, {seen.read} of them read to their end")


def withheld(names: Sequence[str]) -> Iterator[Finding]:
    """Whether runs with a wrong clock have archived pages, whose dates are wrong as well."""
    if names:
        yield Finding(
            "archive",
            Level.WARN,
            f"kept, but not loaded, since a clock was wrong: {listed(names)}",
            "timedatectl (is the clock set by NTP?), then: ca-etl run",
        )


def last_run(runs: Sequence[RunRecord], now: datetime, problems: Sequence[Problem] = ()) -> Iterator[Finding]:
    """How the last run ended, and the `problems` of the journal, without which the next one goes on."""
    for problem in problems:
        yield Finding("last run", Level.WARN, problem.message, problem.next_command)
    if not runs:
        yield Finding("last run", Level.WARN, "none is recorded", "ca-etl run")
        return
    last = runs[-1]
    hours = (now - (last.finished_at or last.started_at)).total_seconds() / 3600
    age = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"
    said = f"{last.kind} {last.run_id} {last.status}, {age} ago"
    if last.status == RunStatus.SUCCEEDED:
        yield Finding("last run", Level.OK, said)
    elif last.status == RunStatus.CRASHED:
        yield Finding("last run", Level.WARN, f"{said}: {last.error}", "ca-etl run")
    else:
        yield Finding("last run", Level.ERROR, f"{said}: {last.error}", "ca-etl status, then ca-etl run")


def alerts(opened: Sequence[OpenAlert], warnings: Sequence[str]) -> Iterator[Finding]:
    """What is open of what an operator was told, and the channels that cannot tell anything as they are set."""
    for warning in warnings:
        yield Finding("alerts", Level.ERROR, warning, "env | grep CA_ETL_ALERT_")
    for each in opened:
        yield Finding("alerts", Level.WARN, f"open: {each.title}", each.next_command)
    if not opened and not warnings:
        yield Finding("alerts", Level.OK, "none was open when somebody last looked")


def freshness(
    settings: Settings, runs: Sequence[RunRecord], now: datetime, claimed: str | None
) -> Iterator[Finding]:
    """Whether each schedule is observed. Before the first run nothing is stale yet; what the demo played never is."""
    late = {each.schedule: each for each in overdue(settings, runs, now)}
    for each in schedules(settings):
        area = f"schedule {each.name}"
        last = last_observed(each, runs, now)
        said = f"last slot observed {_instant(last) if last else 'none'}"
        if each.name in late and is_demo(settings, claimed):
            yield Finding(area, Level.OK, f"{said}, as the demo played it")
        elif each.name in late:
            yield Finding(
                area,
                Level.ERROR if runs else Level.WARN,
                f"{said}, the one of {_instant(late[each.name].due)} was due",
                "ca-etl run" if each.name == DAILY else "ca-etl schedule (is it set up?)",
            )
        elif is_expected(each, runs):
            yield Finding(area, Level.OK, f"{said}, next {_instant(next(each.after(now)))}")
        else:
            yield Finding(area, Level.OK, "never run, so nobody waits for it")


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
