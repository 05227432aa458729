"""Back up what no rebuild can make again, and restore a data directory from such a backup.

A backup is a folder:
    archive/2025/12/<name>          the archive files, under the names that they have in the data directory
    state/<name>.<digest>           journal, decisions, site, alerts, checkpoints, references, as at the last backup
    backup.json                     the manifest: path, size and SHA-256 of every file that belongs to the backup

At each backup an archive file is compared, on both sides, with the digest that the current release has of it, with that
of the last backup where the release has none or loaded the file with bad records. One that differs is named, and not
copied over a sound copy; the manifest keeps the digest of the sound file, so that a restore names it too.

A file is copied under a temporary name, compared with its original by SHA-256, forced to the disk and renamed; the
manifest is replaced last. An interrupted backup therefore leaves the one before it whole, and the next one resumes it.

No lock of the data directory is taken, since a backup beside a run is consistent: the files of `STATE` are read first,
and archive files are complete before the journal or a checkpoint knows them. What a run writes meanwhile is in the
next backup. `.open` files are left out, as in a rebuild.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import duckdb
from filelock import FileLock, Timeout
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from ca_etl.archive.naming import OPEN_SUFFIX, REFERENCE_SUFFIX
from ca_etl.archive.sealed_file import is_reference, read_reference, sha256_of, sync_folders
from ca_etl.errors import CaEtlError, Problem, UsageError, counted, nearest_folder
from ca_etl.operate.alert_delivery import ALERTS_FILE
from ca_etl.operate.doctor import damage_of
from ca_etl.pipeline.backfill import COMPLETE_MONTHS
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.crash_recovery import CHECKPOINT_FILE
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.session import Progress
from ca_etl.warehouse import lock
from ca_etl.warehouse.data_directory import (
    MARKER,
    RESTORING,
    UnfinishedRestore,
    assert_restored,
    unfinished_restore,
)
from ca_etl.warehouse.durable_files import read_if_there, storage, write_atomic
from ca_etl.warehouse.journal import JOURNAL_FILE, REPAIRS_FILE, TORN_FILE
from ca_etl.warehouse.overrides import DECISIONS_FILE
from ca_etl.warehouse.reading import RESTORE, consult_release

log = logging.getLogger(__name__)

MANIFEST: Final = "backup.json"
STATE_FOLDER: Final = "state"
ARCHIVE: Final = "archive"
# A restore begins with the journal: a run that follows an interrupted one must not begin a journal of its own.
STATE: Final = (
    *(JOURNAL_FILE, TORN_FILE, REPAIRS_FILE, DECISIONS_FILE, MARKER, ALERTS_FILE),
    *(CHECKPOINT_FILE, COMPLETE_MONTHS, f"{ARCHIVE}/*/*/*{REFERENCE_SUFFIX}"),
)
SHOWN: Final = 5
CHANGED: Final = "has changed since it was loaded or backed up"
LOADED_FILES: Final = (
    "select 'archive/' || archive_file, bad_records > 0, bytes, sha256 from raw.archive_file"
)


class BackupError(CaEtlError):
    """A backup is missing, damaged, in use, or of another data directory; or an archive file cannot be backed up."""


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of a backup: `path` in the data directory, `stored` in the backup, size in bytes and SHA-256 (hex)."""

    path: str
    stored: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The list of files of a complete backup, with its start (UTC) and the site of the captures, None without a run."""

    made_at: AwareDatetime
    site: str | None
    files: tuple[BackupFile, ...]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """The result of a backup: the number of files in it, how many were copied now, and warnings."""

    files: int
    copied: int
    warnings: tuple[str, ...]


def back_up(settings: Settings, folder: Path, now: datetime, progress: Progress) -> BackupReport:
    """Copy what the backup in `folder` (made when absent) lacks of the data directory; `now` is zone-aware.

    Archive files of the backup that the data directory lacks stay in it. Raises `UsageError` for a folder inside the
    data directory or with other files, and for a data directory without data; `BackupError`, once all else is backed
    up, for archive files that are damaged or missing; `StorageError`.
    """
    data_dir = settings.data_dir
    _assert_usable(data_dir, folder)
    # before the list of the archive: see above
    loaded = consult_release(
        data_dir, _loaded_files, dict[str, tuple[BackupFile, bool]](), of_any_version=True
    )
    paths = [path for pattern in STATE for path in sorted(data_dir.glob(pattern))]
    names = {path.relative_to(data_dir).as_posix(): path for path in paths}
    state = {name: data for name, path in names.items() if (data := read_if_there(path)) is not None}
    found = (path for path in settings.archive_dir.glob("*/*/*") if path.suffix != OPEN_SUFFIX)
    copied = {path.relative_to(data_dir).as_posix() for path in found if not is_reference(path)}
    archived = sorted(copied | loaded.value.keys())
    if not state and not archived:
        raise UsageError(
            f"{data_dir} has no data to back up (CA_ETL_DATA_DIR names the directory)",
            f"ls {nearest_folder(data_dir.parent)}",
        )
    site = state.get(MARKER, b"").decode(errors="replace").strip() or None
    with _only_backup(folder):
        known = _known_files(folder, data_dir, site)
        in_backup = {path: file for path, file in known.items() if file.stored.startswith(f"{ARCHIVE}/")}
        copy = _Copy(folder, data_dir, in_backup, loaded.value)
        copy.assert_same_directory(archived)
        archive: list[BackupFile | None] = []
        for done, path in enumerate(archived):
            progress("backup", done, len(archived))
            archive.append(copy.archive_file(path))
        ours = [copy.state_file(name, data) for name, data in state.items()]
        missing = [in_backup[path] for path in sorted(in_backup.keys() - set(archived))]
        files = (*ours, *filter(None, archive), *missing)
        copy.sync()
        manifest = TypeAdapter(Manifest).dump_json(Manifest(now, site, files), indent=1)
        write_atomic(folder / MANIFEST, manifest)
        _remove_old_state(folder, files)
    copy.assert_sound()
    warnings = [f"no archive file is compared with the release: {loaded.problem}"] if loaded.problem else []
    outside = [reference.path for path in paths if (reference := read_reference(path))]
    if outside:
        warnings.append(f"backed up by reference alone: {counted(len(outside), 'file')}, as {outside[0]}")
    warnings += [
        f"{data_dir} lacks {counted(len(missing), 'archive file')} that the backup has and keeps, such as {file.path}; "
        f"next: cp -n {folder / file.path} {data_dir / file.path}"
        for file in missing[:1]
    ]
    return BackupReport(len(files), copy.copied, tuple(warnings))


def _again(folder: Path) -> str:
    return f"ca-etl backup {folder}"


def _loaded_files(con: duckdb.DuckDBPyConnection | None) -> Mapping[str, tuple[BackupFile, bool]]:
    """The archive files of the current release by path, as they were when loaded, and whether each was damaged then."""
    rows = [] if con is None else con.execute(LOADED_FILES).fetchall()
    files = (row for row in rows if not is_reference(Path(row[0])))
    return {path: (BackupFile(path, path, *fact), damaged) for path, damaged, *fact in files}


def _assert_usable(data_dir: Path, folder: Path) -> None:
    """Raise where a backup of `data_dir` into `folder` is no use: inside it, among other files, of half a restore."""
    if folder.resolve().is_relative_to(data_dir.resolve()):
        raise UsageError(f"{folder} is inside {data_dir}, and would be lost with it", "ca-etl backup DIR")
    assert_restored(data_dir)
    ours = {ARCHIVE, STATE_FOLDER}  # an interrupted first backup has no manifest yet
    others = [path.name for path in folder.glob("*") if _is_data(path) and path.name not in ours]
    if others and not (folder / MANIFEST).exists():
        raise UsageError(
            f"{folder} is not empty, and not a backup: it has {min(others)}; a backup has a folder of its own",
            _again(folder / "ca_etl-backup"),
        )


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
    with storage(folder):
        for path in (folder / STATE_FOLDER).glob("*"):
            if path not in stored:
                path.unlink()


def restore(settings: Settings, folder: Path, environment: Environment) -> Outcome:
    """Fill an empty data directory from the backup in `folder`, verify each file, and rebuild the release.

    Called again after an interruption, it resumes. With `environment.accept_loss` damaged files are copied as they are,
    missing ones left out. Raises `UsageError` for a data directory that is not empty, `BackupError`, `StorageError`.
    """
    data_dir, again = settings.data_dir, f"ca-etl restore {folder}"
    # without the journal, which is in the folder `state` of the backup
    by_hand = f"mkdir -p {data_dir} && cp -r {folder / ARCHIVE} {data_dir} && ca-etl rebuild"
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
    if left is None or not left.is_copied:
        manifest = _read_manifest(folder, by_hand)
        with lock.hold(data_dir):
            _mark(data_dir, UnfinishedRestore(backup, is_copied=False))
            _copy_all(folder, data_dir, manifest, environment)
            _mark(data_dir, UnfinishedRestore(backup, is_copied=True))
    outcome = run_rebuild(settings, environment=replace(environment, restores=True))
    outcome.error = outcome.error.replace("ca-etl rebuild", again)
    outcome.hint = outcome.hint.replace("ca-etl rebuild", again)
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
            if not (environment.accept_loss and os.access(source, os.R_OK)):
                continue
        _copy_file(source, target)
        if problem is None and not _is_restored(target, file):
            raise BackupError(f"the copy {target} differs from {source}", again)
    if damaged and not environment.accept_loss:
        raise BackupError(
            f"{counted(len(damaged), 'damaged file')} in the backup: {_listed(damaged)}; replace each by another copy "
            f"and repeat {again}, or restore what is left of them",
            f"{again} --accept-loss",
        )
    with storage(data_dir):
        for parent in {(data_dir / file.path).parent for file in manifest.files}:
            if parent.exists():
                sync_folders(parent, data_dir)


def _listed(problems: Sequence[str]) -> str:
    more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return f"{'; '.join(problems[:SHOWN])}{more}"


def _copy_file(source: Path, target: Path) -> None:
    with storage(source, action="read"):
        opened = source.open("rb")
    with opened, storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, opened)


def _is_restored(target: Path, file: BackupFile) -> bool:
    """Whether the data directory has the file; a run after an interrupted restore may have added to the journal."""
    if file.path != JOURNAL_FILE:
        return _problem(target, file) is None
    return hashlib.sha256((read_if_there(target) or b"")[: file.bytes]).hexdigest() == file.sha256


def _problem(source: Path, file: BackupFile) -> str | None:
    """How a file differs from its entry in a manifest or release, None where it does not."""
    try:
        is_same = source.stat().st_size == file.bytes and sha256_of(source) == file.sha256
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if is_same else CHANGED


def _is_data(path: Path) -> bool:
    """Whether a file of a directory is data: no lock of an ended run, and not what a file system begins with."""
    return not path.name.startswith(".") and path.name != "lost+found"


def _mark(data_dir: Path, state: UnfinishedRestore) -> None:
    write_atomic(data_dir / RESTORING, TypeAdapter(UnfinishedRestore).dump_json(state))


class _Copy:
    """The copying of one backup: `copied` counts the files that the folder did not have, or had damaged."""

    def __init__(
        self,
        folder: Path,
        data_dir: Path,
        in_backup: Mapping[str, BackupFile],
        loaded: Mapping[str, tuple[BackupFile, bool]],
    ) -> None:
        self.copied = 0
        self._folder = folder
        self._data_dir = data_dir
        self._in_backup = in_backup
        self._loaded = {path: file for path, (file, _) in loaded.items()}
        damaged = {path for path, (_, is_damaged) in loaded.items() if is_damaged}
        sound = {path: in_backup[path] for path in damaged & in_backup.keys()}
        self._expected = {**in_backup, **self._loaded, **sound}
        self._parents: set[Path] = set()
        self._problems: list[Problem] = []

    def assert_same_directory(self, archived: Sequence[str]) -> None:
        """Raise `BackupError` where the archive of the folder is of another data directory, and so not to be mixed."""
        folder, ours = self._folder, self._in_backup
        why = "they have no archive file in common" if archived and ours.keys().isdisjoint(archived) else ""
        for path in (path for path, file in ours.items() if self._expected[path] != file):
            # a damaged copy is not evidence: an earlier version backed up such files, and one may have been given up
            if not damage_of(folder / path, (ours[path].sha256, ours[path].bytes), to_end=True):
                why = f"both have {path}, with different bytes"
        if ours and why:
            raise BackupError(
                f"{folder} is the backup of another data directory than {self._data_dir}: {why}; "
                "each has a folder of its own",
                f"{_again(folder)}-{self._data_dir.resolve().name}",
            )

    def archive_file(self, path: str) -> BackupFile | None:
        """Copy an archive file; return its entry for the manifest, None for an unreadable one that no release has."""
        source, expected = self._data_dir / path, self._expected.get(path)
        try:
            there = BackupFile(path, path, source.stat().st_size, sha256_of(source))
        except OSError as error:
            self._report(path, expected, f"cannot be read: {error.strerror}")
            return expected
        file = expected or there
        if file != there:
            self._report(path, file, CHANGED)
        # a restore with --accept-loss uses what is left of a damaged file that has no copy
        if file == there or not (self._folder / path).exists():
            with source.open("rb") as opened:
                self._copy(file, opened, is_sound=file == there)
        return file

    def _report(self, path: str, file: BackupFile | None, how: str) -> None:
        """Add a problem, with the command that puts the copy into place where it is sound, and overwrites no file."""
        source, copy = self._data_dir / path, self._folder / path
        if file is None:
            repair = f"ls -l {source}"
        elif _problem(copy, file) is not None:
            repair = RESTORE
        else:
            aside = f"mv -n {source} {source}.damaged" if source.exists() else f"mkdir -p {source.parent}"
            repair = f"{aside} && cp -n {copy} {source}"
            # a release that was loaded from the damaged file has neither its rows nor its digest
            repair += "" if self._loaded.get(path, file) == file else " && ca-etl rebuild"
        self._problems.append(Problem(f"{source} {how}", repair))

    def assert_sound(self) -> None:
        """Raise one `BackupError` that names all damaged or missing archive files of the data directory."""
        if not self._problems:
            return
        raise BackupError(
            f"all but the damaged and missing archive files are backed up in {self._folder}: "
            f"{_listed([problem.message for problem in self._problems])}",
            " && ".join(
                dict.fromkeys([*(one.next_command for one in self._problems[:SHOWN]), _again(self._folder)])
            ),
        )

    def state_file(self, name: str, data: bytes) -> BackupFile:
        """Copy a file other than an archive file into the backup, under its name and digest.

        The copy of the last backup stays until its manifest is replaced.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        file = BackupFile(name, f"{STATE_FOLDER}/{Path(name).name}.{sha256[:16]}", len(data), sha256)
        return self._copy(file, BytesIO(data))

    def sync(self) -> None:
        """Force the folders of all copied files to the disk, before a manifest names them."""
        with storage(self._folder):
            for parent in self._parents:
                sync_folders(parent, self._folder)

    def _copy(self, file: BackupFile, opened: BinaryIO, *, is_sound: bool = True) -> BackupFile:
        target = self._folder / file.stored
        self._parents.add(target.parent)
        # a backup that was interrupted may have it
        if _problem(target, file) is not None:
            with storage(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(target, opened)
            if is_sound and (problem := _problem(target, file)) is not None:
                raise BackupError(f"the copy {target} {problem}", f"rm {target} && {_again(self._folder)}")
            self.copied += 1
        return file


def _read_manifest(folder: Path, next_command: str) -> Manifest:
    path = folder / MANIFEST
    try:
        return TypeAdapter(Manifest).validate_json(path.read_bytes())
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
    with storage(folder):
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
