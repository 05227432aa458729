"""The journal `runs.jsonl`: one line per run, also for runs that failed or crashed.

It is outside the releases, because a failed run publishes none. Every release loads it into `raw.run` and
`raw.check_result`. All writing is done while the run lock is held.

A run that fills the disk has to be recorded: `.journal-room` reserves the bytes of its line.

A line ends in a CRC-32 of what is before it: a flipped bit can make another valid record. Readers skip a line that is
not a run record, or not the one that was written. The next run removes it, and restores the runs that the current
release has and the journal lacks (`repair`): it appends removed and restored lines to `runs.jsonl.repairs`, makes that
durable, and only then replaces `runs.jsonl` in one step. A kill in between leaves the old file, so that the repair is
done again: a line may be kept twice and is never lost.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from pydantic import AwareDatetime, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from ca_etl.archive.sealed_file import fsync
from ca_etl.errors import Problem, counted
from ca_etl.sanitize import published
from ca_etl.warehouse.durable_files import StorageError, read_if_there, storage, write_atomic

log = logging.getLogger(__name__)

JOURNAL_FILE: Final = "runs.jsonl"
TORN_FILE: Final = "runs.jsonl.torn"
REPAIRS_FILE: Final = "runs.jsonl.repairs"
ROOM_FILE: Final = ".journal-room"
# A line has a few kilobytes; that of a run after months without one has every slot that passed.
ROOM_BYTES: Final = 65_536
STARTED_AT: Final = attrgetter("started_at")
CHECKSUM: Final = re.compile(rb',"crc32":"([0-9a-f]{8})"}\Z')


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check in a run. `offending_rows` is 0 when it passed; `sample` shows some of the rows as text.

    `alerts` states whether rows of this warning are an alert; False in lines that are older than this field.
    """

    check_name: str
    model: str
    severity: str
    offending_rows: int
    sample: str = ""
    alerts: bool = False


class RunKind(StrEnum):
    """The kind of a run: a slot, files of an operator, the whole archive, rejected captures again, or past dates."""

    RUN = "run"
    INGEST = "ingest"
    REBUILD = "rebuild"
    RETRY = "retry"
    BACKFILL = "backfill"


class RunStatus(StrEnum):
    """The way in which a run ended.

    `succeeded`: with a release; `failed`: by an error; `cancelled`: somebody or something ended it in order, by
    Ctrl-C, a signal or in Prefect (`failed` with the cause `interrupted` in older lines); `checks_failed`: a check of
    severity `error` returned rows; `crashed`: killed before it could write its line of the journal.
    """

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CHECKS_FAILED = "checks_failed"
    CRASHED = "crashed"


class SlotOutcome(StrEnum):
    """The outcome of a source in a slot, the best first.

    `observed`: it gave data; `unchanged`: it stated that nothing is new; `closed`: the site does not offer the source;
    `blocked`: the site refused this client; `failed`: it gave nothing usable; `missed`: no run began in the slot.
    """

    OBSERVED = "observed"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    BLOCKED = "blocked"
    FAILED = "failed"
    MISSED = "missed"


GOOD: Final = frozenset({SlotOutcome.OBSERVED.value, SlotOutcome.UNCHANGED.value})


class Cause(StrEnum):
    """The cause of a failure: why a run failed, or why a source failed in a slot."""

    SITE = "site"  # the site was not reached, or gave errors and nothing usable
    NO_RATES = "no_rates"  # pages came, and none of them printed rates
    NO_ARTICLES = "no_articles"  # pages of articles were requested, and none gave an article
    IMPLAUSIBLE = "implausible"  # more articles were missing than editors remove
    PAGE_LIMIT = "page_limit"  # there were more pages than one run requests
    MACHINE = "machine"  # an error of this machine, of its settings or of the program
    INTERRUPTED = "interrupted"  # Ctrl-C, a service that was stopped, a flow run that was cancelled
    KILLED = "killed"  # the process ended before it could write its line


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """The outcome of one source in one slot, as a run recorded it: the slot of the run, or one that was missed before.

    `slot` is in UTC, `day` its calendar day in the zone of the schedule; `outcome` is a value of `SlotOutcome`. Within
    the records of a run, that of the listing pages for the run's own slot comes last.

    `cause` is why the source failed. `pages_requested` counts single pages requested for the slot, by this run or
    before, `pages_usable` the usable ones of them; None where the source has no single pages, or unknown.
    `is_complete` states whether the source gave all that it has of what was requested; None where that is unknown.
    `reason` is text for people. Lines that are older than these fields have None for each of them.
    """

    source: str
    schedule: str
    slot: AwareDatetime
    day: date
    outcome: Annotated[str, StringConstraints(pattern="^(observed|unchanged|closed|blocked|failed|missed)$")]
    reason: str | None = None
    cause: Cause | None = None
    pages_requested: int | None = None
    pages_usable: int | None = None
    is_complete: bool | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run and how it ended, a line of the journal. Times are UTC; `slot` is None for a run without a schedule.

    `finished_at` and `exit_status` are None for a crashed run, whose end is unknown.

    `contradicted_by` is the instant (UTC) from which the clock of the run differed by more than a day. Where that
    stopped the run, `held` are the archive files that it wrote; they are loaded once a later run shows that its clock
    was right.

    `of_other_sites` counts records of the ingested WARC and WET files that the run loaded which were left out: their
    pages are of other sites.

    `cause` is the reason why the run failed or crashed, `error` the same reason as text for people.
    """

    # An unknown field was written by a later version: dropping it on the way to a table would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    run_id: str
    kind: str
    started_at: AwareDatetime
    # A flipped bit may leave JSON whole: a status that no table accepts would stop every publication.
    status: Annotated[str, StringConstraints(pattern="^(succeeded|failed|cancelled|checks_failed|crashed)$")]
    code_version: str
    slot: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    exit_status: int | None = None
    release_id: str | None = None
    captures: int = 0
    rejects: int = 0
    of_other_sites: int = 0
    error: str | None = None
    warnings: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    schedule: str | None = None
    slots: tuple[SlotRecord, ...] = ()
    contradicted_by: datetime | None = None
    held: tuple[str, ...] = ()
    cause: Cause | None = None


def publishable(record: RunRecord, data_dir: Path) -> RunRecord:
    """A run record whose texts have no control characters, secrets or folders of this machine.

    Journal and `raw.run` are read in terminals and other tools; the archive keeps exactly what a server sent.
    """

    def clean(text: str) -> str:
        return published(text, data_dir)

    return replace(
        record,
        error=record.error and clean(record.error),
        warnings=tuple(map(clean, record.warnings)),
        checks=tuple(replace(check, sample=clean(check.sample)) for check in record.checks),
        slots=tuple(replace(slot, reason=slot.reason and clean(slot.reason)) for slot in record.slots),
    )


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of the journal that is not a run record: its number from 1, the reason, and its bytes."""

    number: int
    reason: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Journal:
    """The runs of the journal in the order they were written, and the lines that are not run records."""

    runs: tuple[RunRecord, ...] = ()
    bad: tuple[BadLine, ...] = ()


def keep_room(data_dir: Path) -> None:
    """Reserve 64 KiB of disk space, so that a run can write its journal line on a full disk. Raises `StorageError`."""
    path = data_dir / ROOM_FILE
    if not path.exists():
        # no zeros: a file system that compresses would keep no room for them
        write_atomic(path, os.urandom(ROOM_BYTES))


def append(data_dir: Path, record: RunRecord) -> None:
    """Append the line of a run to the journal, durable on return; a full disk has the space that `keep_room` reserved.

    An incomplete last line, left by a killed process, is moved to `runs.jsonl.torn` first. Raises `StorageError`.
    """
    line = _line(publishable(record, data_dir)) + b"\n"
    try:
        _append(data_dir, line)
    except StorageError as error:
        room = data_dir / ROOM_FILE
        if not error.full or not room.exists():
            raise
        with storage(room):
            room.unlink()
        _append(data_dir, line)


def read(data_dir: Path) -> tuple[RunRecord, ...]:
    """Read all runs of the journal in the order written; empty without a journal. Raises `StorageError`."""
    return read_journal(data_dir).runs


def read_journal(data_dir: Path) -> Journal:
    """Read all runs of the journal, and the lines that are not run records; empty without a journal.

    An incomplete last line, left by a killed process, is logged as a warning and left out: `append` moves it to
    `runs.jsonl.torn`. Raises `StorageError`.
    """
    path = data_dir / JOURNAL_FILE
    kept, bad, tail = _parsed(path)
    whole = _whole(tail) if tail else None
    if tail and whole is None:
        log.warning(
            "%s ends in a torn line of %d bytes, left by a killed run; the next run moves it to a file of its own",
            path,
            len(tail),
        )
    return Journal((*(run for run, _ in kept), *(() if whole is None else (whole,))), tuple(bad))


def merged(runs: Iterable[RunRecord], lost: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The `runs` of the journal in their order, each `lost` run inserted before the first one that started later."""
    return tuple(merge(runs, sorted(lost, key=STARTED_AT), key=STARTED_AT))


def repair(data_dir: Path, lost: Iterable[RunRecord], at: datetime) -> None:
    """Repair the journal: move bad lines to `runs.jsonl.repairs` and insert the `lost` runs. Raises `StorageError`.

    `at` is the time of the repair (zone-aware).
    """
    path = data_dir / JOURNAL_FILE
    kept, bad, tail = _parsed(path)
    back = [(run, _line(run)) for run in sorted(lost, key=STARTED_AT)]
    entries = [
        *((f"line {line.number}, removed: {line.reason}", line.data) for line in bad),
        *((f"run {run.run_id}, restored from the release", line) for run, line in back),
    ]
    with storage(data_dir / REPAIRS_FILE), (data_dir / REPAIRS_FILE).open("ab") as repairs:
        for what, line in entries:
            repairs.write(f"# {at:%Y-%m-%dT%H:%M:%SZ} {' '.join(what.split())}\n".encode() + line + b"\n")
        repairs.flush()
        os.fsync(repairs.fileno())
        fsync(data_dir)
    whole = merge(kept, back, key=lambda pair: pair[0].started_at)
    write_atomic(path, b"".join(line + b"\n" for _, line in whole) + tail)


def problems(data_dir: Path, journal: Journal, lost: Collection[str] = ()) -> Iterator[Problem]:
    """The problems of the journal for an operator. `lost` are ids of runs that only the current release has."""
    path, repairs = data_dir / JOURNAL_FILE, data_dir / REPAIRS_FILE
    if journal.bad:
        first, more = journal.bad[0], len(journal.bad) - 1
        yield Problem(
            f"{path} line {first.number} is not a run record ({first.reason}; the next run moves it to "
            f"{repairs}){f', and {more} more' if more else ''}",
            f"sed -n {first.number}p {path}",
        )
    if lost:
        yield Problem(
            f"{path} lacks {counted(len(lost), 'run')} of the current release, the first is {min(lost)}; "
            "the next run restores what is lost from the release, if it is not restored from a backup",
            "ca-etl run",
        )
    if repairs.exists():
        yield Problem(
            f"{path} was repaired: {repairs} has the lines that were removed or restored, each with the reason; "
            f"append removed lines to {path.name} once they are corrected (without crc32), then remove {repairs.name}",
            f"less {repairs}",
        )


def distinct(records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """Run records without repeats: the first one of each run id.

    A run killed between writing its line and removing `.running.json` is recorded once more, as crashed: the
    line that it wrote itself is the true one.
    """
    first: dict[str, RunRecord] = {}
    for record in records:
        first.setdefault(record.run_id, record)
    return tuple(first.values())


def _append(data_dir: Path, line: bytes) -> None:
    path = data_dir / JOURNAL_FILE
    with storage(path):
        created = not path.exists()
        with path.open("a+b", buffering=0) as file:
            _repair(file, data_dir / TORN_FILE)
            size = file.seek(0, os.SEEK_END)
            try:
                _write_whole(file, line, path)
            except OSError:
                file.truncate(size)  # half a line would count as that of a killed run
                raise
        if created:
            fsync(data_dir)


def _write_whole(file: BinaryIO, line: bytes, path: Path) -> None:
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    os.fsync(file.fileno())


def _repair(file: BinaryIO, torn_path: Path) -> None:
    """Give the file a whole last line, setting aside half of one that is not a record."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    kept, _, tail = file.read().rpartition(b"\n")
    if _whole(tail) is not None:
        file.write(b"\n")
        return
    with torn_path.open("ab") as torn:
        torn.write(tail + b"\n")
        torn.flush()
        os.fsync(torn.fileno())
    fsync(torn_path.parent)
    file.truncate(len(kept) + 1 if kept else 0)


def _whole(tail: bytes) -> RunRecord | None:
    run = _parse(tail, number=0)
    return run if isinstance(run, RunRecord) else None


def _parsed(path: Path) -> tuple[list[tuple[RunRecord, bytes]], list[BadLine], bytes]:
    """The records with their lines, the bad lines, and what follows the last line end."""
    *lines, tail = (read_if_there(path) or b"").split(b"\n")
    parsed = [(_parse(line, number), line) for number, line in enumerate(lines, start=1)]
    kept = [(run, line) for run, line in parsed if isinstance(run, RunRecord)]
    return kept, [bad for bad, _ in parsed if isinstance(bad, BadLine)], tail


def _parse(line: bytes, number: int) -> RunRecord | BadLine:
    checksum = CHECKSUM.search(line)
    data = line if checksum is None else line[: checksum.start()] + b"}"
    try:
        run = _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return BadLine(number, f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip(), line)
    # a line of an earlier version, or one that was repaired by hand, has none
    if checksum is not None and int(checksum[1], 16) != zlib.crc32(data):
        return BadLine(number, "its crc32 is not that of its bytes", line)
    return run


def _line(record: RunRecord) -> bytes:
    data = _adapter().dump_json(record)
    return b'%s,"crc32":"%08x"}' % (data.removesuffix(b"}"), zlib.crc32(data))


@cache
def _adapter() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)
