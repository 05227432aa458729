"""Where the posts API is unavailable, a backfill crawls the feed of the demo over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import UsageError
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse import journal

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
AUTUMN = DateRange(date(2025, 10, 1), date(2025, 12, 22))
ARTICLES = "select slug, title, author, published_at, text from main.fct_article order by slug"


def published(site: DemoSite, days: DateRange) -> set[str]:
    after, before = days.bounds
    return {
        article.slug
        for article in site.posts.snapshot(site.day).listed
        if after < article.published_at < before
    }


def test_without_the_api_the_feed_gives_the_same_articles(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    assert run_backfill(on_site, AUTUMN).exit_status == 0
    by_api = query(ARTICLES)
    site.path_faults["/wp-json/*"] = Fault(status=403)
    other = on_site.model_copy(update={"data_dir": on_site.data_dir / "feed"})
    outcome = run_backfill(other, AUTUMN, source="feed")
    assert outcome.exit_status == 0, outcome.error
    slugs = published(site, AUTUMN)
    assert [row for row in query(ARTICLES, other.data_dir) if row[0] in slugs] == by_api
    assert query("select distinct source from main.fct_article_sighting", other.data_dir) == [
        ("timesca-feed",)
    ]
    assert query("select max(revisions) from main.fct_article", other.data_dir) == [(0,)]


def test_a_finished_backfill_requests_nothing(on_site: Settings, site: DemoSite) -> None:
    assert run_backfill(on_site, AUTUMN, source="feed").exit_status == 0
    request_count = len(site.requests)
    assert run_backfill(on_site, AUTUMN, source="feed").exit_status == 0
    assert len(site.requests) == request_count


def test_months_before_the_end_of_the_feed_are_not_taken_for_done(
    on_site: Settings, site: DemoSite, caplog: pytest.LogCaptureFixture
) -> None:
    oldest = min(article.published_at for article in site.posts.snapshot(site.day).listed).date()
    days = DateRange(date(oldest.year - 1, 12, 1), date(2025, 12, 22))
    assert run_backfill(on_site, days, source="feed").exit_status == 0
    done = read_complete_months(on_site.data_dir, "feed")
    assert f"{DateRange(date(2025, 12, 1), date(2025, 12, 22))}" in done
    assert all(month >= f"{oldest}" for month in done)
    assert "it has nothing older" in caplog.text


def test_an_unavailable_feed_is_reported_and_journalled(on_site: Settings, site: DemoSite) -> None:
    site.path_faults["/feed/"] = Fault(status=403)
    outcome = run_backfill(on_site, AUTUMN, source="feed")
    assert outcome.exit_status == 1
    assert "the feed of" in outcome.error
    assert "is not offered (blocked" in outcome.error
    assert read_complete_months(on_site.data_dir, "feed") == ()
    assert journal.read(on_site.data_dir)[0].status == "failed"


def test_a_source_without_a_history_is_a_wrong_use(on_site: Settings, site: DemoSite) -> None:
    with pytest.raises(
        UsageError,
        match="the source 'pages' has no past to backfill; these have one: posts, feed, nbk, nbkr, cbu, nbt, cbr",
    ):
        run_backfill(on_site, AUTUMN, source="pages")
    assert site.requests == []
