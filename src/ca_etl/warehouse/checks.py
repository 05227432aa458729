"""Checks: queries that return the rows which should not be there.

A check is in the header of the model that it is about or, when it is about several tables or the run itself, in
`sql/checks/<name>.sql`. The grain of every model is checked in any case. A check of severity `error` that returns
rows stops publication; those of a `warning` are published, and with `alerts: true` they are an alert while they last.

In a query in `sql/checks/`, `getvariable('run_id')` is the run that is being checked; null outside a run. A check
that alerts is about the data alone: a run that loads nothing would end its alert.
"""

# ruff: noqa: S608  queries are made of names in our own model files, never of data

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import duckdb

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import READERS, reading_connection
from ca_etl.warehouse.journal import CheckResult
from ca_etl.warehouse.model_header import (
    NEXT_COMMAND,
    CheckSpec,
    Scalar,
    Severity,
    read_check_header,
    split_file,
)
from ca_etl.warehouse.models import ModelFile, read_models

SAMPLE_ROWS: Final = 10
SAMPLE_CHARACTERS: Final = 400
# A row as text, such as `rate_date 2025-12-05, base KZT`.
ROW_TEXT: Final = (
    "array_to_string(list_transform(map_entries(offending::map(varchar, varchar)),"
    " lambda field: concat(field.key, ' ', coalesce(field.value, 'null'))), ', ')"
)
# 70 checks one by one take 1.5 times as long; one statement for all would be planned no faster
_BATCH: Final = 8


class CheckError(CaEtlError):
    """A check cannot run: its query is wrong, and the data are unchecked."""

    def __init__(self, check: Check, cause: duckdb.Error) -> None:
        super().__init__(f"{check.path}: the check {check.name} does not run: {cause}", NEXT_COMMAND)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the warehouse: a query that returns offending rows of `model` (`schema.table`), in the file `path`.

    `counted_by` is the column of those rows by which the sample counts them; empty, the sample shows rows. `alerts`
    states whether offending rows of a warning are an alert.
    """

    name: str
    model: str
    severity: Severity
    sql: str
    path: Path
    counted_by: str | None = None
    alerts: bool = False


def collect_checks(root: Path, models: Sequence[ModelFile]) -> tuple[Check, ...]:
    """All checks under `root` (the `sql` folder): those of the models' headers, then the files of `checks/`.

    Raises `HeaderError` for a file in `checks/` with a bad header.
    """
    of_models = [check for model in models for check in _of_model(model)]
    return (*of_models, *(_of_file(path) for path in sorted((root / "checks").glob("*.sql"))))


def run_checks(
    con: duckdb.DuckDBPyConnection, root: Path, run_id: str | None = None
) -> tuple[CheckResult, ...]:
    """Run every check against the tables that `build_models` made.

    Threads read committed data, each over its own connection. `run_id` is the run to whose captures the checks of a
    single run are limited; None means all captures. Offending rows never raise; `CheckError` means that a query is
    wrong, `HeaderError` that a header is.
    """
    checks = collect_checks(root, read_models(root))
    batches = [checks[start : start + _BATCH] for start in range(0, len(checks), _BATCH)]

    def run(batch: Sequence[Check]) -> list[CheckResult]:
        with reading_connection(con) as reader:
            reader.execute("set variable run_id = $1::varchar", [run_id])
            return _run(reader, batch)

    with ThreadPoolExecutor(READERS) as pool:
        return tuple(chain.from_iterable(pool.map(run, batches)))


def _run(con: duckdb.DuckDBPyConnection, checks: Sequence[Check]) -> list[CheckResult]:
    query = " union all ".join(
        f"select {number}, {_result_query(check)}" for number, check in enumerate(checks)
    )
    try:
        results = con.execute(f"{query} order by 1").fetchall()
    except duckdb.Error as error:
        if len(checks) == 1:
            raise CheckError(checks[0], error) from error
        return [result for check in checks for result in _run(con, [check])]
    return [
        CheckResult(check.name, check.model, check.severity, count, "\n".join(rows or ()), check.alerts)
        for check, (_, count, rows) in zip(checks, results, strict=True)
    ]


def _result_query(check: Check) -> str:
    # min and max of (x, n) return the n least and the n greatest: the sample is the same whenever the rows are
    if check.counted_by is not None:
        return (
            f"coalesce(sum(rows), 0)::bigint, max(struct_pack(rows, value), {SAMPLE_ROWS}).list_transform("
            "lambda counted: concat(counted.rows, ' ', counted.value))"
            f" from (select count(*) as rows, {check.counted_by} as value from (\n{check.sql}\n) group by all)"
        )
    return (
        f"count(*), min(row_text, {SAMPLE_ROWS})"
        f" from (select left({ROW_TEXT}, {SAMPLE_CHARACTERS}) as row_text from (\n{check.sql}\n) as offending)"
    )


def _of_file(path: Path) -> Check:
    fields, sql = split_file(path.read_text(encoding="utf-8"), path)
    header = read_check_header(fields, path)
    return Check(path.stem, header.model, header.severity, sql, path, header.counted_by, header.alerts)


def _of_model(model: ModelFile) -> list[Check]:
    return [
        Check(f"{model.table}_grain", model.name, "error", _grain_query(model), model.path),
        *(
            Check(spec.name, model.name, spec.severity, _query(model, spec), model.path, alerts=spec.alerts)
            for spec in model.header.checks
        ),
    ]


def _grain_query(model: ModelFile) -> str:
    grain = model.header.grain
    unknown = " or ".join(f"{column} is null" for column in grain)
    return (
        f"select {', '.join(grain)}, count(*) as equal_rows from {model.name}"
        f" group by all having count(*) > 1 or {unknown}"
    )


def _query(model: ModelFile, spec: CheckSpec) -> str:
    if spec.kind == "sql":
        return spec.sql
    table, columns = model.name, ", ".join(spec.columns)
    if spec.kind == "unique":
        present = " and ".join(f"{column} is not null" for column in spec.columns)
        return f"select {columns}, count(*) as equal_rows from {table} where {present} group by all having count(*) > 1"
    shown = ", ".join(dict.fromkeys((*model.header.grain, *spec.columns)))
    return f"select {shown} from {table} where {_condition(spec)}"


def _condition(spec: CheckSpec) -> str:
    if spec.kind == "not_null":
        return " or ".join(f"{column} is null" for column in spec.columns)
    (column,) = spec.columns
    if spec.kind == "accepted":
        return f"{column} not in ({', '.join(map(_literal, spec.arguments))})"
    if spec.kind == "between":
        low, high = spec.arguments
        outside = [] if low is None else [f"{column} < {_literal(low)}"]
        outside += [] if high is None else [f"{column} > {_literal(high)}"]
        return " or ".join(outside) or "false"
    schema, table, key = str(spec.arguments[0]).split(".")
    return f"{column} is not null and {column} not in (select {key} from {schema}.{table} where {key} is not null)"


def _literal(value: Scalar) -> str:
    # a number in quotes takes the type of the column it is compared with, so a decimal stays one
    return str(value).lower() if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"
