"""Releases in a DuckLake: a database of snapshots that many read at once, each of them at any snapshot.

A DuckLake is a catalogue, in PostgreSQL or in a DuckDB file, and Parquet files on a path or on S3, which never change.
One transaction publishes a release: what fails or is killed in it leaves the catalogue as it was, also one that was to
be made, and at worst files that no snapshot names: where it is killed, or its catalogue is in PostgreSQL. A table that
is equal in the lake is not written again; of another one all rows are replaced, and with other columns the whole table,
so that each snapshot has the columns of its time.

The lake itself has in `etl_release` which release it shows, and which tables are of it. All others are of somebody
else, and stay as they are. DuckDB's extensions come from packages and are loaded where these have them: nothing is
fetched from the internet, and nothing is written to the home directory.
"""

# ruff: noqa: S608  table and column names come from the catalogue, quoted, never from data

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import duckdb

from ca_etl.errors import COMMAND, CaEtlError, UsageError, nearest_folder
from ca_etl.warehouse.connection import (
    DISK_FULL,
    Column,
    DescribedTable,
    described_tables,
    literal,
    load_extensions,
    transaction,
)
from ca_etl.warehouse.export import quoted
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.release import Release, sort_key

DUCKLAKE: Final = "ducklake:"
POSTGRES: Final = "postgres:"
EXTENSIONS: Final = ("ducklake", "postgres_scanner", "httpfs")
# A name=value pair of libpq or of an S3 address, and the password in a URL.
SECRET: Final = re.compile(r"(?i)(password|secret\w*)\s*=|://[^@]*:[^@]*@")
EXAMPLE: Final = "ca-etl export --to ducklake:lake.ducklake"
# DuckDB writes an integer of 128 bits as a floating-point number into Parquet.
STORED_TYPES: Final = {"HUGEINT": "DECIMAL(38,0)"}
AUTHOR: Final = "ca-etl"
RELEASE_TABLE: Final = DescribedTable(
    "main",
    "etl_release",
    "One row per table of the release that this DuckLake shows. Tables that are not listed here are not of a release, "
    "and no publication changes them.",
    (
        Column(
            "release_id",
            "VARCHAR",
            is_nullable=True,
            comment="The release: the start of its run in UTC, equal in all rows.",
        ),
        Column("table_name", "VARCHAR", is_nullable=True, comment="Name of the table, in the schema main."),
        Column(
            "site",
            "VARCHAR",
            is_nullable=True,
            comment="Site whose captures the release has, equal in all rows; null where it is unknown.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Lake:
    """The place of a DuckLake, without passwords.

    `catalogue` is what follows `ducklake:` in DuckDB's ATTACH: the absolute path of a DuckDB file, or `postgres:` and a
    connection string of libpq. `data_path` is the path or URL of the Parquet files, None for the one in the catalogue.
    """

    catalogue: str
    data_path: str | None = None

    def __str__(self) -> str:
        return f"{DUCKLAKE}{self.catalogue}"

    @property
    def paths(self) -> tuple[Path, ...]:
        """What of the lake is on this machine's file system, as far as its place states it."""
        return tuple(Path(place) for place in (self.catalogue, self.data_path or "") if place.startswith("/"))


@dataclass(frozen=True, slots=True)
class Publication:
    """The result of publishing a release in a DuckLake: the id of its snapshot, and what became of each table.

    `snapshot` is None where the lake showed the release already; nothing is changed then.
    """

    release_id: str
    snapshot: int | None = None
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def find_lake(to: str, data_path: str | None = None) -> Lake:
    """The lake that a user names, as in DuckDB's ATTACH: `ducklake:FILE` or `ducklake:postgres:CONNECTION`.

    Relative paths become absolute, since other readers are in other folders. Raises `UsageError` for any other
    catalogue, and for a password: the list of processes and the history of the shell would show it.
    """
    if SECRET.search(f"{to} {data_path or ''}"):
        raise UsageError(
            "a password or secret belongs to the environment (PGPASSWORD, AWS_SECRET_ACCESS_KEY) or to ~/.pgpass: in a "
            "command, the list of processes and the history of the shell show it",
            "ca-etl export --to ducklake:postgres:dbname=lake",
        )
    catalogue = to.removeprefix(DUCKLAKE)
    if catalogue in ("", to) or (re.match(r"\w+:", catalogue) and not catalogue.startswith(POSTGRES)):
        raise UsageError(f"{to} is not a DuckLake: its catalogue is a DuckDB file or in PostgreSQL", EXAMPLE)
    if not catalogue.startswith(POSTGRES):
        catalogue = str(Path(catalogue).expanduser().absolute())
    if data_path is not None and not _is_url(data_path):
        data_path = str(Path(data_path).expanduser().absolute())
    return Lake(catalogue, data_path)


def publish(release: Release, lake: Lake, *, site: str | None = None, force: bool = False) -> Publication:
    """Publish a release in a DuckLake, which is made if it does not exist: all tables of `main`, or none.

    `site` is the site whose captures the release has, None if unknown. A release that the lake shows already is not
    published again. The snapshot has the release in its extra information, as JSON (`{"release": "..."}`). Raises
    `CaEtlError` when the lake shows a release of another site or a newer one (unless `force`), has a table of another
    origin with the name of ours, cannot be reached, or has a full disk.
    """
    with _lake_errors(lake), readable(release.warehouse) as con:
        tables = described_tables(con, "main")
        names = [table.name for table in tables]
        _load_extensions(con)
        # in the transaction, so that a failure leaves no empty lake with the data path of this attempt
        with transaction(con), _attached(con, lake):
            stored = _stored_tables(con)
            shown, listed, its_site = _read_release(con, stored)
            _assert_same_site(site, its_site, lake)
            if shown == release.release_id:
                return Publication(release.release_id)
            _assert_newer(release.release_id, shown, lake, force=force)
            _assert_ours(set(names) & stored.keys() - listed, lake)
            if shown is None:
                con.execute("call lake.set_option('parquet_compression', 'zstd')")
            written = {
                table.name: _write(con, table, _rows(table), stored.get(table.name)) for table in tables
            }
            removed = sorted(listed & stored.keys() - set(names))
            for name in removed:
                con.execute(f"drop table {_in_lake(name)}")
            listed_names = ", ".join(f"({literal(name)})" for name in names)
            _write(
                con,
                RELEASE_TABLE,
                f"select {literal(release.release_id)} as release_id, table_name,"
                f" {literal(site) if site else 'null'}::varchar as site"
                f" from (values {listed_names}) as of_release (table_name)",
                stored.get(RELEASE_TABLE.name),
            )
            con.execute(
                f"call lake.set_commit_message({literal(AUTHOR)}, {literal(f'release {release.release_id}')},"
                f" extra_info => {literal(json.dumps({'release': release.release_id}))})"
            )
        ((snapshot,),) = con.execute("select id from lake.last_committed_snapshot()").fetchall()
    return Publication(
        release.release_id,
        snapshot,
        tuple(name for name in names if written[name]),
        tuple(name for name in names if not written[name]),
        tuple(removed),
    )


def _load_extensions(con: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's extensions from their packages, and set the address of an S3 server that is not Amazon's.

    The extension httpfs itself reads region and keys (AWS_ACCESS_KEY_ID, ...) from the environment.
    """
    load_extensions(con, *EXTENSIONS)
    server = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    if server.netloc:
        con.execute(
            f"set s3_endpoint = {literal(server.netloc)}; set s3_use_ssl = {server.scheme == 'https'};"
            " set s3_url_style = 'path'"
        )


def _attach(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Attach the lake as `lake`. Raises `UsageError` where the catalogue has another data path than `lake` states."""
    options = ["data_inlining_row_limit 0"]  # in the catalogue, rows could be read by DuckDB alone
    if lake.data_path is not None:
        # DuckDB's own refusal of another path advises to read the files from there, where they are not
        options += [f"data_path {literal(lake.data_path)}", "override_data_path true"]
    try:
        con.execute(f"attach {literal(str(lake))} as lake ({', '.join(options)})")
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        if isinstance(error, duckdb.InvalidInputException) and lake.data_path is None:
            hint = f"{COMMAND.get()} --data-path lake"
        else:
            hint = _look_at_catalogue(lake)
        raise CaEtlError(f"the DuckLake {lake} cannot be opened: {reason}", hint) from error
    ((stored, used),) = con.execute(
        "select (select value from lake.options() where option_name = 'data_path'), data_path from lake.settings()"
    ).fetchall()
    if stored != used:
        raise UsageError(
            f"the data of {lake} are in {stored}, not in {lake.data_path}",
            f"ca-etl export --to {shlex.quote(str(lake))}",
        )


@contextmanager
def _attached(con: duckdb.DuckDBPyConnection, lake: Lake) -> Iterator[None]:
    """Attach the lake for the block, and remove the files that a block which fails has written.

    DuckLake itself removes those that are finished, not the one that met a full disk. With a catalogue in PostgreSQL,
    or on S3, such a file stays: it may be of another publication, which is under way.
    """
    _attach(con, lake)
    ((path,),) = con.execute("select data_path from lake.settings()").fetchall()
    is_alone = not lake.catalogue.startswith(POSTGRES) and not _is_url(path)

    def files() -> set[Path]:
        return set(Path(path).rglob("*.parquet")) if is_alone else set()

    before = files()
    try:
        yield
    except BaseException:
        for file in files() - before:
            file.unlink()
        raise


def _stored_tables(con: duckdb.DuckDBPyConnection) -> dict[str, DescribedTable]:
    """The tables and views that the schema `main` of the attached lake has, by name."""
    ((release,),) = con.execute("select current_database()").fetchall()
    con.execute("use lake")
    tables = {table.name: table for table in described_tables(con, "main")}
    con.execute(f"use {quoted(release)}")
    return tables


def _read_release(
    con: duckdb.DuckDBPyConnection, stored: Mapping[str, DescribedTable]
) -> tuple[str | None, set[str], str | None]:
    """The id of the release that the lake shows, None without one, the names of its tables, and its site."""
    if RELEASE_TABLE.name not in stored:
        return None, set(), None
    rows = con.execute(f"select release_id, table_name, site from {_in_lake(RELEASE_TABLE.name)}").fetchall()
    release_id, _, site = rows[0] if rows else (None, None, None)
    return release_id, {name for _, name, _ in rows}, site


def _assert_same_site(site: str | None, shown: str | None, lake: Lake) -> None:
    if site is not None and shown is not None and site != shown:
        raise CaEtlError(
            f"{lake} shows a release of {shown}, and the current release is of {site}: publish it in another DuckLake",
            EXAMPLE,
        )


def _assert_newer(release_id: str, shown: str | None, lake: Lake, *, force: bool) -> None:
    if shown is not None and sort_key(shown) > sort_key(release_id) and not force:
        raise CaEtlError(
            f"{lake} shows the release {shown}, which is newer than the current release {release_id}",
            f"{COMMAND.get()} --force",
        )


def _assert_ours(others: set[str], lake: Lake) -> None:
    if others:
        raise CaEtlError(
            f"{lake} has tables in its schema main that are not of a release, with names of ours: "
            f"{', '.join(sorted(others))}; rename them, or publish in another DuckLake",
            EXAMPLE,
        )


def _write(
    con: duckdb.DuckDBPyConnection, table: DescribedTable, rows: str, stored: DescribedTable | None
) -> bool:
    """Give a table of the lake the rows of the query `rows`, and its descriptions; return whether rows were written.

    `stored` is the table as the lake has it, None without one. Raises `CaEtlError` when the lake gives other rows back.
    """
    target = _in_lake(table.name)
    is_written = True
    if stored is None or _types(stored) != _types(table):
        con.execute(f"create or replace table {target} as {rows} order by all")
        stored = None
    elif _are_equal(con, rows, target):
        is_written = False
    else:
        con.execute(f"delete from {target}; insert into {target} {rows} order by all")
    if is_written and not _are_equal(con, rows, target):
        raise CaEtlError(
            f"a DuckLake cannot store main.{table.name} as it is", f"ca-etl describe {table.name}"
        )
    _comment(con, table, stored)
    return is_written


def _comment(con: duckdb.DuckDBPyConnection, table: DescribedTable, stored: DescribedTable | None) -> None:
    """Set the descriptions of a table of the lake and of its columns, where they differ from those of `stored`."""
    target = _in_lake(table.name)
    if table.description != (stored.description if stored else ""):
        con.execute(f"comment on table {target} is {literal(table.description)}")
    comments = {column.name: column.comment for column in stored.columns} if stored else {}
    for column in table.columns:
        if column.comment != comments.get(column.name, ""):
            con.execute(f"comment on column {target}.{quoted(column.name)} is {literal(column.comment)}")


def _are_equal(con: duckdb.DuckDBPyConnection, rows: str, target: str) -> bool:
    """Whether a query and a table have the same rows, each as often: as many, and none that the table lacks."""
    ((are_equal,),) = con.execute(
        f"select (select count(*) from ({rows})) = (select count(*) from {target})"
        f" and not exists ({rows} except all from {target})"
    ).fetchall()
    return bool(are_equal)


def _rows(table: DescribedTable) -> str:
    columns = (
        f"{quoted(column.name)}::{_stored_type(column)} as {quoted(column.name)}" for column in table.columns
    )
    return f"select {', '.join(columns)} from main.{quoted(table.name)}"


def _types(table: DescribedTable) -> list[tuple[str, str]]:
    return [(column.name, _stored_type(column)) for column in table.columns]


def _stored_type(column: Column) -> str:
    return STORED_TYPES.get(column.type, column.type)


def _in_lake(name: str) -> str:
    return f"lake.main.{quoted(name)}"


def _is_url(path: str) -> bool:
    return "://" in path


def _look_at_catalogue(lake: Lake) -> str:
    if lake.catalogue.startswith(POSTGRES):
        connection = shlex.quote(lake.catalogue.removeprefix(POSTGRES))
        return f"psql {connection} --command 'select 1' && {COMMAND.get()}"
    return _look_at_folder(Path(lake.catalogue))


def _look_at_folder(path: Path) -> str:
    return f"ls -ld {shlex.quote(str(nearest_folder(path.parent)))} && {COMMAND.get()}"


@contextmanager
def _lake_errors(lake: Lake) -> Iterator[None]:
    """Turn an error of a lake that is not reached, full or changed by another client meanwhile into a `CaEtlError`."""
    try:
        yield
    except duckdb.Error as error:
        # where a connection to PostgreSQL is lost, the rollback fails as well, with an error of no class
        if not isinstance(error, duckdb.OperationalError) and type(error) is not duckdb.Error:
            raise
        reason = " ".join(str(error.__context__ or error).split())
        if any(mark in reason for mark in DISK_FULL):
            reason, hint = f"{reason}; free some space", f"df -h && {COMMAND.get()}"
        elif isinstance(error, duckdb.TransactionException | duckdb.HTTPException):
            hint = COMMAND.get()
        else:
            hint = _look_at_folder(lake.paths[-1]) if lake.paths else _look_at_catalogue(lake)
        raise CaEtlError(f"{lake} cannot be written, and is as it was: {reason}", hint) from error
