"""From a capture's id to its bytes: what revisit records and conditional requests need of the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.archive.policy import Validators
from ca_etl.archive.read import read_capture
from ca_etl.records import Capture
from ca_etl.warehouse.connect import open_release
from ca_etl.warehouse.load import validators
from ca_etl.warehouse.release import current_release

Resolve = Callable[[str], Capture | None]

PLACE_OF: Final = "select archive_file, archive_offset from raw.capture where capture_id = $1"


def resolver(con: duckdb.DuckDBPyConnection, archive_dir: Path) -> Resolve:
    """A function from a capture id to the capture, read from the archive file that `con` knows it in.

    The function answers None for an id that the warehouse does not know, or whose bytes are not readable.
    """

    def resolve(capture_id: str) -> Capture | None:
        row = con.execute(PLACE_OF, [capture_id]).fetchone()
        if row is None:
            return None
        found = read_capture(archive_dir / row[0], row[1], root=archive_dir, resolve=resolve)
        return found if isinstance(found, Capture) else None

    return resolve


@contextmanager
def published_warehouse(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the current release, None before the first one."""
    release = current_release(data_dir)
    if release is None:
        yield None
        return
    with open_release(release / "warehouse.duckdb") as con:
        yield con


def last_validators(con: duckdb.DuckDBPyConnection, urls: Iterable[str]) -> Mapping[str, Validators]:
    """What a conditional request for each URL says: the newest full answer's ETag and Last-Modified."""
    return {
        url: Validators(
            etag=last.etag,
            last_modified=last.last_modified,
            refers_to=last.capture_id,
            refers_to_date=last.captured_at,
            refers_to_url=last.url,
            payload_digest=last.payload_sha256,
        )
        for url, last in validators(con, urls).items()
    }
