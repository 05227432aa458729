"""The journal `runs.jsonl`: one line per run, also for runs that failed or crashed.

It stands outside the releases, because a failed run publishes none. Every release loads it into `raw.run` and
`raw.check_result`. All writing is done while the run lock is held.

A run that fills the disk has to say so: `.journal-room` holds the place of its line until there is no other.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ca_etl.errors import CaEtlError
from ca_etl.sanitize import published
from ca_etl.warehouse.files import StorageError, fsync, read_if_there, storage, write_atomic

log = logging.getLogger(__name__)

JOURNAL_FILE: Final = "runs.jsonl"
TORN_FILE: Final = "runs.jsonl.torn"
ROOM_FILE: Final = ".journal-room"
# A line has a few kilobytes; that of a run after months without one tells of every slot that passed.
ROOM_BYTES: Final = 65_536


class JournalError(CaEtlError):
    """A line of the journal is no run record."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found. `offending_rows` is 0 when it passed; `sample` shows some rows as text."""

    check_name: str
    model: str
    severity: str
    offending_rows: int
    sample: str = ""


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What a run knows of one source in an expected slot: its own slot, or one that passed without a run.

    `slot` is in UTC, `day` its calendar day in the zone of the schedule; `outcome` is one of observed, unchanged,
    closed, blocked, failed, missed. A run's own slot of the schedule's own source comes last.
    """

    source: str
    schedule: str
    slot: datetime
    day: date
    outcome: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run and how it ended. Times are UTC; `slot` is None for a run that no schedule asked for.

    `finished_at` and `exit_status` are None for a crashed run: nobody saw its end.

    `contradicted_by` is the instant (UTC) that its clock contradicted by more than a day. Where that stopped the run,
    `held` are the archive files that it wrote; they are loaded once a later run shows that its clock was right.
    """

    # An unknown field was written by a later version: dropping it on the way to a table would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    run_id: str
    kind: str
    started_at: datetime
    status: str
    code_version: str
    slot: datetime | None = None
    finished_at: datetime | None = None
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
    line = _adapter().dump_json(publishable(record, data_dir)) + b"\n"
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
    """All runs in the order they were written; empty without a journal.

    The beginning of a line at the very end is the trace of a killed writer: it is logged as a warning and
    kept for `append` to set aside. Raises `JournalError` for any other line that is no record.
    """
    path = data_dir / JOURNAL_FILE
    data = read_if_there(path)
    if data is None:
        return ()
    *lines, tail = data.split(b"\n")
    records = [_parse(line, path, number) for number, line in enumerate(lines, start=1)]
    if tail:
        whole = _whole(tail)
        if whole is None:
            log.warning("%s ends in a torn line of %d bytes, left by a killed run", path, len(tail))
        else:
            records.append(whole)
    return tuple(records)


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
                file.truncate(size)  # the beginning of a line would count as that of a killed run
                raise
        if created:
            fsync(data_dir)


def _write_whole(file: BinaryIO, line: bytes, path: Path) -> None:
    if file.write(line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    os.fsync(file.fileno())


def _repair(file: BinaryIO, torn_path: Path) -> None:
    """Give the file a whole last line, setting aside the beginning of one that is no record."""
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
    file.truncate(len(kept) + 1 if kept else 0)


def _whole(tail: bytes) -> RunRecord | None:
    try:
        return _adapter().validate_json(tail)
    except ValidationError:
        return None


def _parse(line: bytes, path: Path, number: int) -> RunRecord:
    try:
        return _adapter().validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise JournalError(
            f"{path} line {number} is no run record: {'.'.join(map(str, first['loc']))} {first['msg']}",
            f"sed -n {number}p {path} (mend the line, or move it to {TORN_FILE})",
        ) from error


@cache
def _adapter() -> TypeAdapter[RunRecord]:
    return TypeAdapter(RunRecord)
