"""The descriptor `datapackage.json` of a release: its files and tables, for people and programs.

The format is Data Package version 2 (https://datapackage.org). Every file of the release but the descriptor
itself is listed with its length and SHA-256. Table Schema has one type for all numbers, so each field names its
DuckDB type as well: `DECIMAL(18,8)` is more than `number`. An export has a descriptor of its own, made from that of
the release.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from ca_etl.errors import CaEtlError
from ca_etl.records import LISTINGS
from ca_etl.warehouse.connection import OLDEST_CLIENT, Column, DescribedTable, described_tables
from ca_etl.warehouse.durable_files import storage, write_atomic
from ca_etl.warehouse.export import ExportedTable, quoted
from ca_etl.warehouse.model_header import ForeignKey, ModelHeader

DATAPACKAGE: Final = "datapackage.json"
METADATA: Final = "metadata.json"
# The name under which Datasette shows the tables: that of the database file.
DATABASE: Final = "ca_etl"
PARQUET: Final = "parquet"
MAIN: Final = "main."
FOREIGN_KEYS: Final = "foreignKeys"
DIGEST: Final = "sha256:"
PROFILES: Final = "https://datapackage.org/profiles/2.0"
MEDIATYPES: Final = {
    "csv": "text/csv",
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

# The sources that have captures, with their URLs; without, where no capture is of that site, as in the demo.
SOURCES: Final = """
    select source.name, any_value(source.url) filter (
        starts_with(capture.url, regexp_extract(source.url, '^https?://[^/]+'))
    )
    from main.dim_source as source join raw.capture as capture using (source)
    group by source.name order by source.name
"""
HOMEPAGE: Final = "select url from main.dim_source where source = $1"
# The name is an id of the Open Definition for data that are not open.
LICENSE: Final = {
    "name": "other-closed",
    "title": "No license: the pages belong to the site, for your own analysis. The MIT license covers the code alone.",
}
CONTRIBUTORS: Final = (
    {"title": "The Times of Central Asia", "path": "https://timesca.com/", "roles": ["rightsHolder"]},
    {"title": "The ca_etl authors", "roles": ["creator"]},
)

Resource = dict[str, Any]


class FileFact(NamedTuple):
    """A file of a release with its size and hash; `path` is relative to the release folder, `sha256` in hex."""

    path: str
    bytes: int
    sha256: str


def read_origin(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The properties of a descriptor that state where the data of a warehouse come from, and on what terms."""
    ((homepage,),) = con.execute(HOMEPAGE, [LISTINGS]).fetchall()
    sources = con.execute(SOURCES).fetchall()
    return {
        "homepage": homepage,
        "licenses": [LICENSE],
        "sources": [{"title": name} | ({"path": url} if url else {}) for name, url in sources],
        "contributors": list(CONTRIBUTORS),
    }


def describe(
    resources: Iterable[Resource],
    origin: Mapping[str, Any],
    *,
    release_id: str,
    created: datetime,
    run_id: str,
    slot: datetime | None,
    code_version: str,
    previous_release: str | None = None,
) -> dict[str, Any]:
    """The descriptor (`datapackage.json`) of a release, as JSON-ready values.

    `origin` is that of `read_origin`, times are zone-aware. `previous_release` is the id of the release that was
    current before, None for the first one; `slot` is None for a run without one.
    """
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": "ca-etl",
        "title": "Central Asian exchange rates and articles",
        "version": release_id,
        "created": _instant(created),
        **origin,
        "resources": list(resources),
        "run": {"run_id": run_id, "slot": _instant(slot) if slot else None},
        "previous_release": previous_release,
        "code_version": code_version,
        "duckdb_version": duckdb.__version__,
        "oldest_duckdb_client": OLDEST_CLIENT,
    }


def write_datapackage(folder: Path, package: Mapping[str, Any]) -> Path:
    """Write the descriptor into a release folder and return its path. Raises `StorageError`."""
    return _write_json(folder / DATAPACKAGE, package)


def write_metadata(folder: Path, package: Mapping[str, Any]) -> Path:
    """Write what Datasette shows beside the tables of an export (`metadata.json`), and return the path.

    Title, terms and source are those of the descriptor `package` of the export, as are the descriptions of tables and
    columns. The newest rows of a table come first, by a date of its key, else by its first date; without a date its
    rows are in the order of the key. Raises `StorageError`.
    """
    tables = {resource["name"]: _table_metadata(resource) for resource in package["resources"]}
    licenses = [terms["title"] for terms in package.get("licenses", ())]
    owners = [owner["title"] for owner in package.get("contributors", ()) if "rightsHolder" in owner["roles"]]
    metadata = {
        "title": package.get("title"),
        "description": package.get("description"),
        "license": "; ".join(licenses),
        "source": ", ".join(owners),
        "source_url": package.get("homepage"),
        "databases": {DATABASE: {"tables": tables}},
    }
    return _write_json(folder / METADATA, {name: value for name, value in metadata.items() if value})


def _table_metadata(resource: Resource) -> dict[str, Any]:
    schema = resource["schema"]
    key = schema.get("primaryKey", [])
    dates = [field["name"] for field in schema["fields"] if field["type"] in {"date", "datetime"}]
    dates.sort(key=lambda name: name not in key)
    order = {"sort_desc": dates[0]} if dates else {"sort": key[0]} if key else {}
    columns = {field["name"]: field.get("description", "") for field in schema["fields"]}
    return {"description": resource.get("description", ""), **order, "columns": columns}


def _write_json(path: Path, value: Mapping[str, Any]) -> Path:
    write_atomic(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())
    return path


def read_datapackage(folder: Path) -> dict[str, Any]:
    """Read the descriptor of the release in `folder`. Raises `CaEtlError` when it is missing or is not JSON."""
    try:
        package: dict[str, Any] = json.loads((folder / DATAPACKAGE).read_bytes())
    except (OSError, ValueError) as error:
        raise CaEtlError(f"{folder / DATAPACKAGE} cannot be read: {error}", "ca-etl rebuild") from error
    return package


def listed_files(folder: Path) -> tuple[FileFact, ...]:
    """The files that the descriptor of a release lists. A damaged descriptor raises any error of reading JSON."""
    resources = json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    return tuple(file for resource in resources for file in files_of(resource))


def table_resources(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    exported: Iterable[ExportedTable],
    headers: Mapping[str, ModelHeader],
) -> list[Resource]:
    """Descriptor entries of the tables exported to `folder/parquet`, from DuckDB's catalogue and the files.

    The header of each table, by its name, gives the keys. Raises `StorageError` when a file cannot be read.
    """
    tables = {table.name: table for table in described_tables(con, "main")}
    return [
        table_resource(
            tables[table.name],
            table.rows,
            primary_key=headers[table.name].grain,
            foreign_keys=headers[table.name].foreign_keys,
            files=[file_fact(folder, Path(PARQUET, file)) for file in table.files],
        )
        for table in exported
    ]


def table_resource(
    table: DescribedTable,
    rows: int,
    *,
    primary_key: Sequence[str],
    foreign_keys: Iterable[ForeignKey],
    files: Sequence[FileFact],
) -> Resource:
    """The descriptor entry of one exported table; foreign keys to other schemas are left out."""
    schema: dict[str, Any] = {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [_field(column) for column in table.columns],
        "primaryKey": list(primary_key),
    }
    keys = [_foreign_key(table.name, key) for key in foreign_keys if key.table.startswith(MAIN)]
    resource: Resource = {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": table.name,
        "type": "table",
        "description": table.description,
        "rows": rows,
        "path": files[0].path if len(files) == 1 else [file.path for file in files],
        "format": "parquet",
        "mediatype": MEDIATYPES["parquet"],
        "bytes": sum(file.bytes for file in files),
        "schema": _with_foreign_keys(schema, keys),
    }
    if len(files) == 1:
        return {**resource, **_length_and_hash(files[0])}
    # A resource has one hash, and several files have several.
    return {**resource, "parts": [{"path": file.path, **_length_and_hash(file)} for file in files]}


def described_otherwise(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    """The tables of a warehouse (`con`) whose comment or columns differ from the readable descriptor in `folder`."""
    described = {
        resource.get("name"): (resource.get("description"), resource.get("schema", {}).get("fields"))
        for resource in json.loads((folder / DATAPACKAGE).read_bytes())["resources"]
    }
    return tuple(
        table.name
        for table in described_tables(con, "main")
        if described.get(table.name) != (table.description, [_field(column) for column in table.columns])
    )


def export_descriptor(
    release: Mapping[str, Any], folder: Path, files: Mapping[str, str], form: str
) -> dict[str, Any]:
    """The descriptor of an export, made from that of the release that is exported to `folder`.

    `files` are the paths of the exported tables by name, relative to `folder`. A foreign key to a table that is not
    exported is left out.
    """
    described = [resource for resource in release["resources"] if resource["name"] in files]
    return {
        **release,
        "resources": [
            _exported_resource(resource, file_fact(folder, Path(files[resource["name"]])), form, files)
            for resource in described
        ],
    }


def _exported_resource(resource: Resource, file: FileFact, form: str, exported: Collection[str]) -> Resource:
    keys = [
        key
        for key in resource["schema"].get(FOREIGN_KEYS, ())
        if key["reference"].get("resource", resource["name"]) in exported
    ]
    return {
        **{name: value for name, value in resource.items() if name != "parts"},
        "path": file.path,
        "format": form,
        "mediatype": MEDIATYPES[form],
        "schema": _with_foreign_keys(resource["schema"], keys),
        **_length_and_hash(file),
    }


def other_files(folder: Path, tables: Iterable[Resource]) -> list[Resource]:
    """The descriptor entries of the files below `folder` that belong to no table, sorted by path.

    The descriptor itself is left out. Call it once the warehouse file is closed. Raises `StorageError` when a file
    cannot be read.
    """
    listed = {file.path for table in tables for file in files_of(table)} | {DATAPACKAGE}
    with storage(folder):
        paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [_file_resource(file_fact(folder, path)) for path in paths if path.as_posix() not in listed]


def file_fact(folder: Path, path: Path) -> FileFact:
    """The size and SHA-256 of the file at `folder/path`. Raises `StorageError` when it cannot be read."""
    with storage(folder / path), (folder / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileFact(path.as_posix(), file.tell(), digest)


def values_as_in(form: str, table: DescribedTable) -> str:
    """The columns of a table as expressions of a `select`, for an export in the form `csv`, `json` or `parquet`.

    In text, values are written as Table Schema requires: a time as ISO 8601 in UTC, with T and Z; in CSV a list or
    structure as JSON. `parquet` has the values as they are.
    """
    texts = {}
    for column in table.columns if form != "parquet" else ():
        kind, name = frictionless_type(column.type), quoted(column.name)
        if kind == "datetime":
            texts[name] = f"replace(replace({name}::varchar, ' ', 'T'), '+00', 'Z')"
        elif kind in {"array", "object"} and form == "csv":
            texts[name] = f"to_json({name})::varchar"
    replaced = ", ".join(f"{text} as {name}" for name, text in texts.items())
    return f"* replace ({replaced})" if replaced else "*"


def frictionless_type(duckdb_type: str) -> str:
    """The Table Schema type of a DuckDB type; `any` for a type that Table Schema lacks."""
    if duckdb_type.endswith("]"):
        return "array"
    return TYPES.get(duckdb_type.partition("(")[0], "any")


def files_of(resource: Resource) -> list[FileFact]:
    """The files that a descriptor entry lists."""
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


def _foreign_key(table: str, key: ForeignKey) -> dict[str, Any]:
    reference: dict[str, Any] = {"fields": [key.key]}
    if (
        parent := key.table.removeprefix(MAIN)
    ) != table:  # a table that refers to itself does not name itself
        reference["resource"] = parent
    return {"fields": [key.column], "reference": reference}


def _with_foreign_keys(schema: Mapping[str, Any], keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema with these foreign keys in place of its own; the list must not be empty."""
    kept = {name: value for name, value in schema.items() if name != FOREIGN_KEYS}
    return {**kept, FOREIGN_KEYS: keys} if keys else kept


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": frictionless_type(column.type)}
    if column.comment:
        field["description"] = column.comment
    if not column.is_nullable:
        field["constraints"] = {"required": True}
    return {**field, "duckdb_type": column.type}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
