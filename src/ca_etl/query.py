"""The analyst's side of the command line: queries and exports of the current release, read-only."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.output import Format, write_parquet, write_result
from ca_etl.pipeline.resolve import readable
from ca_etl.warehouse import lock
from ca_etl.warehouse.lock import Holder, LockHeldError
from ca_etl.warehouse.release import BUILDING, RELEASES, WAREHOUSE, Release, current_release


class QueryError(CaEtlError):
    """DuckDB does not accept the query, in its own words."""


def run_query(
    data_dir: Path, query: str, form: Format, output: Path | None, *, failed: bool = False, raw: bool = False
) -> None:
    """Run one query and write its rows to `output` or stdout.

    `failed` asks the warehouse that the last run built and could not publish; `raw` is that of `write_result`.

    Raises `QueryError` for SQL that does not run, `UsageError` for parquet on a terminal or a missing release, and
    `LockHeldError` where a run is still at work on what `failed` asks for.
    """
    if form is Format.PARQUET and output is None:
        raise UsageError("parquet is not text", 'ca-etl sql "..." --format parquet --output rows.parquet')
    warehouse = _left_unpublished(data_dir) if failed else published(data_dir).warehouse
    with readable(warehouse, locked_down=True) as con:
        try:
            relation = con.sql(query)
            if relation is None:
                raise QueryError("the query returns no rows", 'ca-etl sql "show tables"')
            _write(relation, form, output, raw=raw)
        except duckdb.Error as error:
            raise QueryError(str(error), 'ca-etl sql "show tables"') from error


def export_tables(
    data_dir: Path, folder: Path, tables: Sequence[str], form: Format, *, raw: bool = False
) -> Iterator[Path]:
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
            _write(con.sql(f'from main."{name}" order by all'), form, path, raw=raw)
            yield path


TABLES = "select table_name from information_schema.tables where table_schema = 'main' order by table_name"


def published(data_dir: Path) -> Release:
    """The current release. Raises `UsageError` before the first one."""
    release = current_release(data_dir)
    if release is None:
        raise UsageError(f"{data_dir} holds no release yet", "ca-etl run, ca-etl ingest or ca-etl demo")
    return release


def assert_capture(data_dir: Path, capture_id: str) -> None:
    """Raise `UsageError` when neither the current release nor an unpublished warehouse knows the capture.

    One that a run is at work on is not asked: where only that one may know it, `LockHeldError` is raised.
    """
    current = current_release(data_dir)
    at_work = lock.at_work(data_dir)
    for warehouse in ([current.warehouse] if current else []) + _unpublished(data_dir, at_work):
        with readable(warehouse) as con:
            if con.execute("select 1 from raw.capture where capture_id = $1", [capture_id]).fetchall():
                return
    if at_work is not None:
        raise LockHeldError(data_dir, at_work)
    raise UsageError(
        f"{data_dir} knows no capture {capture_id!r}", "ca-etl status (names those that checks found)"
    )


def _unpublished(data_dir: Path, at_work: Holder | None) -> list[Path]:
    """The warehouses of building folders, the newest last, without the one that a run is at work on."""
    found = sorted((data_dir / RELEASES).glob(f"*{BUILDING}/{WAREHOUSE}"))
    mine = f"{at_work.run_id}{BUILDING}" if at_work else None
    return [warehouse for warehouse in found if warehouse.parent.name != mine]


def _left_unpublished(data_dir: Path) -> Path:
    """The newest of them. Raises `UsageError` without one, `LockHeldError` while the run that may leave one is on."""
    at_work = lock.at_work(data_dir)
    found = _unpublished(data_dir, at_work)
    if not found and at_work is not None:
        raise LockHeldError(data_dir, at_work)
    if not found:
        raise UsageError(
            f"{data_dir} holds no unpublished warehouse: the last run published", "ca-etl status"
        )
    return found[-1]


def _write(relation: duckdb.DuckDBPyRelation, form: Format, output: Path | None, *, raw: bool) -> None:
    if output is None:
        write_result(relation, form, sys.stdout, raw=raw)
        return
    # renamed when whole, so that neither a full disk nor a failing query leaves half a file
    part = output.with_name(f".{output.name}.part")
    try:
        if form is Format.PARQUET:
            write_parquet(relation, part)
        else:
            with part.open("w", encoding="utf-8", newline="") as out:
                write_result(relation, form, out, raw=raw)
        part.replace(output)
    except OSError as error:
        raise CaEtlError(
            f"cannot write {output}: {error.strerror or error}", f"ls -ld {output.parent}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
