"""Open the current release for reading, and look up the bytes of a capture by its id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.archive.reader import read_capture
from ca_etl.errors import CaEtlError
from ca_etl.records import Capture
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.raw_schema import is_outdated
from ca_etl.warehouse.release import GO_BACK, RELEASE_ID, assert_intact, current_release

Resolve = Callable[[str], Capture | None]

NONE_PENDING: Final[Mapping[str, tuple[str, int]]] = {}
PLACE_OF: Final = "select archive_file, archive_offset from raw.capture where capture_id = $1"


def resolver(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, pending: Mapping[str, tuple[str, int]] = NONE_PENDING
) -> Resolve:
    """A function from a capture id to the capture, read from the archive file that `con` knows it in.

    `pending` has file and offset of captures that were read and are not in the warehouse yet.

    The function answers None for an id that the warehouse does not know, or whose bytes are not readable.
    """

    def resolve(capture_id: str) -> Capture | None:
        place = pending.get(capture_id) or next(iter(con.execute(PLACE_OF, [capture_id]).fetchall()), None)
        if place is None:
            return None
        archive_file, offset = place
        found = read_capture(archive_dir / archive_file, offset, root=archive_dir, resolve=resolve)
        return found if isinstance(found, Capture) else None

    return resolve


@contextmanager
def readable(warehouse: Path, *, locked_down: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection.

    Raises `CaEtlError` for a file that DuckDB cannot open, `ReleaseError` for a release that was changed: before it
    is opened where names and lengths of its files show that, else once DuckDB fails to read it.
    """
    folder = warehouse.resolve().parent
    is_published = RELEASE_ID.fullmatch(folder.name)
    if is_published:
        assert_intact(folder)
    with ExitStack() as stack:
        try:
            con = stack.enter_context(open_release(warehouse, locked_down=locked_down))
        except duckdb.Error as error:
            raise CaEtlError(f"{warehouse} cannot be read: {error}", GO_BACK) from error
        try:
            yield con
        except duckdb.Error as error:
            if is_published and not isinstance(error, duckdb.ProgrammingError):
                assert_intact(folder, by_bytes=True)
            raise


@contextmanager
def published_warehouse(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the current release, None before the first one."""
    release = current_release(data_dir)
    if release is None:
        yield None
        return
    with readable(release.warehouse) as con:
        yield con


@contextmanager
def consulted_warehouse(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The current release for what a run consults: None before the first one, and for one of an earlier version.

    The run then requests what the first one would, and its load makes a release with the tables of this version.
    """
    with published_warehouse(data_dir) as con:
        yield None if con is None or is_outdated(con) else con
