"""The articles that stand on the site, and what an editor does to them while it runs.

Without any change the state is the one of the history for the day shown. Changes hold on every day; an article
whose time of publication is after the day shown is not up yet, as a scheduled post.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from threading import RLock
from typing import Final, TypedDict, Unpack

from ca_etl.demo.content import SITE_ZONE, Article, Caption, articles, published_by, slugify
from ca_etl.demo.prose import prose

# Editors begin when the day's pages are up; each change takes its own second.
_DESK_OPENS: Final = time(7, tzinfo=SITE_ZONE)


class Given(TypedDict, total=False):
    """Fields of an article that a new one can be given."""

    post_id: int
    slug: str
    category: str
    author: str
    caption: Caption | None
    teaser: str | None


class Edits(TypedDict, total=False):
    """Fields of an article that an editor changes."""

    title: str
    paragraphs: tuple[str, ...]
    slug: str
    category: str
    author: str
    caption: Caption | None
    teaser: str | None


@dataclass(frozen=True, eq=False)
class Shelf:
    """The articles of one moment. `listed` is newest first.

    `unlisted` articles have a page and stand in no list, API or feed. `unreadable` ones are counted by the API
    and skipped in its answers. `gone` has the status of each deleted article by slug and by post id.
    `changed_at` is the time of the last change, None where nobody has changed anything.
    """

    listed: tuple[Article, ...]
    unlisted: tuple[Article, ...] = ()
    unreadable: tuple[Article, ...] = ()
    gone: Mapping[str | int, int] = field(default_factory=dict)
    hidden_authors: frozenset[str] = frozenset()
    changed_at: datetime | None = None

    @cached_property
    def standing(self) -> Mapping[str, Article]:
        """The articles that have a page, by slug."""
        return {article.slug: article for article in (*self.unlisted, *self.listed)}

    @cached_property
    def by_id(self) -> Mapping[int, Article]:
        """The articles that lists show, by post id."""
        return {article.post_id: article for article in self.listed}


@lru_cache(maxsize=64)
def default_shelf(day: date) -> Shelf:
    """The state of the history on `day`."""
    return Shelf(published_by(day))


class Posts:
    """The articles of a running site; every method may be called from any thread.

    `today` says the day shown. Raises `KeyError` for a post that does not stand on it.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._lock = RLock()
        self._changed: dict[int, Article] = {}
        self._gone: dict[int, tuple[int, str]] = {}
        self._unlisted: set[int] = set()
        self._unreadable: set[int] = set()
        self._hidden_authors: set[str] = set()
        self._changes = 0
        self._changed_at: datetime | None = None
        self._shelves: dict[date, Shelf] = {}

    def shelf(self, day: date) -> Shelf:
        """The state on `day`; one object as long as nothing changes."""
        with self._lock:
            if not self._changes:
                return default_shelf(day)
            if day not in self._shelves:
                self._shelves[day] = self._made(day)
            return self._shelves[day]

    def get(self, post_id: int) -> Article:
        """The article as it stands now, listed or not."""
        with self._lock:
            found = self._known().get(post_id)
        if found is None or found.published_at.date() > self._today():
            raise KeyError(f"no post {post_id} on {self._today()}")
        return found

    def add(
        self,
        title: str,
        paragraphs: tuple[str, ...] = ("A new article of the demo site.",),
        *,
        published_at: datetime | None = None,
        **fields: Unpack[Given],
    ) -> Article:
        """Publish an article, by default now; `fields` are further ones of `Article`, `post_id` and `slug` too.

        A slug that is taken gets a number, as in WordPress.
        """
        with self._lock:
            now = self._tick()
            article = Article(
                post_id=fields.get("post_id") or self._free_id(),
                slug=fields.get("slug") or self._free_slug(slugify(title)),
                title=title,
                category=fields.get("category") or next(iter(prose().categories)),
                author=fields.get("author") or prose().authors[0],
                published_at=published_at or now,
                paragraphs=tuple(paragraphs),
                caption=fields.get("caption"),
                teaser=fields.get("teaser"),
                edited_at=now if published_at else None,
            )
            self._changed[article.post_id] = article
            return article

    def edit(self, post_id: int, *, at: datetime | None = None, **fields: Unpack[Edits]) -> Article:
        """Change fields of an article; `at` is the time of the edit, by default now.

        An edit of the text drops the teaser. The address stays when the title changes. Raises `TypeError` for
        what is no field of an article.
        """
        if "paragraphs" in fields:
            fields.setdefault("teaser", None)
        with self._lock:
            article = replace(self.get(post_id), **fields, edited_at=at or self._tick())
            return self._keep(article)

    def backdate(self, post_id: int, published_at: datetime, *, at: datetime | None = None) -> Article:
        """Move an article to another time of publication."""
        with self._lock:
            article = replace(self.get(post_id), published_at=published_at, edited_at=at or self._tick())
            return self._keep(article)

    def delete(self, post_id: int, *, status: int = 404) -> None:
        """Take an article away; its page answers `status`, 404 or 410, from now on."""
        with self._lock:
            self._gone[post_id] = (status, self.get(post_id).slug)
            self._tick()

    def unlist(self, post_id: int) -> None:
        """Take an article out of lists, API and feed; its page goes on answering 200."""
        self._put(self._unlisted, post_id)

    def make_unreadable(self, post_id: int) -> None:
        """Let the API count an article and skip it, as one that the visitor may not read; it has no page."""
        self._put(self._unreadable, post_id)

    def hide_author(self, name: str) -> None:
        """Let the API embed an error object instead of this author."""
        with self._lock:
            self._hidden_authors.add(name)
            self._tick()

    def _put(self, where: set[int], post_id: int) -> None:
        with self._lock:
            where.add(self.get(post_id).post_id)
            self._tick()

    def _keep(self, article: Article) -> Article:
        self._tick()
        self._changed[article.post_id] = article
        return article

    def _tick(self) -> datetime:
        """Count one change and return its time."""
        self._changes += 1
        self._shelves.clear()
        opened = datetime.combine(self._today(), _DESK_OPENS)
        self._changed_at = max(opened, self._changed_at or opened) + timedelta(seconds=1)
        return self._changed_at

    def _known(self) -> dict[int, Article]:
        every = {article.post_id: article for article in articles()} | self._changed
        return {post_id: article for post_id, article in every.items() if post_id not in self._gone}

    def _made(self, day: date) -> Shelf:
        up = [article for article in self._known().values() if article.published_at.date() <= day]
        up.sort(key=lambda article: (article.published_at, article.post_id), reverse=True)
        apart = self._unlisted | self._unreadable
        gone: dict[str | int, int] = {}
        for post_id, (status, slug) in self._gone.items():
            gone |= {post_id: status, slug: status}
        return Shelf(
            listed=tuple(article for article in up if article.post_id not in apart),
            unlisted=tuple(article for article in up if article.post_id in self._unlisted),
            unreadable=tuple(article for article in up if article.post_id in self._unreadable),
            gone=gone,
            hidden_authors=frozenset(self._hidden_authors),
            changed_at=self._changed_at,
        )

    def _free_id(self) -> int:
        """The next number above all that are up; pictures have numbers too."""
        planned = {article.post_id for article in articles()}
        taken = planned | {article.post_id + 3 for article in articles()} | self._changed.keys()
        up = [article.post_id for article in published_by(self._today())]
        number = max([*up, *self._changed], default=0) + 1
        while number in taken:
            number += 1
        return number

    def _free_slug(self, slug: str) -> str:
        taken = {article.slug for article in self._known().values()}
        number, free = 2, slug
        while free in taken:
            free, number = f"{slug}-{number}", number + 1
        return free
