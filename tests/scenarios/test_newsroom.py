"""Whatever editors do between two requests: every published post is one article, in its last form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import DAILY, SWEEP
from ca_etl.sources.source import FIRST_RANGE, OVERLAP
from tests.scenarios.newsroom import (
    API,
    CROWD,
    DAYS,
    FEED,
    FEED_ITEMS,
    FIRST,
    OF_THE_MONTH,
    UNAVAILABLE,
    Day,
    Form,
    Newsroom,
    Step,
    form_of,
    one_line,
)

pytestmark = pytest.mark.slow


@dataclass
class Watch:
    """A data directory of ours, and what must hold of it after each run.

    `began` is when the posts API was first requested with success, `requested_posts` when it was last, `got` when
    it or the feed was. `rows` are the articles of the release by slug, `removed` what a sweep has recorded of them.
    """

    room: Newsroom
    settings: Settings
    began: datetime | None = None
    requested_posts: datetime | None = None
    got: datetime | None = None
    swept: bool = False
    sweeps: int = 0
    rows: Mapping[str, Form] = field(default_factory=dict)
    removed: Mapping[str, str] = field(default_factory=dict)

    def run(self, day: date, unavailable: tuple[str, ...], todo: Iterable[Step], on: str = DAILY) -> Outcome:
        site = self.room.site
        site.play(day)
        site.path_faults.clear()
        site.path_faults.update(dict.fromkeys(unavailable, UNAVAILABLE))
        self.room.begin(todo, has_passes=on == DAILY and API not in unavailable)
        at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(hours=3 if on == SWEEP else 0)
        outcome = run_daily(self.settings, slot=at, on=on, environment=Environment(clock=clock_from(at)))
        assert outcome.exit_status == 0, outcome.error
        return outcome

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        warehouse = (self.settings.data_dir / "current").resolve() / "warehouse.duckdb"
        with duckdb.connect(str(warehouse), read_only=True) as con:
            return con.sql(sql).fetchall()

    def read_release(self) -> None:
        """Read the release, and compare it with all versions that ever existed."""
        earlier = set(self.rows)
        columns = ", ".join(Form._fields)
        articles = self.query(f"select {columns}, removal from main.fct_article")
        self.rows = {row[0]: Form(*row[:-1]) for row in articles}
        self.removed = {row[0]: row[-1] for row in articles if row[-1]}
        numbers = [row.post_id for row in self.rows.values() if row.post_id is not None]
        assert len(numbers) == len(set(numbers))
        assert earlier <= set(self.rows)
        for slug, row in self.rows.items():
            assert slug in self.room.versions
            titles, texts = (set(values) for values in zip(*self.room.versions[slug], strict=True))
            assert row.title in titles
            assert row.is_truncated or one_line(row.text) in {
                None if self.swept else "",
                *map(one_line, texts),
            }

    def daily(self, day: date, plan: Day) -> None:
        site = self.room.site
        before = self.room.site.posts.snapshot(day).listed
        at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
        outcome = self.run(day, plan.unavailable, plan.steps)
        outcomes = {source.source: source for source in outcome.captured.others} if outcome.captured else {}
        self.read_release()
        last = {
            article.slug: form_of(article, site.base_url)
            for article in self.room.listed
            if article.post_id not in self.room.touched
        }
        times = {article.slug: max(article.published_at, article.modified_at) for article in self.room.listed}
        if plan.unavailable == ():
            assert list(outcomes) == ["timesca-posts"]
            if not plan.steps:
                self.count_hidden(at)
            self.began, self.requested_posts = self.began or at, at
            owed = {slug for slug in last if times[slug] > self.began - FIRST_RANGE}
            self.got = at
        elif plan.unavailable == (API,):
            assert list(outcomes) == ["timesca-posts", "timesca-feed"]
            since = self.got - OVERLAP if self.got else at - FIRST_RANGE
            first = {article.slug for article in before[:FEED_ITEMS]} & {
                article.slug for article in self.room.listed[:FEED_ITEMS]
            }
            moving = outcomes["timesca-feed"].reason is not None
            owed = {
                slug
                for slug, form in last.items()
                if not moving and (form.published_at > since or (slug in first and not plan.steps))
            }
            self.got = at
        else:
            owed = set()
            for slug in self.room.linked & set(last):
                row, form = self.rows[slug], last[slug]
                assert (row.title, row.author, row.published_at, row.url) == (
                    form.title,
                    form.author,
                    form.published_at,
                    form.url,
                )
                assert not row.is_truncated
            for slug in self.room.read & set(last):
                row, form = self.rows[slug], last[slug]
                assert (row.title, one_line(row.text)) == (form.title, one_line(form.text))
        assert {slug: self.rows.get(slug) for slug in owed} == {slug: last[slug] for slug in owed}
        self.reconcile(outcome)
        self.removals()
        self.room.finish()

    def count_hidden(self, at: datetime) -> None:
        """The gap of a day without a change is what the site counts and does not show, in the widest query."""
        since = self.requested_posts - OVERLAP if self.requested_posts else at - FIRST_RANGE
        hidden = self.room.site.posts.snapshot(self.room.site.day).unreadable
        counts = (
            sum(article.published_at > since for article in hidden),
            sum(article.modified_at > since for article in hidden),
        )
        assert self.query(
            "select articles_expected - articles_loaded, gap_reason from main.fct_coverage"
            f" where source = 'timesca-posts' and schedule = 'daily' and slot = '{at}'"
        ) == [(max(counts), f"{max(counts)} counted by the site and not shown" if any(counts) else None)]

    def reconcile(self, outcome: Outcome) -> None:
        assert not [
            result for result in outcome.fired if "article" in result.model or "coverage" in result.model
        ]
        rows = {
            source: counts
            for source, *counts in self.query(
                "select source, articles_archived, articles_parsed, articles_loaded,"
                " articles_expected - articles_loaded from main.fct_coverage"
                f" where run_id = '{outcome.run_id}' and source <> 'timesca'"
            )
        }
        assert outcome.captured is not None
        for source in outcome.captured.others:
            archived, parsed, loaded, missing = rows[source.source]
            assert archived == parsed == loaded
            if source.source != "timesca-articles":
                assert archived == source.articles
            hidden = self.room.site.posts.snapshot(self.room.site.day).unreadable
            # what is edited into a query after its first page is counted by it, and shown to the next run
            assert (missing or 0) <= len(hidden) + self.room.changes

    def removals(self) -> None:
        snapshot = self.room.site.posts.snapshot(self.room.site.day)
        assert self.sweeps or not self.removed
        deleted = {slug for slug, what in self.removed.items() if what == "gone"}
        assert deleted.isdisjoint(snapshot.pages)
        assert set(self.removed).isdisjoint(article.slug for article in snapshot.listed)

    def sweep(self, day: date, plan: Day) -> None:
        known, away = dict(self.rows), dict(self.room.away)
        outcome = self.run(day, plan.unavailable, plan.sweep or (), on=SWEEP)
        self.swept, self.sweeps = self.swept or API not in plan.unavailable, self.sweeps + 1
        assert outcome.captured is not None
        listed = outcome.captured.others[0]
        self.read_release()
        if API in plan.unavailable:
            assert listed.outcome == "closed"
        elif listed.reason is None:
            at = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
            first, last = at - timedelta(days=90) + timedelta(hours=1), at - timedelta(hours=1)
            owed = {
                slug: away[row.post_id]
                for slug, row in known.items()
                if row.post_id in away
                and row.post_id not in self.room.touched
                and row.url is not None
                and first <= row.published_at <= last
            }
            assert len(owed) <= self.settings.article_pages
            assert {slug: self.removed.get(slug) for slug in owed} == owed
        self.reconcile(outcome)
        self.removals()
        self.room.finish()


def at_site(site: DemoSite, data_dir: Path) -> Settings:
    return Settings(
        data_dir=data_dir,
        site_url=site.base_url,
        listing_paths=("/", "/latest/"),
        sweep_cron="0 10 * * *",
        min_interval_seconds=0,
        backoff_seconds=0,
        _env_file=None,
    )


def crowded(site: DemoSite) -> Newsroom:
    """The site with so many posts that a month of them does not fit on one page."""
    room = Newsroom(site)
    site.play(FIRST - timedelta(days=1))
    noon = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) - timedelta(hours=12)
    for number in range(CROWD):
        at = noon - timedelta(hours=19 * number if number < OF_THE_MONTH else 720 + 5 * number)
        room.keep(site.posts.add(f"Short Notice {number}", (f"Notice {number}.",), published_at=at))
    return room


def play(days: list[Day], last: tuple[str, ...]) -> None:
    with TemporaryDirectory() as folder, DemoSite(port=0) as site:
        room = crowded(site)
        watch = Watch(room, at_site(site, Path(folder) / "data"))
        for number, plan in enumerate(days):
            watch.daily(FIRST + timedelta(days=number), plan)
            if plan.sweep is not None:
                watch.sweep(FIRST + timedelta(days=number), plan)
        day = FIRST + timedelta(days=len(days))
        watch.daily(day, Day(()))
        other = Watch(room, at_site(site, Path(folder) / "other"))
        other.daily(day, Day(last))
        # of what is older than a month the first run records nothing, and a sweep the title alone
        complete = {
            slug for slug, row in watch.rows.items() if row.author is not None and row.text is not None
        }
        for slug in {article.slug for article in room.listed} & set(other.rows) & complete:
            assert other.rows[slug] == watch.rows[slug]


# An edit of a day that is swept, and one that comes into a query after the page on which it would be.
SWEPT: Final = Day((), (Step(99, "text", 89), Step(99, "title", 88)), ())
BETWEEN_PAGES: Final = Day(
    (), (Step(5, "delete", 90), Step(5, "delete", 40), Step(5, "text", 0), Step(6, "add", 0))
)

# What is edited and deleted while only pages are read, and swept then: twenty of these are read again.
TOUCHED: Final = ((what, which) for which in range(30, 66, 5) for what in ("text", "title", "delete"))
ONLY_PAGES: Final = Day((API, FEED), tuple(Step(0, what, which) for what, which in TOUCHED), ())


# A history takes seconds. In the suite one is drawn beside those named, always the same; more, and others every time,
# where CA_ETL_TEST_HISTORIES is their number.
HISTORIES: Final = int(os.environ.get("CA_ETL_TEST_HISTORIES", "0"))


@pytest.mark.timeout(120 + 30 * HISTORIES)
@settings(max_examples=HISTORIES or 1, derandomize=not HISTORIES)
@example([SWEPT], (API, FEED))
@example([BETWEEN_PAGES], (API,))
@example([Day(()), ONLY_PAGES], (API,))
@given(DAYS, st.sampled_from([(API,), (API, FEED)]))
def test_every_published_post_is_one_article_in_its_last_form(days: list[Day], last: tuple[str, ...]) -> None:
    play(days, last)
