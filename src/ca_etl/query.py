"""The analyst's side of the command line: queries and exports of the current release, read-only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.output import Format, write_parquet, write_result
from ca_etl.pipeline.resolve import readable
from ca_etl.warehouse.release import BUILDING, RELEASES, WAREHOUSE, Release, current_release


class QueryError(CaEtlError):
    """DuckDB does not accept the query, in its own words."""


def run_query(data_dir: Path, query: str, form: Format, output: Path | None, *, failed: bool = False) -> None:
    """Run one query and write its rows to `output` or stdout.

    `failed` asks the warehouse that the last run built and could not publish.

    Raises `QueryError` for SQL that does not run, `UsageError` for parquet on a terminal or a missing release.
    """
    if form is Format.PARQUET and output is None:
        raise UsageError("parquet is not text", 'ca-etl sql "..." --format parquet --output rows.parquet')
    warehouse = _unpublished(data_dir) if failed else published(data_dir).warehouse
    with readable(warehouse, locked_down=True) as con:
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
    if any(
        folder.resolve().is_relative_to((data_dir / RELEASES).resolve()) for folder in (folder, folder.parent)
    ):
        raise UsageError(f"{folder} is in a release, which never changes", "ca-etl export some/other/folder")
    with readable(published(data_dir).warehouse) as con:
        there = [row[0] for row in con.execute(TABLES).fetchall()]
        if missing := [name for name in tables if name not in there]:
            raise UsageError(f"main has no table {', '.join(missing)}", 'ca-etl sql "show tables"')
        folder.mkdir(parents=True, exist_ok=True)
        for name in tables or there:
            path = folder / f"{name}.{form}"
            _write(con.sql(f'from main."{name}" order by all'), form, path)
            yield path


TABLES = "select table_name from information_schema.tables where table_schema = 'main' order by table_name"


def published(data_dir: Path) -> Release:
    """The current release. Raises `UsageError` before the first one."""
    release = current_release(data_dir)
    if release is None:
        raise UsageError(f"{data_dir} holds no release yet", "ca-etl run, ca-etl ingest or ca-etl demo")
    return release


def assert_capture(data_dir: Path, capture_id: str) -> None:
    """Raise `UsageError` when neither the current release nor an unpublished warehouse knows the capture."""
    current = current_release(data_dir)
    known = [current.warehouse] if current else []
    known += sorted((data_dir / RELEASES).glob(f"*{BUILDING}/{WAREHOUSE}"))
    for warehouse in known:
        with readable(warehouse) as con:
            if con.execute("select 1 from raw.capture where capture_id = $1", [capture_id]).fetchall():
                return
    raise UsageError(
        f"{data_dir} knows no capture {capture_id!r}", "ca-etl status (names those that checks found)"
    )


def _unpublished(data_dir: Path) -> Path:
    """The warehouse of the newest building folder. Raises `UsageError` without one."""
    found = sorted((data_dir / RELEASES).glob(f"*{BUILDING}/{WAREHOUSE}"))
    if not found:
        raise UsageError(
            f"{data_dir} holds no unpublished warehouse: the last run published", "ca-etl status"
        )
    return found[-1]


def _write(relation: duckdb.DuckDBPyRelation, form: Format, output: Path | None) -> None:
    if output is None:
        write_result(relation, form, sys.stdout)
        return
    # renamed when whole, so that neither a full disk nor a failing query leaves half a file
    part = output.with_name(f".{output.name}.part")
    try:
        if form is Format.PARQUET:
            write_parquet(relation, part)
        else:
            with part.open("w", encoding="utf-8", newline="") as out:
                write_result(relation, form, out)
        part.replace(output)
    except OSError as error:
        raise CaEtlError(
            f"cannot write {output}: {error.strerror or error}", f"ls -ld {output.parent}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
