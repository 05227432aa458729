# ruff: noqa: RUF001  quotes and dashes as a site sets them
"""A page given by hand, and a site that serves the posts it shows: every article once, with all of its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from ca_etl.demo.content import Caption
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_backfill, run_daily, run_ingest
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
# What the page prints as its date.
SEED_DAY: Final = date(2025, 12, 5)
NEXT_DAY: Final = date(2025, 12, 6)
AUTHOR: Final = "Nobody In Particular"
UNAVAILABLE: Final = {
    "posts API": (),
    "feed": ("/wp-json/*",),
    "pages": ("/wp-json/*", "/feed/"),
}
# Titles and texts as the text file shows them, and their posts as the site has them.
MADE_UP: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "curly": (
        'A Ferry\'s Last "Good" Winter',
        'The ferry will not sail again, its captain said: "She has earned her rest." A buyer is sought.',
        (
            "The ferry will not sail again, its captain said: “She has earned her rest.”",
            "A buyer is sought.",
        ),
    ),
    "cut": (
        "Where the Road Bends, a Tea House Opens",
        "The tea house stands where lorries used to turn over. Its owner keeps a list of all...",
        (
            "The tea house stands where lorries used to turn over. Its owner keeps a list of all that he pulled out.",
            "The sheep were returned.",
        ),
    ),
    "plain": (
        "Osh – Jalal-Abad in Two Hours?",
        "The train is new. The rails are not.",
        ("The train is new.", "The rails are not."),
    ),
}
TITLES: Final = {
    "curly": "A Ferry’s Last “Good” Winter",
    "cut": "Where the Road Bends, a Tea House Opens",
    "plain": "Osh – Jalal-Abad in Two Hours?",
}
ARTICLES: Final = (
    "select title, text, url, author, published_at, is_truncated, revisions from fct_article where title in {}"
    " order by title"
)


@pytest.fixture
def on_site(settings: Settings, site: DemoSite) -> Settings:
    site.play(NEXT_DAY)
    return settings.model_copy(update={"site_url": site.base_url})


def run_next_day(on_site: Settings, site: DemoSite, unavailable: tuple[str, ...] = ()) -> None:
    site.path_faults |= dict.fromkeys(unavailable, Fault(status=403))
    at = datetime(NEXT_DAY.year, NEXT_DAY.month, NEXT_DAY.day, 2, tzinfo=UTC)
    # the page was ingested by the clock of the machine, which is years later
    outcome = run_daily(on_site, slot=at, environment=Environment(clock=clock_from(at), trust_clock=True))
    assert outcome.exit_status == 0, outcome.error


def published_at(minute: int) -> datetime:
    """Late on the page's day, so that the listings of the day after still show it."""
    return datetime(SEED_DAY.year, SEED_DAY.month, SEED_DAY.day, 17, minute, tzinfo=UTC)


def serve_the_seed(on_site: Settings, site: DemoSite, seed_page: Path, query: Query) -> list[tuple[Any, ...]]:
    """Ingest the page and let the site have its four posts; the rows that are to come of it.

    A post has the text that the page shows, in paragraphs; the cut one continues where the page breaks off.
    """
    assert run_ingest(on_site, GivenFiles((seed_page,))).exit_status == 0
    shown = query("select title, text, is_truncated, media from fct_article order by title")
    assert [cut for *_, cut, _ in shown].count(True) == 1
    rows = []
    for minute, (title, text, is_cut, media) in enumerate(shown):
        first, stop, rest = text.rstrip(".… ").partition(". ")
        ending = (
            " and nothing that a page cuts off stays unread." if is_cut else text[len(text.rstrip(".… ")) :]
        )
        paragraphs = (first + stop.rstrip(), rest + ending)
        assert " ".join(paragraphs).startswith(text.rstrip(".… "))
        caption = Caption(media[0]["attachment_id"], media[0]["caption"]) if media else None
        post = site.posts.add(
            title, paragraphs, author=AUTHOR, published_at=published_at(minute), caption=caption
        )
        at, url = published_at(minute), f"{site.base_url}{post.slug}/"
        rows.append((title, "\n\n".join(paragraphs), url, AUTHOR, at, False, 0))
    return rows


@pytest.mark.shared
@pytest.mark.parametrize("unavailable", UNAVAILABLE.values(), ids=UNAVAILABLE)
def test_the_four_articles_of_the_seed_page_get_what_the_site_has_of_them(
    on_site: Settings, site: DemoSite, seed_page: Path, query: Query, unavailable: tuple[str, ...]
) -> None:
    rows = serve_the_seed(on_site, site, seed_page, query)
    run_next_day(on_site, site, unavailable)
    assert query(ARTICLES.format(tuple(row[0] for row in rows))) == rows
    assert len(rows) == 4


@pytest.mark.shared
@pytest.mark.parametrize("source", ["posts", "feed"])
def test_a_backfill_of_the_seed_pages_month_gives_the_same(
    on_site: Settings, site: DemoSite, seed_page: Path, query: Query, source: str
) -> None:
    rows = serve_the_seed(on_site, site, seed_page, query)
    outcome = run_backfill(on_site, DateRange(date(2025, 12, 1), NEXT_DAY), source=source)
    assert outcome.exit_status == 0, outcome.error
    assert query(ARTICLES.format(tuple(row[0] for row in rows))) == rows


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A listing as text, as the seed page is one."""
    lines = ["• KGS/USD = 0.01144 0%", "  • KZT/USD = 0.00198 -0%"] * 8
    lines += ["05 December 2025", "", "Viewing results 1 - 6 of 3"]
    for title, text, _ in MADE_UP.values():
        lines += ["", title, "", text]
    path = tmp_path / "listing.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("unavailable", UNAVAILABLE.values(), ids=UNAVAILABLE)
def test_a_page_with_other_quotes_and_a_cut_text_meets_its_posts_without_a_revision(
    on_site: Settings, site: DemoSite, query: Query, text_file: Path, unavailable: tuple[str, ...]
) -> None:
    assert run_ingest(on_site, GivenFiles((text_file,))).exit_status == 0
    assert query("select title, is_truncated, author from fct_article order by title") == [
        (title, name == "cut", None) for name, (title, *_) in sorted(MADE_UP.items(), key=lambda i: i[1][0])
    ]
    rows = []
    for minute, (name, (_, _, paragraphs)) in enumerate(MADE_UP.items()):
        post = site.posts.add(TITLES[name], paragraphs, author=AUTHOR, published_at=published_at(minute))
        url, at = f"{site.base_url}{post.slug}/", published_at(minute)
        rows.append((TITLES[name], "\n\n".join(paragraphs), url, AUTHOR, at, False, 0))
    run_next_day(on_site, site, unavailable)
    assert query(ARTICLES.format(tuple(TITLES.values()))) == sorted(rows)
    assert query(f"select count(*) from fct_article where author = '{AUTHOR}'") == [(3,)]
    assert query("select count(*) from fct_article where author is null and is_truncated") == [(0,)]
