"""A text is searched once, however often it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.enrich import Enriched, enrich
from ca_etl.pipeline.play import play_days
from ca_etl.settings import Settings

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]


def searched(settings: Settings, days: int) -> list[Enriched]:
    """What the step found on every one of some days that are played."""
    results: list[Enriched] = []

    def call(step: Callable[..., Any], *args: object) -> Any:
        result = step(*args)
        if step is enrich:
            results.append(result)
        return result

    for outcome in play_days(settings, days, environment=Environment(call=call)):
        assert outcome.exit_status == 0, outcome.error
    return results


def test_a_text_that_is_shown_again_is_not_searched_again(settings: Settings, query: Query) -> None:
    results = searched(settings, 3)
    (shown,) = query("select count(*) from raw.article_observation where text_id is not null")
    (texts,) = query("select count(*) from raw.article_text")
    (titles,) = query("select count(distinct title) from raw.article_observation where trim(title) <> ''")
    assert sum(result.items for result in results) == texts[0] + titles[0]
    assert texts[0] < shown[0]
    assert query("select count(*) from raw.enriched") == [(texts[0] + titles[0],)]


def test_the_same_day_again_searches_nothing(settings: Settings) -> None:
    searched(settings, 1)
    assert searched(settings, 1) == [Enriched()]


def test_another_version_searches_all_texts_again(
    settings: Settings, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = ("text_country", "text_amount", "text_profile", "text_pair")
    (first,) = searched(settings, 1)
    rows = [query(f"from raw.{table} order by all") for table in tables]
    monkeypatch.setattr("ca_etl.pipeline.enrich.VERSION", "later")
    assert searched(settings, 1) == [first]
    assert [query(f"from raw.{table} order by all") for table in tables] == rows
    assert query("select distinct version from raw.enriched") == [("later",)]


def test_every_text_has_a_profile_and_the_demo_is_in_english(settings: Settings, query: Query) -> None:
    searched(settings, 2)
    assert query("select text_id from raw.article_text except select text_id from raw.text_profile") == []
    assert query("select distinct language from main.fct_article where word_count > 30") == [("en",)]


def test_articles_of_the_demo_on_one_template_are_not_duplicates(settings: Settings, query: Query) -> None:
    searched(settings, 3)
    assert query("select count(*) from main.fct_article_duplicate") == [(0,)]


def test_the_demo_names_countries_and_amounts(settings: Settings, query: Query) -> None:
    searched(settings, 1)
    (countries,) = query("select count(distinct country_code) from main.fct_article_country where is_main")
    assert countries[0] >= 3
    assert query("select count(*) from main.fct_article_amount where amount <= 0") == [(0,)]
    (articles,) = query("select sum(articles) from main.fct_article_daily")
    assert articles == query("select count(*) from main.fct_article")[0]


def test_amounts_are_where_the_article_prints_them(settings: Settings, query: Query) -> None:
    searched(settings, 2)
    assert (
        query(
            "select amount_text, text[text_start + 1:text_end] from main.fct_article_amount"
            " inner join main.fct_article using (article_id) where amount_text <> text[text_start + 1:text_end]"
        )
        == []
    )


def test_the_pipeline_imports_no_polars_and_no_rensa_before_there_is_a_text() -> None:
    import subprocess
    import sys

    code = "import sys, ca_etl.pipeline.run; sys.exit(bool({'polars', 'rensa'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
