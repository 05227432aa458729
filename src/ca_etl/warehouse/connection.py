"""Opening the warehouse file: for writing in a building folder, for reading in a release."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.durable_files import FULL, StorageError, remove_tree, storage

# A file in 2.0's own format opens in no older client; this one opens in every client from 1.2.0 on.
STORAGE_VERSION: Final = "v1.2.0"
OLDEST_CLIENT: Final = "1.2.0"
MEMORY_LIMIT: Final = "1GB"
MAX_THREADS: Final = 4
# Threads of ours that read a building at once, each with a `reading_connection` of its own.
READERS: Final = 2
# Until a file has this many bytes (about 100,000 articles) few tables have a second row group, so that a second thread
# has next to nothing to do, and waiting for it takes a quarter of the whole time.
ONE_THREAD_FILE: Final = 500_000_000
# A table takes some blocks at least: a month of the demo has 3 MB in small blocks, 16 MB in large ones. From some
# 100 MB on, writing small ones takes twice the time. An archive of so many bytes may make a file of that size.
SMALL_FILE: Final = 100_000_000
SMALL_BLOCK: Final = 16_384
LARGE_BLOCK: Final = 262_144
LARGE_ARCHIVE: Final = 10_000_000
# A commit compresses the row group again to which it appends: one of texts has 50 MB, and 400 MB by default.
ROW_GROUP: Final = 16_384
WAREHOUSE: Final = "warehouse"
# A file with a larger share of free blocks is written again before it is published.
MOST_FREE: Final = 0.1
# Trying FSST on every string column takes half the time of a checkpoint. Dictionaries leave a file no larger.
# Among the settings of `connect` DuckDB takes the list of compressions and forgets it.
WITHOUT_UNUSED: Final = "set disabled_compression_methods = 'fsst'"
# Strings that are longer on average are compressed with zstd, also titles: the file takes a third, in the same time.
LONG_TEXT: Final = 30
# The version of DuckDB for which packages of its extensions exist; they require it.
PACKAGED: Final = "1.5.5"
# DuckDB gives no number of the system's error, only its words, as the system itself has them.
DISK_FULL: Final = tuple(os.strerror(number) for number in sorted(FULL))
WRITE_FAILED: Final = (*DISK_FULL, os.strerror(errno.EROFS), "Could not write", "Could not fsync")

# A second connection to an instance begins in its first database, which is in memory.
ATTACHED: Final = "select database_name from duckdb_databases() where database_name = ?"

Settings = dict[str, str | bool | int | float | list[str]]


@contextmanager
def open_building(
    path: Path, *, memory_limit: str = MEMORY_LIMIT, archived: int = 0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-write connection to the warehouse file of a draft release; a missing file is made.

    A new file has blocks for an archive of `archived` bytes: small ones, or large ones from `LARGE_ARCHIVE` bytes on.

    A new file gets storage version `v1.2.0` under every DuckDB release, an old file keeps its version. Tables are
    reached as `raw.x`, `staging.x`, `main.x`; times are shown in UTC; nothing is fetched from the internet.
    When the block ends well the file is checkpointed and has no `.wal` beside it.

    Raises `StorageError` when the disk is full or read-only, `CaEtlError` for a damaged file.
    """
    # Beside the file and not inside it: what does not fit into memory is not a part of the release.
    spill = path.with_name(f"{path.name}.tmp")
    settings = {
        **_settings(memory_limit, spill),
        "storage_compatibility_version": STORAGE_VERSION,
        "default_block_size": str(LARGE_BLOCK if archived >= LARGE_ARCHIVE else SMALL_BLOCK),
        "zstd_min_string_length": LONG_TEXT,
        # it leaves pointers to metadata that are gone, which newer clients pass over and 1.2 does not
        "experimental_metadata_reuse": False,
    }
    if not path.exists() or path.stat().st_size < ONE_THREAD_FILE:
        settings["threads"] = 1
    with disk_errors(path):
        con = duckdb.connect(":memory:", config=settings)
        try:
            con.execute(
                f"set TimeZone = 'UTC'; {WITHOUT_UNUSED}; "
                f"attach {literal(str(path))} as {WAREHOUSE} (row_group_size {ROW_GROUP}); use {WAREHOUSE}"
            )
            yield con
            con.execute("checkpoint")
        finally:
            con.close()
            if spill.exists():
                remove_tree(spill)


def compact(path: Path, *, memory_limit: str = MEMORY_LIMIT) -> bool:
    """Write a closed warehouse file of a draft release again, where that makes it smaller; return whether it did.

    That is where more than `MOST_FREE` of its blocks are free, or its blocks are small and the file is not. All that is
    in the file stays, and rows keep their order. Raises `StorageError` when the disk refuses.
    """
    written, spill = (path.with_name(f"{path.name}.{suffix}") for suffix in ("new", "tmp"))
    written.unlink(missing_ok=True)  # of an attempt that was killed
    settings = {**_settings(memory_limit, spill), "zstd_min_string_length": LONG_TEXT}
    with disk_errors(path), duckdb.connect(":memory:", config=settings) as con:
        con.execute(f"{WITHOUT_UNUSED}; attach {literal(str(path))} as old (read_only)")
        ((size, blocks, free),) = con.execute(
            "select block_size, total_blocks, free_blocks from pragma_database_size() where database_name = 'old'"
        ).fetchall()
        block = SMALL_BLOCK if size * (blocks - free) < SMALL_FILE else LARGE_BLOCK
        if free <= MOST_FREE * blocks and block <= size:
            return False
        con.execute(
            f"attach {literal(str(written))} as new "
            f"(block_size {block}, row_group_size {ROW_GROUP}, storage_version '{STORAGE_VERSION}');"
            "copy from database old to new; detach new; detach old"
        )
    with storage(path):
        written.replace(path)
    return True


def checkpoint_at_commit(con: duckdb.DuckDBPyConnection) -> None:
    """Make later commits on `con` write to the database file directly, without the `.wal` log.

    For the last, large transaction of a step; an interrupted transaction leaves the file as it was.
    """
    con.execute("set checkpoint_threshold = '1B'")


@contextmanager
def reading_connection(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second connection to the database of `con`, to read in another thread; times are shown in UTC.

    It sees committed data only, and has the settings of a new connection, not those of `con`.
    """
    with con.cursor() as reader:
        reader.execute("set TimeZone = 'UTC'")
        for (name,) in reader.execute(ATTACHED, [WAREHOUSE]).fetchall():
            reader.execute(f"use {name}")
        yield reader


@contextmanager
def open_release(
    path: Path, *, locked_down: bool = False, memory_limit: str = MEMORY_LIMIT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a published warehouse file.

    The file is attached to an instance of its own, with its path resolved: DuckDB keeps one instance per path in a
    process, so a reader elsewhere in the process would force its settings on this one, or show the release that
    `current` pointed at when it was opened.

    `locked_down` is for SQL that a user types: such SQL can open no file, neither to read nor to write, and change no
    setting. Forbidding external access alone leaves DuckDB the paths of the attached file, its `.wal` and the spill
    folder to write to: `copy ... to 'warehouse.duckdb.wal'` once changed what every reader saw. Nothing is spilled to
    the disk then, so that a query which needs more than `memory_limit` fails.

    Raises `duckdb.IOException` when there is no such file.
    """
    spill = Path(tempfile.gettempdir()) / f"ca-etl-{os.getpid()}.tmp"
    con = duckdb.connect(":memory:", config=_settings(memory_limit, spill))
    try:
        con.execute(
            f"set TimeZone = 'UTC'; attach {literal(str(path.resolve()))} as release (read_only); use release"
        )
        if locked_down:
            con.execute(
                "set temp_directory = ''; set enable_external_access = false; "
                "set disabled_filesystems = 'LocalFileSystem'; set lock_configuration = true"
            )
        yield con
    finally:
        con.close()


def load_extensions(con: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Load extensions of DuckDB, such as `fts`, where their packages have them; nothing is fetched from the internet.

    Raises `CaEtlError` for one that has no package for this version of DuckDB, or whose package is not installed.
    """
    for name in names:
        package = find_spec(f"duckdb_extension_{name}")
        folders = (package and package.submodule_search_locations) or ()
        versioned = Path("extensions", f"v{duckdb.__version__}", f"{name}.duckdb_extension")
        file = next((file for folder in folders if (file := Path(folder) / versioned).is_file()), None)
        if file is None:
            packages = (f"duckdb-extension-{each.replace('_', '-')}=={PACKAGED}" for each in names)
            raise CaEtlError(
                f"DuckDB {duckdb.__version__} lacks its extension {name}, whose package is for DuckDB {PACKAGED}",
                f"pip install {' '.join(packages)}",
            )
        con.execute(f"load {literal(str(file))}")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run the statements of the `with` block in one transaction on `con`: all take effect, or none does."""
    con.begin()
    try:
        yield
    except BaseException:
        con.rollback()
        raise
    con.commit()


class Column(NamedTuple):
    """A column of a table or view; `type` is its DuckDB type, `comment` is empty for a column without comment."""

    name: str
    type: str
    is_nullable: bool
    comment: str = ""


def columns_by_table(con: duckdb.DuckDBPyConnection, *schemas: str) -> dict[str, list[Column]]:
    """The columns of all tables and views of the schemas `schemas`, by `schema.table`, in the order of each table."""
    tables: dict[str, list[Column]] = {}
    for table, *column in con.execute(
        "select schema_name || '.' || table_name, column_name, data_type, is_nullable, coalesce(comment, '')"
        " from duckdb_columns() where list_contains($1, schema_name)"
        " and database_name = current_database() and not internal order by table_name, column_index",
        [list(schemas)],
    ).fetchall():
        tables.setdefault(table, []).append(Column(*column))
    return tables


class DescribedTable(NamedTuple):
    """A table or view with its columns in order; `description` is its comment, empty without one."""

    schema: str
    name: str
    description: str
    columns: tuple[Column, ...]


def described_tables(con: duckdb.DuckDBPyConnection, *schemas: str) -> tuple[DescribedTable, ...]:
    """The tables and views of `schemas` with their comments and columns, by name."""
    columns = columns_by_table(con, *schemas)
    rows = con.execute(
        "select table_schema, table_name, coalesce(table_comment, '') from information_schema.tables"
        " where table_catalog = current_database() and list_contains($1, table_schema) order by 1, 2",
        [list(schemas)],
    ).fetchall()
    return tuple(
        DescribedTable(schema, name, comment, tuple(columns[f"{schema}.{name}"]))
        for schema, name, comment in rows
    )


def literal(text: str) -> str:
    """Text as an SQL string literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def fetch_number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query returns, or the number of rows that a statement wrote."""
    # DuckDB 2 counts a result as open until all of it is fetched, and refuses other work meanwhile.
    return int(con.execute(query).fetchall()[0][0])


def _settings(memory_limit: str, spill: Path) -> Settings:
    return {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": memory_limit,
        "preserve_insertion_order": True,
        "temp_directory": str(spill),
        "threads": min(MAX_THREADS, os.cpu_count() or 1),
    }


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn DuckDB's error of a full or read-only disk, or of a damaged file `path`, into one with the next command.

    Raises `StorageError` or `CaEtlError`.
    """
    try:
        yield
    except duckdb.Error as error:
        # A full disk shows as an IOException, as "Failed to commit" in a TransactionException, or as the
        # FatalException that follows a checkpoint cut short; damage as an IOException, in 2.0 as an Error of no class.
        text = " ".join(str(error).split())
        is_of_file = isinstance(error, duckdb.IOException) or type(error) is duckdb.Error
        if isinstance(error, duckdb.OperationalError | duckdb.FatalException) or is_of_file:
            if any(mark in text for mark in WRITE_FAILED) or (
                is_of_file and not os.access(path, os.R_OK | os.W_OK)
            ):
                raise StorageError(path, text, full=any(mark in text for mark in DISK_FULL)) from error
            if is_of_file:
                hint = "ca-etl verify --quick || ca-etl rollback || ca-etl rebuild"
                raise CaEtlError(f"{path} cannot be read: {text}", hint) from error
        raise
