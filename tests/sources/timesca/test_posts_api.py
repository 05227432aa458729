"""Whatever happens between two pages: every post that exists has been seen, in its last form."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.sources.timesca.posts_api import Post, PostsCrawl, PostsPage, enumerate_posts, posts_url

START = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = START - timedelta(days=90)
Step = tuple[str, int]


@dataclass
class Site:
    """Posts by id: when each was changed, and whether a visitor may read it.

    Parameters that it `ignores` change nothing; `count` is the one it sends, -1 the true one.
    """

    posts: dict[int, tuple[datetime, bool]] = field(default_factory=dict)
    now: datetime = START
    next_id: int = 1
    ignores: frozenset[str] = frozenset()
    requested: int = 0
    count: int | None = -1

    def do(self, step: Step) -> None:
        what, number = step
        ids = sorted(self.posts)
        if what == "add":
            self.posts[self.next_id] = (self.now, number % 5 != 0)
            self.next_id += 1 + number % 3
        elif ids and what == "delete":
            del self.posts[ids[number % len(ids)]]
        elif ids and what == "edit":
            chosen = ids[number % len(ids)]
            self.posts[chosen] = (self.now, self.posts[chosen][1])

    def respond(self, url: str) -> PostsPage:
        self.requested += 1
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        query = {name: value for name, value in query.items() if name not in self.ignores}
        after = datetime.fromisoformat(query.get("modified_after", "2000-01-01T00:00:00Z"))
        rows = [(number, *post) for number, post in sorted(self.posts.items()) if post[0] > after]
        rows = [
            row for row in rows if row[1] > datetime.fromisoformat(query.get("after", "2000-01-01T00:00:00Z"))
        ]
        if "orderby" not in query:
            rows.reverse()
        offset, size = int(query.get("offset", 0)), int(query.get("per_page", 10))
        page = rows[offset : offset + size]
        shown = tuple(Post(number, at, at) for number, at, readable in page if readable)
        if self.count != -1:
            return PostsPage(shown, self.count)
        return PostsPage(shown, len(rows), -(-len(rows) // size))

    @property
    def readable(self) -> dict[int, datetime]:
        return {number: at for number, (at, readable) in self.posts.items() if readable}


def crawl_result(
    site: Site, between: list[list[Step]], since: datetime | None = None, most: int | None = None
) -> PostsCrawl:
    urls = enumerate_posts("https://timesca.com/", started_at=START, modified_after=since, most_pages=most)
    url = next(urls)
    for number in range(500):
        site.now += timedelta(seconds=5)
        for step in between[number] if number < len(between) else []:
            site.do(step)
        try:
            url = urls.send(site.respond(url))
        except StopIteration as end:
            result: PostsCrawl = end.value
            return result
    raise AssertionError("the crawl does not end")


STEPS = st.tuples(st.sampled_from(["add", "delete", "edit"]), st.integers(0, 1000))


@settings(max_examples=200)
@given(
    st.sampled_from([0, 1, 99, 100, 101, 250, 420]),
    st.integers(0, 9),
    st.lists(st.lists(STEPS, max_size=9), max_size=12),
)
def test_every_post_that_exists_is_seen_in_its_last_form(
    count: int, hidden: int, between: list[list[Step]]
) -> None:
    posts = {number: (LONG_AGO, number % 10 >= hidden) for number in range(1, count + 1)}
    site = Site(posts, next_id=count + 1)
    result = crawl_result(site, [[], *between])
    assert result.unavailable is None
    if result.incomplete is None:
        assert {number: result.seen.get(number) for number in site.readable} == site.readable


def test_a_series_of_unreadable_posts_does_not_hide_those_after_it() -> None:
    posts = {number: (LONG_AGO, not 90 < number < 310) for number in range(1, 400)}
    site = Site(posts)
    assert crawl_result(site, []).seen == site.readable


def test_more_vanish_between_two_pages_than_they_overlap() -> None:
    site = Site(dict.fromkeys(range(1, 301), (LONG_AGO, True)))
    result = crawl_result(site, [[], [("delete", 0)] * 60])
    assert set(site.readable) <= set(result.seen)


def test_an_api_that_becomes_unavailable_amid_the_crawl_states_it_and_keeps_what_was_seen() -> None:
    urls = enumerate_posts("https://timesca.com/", started_at=START)
    next(urls)
    urls.send(PostsPage(tuple(Post(number, START) for number in range(1, 101)), 300))
    with pytest.raises(StopIteration) as end:
        urls.send(PostsPage(unavailable="status 403"))
    assert (end.value.value.unavailable, len(end.value.value.seen)) == ("status 403", 100)


def test_instants_carry_their_z_and_posts_come_by_their_number() -> None:
    url = posts_url("https://timesca.com", {"modified_after": START, "before": None}, 90)
    assert url.startswith(
        "https://timesca.com/wp-json/wp/v2/posts?orderby=id&order=asc&per_page=100&offset=90&"
    )
    assert "modified_after=2026-01-01T00:00:00Z" in url
    assert "before" not in url


def aged(count: int) -> dict[int, tuple[datetime, bool]]:
    """Posts an hour apart, the last of them just before the start."""
    return {number: (START - timedelta(hours=count - number), True) for number in range(1, count + 1)}


def test_a_list_in_another_order_is_incomplete_unless_it_is_one_page() -> None:
    unsorted = frozenset({"order", "orderby"})
    many = crawl_result(Site(aged(300), ignores=unsorted), [])
    assert (many.incomplete, len(many.seen)) == ("its posts are not sorted as requested", 300)
    assert crawl_result(Site(aged(90), ignores=unsorted), []).incomplete is None


@pytest.mark.parametrize("count", [135, 3000])
def test_a_cache_that_ignores_the_offset_is_left_soon_and_not_taken_for_complete(count: int) -> None:
    site = Site(dict.fromkeys(range(1, count + 1), (LONG_AGO, True)), ignores=frozenset({"offset"}))
    result = crawl_result(site, [])
    assert (result.unavailable or result.incomplete or "").endswith("repeats the pages before it")
    assert site.requested <= 4


def test_pages_that_are_smaller_than_requested_are_crawled_in_their_own_steps() -> None:
    site = Site(aged(45), ignores=frozenset({"per_page"}))
    result = crawl_result(site, [])
    assert (result.incomplete, len(result.seen)) == (None, 45)
    assert site.requested < 25


def test_an_old_wordpress_without_modified_after_is_not_crawled_to_its_end() -> None:
    site = Site(aged(3000), ignores=frozenset({"modified_after"}))
    result = crawl_result(site, [], since=START - timedelta(hours=40))
    assert result.incomplete == "it ignores modified_after: changes of older posts are unknown"
    assert set(range(2961, 3001)) <= set(result.seen)
    assert site.requested == 2


def test_an_api_that_shows_posts_of_other_times_than_requested_is_unavailable() -> None:
    site = Site(aged(3000), ignores=frozenset({"modified_after", "after"}))
    result = crawl_result(site, [], since=START - timedelta(hours=40))
    assert (result.unavailable or "").startswith("it ignores after and before")
    assert site.requested == 1


def test_one_post_with_a_wrong_date_makes_nothing_unavailable() -> None:
    urls = enumerate_posts("https://timesca.com/", started_at=START, modified_after=START)
    next(urls)
    dated = (Post(1, START, START), Post(2, START, LONG_AGO), Post(3, START, START))
    assert "modified_after" in urls.send(PostsPage(dated, 3, 1))


@pytest.mark.parametrize("total", [None, 0, 5])
def test_without_a_count_that_can_be_true_pages_are_requested_until_nothing_new_comes(
    total: int | None,
) -> None:
    site = Site(aged(250), count=total)
    result = crawl_result(site, [])
    assert (len(result.seen), result.incomplete) == (250, None)
    assert site.requested <= 12


def test_a_count_that_is_far_too_high_does_not_lead_into_the_void() -> None:
    site = Site(aged(45), count=999_999_999)
    assert crawl_result(site, []).incomplete == "it counts 999999999 posts, and shows 45"
    assert site.requested < 60


def test_no_more_pages_are_requested_than_allowed() -> None:
    site = Site(aged(3000))
    result = crawl_result(site, [], most=7)
    assert (result.is_cut, result.incomplete, site.requested) == (True, "ended after 7 pages", 7)
