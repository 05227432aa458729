"""The analyst's side of the command line: queries and exports of the current release, read-only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.output import Format, write_parquet, write_result
from ca_etl.warehouse.connect import open_release
from ca_etl.warehouse.release import Release, current_release


class QueryError(CaEtlError):
    """DuckDB does not accept the query, in its own words."""


def run_query(data_dir: Path, query: str, form: Format, output: Path | None) -> None:
    """Run one query and write its rows to `output` or stdout.

    Raises `QueryError` for SQL that does not run, `UsageError` for parquet on a terminal or a missing release.
    """
    if form is Format.PARQUET and output is None:
        raise UsageError("parquet is not text", 'ca-etl sql "..." --format parquet --output rows.parquet')
    with open_release(published(data_dir).warehouse, locked_down=True) as con:
        try:
            relation = con.sql(query)
            if relation is None:
                raise QueryError("the query returns no rows", 'ca-etl sql "show tables"')
            _write(relation, form, output)
        except duckdb.Error as error:
            raise QueryError(str(error), 'ca-etl sql "show tables"') from error


def export_tables(data_dir: Path, folder: Path, tables: Sequence[str], form: Format) -> Iterator[Path]:
    """Write each table of `main`, or those named, to `folder`; gives each file once it is whole.

    Raises `UsageError` for a table that is not there.
    """
    if form is Format.TABLE:
        raise UsageError("a table for people is no export", "ca-etl export FOLDER --format csv")
    with open_release(published(data_dir).warehouse) as con:
        there = [row[0] for row in con.execute(TABLES).fetchall()]
        if missing := [name for name in tables if name not in there]:
            raise UsageError(f"main has no table {', '.join(missing)}", 'ca-etl sql "show tables"')
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables or there:
            path = folder / f"{name}.{form}"
            # renamed when whole, so that a full disk leaves no file that looks like a table
            part = path.with_name(f".{path.name}.part")
            _write(con.sql(f'from main."{name}" order by all'), form, part)
            part.replace(path)
            yield path


TABLES = "select table_name from information_schema.tables where table_schema = 'main' order by table_name"


def published(data_dir: Path) -> Release:
    """The current release. Raises `UsageError` before the first one."""
    release = current_release(data_dir)
    if release is None:
        raise UsageError(f"{data_dir} holds no release yet", "ca-etl run, ca-etl ingest or ca-etl demo")
    return release


def _write(relation: duckdb.DuckDBPyRelation, form: Format, output: Path | None) -> None:
    if output is None:
        write_result(relation, form, sys.stdout)
    elif form is Format.PARQUET:
        write_parquet(relation, output)
    else:
        with output.open("w", encoding="utf-8", newline="") as out:
            write_result(relation, form, out)
