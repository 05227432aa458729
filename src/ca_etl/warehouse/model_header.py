"""The header of a model: the block comment at the top of a `.sql` file.

A header is YAML between `/*` and `*/`. It states what one row is, what each column means, how the
table is stored, and what must be true of it. It is compared with the table that the `select`
below it makes, so the two cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast, get_args

import yaml

from ca_etl.errors import CaEtlError

Severity = Literal["error", "warning"]
Materialized = Literal["table", "view"]
CheckKind = Literal["not_null", "unique", "accepted", "between", "references", "sql"]
Scalar = str | int | bool | None

_T = TypeVar("_T", bound=str)
_SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_MATERIALIZED: Final[tuple[Materialized, ...]] = get_args(Materialized)
_CHECK_KINDS: Final[tuple[CheckKind, ...]] = get_args(CheckKind)

NEXT_COMMAND: Final = "ca-etl models"

_BLOCK: Final = re.compile(r"\A\s*/\*(?P<header>.*?)\*/(?P<body>.*)\Z", re.DOTALL)
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_COLUMN_REFERENCE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}\Z")
_MODEL_FIELDS: Final = {
    "description",
    "grain",
    "columns",
    "materialized",
    "sort",
    "partition_year",
    "rows_of",
    "checks",
}
_FUNCTION_FIELDS: Final = {"description", "parameters", "columns"}
_SEED_FIELDS: Final = {"description", "columns"}
_CHECK_FILE_FIELDS: Final = {"description", "severity", "alerts", "model", "counted_by"}
# libyaml reads the headers of all models in about 5 ms, the pure Python loader in about 80 ms
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class HeaderError(CaEtlError):
    """The header of a model, function, seed or check is missing, is not YAML, or has an unknown field or value."""

    def __init__(self, path: Path, field: str, problem: str) -> None:
        super().__init__(f"{path}: header field `{field}`: {problem}", NEXT_COMMAND)
        self.path = path
        self.field = field


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check of a table, as an entry of `checks` in the header of its model.

    `columns` are the columns that are checked. `arguments` depend on the `kind`: the accepted values, the two bounds
    (both included, None for no bound), or the `schema.table.column` that is referred to. `sql` is the query of a check
    of kind `sql`, which returns the offending rows.

    `alerts` states whether rows of a warning are an alert until a later run finds none. It is False for an error,
    which stops the publication and is an alert in any case.
    """

    kind: CheckKind
    name: str
    severity: Severity
    columns: tuple[str, ...] = ()
    arguments: tuple[Scalar, ...] = ()
    sql: str = ""
    alerts: bool = False


class ForeignKey(NamedTuple):
    """A foreign key: each value of `column` is null or a value of the column `key` of `table` (`schema.table`)."""

    column: str
    table: str
    key: str


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """The header of a model's file, which describes its table.

    `grain` names the columns that make a row unique. `columns` maps each column to its sentence, in the order of the
    table. `sort` is the order of the rows on disk. `partition_year` names the date column by whose year an export may
    split the table, None for no such column. `rows_of` names the table (`schema.table`) whose rows a view shows, with
    the texts of raw.article_text that their ids name; None for all other models.
    """

    description: str
    grain: tuple[str, ...]
    columns: Mapping[str, str]
    materialized: Materialized
    sort: tuple[str, ...]
    partition_year: str | None
    rows_of: str | None
    checks: tuple[CheckSpec, ...]

    @property
    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        """The foreign keys of a table, as its checks `references` state them, in order."""
        return tuple(
            ForeignKey(*check.columns, *str(check.arguments[0]).rsplit(".", 1))
            for check in self.checks
            if check.kind == "references"
        )


@dataclass(frozen=True, slots=True)
class FunctionHeader:
    """The header of a file in `sql/functions/`: a sentence for each parameter and each column of the result."""

    description: str
    parameters: Mapping[str, str]
    columns: Mapping[str, str]

    @property
    def text(self) -> str:
        """The whole header as one comment, since DuckDB has one comment for a macro and none for its columns."""
        lines = [self.description]
        for title, sentences in (("Parameters", self.parameters), ("Columns", self.columns)):
            lines += ["", f"{title}:", *(f"- {name}: {sentence}" for name, sentence in sentences.items())]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class CheckHeader:
    """The header of a file in `sql/checks/`; `model` is the `schema.table` that the check is about.

    `counted_by` names the column of the offending rows by which the sample counts them, in place of showing rows.
    `alerts` states whether rows of a warning are an alert.
    """

    description: str
    severity: Severity
    model: str
    counted_by: str | None = None
    alerts: bool = False


@dataclass(frozen=True, slots=True)
class SeedHeader:
    """The header of a seed, the `.yaml` file beside its `.csv`: what a row is, and a sentence for each column."""

    description: str
    columns: Mapping[str, str]


def split_file(text: str, path: Path) -> tuple[dict[str, Any], str]:
    """Split the file of a model into its header, as a mapping, and its SQL, without the closing semicolon.

    Raises `HeaderError` when the file does not begin with a block comment that holds a mapping.
    """
    match = _BLOCK.match(text)
    if match is None:
        raise HeaderError(path, "description", "the file must begin with a header between /* and */")
    return _fields(match["header"], path), match["body"].strip().removesuffix(";")


def read_model_header(fields: Mapping[str, Any], path: Path, default: Materialized) -> ModelHeader:
    """Validate the header of a model, given as a mapping; `default` is the value of a missing `materialized`.

    Raises `HeaderError` for an unknown or missing field and for a column named without a sentence.
    """
    _only(fields, _MODEL_FIELDS, path)
    columns = _sentences(fields, "columns", path)
    known = frozenset(columns)
    grain = _names(fields.get("grain"), "grain", path, known)
    if not grain:
        raise HeaderError(path, "grain", "the grain must name at least one column")
    partition_year = fields.get("partition_year")
    if partition_year is not None:
        _names([partition_year], "partition_year", path, known)
    table = path.stem
    return ModelHeader(
        description=_sentence(fields.get("description"), "description", path),
        grain=grain,
        columns=columns,
        materialized=_choice(fields.get("materialized", default), _MATERIALIZED, "materialized", path),
        sort=_names(fields.get("sort", []), "sort", path, known),
        partition_year=partition_year,
        rows_of=fields.get("rows_of"),
        checks=tuple(
            _check(entry, f"checks[{number}]", table, path, known)
            for number, entry in enumerate(_list(fields.get("checks", []), "checks", path))
        ),
    )


def read_function_header(fields: Mapping[str, Any], path: Path) -> FunctionHeader:
    """Validate the header of a file in `sql/functions/`, given as a mapping. Raises `HeaderError`."""
    _only(fields, _FUNCTION_FIELDS, path)
    return FunctionHeader(
        description=_sentence(fields.get("description"), "description", path),
        parameters=_sentences(fields, "parameters", path),
        columns=_sentences(fields, "columns", path),
    )


def read_seed_header(path: Path) -> SeedHeader:
    """Read and validate the header of a seed, its `.yaml` file. Raises `HeaderError`, also for a missing file."""
    if not path.is_file():
        raise HeaderError(path, "description", "the file is missing; it describes the seed and its columns")
    fields = _fields(path.read_text(encoding="utf-8"), path)
    _only(fields, _SEED_FIELDS, path)
    return SeedHeader(
        description=_sentence(fields.get("description"), "description", path),
        columns=_sentences(fields, "columns", path),
    )


def read_check_header(fields: Mapping[str, Any], path: Path) -> CheckHeader:
    """Validate the header of a file in `sql/checks/`, given as a mapping. Raises `HeaderError`."""
    _only(fields, _CHECK_FILE_FIELDS, path)
    counted_by = fields.get("counted_by")
    if counted_by is not None and not _IDENTIFIER.match(str(counted_by)):
        raise HeaderError(path, "counted_by", f"{counted_by!r} is not a column name in lower case")
    severity = _choice(fields.get("severity"), _SEVERITIES, "severity", path)
    return CheckHeader(
        description=_sentence(fields.get("description"), "description", path),
        severity=severity,
        model=_sentence(fields.get("model"), "model", path),
        counted_by=counted_by,
        alerts=_alerts(fields.get("alerts"), severity, "alerts", path),
    )


def _fields(text: str, path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.load(text, Loader=_LOADER)  # noqa: S506 -- one of the two safe loaders
    except yaml.YAMLError as error:
        raise HeaderError(path, "header", f"the header is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise HeaderError(path, "description", "the header must be a mapping of fields")
    return loaded


def _only(fields: Mapping[str, Any], allowed: set[str], path: Path) -> None:
    for field in fields:
        if field not in allowed:
            raise HeaderError(
                path, str(field), f"is not a field of a header; the fields are {', '.join(sorted(allowed))}"
            )


def _sentence(value: object, field: str, path: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise HeaderError(path, field, "a description must be a sentence")
    return " ".join(value.split())


def _choice(value: object, allowed: tuple[_T, ...], field: str, path: Path) -> _T:
    for choice in allowed:
        if value == choice:
            return choice
    raise HeaderError(path, field, f"the value must be one of {', '.join(allowed)}, and is {value!r}")


def _alerts(value: object, severity: Severity, field: str, path: Path) -> bool:
    if severity == "error" and value is None:
        return False
    if severity == "error" or not isinstance(value, bool):
        raise HeaderError(
            path, field, "`alerts` must be true or false for a warning, and missing for an error"
        )
    return value


def _list(value: object, field: str, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise HeaderError(path, field, "the value must be a list")
    return value


def _names(value: object, field: str, path: Path, known: frozenset[str]) -> tuple[str, ...]:
    names = _list(value, field, path)
    for name in names:
        if name not in known:
            raise HeaderError(
                path, field, f"the check names the column {name!r}, which `columns` does not describe"
            )
    return tuple(names)


def _sentences(fields: Mapping[str, Any], field: str, path: Path) -> dict[str, str]:
    """The sentences of `columns` or `parameters` by name."""
    sentences = fields.get(field)
    thing = field.removesuffix("s")
    if not isinstance(sentences, dict) or not sentences:
        raise HeaderError(path, field, f"the header must map each {thing} to a sentence")
    for name in sentences:
        if not isinstance(name, str) or not _IDENTIFIER.match(name):
            raise HeaderError(path, field, f"{name!r} is not a {thing} name in lower case")
    return {name: _sentence(text, f"{field}.{name}", path) for name, text in sentences.items()}


def _check(entry: object, field: str, table: str, path: Path, known: frozenset[str]) -> CheckSpec:
    if not isinstance(entry, dict):
        raise HeaderError(path, field, "a check must be a mapping such as `not_null: [column]`")
    rest = dict(entry)
    severity = _choice(rest.pop("severity", "error"), _SEVERITIES, f"{field}.severity", path)
    alerts = _alerts(rest.pop("alerts", None), severity, f"{field}.alerts", path)
    name = rest.pop("name", None)
    kinds = [kind for kind in _CHECK_KINDS if kind in rest]
    if len(kinds) != 1 or len(rest) != 1:
        raise HeaderError(path, field, f"a check must have exactly one of {', '.join(_CHECK_KINDS)}")
    kind = kinds[0]
    entry_field = f"{field}.{kind}"
    columns, arguments, sql = _arguments(kind, rest[kind], entry_field, path)
    _names(list(columns), entry_field, path, known)
    if kind == "sql" and name is None:
        raise HeaderError(path, field, "a `sql` check needs a `name`")
    name = f"{table}_{kind}_{'_'.join(columns)}" if name is None else f"{table}_{name}"
    return CheckSpec(kind, name, severity, columns, arguments, sql, alerts)


def _arguments(
    kind: CheckKind, value: object, field: str, path: Path
) -> tuple[tuple[str, ...], tuple[Scalar, ...], str]:
    if kind == "sql":
        if not isinstance(value, str) or not value.strip():
            raise HeaderError(path, field, "a `sql` check must be a query that returns the offending rows")
        return (), (), value.strip().removesuffix(";")
    if kind in {"not_null", "unique"}:
        return tuple(_list(value, field, path)), (), ""
    if not isinstance(value, dict) or len(value) != 1:
        raise HeaderError(path, field, "a check of one column must map the column to its arguments")
    column, given = next(iter(value.items()))
    arguments = (given,) if kind == "references" else tuple(_list(given, field, path))
    for argument in arguments:
        # a binary float would compare a decimal column as DOUBLE
        if not isinstance(argument, str | int | None):
            raise HeaderError(path, field, f"{argument!r} is not exact: write a decimal number in quotes")
    if kind == "between" and len(arguments) != 2:
        raise HeaderError(
            path, field, "a `between` check must have two bounds, low and high; null means no bound"
        )
    if kind == "references" and not _COLUMN_REFERENCE.match(str(given)):
        raise HeaderError(path, field, "a `references` check must name one column as schema.table.column")
    return (column,), cast("tuple[Scalar, ...]", arguments), ""
