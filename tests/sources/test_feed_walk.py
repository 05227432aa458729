"""Whatever happens between two pages: every post that stands all the while is seen, or the walk says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.sources.feed import MOST_PASSES, FeedItem, FeedPage, FeedWalked, feed_url, walk_feed

SITE = "https://timesca.com/"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Step = tuple[str, int]


@dataclass
class Site:
    """Posts by key, each with its time; the newest stand first, `size` a page. `moved` were dated anew."""

    posts: dict[int, datetime]
    size: int = 3
    now: datetime = NOON
    moved: set[int] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

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
            self.posts[chosen] = NOON - timedelta(minutes=number, seconds=len(self.asked))
            self.moved.add(chosen)

    def answer(self, url: str) -> FeedPage:
        self.asked.append(url)
        self.now += timedelta(seconds=5)
        number = int(parse_qs(urlsplit(url).query).get("paged", ["1"])[0])
        newest = sorted(self.posts.items(), key=lambda post: (post[1], post[0]), reverse=True)
        shown = newest[self.size * (number - 1) :][: self.size]
        items = tuple(FeedItem(f"{key}", at) for key, at in shown)
        return FeedPage(items, is_past_end=number > 1 and not items)


def walked(
    site: Site, between: list[list[Step]], since: datetime = NOON - timedelta(days=9), most: int | None = None
) -> FeedWalked:
    walking = walk_feed(SITE, since=since, most_pages=most)
    url = next(walking)
    for asked in range(2000):
        for step in between[asked] if asked < len(between) else []:
            site.do(step)
        try:
            url = walking.send(site.answer(url))
        except StopIteration as over:
            return ended_of(over)
    raise AssertionError("the walk does not end")


def answered(pages: Iterable[FeedPage], most: int | None = None) -> FeedWalked:
    """The end of a walk to which these pages were given, whatever it asked for."""
    walking = walk_feed(SITE, since=hours(99), most_pages=most)
    next(walking)
    for page in pages:
        try:
            walking.send(page)
        except StopIteration as over:
            return ended_of(over)
    raise AssertionError("the walk does not end")


def ended_of(over: StopIteration) -> FeedWalked:
    ended: FeedWalked = over.value
    return ended


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
def test_every_post_that_stands_all_the_while_is_seen_once(
    site: Site, depth: int, most: int | None, between: list[list[Step]]
) -> None:
    before = dict(site.posts)
    ended = walked(site, [[], *between], hours(depth) - timedelta(minutes=1), most)
    assert ended.closed is None or "what the pages before it said" in ended.closed
    if ended.is_settled:
        limit = hours(depth) - timedelta(minutes=1)
        if ended.reached is not None and ended.reached > limit:
            limit = ended.reached + timedelta(seconds=1)
        stood = {
            key for key in before if key in site.posts and key not in site.moved and before[key] >= limit
        }
        assert stood <= {int(key) for key in ended.seen}


def test_one_page_that_reaches_far_enough_is_asked_for_once() -> None:
    site = Site.of(30)
    ended = walked(site, [], since=hours(2))
    assert (ended.is_settled, ended.reached, sorted(ended.seen)) == (True, hours(3), ["1", "2", "3"])
    assert site.asked == [SITE + "feed/"]


def test_two_pages_need_one_look_back_at_the_first() -> None:
    site = Site.of(30)
    assert walked(site, [], since=hours(5)).is_settled
    assert site.asked == [feed_url(SITE, number) for number in (1, 2, 1)]


def test_a_quiet_feed_is_read_to_its_end_and_all_but_its_last_page_once_more() -> None:
    site = Site.of(10)
    ended = walked(site, [], since=hours(500))
    assert (ended.is_settled, ended.reached, len(ended.seen)) == (True, hours(500), 10)
    assert site.asked == [feed_url(SITE, number) for number in (1, 2, 3, 4, 5, 1, 2, 3, 4)]


def test_what_is_published_on_the_way_moves_the_pages_and_makes_them_prove_each_other() -> None:
    site = Site.of(30)
    ended = walked(site, [[], [("add", 0)], [("add", 0)], [("add", 0)]], since=hours(8))
    assert ended.is_settled
    assert len(site.asked) == 4


def test_a_post_that_slips_over_a_border_is_found_by_looking_again() -> None:
    site = Site.of(12)
    ended = walked(site, [[], [("delete", 0)]], since=hours(11))
    assert (ended.is_settled, sorted(map(int, ended.seen))) == (True, list(range(1, 13)))


def test_a_feed_that_moves_all_the_time_is_not_called_settled() -> None:
    """What comes before one page and goes before the next hides every second post, in each pass."""
    site = Site.of(11, size=1)
    ended = walked(site, [[("add", 0)], [("delete", -1)]] * 99, since=hours(11))
    assert not set(map(str, range(1, 12))) <= set(ended.seen)
    assert (ended.is_settled, ended.closed) == (False, None)
    assert site.asked.count(SITE + "feed/") == MOST_PASSES


def test_fewer_pages_than_needed_are_settled_as_far_as_they_reach() -> None:
    ended = walked(Site.of(30), [], since=hours(20), most=2)
    assert (ended.is_settled, ended.reached, len(ended.seen)) == (True, hours(6), 6)


def test_an_empty_feed_is_read_whole() -> None:
    ended = walked(Site({}), [])
    assert (ended.closed, ended.is_settled, ended.seen) == (None, True, {})
    assert ended.reached == NOON - timedelta(days=9)


def test_a_feed_that_closes_amid_the_walk_says_so_and_keeps_what_was_seen() -> None:
    first = Site.of(30).answer(SITE + "feed/")
    ended = answered([first, FeedPage(closed="status 403")])
    assert (ended.closed, ended.is_settled, len(ended.seen), ended.reached) == (
        "status 403",
        False,
        3,
        hours(3),
    )


def test_a_site_without_a_feed_is_closed() -> None:
    assert answered([FeedPage(is_past_end=True)]).closed == "it has no first page"


def test_a_cache_that_gives_one_page_for_all_does_not_hold_the_walk() -> None:
    site = Site.of(3)
    ended = answered(site.answer(SITE + "feed/") for _ in range(9))
    assert (ended.closed, len(site.asked)) == ("page 4 says what the pages before it said", 4)


@pytest.mark.parametrize("number_of_hours", [lambda number: number * 7 % 29, lambda _: None])
def test_a_feed_in_no_order_and_one_without_times_prove_nothing(
    number_of_hours: Callable[[int], int | None],
) -> None:
    times = [number_of_hours(number) for number in range(29)]
    items = [FeedItem(f"{n}", None if t is None else hours(t)) for n, t in enumerate(times)]
    pages = [FeedPage(tuple(items[start : start + 9])) for start in (0, 9, 18)]
    assert not answered(pages * MOST_PASSES, most=3).is_settled


def test_the_latest_time_of_a_post_counts() -> None:
    ended = answered(
        [
            FeedPage((FeedItem("a", hours(1)), FeedItem("b", hours(2)))),
            FeedPage((FeedItem("a", hours(3)), FeedItem("c", hours(4)))),
            FeedPage(closed="over"),
        ]
    )
    assert ended.seen["a"] == hours(3)


def test_a_feed_without_times_is_not_read_again() -> None:
    ended = answered((FeedPage((FeedItem(f"{number}", None),)) for number in range(3)), most=3)
    assert (len(ended.seen), ended.is_settled) == (3, False)
