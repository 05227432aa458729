"""The model runner: `.sql` files to tables and views, in dependency order.

A model is `sql/<schema>/<name>.sql`: a header (see `model_header.py`) and one `select`; the path is the
name. Parents are read from the query itself, so there is nothing to register: a table may come from
another model, from `sql/raw/`, or from a seed in `sql/seeds/`, a `.csv` with its header in the `.yaml` beside it.
Every table is named with its schema.

The macros in `sql/macros/` exist while the tables are built and are not stored: a view that analysts
open later cannot use them. The functions in `sql/functions/<schema>/<name>.sql` are stored, as table macros
that any client can call; their header has `parameters` and `columns`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import columns_by_table, literal, transaction
from ca_etl.warehouse.model_header import (
    NEXT_COMMAND,
    FunctionHeader,
    Materialized,
    ModelHeader,
    SeedHeader,
    read_function_header,
    read_model_header,
    read_seed_header,
    split_file,
)

RAW_SCHEMA: Final = "raw"
SEED_SCHEMA: Final = "seeds"
TEXTS: Final = "raw.article_text"
# Rows of new tables, uncompressed and in memory until they are committed: some 60 MB.
MOST_UNCOMMITTED: Final = 60_000
MODEL_SCHEMAS: Final[Mapping[str, Materialized]] = {"staging": "view", "main": "table"}


class ModelError(CaEtlError):
    """A model file does not fit the other models, or its query does not run."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}", NEXT_COMMAND)
        self.path = path


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file: its header and its query."""

    schema: str
    table: str
    path: Path
    header: ModelHeader
    sql: str

    @property
    def name(self) -> str:
        """The name of the model, `schema.table`."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Model(ModelFile):
    """A model file with its `parents`: the tables (`schema.table`) that its query reads, sorted."""

    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that analysts call in SQL, `from name(...)`: its header, and its query with parameters as names."""

    name: str
    path: Path
    header: FunctionHeader
    sql: str

    @property
    def signature(self) -> str:
        """The SQL function with its schema and parameters: `schema.name(parameter, ...)`."""
        return f"{self.name}({', '.join(self.header.parameters)})"


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """A model after its build: its number of rows and its columns in the warehouse.

    `rows` is None for a view. `columns` maps each column to its DuckDB type, in the order of the table.
    """

    model: Model
    rows: int | None
    columns: Mapping[str, str]


def read_models(root: Path) -> tuple[ModelFile, ...]:
    """The model files under `root` (the `sql` folder) by name, with their headers read.

    Takes milliseconds: only `discover` lets DuckDB parse the queries. Raises `HeaderError` for a bad header.
    """
    return tuple(
        _read_model(path, schema)
        for schema in sorted(MODEL_SCHEMAS)
        for path in sorted((root / schema).glob("*.sql"))
    )


def discover(root: Path, con: duckdb.DuckDBPyConnection | None = None) -> tuple[Model, ...]:
    """Read all models under `root` (the `sql` folder), in build order: parents before children.

    `con` only parses the queries; None takes a connection in memory. Raises `HeaderError` for a bad header and
    `ModelError` for a query that is not a single select, an unknown parent or a cycle.
    """
    parser = con or duckdb.connect()
    models = {
        file.name: Model(
            file.schema, file.table, file.path, file.header, file.sql, _parents(file.sql, file.path, parser)
        )
        for file in read_models(root)
    }
    known = {f"{RAW_SCHEMA}.{path.stem}" for path in (root / RAW_SCHEMA).glob("*.sql")}
    known |= {f"{SEED_SCHEMA}.{path.stem}" for path in (root / SEED_SCHEMA).glob("*.csv")}
    for model in models.values():
        if (rows_of := model.header.rows_of) and set(model.parents) != {rows_of, TEXTS}:
            raise ModelError(
                model.path, f"the query must read {rows_of} and {TEXTS}, as rows_of states, and no other"
            )
        for parent in model.parents:
            if parent not in models and parent not in known:
                raise ModelError(
                    model.path, f"the query reads {parent}, which is not a model, raw table or seed"
                )
    sorter = TopologicalSorter({name: model.parents for name, model in models.items()})
    try:
        return tuple(models[name] for name in sorter.static_order() if name in models)
    except CycleError as error:
        cycle: list[str] = error.args[1]
        first = min(cycle)
        raise ModelError(models[first].path, f"the query reads itself: {' <- '.join(cycle)}") from error


def read_functions(root: Path) -> tuple[Function, ...]:
    """Read the SQL functions under `root` (the `sql` folder), those of `staging` first. Raises `HeaderError`."""
    functions = []
    for schema in MODEL_SCHEMAS:
        for path in sorted((root / "functions" / schema).glob("*.sql")):
            fields, sql = split_file(path.read_text(encoding="utf-8"), path)
            functions.append(Function(f"{schema}.{path.stem}", path, read_function_header(fields, path), sql))
    return tuple(functions)


def build_models(con: duckdb.DuckDBPyConnection, root: Path) -> list[BuiltModel]:
    """Build all seed tables, models and functions, with their comments, in transactions of its own.

    `con` must hold the raw tables and have no transaction open. Tables, views and functions of the model schemas for
    which there is no file are dropped. Raises `HeaderError` and `ModelError`; the warehouse is then as it was before,
    but for models that were committed because of their many rows (`MOST_UNCOMMITTED`).
    """
    models = discover(root, con)
    functions = read_functions(root)
    with transaction(con):
        con.execute("".join(f"create schema if not exists {s};" for s in (SEED_SCHEMA, *MODEL_SCHEMAS)))
        for path in sorted((root / "macros").glob("*.sql")):
            con.execute(path.read_text(encoding="utf-8"))
        seeds = [_load_seed(con, path) for path in sorted((root / SEED_SCHEMA).glob("*.csv"))]
        wanted: set[tuple[str, str]] = {(model.name, model.header.materialized) for model in models}
        wanted |= {(name, "table") for name in seeds} | {(made.name, "macro table") for made in functions}
        drop_models(con, wanted)
        rows = _create(con, models)
        columns = {
            name: {column.name: column.type for column in made}
            for name, made in columns_by_table(con, *MODEL_SCHEMAS).items()
        }
        for model in models:
            _compare(model.path, model.header.columns, columns.get(model.name, {}))
        con.execute(
            "".join(_comments(model.header.materialized, model.name, model.header) for model in models)
        )
        for function in functions:
            _create_function(con, function)
    return [BuiltModel(model, rows[model.name], columns[model.name]) for model in models]


def _read_model(path: Path, schema: str) -> ModelFile:
    fields, sql = split_file(path.read_text(encoding="utf-8"), path)
    return ModelFile(schema, path.stem, path, read_model_header(fields, path, MODEL_SCHEMAS[schema]), sql)


def _parents(sql: str, path: Path, parser: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    # DuckDB's own parser: 0.5 ms a model, where importing another SQL parser alone takes 180 ms of every run
    row = parser.execute("select json_serialize_sql($1::varchar)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise ModelError(
            path, f"the file must have one select: {tree.get('error_message', 'nothing was read')}"
        )
    if len(tree["statements"]) != 1:
        raise ModelError(path, f"the file must have one select, not {len(tree['statements'])}")
    tables: set[tuple[str, str]] = set()
    ctes: set[str] = set()
    _collect_tables(tree, tables, ctes)
    for schema, table in sorted(tables):
        if not schema and table not in ctes:
            raise ModelError(path, f"the query reads {table}, which needs its schema in front")
    return tuple(sorted(f"{schema}.{table}" for schema, table in tables if schema))


def _collect_tables(node: object, tables: set[tuple[str, str]], ctes: set[str]) -> None:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            tables.add((node["schema_name"], node["table_name"]))
        if "cte_map" in node:
            ctes.update(entry["key"] for entry in node["cte_map"]["map"])
        for value in node.values():
            _collect_tables(value, tables, ctes)
    elif isinstance(node, list):
        for value in node:
            _collect_tables(value, tables, ctes)


def _load_seed(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    # every cell stays text, an empty one is null: the dimension that reads a seed has its types
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        names = next(reader)
        rows = [dict(zip(names, (cell or None for cell in cells), strict=True)) for cells in reader]
    name = f"{SEED_SCHEMA}.{path.stem}"
    con.register("seed_rows", pa.Table.from_pylist(rows, schema=pa.schema([(n, pa.string()) for n in names])))
    con.execute(f"create or replace table {name} as from seed_rows")
    con.unregister("seed_rows")
    header = read_seed_header(path.with_suffix(".yaml"))
    _compare(path.with_suffix(".yaml"), header.columns, names)
    con.execute(_comments("table", name, header))
    return name


def drop_models(con: duckdb.DuckDBPyConnection, wanted: Collection[tuple[str, str]] = ()) -> None:
    """Drop all seed tables, models and functions but those that are `wanted` (name, kind).

    A run drops all of its copy before it loads: a checkpoint frees their blocks, which the run then fills again.
    Tables that are replaced in one transaction need the room of both.
    """
    there = con.execute(
        "select table_schema || '.' || table_name, if(table_type = 'VIEW', 'view', 'table')"
        " from information_schema.tables"
        " where table_catalog = current_database() and list_contains($1, table_schema)"
        " union all select schema_name || '.' || function_name, 'macro table' from duckdb_functions()"
        " where list_contains($1, schema_name) and function_type = 'table_macro' and not internal"
        " and database_name = current_database()"
        " order by all",
        [[SEED_SCHEMA, *MODEL_SCHEMAS]],
    ).fetchall()
    for name, kind in there:
        if (name, kind) not in wanted:
            con.execute(f"drop {kind} {name}")


def create_model(con: duckdb.DuckDBPyConnection, model: Model) -> int | None:
    """Create or replace the table or view of a model; returns the number of its rows (None for a view).

    Raises `ModelError`.
    """
    kind = model.header.materialized
    order = f" order by {', '.join(model.header.sort)}" if model.header.sort else ""
    try:
        made = con.execute(f"create or replace {kind} {model.name} as from (\n{model.sql}\n){order}")
    except duckdb.Error as error:
        raise ModelError(model.path, f"the query does not run: {error}") from error
    row = made.fetchone()
    return int(row[0]) if kind == "table" and row else None


def _create(con: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> dict[str, int | None]:
    """Create the models in their order; return the rows of each. Commits each time that many rows are in memory."""
    rows: dict[str, int | None] = {}
    uncommitted = 0
    for model in models:
        rows[model.name] = made = create_model(con, model)
        uncommitted += made or 0
        if uncommitted > MOST_UNCOMMITTED:
            con.commit()
            con.begin()
            uncommitted = 0
    return rows


def _create_function(con: duckdb.DuckDBPyConnection, function: Function) -> None:
    nulls = ", ".join(["null"] * len(function.header.parameters))
    try:
        con.execute(f"create or replace macro {function.signature} as table\n{function.sql}")
        columns = [row[0] for row in con.execute(f"describe from {function.name}({nulls})").fetchall()]
    except duckdb.Error as error:
        raise ModelError(function.path, f"the query does not run: {error}") from error
    _compare(function.path, function.header.columns, columns)
    con.execute(f"comment on macro table {function.name} is {literal(function.header.text)}")


def _compare(path: Path, described: Collection[str], columns: Collection[str]) -> None:
    if undescribed := [column for column in columns if column not in described]:
        raise ModelError(path, f"the header does not describe: {', '.join(undescribed)}")
    if missing := [column for column in described if column not in columns]:
        raise ModelError(path, f"the header describes what is not a column: {', '.join(missing)}")


def _comments(kind: Materialized, name: str, header: ModelHeader | SeedHeader) -> str:
    lines = [f"comment on {kind} {name} is {literal(header.description)};"]
    lines += [
        f"comment on column {name}.{column} is {literal(sentence)};"
        for column, sentence in header.columns.items()
    ]
    return "".join(lines)
