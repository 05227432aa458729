"""Whatever happens between two pages: every post that exists all the while is seen, or the crawl is incomplete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.sources.timesca.feed import MOST_PASSES, FeedCrawl, FeedItem, FeedPage, crawl_feed, feed_url

SITE = "https://timesca.com/"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Step = tuple[str, int]


@dataclass
class Site:
    """Posts by key, with their times; the newest come first, `size` a page. `moved` were given another date."""

    posts: dict[int, datetime]
    size: int = 3
    now: datetime = NOON
    moved: set[int] = field(default_factory=set)
    requested: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, size: int = 3, same: int = 1) -> Site:
        """Posts 1 to `count`, an hour between two; `same` have one time."""
        return cls({number: NOON - timedelta(hours=number // same) for number in range(1, count + 1)}, size)

    def do(self, step: Step) -> None:
        what, number = step
        keys = sorted(self.posts)
        free = max([999, *keys]) + 1
        if what == "add":
            self.posts[free] = self.now
        elif what == "add in the past":
            self.posts[free] = NOON - timedelta(minutes=number)
        elif keys and what == "delete":
            del self.posts[keys[number % len(keys)]]
        elif keys and what == "move":
            chosen = keys[number % len(keys)]
            self.posts[chosen] = NOON - timedelta(minutes=number, seconds=len(self.requested))
            self.moved.add(chosen)

    def respond(self, url: str) -> FeedPage:
        self.requested.append(url)
        self.now += timedelta(seconds=5)
        number = int(parse_qs(urlsplit(url).query).get("paged", ["1"])[0])
        newest = sorted(self.posts.items(), key=lambda post: (post[1], post[0]), reverse=True)
        shown = newest[self.size * (number - 1) :][: self.size]
        items = tuple(FeedItem(f"{key}", at) for key, at in shown)
        return FeedPage(items, is_past_end=number > 1 and not items)


def crawl_result(
    site: Site, between: list[list[Step]], since: datetime = NOON - timedelta(days=9), most: int | None = None
) -> FeedCrawl:
    urls = crawl_feed(SITE, since=since, most_pages=most)
    url = next(urls)
    for number in range(2000):
        for step in between[number] if number < len(between) else []:
            site.do(step)
        try:
            url = urls.send(site.respond(url))
        except StopIteration as end:
            return result_of(end)
    raise AssertionError("the crawl does not end")


def result_of_pages(pages: Iterable[FeedPage], most: int | None = None) -> FeedCrawl:
    """The result of a crawl that is given these pages, whatever it requests."""
    urls = crawl_feed(SITE, since=hours(99), most_pages=most)
    next(urls)
    for page in pages:
        try:
            urls.send(page)
        except StopIteration as end:
            return result_of(end)
    raise AssertionError("the crawl does not end")


def result_of(end: StopIteration) -> FeedCrawl:
    result: FeedCrawl = end.value
    return result


def hours(number: int) -> datetime:
    return NOON - timedelta(hours=number)


STEPS = st.tuples(
    st.sampled_from(["add", "add in the past", "delete", "delete", "move"]), st.integers(0, 1500)
)


@settings(max_examples=600)
@given(
    st.builds(Site.of, st.integers(0, 24), st.integers(1, 4), st.integers(1, 3)),
    st.integers(0, 30),
    st.sampled_from([None, None, 1, 2, 4]),
    st.lists(st.lists(STEPS, max_size=4), max_size=40),
)
def test_every_post_that_exists_all_the_while_is_seen_once(
    site: Site, depth: int, most: int | None, between: list[list[Step]]
) -> None:
    before = dict(site.posts)
    result = crawl_result(site, [[], *between], hours(depth) - timedelta(minutes=1), most)
    assert result.unavailable is None or "repeats the pages before it" in result.unavailable
    if result.is_settled:
        limit = hours(depth) - timedelta(minutes=1)
        if result.reached is not None and result.reached > limit:
            limit = result.reached + timedelta(seconds=1)
        unmoved = {
            key for key in before if key in site.posts and key not in site.moved and before[key] >= limit
        }
        assert unmoved <= {int(key) for key in result.seen}


def test_one_page_that_reaches_far_enough_is_requested_once() -> None:
    site = Site.of(30)
    result = crawl_result(site, [], since=hours(2))
    assert (result.is_settled, result.reached, sorted(result.seen)) == (True, hours(3), ["1", "2", "3"])
    assert site.requested == [SITE + "feed/"]


def test_two_pages_need_the_first_once_more() -> None:
    site = Site.of(30)
    assert crawl_result(site, [], since=hours(5)).is_settled
    assert site.requested == [feed_url(SITE, number) for number in (1, 2, 1)]


def test_a_quiet_feed_is_read_to_its_end_and_all_but_its_last_page_once_more() -> None:
    site = Site.of(10)
    result = crawl_result(site, [], since=hours(500))
    assert (result.is_settled, result.reached, len(result.seen)) == (True, hours(500), 10)
    assert site.requested == [feed_url(SITE, number) for number in (1, 2, 3, 4, 5, 1, 2, 3, 4)]


def test_what_is_published_meanwhile_moves_the_pages_and_makes_them_prove_each_other() -> None:
    site = Site.of(30)
    result = crawl_result(site, [[], [("add", 0)], [("add", 0)], [("add", 0)]], since=hours(8))
    assert result.is_settled
    assert len(site.requested) == 4


def test_a_post_that_slips_over_a_border_is_seen_in_the_next_pass() -> None:
    site = Site.of(12)
    result = crawl_result(site, [[], [("delete", 0)]], since=hours(11))
    assert (result.is_settled, sorted(map(int, result.seen))) == (True, list(range(1, 13)))


def test_a_feed_that_moves_all_the_time_is_not_called_settled() -> None:
    """What is added before one page and deleted before the next hides every second post, in every pass."""
    site = Site.of(11, size=1)
    result = crawl_result(site, [[("add", 0)], [("delete", -1)]] * 99, since=hours(11))
    assert not set(map(str, range(1, 12))) <= set(result.seen)
    assert (result.is_settled, result.unavailable) == (False, None)
    assert site.requested.count(SITE + "feed/") == MOST_PASSES


def test_fewer_pages_than_needed_are_settled_as_far_as_they_reach() -> None:
    result = crawl_result(Site.of(30), [], since=hours(20), most=2)
    assert (result.is_settled, result.reached, len(result.seen)) == (True, hours(6), 6)


def test_an_empty_feed_is_read_whole() -> None:
    result = crawl_result(Site({}), [])
    assert (result.unavailable, result.is_settled, result.seen) == (None, True, {})
    assert result.reached == NOON - timedelta(days=9)


def test_a_feed_that_becomes_unavailable_amid_the_crawl_states_it_and_keeps_what_was_seen() -> None:
    first = Site.of(30).respond(SITE + "feed/")
    result = result_of_pages([first, FeedPage(unavailable="status 403")])
    assert (result.unavailable, result.is_settled, len(result.seen), result.reached) == (
        "status 403",
        False,
        3,
        hours(3),
    )


def test_a_site_without_a_feed_is_unavailable() -> None:
    assert result_of_pages([FeedPage(is_past_end=True)]).unavailable == "it has no first page"


def test_a_cache_that_gives_one_page_for_all_does_not_hold_the_crawl() -> None:
    site = Site.of(3)
    result = result_of_pages(site.respond(SITE + "feed/") for _ in range(9))
    assert (result.unavailable, len(site.requested)) == ("page 4 repeats the pages before it", 4)


@pytest.mark.parametrize("number_of_hours", [lambda number: number * 7 % 29, lambda _: None])
def test_a_feed_in_no_order_and_one_without_times_prove_nothing(
    number_of_hours: Callable[[int], int | None],
) -> None:
    times = [number_of_hours(number) for number in range(29)]
    items = [FeedItem(f"{n}", None if t is None else hours(t)) for n, t in enumerate(times)]
    pages = [FeedPage(tuple(items[start : start + 9])) for start in (0, 9, 18)]
    assert not result_of_pages(pages * MOST_PASSES, most=3).is_settled


def test_the_latest_time_of_a_post_counts() -> None:
    result = result_of_pages(
        [
            FeedPage((FeedItem("a", hours(1)), FeedItem("b", hours(2)))),
            FeedPage((FeedItem("a", hours(3)), FeedItem("c", hours(4)))),
            FeedPage(unavailable="over"),
        ]
    )
    assert result.seen["a"] == hours(3)


def test_a_feed_without_times_is_not_read_again() -> None:
    result = result_of_pages((FeedPage((FeedItem(f"{number}", None),)) for number in range(3)), most=3)
    assert (len(result.seen), result.is_settled) == (3, False)
