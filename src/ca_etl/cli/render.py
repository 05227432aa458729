"""What commands share: load settings, print errors, results (table, CSV, JSON, Parquet) and a progress bar.

DuckDB itself writes every value (as text, or as JSON), so that a decimal keeps its digits and no value passes through a
binary float.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import typer

from ca_etl import logs
from ca_etl.errors import UsageError
from ca_etl.sanitize import exact, hide, json_escaped, redacted, visible

if TYPE_CHECKING:
    import duckdb
    from rich.console import Console

    from ca_etl.settings import Settings
    from ca_etl.sources.session import Progress

log = logging.getLogger(__name__)


def load_settings() -> Settings:
    """The settings of environment and `.env`. Raises `UsageError` for one that is not valid."""
    from pydantic import SecretStr

    from ca_etl.settings import read_settings

    settings = read_settings()
    hide(value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
    logs.prefer(settings.log_format)
    return settings


def warn_of_misspelt_settings() -> None:
    """Log a warning for each `CA_ETL_*` variable that no setting has the name of."""
    from ca_etl.settings import misspelt, present

    for variable in misspelt(present()):
        log.warning("%s; ca-etl doctor has the next command", variable)


def print_line(message: str, level: int = logging.INFO, hint: str = "") -> None:
    """Print one line on stderr and the next command to run; as JSON one record of this level with the field `next`."""
    if logs.is_json():
        logging.getLogger("ca_etl").log(level, message, extra={"next": hint} if hint else None)
        return
    # typer.echo would drop escapes where stderr is not a terminal, and Rich's progress bar would take them for its own
    sys.stderr.write(visible(redacted(f"{message}\nnext: {hint}\n" if hint else f"{message}\n")))
    sys.stderr.flush()


def print_error(message: str, hint: str) -> None:
    """Print what went wrong, and the next command to run, on stderr."""
    print_line(message if logs.is_json() else f"ca-etl: {message}", logging.ERROR, hint)


def print_json(value: object) -> None:
    """Print a dataclass on stdout, for programs."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    typer.echo(json_escaped(adapter.dump_json(value, indent=2).decode()))


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """A progress bar on stderr once the work has lasted two seconds, nothing when stderr is not a terminal."""
    from ca_etl.sources.session import silent

    if logs.is_json() or not sys.stderr.isatty():
        yield silent
        return

    with bar_after(seconds=2.0) as progress:
        yield progress


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
# How the types of numbers begin, those without a sign with U (a UUID is aligned with them).
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
    in front of it in CSV, unless `raw`. Raises `UsageError` for parquet, which is not text.
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
    # A relation of DuckDB 2.0 has no fetchmany, and fetchall would hold the whole result.
    for batch in relation.to_arrow_reader(BATCH):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _as_text(relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str | None, ...]]:
    return _rows(relation.project("columns(*)::varchar"))


def _write_csv(relation: duckdb.DuckDBPyRelation, out: TextIO, *, raw: bool) -> None:
    for row in chain([relation.columns], _as_text(relation)):
        line = ",".join(_quoted(value or "" if raw else without_formula(value or "")) for value in row)
        # an empty line would not be a row
        out.write(f"{line}\n" if line else '""\n')


def without_formula(text: str) -> str:
    """The text of a CSV cell, with an apostrophe in front where a spreadsheet would take it for a formula."""
    is_formula = text.lstrip(SKIPPED)[:1] in FORMULA and not NUMBER.fullmatch(text)
    return f"'{text}" if is_formula or text.startswith(("\t", "\r", "\n")) else text


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if QUOTED.search(text) else text


def _write_json(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in relation.columns]
    separator = "["
    for row in _rows(relation.project("to_json(columns(*))")):
        pairs = (f"{name}: {value or 'null'}" for name, value in zip(names, row, strict=True))
        out.write(json_escaped(f"{separator}\n  {{{', '.join(pairs)}}}"))
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _write_table(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    from ca_etl.screen import Screen, table

    rows = _as_text(relation)
    right = {index for index, kind in enumerate(relation.types) if str(kind).startswith(RIGHT_ALIGNED)}
    # A pipe has no width; folding at 80 columns there would cut numbers in two.
    console = Screen(file=out, width=None if out.isatty() else 100_000)
    console.print(table(relation.columns, islice(rows, TABLE_ROWS), right))
    if left_out := sum(1 for _ in rows):
        console.print(f"({left_out} more rows: --format csv shows all)")


@contextmanager
def bar_after(seconds: float, console: Console | None = None) -> Iterator[Progress]:
    """A progress bar on stderr from `seconds` after the start on; it is removed when the block ends."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    from ca_etl.screen import Screen

    step_name = TextColumn("{task.description}", markup=False)
    columns = (step_name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = RichProgress(*columns, console=console or Screen(stderr=True), transient=True)
    tasks = {}
    start = time.monotonic()
    started = False

    def advance(step: str, done: int, total: int) -> None:
        nonlocal started
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=total)
        bar.update(tasks[step], completed=done, total=total)
        if not started and time.monotonic() - start >= seconds:
            bar.start()
            started = True

    try:
        yield advance
    finally:
        if started:
            bar.stop()
