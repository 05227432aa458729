"""Functions that all commands share: load settings, print errors and results, show progress.

Results are written as table, CSV, JSON or Parquet. DuckDB itself converts every value to text or JSON, so that a
decimal keeps its digits and no value passes through a binary float.
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
    """Read the settings of environment and `.env`. Raises `UsageError` for an invalid value.

    From here on secrets are left out of what is printed, and logs have the form that the settings choose.
    """
    from pydantic import SecretStr

    from ca_etl.settings import read_settings

    settings = read_settings()
    hide(value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
    logs.prefer(settings.log_format)
    return settings


def warn_of_misspelt_settings() -> None:
    """Log a warning for each `CA_ETL_*` variable that is not the name of a setting."""
    from ca_etl.settings import misspelt, present_variables

    for variable in misspelt(present_variables()):
        log.warning("%s, and has no effect; next: ca-etl doctor", variable)


def print_line(message: str, level: int = logging.INFO, hint: str = "") -> None:
    """Print a message and the next command (`hint`) on stderr; as JSON, one record of `level` with a field `next`."""
    if logs.is_json():
        logging.getLogger("ca_etl").log(level, message, extra={"next": hint} if hint else None)
        return
    # typer.echo would drop escapes where stderr is not a terminal, and Rich's progress bar would take them for its own
    sys.stderr.write(visible(redacted(f"{message}\nnext: {hint}\n" if hint else f"{message}\n")))
    sys.stderr.flush()


def print_error(message: str, hint: str) -> None:
    """Print an error and the next command to run on stderr."""
    print_line(message if logs.is_json() else f"ca-etl: {message}", logging.ERROR, hint)


def print_json(value: object) -> None:
    """Print a dataclass on stdout as JSON."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    typer.echo(json_escaped(adapter.dump_json(value, indent=2).decode()))


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """Show a progress bar on stderr once the block has lasted two seconds; nothing when stderr is not a terminal."""
    from ca_etl.sources.session import silent

    if logs.is_json() or not sys.stderr.isatty():
        yield silent
        return

    with bar_after(seconds=2.0) as progress:
        yield progress


BATCH: Final = 1_000
PARQUET_ON_STDOUT: Final = "Parquet is binary and cannot be printed"
PARQUET_TO_FILE: Final = 'ca-etl sql "..." --format parquet --output rows.parquet'
# First characters by which a spreadsheet takes a cell for a formula; some skip spaces, some take the wide forms.
FORMULA: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
SKIPPED: Final = "".join(map(chr, (*range(33), 0xA0, 0x200B, 0xFEFF)))
# A number with a sign is not a formula: -0% of the ticker and negative decimals are written unchanged.
NUMBER: Final = re.compile(
    r"[+-]?(?:\d{1,60}(?:[.,]\d{0,60}){0,20}|[.,]\d{1,60})(?:[eE][+-]?\d{1,5})?%?|[+-]?inf"
)
# Characters because of which a CSV cell is quoted; some spreadsheets split at semicolons or tabs.
QUOTED: Final = re.compile(r"[\",;\t\r\n]")
TABLE_ROWS: Final = 1_000
# Prefixes of the numeric types of DuckDB; U is that of the unsigned ones (and of UUID).
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
    """Write all rows of `relation` to the text stream `out`, for a terminal with control characters as escapes.

    JSON is one array with a row on each line. In CSV, an apostrophe precedes each text that a spreadsheet would take
    for a formula, unless `raw`. Raises `UsageError` for Parquet, which is binary.
    """
    match form:
        case Format.CSV:
            _write_csv(relation, exact(out), raw=raw)
        case Format.JSON:
            _write_json(relation, out)
        case Format.TABLE:
            _write_table(relation, out)
        case Format.PARQUET:
            raise UsageError(PARQUET_ON_STDOUT, PARQUET_TO_FILE)


def write_parquet(relation: duckdb.DuckDBPyRelation, path: Path) -> None:
    """Write all rows of `relation` to a Parquet file, with the column types of the relation."""
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
    """The text of a CSV cell, preceded by an apostrophe if a spreadsheet would take the text for a formula."""
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
    """Show a progress bar on stderr once the block has lasted `seconds`; the bar is removed when the block ends."""
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
