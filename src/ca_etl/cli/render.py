"""Functions that all commands share: load settings, print errors and results, show progress.

Results are written as table, lines, CSV, JSON or Parquet. DuckDB itself converts every value to text or JSON, so that
a decimal keeps its digits and no value passes through a binary float.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Final, TextIO, cast

import typer

from ca_etl import logs
from ca_etl.errors import UsageError, counted
from ca_etl.sanitize import SafeStream, exact, hide, json_escaped, redacted, unguarded, visible

if TYPE_CHECKING:
    import duckdb
    from rich.console import Console

    from ca_etl.settings import Settings
    from ca_etl.sources.session import Progress

log = logging.getLogger(__name__)


def load_settings() -> Settings:
    """Read the settings from the environment and `.env`. Raises `UsageError` for an invalid value.

    After that, secrets of the settings are left out of everything printed, and logs have the form of the settings.
    """
    from pydantic import SecretStr

    from ca_etl.settings import read_settings

    settings = read_settings()
    hide(value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
    logs.prefer(settings.log_format)
    return settings


def warn_of_misspelt_settings() -> None:
    """Log a warning for each environment variable `CA_ETL_*` that is not the name of a setting."""
    from ca_etl.settings import misspelt, present_variables

    for variable in misspelt(present_variables()):
        log.warning("%s, and has no effect; next: ca-etl doctor", variable)


def print_line(message: str, level: int = logging.INFO, hint: str = "") -> None:
    """Print a message and the next command (`hint`) on stderr.

    Where logs are JSON, that is one record of `level` with the command in the field `next`.
    """
    if logs.is_json():
        logging.getLogger("ca_etl").log(level, message, extra={"next": hint} if hint else None)
        return
    # typer.echo would drop escapes where stderr is not a terminal, and Rich's progress bar would take them for its own
    sys.stderr.write(visible(redacted(f"{message}\nnext: {hint}\n" if hint else f"{message}\n")))
    sys.stderr.flush()


def print_error(message: str, hint: str) -> None:
    """Print an error message and the next command to run on stderr."""
    print_line(message if logs.is_json() else f"ca-etl: {message}", logging.ERROR, hint)


def print_json(value: object) -> None:
    """Print a dataclass on stdout as JSON."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    typer.echo(json_escaped(adapter.dump_json(value, indent=2).decode()))


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """Show a progress bar on a terminal once the `with` block has lasted two seconds; elsewhere nothing."""
    from ca_etl.sources.session import silent

    if logs.is_json() or not sys.stderr.isatty():
        yield silent
        return

    with bar_after(seconds=2.0) as progress:
        yield progress


BATCH: Final = 1_000
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
# The columns of EXPLAIN, whose one cell is a drawing of many lines.
EXPLAINED: Final = ["explain_key", "explain_value"]


class Format(StrEnum):
    """The form of the results of `ca-etl sql` and `ca-etl export`, such as table or csv."""

    TABLE = "table"
    LINE = "line"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


# A file or pipe in one of these holds one result.
ONE_RESULT: Final = frozenset({Format.CSV, Format.JSON, Format.PARQUET})


def write_result(relation: duckdb.DuckDBPyRelation, form: Format, out: TextIO, *, raw: bool = False) -> None:
    """Write all rows of `relation` to the stream `out`; on a terminal control characters become escapes.

    A table is cut to the width of a terminal, and complete elsewhere; the format `line` has a line for each value.
    JSON is one array with a row on each line. In CSV, an apostrophe precedes each text that a spreadsheet would take
    for a formula, unless `raw`. Raises `UsageError` for Parquet on a terminal.
    """
    match form:
        case Format.CSV:
            _write_csv(relation, exact(out), raw=raw)
        case Format.JSON:
            _write_json(relation, out)
        case Format.LINE:
            _write_lines(relation, out)
        case Format.TABLE:
            _write_table(relation, out)
        case Format.PARQUET:
            _write_parquet(relation, out)


def _write_parquet(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    import pyarrow.parquet as pq

    if out.isatty():
        hint = "ca-etl sql --help"
        raise UsageError("Parquet is binary and cannot be shown on a terminal", hint)
    reader = relation.to_arrow_reader(BATCH * 100)
    with pq.ParquetWriter(exact(out).buffer, reader.schema, compression="zstd") as writer:
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


def _write_lines(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    from ca_etl.cli.table import record_lines

    names, kinds, trim = relation.columns, _kinds(relation), out.isatty()
    number = 0
    for number, row in enumerate(_as_text(relation), start=1):
        out.write("\n" * (number > 1))
        out.writelines(record_lines(names, kinds, row, trim=trim))
    if out.isatty():
        out.write(f"\n{counted(number, 'row')}\n")


def _write_table(relation: duckdb.DuckDBPyRelation, out: TextIO) -> None:
    from ca_etl.cli.table import columns_of, fit, is_number
    from ca_etl.screen import Screen, plain, table

    names, kinds, texts = relation.columns, _kinds(relation), _as_text(relation)
    rows = list(islice(texts, TABLE_ROWS))
    more = sum(1 for _ in texts)
    screen = Screen(out)
    if not out.isatty() or names == EXPLAINED:
        screen.print(table(names, rows, {index for index, kind in enumerate(kinds) if is_number(kind)}))
        if more:
            screen.print(plain(f"({counted(more, 'more row')}: --format csv shows all)"))
        return
    layout = fit(columns_of(names, kinds, rows), screen.width)
    screen.print(layout.table)
    screen.print(plain(layout.footer(len(rows), more)))


def _kinds(relation: duckdb.DuckDBPyRelation) -> list[str]:
    return [kind.id for kind in relation.types]


class PagerQuitError(Exception):
    """The reader has quit the pager, so that the rest of the output would not be seen."""


class PagedStream:
    """A text stream to `terminal` that opens a pager once it has more lines than the window.

    With `chop` the pager cuts long lines, and arrow keys move the window to the right; without it lines are wrapped.
    """

    encoding = "utf-8"

    def __init__(self, terminal: TextIO, *, chop: bool) -> None:
        self._terminal = terminal
        self._chop = chop
        self._columns, self._left = shutil.get_terminal_size()
        self._held: list[str] = []
        self._pager: subprocess.Popen[str] | None = None
        self._target: IO[str] | None = None

    def isatty(self) -> bool:
        """Whether the stream is shown on a terminal: always true."""
        return True

    def flush(self) -> None:
        """Do nothing: whether the text fits the window is known only at its end."""

    def write(self, text: str) -> int:
        """Write text to the pager, or hold it until it is known whether a pager is needed. Raises `PagerQuitError`."""
        self._held.append(text)
        self._left -= sum(1 if self._chop else 1 + len(line) // self._columns for line in text.splitlines())
        if self._left <= 0:
            self._pass_on()
        return len(text)

    def _pass_on(self) -> None:
        if self._target is None:
            self._pager = _open_pager(chop=self._chop)
            self._target = self._pager.stdin if self._pager else self._terminal
        assert self._target is not None  # noqa: S101  the pager has a pipe as stdin
        try:
            self._target.writelines(self._held)
        except BrokenPipeError as error:
            raise PagerQuitError from error
        self._held.clear()

    def close(self) -> None:
        """Write the text that is held, and wait until the reader quits the pager."""
        if self._pager is None:
            self._target = self._terminal
            self._pass_on()
            self._terminal.flush()
            return
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._pager.communicate()
        finally:
            signal.signal(signal.SIGINT, handler)


def _open_pager(*, chop: bool) -> subprocess.Popen[str] | None:
    """The process of $PAGER, without one of `less`; None where neither can be started."""
    try:
        return subprocess.Popen(
            shlex.split(os.environ.get("PAGER", "less")),
            stdin=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={"LESS": "SR" if chop else "R", "LESSCHARSET": "utf-8", **os.environ},
        )
    except (OSError, ValueError, IndexError):
        return None


@contextmanager
def paged(*, chop: bool) -> Iterator[TextIO]:
    """The stream for results: stdout, with a pager for more than fits the window.

    `chop` is that of `PagedStream`: True cuts long lines, False wraps them.
    """
    stream = PagedStream(unguarded(sys.stdout), chop=chop)
    try:
        yield cast("TextIO", SafeStream(cast("TextIO", stream), visible))
    except PagerQuitError:
        return
    finally:
        stream.close()


@contextmanager
def bar_after(seconds: float, console: Console | None = None) -> Iterator[Progress]:
    """Show a progress bar on stderr once the `with` block has lasted `seconds`; it is removed when the block ends."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    from ca_etl.screen import Screen

    step_name = TextColumn("{task.description}", markup=False)
    rate, left = TextColumn("{task.fields[rate]}", markup=False), TextColumn("left", markup=False)
    columns = (
        step_name,
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        left,
    )
    bar = RichProgress(*columns, console=console or Screen(stderr=True), transient=True)
    tasks = {}
    start = time.monotonic()
    started = False

    def advance(step: str, done: int, total: int) -> None:
        nonlocal started
        if step not in tasks:
            tasks[step] = bar.add_task(step, total=total, rate="")
        elapsed = bar.tasks[tasks[step]].elapsed
        rate_so_far = f"{done / elapsed:.0f}/s" if elapsed else ""
        bar.update(tasks[step], completed=done, total=total, rate=rate_so_far)
        if not started and time.monotonic() - start >= seconds:
            bar.start()
            started = True

    try:
        yield advance
    finally:
        if started:
            bar.stop()
