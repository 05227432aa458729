"""A backfill crawls the demo's posts API over HTTP, while posts are added, changed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill, run_daily
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse import journal

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
AUTUMN = DateRange(date(2025, 10, 1), date(2025, 12, 22))


def published(site: DemoSite, days: DateRange) -> set[str]:
    """Slugs of what is on the site now, of those days in UTC."""
    after, before = days.bounds
    return {
        article.slug
        for article in site.posts.snapshot(site.day).listed
        if after < article.published_at < before
    }


def test_a_date_range_is_cut_into_months() -> None:
    assert [f"{month}" for month in DateRange(date(2025, 11, 20), date(2026, 1, 2)).months()] == [
        "2025-11-20..2025-11-30",
        "2025-12-01..2025-12-31",
        "2026-01-01..2026-01-02",
    ]


def test_every_post_of_the_range_is_one_article_with_its_author_and_its_time(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    outcome = run_backfill(on_site, AUTUMN)
    assert outcome.exit_status == 0, outcome.error
    articles = query("select slug from main.fct_article")
    assert {slug for (slug,) in articles} == published(site, AUTUMN)
    assert query(
        "select count(*) from main.fct_article where author is null or published_at is null or post_id is null"
        " or is_truncated or revisions > 0"
    ) == [(0,)]
    assert query("select source, count(*) > 0 from main.fct_article_sighting group by source") == [
        ("timesca-posts", True)
    ]


def test_listing_and_api_meet_in_one_article_with_the_whole_text_and_no_revision(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    assert run_daily(on_site).exit_status == 0
    cut = query("select slug from main.fct_article where is_truncated")
    assert cut
    listed = query("select count(*) from main.fct_article")
    assert run_backfill(on_site, DateRange(date(2025, 1, 1), date(2025, 12, 22))).exit_status == 0
    assert query("select count(*) from main.fct_article where is_truncated") == [(0,)]
    assert query("select count(*) from main.fct_article where sightings > 1")[0][0] >= listed[0][0]
    assert query("select max(revisions) from main.fct_article") == [(0,)]


def test_a_finished_backfill_requests_the_current_month_only_and_reports_it(
    on_site: Settings, site: DemoSite, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_backfill(on_site, AUTUMN).exit_status == 0
    assert read_complete_months(on_site.data_dir, "posts") == (
        "2025-10-01..2025-10-31",
        "2025-11-01..2025-11-30",
        "2025-12-01..2025-12-22",
    )
    request_count = len(site.requests)
    assert run_backfill(on_site, AUTUMN).exit_status == 0
    assert len(site.requests) == request_count
    assert f"all of {AUTUMN} was archived before; to fetch later edits: rm {on_site.data_dir}/" in caplog.text


def test_an_unavailable_api_is_reported_and_what_was_archived_before_is_loaded_by_the_next_run(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    def deny(_request: object) -> None:
        if len(read_complete_months(on_site.data_dir, "posts")) == 1:
            site.path_faults["/wp-json/*"] = Fault(status=403)

    site.before_response = deny
    outcome = run_backfill(on_site, AUTUMN)
    assert outcome.exit_status == 1
    assert "the posts API of" in outcome.error
    assert "not offered (blocked" in outcome.error
    site.before_response = None
    assert run_daily(on_site).exit_status == 0
    october = published(site, DateRange(date(2025, 10, 1), date(2025, 10, 31)))
    assert october <= {slug for (slug,) in query("select slug from main.fct_article")}
    assert journal.read(on_site.data_dir)[0].kind == "backfill"


def test_posts_that_come_change_and_go_between_two_pages_are_seen_in_their_last_form(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    days = DateRange(date(2025, 12, 1), date(2025, 12, 22))
    slugs = published(site, days)
    numbers = sorted(
        article.post_id for article in site.posts.snapshot(site.day).listed if article.slug in slugs
    )

    def edit() -> None:
        site.posts.edit(numbers[5], title="A Title That Was Mended")
        site.posts.edit(numbers[10], paragraphs=("Only this is left.",))

    changes = iter([lambda: site.posts.delete(numbers[3]), edit, lambda: site.posts.delete(numbers[20])])

    def change(request: Any) -> None:
        if "posts" in request.path:
            next(changes, lambda: None)()

    site.before_response = change
    # the site stamps its edits from seven in the morning of the day it shows
    environment = Environment(clock=clock_from(datetime(2025, 12, 22, 2, tzinfo=UTC)))
    assert run_backfill(on_site, days, environment=environment).exit_status == 0
    assert next(changes, None) is None
    assert published(site, days) <= {slug for (slug,) in query("select slug from main.fct_article")}
    assert query("select count(*) from main.fct_article where text = 'Only this is left.'") == [(1,)]


def test_an_api_that_fails_is_not_called_unavailable(on_site: Settings, site: DemoSite) -> None:
    site.path_faults["/wp-json/*"] = Fault(status=503)
    outcome = run_backfill(on_site, AUTUMN)
    assert outcome.exit_status == 1
    assert "does not respond" in outcome.error
    assert "a later backfill continues" in outcome.error
    assert outcome.hint.startswith("ca-etl backfill --from ")
