"""The daily run requests new articles where the site gives them: posts API, else feed, else their own pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

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
API = "/wp-json/*"
FEED = "/feed/"
FIRST = date(2025, 12, 20)
LEDGER = "select source, outcome, reason from fct_coverage where source <> 'timesca' order by slot, source"


def run_on(settings: Settings, site: DemoSite, day: date = FIRST, on: str = "daily") -> Outcome:
    """The run of a day, an hour after the site's editors begin: their changes take a second each."""
    site.play(day)
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(hours=3 if on == SWEEP else 0)
    outcome = run_daily(settings, slot=at, on=on, environment=Environment(clock=clock_from(at)))
    assert outcome.exit_status == 0, outcome.error
    return outcome


def requested_paths(site: DemoSite, since: int = 0) -> list[str]:
    """Paths requested besides the listings, without repetition, in order."""
    listings = {"/robots.txt", "/", "/latest/"}
    paths = (request.path.partition("?")[0] for request in site.requests[since:])
    return list(dict.fromkeys(p for p in paths if p not in listings and not p.startswith("/category/")))


def published(site: DemoSite, after: datetime) -> set[str]:
    return {article.slug for article in site.posts.snapshot(site.day).listed if article.published_at > after}


def test_the_posts_api_gives_all_and_nothing_else_is_requested(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    assert requested_paths(site) == ["/wp-json/wp/v2/posts"]
    assert query(LEDGER) == [("timesca-posts", "observed", None)]
    assert query(
        "select articles_expected = articles_loaded, articles_loaded > 40, gap_reason"
        " from fct_coverage where source = 'timesca-posts'"
    ) == [(True, True, None)]
    month = published(site, datetime(2025, 11, 20, 2, tzinfo=UTC))
    known = query("select slug from fct_article where author is not null and published_at is not null")
    assert month <= {slug for (slug,) in known}


def test_a_second_day_requests_only_what_is_new_or_changed(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    # a second after the first run's slot, as all edits of the demo's editors
    edited = site.posts.edit(min(site.posts.snapshot(FIRST).by_id), title="A Title That Was Mended")
    second = run_on(on_site, site, FIRST + timedelta(days=1))
    new = published(site, datetime(2025, 12, 20, 2, tzinfo=UTC))
    assert second.captured is not None
    assert [source.articles for source in second.captured.others] == [len(new | {edited.slug})]
    assert query(f"select title from fct_article where post_id = {edited.post_id}") == [(edited.title,)]


def test_a_sweep_between_two_daily_runs_hides_no_edit_from_the_second(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    edited = site.posts.edit(
        max(site.posts.snapshot(FIRST).by_id), title="A Title That Was Mended", paragraphs=("Mended.",)
    )
    run_on(on_site, site, on=SWEEP)
    run_on(on_site, site, FIRST + timedelta(days=1))
    assert query(f"select title, text from fct_article where post_id = {edited.post_id}") == [
        ("A Title That Was Mended", "Mended.")
    ]


def test_a_planned_post_is_captured_though_it_was_last_changed_days_before(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    at = datetime(2025, 12, 21, 1, tzinfo=UTC)
    post = site.posts.add("Out by Itself", published_at=at)
    site.posts.edit(post.post_id, title="Out by Itself", at=at - timedelta(days=5))
    run_on(on_site, site)
    assert query("select count(*) from fct_article where slug = 'out-by-itself'") == [(0,)]
    run_on(on_site, site, FIRST + timedelta(days=1))
    assert query("select author is not null from fct_article where slug = 'out-by-itself'") == [(True,)]


@pytest.mark.parametrize(
    "fault",
    [Fault(status=401), Fault(status=403), Fault(status=404), Fault(status=403, waf_page=True)],
    ids=["401", "403", "404", "firewall"],
)
def test_an_unavailable_api_is_recorded_and_the_feed_gives_the_same_articles(
    on_site: Settings, site: DemoSite, query: Query, fault: Fault
) -> None:
    site.path_faults[API] = fault
    outcome = run_on(on_site, site)
    assert requested_paths(site) == ["/wp-json/wp/v2/posts", "/feed/"]
    assert outcome.warnings == ()
    assert [row[:2] for row in query(LEDGER)] == [("timesca-feed", "observed"), ("timesca-posts", "closed")]
    month = published(site, datetime(2025, 11, 20, 2, tzinfo=UTC))
    known = query("select slug from fct_article where author is not null and not is_truncated")
    assert month <= {slug for (slug,) in known}
    assert query("select max(revisions) from fct_article") == [(0,)]


def test_the_feed_is_read_no_further_than_the_last_good_run(on_site: Settings, site: DemoSite) -> None:
    site.path_faults[API] = Fault(status=404)
    run_on(on_site, site)
    before = len(site.requests)
    run_on(on_site, site, FIRST + timedelta(days=1))
    pages = [request.path for request in site.requests[before:] if request.path.startswith(FEED)]
    assert pages == ["/feed/"]


def test_a_feed_of_excerpts_is_made_good_by_the_pages_of_its_articles(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    site.path_faults[API] = Fault(status=403)
    site.faults[FIRST] = Fault(feed_excerpts=True)
    few = on_site.model_copy(update={"article_pages": 5})
    run_on(few, site)
    outcomes = query(LEDGER)
    assert [row[:2] for row in outcomes] == [
        ("timesca-articles", "observed"),
        ("timesca-feed", "observed"),
        ("timesca-posts", "closed"),
    ]
    assert outcomes[0][2].endswith("more are left for later runs")
    assert outcomes[1][2].endswith("texts are excerpts")
    pages = query(
        "select count(*) from raw.capture where source = 'timesca-articles' and page_kind = 'article'"
    )
    assert pages == [(5,)]
    whole = "select count(*) from fct_article where not is_truncated and author is not null"
    assert query(whole)[0][0] >= 5


def test_without_api_and_feed_the_links_of_the_listings_are_followed_new_ones_first(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    site.path_faults |= {API: Fault(status=403), FEED: Fault(status=403)}
    run_on(on_site, site)
    assert [row[:2] for row in query(LEDGER)] == [
        ("timesca-articles", "observed"),
        ("timesca-feed", "closed"),
        ("timesca-posts", "closed"),
    ]
    assert query("select count(*) from fct_article where is_truncated or author is null") == [(0,)]
    assert query("select max(revisions) from fct_article") == [(0,)]
    before = len(site.requests)
    run_on(on_site, site, FIRST + timedelta(days=1))
    followed = [path for path in requested_paths(site, before) if path not in {"/wp-json/wp/v2/posts", FEED}]
    new = {f"/{slug}/" for slug in published(site, datetime(2025, 12, 20, 2, tzinfo=UTC))}
    assert set(followed[: len(new)]) == new
    assert len(new) < len(followed) <= on_site.article_pages


def test_status_429_ends_the_requests(on_site: Settings, site: DemoSite, query: Query) -> None:
    site.path_faults[API] = Fault(status=429, retry_after=86_400)
    outcome = run_on(on_site, site)
    assert requested_paths(site) == ["/wp-json/wp/v2/posts"]
    assert [row[:2] for row in query(LEDGER)] == [("timesca-posts", "blocked")]
    assert [warning for warning in outcome.warnings if warning.startswith("timesca-posts: blocked")]


def test_an_api_that_fails_is_a_failure_and_requested_from_the_same_time_on_the_day_after(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    site.path_faults[API] = Fault(status=503)
    outcome = run_on(on_site, site)
    assert [row[:2] for row in query(LEDGER)] == [("timesca-feed", "observed"), ("timesca-posts", "failed")]
    assert [warning for warning in outcome.warnings if warning.startswith("timesca-posts: failed")]
    site.path_faults.clear()
    run_on(on_site, site, FIRST + timedelta(days=1))
    assert query(
        "select min(articles_loaded) > 40 from fct_coverage where source = 'timesca-posts' and day = '2025-12-21'"
    ) == [(True,)]


def test_sources_that_are_not_wanted_are_not_requested(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site.model_copy(update={"article_sources": ()}), site)
    assert requested_paths(site) == []
    assert query(LEDGER) == []


def test_a_post_that_may_not_be_read_is_counted_as_a_gap(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    site.play(FIRST)
    site.posts.make_unreadable(max(site.posts.snapshot(FIRST).by_id))
    run_on(on_site, site)
    assert query(
        "select articles_expected - articles_loaded, gap_reason from fct_coverage where source = 'timesca-posts'"
    ) == [(1, "1 counted by the site and not shown")]


def test_a_sweep_distinguishes_deleted_from_unlisted_articles(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    deleted, withdrawn, unlisted = sorted(site.posts.snapshot(FIRST).by_id)[-3:]
    site.posts.delete(deleted)
    site.posts.delete(withdrawn, status=410)
    site.posts.unlist(unlisted)
    run_on(on_site, site, on=SWEEP)
    assert query("select post_id, removal from fct_article where removal is not null order by post_id") == [
        (deleted, "gone"),
        (withdrawn, "gone"),
        (unlisted, "unlisted"),
    ]
    assert query(
        "select source, outcome, reason, gap_reason from fct_coverage where schedule = 'sweep' order by source"
    )[1:] == [("timesca-articles", "observed", None, None), ("timesca-posts", "observed", None, None)]
    before = len(site.requests)
    run_on(on_site, site, FIRST + timedelta(days=7), on=SWEEP)
    visited = [path for path in requested_paths(site, before) if path != "/wp-json/wp/v2/posts"]
    assert [path for path in visited if "/page/" not in path] == [f"/{site.posts.get(unlisted).slug}/"]
    assert query("select max(revisions) from fct_article") == [(0,)]


def test_a_sweep_reports_no_missing_post_when_the_api_is_unavailable(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    site.posts.delete(max(site.posts.snapshot(FIRST).by_id))
    site.path_faults[API] = Fault(status=403)
    run_on(on_site, site, on=SWEEP)
    assert query("select count(*) from fct_article_removal") == [(0,)]
    assert query(
        "select outcome from fct_coverage where source = 'timesca-posts' and schedule = 'sweep'"
    ) == [("closed",)]


def test_a_sweep_requests_first_what_no_sweep_has_requested(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    few = on_site.model_copy(update={"article_pages": 2})
    run_on(few, site)
    oldest, older, newest = (sorted(site.posts.snapshot(FIRST).by_id)[-number] for number in (3, 2, 1))
    for post_id in (oldest, older):
        site.posts.unlist(post_id)
    site.posts.delete(newest)
    run_on(few, site, on=SWEEP)
    reason = "select reason from fct_coverage where source = 'timesca-articles' order by slot"
    assert query(reason) == [("1 more that are missing from the list are left for later sweeps",)]
    run_on(few, site, FIRST + timedelta(days=7), on=SWEEP)
    assert query("select post_id, removal from fct_article where removal is not null order by post_id") == [
        (oldest, "unlisted"),
        (older, "unlisted"),
        (newest, "gone"),
    ]


def test_a_sweep_that_may_request_no_page_reports_what_it_misses(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    without_pages = on_site.model_copy(update={"article_pages": 0})
    run_on(without_pages, site)
    site.posts.delete(max(site.posts.snapshot(FIRST).by_id))
    run_on(without_pages, site, on=SWEEP)
    assert query("select reason from fct_coverage where source = 'timesca-posts' and schedule = 'sweep'") == [
        ("1 known post not in the list; CA_ETL_ARTICLE_PAGES=0 requests none of them",)
    ]


def test_a_run_with_a_wrong_clock_hides_nothing_from_those_after_it(
    on_site: Settings, site: DemoSite
) -> None:
    late = datetime(2027, 12, 10, 2, tzinfo=UTC)
    assert run_daily(on_site, slot=late, environment=Environment(clock=clock_from(late))).exit_status == 0
    before = len(site.requests)
    right = datetime(2025, 12, 20, 2, tzinfo=UTC)
    site.play(right.date())
    assert (
        run_daily(
            on_site, slot=right, environment=Environment(clock=clock_from(right), trust_clock=True)
        ).exit_status
        == 0
    )
    requested_since = [request.path for request in site.requests[before:] if "wp-json" in request.path]
    assert "after=2025-11-20T02:00:00Z" in requested_since[0]


def test_a_deletion_that_a_sweep_finds_fires_no_check(
    on_site: Settings, site: DemoSite, query: Query
) -> None:
    run_on(on_site, site)
    site.posts.delete(max(site.posts.snapshot(FIRST).by_id))
    outcome = run_on(on_site, site, on=SWEEP)
    assert query("select reason from etl_reject") == [("http_error",)]
    assert [check.check_name for check in outcome.fired] == []
    assert query("select rejects from etl_run order by started_at") == [(0,), (0,)]


def test_an_unavailable_source_fires_no_check(on_site: Settings, site: DemoSite) -> None:
    site.path_faults[API] = Fault(status=403)
    assert [check.check_name for check in run_on(on_site, site).fired] == []


def test_articles_of_an_incomplete_response_are_requested_again(on_site: Settings, site: DemoSite) -> None:
    from ca_etl.sources.session import Context
    from ca_etl.sources.source import request_since
    from ca_etl.warehouse.journal import RunKind, RunRecord, SlotRecord

    def run(day: int, is_complete: bool) -> RunRecord:
        at = datetime(2025, 12, day, 2, tzinfo=UTC)
        slot = SlotRecord("timesca-feed", "daily", at, at.date(), "observed", is_complete=is_complete)
        return RunRecord(f"{day}", "run", at, "succeeded", "1", slots=(slot,), schedule="daily")

    now = datetime(2025, 12, 20, 2, tzinfo=UTC)
    runs = (run(10, is_complete=True), run(18, is_complete=False))
    ctx = Context(on_site, RunKind.RUN, "now", now, runs=runs)
    assert request_since(ctx, "timesca-feed") == datetime(2025, 12, 10, tzinfo=UTC)
    assert request_since(ctx, "timesca-posts") == now - timedelta(days=30)
