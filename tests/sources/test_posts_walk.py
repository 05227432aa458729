"""Whatever happens between two pages: every post that stands has been seen, in its last form."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.sources.posts import Enumerated, PostsPage, enumerate_posts, posts_url

START = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = START - timedelta(days=90)
Step = tuple[str, int]


@dataclass
class Site:
    """Posts by id: when each was changed, and whether anybody may read it."""

    posts: dict[int, tuple[datetime, bool]] = field(default_factory=dict)
    now: datetime = START
    next_id: int = 1

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

    def answer(self, url: str) -> PostsPage:
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        after = datetime.fromisoformat(query.get("modified_after", "2000-01-01T00:00:00Z"))
        rows = [(number, *post) for number, post in sorted(self.posts.items()) if post[0] > after]
        offset = int(query.get("offset", 0))
        page = rows[offset : offset + int(query["per_page"])]
        return PostsPage(tuple((number, f"{at}") for number, at, readable in page if readable), len(rows))

    @property
    def readable(self) -> dict[int, str]:
        return {number: f"{at}" for number, (at, readable) in self.posts.items() if readable}


def walked(site: Site, between: list[list[Step]]) -> Enumerated:
    asking = enumerate_posts("https://timesca.com/", started_at=START)
    url = next(asking)
    for asked in range(500):
        site.now += timedelta(seconds=5)
        for step in between[asked] if asked < len(between) else []:
            site.do(step)
        try:
            url = asking.send(site.answer(url))
        except StopIteration as over:
            ended: Enumerated = over.value
            return ended
    raise AssertionError("the walk does not end")


STEPS = st.tuples(st.sampled_from(["add", "delete", "edit"]), st.integers(0, 1000))


@settings(max_examples=200)
@given(
    st.sampled_from([0, 1, 99, 100, 101, 250, 420]),
    st.integers(0, 9),
    st.lists(st.lists(STEPS, max_size=9), max_size=12),
)
def test_every_post_that_stands_is_seen_in_its_last_form(
    count: int, hidden: int, between: list[list[Step]]
) -> None:
    posts = {number: (LONG_AGO, number % 10 >= hidden) for number in range(1, count + 1)}
    site = Site(posts, next_id=count + 1)
    ended = walked(site, [[], *between])
    assert ended.closed is None
    if ended.is_settled:
        assert {number: ended.seen.get(number) for number in site.readable} == site.readable


def test_a_stretch_that_nobody_may_read_does_not_hide_what_is_behind_it() -> None:
    posts = {number: (LONG_AGO, not 90 < number < 310) for number in range(1, 400)}
    site = Site(posts)
    assert walked(site, []).seen == site.readable


def test_more_vanish_between_two_pages_than_they_overlap() -> None:
    site = Site(dict.fromkeys(range(1, 301), (LONG_AGO, True)))
    ended = walked(site, [[], [("delete", 0)] * 60])
    assert set(site.readable) <= set(ended.seen)


def test_an_api_that_closes_amid_the_walk_says_so_and_keeps_what_was_seen() -> None:
    asking = enumerate_posts("https://timesca.com/", started_at=START)
    next(asking)
    asking.send(PostsPage(tuple((number, "a") for number in range(1, 101)), 300))
    with pytest.raises(StopIteration) as over:
        asking.send(PostsPage(closed="status 403"))
    assert (over.value.value.closed, len(over.value.value.seen)) == ("status 403", 100)


def test_instants_carry_their_z_and_posts_come_by_their_number() -> None:
    url = posts_url("https://timesca.com", {"modified_after": START, "before": None}, 90)
    assert url.startswith(
        "https://timesca.com/wp-json/wp/v2/posts?orderby=id&order=asc&per_page=100&offset=90&"
    )
    assert "modified_after=2026-01-01T00:00:00Z" in url
    assert "before" not in url
