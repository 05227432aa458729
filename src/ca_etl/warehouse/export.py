"""Every table of `main` as Parquet, into the new folder of a release.

    parquet/<table>/<table>.parquet              a table of ordinary size
    parquet/<table>/year=2025/<table>.parquet    a big one, by the year of one of its dates

Rows are sorted, so that equal tables give equal bytes, and a reader skips what it does not need. Arrow writes
the files, in row groups cut here: DuckDB's own writer turns a HUGEINT (the sum of an integer) into a DOUBLE. The
footers have the descriptions, under the name `description` in the metadata of the schema and of each field.
"""

# ruff: noqa: S608  table and column names come from the catalogue, quoted, never from data

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
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
# A row group is in memory twice as it is written: of whole texts 7 MB.
TEXT_GROUP_ROWS: Final = 2_000
PARTITION_ROWS: Final = 20_000
# The views of whole texts join them last: DuckDB would collect all of them, to look up those of few rows. It is set
# before there is a second thread: all connections share it, and a query that is planned meanwhile ends the process.
TEXTS_STREAM: Final = "set disabled_optimizers = 'build_side_probe_side'"
DESCRIPTION: Final = "description"
ROWS_DIGEST: Final = b"rows_sha256"
NO_YEAR: Final = "__HIVE_DEFAULT_PARTITION__"


class ExportError(CaEtlError):
    """A table cannot be exported as its header requires."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "ca-etl models")


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """The form of a table's export: the columns to `sort` by, and the date column by whose year files may be split.

    `rows_of` is that of `ModelHeader`.
    """

    name: str
    sort: tuple[str, ...]
    partition_year: str | None = None
    rows_of: str | None = None


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
    published: Callable[[Path], Path | None] = lambda _path: None,
    *,
    partition_rows: int = PARTITION_ROWS,
) -> tuple[ExportedTable, ...]:
    """Write every table and view of `main` as Parquet below `folder`, which must not exist; return them by name.

    Only committed data are exported, by two threads with connections of their own; tables of whole texts one by one,
    since each is sorted in memory.

    A table of more than `partition_rows` rows is split into a folder for each year (`year=2025`) of its date column
    `partition_year`, if it has one; an empty table is one file without rows. Decimals stay decimals, timestamps with
    zone are UTC.

    `published` gives the intact file of an earlier export by its path below `folder`, None where there is none. A file
    of whole texts becomes a hard link to that, unread, if the digest in its footer is that of the rows to be written.

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
            return _export(
                reader,
                folder,
                spec,
                described[spec.name],
                published=published,
                partition_rows=partition_rows,
            )

    con.execute(TEXTS_STREAM)
    # the pool of Arrow keeps what it has freed
    pa.set_memory_pool(pa.system_memory_pool())
    with storage(folder):
        # A new folder each time: an older, longer export would leave partitions that are still read.
        folder.mkdir(parents=True)
        exported = [export(spec) for spec in specs if spec.rows_of is not None]
        with ThreadPoolExecutor(READERS) as pool:
            exported += pool.map(export, (spec for spec in specs if spec.rows_of is None))
    return tuple(sorted(exported, key=lambda table: table.name))


def write_parquet(
    relation: duckdb.DuckDBPyRelation, file: BinaryIO, described: DescribedTable, digest: str | None = None
) -> int:
    """Write rows to a Parquet file, with the descriptions of their table and columns; return the number of rows.

    `file` is an open file, because errors of Arrow itself do not show that the disk is full. The `digest` of rows with
    whole texts is stored in the footer; None stores none.
    """
    rows = 0
    group_rows = TEXT_GROUP_ROWS if digest else ROW_GROUP_ROWS
    reader = relation.to_arrow_reader(min(BATCH_ROWS, group_rows))
    schema = _with_descriptions(reader.schema, described)
    if digest:
        schema = schema.with_metadata({**schema.metadata, ROWS_DIGEST: digest})
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(reader, group_rows):
            writer.write_table(group, row_group_size=group_rows)
            rows += group.num_rows
    return rows


def _with_descriptions(schema: pa.Schema, table: DescribedTable) -> pa.Schema:
    descriptions = {column.name: column.comment for column in table.columns}
    fields = [field.with_metadata({DESCRIPTION: descriptions[field.name]}) for field in schema]
    return pa.schema(fields, {DESCRIPTION: table.description})


def _digest(con: duckdb.DuckDBPyConnection, spec: ExportSpec, described: DescribedTable, where: str) -> str:
    """SHA-256 of all that decides about a file of whole texts, in hex; of texts it takes the ids, their own digests."""
    order = ", ".join(quoted(name) for name in spec.sort)
    # one line a row, with every column by its name
    lines = f"string_agg(to_json(source)::varchar, chr(10) order by {order})"
    view = "select sql from duckdb_views() where schema_name = 'main' and view_name = ?"
    ((of_rows,),) = con.execute(f"select sha256({lines}) from {spec.rows_of} as source {where}").fetchall()
    ((query,),) = con.execute(view, [spec.name]).fetchall()
    facts = (of_rows, query, described, spec, pa.__version__, TEXT_GROUP_ROWS)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _link_equal(old: Path | None, new: Path, digest: str) -> bool:
    """Make `new` a hard link to `old`, if that has this digest in its footer; return whether it was made."""
    if old is None or (pq.read_schema(old).metadata or {}).get(ROWS_DIGEST) != digest.encode():
        return False
    try:
        new.hardlink_to(old)
    except OSError:
        return False
    return True


def _export(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    spec: ExportSpec,
    described: DescribedTable,
    *,
    published: Callable[[Path], Path | None],
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
        digest = _digest(con, spec, described, where) if spec.rows_of else None
        if digest and _link_equal(published(path), folder / path, digest):
            return int(pq.read_metadata(folder / path).num_rows)
        with (folder / path).open("wb") as file:
            return write_parquet(con.sql(f"from {table} {where} {order}"), file, described, digest)

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


def _groups(reader: pa.RecordBatchReader, length: int) -> Iterator[pa.Table]:
    """The batches as tables of exactly `length` rows, the last one shorter: DuckDB 2 cuts them at its own."""
    pending: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        pending.append(batch)
        rows += batch.num_rows
        while rows >= length:
            table = pa.Table.from_batches(pending, reader.schema)
            yield table.slice(0, length).combine_chunks()
            pending = table.slice(length).to_batches()
            rows -= length
    if rows:
        yield pa.Table.from_batches(pending, reader.schema).combine_chunks()


def quoted(name: str) -> str:
    """A table or column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
