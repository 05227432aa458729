"""The run lock: lets one run at a time work in a data directory, and names that run.

The lock is the kernel's `flock` on `<data_dir>/.lock`: the kernel releases it when the process ends in any way.
`<data_dir>/.running.json` names the holder. A run removes this file once the journal has its line, so a file that
exists when the next run takes the lock is of a run that never recorded its end. That file is renamed to
`.crashed-<run_id>.json` until the journal line of the crashed run has been written.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.durable_files import storage, write_atomic

LOCK_FILE: Final = ".lock"
RUNNING_FILE: Final = ".running.json"
CRASHED_GLOB: Final = ".crashed-*.json"


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds the lock. `started_at` and `slot` are UTC; `step` is the last step that the run announced.

    `schedule` and `slot` are those of a scheduled run; they are None for other runs. `waits_until` (UTC) is when
    `retry` (of `retries`) of the step begins, None while the run does not wait for one. `locked_at` (UTC) is when the
    run took the lock, by the clock of this machine, None in a file of an earlier version; in a run of the demo
    `started_at` is in the past.
    """

    pid: int
    host: str
    run_id: str
    kind: str
    started_at: AwareDatetime
    step: str = "start"
    schedule: str | None = None
    slot: AwareDatetime | None = None
    waits_until: AwareDatetime | None = None
    retry: int = 0
    retries: int = 0
    locked_at: AwareDatetime | None = field(default=None, compare=False)

    @property
    def since(self) -> datetime:
        """The time (UTC) at which the run took the lock, by the clock of this machine."""
        return self.locked_at or self.started_at

    @classmethod
    def here(
        cls,
        run_id: str,
        kind: str,
        started_at: datetime,
        *,
        schedule: str | None = None,
        slot: datetime | None = None,
    ) -> Holder:
        """Describe this process as the holder of the run lock."""
        return cls(
            os.getpid(),
            socket.gethostname(),
            run_id,
            kind,
            started_at,
            schedule=schedule,
            slot=slot,
            locked_at=datetime.now(UTC),
        )

    def __str__(self) -> str:
        since = f"{self.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        step = f"step {self.step}"
        if self.waits_until is not None:
            until = f"{self.waits_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            step += f", waits until {until}, retry {self.retry} of {self.retries}"
        return f"{self.kind} {self.run_id} (pid {self.pid} on {self.host}, since {since}, {step})"


class LockHeldError(CaEtlError):
    """Another run holds the lock. `holder` describes that run; None until it has written who it is."""

    exit_status = 75

    def __init__(self, data_dir: Path, holder: Holder | None) -> None:
        who = str(holder) if holder else "a run that has only just started, or a command that is no run,"
        super().__init__(
            f"another run is in progress: {who} holds {data_dir / LOCK_FILE} until it ends",
            "ca-etl status",
        )
        self.holder = holder


class RunLock:
    """The run lock while a run holds it. If `is_recorded` is False at the end, the next run writes the journal line."""

    def __init__(self, data_dir: Path, holder: Holder) -> None:
        self.holder = holder
        self.is_recorded = True
        self._data_dir = data_dir
        _write(data_dir, holder)

    def step(self, name: str) -> None:
        """Record that the run begins the step `name`, for `ca-etl status` and for the journal line after a crash."""
        self.holder = replace(self.holder, step=name)
        _write(self._data_dir, self.holder)

    def recorded(self) -> None:
        """Record that the journal has the line of this run, so that a kill from now on is not recorded as a crash."""
        path = self._data_dir / RUNNING_FILE
        with storage(path):
            path.unlink(missing_ok=True)


@contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Hold the run lock of `data_dir` (made when absent) for a command that is no run, and leaves nothing if killed.

    It does not wait for a run. Raises `LockHeldError` when another process or thread holds the lock, `StorageError`
    when the directory cannot be written.
    """
    with storage(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        # A soft lock would outlive a killed run and stop all later ones.
        lock = FileLock(data_dir / LOCK_FILE, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise LockHeldError(data_dir, running(data_dir)) from None
    try:
        _set_aside_left_file(data_dir)
        yield
    finally:
        lock.release()


@contextmanager
def run_lock(data_dir: Path, holder: Holder) -> Iterator[RunLock]:
    """Hold the run lock of `data_dir`, as `hold` does, for the run `holder`.

    When the block ends without an exception, or `recorded()` was called, `.running.json` is removed. Else it stays,
    and the next run reads it by `crashed_run`.
    """
    with hold(data_dir):
        held = RunLock(data_dir, holder)
        yield held
        if held.is_recorded:
            held.recorded()


def announce_wait(data_dir: Path, until: datetime | None, *, retry: int = 0, retries: int = 0) -> None:
    """Record that the run that holds the lock waits `until` (zone-aware) for a retry of its step; None ends the wait.

    Called by that run only. Does nothing when no run has written its name.
    """
    holder = running(data_dir)
    if holder is not None:
        _write(data_dir, replace(holder, waits_until=until, retry=retry, retries=retries))


def running(data_dir: Path) -> Holder | None:
    """The run that `.running.json` names, None without that file; it may have been killed since."""
    return _read(data_dir / RUNNING_FILE)


def live_run(data_dir: Path) -> Holder | None:
    """The run that holds the lock now, None when no run does.

    The lock itself is tried, as a shared lock and only if `.running.json` exists, which disturbs no run.
    """
    holder = running(data_dir)
    if holder is None:
        return None
    try:
        fd = os.open(data_dir / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder
    finally:
        os.close(fd)
    return None


def unrecorded_runs(data_dir: Path) -> frozenset[str]:
    """The ids of the runs that the journal may lack: the run in progress, and crashed runs."""
    paths = (data_dir / RUNNING_FILE, *data_dir.glob(CRASHED_GLOB))
    return frozenset(holder.run_id for path in paths if (holder := _read(path)) is not None)


def killed_runs(data_dir: Path) -> list[Holder]:
    """The runs that ended without removing their file, oldest first; the journal lacks most of them."""
    last = [] if live_run(data_dir) else [data_dir / RUNNING_FILE]
    left = [holder for path in (*last, *data_dir.glob(CRASHED_GLOB)) if (holder := _read(path)) is not None]
    return sorted(left, key=lambda holder: (holder.started_at, holder.run_id))


def crashed_run(data_dir: Path) -> Holder | None:
    """The oldest run that ended without a journal line, None without such a run.

    Call it with the lock held, write the journal line of the run, call `settle_crash`, and repeat until the result is
    None.
    """
    return next(iter(killed_runs(data_dir)), None)


def settle_crash(data_dir: Path, holder: Holder) -> None:
    """Remove the file `.crashed-<run_id>.json` of a crashed run, once the journal has the line of that run."""
    path = _crashed_path(data_dir, holder)
    with storage(path):
        path.unlink(missing_ok=True)


def _set_aside_left_file(data_dir: Path) -> None:
    left = running(data_dir)
    if left is not None:
        path = _crashed_path(data_dir, left)
        with storage(path):
            (data_dir / RUNNING_FILE).replace(path)


def _crashed_path(data_dir: Path, holder: Holder) -> Path:
    # a name has 255 bytes at most, and an id out of a damaged file may be of any length
    return data_dir / f".crashed-{re.sub(r'[^0-9A-Za-z._-]', '_', holder.run_id)[:100]}.json"


def _write(data_dir: Path, holder: Holder) -> None:
    write_atomic(data_dir / RUNNING_FILE, TypeAdapter(Holder).dump_json(holder))


def _read(path: Path) -> Holder | None:
    with storage(path, action="read"):
        try:
            modified = path.stat().st_mtime
        except FileNotFoundError:
            return None
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            # a folder, a bad sector: that a run signed here is still a fact, and no reason to stop
            data = b""
    try:
        return TypeAdapter(Holder).validate_json(data, strict=True)
    except ValidationError:
        # A power cut can leave a renamed file empty. That a run crashed is still a fact worth keeping.
        name = path.stem.removeprefix(".crashed-") if path.name != RUNNING_FILE else "unknown"
        return Holder(0, "unknown", name, "unknown", datetime.fromtimestamp(modified, UTC), "unknown")
