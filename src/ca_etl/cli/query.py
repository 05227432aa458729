"""Read-only queries and exports of the current release, and queries of warehouses that were not published."""

from __future__ import annotations

import errno
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TextIO

import duckdb
from duckdb import StatementType

from ca_etl.cli.render import BATCH, ONE_RESULT, Format, paged, write_result
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse import ducklake, export, lock
from ca_etl.warehouse.connection import described_tables
from ca_etl.warehouse.data_directory import assert_has_data, assert_restored, claimed_site
from ca_etl.warehouse.datapackage import (
    export_descriptor,
    read_datapackage,
    values_as_in,
    write_datapackage,
    write_metadata,
)
from ca_etl.warehouse.durable_files import FULL
from ca_etl.warehouse.lock import Holder, LockHeldError
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.release import (
    BUILDING,
    RELEASES,
    WAREHOUSE,
    Release,
    current_release,
    find_release,
)

ENDINGS: Final = MappingProxyType(
    {".csv": Format.CSV, ".json": Format.JSON, ".parquet": Format.PARQUET, ".txt": Format.TABLE}
)
NOT_LINE_END: Final = re.compile(r"[^\n]")
SHOW: Final = 'ca-etl sql "show tables"'
# The tables, views and macros by the names that a query uses.
RELATIONS: Final = """
    select case when table_schema = 'main' then '' else table_schema || '.' end || table_name
    from information_schema.tables
    union all
    select function_name from duckdb_functions()
    where function_type = 'table_macro' and schema_name = 'main' and not internal
"""
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


@dataclass(frozen=True, slots=True)
class Destination:
    """The place and form in which the results of a query are written.

    `output` is the file, None for stdout. `form` None means the form of the file's ending, on stdout a table. `raw`
    keeps texts that a spreadsheet would take for formulas as they are. With `pager`, results that do not fit the
    window of a terminal are shown in a pager.
    """

    output: Path | None = None
    form: Format | None = None
    raw: bool = False
    pager: bool = True

    def chosen_form(self) -> Format:
        """The form in which results are written. Raises `UsageError` for a file with the ending of no known form."""
        if self.form is not None or self.output is None:
            return self.form or Format.TABLE
        form = ENDINGS.get(self.output.suffix.lower())
        if form is None:
            known = ", ".join(ENDINGS)
            raise UsageError(
                f"the ending of {self.output} is not that of a format: known are {known}",
                "ca-etl sql --help",
            )
        return form


@contextmanager
def queried(
    data_dir: Path, release_id: str | None = None, *, failed: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a release, by default the current one, for SQL that a user types; `run_statements` runs it.

    `failed` opens the warehouse that the last run built but did not publish. Raises `UsageError` for a missing release,
    `ReleaseError` for an unknown `release_id`, and `LockHeldError` while a run is building the warehouse that `failed`
    requests.
    """
    assert_has_data(data_dir)
    if failed and release_id is not None:
        raise UsageError("give --failed or --release, not both", "ca-etl releases")
    if failed:
        warehouse = _newest_unpublished(data_dir)
    elif release_id is not None:
        warehouse = find_release(data_dir, release_id).warehouse
    else:
        warehouse = published(data_dir).warehouse
    with readable(warehouse, locked_down=True) as con:
        yield con


def run_query(
    data_dir: Path,
    query: str,
    destination: Destination,
    *,
    release_id: str | None = None,
    failed: bool = False,
) -> None:
    """Run the statements of a query as `run_statements` does, on a release as `queried` opens it."""
    destination.chosen_form()
    with query_errors(), queried(data_dir, release_id, failed=failed) as con:
        run_statements(con, query, destination)


@contextmanager
def query_errors() -> Iterator[None]:
    """Turn what DuckDB raises for a query into a `QueryError`."""
    try:
        yield
    except duckdb.Error as error:
        raise QueryError(str(error), SHOW) from error


def run_statements(con: duckdb.DuckDBPyConnection, query: str, destination: Destination) -> None:
    """Run the statements of a query, and write the rows of each. `con` must be locked down.

    Raises `QueryError` or `duckdb.Error` for SQL that DuckDB refuses or that would do more than read, and `UsageError`
    for several statements in a form that holds one result.
    """
    form = destination.chosen_form()
    assert_reads(con, query)
    statements = list(_statements(con, query))
    if not statements:
        raise QueryError("there is no statement to run", SHOW)
    if form in ONE_RESULT and len(statements) > 1:
        raise UsageError(
            f"each of {len(statements)} statements has a result: the format {form} holds one, line holds all",
            "ca-etl sql --help",
        )
    with _opened(destination.output, form, pager=destination.pager) as out:
        for statement in statements:
            try:
                _write_rows(con, statement, form, out, raw=destination.raw)
            except duckdb.BinderException as error:
                raise QueryError(str(error), _describe_command(con, statement)) from error


def _statements(con: duckdb.DuckDBPyConnection, query: str) -> Iterator[str]:
    """The text of each statement at its position in `query`: all before it is made spaces and line ends.

    DuckDB's own statements have the text of a PIVOT in pieces, and its errors in the second one wrong positions.
    """
    data = query.encode()
    ends = [at for at, _ in duckdb.tokenize(query) if data[at : at + 1] == b";"]
    start = 0
    for end in (*ends, len(data)):
        text = f"{NOT_LINE_END.sub(' ', data[:start].decode())}{data[start:end].decode()}"
        if con.extract_statements(text):
            yield text
        start = end + 1


def _write_rows(
    con: duckdb.DuckDBPyConnection, statement: str, form: Format, out: TextIO, *, raw: bool = False
) -> None:
    """Write the rows of a statement; an error names a position in its text, and never in what is made of it here."""
    try:
        write_result(con.sql(statement), form, out, raw=raw)
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        con.execute(statement)
        while con.fetchmany(BATCH):
            pass
        raise QueryError(str(error).partition("\n\nLINE ")[0], SHOW) from error


def _describe_command(con: duckdb.DuckDBPyConnection, statement: str) -> str:
    """The command that prints the columns of the first table, view or macro that a statement names."""
    names = (name for (name,) in con.execute(RELATIONS).fetchall())
    matches = [match for name in names if (match := re.search(rf"(?i)\b{re.escape(name)}\b", statement))]
    return f"ca-etl describe {min(matches, key=re.Match.start)[0]}" if matches else SHOW


def assert_reads(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise `QueryError` unless each statement of `query` only reads, by the statement types of DuckDB.

    FROM, VALUES, SHOW, DESCRIBE and SUMMARIZE are of the type SELECT, and allowed. A temporary table or macro is
    refused, since WITH does the same within a query. `con` must be locked down, because DuckDB 1.5 opens the files
    that `import database` names while it parses. Raises `duckdb.Error` for text that is not SQL.
    """
    try:
        statements = con.extract_statements(query)
        refused = [statement.type.name for statement in statements if not _reads(con, statement)]
    except ValueError:
        refused = ["a statement of an unknown type"]  # DuckDB 2.0 has no name for UPDATE EXTENSIONS
    if refused:
        raise QueryError(
            f"{refused[0]} is refused: only statements that read may run, such as SELECT, EXPLAIN, SHOW or DESCRIBE",
            "ca-etl sql --help",
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
    """Write tables of `main` of the current release to `folder`, one file each; yields each complete file.

    Then come `datapackage.json` and, for Datasette, `metadata.json`. `tables` names the tables, empty means all. Raises
    `UsageError` for a table that `main` does not have, and for a folder within a release; `CaEtlError` for a release
    that lost its descriptor.
    """
    _assert_outside_releases(data_dir, folder, "ca-etl export other/folder")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and not a folder for files", "ca-etl export other/folder")
    release = published(data_dir)
    with readable(release.warehouse) as con:
        known = {table.name: table for table in described_tables(con, "main")}
        if missing := [name for name in tables if name not in known]:
            raise UsageError(f"the schema main of the release has no table {', '.join(missing)}", SHOW)
        descriptor = read_datapackage(release.folder)
        with _written(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files = {name: f"{name}.{form}" for name in tables or known}
        for name, file in files.items():
            rows = con.sql(f'from main."{name}" order by all').project(values_as_in(form, known[name]))
            with _opened(folder / file, form) as out:
                if form is Format.PARQUET:
                    export.write_parquet(rows, out.buffer, known[name])
                else:
                    write_result(rows, form, out, raw=raw)
            yield folder / file
    package = export_descriptor(descriptor, folder, files, form)
    if form is Format.CSV and not raw:
        package["description"] = APOSTROPHES
    yield write_datapackage(folder, package)
    yield write_metadata(folder, package)


def publish_in_lake(data_dir: Path, lake: ducklake.Lake, *, force: bool = False) -> ducklake.Publication:
    """Publish the current release in a DuckLake. Raises what `ducklake.publish` raises, and what `published` does."""
    for path in lake.paths:
        _assert_outside_releases(data_dir, path, ducklake.EXAMPLE)
    return ducklake.publish(published(data_dir), lake, site=claimed_site(data_dir), force=force)


def _assert_outside_releases(data_dir: Path, path: Path, hint: str) -> None:
    releases = (data_dir / RELEASES).resolve()
    if any(place.resolve().is_relative_to(releases) for place in (path, path.parent)):
        raise UsageError(f"{path} is in a release, which must not change", hint)


def published(data_dir: Path) -> Release:
    """The current release of the data directory. Raises `CaEtlError` where no release is published or restored yet."""
    assert_has_data(data_dir)
    release = current_release(data_dir)
    if release is None:
        assert_restored(data_dir)
        raise UsageError(
            f"{data_dir} has no release yet: a run, an ingest or the demo makes one", "ca-etl run"
        )
    return release


def assert_capture(data_dir: Path, capture_id: str) -> None:
    """Raise `UsageError` when neither the current release nor an unpublished warehouse has the capture `capture_id`.

    A warehouse that a run is writing is not opened: where only this one may have the capture, `LockHeldError` is
    raised.
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
        f"{data_dir} has no capture {capture_id!r}; the status lists those of firing checks", "ca-etl status"
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


@contextmanager
def _opened(output: Path | None, form: Format, *, pager: bool = False) -> Iterator[TextIO]:
    """Stdout, or a new file that replaces `output` when the block ends without an error.

    Raises `UsageError` for a folder or device, `CaEtlError` for a file that cannot be written.
    """
    if output is None:
        with paged(chop=form is Format.TABLE) if _is_paged(form, pager) else nullcontext(sys.stdout) as out:
            yield out
        return
    if output.exists() and not output.is_file():
        raise UsageError(f"{output} is not a file that can be replaced", f"ls -ld {shlex.quote(str(output))}")
    # renamed when whole, so that neither a full disk nor a failing query leaves half a file
    part = output.with_name(f".{output.name}.part")
    with _written(output):
        out = part.open("w", encoding="utf-8", newline="")
        try:
            with out:
                yield out
            part.replace(output)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `CaEtlError` that names `path` and the command that shows the cause."""
    try:
        yield
    except OSError as error:
        folder = shlex.quote(str(path.parent))
        command = {errno.ENOENT: f"mkdir -p {folder}"}.get(error.errno or 0, f"ls -ld {folder}")
        hint = f"df -h {folder}" if error.errno in FULL else command
        raise CaEtlError(f"cannot write {path}: {error.strerror or error}", hint) from error


def _is_paged(form: Format, pager: bool) -> bool:
    return pager and form not in ONE_RESULT and sys.stdout.isatty()
