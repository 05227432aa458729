"""Query results as text: a table for people, csv, json and parquet for programs.

DuckDB itself writes every value (as text, or as JSON), so that a decimal keeps its digits and no
value passes through a binary float.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ca_etl.errors import UsageError

if TYPE_CHECKING:
    import duckdb

BATCH: Final = 1_000
# A title from the web must not steer the terminal: C0 and C1 controls and the marks that turn the writing around.
CONTROLS: Final = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160), *range(8234, 8239)), "�")
TABLE_ROWS: Final = 1_000
RIGHT_ALIGNED: Final = (
    "DECIMAL",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "DOUBLE",
    "FLOAT",
    "U",
)


class Format(StrEnum):
    """Formats of `ca-etl sql` and `ca-etl export`."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def write_result(relation: duckdb.DuckDBPyRelation, form: Format, out: IO[str]) -> None:
    """Write all rows of `relation` to the text stream `out`.

    JSON is one array with a row on each line. Raises `UsageError` for parquet, which is no text.
    """
    match form:
        case Format.CSV:
            _write_csv(relation, out)
        case Format.JSON:
            _write_json(relation, out)
        case Format.TABLE:
            _write_table(relation, out)
        case Format.PARQUET:
            raise UsageError("parquet is not text", 'ca-etl sql "..." --format parquet --output rows.parquet')


def write_parquet(relation: duckdb.DuckDBPyRelation, path: Path) -> None:
    """Write all rows of `relation` to a Parquet file with the query's own types."""
    import pyarrow.parquet as pq

    reader = relation.to_arrow_reader(BATCH * 100)
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


def _rows(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str | None, ...]]:
    # DuckDB 2.0 relations have no fetchmany any more, and fetchall would hold the whole result.
    for batch in relation.to_arrow_reader(BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _as_text(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str | None, ...]]:
    return _rows(relation.project("columns(*)::varchar"))


def _write_csv(relation: duckdb.DuckDBPyRelation, out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(relation.columns)
    writer.writerows(_as_text(relation))


def _write_json(relation: duckdb.DuckDBPyRelation, out: IO[str]) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in relation.columns]
    before = "["
    for row in _rows(relation.project("to_json(columns(*))")):
        pairs = (f"{name}: {value or 'null'}" for name, value in zip(names, row, strict=True))
        out.write(f"{before}\n  {{{', '.join(pairs)}}}")
        before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _write_table(relation: duckdb.DuckDBPyRelation, out: IO[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, kind in zip(relation.columns, relation.types, strict=True):
        table.add_column(
            name, justify="right" if str(kind).startswith(RIGHT_ALIGNED) else "left", overflow="fold"
        )
    left_out = 0
    for number, row in enumerate(_as_text(relation)):
        if number < TABLE_ROWS:
            table.add_row(*(Text((value or "").translate(CONTROLS)) for value in row))
        else:
            left_out += 1
    # A pipe has no width; folding at 80 columns there would cut figures in two.
    console = Console(file=out, width=None if out.isatty() else 100_000)
    console.print(table)
    if left_out:
        console.print(f"({left_out} more rows: --format csv shows all)")
