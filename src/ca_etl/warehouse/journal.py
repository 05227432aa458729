"""The journal `runs.jsonl`: one line per run, also for runs that failed or crashed.

It is outside the releases, because a failed run publishes none. Every release loads it into `raw.run` and
`raw.check_result`. All writing is done while the run lock is held.

A run that fills the disk has to be recorded: `.journal-room` reserves the bytes of its line.

A line ends in a CRC-32 of what is before it: a flipped bit in a slot may leave a record whole, and another. A line
that is not a run record, or not the one that was written, is passed over by readers. The next run sets it aside and
puts back the runs that the current release knows and the journal has lost (`repair`): it appends the bytes, and what it
puts back, to `runs.jsonl.repairs`, makes that durable, and only then replaces `runs.jsonl` in one step. A kill in
between leaves the old file, so that the same is done once more: bytes may be kept twice and are never lost.
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
from ca_etl.errors import Problem
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
    """The result of one check. `offending_rows` is 0 when it passed; `sample` shows some rows as text."""

    check_name: str
    model: str
    severity: str
    offending_rows: int
    sample: str = ""


class RunKind(StrEnum):
    """What a run was started for."""

    RUN = "run"
    INGEST = "ingest"
    REBUILD = "rebuild"
    RETRY = "retry"
    BACKFILL = "backfill"


class RunStatus(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CHECKS_FAILED = "checks_failed"
    CRASHED = "crashed"


class SlotOutcome(StrEnum):
    """What became of a source in a slot, the best first.

    `unchanged` is an observation: the site stated that nothing is new. So is `closed`: the site does not offer this
    source.
    """

    OBSERVED = "observed"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    BLOCKED = "blocked"
    FAILED = "failed"
    MISSED = "missed"


GOOD: Final = frozenset({SlotOutcome.OBSERVED.value, SlotOutcome.UNCHANGED.value})


class Cause(StrEnum):
    """Why a run failed, or a source in a slot. Every other outcome needs no cause."""

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
    """What a run knows of one source in an expected slot: its own slot, or one that passed without a run.

    `slot` is in UTC, `day` its calendar day in the zone of the schedule; `outcome` is one of observed, unchanged,
    closed, blocked, failed, missed. A run's own slot of the schedule's own source comes last.

    `cause` is why it failed. `pages_requested` counts pages that were requested for the slot, by this run or before,
    and `pages_usable` those that came; None where they are not single pages, or unknown. `is_complete` states whether
    the source gave all that it has of what was requested; None where that is unknown. `reason` is text for people.
    Lines written before these fields existed have None for each of them.
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
    """One run and how it ended. Times are UTC; `slot` is None for a run that no schedule asked for.

    `finished_at` and `exit_status` are None for a crashed run, whose end is unknown.

    `contradicted_by` is the instant (UTC) that its clock contradicted by more than a day. Where that stopped the run,
    `held` are the archive files that it wrote; they are loaded once a later run shows that its clock was right.

    `cause` is why it failed or crashed, `error` the same as text for people.
    """

    # An unknown field was written by a later version: dropping it on the way to a table would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    run_id: str
    kind: str
    started_at: AwareDatetime
    # A flipped bit may leave JSON whole: a status that no table accepts would stop every publication.
    status: Annotated[str, StringConstraints(pattern="^(succeeded|failed|checks_failed|crashed)$")]
    code_version: str
    slot: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    exit_status: int | None = None
    release_id: str | None = None
    captures: int = 0
    rejects: int = 0
    error: str | None = None
    warnings: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    schedule: str | None = None
    slots: tuple[SlotRecord, ...] = ()
    contradicted_by: datetime | None = None
    held: tuple[str, ...] = ()
    cause: Cause | None = None


def publishable(record: RunRecord, data_dir: Path) -> RunRecord:
    """The record as others may read it: no control characters, no secrets, no folders of this machine in its texts.

    The journal and `raw.run` are read in terminals and tools that are not ours; the archive has what a server sent.
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
    """A line that is not a run record, by its number from 1, and why: garbage, an empty line, a later version's."""

    number: int
    reason: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Journal:
    """The runs of the journal in the order they were written, and the lines that are not run records."""

    runs: tuple[RunRecord, ...] = ()
    bad: tuple[BadLine, ...] = ()


def keep_room(data_dir: Path) -> None:
    """Have the room on the disk that `append` takes when it finds no other. Raises `StorageError`."""
    path = data_dir / ROOM_FILE
    if not path.exists():
        # no zeros: a file system that compresses would keep no room for them
        write_atomic(path, os.urandom(ROOM_BYTES))


def append(data_dir: Path, record: RunRecord) -> None:
    """Add one line, in one write, durable on return. On a full disk it takes the room that `keep_room` has kept.

    What a killed writer left of its line is moved to `runs.jsonl.torn` first. Raises `StorageError`.
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
    """All runs in the order they were written; empty without a journal. Raises `StorageError`."""
    return read_journal(data_dir).runs


def read_journal(data_dir: Path) -> Journal:
    """All runs and all bad lines; empty without a journal. Raises `StorageError`.

    The first part of a line at the very end is the trace of a killed writer and not a bad line: it is logged as a
    warning and kept for `append` to set aside.
    """
    path = data_dir / JOURNAL_FILE
    kept, bad, tail = _parsed(path)
    whole = _whole(tail) if tail else None
    if tail and whole is None:
        log.warning("%s ends in a torn line of %d bytes, left by a killed run", path, len(tail))
    return Journal((*(run for run, _ in kept), *(() if whole is None else (whole,))), tuple(bad))


def merged(runs: Iterable[RunRecord], lost: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """`runs` in their order, and each of `lost` before the first of them that started after it."""
    return tuple(merge(runs, sorted(lost, key=STARTED_AT), key=STARTED_AT))


def repair(data_dir: Path, lost: Iterable[RunRecord], at: datetime) -> None:
    """Set the bad lines aside and put `lost` in, as the text of this module describes. Raises `StorageError`."""
    path = data_dir / JOURNAL_FILE
    kept, bad, tail = _parsed(path)
    back = [(run, _line(run)) for run in sorted(lost, key=STARTED_AT)]
    entries = [
        *((f"line {line.number}, set aside: {line.reason}", line.data) for line in bad),
        *((f"run {run.run_id}, put back from the release", line) for run, line in back),
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
    """The problems of the journal. `lost` are the runs that the current release knows and the journal does not."""
    path, repairs = data_dir / JOURNAL_FILE, data_dir / REPAIRS_FILE
    if journal.bad:
        first, more = journal.bad[0], len(journal.bad) - 1
        yield Problem(
            f"{path} line {first.number} is not a run record ({first.reason}){f', and {more} more' if more else ''}",
            f"sed -n {first.number}p {path} (repair the line), or ca-etl run (sets it aside in {repairs})",
        )
    if lost:
        yield Problem(
            f"{path} lacks {len(lost)} runs that the current release knows, the first is {min(lost)}",
            f"restore {path} from a backup, or ca-etl run (puts them back from the release)",
        )
    if repairs.exists():
        yield Problem(
            f"{path} was repaired: {repairs} has what was set aside or put back, with the reason",
            f"less {repairs} (a line that was repaired, its crc32 left out, or that an upgrade can read, may be "
            f"appended to {path}), then: rm {repairs}",
        )


def distinct(records: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    """The first record of each run id.

    A run killed between writing its line and removing `.running.json` is reported once more, as crashed: the
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
