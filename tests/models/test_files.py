"""Every model, function and frontier query has a test of its name, and a frontier query what its header states."""

import re
from pathlib import Path

import pytest

from ca_etl.warehouse.model_header import split_file
from ca_etl.warehouse.models import read_functions, read_models
from ca_etl.warehouse.sqlfiles import sql_root

TESTS = Path(__file__).parent
TESTED = [
    path
    for room in ("staging", "main", "functions/staging", "functions/main", "frontier", "macros")
    for path in sorted((sql_root() / room).glob("*.sql"))
]
FRONTIER = [path for path in TESTED if path.parent.name == "frontier"]


def test_there_are_queries_to_test():
    assert len(TESTED) > 40
    assert len(FRONTIER) >= 4


def test_no_stored_query_gives_lead_or_lag_an_offset():
    # DuckDB 2 reads lead(x, 2) in a view that DuckDB 1 stored as lead(x), and DuckDB 1 does not read that of DuckDB 2
    views = [model for model in read_models(sql_root()) if model.header.materialized == "view"]
    stored = [*views, *read_functions(sql_root())]
    assert len(stored) > 10
    assert [file.name for file in stored if re.search(r"\b(lead|lag)\s*\([^()]*,", file.sql)] == []


@pytest.mark.parametrize("path", TESTED, ids=lambda path: path.stem)
def test_a_query_has_a_test_of_its_name(path):
    text = (TESTS / f"test_{path.stem}.py").read_text("utf-8")
    assert path.parent.name not in {"staging", "main"} or f"{path.parent.name}.{path.stem}" in text


def test_no_test_is_named_after_a_query_that_no_longer_exists():
    named = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    queries = {name for name in named if re.match(r"(stg|fct|dim|etl)_", name)}
    assert queries - {path.stem for path in TESTED} == set()


@pytest.mark.parametrize("path", FRONTIER, ids=lambda path: path.stem)
def test_a_frontier_query_has_the_columns_and_parameters_of_its_header(given, path):
    fields, query = split_file(path.read_text("utf-8"), path)
    parameters = dict.fromkeys(fields.get("parameters", {}), "2025-12-05")
    result = given().con.execute(query, parameters or None)
    assert [name for name, *_ in result.description] == list(fields["columns"])
    assert set(re.findall(r"\$(\w+)", query)) == set(parameters)
    assert fields["description"].startswith("One row per ")
