"""Which models a model is made of, and what none of them may do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ca_etl.warehouse.models import discover, read_models
from ca_etl.warehouse.sqlfiles import sql_root

RATE_MODELS = (
    "main.fct_rate_observation",
    "main.fct_rate_daily",
    "main.fct_rate_daily_wide",
    "main.fct_rate_weekly",
    "main.fct_rate_monthly",
    "staging.stg_rate_period",
    "staging.stg_slot_rate_outcome",
)
# A pattern over a file name, or over an address to find a time stamp in it.
PARSED_NAME = re.compile(
    r"""(?:regexp_\w+|split\w*|substr\w*|left|right|starts_with|ends_with|contains)\([^()]*archive_file
    | archive_file\s+(?:not\s+)?(?:i?like|similar|glob|~)
    | url\s*,\s*'[^']*\[0-9\]\{8\}T""",
    re.VERBOSE,
)


def ancestors(name: str, parents: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for parent in parents.get(name, ()):
        yield parent
        yield from ancestors(parent, parents)


@pytest.mark.parametrize("model", RATE_MODELS)
def test_rates_do_not_depend_on_articles(model):
    parents = {model.name: model.parents for model in discover(sql_root())}
    assert model in parents
    of_articles = re.compile(r"article|listing|posts|text|coverage")
    assert [name for name in ancestors(model, parents) if of_articles.search(name)] == []


@pytest.mark.parametrize("model", read_models(sql_root()), ids=lambda model: model.name)
def test_no_model_reads_a_fact_out_of_a_file_name(model):
    assert PARSED_NAME.search(model.sql.lower()) is None


@pytest.mark.parametrize(
    "sql",
    [
        "regexp_extract(archive_file, '([^/]+)-timesca-posts-sweep[.]', 1)",
        "where not regexp_matches(capture.archive_file, '-sweep[.]')",
        "where archive_file not like '%-ingest-%'",
    ],
)
def test_a_file_name_that_is_parsed_is_recognised(sql):
    assert PARSED_NAME.search(sql) is not None
