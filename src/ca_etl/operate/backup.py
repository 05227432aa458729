"""Back up what no rebuild can make again, and restore a data directory from such a backup.

A backup is a folder:

    archive/2025/12/<name>          the archive files, under the names that they have in the data directory
    state/<name>.<digest>           journal, decisions, site, alerts, checkpoints, each as it was at the last backup
    backup.json                     the manifest: path, size and SHA-256 of every file that belongs to the backup

A file is copied under a temporary name, compared with its original by SHA-256, forced to the disk and renamed; the
manifest is replaced last. An interrupted backup therefore leaves the one before it whole, and the next one resumes it.

No lock of the data directory is taken, since a backup beside a run is consistent: the files of `STATE` are read first,
and archive files are complete before the journal or a checkpoint knows them. What a run writes meanwhile is in the
next backup. `.open` files are left out, as in a rebuild.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from filelock import FileLock, Timeout
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ca_etl.archive.naming import OPEN_SUFFIX
from ca_etl.archive.sealed_file import sync_folders
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.alert_delivery import ALERTS_FILE
from ca_etl.pipeline.backfill import COMPLETE_MONTHS
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.crash_recovery import CHECKPOINT_FILE
from ca_etl.pipeline.run import Outcome, run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.session import Progress
from ca_etl.warehouse import lock
from ca_etl.warehouse.data_directory import (
    MARKER,
    RESTORING,
    UnfinishedRestore,
    consult_restore,
    unfinished_restore,
)
from ca_etl.warehouse.durable_files import read_if_there, storage, write_atomic
from ca_etl.warehouse.journal import JOURNAL_FILE, REPAIRS_FILE, TORN_FILE
from ca_etl.warehouse.overrides import DECISIONS_FILE

log = logging.getLogger(__name__)

MANIFEST: Final = "backup.json"
STATE_FOLDER: Final = "state"
ARCHIVE: Final = "archive"
# A restore begins with the journal: a run that follows an interrupted one must not begin a journal of its own.
STATE: Final = (
    *(JOURNAL_FILE, TORN_FILE, REPAIRS_FILE, DECISIONS_FILE, MARKER, ALERTS_FILE),
    *(CHECKPOINT_FILE, COMPLETE_MONTHS),
)
SHOWN: Final = 5


class BackupError(CaEtlError):
    """A backup is missing, damaged, of another site, or in use; or a file changed while it was copied."""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of a backup: `path` in the data directory, `stored` in the backup, size in bytes and SHA-256 (hex)."""

    path: str
    stored: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one complete backup, when it began (UTC), and the site of its captures, None without a run."""

    made_at: AwareDatetime
    site: str | None
    files: tuple[BackupFile, ...]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """Result of `back_up`: the number of files in the backup, how many were copied now, and warnings."""

    files: int
    copied: int
    warnings: tuple[str, ...]


def back_up(settings: Settings, folder: Path, now: datetime, progress: Progress) -> BackupReport:
    """Copy what the backup in `folder` (made when absent) lacks of the data directory; `now` is zone-aware.

    Archive files of the backup that the data directory lacks stay in it. Raises `UsageError` for a folder inside the
    data directory and for a data directory without data, `BackupError`, `StorageError`.
    """
    data_dir = settings.data_dir
    _assert_complete(data_dir, folder)
    # before the list of the archive: see above
    state = dict(_read_state(data_dir))
    archived = sorted(path for path in settings.archive_dir.glob("*/*/*") if path.suffix != OPEN_SUFFIX)
    if not state and not archived:
        raise UsageError(
            f"{data_dir} has no data to back up (CA_ETL_DATA_DIR names the directory)",
            f"ls {data_dir.parent}",
        )
    site = state.get(MARKER, b"").decode(errors="replace").strip() or None
    with _only_backup(folder):
        known = _known_files(folder, data_dir, site)
        copy = _Copy(folder, known)
        archive = []
        for done, path in enumerate(archived):
            progress("backup", done, len(archived))
            archive.append(copy.archive_file(path, path.relative_to(data_dir).as_posix()))
        ours = [copy.state_file(name, data) for name, data in state.items()]
        here = {file.path for file in archive}
        missing = [
            file for path, file in known.items() if path.startswith(f"{ARCHIVE}/") and path not in here
        ]
        files = (*ours, *archive, *missing)
        copy.sync()
        manifest = _adapter().dump_json(Manifest(now, site, files), indent=1)
        write_atomic(folder / MANIFEST, manifest, _again(folder))
        _remove_old_state(folder, files)
    lost = [
        f"{data_dir} lacks {len(missing)} archive files that the backup has and keeps, such as {file.path}; "
        f"next: cp -n {folder / file.path} {data_dir / file.path}"
        for file in missing[:1]
    ]
    return BackupReport(len(files), copy.copied, tuple(lost))


def _again(folder: Path) -> str:
    return f"ca-etl backup {folder}"


def _assert_complete(data_dir: Path, folder: Path) -> None:
    """Raise where a backup of `data_dir` into `folder` is no use: inside it, or of half of a restore."""
    if folder.resolve().is_relative_to(data_dir.resolve()):
        raise UsageError(f"{folder} is inside {data_dir}, and would be lost with it", "ca-etl backup DIR")
    if (problem := consult_restore(data_dir)) is not None:
        raise BackupError(problem.message, problem.next_command)


def _known_files(folder: Path, data_dir: Path, site: str | None) -> Mapping[str, BackupFile]:
    """The files of the last backup in `folder` by path. Raises `BackupError` where it is one of another site."""
    if not (folder / MANIFEST).exists():
        return {}
    manifest = _read_manifest(folder, f"rm {folder / MANIFEST} && {_again(folder)}")
    if manifest.site not in {None, site}:
        raise BackupError(
            f"{folder} is for one site: it is a backup of {manifest.site}, and {data_dir / MARKER} names "
            f"{site or 'no site'}",
            f"{_again(folder)}-{site}" if site else f"echo {manifest.site} > {data_dir / MARKER}",
        )
    return {file.path: file for file in manifest.files}


def _remove_old_state(folder: Path, files: Sequence[BackupFile]) -> None:
    stored = {folder / file.stored for file in files}
    with storage(folder, _again(folder)):
        for path in (folder / STATE_FOLDER).glob("*"):
            if path not in stored:
                path.unlink()


def restore(settings: Settings, folder: Path, environment: Environment) -> Outcome:
    """Fill an empty data directory from the backup in `folder`, verify each file, and rebuild the release.

    Called again after an interruption, it resumes. With `environment.accept_loss` damaged files are copied as they are,
    and missing ones left out. Raises `UsageError` for a data directory that is not empty, `BackupError`,
    `StorageError`.
    """
    data_dir, again = settings.data_dir, f"ca-etl restore {folder}"
    # without the journal, which is in the folder `state` of the backup
    by_hand = f"mkdir -p {data_dir} && cp -r {folder / ARCHIVE} {data_dir} && ca-etl rebuild"
    manifest = _read_manifest(folder, by_hand)
    left = unfinished_restore(data_dir)
    backup = str(folder.resolve())
    if left is None and data_dir.exists() and any(map(_is_data, data_dir.iterdir())):
        raise UsageError(
            f"{data_dir} is not empty: a restore overwrites no data",
            f"CA_ETL_DATA_DIR={data_dir}-restored {again}",
        )
    if left is not None and left.backup != backup:
        raise UsageError(
            f"{data_dir} is a restore of another backup, {left.backup}", f"ca-etl restore {left.backup}"
        )
    if left is None:
        _mark(data_dir, UnfinishedRestore(backup, is_copied=False), again)
    if left is None or not left.is_copied:
        holder = lock.Holder.here("restore", "restore", environment.clock())
        with lock.run_lock(data_dir, holder) as held:
            held.recorded()  # a restore that is killed is resumed, and is no crashed run
            _copy_all(folder, data_dir, manifest, environment)
            _mark(data_dir, UnfinishedRestore(backup, is_copied=True), again)
    outcome = run_rebuild(settings, environment=environment)
    if outcome.release is not None:
        (data_dir / RESTORING).unlink()
    return outcome


def _copy_all(folder: Path, data_dir: Path, manifest: Manifest, environment: Environment) -> None:
    """Copy every file of the manifest; raise one `BackupError` that names all damaged ones, unless loss is accepted."""
    again = f"ca-etl restore {folder}"
    damaged: list[str] = []
    for done, file in enumerate(manifest.files):
        environment.progress("restore", done, len(manifest.files))
        source, target = folder / file.stored, data_dir / file.path
        if _is_restored(target, file):
            continue
        problem = _problem(source, file)
        if problem is not None:
            damaged.append(f"{source} {problem}")
            log.warning("%s", damaged[-1])
            if not (environment.accept_loss and source.is_file()):
                continue
        _copy_file(source, target, again)
        if problem is None and not _is_restored(target, file):
            raise BackupError(f"the copy {target} differs from {source}", again)
    if damaged and not environment.accept_loss:
        more = f" and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
        raise BackupError(
            f"{len(damaged)} files of the backup are damaged: {'; '.join(damaged[:SHOWN])}{more}; "
            f"replace them from another copy, or restore what is left: {again} --accept-loss",
            again,
        )
    with storage(data_dir, again):
        for parent in {(data_dir / file.path).parent for file in manifest.files}:
            if parent.exists():
                sync_folders(parent, data_dir)


def _copy_file(source: Path, target: Path, again: str) -> None:
    with storage(target, again):
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as opened:
            write_atomic(target, opened, again)


def _is_restored(target: Path, file: BackupFile) -> bool:
    """Whether the data directory has the file; a run after an interrupted restore may have added to the journal."""
    if file.path != JOURNAL_FILE:
        return _problem(target, file) is None
    return hashlib.sha256((read_if_there(target) or b"")[: file.bytes]).hexdigest() == file.sha256


def _problem(source: Path, file: BackupFile) -> str | None:
    """How a file of a backup differs from its manifest, None where it does not."""
    try:
        size = source.stat().st_size
        if size != file.bytes:
            return f"has {size} bytes, not {file.bytes}"
        return None if _sha256(source) == file.sha256 else "has other bytes than those that were backed up"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _is_data(path: Path) -> bool:
    """Whether a file of a directory is data: no lock of an ended run, and not what a file system begins with."""
    return not path.name.startswith(".") and path.name != "lost+found"


def _mark(data_dir: Path, state: UnfinishedRestore, again: str) -> None:
    with storage(data_dir, again):
        data_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(data_dir / RESTORING, TypeAdapter(UnfinishedRestore).dump_json(state), again)


class _Copy:
    """The copying of one backup: `copied` counts the files that the folder did not have."""

    def __init__(self, folder: Path, known: Mapping[str, BackupFile]) -> None:
        self.copied = 0
        self._folder = folder
        self._known = known
        self._parents: set[Path] = set()

    def archive_file(self, source: Path, path: str) -> BackupFile:
        """Copy an archive file; of one that the backup has only the size is compared, since it never changes."""
        target = self._folder / path
        known = self._known.get(path)
        try:
            size = source.stat().st_size
            if (
                known is not None
                and size == known.bytes
                and target.is_file()
                and target.stat().st_size == size
            ):
                return known
            file = BackupFile(path, path, size, _sha256(source))
        except OSError as error:
            raise BackupError(
                f"{source} cannot be read: {error.strerror}", f"cp {target} {source}"
            ) from error
        if known is not None and file != known:
            raise BackupError(
                f"{source} has changed since it was backed up, which an archive file never does",
                f"cp {target} {source} && {_again(self._folder)}",
            )
        with source.open("rb") as opened:
            return self._copy(file, opened)

    def state_file(self, name: str, data: bytes) -> BackupFile:
        """Store a file under its name and digest: the one of the last backup stays until its manifest is replaced."""
        sha256 = hashlib.sha256(data).hexdigest()
        file = BackupFile(name, f"{STATE_FOLDER}/{name}.{sha256[:16]}", len(data), sha256)
        return self._copy(file, BytesIO(data))

    def sync(self) -> None:
        """Force the folders of all copied files to the disk, before a manifest names them."""
        with storage(self._folder, _again(self._folder)):
            for parent in self._parents:
                sync_folders(parent, self._folder)

    def _copy(self, file: BackupFile, opened: BinaryIO) -> BackupFile:
        target = self._folder / file.stored
        self._parents.add(target.parent)
        # a backup that was interrupted may have it
        if _problem(target, file) is not None:
            with storage(target, _again(self._folder)):
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(target, opened, _again(self._folder))
            if (problem := _problem(target, file)) is not None:
                raise BackupError(f"the copy {target} {problem}", f"rm {target} && {_again(self._folder)}")
            self.copied += 1
        return file


def _read_state(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    for pattern in STATE:
        for path in sorted(data_dir.glob(pattern)):
            if (data := read_if_there(path)) is not None:
                yield path.name, data


def _read_manifest(folder: Path, next_command: str) -> Manifest:
    path = folder / MANIFEST
    try:
        return _adapter().validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BackupError(
            f"{folder} holds no complete backup: {path} is missing", f"ls -l {folder}"
        ) from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}", f"ls -l {path}") from error
    except ValidationError as error:
        raise BackupError(f"{path} is damaged", next_command) from error


@contextmanager
def _only_backup(folder: Path) -> Iterator[None]:
    """Let one backup at a time write into `folder`, which is made when absent."""
    with storage(folder, _again(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        file_lock = FileLock(folder / lock.LOCK_FILE, fallback_to_soft=False)
        try:
            file_lock.acquire(blocking=False)
        except Timeout:
            raise BackupError(f"another backup writes into {folder} until it ends", _again(folder)) from None
    try:
        yield
    finally:
        file_lock.release()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def _adapter() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)
