"""Read the current release and the archive; `consult` returns a failure to read as a problem, and does not raise.

A page that is not requested today is lost for ever, so that no failure to read stops a run before it has captured
its slot. A run that met a problem fails once the pages are archived (`run.load_and_publish`), with the next
command.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import duckdb
from pyarrow.lib import ArrowCancelled

from ca_etl.archive.policy import Validators
from ca_etl.archive.reader import Resolve, read_capture, read_validators
from ca_etl.errors import CaEtlError, Problem
from ca_etl.records import Capture
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.raw_load import known_archive_files, responses_with_validator
from ca_etl.warehouse.raw_schema import is_outdated
from ca_etl.warehouse.release import (
    GO_BACK,
    RELEASE_ID,
    RELEASES,
    WAREHOUSE,
    assert_intact,
    current_release,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
S = TypeVar("S")

# A defect of Polars is no Exception, and no stop either.
RUST_PANIC: Final = "PanicException"
INTERRUPTED: Final = "Query interrupted"
# It names the damaged files. They are in a backup; to give them up, `current` is removed before a rebuild.
RESTORE: Final = "ca-etl doctor --deep"

# Archive file, below the archive folder, and offset of a record.
Position = tuple[str, int]
NONE_PENDING: Final[Mapping[str, Position]] = {}
POSITION_OF: Final = "select archive_file, archive_offset from raw.capture where capture_id = $1"


def resolver(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, pending: Mapping[str, Position] = NONE_PENDING
) -> Resolve:
    """Make a function that reads a capture from the archive by its id.

    `pending` has file and offset of captures that were read and are not in the warehouse yet.
    """

    def position_of(capture_id: str) -> Position | None:
        stored = pending.get(capture_id) or con.execute(POSITION_OF, [capture_id]).fetchone()
        return None if stored is None else (stored[0], stored[1])

    return reader_of(archive_dir, position_of)


def reader_of(archive_dir: Path, position_of: Callable[[str], Position | None]) -> Resolve:
    """A function from a capture id to the capture, read where `position_of` the id (archive file, offset) is.

    The function returns None for an id without a position, or whose bytes are not readable.
    """

    def resolve(capture_id: str) -> Capture | None:
        position = position_of(capture_id)
        if position is None:
            return None
        archive_file, offset = position
        capture = read_capture(archive_dir / archive_file, offset, root=archive_dir, resolve=resolve)
        return capture if isinstance(capture, Capture) else None

    return resolve


@contextmanager
def readable(warehouse: Path, *, locked_down: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a read-only connection to a warehouse file.

    Raises `CaEtlError` for a file that DuckDB cannot open, `ReleaseError` for a published release that was changed: at
    once where names and lengths of its files show it, else once DuckDB fails to read it. `locked_down` is that of
    `open_release`.
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
    """Open a read-only connection to the current release; it is None before the first release."""
    release = current_release(data_dir)
    if release is None:
        yield None
        return
    with readable(release.warehouse) as con:
        yield con


@contextmanager
def consulted_warehouse(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Open a read-only connection to the current release; None without a release, or for one of an earlier version.

    With None a run requests what a first run would, and makes a release with the tables of this version.
    """
    with published_warehouse(data_dir) as con:
        yield None if con is None or is_outdated(con) else con


@dataclass(frozen=True, slots=True)
class Consulted(Generic[T]):
    """The result of `consult`: the value that was read, or a substitute and the problem of reading it."""

    value: T
    problem: Problem | None = None


def consult(read: Callable[[], T], without: S, what: object, next_command: str) -> Consulted[T | S]:
    """Call `read` and return its value; where it raises, return `without` and the problem, whose message names `what`.

    Any exception counts, since damaged bytes make libraries raise anything; a stop such as Ctrl-C is raised again.
    `next_command` is that of the problem.
    """
    try:
        return Consulted(read())
    except CaEtlError as error:
        return Consulted(without, Problem(str(error), error.hint or next_command))
    except Exception as error:
        if stop_of(error) is not None:
            raise
        known = isinstance(error, OSError | duckdb.Error)
        log.log(logging.INFO if known else logging.WARNING, "%s cannot be read", what, exc_info=not known)
        reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        return Consulted(without, Problem(f"{what} cannot be read: {reason}", next_command))


def consult_release(
    data_dir: Path,
    read: Callable[[duckdb.DuckDBPyConnection | None], T],
    without: S,
    *,
    of_any_version: bool = False,
) -> Consulted[T | S]:
    """Call `read` with a connection to the current release; where that fails, return `without` and the problem.

    `read` gets None in place of a connection before the first release, and for a release with the tables of an earlier
    version, unless `of_any_version`.
    """
    opened = published_warehouse if of_any_version else consulted_warehouse

    def read_release() -> T:
        with opened(data_dir) as con:
            return read(con)

    return consult(read_release, without, "the current release", GO_BACK)


@dataclass(frozen=True, slots=True)
class Extent:
    """The last day with a printed rate in a release, and the archive files that the release has loaded.

    `last_day` is None without a rate, or where the release cannot be read.
    """

    last_day: date | None = None
    archive_files: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"last day {self.last_day}" if self.last_day else "last day unknown"


def consult_extent(data_dir: Path, release_id: str) -> Extent:
    """Read the last day and the archive files of a release; empty where it cannot be read."""

    def read() -> Extent:
        with readable(data_dir / RELEASES / release_id / WAREHOUSE) as con:
            ((last_day,),) = con.execute("select max(rate_date) from main.fct_rate_observation").fetchall()
            # a run loads the whole archive again where the tables are of an earlier version
            return Extent(last_day, frozenset() if is_outdated(con) else frozenset(known_archive_files(con)))

    return consult(read, Extent(), release_id, GO_BACK).value


def consult_validators(
    con: duckdb.DuckDBPyConnection, archive_dir: Path, urls: Sequence[str]
) -> Consulted[Mapping[str, Validators]]:
    """The validators for conditional requests of `urls`, by URL, from the newest full response to each in the archive.

    A URL whose archive record cannot be read is left out, and so requested in full; the first of them is the problem.
    """
    known: dict[str, Validators] = {}
    problems: list[Problem] = []
    for url, (archive_file, offset) in responses_with_validator(con, urls).items():
        path = archive_dir / archive_file
        record = consult(partial(read_validators, path, offset), None, path, RESTORE)
        if record.value is not None:
            known[url] = record.value
        if record.problem is not None:
            problems.append(record.problem)
    return Consulted(known, next(iter(problems), None))


def stop_of(error: BaseException | None) -> BaseException | None:
    """The stop (Ctrl-C, end of a service, TerminationSignal of Prefect) that caused `error`; None for any other.

    DuckDB makes a RuntimeError of a Ctrl-C within a query, Arrow an ArrowCancelled, and the clean-up after a stop may
    fail in turn: the KeyboardInterrupt is then further up the chain.
    """
    stop = None
    while error is not None:
        if not isinstance(error, Exception | GeneratorExit) and type(error).__name__ != RUST_PANIC:
            return error
        is_duckdbs = isinstance(error, RuntimeError) and str(error) == INTERRUPTED
        if is_duckdbs or isinstance(error, ArrowCancelled | duckdb.InterruptException):
            stop = error
        error = error.__cause__ or error.__context__
    return stop
