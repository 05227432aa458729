import re
from pathlib import Path

import pytest

from ca_etl.warehouse.model_header import split_file
from ca_etl.warehouse.sqlfiles import sql_root

FILES = sorted((sql_root() / "frontier").glob("*.sql"))
TESTS = Path(__file__).parent


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_frontier_query_has_the_columns_and_parameters_of_its_header(given, path):
    fields, query = split_file(path.read_text("utf-8"), path)
    parameters = dict.fromkeys(fields.get("parameters", {}), "2025-12-05")
    result = given().con.execute(query, parameters or None)
    assert [name for name, *_ in result.description] == list(fields["columns"])
    assert set(re.findall(r"\$(\w+)", query)) == set(parameters)
    assert fields["description"].startswith("One row per ")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_frontier_query_has_a_test_of_its_name(path):
    assert (TESTS / f"test_{path.stem}.py").is_file()
