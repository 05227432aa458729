"""`datapackage.json`: what a release holds, for people and programs that did not make it.

The format is Data Package version 2 (https://datapackage.org). Every file of the release but the descriptor
itself is listed with its length and SHA-256. Frictionless has one type for all numbers, so each field
names its DuckDB type as well: `DECIMAL(18,8)` says what `number` does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.warehouse.connection import OLDEST_CLIENT
from ca_etl.warehouse.durable_files import storage, write_atomic
from ca_etl.warehouse.export import ExportedTable

DATAPACKAGE: Final = "datapackage.json"
DIGEST: Final = "sha256:"
PACKAGE_PROFILE: Final = "https://datapackage.org/profiles/2.0/datapackage.json"
RESOURCE_PROFILE: Final = "https://datapackage.org/profiles/2.0/dataresource.json"
SCHEMA_PROFILE: Final = "https://datapackage.org/profiles/2.0/tableschema.json"
MEDIATYPES: Final = {
    "duckdb": "application/vnd.duckdb",
    "html": "text/html",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
TYPES: Final = {
    "BOOLEAN": "boolean",
    "TINYINT": "integer",
    "SMALLINT": "integer",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "HUGEINT": "integer",
    "UTINYINT": "integer",
    "USMALLINT": "integer",
    "UINTEGER": "integer",
    "UBIGINT": "integer",
    "UHUGEINT": "integer",
    "DECIMAL": "number",
    "FLOAT": "number",
    "DOUBLE": "number",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "INTERVAL": "duration",
    "VARCHAR": "string",
    "UUID": "string",
    "ENUM": "string",
    "BLOB": "string",
    "JSON": "object",
    "STRUCT": "object",
    "MAP": "object",
}


@dataclass(frozen=True, slots=True)
class FileFact:
    """One file of a release; `path` is relative to the release folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """One column; `type` is DuckDB's name of it, `description` the comment, empty without one."""

    name: str
    type: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableFact:
    """One exported table. `primary_key` is its grain, empty when it has none."""

    name: str
    description: str
    rows: int
    columns: tuple[ColumnFact, ...]
    primary_key: tuple[str, ...]
    files: tuple[FileFact, ...]


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """All that the descriptor says. `files` are those of no table; `created` and `slot` are UTC."""

    release_id: str
    created: datetime
    run_id: str
    slot: datetime | None
    code_version: str
    tables: tuple[TableFact, ...]
    files: tuple[FileFact, ...]
    duckdb_version: str = duckdb.__version__
    oldest_client: str = OLDEST_CLIENT


def describe(facts: ReleaseFacts) -> dict[str, Any]:
    """The descriptor as JSON-ready values; equal facts give equal descriptors."""
    return {
        "$schema": PACKAGE_PROFILE,
        "name": "ca-etl",
        "title": "Central Asian exchange rates and articles",
        "version": facts.release_id,
        "created": _instant(facts.created),
        "resources": [
            *(_table_resource(table) for table in facts.tables),
            *(_file_resource(file) for file in facts.files),
        ],
        "run": {"run_id": facts.run_id, "slot": _instant(facts.slot) if facts.slot else None},
        "code_version": facts.code_version,
        "duckdb_version": facts.duckdb_version,
        "oldest_duckdb_client": facts.oldest_client,
    }


def write_datapackage(folder: Path, facts: ReleaseFacts) -> Path:
    """Write the descriptor into a release folder and return its path. Raises `StorageError`."""
    path = folder / DATAPACKAGE
    write_atomic(path, (json.dumps(describe(facts), ensure_ascii=False, indent=2) + "\n").encode())
    return path


def listed_files(folder: Path) -> tuple[FileFact, ...]:
    """The files that the descriptor of a release lists; whatever reading JSON raises for one that is damaged."""
    resources = json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    parts = [part for resource in resources for part in resource.get("parts", (resource,))]
    return tuple(FileFact(f"{p['path']}", p["bytes"], p["hash"].removeprefix(DIGEST)) for p in parts)


def table_facts(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    exported: Iterable[ExportedTable],
    primary_keys: Mapping[str, tuple[str, ...]],
    *,
    parquet: str = "parquet",
) -> tuple[TableFact, ...]:
    """Facts of the tables exported to `folder/parquet`, from DuckDB's catalogue and from the disk.

    `primary_keys` gives the grain by table name. Raises `StorageError` when a file cannot be read.
    """
    comments, columns = _catalogue(con)
    return tuple(
        TableFact(
            table.name,
            comments[table.name],
            table.rows,
            tuple(columns[table.name]),
            primary_keys.get(table.name, ()),
            tuple(file_fact(folder, Path(parquet, file)) for file in table.files),
        )
        for table in exported
    )


def described_otherwise(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    """The tables of `con` that the descriptor of a release, which can be read, describes in other words or columns."""
    comments, columns = _catalogue(con)
    described = {
        resource.get("name"): (resource.get("description"), resource.get("schema", {}).get("fields"))
        for resource in json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    }
    return tuple(
        table
        for table, comment in sorted(comments.items())
        if described.get(table) != (comment, [_field(column) for column in columns[table]])
    )


def other_files(folder: Path, tables: Iterable[TableFact]) -> tuple[FileFact, ...]:
    """Facts of the files below `folder` that belong to no table and are not the descriptor, by path.

    Call it once the warehouse file is closed. Raises `StorageError` when a file cannot be read.
    """
    listed = {file.path for table in tables for file in table.files} | {DATAPACKAGE}
    with storage(folder):
        found = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return tuple(file_fact(folder, path) for path in found if path.as_posix() not in listed)


def file_fact(folder: Path, path: Path) -> FileFact:
    """Length and hash of the file at `folder/path`. Raises `StorageError` when it cannot be read."""
    with storage(folder / path), (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileFact(path.as_posix(), file.tell(), digest)


def frictionless_type(duckdb_type: str) -> str:
    """The Table Schema type of a DuckDB type; `any` for one that it has no word for."""
    if duckdb_type.endswith("]"):
        return "array"
    return TYPES.get(duckdb_type.partition("(")[0], "any")


def _catalogue(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, str], dict[str, list[ColumnFact]]]:
    """The comment and the columns of each table and view of `main`."""
    comments = {
        name: comment or ""
        for name, comment in con.execute(
            "select table_name, comment from duckdb_tables() "
            "where database_name = current_database() and schema_name = 'main' "
            "union all select view_name, comment from duckdb_views() "
            "where database_name = current_database() and schema_name = 'main'"
        ).fetchall()
    }
    columns: dict[str, list[ColumnFact]] = {}
    for table, name, kind, comment, nullable in con.execute(
        "select table_name, column_name, data_type, comment, is_nullable from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'main' order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(ColumnFact(name, kind, comment or "", required=not nullable))
    return comments, columns


def _table_resource(table: TableFact) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "$schema": SCHEMA_PROFILE,
        "fields": [_field(column) for column in table.columns],
    }
    if table.primary_key:
        schema["primaryKey"] = list(table.primary_key)
    resource: dict[str, Any] = {
        "$schema": RESOURCE_PROFILE,
        "name": table.name,
        "type": "table",
        "description": table.description,
        "rows": table.rows,
        "path": table.files[0].path if len(table.files) == 1 else [file.path for file in table.files],
        "format": "parquet",
        "mediatype": MEDIATYPES["parquet"],
        "bytes": sum(file.bytes for file in table.files),
        "schema": schema,
    }
    if len(table.files) == 1:
        resource["hash"] = f"{DIGEST}{table.files[0].sha256}"
    else:
        # A resource has one hash, and several files have several.
        resource["parts"] = [
            {"path": file.path, "bytes": file.bytes, "hash": f"{DIGEST}{file.sha256}"} for file in table.files
        ]
    return resource


def _file_resource(file: FileFact) -> dict[str, Any]:
    form = file.path.rpartition(".")[2]
    return {
        "$schema": RESOURCE_PROFILE,
        "name": file.path.lower(),
        "path": file.path,
        "format": form,
        "mediatype": MEDIATYPES.get(form, "application/octet-stream"),
        "bytes": file.bytes,
        "hash": f"{DIGEST}{file.sha256}",
    }


def _field(column: ColumnFact) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": frictionless_type(column.type)}
    if column.description:
        field["description"] = column.description
    if column.required:
        field["constraints"] = {"required": True}
    return {**field, "duckdb_type": column.type}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
