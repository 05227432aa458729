"""The dictionary of a release: each table for analysts with its columns, lineage, checks and examples.

It is a page of the release, `dictionary.html`, which needs no network and no other file, and `docs/dictionary.md`, of a
month of the demo. What a table and a column mean comes from the headers of the models.
"""

# ruff: noqa: S608  names of tables and columns come from the catalogue of the release, quoted

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl import __version__
from ca_etl.errors import counted
from ca_etl.report.page import (
    DICTIONARY,
    HERE,
    digest,
    shown,
    style_of,
    templates,
    write_report,
)
from ca_etl.report.release_facts import warehouse_of_facts
from ca_etl.warehouse.connection import Column, described_tables, fetch_number
from ca_etl.warehouse.durable_files import write_atomic
from ca_etl.warehouse.export import quoted
from ca_etl.warehouse.model_header import ModelHeader
from ca_etl.warehouse.models import Model, discover
from ca_etl.warehouse.sqlfiles import sql_root

# The groups of tables by the beginnings of their names.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Rates": ("fct_rate", "fct_official"),
    "Articles": ("fct_article", "fct_listing"),
    "Coverage and runs": ("fct_coverage", "etl_"),
    "Dimensions": ("dim_",),
}
EXAMPLES: Final = 3
LONGEST_EXAMPLE: Final = 60
LONGEST_IN_MARKDOWN: Final = 24
SHORT_TYPES: Final = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
CHECKS: Final = """
    select model, check_name, severity, offending_rows from main.etl_check
    where run_id = (select arg_max(run_id, started_at) from main.etl_check)
    order by all
"""
# The width of a box, the height of a row of boxes and the gap between them in a picture of lineage, in pixels.
WIDTH: Final = 250
ROW: Final = 26
GAP: Final = 70
MARKDOWN: Final = re.compile(r"[\\`*\[\]<>|~$&]|\b_|_\b")
NOTE: Final = (
    "The tables of the schema `main`, as `dictionary.html` has them in each release, and `ca-etl describe` on a "
    "terminal. Counts, checks and examples, which are the last rows, are of {}."
)


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column: its DuckDB type, its meaning with its unit, and its values in the rows that are shown, as text."""

    name: str
    type: str
    meaning: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A check of a table in the run of the release."""

    name: str
    severity: str
    offending_rows: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table or view of `main`: what it is, and what it has in a release.

    `grain` names the columns that make a row unique. `parents` are the tables that it is made of, with their schema
    where that is not `main`; `children` those that are made of it. Views of `staging` between them are left out.
    """

    name: str
    description: str
    grain: tuple[str, ...]
    rows: int
    columns: tuple[ColumnFacts, ...]
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    checks: tuple[CheckFacts, ...] = ()

    @property
    def group(self) -> str:
        """The title of the group that the table is in; the last one for a name of none."""
        return next(
            (title for title, begins in GROUPS.items() if self.name.startswith(begins)), [*GROUPS][-1]
        )


@dataclass(frozen=True, slots=True)
class Box:
    """A table in a picture of lineage: its place in pixels, and the curve between it and the middle one."""

    name: str
    x: int
    y: int
    curve: str


def write_pages(warehouse: Path, path: Path, data_dir: Path, *, release_id: str) -> Path:
    """Write the report of the release with this warehouse file to `path`, the dictionary beside it; return `path`.

    Raises what `write_report` raises; the report is written also where the dictionary cannot be.
    """
    try:
        with warehouse_of_facts(warehouse) as con:
            tables = read_tables(con)
        page = render_dictionary(tables, release_id=release_id, report=path.name)
        write_atomic(path.with_name(DICTIONARY), page.encode())
    finally:
        write_report(warehouse, path, data_dir, release_id=release_id)
    return path


def read_tables(con: duckdb.DuckDBPyConnection) -> list[TableFacts]:
    """The tables and views of `main` of the release that `con` is connected to, by group and name."""
    models = {model.name: model for model in discover(sql_root(), con)}
    parents = {name: made_of(models, name) for name in models if name.startswith("main.")}
    checks: dict[str, list[CheckFacts]] = {}
    for model, *check in con.execute(CHECKS).fetchall():
        checks.setdefault(model, []).append(CheckFacts(*check))
    tables = []
    for table in described_tables(con, "main"):
        name = f"main.{table.name}"
        header = models[name].header
        tables.append(
            TableFacts(
                table.name,
                table.description,
                header.grain,
                fetch_number(con, f"select count(*) from {header.rows_of or name}"),
                tuple(_columns(table.columns, _examples(con, name, header))),
                parents[name],
                tuple(bare(child) for child, of in sorted(parents.items()) if table.name in of),
                tuple(checks.get(name, ())),
            )
        )
    groups = [*GROUPS]
    return sorted(tables, key=lambda table: (groups.index(table.group), table.name))


def made_of(models: Mapping[str, Model], name: str) -> tuple[str, ...]:
    """The tables of `raw`, `seeds` and `main` that a model reads, itself or by views of `staging`, sorted."""
    found: set[str] = set()
    for parent in models[name].parents:
        found.update(made_of(models, parent) if parent.startswith("staging.") else [bare(parent)])
    return tuple(sorted(found))


def bare(name: str) -> str:
    """The name of a table as a query uses it: `fct_article` for `main.fct_article`."""
    return name.removeprefix("main.")


def _examples(con: duckdb.DuckDBPyConnection, name: str, header: ModelHeader) -> list[tuple[Any, ...]]:
    """The last rows of a table in its order, the last first."""
    order = ", ".join(f"{quoted(column)} desc nulls last" for column in header.sort or header.grain)
    if header.rows_of is None:
        return con.execute(f"from {name} order by {order} limit {EXAMPLES}").fetchall()
    # by a key of values DuckDB reads one text, by one of a subquery all of them
    key = ", ".join(map(quoted, header.grain))
    keys = con.execute(f"select {key} from {header.rows_of} order by {order} limit {EXAMPLES}").fetchall()
    is_row = " and ".join(f"{quoted(column)} = ?" for column in header.grain)
    return [row for values in keys for row in con.execute(f"from {name} where {is_row}", values).fetchall()]


def _columns(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> Iterator[ColumnFacts]:
    for number, column in enumerate(columns):
        examples = tuple(shown(row[number], LONGEST_EXAMPLE) for row in rows)
        kind = SHORT_TYPES.get(column.type, column.type)
        yield ColumnFacts(column.name, kind, column.comment, examples)


def render_dictionary(tables: Sequence[TableFacts], *, release_id: str, report: str) -> str:
    """The HTML of a dictionary; `report` is the address of the report."""
    import markupsafe  # noqa: PLC0415  beside Jinja, which the command line does without

    style = style_of() + (HERE / "report.css").read_text("utf-8")
    return templates().get_template(DICTIONARY).render(
        policy=f"default-src 'none'; style-src {digest(style)}; base-uri 'none'; form-action 'none'",
        style=markupsafe.Markup(style),  # noqa: S704  our own text
        version=__version__,
        release_id=release_id,
        report=report,
        groups=by_group(tables),
        names={table.name for table in tables},
        lineage=lineage,
    )  # fmt: skip


def by_group(tables: Sequence[TableFacts]) -> dict[str, list[TableFacts]]:
    """The tables of each group that has some, by its title."""
    return {
        title: of_group
        for title in GROUPS
        if (of_group := [table for table in tables if table.group == title])
    }


def lineage(table: TableFacts) -> tuple[int, int, list[Box]]:
    """The width and height in pixels of a picture of lineage, and its boxes: parents, the table, its children."""
    height = ROW * max(len(table.parents), len(table.children), 1)
    middle = height // 2
    boxes = [Box(table.name, WIDTH + GAP, middle, "")]
    for names, x, start in ((table.parents, 0, WIDTH), (table.children, 2 * (WIDTH + GAP), 2 * WIDTH + GAP)):
        first = (height - ROW * len(names)) // 2 + ROW // 2
        for number, name in enumerate(names):
            y = first + number * ROW
            begin, end = (y, middle) if x == 0 else (middle, y)
            bend = start + GAP // 2
            boxes.append(
                Box(name, x, y, f"M{start},{begin} C{bend},{begin} {bend},{end} {start + GAP},{end}")
            )
    return 3 * WIDTH + 2 * GAP, height, boxes


def render_markdown(tables: Sequence[TableFacts], *, month: str) -> str:
    """The dictionary as Markdown; `month` states which data the counts and examples are of."""
    parts = ["# Dictionary", NOTE.format(month)]
    for title, of_group in by_group(tables).items():
        parts += [f"## {title}", "\n".join(_flowchart(of_group))]
        for table in of_group:
            parts += _markdown(table)
    return "\n\n".join(parts) + "\n"


def _flowchart(tables: Sequence[TableFacts]) -> Iterator[str]:
    yield "```mermaid\nflowchart LR"
    for table in tables:
        yield from (f"  {parent.replace('.', '_')}[{parent}] --> {table.name}" for parent in table.parents)
    yield "```"


def _markdown(table: TableFacts) -> Iterator[str]:
    yield f"### {table.name}"
    yield f"{_escape(table.description)} {table.rows:,} rows, one for each {_names(table.grain)}."
    used = f" Used by {_names(table.children)}." if table.children else ""
    yield f"Made of {_names(table.parents) or 'no table'}.{used} {_checks(table)}"
    head = ["column", "type", "meaning", *("example" for _ in table.columns[0].examples)]
    rows = [
        [
            f"`{column.name}`",
            column.type,
            _escape(column.meaning),
            *(_escape(shown(example, LONGEST_IN_MARKDOWN)) for example in column.examples),
        ]
        for column in table.columns
    ]
    yield "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _checks(table: TableFacts) -> str:
    if not table.checks:
        return "No check is of this table alone."
    firing = [
        f"`{check.name}` ({check.severity}, {check.offending_rows:,} rows)"
        for check in table.checks
        if check.offending_rows
    ]
    fire = f"{len(firing)} fire: {', '.join(firing)}" if firing else "none fires"
    return f"Of {counted(len(table.checks), 'check')} {fire}."


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _escape(text: str) -> str:
    """Text as text in a cell of a table in Markdown."""
    return MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))
