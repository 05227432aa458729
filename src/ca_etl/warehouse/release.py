"""Releases: built in private, published whole, never changed.

A run builds in `releases/<id>.building/`. `publish` then goes through these steps, in this order:

    seal      files and folders are made read-only and forced to the disk
    announce  the symlink `.current.next` names the release that is about to be
    rename    `<id>.building` becomes `<id>`
    point     `.current.next` is renamed over `current`

A kill before `rename` leaves a building folder that nothing points at: the next run removes it, and the
announcement with it. A kill between `rename` and `point` leaves a whole, checked release that is announced:
the next run completes the publication. Without an announcement a release newer than `current` is one that an
operator rolled back from, and stays as it is.

A release is its folder, and the folder's name is its id: the start of its run, `20251205T020012Z`, with `-2`,
`-3` ... where that second is taken. Nothing below such a folder ever changes, and `assert_intact` refuses one in
which something has. Everything here that writes is called with the run lock held.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path
from typing import Final

from ca_etl.archive.sealed_file import fsync
from ca_etl.errors import CaEtlError
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.datapackage import DATAPACKAGE, file_fact, listed_files, read_datapackage
from ca_etl.warehouse.durable_files import StorageError, remove_tree, seal_tree, storage, unseal

log = logging.getLogger(__name__)

RELEASES: Final = "releases"
CURRENT: Final = "current"
ANNOUNCED: Final = ".current.next"
BUILDING: Final = ".building"
REMOVING: Final = ".removing"
WAREHOUSE: Final = "warehouse.duckdb"
# What DuckDB takes for later changes of the warehouse beside it, and the file of a writer that is at work.
BESIDE: Final = (".wal", ".wal.checkpoint", ".wal.recovery", ".tmp")
# What reading a damaged descriptor raises.
UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
GO_BACK: Final = "ca-etl rollback || ca-etl rebuild"
# Clocks that differ by less are not taken to be wrong: no release is removed first for that.
DAY: Final = timedelta(days=1)
RELEASE_ID: Final = re.compile(r"(\d{8}T\d{6}Z)(?:-([1-9]\d*))?")


class ReleaseError(CaEtlError):
    """A release, its draft or the link `current` is missing, damaged or changed."""


@dataclass(frozen=True, slots=True)
class Release:
    """A published release: its id and its folder, in which nothing ever changes."""

    release_id: str
    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the release."""
        return self.folder / WAREHOUSE


@dataclass(frozen=True, slots=True)
class Building:
    """A draft release, private to its run. `based_on` is the id of the release that was copied, None without one."""

    data_dir: Path
    release_id: str
    based_on: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the draft release, `releases/<id>.building`."""
        return self.data_dir / RELEASES / f"{self.release_id}{BUILDING}"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the draft release; missing at first where the draft copies no release."""
        return self.folder / WAREHOUSE


@dataclass(frozen=True, slots=True)
class Recovery:
    """The result of completing what a killed run left: the id of a release published now, and the folders removed.

    `completed` is None where no release was to be published.
    """

    completed: str | None
    removed: tuple[str, ...]


def new_release_id(data_dir: Path, started_at: datetime, taken: Collection[str] = ()) -> str:
    """An id that no release has, for a run that began at `started_at` (zone-aware).

    `taken` are ids of runs that published nothing, from the journal, which are not used again.
    """
    stamp = f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    used = {*taken, *(folder.name.partition(".")[0] for folder in _folders(data_dir))}
    number = 1
    while (release_id := stamp if number == 1 else f"{stamp}-{number}") in used:
        number += 1
    return release_id


def begin_building(data_dir: Path, release_id: str, *, fresh: bool = False) -> Building:
    """Remove the drafts that killed runs left, and begin a draft release with a copy of the current warehouse file.

    `fresh` begins without that copy, as the very first run does. A second call in a run begins again. Raises
    `ReleaseError` when the id is published already or the current release was changed, `StorageError` when the disk
    refuses.
    """
    if RELEASE_ID.fullmatch(release_id) is None:
        raise ValueError(f"{release_id!r} is not a release id")
    recover(data_dir)
    folder = data_dir / RELEASES / release_id
    if folder.exists():
        raise ReleaseError(f"{folder} is published already", "ca-etl releases")
    current = None if fresh else current_release(data_dir)
    building = Building(data_dir, release_id, current.release_id if current else None)
    with storage(building.folder):
        building.folder.mkdir(parents=True)
    if current is not None:
        # a damaged block that nothing reads today would be in every release from here on
        assert_intact(current.folder, by_bytes=True)
        with storage(building.warehouse):
            shutil.copyfile(current.warehouse, building.warehouse)
    return building


def find_building(data_dir: Path, release_id: str) -> Building:
    """The draft release that `begin_building` made earlier in this run. Raises `ReleaseError` without one."""
    building = Building(data_dir, release_id)
    if not building.folder.is_dir():
        raise ReleaseError(f"the draft of the release, {building.folder}, does not exist", "ca-etl run")
    return building


def discard(building: Building) -> None:
    """Remove a draft release that will not be published. Raises `StorageError`."""
    if building.folder.exists():
        remove_tree(building.folder)


def publish(building: Building, on_step: Callable[[str], None] = lambda _step: None) -> Release:
    """Publish a draft release: make it read-only, rename its folder, and move `current` to it.

    After a kill, `recover` completes the publication. Every connection to the warehouse file must be closed. `on_step`
    gets the name of each step before it is taken (`seal`, `announce`, `rename`, `point`) and `done` at the end. Raises
    `ReleaseError` when the file is missing or not checkpointed, `StorageError` when the disk refuses; `current` is
    then unmoved.
    """
    data_dir = building.data_dir
    release = Release(building.release_id, data_dir / RELEASES / building.release_id)
    if not building.warehouse.is_file():
        raise ReleaseError(f"the draft of the release, {building.warehouse}, does not exist", "ca-etl run")
    _assert_alone(building.warehouse)
    on_step("seal")
    seal_tree(building.folder)
    on_step("announce")
    _announce(data_dir, release.release_id)
    on_step("rename")
    with storage(release.folder):
        building.folder.rename(release.folder)
        fsync(release.folder.parent)
    on_step("point")
    _point(data_dir)
    on_step("done")
    return release


def recover(data_dir: Path) -> Recovery:
    """Complete the publication that a killed run had announced, or remove its draft; nothing after a run that ended."""
    completed = None
    announced = data_dir / ANNOUNCED
    if announced.is_symlink():
        if announced.exists():
            completed = announced.readlink().name
            _point(data_dir)
        else:
            with storage(announced):
                announced.unlink()
    left = [folder for folder in _folders(data_dir) if folder.suffix in {BUILDING, REMOVING}]
    for folder in left:
        remove_tree(folder)
    return Recovery(completed, tuple(folder.name for folder in left))


def current_release(data_dir: Path) -> Release | None:
    """The release that `current` points at, None before the first release.

    Raises `ReleaseError` when `current` is not a symlink or its release does not exist.
    """
    release_id = current_id(data_dir)
    if release_id is None:
        return None
    release = Release(release_id, data_dir / RELEASES / release_id)
    if not release.warehouse.is_file():
        raise ReleaseError(
            f"{data_dir / CURRENT} points at {release.folder}, which holds no {WAREHOUSE}",
            GO_BACK,
        )
    return release


def current_id(data_dir: Path) -> str | None:
    """The id of the release that `current` points at, even if its folder is missing; None before the first release.

    Raises `ReleaseError` when `data_dir` cannot be read, or `current` is not a symlink.
    """
    current = data_dir / CURRENT
    try:
        return current.readlink().name
    except FileNotFoundError:
        return None
    except (NotADirectoryError, PermissionError) as error:
        raise ReleaseError(f"{data_dir} cannot be read: {error.strerror}", f"ls -ld {data_dir}") from error
    except OSError as error:
        raise ReleaseError(
            f"{current} is not a symbolic link: {os.strerror(error.errno or 0)}; `ca-etl rollback RELEASE` makes one",
            f"mv {current} {current}.old && ls {data_dir / RELEASES}",
        ) from error


def assert_intact(folder: Path, *, by_bytes: bool = False) -> None:
    """Raise `ReleaseError` for a published release whose files have other names or lengths than its descriptor lists.

    `by_bytes` compares the bytes of the warehouse file, too.
    """
    _assert_alone(folder / WAREHOUSE)
    for path, how in file_problems(folder, hashed=(WAREHOUSE,) if by_bytes else ()):
        raise ReleaseError(f"{folder / path} {how}", GO_BACK)


def file_problems(folder: Path, hashed: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """The files of a release that differ from its descriptor: path and problem.

    Files in `hashed` are compared by their bytes, other files by their length; None compares all by bytes, and adds
    files that the descriptor does not list.
    """
    try:
        listed = listed_files(folder)
    except UNREADABLE as error:
        listed = ()
        if hashed is None or not isinstance(error, FileNotFoundError):  # a lost one stops no reader
            yield DATAPACKAGE, f"cannot be read: {type(error).__name__}: {error}"
    for file in listed:
        try:
            size = (folder / file.path).stat().st_size
            if size != file.bytes:
                yield file.path, f"has {size} bytes, {file.bytes} when it was published"
            elif (hashed is None or file.path in hashed) and file != file_fact(folder, Path(file.path)):
                yield file.path, "has other bytes than those published"
        except (OSError, ValueError, StorageError) as error:
            yield file.path, f"cannot be read: {getattr(error.__cause__ or error, 'strerror', None) or error}"
    if hashed is None:
        expected = {DATAPACKAGE, *(file.path for file in listed)}
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        yield from ((name, "was not published") for name in sorted(there - expected))


def releases(data_dir: Path) -> tuple[Release, ...]:
    """The published releases of a data directory, in the order of their publication."""
    return tuple(
        Release(release_id, data_dir / RELEASES / release_id)
        for release_id in _in_order_of_publication(data_dir, _published_ids(data_dir))
    )


def _published_ids(data_dir: Path) -> set[str]:
    return {folder.name for folder in _folders(data_dir) if RELEASE_ID.fullmatch(folder.name)}


def _in_order_of_publication(data_dir: Path, ids: set[str]) -> list[str]:
    """Release ids in the order in which the journal has their runs, at the end those whose run has no line yet.

    An id has the time of its run's clock, which may be wrong, and is a past day in the demo. It decides only for a
    release that a lost journal had.
    """
    try:
        runs, unrecorded = journal.read(data_dir), lock.unrecorded_runs(data_dir)
    except StorageError as error:
        log.warning("the releases are ordered by their ids, since the journal cannot be read: %s", error)
        runs, unrecorded = (), frozenset()
    known = [run.release_id for run in journal.distinct(runs) if run.release_id in ids]
    last = sorted((ids & unrecorded).difference(known), key=sort_key)
    lost = sorted(ids.difference(known, last), key=sort_key)
    return [*merge(known, lost, key=sort_key), *last]


def _published_before(data_dir: Path, current: str) -> list[Release]:
    """The releases that were published before the release `current`, oldest first. Raises `ReleaseError`."""
    ids = _published_ids(data_dir)
    if RELEASE_ID.fullmatch(current) is None:
        last = _in_order_of_publication(data_dir, ids)[-1:]
        raise ReleaseError(
            f"{data_dir / CURRENT} points at {current!r}, which is not a release",
            f"ca-etl rollback {last[0]}" if last else "ca-etl rebuild",
        )
    ordered = _in_order_of_publication(data_dir, ids | {current})
    return [Release(name, data_dir / RELEASES / name) for name in ordered[: ordered.index(current)]]


def find_release(data_dir: Path, release_id: str) -> Release:
    """The published release with the id `release_id`. Raises `ReleaseError` that names the existing releases."""
    known = {release.release_id: release for release in releases(data_dir)}
    if release_id not in known:
        exist = f"these exist: {', '.join(known)}" if known else "nothing is published yet"
        raise ReleaseError(f"{data_dir / RELEASES} holds no release {release_id}; {exist}", "ca-etl releases")
    return known[release_id]


def rollback(data_dir: Path, to: str | None = None) -> Release:
    """Move `current` to the release `to`; None is the one that was current when the current release was published.

    Where that one is removed or unknown, it is the release published before the current one. No release is removed;
    the next run builds on the release that `current` then points at. Raises `ReleaseError` when there is no such
    release.
    """
    if to is None:
        current = current_id(data_dir)
        older = [] if current is None else _published_before(data_dir, current)
        # after a rollback it is not the one published last
        previous = None if current is None else _recorded_previous(data_dir / RELEASES / current)
        older.sort(key=lambda release: release.release_id == previous)
        if not older:
            raise ReleaseError(
                f"no release is older than the current one in {data_dir / RELEASES}", "ca-etl releases"
            )
        target = older[-1]
    else:
        target = find_release(data_dir, to)
    if target.release_id != current_id(data_dir):
        _announce(data_dir, target.release_id)
        _point(data_dir)
    return target


def _recorded_previous(folder: Path) -> object:
    """The id of the release that was current when the one in `folder` was published; None where it is not recorded."""
    try:
        return read_datapackage(folder).get("previous_release")
    except (CaEtlError, AttributeError):
        return None


def prune(
    data_dir: Path, keep: int, now: datetime | None = None, keep_bytes: int | None = None
) -> tuple[str, ...]:
    """Remove releases until `keep` of at most `keep_bytes` are left, with the current one; return the ids removed.

    Those dated after `now` (zone-aware, by default that of the machine) go first, since a wrong clock made them, then
    those before the current one, oldest first. The current one and later ones always stay. Raises `StorageError`.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}, but at least 1 release must stay")
    current = current_id(data_dir)
    if current is None:
        return ()
    limit = f"{(now or datetime.now(UTC)).astimezone(UTC) + DAY:%Y%m%dT%H%M%SZ}"
    future = [new for new in releases(data_dir) if new.release_id > limit and new.release_id != current]
    removable = future + [old for old in _published_before(data_dir, current) if old not in future]
    removed = removable[: max(0, len(removable) - (keep - 1))]
    while keep_bytes and removed != removable and _bytes_without(data_dir, removed) > keep_bytes:
        removed = removable[: len(removed) + 1]
    for release in removed:
        # Renamed first: a kill amid the removal must not leave half a release to roll back to.
        removing = release.folder.with_name(f"{release.release_id}{REMOVING}")
        with storage(release.folder):
            release.folder.rename(removing)
        try:
            unseal(removing)
        except StorageError:
            # That of another user cannot be removed, and what `recover` cannot remove would stop every later run.
            removing.rename(release.folder)
            raise
        remove_tree(removing)
    return tuple(release.release_id for release in removed)


def _bytes_without(data_dir: Path, removed: Collection[Release]) -> int:
    """The bytes of the releases that are not `removed`; a file that is in several is counted once."""
    kept = (release for release in releases(data_dir) if release not in removed)
    files = (path.stat() for release in kept for path in release.folder.rglob("*") if path.is_file())
    return sum({file.st_ino: file.st_size for file in files}.values())


def _announce(data_dir: Path, release_id: str) -> None:
    announced = data_dir / ANNOUNCED
    with storage(announced):
        announced.unlink(missing_ok=True)
        announced.symlink_to(Path(RELEASES, release_id))
        fsync(data_dir)


def _point(data_dir: Path) -> None:
    current = data_dir / CURRENT
    if current.exists() and not current.is_symlink():
        raise ReleaseError(f"{current} is not a symbolic link", f"mv {current} {current}.old && ca-etl run")
    with storage(current):
        (data_dir / ANNOUNCED).replace(current)
        fsync(data_dir)


def _folders(data_dir: Path) -> list[Path]:
    root = data_dir / RELEASES
    with storage(root):
        return sorted(folder for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []


def sort_key(release_id: str) -> tuple[str, int]:
    """The key by which ids of releases are sorted, the oldest first."""
    stamp, _, number = release_id.partition("-")
    return stamp, int(number or 1)


def _assert_alone(warehouse: Path) -> None:
    for suffix in BESIDE:
        beside = warehouse.with_name(f"{warehouse.name}{suffix}")
        # A folder is where the client of an analyst, run by root, spills a large query: DuckDB reads nothing in it.
        if beside.is_symlink() or (beside.exists() and not beside.is_dir()):
            raise ReleaseError(
                f"{beside} exists: a program opened the warehouse for writing, or it was not checkpointed",
                GO_BACK,
            )
