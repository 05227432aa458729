"""Without posts API and feed, the pages of known articles are requested again: an edit, or a deleted page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ca_etl.demo.content import DemoArticle
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
FIRST = date(2025, 12, 20)
UNAVAILABLE = {"/wp-json/*": Fault(status=403), "/feed/": Fault(status=403)}


@pytest.fixture
def pages_only(settings: Settings, site: DemoSite) -> Settings:
    site.path_faults |= UNAVAILABLE
    return settings.model_copy(update={"site_url": site.base_url, "listing_paths": ("/",)})


def run_on(
    settings: Settings, site: DemoSite, days: int = 0, on: str = "daily", *, is_unchanged: bool = False
) -> Outcome:
    """The run of a day; `is_unchanged` leaves the site as it was on the first day."""
    day = FIRST + timedelta(days=days)
    site.play(FIRST if is_unchanged else day)
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(hours=3 if on == SWEEP else 0)
    outcome = run_daily(settings, slot=at, on=on, environment=Environment(clock=clock_from(at)))
    assert outcome.exit_status == 0, outcome.error
    return outcome


def pages(site: DemoSite, since: int) -> list[str]:
    """Slugs of the articles whose pages were requested, in order."""
    slugs = site.posts.snapshot(site.day).pages.keys() | site.posts.snapshot(site.day).deleted.keys()
    paths = (request.path.strip("/") for request in site.requests[since:])
    return [path for path in paths if path in slugs]


def newest(site: DemoSite, position: int = 0) -> DemoArticle:
    return site.posts.snapshot(site.day).listed[position]


def test_an_edit_of_an_older_article_is_seen_where_only_pages_are_available(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    run_on(pages_only, site)
    edited = site.posts.edit(newest(site, 3).post_id, paragraphs=("Mended in silence.", "Nothing else."))
    run_on(pages_only, site, 1)
    assert query(f"select text, revisions from fct_article where slug = '{edited.slug}'") == [
        ("Mended in silence.\n\nNothing else.", 1)
    ]
    assert query("select sum(revisions) from fct_article") == [(1,)]


def test_pages_that_did_not_change_are_not_sent_again_and_count_as_responses(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    run_on(pages_only, site)
    run_on(pages_only, site, 1, is_unchanged=True)
    again = "from raw.capture where source = 'timesca-articles' and captured_at > '2025-12-21'"
    assert query(f"select count(*) > 3, bool_and(refers_to is not null) {again}") == [(True, True)]
    assert query(
        "select outcome, reason from fct_coverage where source = 'timesca-articles' and day = '2025-12-21'"
    ) == [("unchanged", None)]
    assert query("select sum(revisions) from fct_article") == [(0,)]


def test_new_articles_come_first_then_the_pages_read_longest_ago_no_more_than_are_allowed(
    pages_only: Settings, site: DemoSite
) -> None:
    few = pages_only.model_copy(update={"article_pages": 4})
    requested: list[list[str]] = []
    for days in range(4):
        before = len(site.requests)
        run_on(few, site, days)
        requested.append(pages(site, before))
    assert [len(slugs) for slugs in requested] == [4, 4, 4, 4]
    seen: list[str] = []
    for slugs in requested:
        old = [slug for slug in slugs if slug in seen]
        assert slugs == [*(slug for slug in slugs if slug not in seen), *old]
        assert old == [slug for slug in seen if slug in old]
        seen = [*(slug for slug in seen if slug not in slugs), *slugs]


@pytest.mark.parametrize("open_one", ["/wp-json/*", "/feed/"])
def test_no_page_is_read_where_the_api_or_the_feed_gives_whole_texts(
    pages_only: Settings, site: DemoSite, open_one: str
) -> None:
    run_on(pages_only, site)
    del site.path_faults[open_one]
    before = len(site.requests)
    run_on(pages_only, site, 1)
    assert pages(site, before) == []


def test_articles_of_long_ago_are_not_read_again(pages_only: Settings, site: DemoSite) -> None:
    run_on(pages_only, site)
    before = len(site.requests)
    run_on(pages_only.model_copy(update={"sweep_days": 1}), site, 40)
    listed = {article.slug for article in site.posts.snapshot(site.day).listed[:20]}
    assert set(pages(site, before)) <= listed


def test_refusals_end_the_reading(pages_only: Settings, site: DemoSite, query: Query) -> None:
    run_on(pages_only, site)
    site.play(FIRST + timedelta(days=1))
    for article in site.posts.snapshot(site.day).listed[:30]:
        site.path_faults[f"/{article.slug}/"] = Fault(status=429, retry_after=86_400)
    before = len(site.requests)
    run_on(pages_only.model_copy(update={"listing_paths": ("/latest/",)}), site, 1)
    assert len(pages(site, before)) == 1
    assert query(
        "select outcome from fct_coverage where source = 'timesca-articles' and day = '2025-12-21'"
    ) == [("blocked",)]


def test_a_deleted_page_is_a_removal_once_a_sweep_confirms_it(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    run_on(pages_only, site)
    deleted, back = newest(site, 2), newest(site, 3)
    site.posts.delete(deleted.post_id)
    site.path_faults[f"/{back.slug}/"] = Fault(status=404)
    daily = run_on(pages_only, site, 1)
    assert query("select count(*) from fct_article_removal") == [(0,)]
    assert [check.check_name for check in daily.fired] == []
    assert query(
        "select outcome, reason like '2 of % pages are removed' from fct_coverage"
        " where source = 'timesca-articles' and day = '2025-12-21'"
    ) == [("observed", True)]
    del site.path_faults[f"/{back.slug}/"]
    before = len(site.requests)
    run_on(pages_only, site, 1, on=SWEEP)
    assert sorted(pages(site, before)) == sorted([deleted.slug, back.slug])
    assert query("select slug, removal from fct_article where removal is not null") == [
        (deleted.slug, "gone")
    ]
    assert query(
        "select source, outcome from fct_coverage where schedule = 'sweep' and source <> 'timesca' order by all"
    ) == [("timesca-articles", "observed"), ("timesca-posts", "closed")]


def test_a_deleted_article_has_returned_when_its_page_exists_again(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    run_on(pages_only, site)
    path = f"/{newest(site, 3).slug}/"
    site.path_faults[path] = Fault(status=410)
    run_on(pages_only, site, 1)
    run_on(pages_only, site, 1, on=SWEEP)
    assert query("select count(*) from fct_article where removal = 'gone'") == [(1,)]
    del site.path_faults[path]
    run_on(pages_only.model_copy(update={"article_pages": 200}), site, 2)
    assert query("select count(*) from fct_article where removal is not null") == [(0,)]
    assert query("select returned_at::date::varchar from fct_article_removal") == [("2025-12-22",)]


def test_without_the_list_of_posts_a_page_that_exists_is_not_called_unlisted(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    without_list = pages_only.model_copy(update={"article_sources": ("pages",)})
    run_on(without_list, site)
    path = f"/{newest(site, 3).slug}/"
    site.path_faults[path] = Fault(status=404)
    run_on(without_list, site, 1)
    del site.path_faults[path]
    before = len(site.requests)
    run_on(without_list, site, 1, on=SWEEP)
    assert pages(site, before) == [path.strip("/")]
    assert query("select count(*) from fct_article_removal") == [(0,)]


def test_a_site_all_of_whose_pages_are_lost_has_not_deleted_them(
    pages_only: Settings, site: DemoSite, query: Query
) -> None:
    all_paths = Settings.model_fields["listing_paths"].default
    everywhere = pages_only.model_copy(update={"listing_paths": all_paths})
    run_on(everywhere, site)
    for slug in site.posts.snapshot(site.day).pages:
        site.path_faults[f"/{slug}/"] = Fault(status=404)
    run_on(everywhere, site, 1)
    before = len(site.requests)
    run_on(everywhere, site, 1, on=SWEEP)
    assert pages(site, before) == []
    assert query("select count(*) from fct_article_removal") == [(0,)]
    ((outcome, reason),) = query(
        "select outcome, reason from fct_coverage where source = 'timesca-articles' and schedule = 'sweep'"
    )
    assert outcome == "failed"
    assert "too many to believe it" in reason
