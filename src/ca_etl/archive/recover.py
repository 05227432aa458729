"""What a killed run left as `.open` becomes a sealed file, as far as it is whole."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import BinaryIO, Final

from ca_etl.archive.fields import DAMAGED_SUFFIX, OPEN_SUFFIX, RECOVERED, SEALED_SUFFIX
from ca_etl.archive.members import RawRecord, stretches
from ca_etl.archive.sealing import ArchiveWriteError, OpenFile, sync_folders

log = logging.getLogger(__name__)

LEFTOVER: Final = re.compile(
    rf"(?P<name>.+?)(?:{re.escape(RECOVERED)})?(?:\.[0-9]+)?{re.escape(SEALED_SUFFIX + OPEN_SUFFIX)}"
)


def recover_open_files(archive_dir: Path) -> list[Path]:
    """Seal the whole records of each leftover `.open` file; returns the files made.

    A leftover of `<name>` becomes `<name>.recovered.warc.gz`, a name of its own: an ingest that finds its sealed name
    knows that it was complete. Bytes that are no whole record are kept beside it as `.damaged`. Call
    it under the run lock: an `.open` file that another process writes looks like a leftover. Raises
    `ArchiveWriteError`.
    """
    made: list[Path] = []
    for path in sorted(archive_dir.glob(f"*/*/*{SEALED_SUFFIX}{OPEN_SUFFIX}")):
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
        return None
    with path.open("rb") as file:
        # places only: all records of a file at once may not fit into the memory
        places = [(isinstance(s, RawRecord), s.start, s.end) for s in stretches(file)]
        whole = [(start, end) for is_whole, start, end in places if is_whole]
        bad = [start for is_whole, start, end in places if not is_whole and end > start]
        # a warcinfo record alone describes nothing
        sealed = _seal(archive_dir, f"{match['name']}{RECOVERED}", file, whole) if len(whole) > 1 else None
    log.warning("%s: %d whole records, %d broken stretches", path, len(whole), len(bad))
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
