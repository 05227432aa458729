"""Writing to disk so that a kill or a power cut leaves the old file or the new file, never half a file."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from ca_etl.archive.sealed_file import fsync
from ca_etl.errors import COMMAND, CaEtlError

SYNCS: Final = 8
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageError(CaEtlError):
    """A file or folder, `path`, cannot be read or written: the disk is `full` or broken, or permission is missing."""

    def __init__(self, path: Path, reason: str, *, full: bool, action: str = "write") -> None:
        # a run removes the folder of its draft; the file system's own stays
        folders = (parent for parent in path.absolute().parents if parent.is_dir())
        folder = next(parent for parent in folders if parent.is_mount() or not full)
        look, remedy = ("df -h", "; free some space") if full else ("ls -ld", "")
        hint = f"{look} {shlex.quote(str(folder))} && {COMMAND.get()}"
        super().__init__(f"cannot {action} {path}: {reason}{remedy}", hint)
        self.path = path
        self.full = full


@contextmanager
def storage(path: Path, *, action: str = "write") -> Iterator[None]:
    """Turn an `OSError` of the block into a `StorageError` that names `path`, or the file below it.

    `action` is what the block does with the file, "write" or "read".
    """
    try:
        yield
    except OSError as error:
        # Of a copy, a rename or a symlink the error names the source, which is not what cannot be written.
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
        at = named if named.is_relative_to(path) else path
        reason = error.strerror or str(error)
        raise StorageError(at, reason, full=error.errno in FULL, action=action) from error


def read_if_there(path: Path) -> bytes | None:
    """The bytes of a file, None where there is no file. Raises `StorageError`."""
    with storage(path, action="read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def write_atomic(path: Path, data: bytes | BinaryIO) -> None:
    """Replace `path` by `data`, or by the rest of an opened file, in one step, durable on return.

    Raises `StorageError`.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    with storage(path):
        try:
            with temporary.open("wb") as file:
                shutil.copyfileobj(BytesIO(data) if isinstance(data, bytes) else data, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # half of a file would take the last of a full disk
            raise
        fsync(path.parent)


def user_folder(variable: str, default: str) -> Path:
    """The folder `ca-etl` of this user for files of one kind, made where it is missing; other users may not read it.

    It is in the folder that the XDG `variable` names, such as XDG_CACHE_HOME, else in `default` of the home directory.
    Raises `StorageError` where it cannot be made.
    """
    named = Path(os.environ.get(variable, ""))
    folder = (named if named.is_absolute() else Path(os.path.expanduser("~"), default)) / "ca-etl"  # noqa: PTH111
    with storage(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def seal_tree(folder: Path) -> None:
    """Make `folder` and all below it read-only, and force files and folders to the disk.

    Only root can then change or add a file. Raises `StorageError`.
    """
    with storage(folder), ThreadPoolExecutor(SYNCS) as pool:
        tree = [(Path(parent), files) for parent, _folders, files in os.walk(folder)]
        paths = [parent / name for parent, files in tree for name in files]
        folders = [parent for parent, _files in tree]
        for path in paths:
            path.chmod(0o444)
        for path in folders:
            path.chmod(path.stat().st_mode & 0o555)
        # waited for together, twenty files take the disk a third of the time
        list(pool.map(fsync, [*paths, *folders]))


def unseal(folder: Path) -> None:
    """Make a read-only folder writable for its owner again. Raises `StorageError` where this user may not.

    A folder that this user can write to is not changed: it may be of a group, and only its owner can change its mode.
    """
    with storage(folder):
        if not os.access(folder, os.W_OK | os.X_OK):
            folder.chmod(folder.stat().st_mode & 0o777 | 0o700)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that it contains, also a read-only one. Raises `StorageError`."""
    with storage(folder):
        for parent, _folders, _files in os.walk(folder):
            unseal(Path(parent))
        shutil.rmtree(folder)
