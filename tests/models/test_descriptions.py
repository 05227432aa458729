"""A table or column description is complete alone: of what, in which unit or time zone, and when null."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ca_etl.warehouse.connection import columns_by_table
from ca_etl.warehouse.model_header import split_file
from ca_etl.warehouse.models import read_functions, read_models
from ca_etl.warehouse.sqlfiles import sql_root

# Words for a noun that only a neighbour names.
REFERENCE = re.compile(
    r"\b(its?|they|them|theirs?|their|those|these|itself|ditto|the (rest|former|latter|other one)|such(?! as))\b"
    r"|\A(same|the same|this|that|both|as|and|or|of|where|when|why|who|what|how|which|not|then|else|also)\b"
    r"|\A(lower|upper|first|last|second|third) (end|number|one)s? of (the|that)\b",
    re.IGNORECASE,
)
UNIT = re.compile(
    r"\b(number of (?!the\b)\w+|characters|bytes|milliseconds|percent"
    r"|units? of (quote|base|the currency|this currency)|US dollars|share \(\S+ to 1\)"
    r"|from [01]|\d+ (\(\w+\) )?to \d+|sign of|ordinal of|wordpress id|status code|calendar year|year to which)\b",
    re.IGNORECASE,
)
NUMERIC = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|FLOAT|DOUBLE)\Z")
ZONES = {
    "TIMESTAMP WITH TIME ZONE": re.compile(r"\bUTC\b"),
    # a printed date has the zone of the page
    "DATE": re.compile(
        r"\bAsia/Almaty\b|\bthat the page prints\b|\bin the (issuing country|zone of the bank)\b"
    ),
}
# Names of columns that no check declares and no query makes null; one of the name elsewhere may state when it is null.
NEVER_NULL = """
year quarter month month_name month_start month_end week_start day_of_month day_of_year iso_year iso_week day_of_week
day_name is_weekend country_code model severity is_firing offending_rows sample captures rejects warnings code_version
source run_id schedule slot day outcome captures_from runs captures_with_rates responses pages_with_count
archive_file archive_offset parser_version payload_sha256 source_kind response_class capture_order is_accepted
posts_total posts_shown posts_hidden of_other_sites items_rejected articles_not_shown is_backfilled excerpt
slug article_id title is_truncated sighting_number media articles articles_with_title articles_loaded articles_parsed
article_number first_number version_id kind http_status found_at share
rate rate_low rate_high significant_digits rate_text change_text change_pct change_sign position inverse_low
inverse_end_low observations distinct_rates distinct_tickers day_low day_high is_stale_suspect prints_ticker
"""
# One meaning in every table, so one first clause.
SHARED = """
archive_offset author base captured_date capture_order change_pct change_sign change_text date_conflict dateline
distinct_rates distinct_tickers is_accepted is_approximate is_backfilled is_stale_suspect language mentions modified_at
observations page_date page_kind post_id published_at quote rate rate_high rate_low rate_text response_class shown_from
shown_to shown_total significant_digits stated_usd stated_usd_high text_end text_start
"""


class Description(NamedTuple):
    """A column with its description; `is_declared` where a check or a constraint keeps it from null."""

    table: str
    column: str
    type: str
    is_declared: bool
    text: str


@pytest.fixture(scope="module")
def columns(clean) -> list[Description]:
    declared = {model.name: not_null_columns(model.header) for model in read_models(sql_root())}
    declared |= {table: complete_columns(clean, table) for table in columns_by_table(clean.con, "seeds")}
    return [
        Description(
            table,
            column.name,
            column.type,
            column.name in declared[table] if table in declared else not column.is_nullable,
            column.comment,
        )
        for table, columns in columns_by_table(clean.con, "raw", "seeds", "staging", "main").items()
        for column in columns
    ]


def not_null_columns(header) -> set[str]:
    checks = (check for check in header.checks if check.kind == "not_null")
    return {*header.grain, *(column for check in checks for column in check.columns)}


def complete_columns(clean, table: str) -> set[str]:
    """The columns of a seed, whose rows are always the same, that have a value in each row."""
    counts = clean.rows(f"unpivot (select count(columns(*)) from {table}) on *")
    rows = clean.row(f"select count(*) from {table}")
    return {column for column, values in counts if (values,) == rows}


def problems(column: Description) -> Iterator[str]:
    if match := REFERENCE.search(column.text):
        yield f"refers to a neighbour: {match[0]!r}"
    if NUMERIC.match(column.type) and not UNIT.search(column.text):
        yield "names no unit"
    if (zone := ZONES.get(column.type)) and not zone.search(column.text):
        yield "names no time zone"
    is_never_null = column.is_declared or column.column in NEVER_NULL.split()
    if not is_never_null and "null" not in column.text.lower():
        yield "does not state when null"


def test_every_column_is_described_completely(columns) -> None:
    assert len(columns) > 500
    incomplete = [
        f"{column.table}.{column.column} {problem}: {column.text}"
        for column in columns
        for problem in problems(column)
    ]
    assert incomplete == []


def test_a_column_that_may_be_null_without_a_word_is_never_null(columns, clean) -> None:
    silent = [column for column in columns if not column.is_declared and "null" not in column.text.lower()]
    for column in silent:
        assert clean.rows(f'select 1 from {column.table} where "{column.column}" is null') == [], column
    assert {column.column for column in silent} == set(NEVER_NULL.split())


def test_a_column_that_is_described_as_a_key_of_a_table_of_main_has_a_check_that_it_is(columns) -> None:
    keys = {
        (column.table, column.column, match[1])
        for column in columns
        if column.table.startswith("main.") and (match := re.search(r"\ba key of (main\.\w+)", column.text))
    }
    checked = {
        (model.name, key.column, key.table)
        for model in read_models(sql_root())
        for key in model.header.foreign_keys
    }
    assert len(keys) > 10
    assert keys - checked == set()


@pytest.mark.parametrize("name", SHARED.split())
def test_a_column_of_several_tables_is_described_in_the_same_words(columns, name) -> None:
    texts = {
        column.table: re.split(r"[;:(]|\.(?=\s|\Z)| - ", column.text)[0].strip()
        for column in columns
        # a rate of a bank is not a printed one
        if column.column == name and not re.search("official|best|peg|agreement", column.table)
    }
    assert len(texts) > 1
    assert len(set(texts.values())) == 1, texts


def test_every_table_is_described_by_what_a_row_is(clean) -> None:
    described = dict(
        clean.rows(
            "select schema_name || '.' || table_name, comment from duckdb_tables()"
            " union all select schema_name || '.' || view_name, comment from duckdb_views() where not internal"
        )
    )
    assert len(described) > 50
    assert {name: text for name, text in described.items() if "One row" not in (text or "")} == {}
    assert {name: text for name, text in described.items() if REFERENCE.match(text)} == {}


def test_functions_are_described_completely(clean) -> None:
    functions = read_functions(sql_root())
    assert len(functions) > 2
    for function in functions:
        nulls = ", ".join("null" for _ in function.header.parameters)
        types = {name: kind for name, kind, *_ in clean.rows(f"describe from {function.name}({nulls})")}
        for name, text in function.header.columns.items():
            column = Description(function.name, name, types[name], is_declared=False, text=text)
            assert list(problems(column)) == [], column
        assert "One row" in function.header.description
        for name, text in function.header.parameters.items():
            assert not REFERENCE.search(text), name
        (comment,) = clean.row(
            "select comment from duckdb_functions() where function_type = 'table_macro'"
            f" and schema_name || '.' || function_name = '{function.name}'"
        )
        assert comment == function.header.text


def test_checks_and_frontier_queries_are_described_completely() -> None:
    texts = {}
    for path in (*sql_root().glob("checks/*.sql"), *sql_root().glob("frontier/*.sql")):
        fields, _ = split_file(path.read_text("utf-8"), path)
        texts[path.stem] = fields["description"].split(". ")[0]
        texts |= {f"{path.stem}.{name}": text for name, text in fields.get("columns", {}).items()}
        texts |= {f"{path.stem}.{name}": text for name, text in fields.get("parameters", {}).items()}
    assert len(texts) > 20
    assert {name: text for name, text in texts.items() if REFERENCE.search(text)} == {}


@pytest.mark.parametrize(
    ("column_type", "text", "problem"),
    [
        (
            "DECIMAL(19,9)",
            "Lower end of its interval, percent; not null.",
            "refers to a neighbour: 'its'",
        ),
        ("VARCHAR", "As printed; null where nothing is printed.", "refers to a neighbour: 'As'"),
        (
            "VARCHAR",
            "Second number of the line; null without.",
            "refers to a neighbour: 'Second number of the'",
        ),
        ("BIGINT", "Captures that the run loaded; null for a crash.", "names no unit"),
        ("TIMESTAMP WITH TIME ZONE", "Time of the fetch; null where unknown.", "names no time zone"),
        ("DATE", "Day of the fetch; null where unknown.", "names no time zone"),
        ("VARCHAR", "Author of the article.", "does not state when null"),
    ],
)
def test_an_incomplete_description_is_noticed(column_type, text, problem) -> None:
    assert list(problems(Description("main.a", "a", column_type, is_declared=False, text=text))) == [problem]
