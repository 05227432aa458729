"""What `ca-etl describe` prints: the tables and macros of the current release, their columns, types and meanings."""

# ruff: noqa: S608  names come from the catalogue of the release, quoted

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import duckdb
from rich.console import RenderableType

from ca_etl.cli.query import published
from ca_etl.errors import UsageError, counted
from ca_etl.screen import Screen, table
from ca_etl.warehouse.connection import described_tables
from ca_etl.warehouse.export import quoted
from ca_etl.warehouse.model_header import FunctionHeader
from ca_etl.warehouse.models import read_functions
from ca_etl.warehouse.reading import readable
from ca_etl.warehouse.sqlfiles import sql_root

# What analysts read; the tables of the other schemas are described when they are named.
LISTED: Final = ("main", "seeds")
SCHEMAS: Final = (*LISTED, "raw", "staging")
MACROS: Final = """
    select schema_name, function_name, parameters, coalesce(comment, '') from duckdb_functions()
    where function_type = 'table_macro' and not internal and database_name = current_database()
    order by schema_name, function_name
"""
# The other name of the type, with which meanings have room on a terminal of 80 columns.
SHORT: Final = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
SIMILAR: Final = 0.4
NEAREST: Final = 3


@dataclass(frozen=True, slots=True)
class RelationColumn:
    """One column of a table or macro; `type` is its DuckDB type."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or macro by the name that a query uses; `parameters` maps those of a macro to their meanings.

    `rows` is None for a macro, and for a view of staging, since counting it would compute it.
    """

    name: str
    rows: int | None
    description: str
    columns: tuple[RelationColumn, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_relations(data_dir: Path) -> dict[str, Relation]:
    """All tables, views and macros of the current release, by name: those of `main` first, without their schema.

    Raises `UsageError` when nothing has been published.
    """
    with readable(published(data_dir).warehouse) as con:
        relations = {relation.name: relation for relation in (*_macros(con), *_tables(con))}
    return dict(sorted(relations.items(), key=lambda item: ("." in item[0], item[0])))


def find_relation(relations: Mapping[str, Relation], name: str) -> Relation:
    """The table, view or macro called `name`, with or without `main`; raises `UsageError` that names similar ones."""
    bare = name.strip().lower().removeprefix("main.").partition("(")[0]
    if bare not in relations:
        nearest = get_close_matches(bare, relations, NEAREST, SIMILAR)
        named = f"the nearest are {', '.join(nearest)}; " if nearest else ""
        raise UsageError(
            f"the current release has no table or macro {name!r}; {named}`ca-etl describe` lists all",
            " ".join(["ca-etl describe", *nearest[:1]]),
        )
    return relations[bare]


def listed(relations: Mapping[str, Relation]) -> list[str]:
    """The names of the tables and macros for analysts: those of `main` and the seeds."""
    return [name for name in relations if "." not in name or name.partition(".")[0] in LISTED]


def print_relations(relations: Mapping[str, Relation]) -> None:
    """Print a line for each table and macro for analysts: name, number of rows, first sentence of the description."""
    lines = [
        (name, relations[name].rows, relations[name].description.partition(". ")[0].removesuffix("."))
        for name in listed(relations)
    ]
    _print(table(("name", "rows", "description"), lines, right={1}))


def print_relation(relation: Relation) -> None:
    """Print a table or macro: its description, then each column with type and meaning."""
    signature = f"{relation.name}({', '.join(relation.parameters)})" if relation.parameters else relation.name
    rows = "" if relation.rows is None else f", {counted(relation.rows, 'row')}"
    columns = [
        (column.name, SHORT.get(column.type, column.type), column.description) for column in relation.columns
    ]
    _print(f"{signature}{rows}", relation.description)
    if relation.parameters:
        _print(table(("parameter", "meaning"), relation.parameters.items()))
    _print(table(("column", "type", "meaning"), columns))


def _print(*parts: RenderableType) -> None:
    Screen().print(*parts, sep="\n", markup=False, highlight=False)


def _tables(con: duckdb.DuckDBPyConnection) -> Iterator[Relation]:
    for described in described_tables(con, *SCHEMAS):
        rows = None
        if described.schema != "staging":
            counted = con.execute(f"select count(*) from {described.schema}.{quoted(described.name)}")
            rows = int(counted.fetchall()[0][0])
        columns = (RelationColumn(column.name, column.type, column.comment) for column in described.columns)
        yield Relation(_name(described.schema, described.name), rows, described.description, tuple(columns))


def _macros(con: duckdb.DuckDBPyConnection) -> Iterator[Relation]:
    """The macros; a macro has one comment, so that the meanings of its columns are in the header that has this text."""
    headers = {
        (function.name, function.header.text): function.header for function in read_functions(sql_root())
    }
    for schema, name, parameters, comment in con.execute(MACROS).fetchall():
        nulls = ", ".join("null" for _ in parameters)
        types = con.execute(f"describe from {schema}.{quoted(name)}({nulls})").fetchall()
        of_another_version = FunctionHeader(comment, dict.fromkeys(parameters, ""), {})
        header = headers.get((f"{schema}.{name}", comment), of_another_version)
        columns = (RelationColumn(column, kind, header.columns.get(column, "")) for column, kind, *_ in types)
        yield Relation(_name(schema, name), None, header.description, tuple(columns), header.parameters)


def _name(schema: str, name: str) -> str:
    return name if schema == "main" else f"{schema}.{name}"
