"""Make the tables `raw.*` from the files in `sql/raw/`, compare their columns, and fill them from Arrow rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import columns_by_table, transaction
from ca_etl.warehouse.sqlfiles import raw_files

# ruff: noqa: S608  table names come from `sql/raw/`, never from data


INCOMING: Final = "incoming_rows"


class OutdatedWarehouseError(CaEtlError):
    """A table of `raw`, made by an earlier version of the code, has other columns than its file in `sql/raw/`."""


def ensure_raw(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `raw.*` that are missing, with their comments.

    Raises `OutdatedWarehouseError` when a table has other columns than its file.
    """
    ddl, layout = _ddl()
    # Making nothing takes DuckDB 70 ms, most of it for comments that exist already.
    if _layout(con) == layout:
        return
    for table, columns in _other_columns(con, ddl):
        raise OutdatedWarehouseError(
            f"raw.{table} is of an earlier version of ca_etl, with other columns than now: {columns}",
            "ca-etl rebuild",
        )
    with transaction(con):
        con.execute(ddl)
        con.execute("delete from raw.layout")
        con.execute("insert into raw.layout values (?)", [layout])


def is_outdated(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a warehouse has tables of `raw` from an earlier version of the code, with other columns than now."""
    ddl, layout = _ddl()
    return _layout(con) != layout and any(_other_columns(con, ddl))


def arrow_rows(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Convert rows to an Arrow table with the column types of the table `raw.<table>`."""
    return pa.Table.from_pylist(rows, schema=arrow_schema(con, table))


def arrow_schema(con: duckdb.DuckDBPyConnection, table: str) -> pa.Schema:
    """The columns of the table `raw.<table>` in Arrow's types."""
    return con.sql(f"select * from raw.{table} limit 0").to_arrow_reader(1).read_all().schema


def keys_of(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    """The columns of the primary key of each table of `raw`, by the name of the table."""
    keys = con.execute(
        "select table_name, constraint_column_names from duckdb_constraints()"
        " where schema_name = 'raw' and constraint_type = 'PRIMARY KEY' and database_name = current_database()"
    ).fetchall()
    return {table: tuple(columns) for table, columns in keys}


@contextmanager
def incoming(con: duckdb.DuckDBPyConnection, rows: pa.Table) -> Iterator[None]:
    """Make `rows` readable for SQL as the table `incoming_rows`, for the `with` block."""
    con.register(INCOMING, rows)
    yield
    # Not in a `finally`: in a transaction that an error has ended, DuckDB 2 refuses this too and would hide
    # the error. The next registration takes the name over.
    con.unregister(INCOMING)


def _ddl() -> tuple[str, str]:
    """The statements that make the landing tables, and their SHA-256 in hex, which `raw.layout` keeps."""
    ddl = "create schema if not exists raw;\n" + "\n".join(file.read_text("utf-8") for file in raw_files())
    return ddl, hashlib.sha256(ddl.encode()).hexdigest()


def _layout(con: duckdb.DuckDBPyConnection) -> str | None:
    try:
        rows = con.execute("select sha256 from raw.layout").fetchall()
    except duckdb.CatalogException:
        return None
    return str(rows[0][0]) if rows else None


def _other_columns(con: duckdb.DuckDBPyConnection, ddl: str) -> Iterator[tuple[str, str]]:
    """The landing tables with other columns than `ddl` makes, and which columns differ."""
    stored = columns_by_table(con, "raw")
    with duckdb.connect(":memory:") as scratch:
        scratch.execute(ddl)
        expected = columns_by_table(scratch, "raw")
    for table in sorted(stored.keys() & expected.keys()):
        # a comment may change without a rebuild
        ours, theirs = ([column[:3] for column in tables[table]] for tables in (expected, stored))
        if ours != theirs:
            names = sorted(name for name, *_ in set(ours) ^ set(theirs))
            yield table.removeprefix("raw."), ", ".join(names) or "their order"
