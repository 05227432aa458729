"""The descriptor `datapackage.json` of a release: its files and tables, for people and programs.

The format is Data Package version 2 (https://datapackage.org). Every file of the release but the descriptor
itself is listed with its length and SHA-256. Frictionless has one type for all numbers, so each field
names its DuckDB type as well: `DECIMAL(18,8)` is more than `number`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from ca_etl.warehouse.connection import OLDEST_CLIENT, Column, columns_by_table
from ca_etl.warehouse.durable_files import storage, write_atomic
from ca_etl.warehouse.export import ExportedTable

DATAPACKAGE: Final = "datapackage.json"
PARQUET: Final = "parquet"
DIGEST: Final = "sha256:"
PROFILES: Final = "https://datapackage.org/profiles/2.0"
MEDIATYPES: Final = {
    "duckdb": "application/vnd.duckdb",
    "html": "text/html",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
# Table Schema, field types: https://datapackage.org/standard/table-schema/#field-types
TYPES: Final = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("DECIMAL", "FLOAT", "DOUBLE"), "number"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), "datetime"),
    **dict.fromkeys(("VARCHAR", "UUID", "ENUM", "BLOB"), "string"),
    **dict.fromkeys(("JSON", "STRUCT", "MAP"), "object"),
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "INTERVAL": "duration",
}

Resource = dict[str, Any]


class FileFact(NamedTuple):
    """One file of a release; `path` is relative to the release folder, `sha256` in hex."""

    path: str
    bytes: int
    sha256: str


def describe(
    resources: Iterable[Resource],
    *,
    release_id: str,
    created: datetime,
    run_id: str,
    slot: datetime | None,
    code_version: str,
) -> dict[str, Any]:
    """The descriptor of a release, as JSON-ready values. `created` and `slot` are zone-aware."""
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": "ca-etl",
        "title": "Central Asian exchange rates and articles",
        "version": release_id,
        "created": _instant(created),
        "resources": list(resources),
        "run": {"run_id": run_id, "slot": _instant(slot) if slot else None},
        "code_version": code_version,
        "duckdb_version": duckdb.__version__,
        "oldest_duckdb_client": OLDEST_CLIENT,
    }


def write_datapackage(folder: Path, package: Mapping[str, Any]) -> Path:
    """Write the descriptor into a release folder and return its path. Raises `StorageError`."""
    path = folder / DATAPACKAGE
    write_atomic(path, (json.dumps(package, ensure_ascii=False, indent=2) + "\n").encode())
    return path


def listed_files(folder: Path) -> tuple[FileFact, ...]:
    """The files that the descriptor of a release lists; a damaged one raises any error of reading JSON."""
    resources = json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    return tuple(file for resource in resources for file in _files_of(resource))


def table_resources(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    exported: Iterable[ExportedTable],
    primary_keys: Mapping[str, tuple[str, ...]],
) -> list[Resource]:
    """Descriptor entries of the tables exported to `folder/parquet`, from DuckDB's catalogue and the files.

    `primary_keys` gives the grain by table name. Raises `StorageError` when a file cannot be read.
    """
    comments, columns = _comments(con), columns_by_table(con, "main")
    return [
        table_resource(
            table.name,
            comments[table.name],
            table.rows,
            columns=columns[f"main.{table.name}"],
            primary_key=primary_keys.get(table.name, ()),
            files=[file_fact(folder, Path(PARQUET, file)) for file in table.files],
        )
        for table in exported
    ]


def table_resource(
    name: str,
    description: str,
    rows: int,
    *,
    columns: Iterable[Column],
    primary_key: Sequence[str],
    files: Sequence[FileFact],
) -> Resource:
    """The descriptor entry of one exported table; `primary_key` is its grain, empty when it has none."""
    schema: dict[str, Any] = {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [_field(column) for column in columns],
    }
    if primary_key:
        schema["primaryKey"] = list(primary_key)
    resource: Resource = {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": name,
        "type": "table",
        "description": description,
        "rows": rows,
        "path": files[0].path if len(files) == 1 else [file.path for file in files],
        "format": "parquet",
        "mediatype": MEDIATYPES["parquet"],
        "bytes": sum(file.bytes for file in files),
        "schema": schema,
    }
    if len(files) == 1:
        return {**resource, **_length_and_hash(files[0])}
    # A resource has one hash, and several files have several.
    return {**resource, "parts": [{"path": file.path, **_length_and_hash(file)} for file in files]}


def described_otherwise(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    """The tables of `con` whose comment or columns differ from the (readable) descriptor in `folder`."""
    comments, columns = _comments(con), columns_by_table(con, "main")
    described = {
        resource.get("name"): (resource.get("description"), resource.get("schema", {}).get("fields"))
        for resource in json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    }
    return tuple(
        table
        for table, comment in sorted(comments.items())
        if described.get(table) != (comment, [_field(column) for column in columns[f"main.{table}"]])
    )


def other_files(folder: Path, tables: Iterable[Resource]) -> list[Resource]:
    """Descriptor entries of the files below `folder` that belong to no table, without the descriptor, by path.

    Call it once the warehouse file is closed. Raises `StorageError` when a file cannot be read.
    """
    listed = {file.path for table in tables for file in _files_of(table)} | {DATAPACKAGE}
    with storage(folder):
        paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [_file_resource(file_fact(folder, path)) for path in paths if path.as_posix() not in listed]


def file_fact(folder: Path, path: Path) -> FileFact:
    """Length and hash of the file at `folder/path`. Raises `StorageError` when it cannot be read."""
    with storage(folder / path), (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileFact(path.as_posix(), file.tell(), digest)


def frictionless_type(duckdb_type: str) -> str:
    """The Table Schema type of a DuckDB type; `any` for a type that Table Schema lacks."""
    if duckdb_type.endswith("]"):
        return "array"
    return TYPES.get(duckdb_type.partition("(")[0], "any")


def _comments(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The comment of each table and view of `main`, by name."""
    rows = con.execute(
        "select table_name, coalesce(table_comment, '') from information_schema.tables "
        "where table_catalog = current_database() and table_schema = 'main'"
    ).fetchall()
    return dict(rows)


def _files_of(resource: Resource) -> list[FileFact]:
    parts = resource.get("parts", (resource,))
    return [FileFact(f"{part['path']}", part["bytes"], part["hash"].removeprefix(DIGEST)) for part in parts]


def _file_resource(file: FileFact) -> Resource:
    suffix = file.path.rpartition(".")[2]
    return {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": file.path.lower(),
        "path": file.path,
        "format": suffix,
        "mediatype": MEDIATYPES.get(suffix, "application/octet-stream"),
        **_length_and_hash(file),
    }


def _length_and_hash(file: FileFact) -> Resource:
    return {"bytes": file.bytes, "hash": f"{DIGEST}{file.sha256}"}


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": frictionless_type(column.type)}
    if column.comment:
        field["description"] = column.comment
    if not column.is_nullable:
        field["constraints"] = {"required": True}
    return {**field, "duckdb_type": column.type}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
