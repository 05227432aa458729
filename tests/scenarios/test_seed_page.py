"""The real page: what an analyst must find after one ingest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_ingest, run_rebuild
from ca_etl.settings import Settings

pytestmark = pytest.mark.shared

Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]


@pytest.fixture
def ingested(settings: Settings, seed_page: Path) -> Outcome:
    return run_ingest(settings, GivenFiles((seed_page,)))


def test_the_five_rates_are_as_printed(ingested: Outcome, query: Query) -> None:
    assert ingested.exit_status == 0
    assert query(
        "select rate_date::varchar, base, quote, rate_text, change_text, change_sign"
        " from fct_rate_observation order by position"
    ) == [
        ("2025-12-05", "KGS", "USD", "0.01144", "0%", 0),
        ("2025-12-05", "KZT", "USD", "0.00198", "-0%", -1),
        ("2025-12-05", "TJS", "USD", "0.10857", "-0.18%", -1),
        ("2025-12-05", "UZS", "USD", "0.00008", "0%", 0),
        ("2025-12-05", "TMT", "USD", "0.28571", "0%", 0),
    ]


def test_a_coarse_rate_has_its_interval(ingested: Outcome, query: Query) -> None:
    assert query(
        "select significant_digits, rate_low = 0.000075, rate_high = 0.000085, typeof(rate)"
        " from fct_rate_daily where base = 'UZS'"
    ) == [(1, True, True, "DECIMAL(18,8)")]
    assert query(
        "select round(inverse_low, 1)::varchar, round(inverse_high, 1)::varchar,"
        " inverse_rate between inverse_low and inverse_high from fct_rate_daily where base = 'KZT'"
    ) == [("503.8", "506.3", True)]


def test_the_listing_shows_six_and_gives_four_and_the_run_warns(ingested: Outcome, query: Query) -> None:
    assert query(
        "select shown_from, shown_to, shown_total, articles_expected, articles_parsed, is_complete"
        " from fct_listing_page"
    ) == [(1, 6, 8, 6, 4, False)]
    assert [result.severity for result in ingested.fired if result.model == "main.fct_listing_page"] == [
        "warning"
    ]


def test_there_are_four_articles_and_the_second_is_cut(
    ingested: Outcome, query: Query, seed_page: Path
) -> None:
    rows = query(
        "select article.title, article.is_truncated, article.text, article.media from fct_article as article"
        " join fct_article_sighting using (article_id) order by position"
    )
    printed = seed_page.read_text(encoding="utf-8").splitlines()
    assert len(rows) == 4
    assert all(title in printed for title, *_ in rows)
    assert [cut for _, cut, *_ in rows] == [False, True, False, False]
    _, _, text, media = rows[2]
    assert "[caption" not in text
    assert [(item["attachment_id"], item["caption"]) for item in media] == [(34461, "@iom.int")]


def test_the_same_file_again_adds_no_row_but_the_run(
    ingested: Outcome, settings: Settings, seed_page: Path, query: Query, contents: Contents
) -> None:
    tables = [
        f"{schema}.{table}"
        for schema, table in query("select schema_name, table_name from duckdb_tables() where not internal")
        if table not in {"etl_run", "run"}
    ]

    def counts() -> dict[str, int]:
        return {table: query(f"select count(*) from {table}")[0][0] for table in tables}

    rows_before, before = counts(), contents(settings.data_dir)
    again = run_ingest(settings, GivenFiles((seed_page,)))
    assert again.exit_status == 0
    assert counts() == rows_before
    assert contents(settings.data_dir) == before
    assert query("select count(*) from etl_run") == [(2,)]


@pytest.mark.slow
def test_a_rebuild_from_the_archive_alone_gives_the_same_rows(
    ingested: Outcome, settings: Settings, contents: Contents, tmp_path: Path
) -> None:
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    shutil.copytree(settings.archive_dir, elsewhere.archive_dir)
    assert run_rebuild(elsewhere).exit_status == 0
    assert contents(elsewhere.data_dir) == contents(settings.data_dir)
