"""The feed of the demo site is crawled over HTTP, while articles are added and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ca_etl.archive.client import Fetcher
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.backfill import read_feed
from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.sources import timesca
from ca_etl.sources.feed import FeedWalked, walk_feed

SINCE = datetime(2025, 12, 1, tzinfo=UTC)
Walk = Callable[..., FeedWalked]


@pytest.fixture
def walk(settings: Settings, site: DemoSite) -> Walk:
    policy = timesca.fetch_policy(settings.model_copy(update={"site_url": site.base_url}))

    def run(since: datetime = SINCE, most_pages: int | None = None) -> FeedWalked:
        with Fetcher(policy, clock=utc_now, sleep=lambda _: None) as fetcher:
            walking = walk_feed(site.base_url, since=since, most_pages=most_pages)
            url = next(walking)
            while True:
                page = read_feed(fetcher.get(url))[0]
                try:
                    url = walking.send(page)
                except StopIteration as over:
                    ended: FeedWalked = over.value
                    return ended

    return run


def up(site: DemoSite, since: datetime = SINCE) -> set[str]:
    return {f"{each.post_id}" for each in site.posts.shelf(site.day).listed if each.published_at >= since}


def test_every_article_of_the_range_is_seen_under_its_number(walk: Walk, site: DemoSite) -> None:
    ended = walk()
    assert ended.is_settled
    assert ended.reached is not None
    assert ended.reached < SINCE
    assert up(site) <= set(ended.seen)


def test_a_404_is_the_end_of_the_feed(walk: Walk, site: DemoSite) -> None:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    ended = walk(since=long_ago)
    assert (ended.closed, ended.is_settled, ended.reached) == (None, True, long_ago)
    assert set(ended.seen) == up(site, long_ago)


def test_articles_that_come_and_go_between_two_pages_hide_no_other(walk: Walk, site: DemoSite) -> None:
    numbers = [each.post_id for each in site.posts.shelf(site.day).listed]
    changes = iter(
        [
            lambda: None,
            lambda: None,
            lambda: site.posts.delete(numbers[2]),
            lambda: site.posts.add("A New One"),
            lambda: site.posts.delete(numbers[7]),
        ]
    )

    def change(_request: Any) -> None:
        next(changes, lambda: None)()

    site.before_response = change
    stood = up(site) - {f"{numbers[2]}", f"{numbers[7]}"}
    ended = walk()
    assert ended.is_settled
    assert stood <= set(ended.seen)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(status=403), "blocked: 403 Forbidden: forbidden"),
        (Fault(waf_page=True), "status 200, listing"),
        (Fault(status=404), "it has no first page"),
        (Fault(status=500), "http_error: 500 Internal Server Error"),
    ],
)
def test_an_unavailable_feed_has_its_reason(walk: Walk, site: DemoSite, fault: Fault, why: str) -> None:
    site.path_faults["/feed/"] = fault
    ended = walk()
    assert why in (ended.closed or "")
    assert (ended.is_settled, ended.seen, ended.reached) == (False, {}, None)


def test_a_page_in_place_of_the_feed_is_not_a_feed(settings: Settings, site: DemoSite) -> None:
    policy = timesca.fetch_policy(settings.model_copy(update={"site_url": site.base_url}))
    with Fetcher(policy, clock=utc_now, sleep=lambda _: None) as fetcher:
        assert read_feed(fetcher.get(site.base_url))[0].closed == "status 200, home"
        site.faults[site.day] = Fault(cut_gzip=True)
        assert "truncated" in (read_feed(fetcher.get(site.base_url))[0].closed or "")
