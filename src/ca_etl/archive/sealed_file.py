"""Write an archive file: `.open` while records are added, then sealed (fsynced, renamed), and never changed again.

The whole records of an `.open` file that a killed run left are recovered into a sealed file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from ca_etl.archive.framing import RawRecord, split_records
from ca_etl.archive.naming import DAMAGED_SUFFIX, OPEN_SUFFIX, RECOVERED, REFERENCE_SUFFIX, SEALED_SUFFIX
from ca_etl.errors import COMMAND, CaEtlError, nearest_folder

log = logging.getLogger(__name__)

NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9_-]+(\.recovered)?")


class ArchiveWriteError(CaEtlError):
    """A record or file cannot be written to the archive. Records that were written before are kept."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"cannot write {path}: {error.strerror or error}; the records written before are kept",
            f"df -h {path.parent} && ls -ld {path.parent} && {COMMAND.get()}",
        )


class OpenFile:
    """An archive file that is being written; its first record makes the file, so that no file is empty.

    `name` begins with a time stamp: `20251205T020000Z-timesca`. Where the name is in use, `.2`, `.3` and so on are
    added: the `.open` file reserves the final name. Only one process at a time may seal or recover files below
    `archive_dir`, which the run lock ensures.
    """

    def __init__(self, archive_dir: Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"the archive file name {name!r} is not like 20251205T020000Z-timesca")
        self.folder = archive_dir / name[:4] / name[4:6]
        self.path: Path | None = None
        self._archive_dir = archive_dir
        self._name = name
        self._raw: Sink | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.close()

    @contextmanager
    def record(self) -> Iterator[Sink]:
        """Open the archive file for the `with` block, which writes one record or a few that belong together.

        After an exception the file is truncated to its length before the block. Raises `ArchiveWriteError` for an
        `OSError`.
        """
        with self._write_errors():
            raw = self._open()
            start = raw.tell()
            try:
                yield raw
            except BaseException:
                raw.truncate(start)
                raw.seek(start)
                raise

    def seal(self) -> Path:
        """Complete the archive file (fsync, drop `.open` from its name) and return its path.

        Raises `ArchiveWriteError`, and `ValueError` where no record was written.
        """
        if self._raw is None or self.path is None:
            raise ValueError("no record was written, so there is no archive file to seal")
        with self._write_errors():
            os.fsync(self._raw.fileno())
            self._raw.close()
            opened = self.path.with_name(self.path.name + OPEN_SUFFIX)
            opened.rename(self.path)
            sync_folders(self.folder, self._archive_dir)
        return self.path

    def discard(self) -> None:
        """Remove the unfinished archive file (`.open`)."""
        if self._raw is not None and self.path is not None:
            self._raw.close()
            self.path.with_name(self.path.name + OPEN_SUFFIX).unlink()

    def _open(self) -> Sink:
        if self._raw is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.path, self._raw = _reserve(self.folder, self._name)
        return self._raw

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArchiveWriteError(self.path or self.folder / self._name, error) from error


class Sink(FileIO):
    """A new file whose `write` writes all bytes or raises. It is unbuffered, so that nothing is left to write later."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x")

    def write(self, data: Any) -> int:  # noqa: ANN401  any bytes, as FileIO has it
        """Write all bytes of `data` to the file and return their number."""
        view = memoryview(data)
        while view:
            view = view[super().write(view) :]
        return memoryview(data).nbytes


def _reserve(folder: Path, name: str) -> tuple[Path, Sink]:
    number = 1
    while True:
        sealed = folder / f"{name}{f'.{number}' if number > 1 else ''}{SEALED_SUFFIX}"
        opened = sealed.with_name(sealed.name + OPEN_SUFFIX)
        number += 1
        try:
            raw = Sink(opened)
        except FileExistsError:
            continue
        # Checked while the .open is ours: another process sealed this name before it was created, or not at all.
        if not sealed.exists():
            return sealed, raw
        raw.close()
        opened.unlink()


@dataclass(frozen=True, slots=True)
class Reference:
    """A WARC file outside of the archive, which is read in place of a copy: absolute path, SHA-256 (hex) and bytes.

    `is_given_up`: the file was lost, and an operator accepted that (`--accept-loss`).
    """

    path: str
    sha256: str
    bytes: int
    is_given_up: bool = False


class LostReferenceError(CaEtlError):
    """A file that the archive refers to is missing, or is not the one that was ingested."""


def is_reference(path: Path) -> bool:
    """Whether an archive file refers to a file elsewhere, and has no records itself."""
    return path.name.endswith(REFERENCE_SUFFIX)


def read_reference(path: Path) -> Reference | None:
    """The reference in the archive file `path`; None for an archive file with records. Raises `CaEtlError`."""
    if not is_reference(path):
        return None
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415  most archives have no reference

    try:
        return TypeAdapter(Reference).validate_json(path.read_bytes())
    except ValidationError as error:
        raise LostReferenceError(
            f"{path} is damaged: it is not a reference", "ca-etl doctor --deep"
        ) from error


def lost_reference(path: Path, reference: Reference, how: str) -> LostReferenceError:
    """The error for a reference in the archive file `path`, whose file `how`, such as "is missing"."""
    folder = nearest_folder(Path(reference.path).parent)
    return LostReferenceError(
        f"{reference.path} {how}, and {path} refers to it; put the file that was ingested there again, or ingest it "
        "by reference from its new place; `ca-etl rebuild --accept-loss` leaves its captures out",
        f"ls -l {shlex.quote(str(folder))}",
    )


def is_given_up(path: Path) -> bool:
    """Whether an archive file is a reference whose loss an operator has accepted."""
    reference = read_reference(path)
    return reference is not None and reference.is_given_up


def is_lost(path: Path) -> bool:
    """Whether an archive file is a reference whose file is missing or has changed, which is read to its end."""
    try:
        with open_archive(path) as file:
            verified_digest(path, file)
    except LostReferenceError:
        return True
    return False


def write_reference(path: Path, reference: Reference, archive_dir: Path) -> None:
    """Write a reference as the archive file `path`, also over an earlier one. Raises `ArchiveWriteError`."""
    keep_whole(path, BytesIO(json.dumps(asdict(reference)).encode()), archive_dir)


def give_up_lost_references(paths: Iterable[Path], archive_dir: Path) -> None:
    """Record in each lost reference among `paths` that its loss is accepted. Raises `CaEtlError`."""
    for path in filter(is_reference, paths):
        reference = read_reference(path)
        if reference is not None and is_lost(path):
            write_reference(path, replace(reference, is_given_up=True), archive_dir)


def lost_for_good(archive_dir: Path, name: str) -> Reference | None:
    """The reference in an archive file whose loss is accepted; None for any other, also where its file is back."""
    path = archive_dir / name
    reference = read_reference(path)
    if reference is None or not reference.is_given_up:
        return None
    if is_lost(path):
        return reference
    # lost once more it is to be reported
    write_reference(path, replace(reference, is_given_up=False), archive_dir)
    return None


def open_archive(path: Path) -> BufferedReader:
    """Open an archive file, or the file that it refers to, for reading.

    Raises `OSError`, and `LostReferenceError` where the referenced file cannot be read or has another size.
    """
    reference = read_reference(path)
    if reference is None:
        return path.open("rb")
    try:
        file = Path(reference.path).open("rb")  # noqa: SIM115  the caller closes what is returned
    except OSError as error:
        how = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise lost_reference(path, reference, how) from error
    size = os.fstat(file.fileno()).st_size
    if size != reference.bytes:
        file.close()
        raise lost_reference(path, reference, f"has {size} bytes, not {reference.bytes}")
    return file


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified_digest(path: Path, file: BufferedReader) -> str:
    """The SHA-256 (hex) of an archive file, opened as `file`.

    Raises `LostReferenceError` where a reference has another.
    """
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    reference = read_reference(path)
    if reference is not None and digest != reference.sha256:
        raise lost_reference(path, reference, "has changed")
    return digest


def archive_bytes(path: Path) -> int:
    """The length in bytes of an archive file, or of the file that it refers to, as it was when it was ingested."""
    reference = read_reference(path)
    return path.stat().st_size if reference is None else reference.bytes


def keep_whole(path: Path, file: BinaryIO, archive_dir: Path) -> None:
    """Copy `file` to `path` in the archive, in one step, also over an earlier one. Raises `ArchiveWriteError`."""
    opened = path.with_name(path.name + OPEN_SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # what a killed run left of the same copy is of no use: the input still exists
        opened.unlink(missing_ok=True)
        with Sink(opened) as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            os.fsync(copy.fileno())
        opened.rename(path)
        sync_folders(path.parent, archive_dir)
    except OSError as error:
        raise ArchiveWriteError(path, error) from error


def sync_folders(folder: Path, top: Path) -> None:
    """Fsync `folder` and its parents up to `top`: a rename is durable only once the folder is on disk."""
    for path in (folder, *folder.parents):
        fsync(path)
        if path == top:
            return


def fsync(path: Path) -> None:
    """Force one file, or the list of files in one folder, to the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


LEFTOVER: Final = re.compile(
    rf"(?P<name>.+?)(?:{re.escape(RECOVERED)})?(?:\.[0-9]+)?{re.escape(SEALED_SUFFIX + OPEN_SUFFIX)}"
)


def recover_open_files(archive_dir: Path) -> list[Path]:
    """Recover the whole records of `.open` files that killed runs left; return the files made.

    `<name>.warc.gz.open` becomes `<name>.recovered.warc.gz`, since `<name>.warc.gz` would state that all is in it. An
    `.open` file with bytes that are not a whole record is also kept, as `.damaged`. Call this under the run lock, else
    the `.open` file of a live process is taken for that of a killed run. Raises `ArchiveWriteError`.
    """
    made: list[Path] = []
    for path in sorted(archive_dir.glob(f"*/*/*{OPEN_SUFFIX}")):
        try:
            sealed = _recover(archive_dir, path)
        except OSError as error:
            raise ArchiveWriteError(path, error) from error
        if sealed is not None:
            made.append(sealed)
    return made


def _recover(archive_dir: Path, path: Path) -> Path | None:
    match = LEFTOVER.fullmatch(path.name)
    if match is None:
        if path.name.endswith((REFERENCE_SUFFIX + OPEN_SUFFIX, DAMAGED_SUFFIX + OPEN_SUFFIX)):
            # the input that it was to be a copy of, or to refer to, still exists
            path.unlink()
        return None
    with path.open("rb") as file:
        # offsets only: all records of a file at once may not fit into the memory
        parts = [(isinstance(part, RawRecord), part.start, part.end) for part in split_records(file)]
        whole = [(start, end) for is_whole, start, end in parts if is_whole]
        bad = [start for is_whole, start, end in parts if not is_whole and end > start]
        # a warcinfo record alone describes nothing
        sealed = _seal(archive_dir, f"{match['name']}{RECOVERED}", file, whole) if len(whole) > 1 else None
    log.warning(
        "%s, left by a killed run: %d whole records recovered, %d damaged parts kept; nothing is to be done",
        path,
        len(whole),
        len(bad),
    )
    if bad:
        path.rename(path.with_name(path.name + DAMAGED_SUFFIX))
    else:
        path.unlink()
    sync_folders(path.parent, archive_dir)
    return sealed


def _seal(archive_dir: Path, name: str, file: BinaryIO, whole: list[tuple[int, int]]) -> Path:
    with OpenFile(archive_dir, name) as copy:
        for start, end in whole:
            with copy.record() as out:
                file.seek(start)
                out.write(file.read(end - start))
        return copy.seal()
