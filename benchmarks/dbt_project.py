"""Our models as a dbt project: the same queries, with `ref` and `source` in the places of table names.

What is left out is left out in dbt's favour: comments on tables and columns, the comparison of headers with tables,
and the seeds, which dbt finds loaded. Macros become stored macros, made in a hook at the start of the run: dbt
works with several connections, and a temporary macro belongs to one.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import yaml

from ca_etl.warehouse.models import MODEL_SCHEMAS, Model, discover
from ca_etl.warehouse.sqlfiles import sql_root

NAME: Final = "same_models"

# dbt would else put every model into `main_<schema>`.
_SCHEMA_MACRO: Final = """
{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}
"""
_JINJA: Final = re.compile(r"\{\{|\{%|\{#")


def write_project(folder: Path, warehouse: Path) -> tuple[Model, ...]:
    """Write project and profile into `folder`; the models build in the DuckDB file `warehouse`.

    Raises `ValueError` for SQL that dbt would take for a template.
    """
    models = discover(sql_root())
    for model in models:
        path = folder / "models" / model.schema / f"{model.table}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_templated(model), encoding="utf-8")
    macros = "\n".join(path.read_text("utf-8") for path in sorted((sql_root() / "macros").glob("*.sql")))
    macros = macros.replace("create or replace temp macro", "create or replace macro")
    files = {
        "dbt_project.yml": _project(),
        "profiles.yml": _profile(warehouse),
        "models/sources.yml": {"version": 2, "sources": _sources(models)},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "macros").mkdir()
    (folder / "macros" / "schema.sql").write_text(_SCHEMA_MACRO, encoding="utf-8")
    hook = f"{{% macro exact() %}}{_plain(macros)}{{% endmacro %}}"
    (folder / "macros" / "exact.sql").write_text(hook, encoding="utf-8")
    return models


def reported_seconds(folder: Path) -> float:
    """What dbt itself says that its last run took: without Python's start, imports and the reading of the project."""
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))
    return float(results["elapsed_time"])


def _templated(model: Model) -> str:
    sql = _plain(model.sql)
    for parent in model.parents:
        schema, _, table = parent.partition(".")
        known = f"ref('{table}')" if schema in MODEL_SCHEMAS else f"source('{schema}', '{table}')"
        sql = re.sub(rf"\b{schema}\.{table}\b", f"{{{{ {known} }}}}", sql)
    # `order by` has to stand outside, as in our runner: the query may have one of its own
    order = f"\norder by {', '.join(model.header.sort)}" if model.header.sort else ""
    config = f"{{{{ config(materialized='{model.header.materialized}', schema='{model.schema}') }}}}"
    return f"{config}\nselect * from (\n{sql}\n){order}\n"


def _plain(sql: str) -> str:
    if found := _JINJA.search(sql):
        raise ValueError(f"dbt would take {found[0]!r} for a template in: {sql}")
    return sql


def _project() -> dict[str, Any]:
    return {
        "name": NAME,
        "profile": NAME,
        "version": "1.0.0",
        "config-version": 2,
        "on-run-start": ["{{ exact() }}"],
        "flags": {"send_anonymous_usage_stats": False},
    }


def _profile(warehouse: Path) -> dict[str, Any]:
    target = {
        "type": "duckdb",
        "path": str(warehouse),
        "schema": "main",
        "threads": os.cpu_count() or 1,
        "settings": {"TimeZone": "UTC"},
    }
    return {NAME: {"target": "bench", "outputs": {"bench": target}}}


def _sources(models: tuple[Model, ...]) -> list[dict[str, Any]]:
    tables: dict[str, set[str]] = {}
    for parent in (parent for model in models for parent in model.parents):
        schema, _, table = parent.partition(".")
        if schema not in MODEL_SCHEMAS:
            tables.setdefault(schema, set()).add(table)
    return [
        {"name": schema, "tables": [{"name": name} for name in sorted(tables[schema])]} for schema in tables
    ]
