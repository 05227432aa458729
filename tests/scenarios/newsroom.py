# ruff: noqa: RUF001  quotes and dashes as a site sets them
"""A site with editors: what they do between two requests, and what is published in the end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from hypothesis import strategies as st

from ca_etl.demo.content import DemoArticle, articles
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite, LoggedRequest

FIRST: Final = date(2025, 12, 10)
API: Final = "/wp-json/*"
FEED: Final = "/feed/"
UNAVAILABLE: Final = Fault(status=403)
# So many were changed on the day before the first: two pages of the API. Of a month are so few that ten pages of
# the feed show them.
CROWD: Final = 110
OF_THE_MONTH: Final = 35
FEED_ITEMS: Final = 10
LISTED: Final = 6
DATELINE: Final = re.compile(r"^[^()]+ \(TCA\) — ")
HALVES: Final = (
    "It’s “new” here",
    'It\'s "new" here',
    "Said & done",
    "5 &lt; 6 & <b>bold</b>",
    "Так было – нет",
)


class Step(NamedTuple):
    """What an editor does before the request of that number is responded to, and to which of the posts."""

    request: int
    what: str
    which: int


class Day(NamedTuple):
    """What the site offers on a day, and what its editors do while it is captured, and swept."""

    unavailable: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    sweep: tuple[Step, ...] | None = None


class Form(NamedTuple):
    """What readers see of an article."""

    slug: str
    post_id: int | None
    title: str
    text: str | None
    author: str | None
    published_at: datetime
    url: str
    is_truncated: bool = False


def steps(least: int, most: int) -> st.SearchStrategy[tuple[Step, ...]]:
    return st.lists(
        st.builds(
            Step,
            st.integers(0, 14),
            st.sampled_from(["add", "add before", "text", "title", "backdate", "delete", "unlist", "hide"]),
            st.sampled_from([0, 1, 4, 5, 6, 9, 10, 11, 40, 88, 89, 90, 99, 100]) | st.integers(0, 200),
        ),
        min_size=least,
        max_size=most,
    ).map(lambda drawn: tuple(sorted(drawn, key=lambda step: step.request)))


DAYS: Final = st.lists(
    st.builds(
        Day,
        st.sampled_from([(), (), (API,), (API, FEED)]),
        steps(3, 12),
        st.none() | steps(0, 4),
    ),
    min_size=2,
    max_size=2,
)


@dataclass
class Newsroom:
    """The site, every version of its posts by slug, and what was touched during the last run.

    Of a day on which the API is available, that is since the last pass over it began. `changes` are those of the run.
    `linked` are the articles that the listings showed in it, `read` those whose own pages were requested.
    """

    site: DemoSite
    versions: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    away: dict[int, str] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    todo: list[Step] = field(default_factory=list)
    has_passes: bool = False
    changes: int = 0
    requested: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        for article in articles():
            self.keep(article)
        self.touched.clear()
        self.site.before_response = self.work

    def keep(self, article: DemoArticle) -> None:
        self.versions.setdefault(article.slug, set()).add((article.title, text_of(article)))
        self.touched.add(article.post_id)

    @property
    def listed(self) -> tuple[DemoArticle, ...]:
        return self.site.posts.snapshot(self.site.day).listed

    def begin(self, todo: Iterable[Step], *, has_passes: bool) -> None:
        self.todo, self.has_passes, self.requested, self.changes = list(todo), has_passes, 0, 0
        self.touched.clear()
        self.linked.clear()
        self.read.clear()

    def finish(self) -> None:
        """Do what no request has come for."""
        for step in self.todo:
            self.do(step)
        self.todo = []

    def work(self, request: LoggedRequest) -> None:
        while self.todo and self.todo[0].request <= self.requested:
            self.do(self.todo.pop(0))
        self.requested += 1
        if self.has_passes and "/posts?" in request.path and "offset=" not in request.path:
            self.touched.clear()
        if request.path in {"/", "/latest/"}:
            self.linked |= {article.slug for article in self.listed[:LISTED]}
        self.read.add(request.path.strip("/"))

    def do(self, step: Step) -> None:
        posts = self.site.posts
        self.done, self.changes = self.done + 1, self.changes + 1
        half = HALVES[(self.done + step.which) % len(HALVES)]
        title, text = f"{half}, Notice {self.done}", (f"{half}: text {self.done}.", "Nothing else is known.")
        opened = datetime(self.site.day.year, self.site.day.month, self.site.day.day, 2, tzinfo=UTC)
        known = sorted(article.post_id for article in self.listed[:150])
        chosen = known[step.which % len(known)]
        match step.what:
            case "add":
                self.keep(posts.add(title, text))
            case "add before":
                self.keep(posts.add(title, text, published_at=opened - timedelta(hours=7 * step.which)))
            case "text":
                self.keep(posts.edit(chosen, paragraphs=text))
            case "title":
                self.keep(posts.edit(chosen, title=title))
            case "backdate":
                self.keep(posts.edit(chosen, published_at=opened - timedelta(hours=11 * step.which)))
            case "delete":
                posts.delete(chosen, status=404 if step.which % 2 else 410)
                self.away[chosen] = "gone"
            case "unlist":
                posts.unlist(chosen)
                self.away[chosen] = "unlisted"
            case "hide":
                posts.make_unreadable(chosen)
                self.away[chosen] = "gone"
        self.touched.add(chosen)


def text_of(article: DemoArticle) -> str:
    """The whole text as it is stored: without its dateline, every space once."""
    return DATELINE.sub("", "\n\n".join(" ".join(paragraph.split()) for paragraph in article.paragraphs))


def one_line(text: str | None) -> str | None:
    """Listings run the paragraphs of a text into one, and a sweep requests no text."""
    return None if text is None else " ".join(text.split())


def form_of(article: DemoArticle, base_url: str) -> Form:
    return Form(
        article.slug,
        article.post_id,
        article.title,
        text_of(article),
        article.author,
        article.published_at.astimezone(UTC),
        f"{base_url}{article.slug}/",
    )
