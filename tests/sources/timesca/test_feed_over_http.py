"""The feed of the demo site is crawled over real HTTP, while articles come and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ca_etl.archive.client import Fetcher
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import utc_now
from ca_etl.settings import Settings
from ca_etl.sources.session import fetch_policy
from ca_etl.sources.timesca.feed import FeedCrawl, crawl_feed, read_feed

SINCE = datetime(2025, 12, 1, tzinfo=UTC)
CrawlFeed = Callable[..., FeedCrawl]


@pytest.fixture
def crawl(settings: Settings, site: DemoSite) -> CrawlFeed:
    policy = fetch_policy(settings.model_copy(update={"site_url": site.base_url}))

    def run(since: datetime = SINCE, most_pages: int | None = None) -> FeedCrawl:
        with Fetcher(policy, clock=utc_now, sleep=lambda _: None) as fetcher:
            urls = crawl_feed(site.base_url, since=since, most_pages=most_pages)
            url = next(urls)
            while True:
                page = read_feed(fetcher.get(url))[0]
                try:
                    url = urls.send(page)
                except StopIteration as end:
                    result: FeedCrawl = end.value
                    return result

    return run


def up(site: DemoSite, since: datetime = SINCE) -> set[str]:
    return {f"{post.post_id}" for post in site.posts.snapshot(site.day).listed if post.published_at >= since}


def test_every_article_of_the_range_is_seen_under_its_number(crawl: CrawlFeed, site: DemoSite) -> None:
    result = crawl()
    assert result.is_settled
    assert result.reached is not None
    assert result.reached < SINCE
    assert up(site) <= set(result.seen)


def test_the_end_of_the_feed_is_its_404(crawl: CrawlFeed, site: DemoSite) -> None:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    result = crawl(since=long_ago)
    assert (result.unavailable, result.is_settled, result.reached) == (None, True, long_ago)
    assert set(result.seen) == up(site, long_ago)


def test_articles_that_come_and_are_deleted_between_two_pages_hide_no_other(
    crawl: CrawlFeed, site: DemoSite
) -> None:
    numbers = [post.post_id for post in site.posts.snapshot(site.day).listed]
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
    unmoved = up(site) - {f"{numbers[2]}", f"{numbers[7]}"}
    result = crawl()
    assert result.is_settled
    assert unmoved <= set(result.seen)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(status=403), "blocked: 403 Forbidden: forbidden"),
        (Fault(waf_page=True), "status 200, listing"),
        (Fault(status=404), "it has no first page"),
        (Fault(status=500), "http_error: 500 Internal Server Error"),
    ],
)
def test_an_unavailable_feed_states_why(crawl: CrawlFeed, site: DemoSite, fault: Fault, why: str) -> None:
    site.path_faults["/feed/"] = fault
    result = crawl()
    assert why in (result.unavailable or "")
    assert (result.is_settled, result.seen, result.reached) == (False, {}, None)


def test_a_page_instead_of_the_feed_is_not_a_feed(settings: Settings, site: DemoSite) -> None:
    policy = fetch_policy(settings.model_copy(update={"site_url": site.base_url}))
    with Fetcher(policy, clock=utc_now, sleep=lambda _: None) as fetcher:
        assert read_feed(fetcher.get(site.base_url))[0].unavailable == "status 200, home"
        site.faults[site.day] = Fault(cut_gzip=True)
        assert "truncated" in (read_feed(fetcher.get(site.base_url))[0].unavailable or "")
