"""Every table of `main` as Parquet, into the new folder of a release.

    parquet/<table>/<table>.parquet              a table of ordinary size
    parquet/<table>/year=2025/<table>.parquet    a big one, by the year of one of its dates

Rows are sorted, so that equal tables give equal bytes, and a reader skips what it does not need. Arrow writes
the files, in row groups cut here: DuckDB's own writer turns a HUGEINT (the sum of an integer) into a DOUBLE. The
footers have the descriptions, under the name `description` in the metadata of the schema and of each field.
"""

# ruff: noqa: S608  table and column names come from the catalogue, quoted, never from data

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import (
    READERS,
    DescribedTable,
    described_tables,
    fetch_number,
    reading_connection,
)
from ca_etl.warehouse.durable_files import storage

BATCH_ROWS: Final = 20_000
ROW_GROUP_ROWS: Final = 50_000
PARTITION_ROWS: Final = 1_000_000
DESCRIPTION: Final = "description"
NO_YEAR: Final = "__HIVE_DEFAULT_PARTITION__"


class ExportError(CaEtlError):
    """A table cannot be exported as its header requires."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "ca-etl models")


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """The form of a table's export: the columns to `sort` by, and the date column by whose year files may be split."""

    name: str
    sort: tuple[str, ...]
    partition_year: str | None = None


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """One table as exported: the number of rows, and its Parquet files in order, relative to the export folder."""

    name: str
    rows: int
    files: tuple[str, ...]


def export_parquet(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    tables: Iterable[ExportSpec],
    *,
    partition_rows: int = PARTITION_ROWS,
) -> tuple[ExportedTable, ...]:
    """Write every table and view of `main` as Parquet below `folder`, which must not exist; return them by name.

    Only committed data are exported, by two threads with connections of their own.

    A table of more than `partition_rows` rows is split into a folder for each year (`year=2025`) of its date column
    `partition_year`, if it has one; an empty table is one file without rows. Decimals stay decimals, timestamps with
    zone are UTC.

    Raises `ExportError` when `tables` are not exactly those of `main` or name unknown columns, `StorageError`
    when the disk refuses.
    """
    specs = sorted(tables, key=lambda spec: spec.name)
    described = {table.name: table for table in described_tables(con, "main")}
    if [spec.name for spec in specs] != sorted(described):
        names = ", ".join(sorted({spec.name for spec in specs} ^ described.keys())) or "one is named twice"
        raise ExportError(f"the tables to export and those of schema main differ: {names}")

    def export(spec: ExportSpec) -> ExportedTable:
        with reading_connection(con) as reader:
            return _export(reader, folder, spec, described[spec.name], partition_rows)

    with storage(folder):
        # A new folder each time: an older, longer export would leave partitions that are still read.
        folder.mkdir(parents=True)
        with ThreadPoolExecutor(READERS) as pool:
            return tuple(pool.map(export, specs))


def write_parquet(relation: duckdb.DuckDBPyRelation, file: BinaryIO, described: DescribedTable) -> int:
    """Write rows to a Parquet file, with the descriptions of their table and columns; return the number of rows.

    `file` is an open file, because errors of Arrow itself do not show that the disk is full.
    """
    rows = 0
    reader = relation.to_arrow_reader(BATCH_ROWS)
    schema = _with_descriptions(reader.schema, described)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(reader):
            writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
            rows += group.num_rows
    return rows


def _with_descriptions(schema: pa.Schema, table: DescribedTable) -> pa.Schema:
    descriptions = {column.name: column.comment for column in table.columns}
    fields = [field.with_metadata({DESCRIPTION: descriptions[field.name]}) for field in schema]
    return pa.schema(fields, {DESCRIPTION: table.description})


def _export(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    spec: ExportSpec,
    described: DescribedTable,
    partition_rows: int,
) -> ExportedTable:
    columns = [column.name for column in described.columns]
    unknown = {*spec.sort, *([spec.partition_year] if spec.partition_year else [])} - set(columns)
    if unknown:
        raise ExportError(f"main.{spec.name} has no column {', '.join(sorted(unknown))}")
    table = f"main.{quoted(spec.name)}"
    rows, order = _rows_and_order(con, table, spec, columns)

    def write(path: Path, where: str) -> int:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("wb") as file:
            return write_parquet(con.sql(f"from {table} {where} {order}"), file, described)

    if spec.partition_year is None or rows <= partition_rows:
        path = Path(spec.name, f"{spec.name}.parquet")
        written = write(path, "")
        parts = [path]
    else:
        if "year" in columns:
            raise ExportError(f"main.{spec.name} has a column year, which a partition by year would hide")
        written = 0
        parts = []
        year = f"year({quoted(spec.partition_year)})"
        for (value,) in con.execute(
            f"select distinct {year} from {table} order by all nulls last"
        ).fetchall():
            path = Path(spec.name, f"year={NO_YEAR if value is None else value}", f"{spec.name}.parquet")
            where = f"{year} is null" if value is None else f"{year} = {value}"
            written += write(path, f"where {where}")
            parts.append(path)
    if written != rows:
        raise ExportError(f"main.{spec.name} has {rows} rows, of which {written} were exported")
    return ExportedTable(spec.name, rows, tuple(path.as_posix() for path in parts))


def _rows_and_order(
    con: duckdb.DuckDBPyConnection, table: str, spec: ExportSpec, columns: list[str]
) -> tuple[int, str]:
    """The number of rows, and the `order by` that leaves no two of them in an order of their own.

    It is empty where the rows are stored in the order of `spec.sort`, each of them after the previous one.
    """
    sort = [quoted(name) for name in spec.sort]
    # a row is compared column by column, null after all else, as `nulls last` sorts; over () goes by the table
    row = f"row({', '.join(sort or ['null'])})"
    rows, is_sorted = con.execute(
        f"select count(*), bool_and(is_next) from (select {row} > lag({row}) over () as is_next from {table})"
    ).fetchall()[0]
    if is_sorted:
        return rows, ""
    rest = [quoted(name) for name in columns if name not in spec.sort]
    if (
        sort
        and fetch_number(con, f"select count(*) from (select distinct {', '.join(sort)} from {table})")
        == rows
    ):
        rest = []
    return rows, f"order by {', '.join(f'{name} asc nulls last' for name in [*sort, *rest])}"


def _groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches as tables of exactly `ROW_GROUP_ROWS` rows, the last one shorter: DuckDB 2 cuts them at its own."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        pending.append(batch)
        rows += batch.num_rows
        while rows >= ROW_GROUP_ROWS:
            table = pa.Table.from_batches(pending, reader.schema)
            yield table.slice(0, ROW_GROUP_ROWS).combine_chunks()
            pending = table.slice(ROW_GROUP_ROWS).to_batches()
            rows -= ROW_GROUP_ROWS
    if rows:
        yield pa.Table.from_batches(pending, reader.schema).combine_chunks()


def quoted(name: str) -> str:
    """A table or column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
