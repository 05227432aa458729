"""Read-only queries and exports of the current release, and queries of warehouses that were not published."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import duckdb
from duckdb import StatementType

from ca_etl.cli.render import PARQUET_ON_STDOUT, PARQUET_TO_FILE, Format, write_parquet, write_result
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse import export, lock
from ca_etl.warehouse.connection import DescribedTable, described_tables
from ca_etl.warehouse.conversion import Conversion, convert
from ca_etl.warehouse.datapackage import (
    export_descriptor,
    read_datapackage,
    values_as_in,
    write_datapackage,
)
from ca_etl.warehouse.lock import Holder, LockHeldError
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.release import BUILDING, RELEASES, WAREHOUSE, Release, current_release

SHOW: Final = 'ca-etl sql "show tables"'
APOSTROPHES: Final = (
    "An apostrophe precedes each text that a spreadsheet takes for a formula; without: `ca-etl export --raw`."
)
# EXPLAIN after spaces and line comments. Block comments nest, which no pattern can match: those are refused.
EXPLAIN: Final = re.compile(
    r"(?:\s|--[^\r\n]*[\r\n])*+explain\b\s*(?:analy[sz]e\b\s*)?(?P<options>\([^()]{1,200}\))?(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
# The PRAGMAs that are queries. DuckDB 1.5 makes a SELECT of them itself, 2.0 does not.
READING_PRAGMA: Final = re.compile(
    r"\s*pragma\s+(?:collations|database_list|database_size|functions|metadata_info|platform|show_databases"
    r"|show_tables|show_tables_expanded|storage_info|table_info|user_agent|version)\b",
    re.IGNORECASE,
)


class QueryError(CaEtlError):
    """A query that DuckDB does not accept, or that would do more than read."""


def run_query(
    data_dir: Path, query: str, form: Format, output: Path | None, *, failed: bool = False, raw: bool = False
) -> None:
    """Run one query on the current release and write its rows to `output` or stdout.

    `failed` queries the warehouse that the last run built but did not publish; `raw` is that of `write_result`.

    Raises `QueryError` for SQL that DuckDB refuses or that would do more than read, `UsageError` for Parquet on stdout
    or a missing release, and `LockHeldError` while a run is building the warehouse that `failed` requests.
    """
    if form is Format.PARQUET and output is None:
        raise UsageError(PARQUET_ON_STDOUT, PARQUET_TO_FILE)
    warehouse = _newest_unpublished(data_dir) if failed else published(data_dir).warehouse
    try:
        with readable(warehouse, locked_down=True) as con:
            assert_reads(con, query)
            relation = con.sql(query)
            if relation is None:
                raise QueryError("the statement has no result to print", SHOW)
            _write(relation, form, output, raw=raw)
    except duckdb.Error as error:
        raise QueryError(str(error), SHOW) from error


def convert_amount(data_dir: Path, amount: str, base: str, quote: str, day: date | None) -> Conversion:
    """Convert an amount at the rates of a day, by default the last one with rates, of the current release.

    Raises `UsageError` for a text that is not a number, and where there is no rate.
    """
    try:
        number = Decimal(amount)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise UsageError(f"{amount!r} is not an amount", "ca-etl convert 5000 KGS USD")
    with readable(published(data_dir).warehouse, locked_down=True) as con:
        if day is None:
            (day,) = con.execute("select max(rate_date) from main.fct_rate_best").fetchone() or (None,)
        if day is None:
            raise UsageError("the release has no rates", "ca-etl status")
        conversion = convert(con, number, base, quote, day)
    if conversion.no_amount_reason is not None:
        raise UsageError(
            f"no rate for {base} in {quote} on {day}: {conversion.no_amount_reason}",
            'ca-etl sql "select currency_code, first_rate_date, last_rate_date from dim_currency"',
        )
    return conversion


def assert_reads(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise `QueryError` unless each statement of `query` only reads, by the statement types of DuckDB.

    DuckDB gives FROM, VALUES, SHOW, DESCRIBE and SUMMARIZE the type SELECT. A temporary table or macro is refused too:
    a connection runs one query, in which WITH does the same. `con` must be locked down, because DuckDB 1.5 opens the
    files that `import database` names while it parses. Raises `duckdb.Error` for text that is not SQL.
    """
    try:
        statements = con.extract_statements(query)
        refused = [statement.type.name for statement in statements if not _reads(con, statement)]
    except ValueError:
        refused = ["a statement of an unknown type"]  # DuckDB 2.0 has no name for UPDATE EXTENSIONS
    if refused:
        raise QueryError(
            f"{refused[0]} is refused: only statements that read may run, such as SELECT, EXPLAIN, SHOW or DESCRIBE",
            'ca-etl sql "select ..." --output FILE, or ca-etl export FOLDER (both write rows to files)',
        )


def _reads(con: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    text = statement.query
    match statement.type:
        case StatementType.SELECT:
            return True
        case StatementType.EXPLAIN:
            # EXPLAIN ANALYZE runs the explained statement, whose type DuckDB does not give
            match = EXPLAIN.fullmatch(text)
            return match is not None and (
                _types(con, match["rest"]) == [StatementType.SELECT]
                or _types(con, f"{match['options'] or ''}{match['rest']}") == [StatementType.SELECT]
            )
        case StatementType.PRAGMA:
            return READING_PRAGMA.match(text) is not None
        case StatementType.CREATE:
            # for a PIVOT, DuckDB 1.5 adds a CREATE TYPE before the SELECT, which unlike one of the user has no text
            return not text
        case StatementType.MULTI:
            # a PIVOT in DuckDB 2.0; an INSERT or COPY of one has this type too, but cannot be a subquery
            return bool(_types(con, f"select exists (\n{text.strip().removesuffix(';')}\n)"))
    return False


def _types(con: duckdb.DuckDBPyConnection, text: str) -> list[StatementType]:
    try:
        return [statement.type for statement in con.extract_statements(text)]
    except (duckdb.Error, ValueError):
        return []


def export_tables(
    data_dir: Path, folder: Path, tables: Sequence[str], form: Format, *, raw: bool = False
) -> Iterator[Path]:
    """Write each table of `main`, or only `tables`, to `folder`, then `datapackage.json`; yields each complete file.

    Raises `UsageError` for a table that `main` does not have, and for a folder within a release; `CaEtlError` for a
    release that lost its descriptor.
    """
    if any(
        folder.resolve().is_relative_to((data_dir / RELEASES).resolve()) for folder in (folder, folder.parent)
    ):
        raise UsageError(f"{folder} is in a release, which must not change", "ca-etl export other/folder")
    release = published(data_dir)
    with readable(release.warehouse) as con:
        known = {table.name: table for table in described_tables(con, "main")}
        if missing := [name for name in tables if name not in known]:
            raise UsageError(f"the schema main of the release has no table {', '.join(missing)}", SHOW)
        descriptor = read_datapackage(release.folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = {name: f"{name}.{form}" for name in tables or known}
        for name, file in files.items():
            rows = con.sql(f'from main."{name}" order by all').project(values_as_in(form, known[name]))
            _write(rows, form, folder / file, raw=raw, table=known[name])
            yield folder / file
    package = export_descriptor(descriptor, folder, files, form)
    if form is Format.CSV and not raw:
        package["description"] = APOSTROPHES
    yield write_datapackage(folder, package)


def published(data_dir: Path) -> Release:
    """The current release of the data directory. Raises `UsageError` when nothing has been published."""
    release = current_release(data_dir)
    if release is None:
        raise UsageError(f"{data_dir} has no release yet", "ca-etl run, ca-etl ingest or ca-etl demo")
    return release


def assert_capture(data_dir: Path, capture_id: str) -> None:
    """Raise `UsageError` when neither the current release nor an unpublished warehouse has the capture.

    The warehouse that a run is writing is not opened: when only this one may have it, `LockHeldError` is raised.
    """
    current = current_release(data_dir)
    active = lock.live_run(data_dir)
    for warehouse in ([current.warehouse] if current else []) + _unpublished(data_dir, active):
        with readable(warehouse) as con:
            if con.execute("select 1 from raw.capture where capture_id = $1", [capture_id]).fetchall():
                return
    if active is not None:
        raise LockHeldError(data_dir, active)
    raise UsageError(
        f"{data_dir} has no capture {capture_id!r}", "ca-etl status (lists the captures of firing checks)"
    )


def _unpublished(data_dir: Path, active: Holder | None) -> list[Path]:
    """The warehouse files that were built but not published, the newest last, without one that a run is writing."""
    warehouses = sorted((data_dir / RELEASES).glob(f"*{BUILDING}/{WAREHOUSE}"))
    open_folder = f"{active.run_id}{BUILDING}" if active else None
    return [warehouse for warehouse in warehouses if warehouse.parent.name != open_folder]


def _newest_unpublished(data_dir: Path) -> Path:
    """The newest warehouse file that was built but not published.

    Without one, raises `LockHeldError` while a run is active that may leave one, else `UsageError`.
    """
    active = lock.live_run(data_dir)
    warehouses = _unpublished(data_dir, active)
    if warehouses:
        return warehouses[-1]
    if active is not None:
        raise LockHeldError(data_dir, active)
    raise UsageError(f"{data_dir} has no unpublished warehouse: the last run published", "ca-etl status")


def _write(
    relation: duckdb.DuckDBPyRelation,
    form: Format,
    output: Path | None,
    *,
    raw: bool,
    table: DescribedTable | None = None,
) -> None:
    if output is None:
        write_result(relation, form, sys.stdout, raw=raw)
        return
    # renamed when whole, so that neither a full disk nor a failing query leaves half a file
    part = output.with_name(f".{output.name}.part")
    try:
        if form is Format.PARQUET and table is not None:
            export.write_parquet(relation, part, table)
        elif form is Format.PARQUET:
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
