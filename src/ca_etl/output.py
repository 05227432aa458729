"""Query results as text: a table for people, csv, json and parquet for programs.

DuckDB itself writes every value (as text, or as JSON), so that a decimal keeps its digits and no
value passes through a binary float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from ca_etl.errors import UsageError
from ca_etl.sanitize import exact, json_escaped

if TYPE_CHECKING:
    import duckdb

BATCH: Final = 1_000
# A spreadsheet takes a cell for a formula by its first character; some skip spaces, some take the wide forms.
FORMULA: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
SKIPPED: Final = "".join(map(chr, (*range(33), 0xA0, 0x200B, 0xFEFF)))
# A number is a number to a spreadsheet, also with its sign: -0% of the ticker and negative decimals stay as they are.
NUMBER: Final = re.compile(
    r"[+-]?(?:\d{1,60}(?:[.,]\d{0,60}){0,20}|[.,]\d{1,60})(?:[eE][+-]?\d{1,5})?%?|[+-]?inf"
)
# One that splits at semicolons or tabs must not see a second cell within a text.
QUOTED: Final = re.compile(r"[\",;\t\r\n]")
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


def write_result(relation: duckdb.DuckDBPyRelation, form: Format, out: TextIO, *, raw: bool = False) -> None:
    """Write all rows of `relation` to the text stream `out`; what is written to a terminal cannot steer it.

    JSON is one array with a row on each line. A text that a spreadsheet would take for a formula has an apostrophe
    before it in CSV, unless `raw`. Raises `UsageError` for parquet, which is no text.
    """
    match form:
        case Format.CSV:
            _write_csv(relation, exact(out), raw=raw)
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


def _write_csv(relation: duckdb.DuckDBPyRelation, out: TextIO, *, raw: bool) -> None:
    for row in chain([relation.columns], _as_text(relation)):
        line = ",".join(_quoted(value or "" if raw else without_formula(value or "")) for value in row)
        # an empty line would be no row at all
        out.write(f"{line}\n" if line else '""\n')


def without_formula(text: str) -> str:
    """The text of a CSV cell, with an apostrophe before it where a spreadsheet would take it for a formula."""
    is_formula = text.lstrip(SKIPPED)[:1] in FORMULA and not NUMBER.fullmatch(text)
    return f"'{text}" if is_formula or text.startswith(("\t", "\r", "\n")) else text


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if QUOTED.search(text) else text


def _write_json(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in relation.columns]
    before = "["
    for row in _rows(relation.project("to_json(columns(*))")):
        pairs = (f"{name}: {value or 'null'}" for name, value in zip(names, row, strict=True))
        out.write(json_escaped(f"{before}\n  {{{', '.join(pairs)}}}"))
        before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _write_table(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    from ca_etl.screen import Screen, table

    rows = _as_text(relation)
    right = {place for place, kind in enumerate(relation.types) if str(kind).startswith(RIGHT_ALIGNED)}
    # A pipe has no width; folding at 80 columns there would cut numbers in two.
    console = Screen(file=out, width=None if out.isatty() else 100_000)
    console.print(table(relation.columns, islice(rows, TABLE_ROWS), right))
    if left_out := sum(1 for _ in rows):
        console.print(f"({left_out} more rows: --format csv shows all)")
