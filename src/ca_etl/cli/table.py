"""The layout of a result on a terminal: which columns fit the window, how wide each is, and what a cell shows.

Columns are left out whole, in the middle, as DuckDB's shell does; the first ones, which are keys, and the last one
stay. A few columns, as a query names them, are all shown, their texts cut as far as needed. Texts are cut with an
ellipsis. Numbers, times and booleans are never cut, since a part of one is another value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ca_etl.errors import counted
from ca_etl.sanitize import visible
from ca_etl.screen import table

NULL: Final = "NULL"
ELLIPSIS: Final = "…"
# A text is cut to no fewer cells: before that, whole columns are left out.
LEAST_TEXT: Final = 20
# Of a result of so few columns none is left out while each text can have this many cells.
FEW: Final = 8
LEAST_OF_FEW: Final = 4
# The cells that a table needs besides its columns: at both edges, and between two columns.
EDGES: Final = 2
GAP: Final = 3
# The column that represents those left out.
MARKER: Final = GAP + len(ELLIPSIS)
DECIMAL: Final = "decimal"
# The ends of the numeric types, such as `uhugeint`, as DuckDB's `DuckDBPyType.id` names them.
NUMBERS: Final = ("int", "integer", "bignum", "decimal", "float", "double")
# The first words of the types of times, such as `timestamp with time zone` and `time_ns`.
TIMES: Final = ("date", "time", "boolean")
SIGNS: Final = str.maketrans({"\n": "↵", "\t": "⇥"})


def is_number(kind: str) -> bool:
    """Whether a DuckDB type (`kind`, by its id) is numeric, so that its cells are aligned to the right."""
    return kind.endswith(NUMBERS)


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """One column of a query result as text. `kind` is the id of its DuckDB type, `cells` are the texts shown."""

    name: str
    kind: str
    cells: Sequence[str]

    @property
    def is_text(self) -> bool:
        """Whether the cells of this column may be cut to fit a window."""
        return not is_number(self.kind) and not self.kind.startswith(TIMES)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table that fits a window: the columns `shown` of all `columns` of a query result."""

    table: Table
    shown: int
    columns: int

    def footer(self, rows: int, more: int) -> str:
        """The line below a table: the size of the result, and how much of it is not shown.

        `rows` is the number of rows in the table, `more` the number of rows left out.
        """
        size = f"{counted(rows, 'row', more)}, {counted(self.shown, 'column', self.columns - self.shown)}"
        return f"{size}: --format line shows all" if "shown" in size else size


def cell_text(value: str | None, kind: str, *, trim: bool) -> str:
    """Write one value of a query result on one line: null as NULL, line ends and tabs as signs.

    The text "NULL" is put in quotes. `trim` leaves out the zeros at the end of a decimal.
    """
    if value is None:
        return NULL
    if value == NULL:
        return f'"{NULL}"'
    if trim and kind == DECIMAL and "." in value:
        return value.rstrip("0").rstrip(".")
    return visible(value.replace("\r\n", "\n").translate(SIGNS))


def record_lines(
    names: Sequence[str], kinds: Sequence[str], row: Sequence[str | None], *, trim: bool
) -> Iterator[str]:
    """Write one row of a query result as a line for each column: its name, aligned to the right, and its value."""
    shown = [visible(name.translate(SIGNS)) for name in names]
    widest = max(map(cell_len, shown))
    for name, kind, value in zip(shown, kinds, row, strict=True):
        yield f"{' ' * (widest - cell_len(name))}{name} = {cell_text(value, kind, trim=trim)}\n"


def columns_of(
    names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> list[ShownColumn]:
    """The columns of a query result as text, from its rows; decimals are aligned at their points."""
    columns = []
    for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        cells = [cell_text(row[index], kind, trim=True) for row in rows]
        columns.append(
            ShownColumn(visible(name.translate(SIGNS)), kind, _aligned(cells) if kind == DECIMAL else cells)
        )
    return columns


def _aligned(cells: Sequence[str]) -> list[str]:
    """Decimals with spaces in place of the digits that others have after the point."""
    after = [len(cell) - len(cell.partition(".")[0]) for cell in cells]
    return [cell + " " * (max(after) - length) for cell, length in zip(cells, after, strict=True)]


def fit(columns: Sequence[ShownColumn], width: int) -> Layout:
    """Choose the columns, and their widths, with which a query result fits a window of `width` characters."""
    room = max(1, width - EDGES)
    sizes = [_Size.of(column, room) for column in columns]
    first, last = _shown(sizes, width)
    left_out = len(columns) - first - last
    kept = [*range(first), *range(len(columns) - last, len(columns))]
    chosen = [sizes[index] for index in kept]
    free = width - MARKER * bool(left_out)
    cap = next((cap for cap in range(room, 1, -1) if _needed(chosen, cap) <= free), 1)
    made = [_cut(columns[index], sizes[index].within(cap)) for index in kept]
    if left_out:
        made.insert(first, ShownColumn(ELLIPSIS, "", [ELLIPSIS] * len(columns[0].cells)))
    names = [column.name for column in made]
    right = {index for index, column in enumerate(made) if is_number(column.kind)}
    rows = zip(*([_styled(cell) for cell in column.cells] for column in made), strict=True)
    return Layout(table(names, rows, right), len(kept), len(columns))


@dataclass(frozen=True, slots=True)
class _Size:
    """The cells that a column must have, and those that would show all of it."""

    least: int
    most: int

    @classmethod
    def of(cls, column: ShownColumn, room: int) -> _Size:
        widest = max(map(cell_len, column.cells), default=0)
        # what is wider than the window cannot be shown uncut, and `_cut` shows nothing of it
        least = 0 if column.is_text or widest > room else widest
        return cls(least, max(widest, cell_len(column.name)))

    def within(self, cap: int) -> int:
        return max(self.least, min(self.most, cap))


def _needed(sizes: Sequence[_Size], cap: int) -> int:
    return EDGES + sum(size.within(cap) for size in sizes) + GAP * (len(sizes) - 1)


def _shown(sizes: Sequence[_Size], width: int) -> tuple[int, int]:
    """How many of the first and of the last columns fit the window: all, or at least the first one.

    The last column stays if it fits beside the first, then come as many of the first ones as fit: a table begins with
    its key, its day and what it is about.
    """
    if _needed(sizes, LEAST_OF_FEW if len(sizes) <= FEW else LEAST_TEXT) <= width:
        return len(sizes), 0

    def fits(first: int, last: int) -> bool:
        return _needed([*sizes[:first], *sizes[len(sizes) - last :]], LEAST_TEXT) <= width - MARKER

    first, last = 1, int(fits(1, 1))
    while fits(first + 1, last):
        first += 1
    while fits(first, last + 1):
        last += 1
    return first, last


def _cut(column: ShownColumn, width: int) -> ShownColumn:
    cells = [_shortened(cell, width, is_text=column.is_text) for cell in column.cells]
    return ShownColumn(_shortened(column.name, width, is_text=True), column.kind, cells)


def _shortened(text: str, width: int, *, is_text: bool) -> str:
    if cell_len(text) <= width:
        return text
    if not is_text:
        return ELLIPSIS
    cut = Text(text)
    cut.truncate(width, overflow="ellipsis")
    return cut.plain


def _styled(cell: str) -> Text:
    return Text(cell, style="dim" if cell.rstrip() in {NULL, ELLIPSIS} else "")
