"""The demo site's published articles as of a day, and changes to them (add, edit, delete, hide) while the site runs.

A change applies to every day that the site shows afterwards. An article with a later publication time than the shown
day is not published yet, as a scheduled post.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from threading import RLock
from typing import Any, Final

from ca_etl.demo.content import SITE_ZONE, DemoArticle, articles, prose, published_by, slugify

# Editors start when the day's pages are published; each change takes its own second.
_EDITING_STARTS: Final = time(7, tzinfo=SITE_ZONE)


@dataclass(frozen=True, eq=False)
class SiteSnapshot:
    """The demo site's articles as of a day; `listed` are those in listings, API and feed, the newest first.

    `unlisted` articles have a page only. `unreadable` articles are counted by the API but omitted from its responses.
    `deleted` maps the slug of a deleted article to the HTTP status of its page. `hidden_authors` are author names that
    the API does not give. `changed_at` is the time of the last change, None without a change.
    """

    listed: tuple[DemoArticle, ...]
    unlisted: tuple[DemoArticle, ...] = ()
    unreadable: tuple[DemoArticle, ...] = ()
    deleted: Mapping[str, int] = field(default_factory=dict)
    hidden_authors: frozenset[str] = frozenset()
    changed_at: datetime | None = None

    @cached_property
    def pages(self) -> Mapping[str, DemoArticle]:
        """The demo articles that have a page, listed or not, by slug."""
        return {article.slug: article for article in (*self.unlisted, *self.listed)}

    @cached_property
    def by_id(self) -> Mapping[int, DemoArticle]:
        """The demo articles in listings, API and feed, by post id."""
        return {article.post_id: article for article in self.listed}


@lru_cache(maxsize=64)
def default_snapshot(day: date) -> SiteSnapshot:
    """The demo site's articles as of `day`, without any edit."""
    return SiteSnapshot(published_by(day))


class Posts:
    """Access to the articles of a running demo site, to add, edit and delete them; thread-safe.

    `today` returns the day that the site shows. Methods raise `KeyError` for a post that is not published on that day.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._lock = RLock()
        self._changed: dict[int, DemoArticle] = {}
        self._deleted: dict[int, tuple[str, int]] = {}
        self._unlisted: set[int] = set()
        self._unreadable: set[int] = set()
        self._hidden_authors: set[str] = set()
        self._changed_at: datetime | None = None
        self._snapshots: dict[date, SiteSnapshot] = {}

    def snapshot(self, day: date) -> SiteSnapshot:
        """The articles of the demo site as of `day`, with all edits so far; the same object until the next edit."""
        with self._lock:
            if self._changed_at is None:
                return default_snapshot(day)
            if day not in self._snapshots:
                self._snapshots[day] = self._snapshot(day)
            return self._snapshots[day]

    def get(self, post_id: int) -> DemoArticle:
        """The current version of a demo article by post id, listed or not."""
        with self._lock:
            article = self._existing().get(post_id)
        if article is None or article.published_at.date() > self._today():
            raise KeyError(f"the demo site has no post {post_id} on {self._today()}")
        return article

    def add(
        self,
        title: str,
        paragraphs: tuple[str, ...] = ("A new article of the demo site.",),
        *,
        published_at: datetime | None = None,
        **fields: Any,  # noqa: ANN401  fields of several types, their names checked by `replace`
    ) -> DemoArticle:
        """Publish an article on the demo site, by default now, and return it; `fields` are those of `DemoArticle`.

        A slug that exists already gets a number, as in WordPress. Raises `TypeError` for an unknown field.
        """
        with self._lock:
            now = self._tick()
            article = DemoArticle(
                post_id=self._free_id(),
                slug=self._free_slug(slugify(title)),
                title=title,
                category=next(iter(prose().categories)),
                author=prose().authors[0],
                published_at=published_at or now,
                paragraphs=paragraphs,
                edited_at=now if published_at else None,
            )
            return self._keep(replace(article, **fields))

    def edit(
        self,
        post_id: int,
        *,
        at: datetime | None = None,
        **fields: Any,  # noqa: ANN401  as in `add`
    ) -> DemoArticle:
        """Change the `fields` of an article on the demo site and return the new version; `at` is the time of the edit.

        By default the edit is made now. New `paragraphs` remove the teaser; a new title keeps the address. Raises
        `TypeError` for a field that `DemoArticle` does not have.
        """
        if "paragraphs" in fields:
            fields.setdefault("teaser", None)
        with self._lock:
            article = self.get(post_id)
            now = self._tick()
            return self._keep(replace(article, **fields, edited_at=at or now))

    def delete(self, post_id: int, *, status: int = 404) -> None:
        """Delete an article; its page responds with `status`, 404 or 410, from now on."""
        with self._lock:
            self._deleted[post_id] = (self.get(post_id).slug, status)
            self._tick()

    def unlist(self, post_id: int) -> None:
        """Remove an article from listings, API and feed; its page still responds with 200."""
        with self._lock:
            self._unlisted.add(self.get(post_id).post_id)
            self._tick()

    def make_unreadable(self, post_id: int) -> None:
        """Hide an article as one that visitors may not read: the API counts it but omits it, and it has no page."""
        with self._lock:
            self._unreadable.add(self.get(post_id).post_id)
            self._tick()

    def hide_author(self, name: str) -> None:
        """Hide an author: the API embeds an error object instead of the author with this name."""
        with self._lock:
            self._hidden_authors.add(name)
            self._tick()

    def _keep(self, article: DemoArticle) -> DemoArticle:
        self._changed[article.post_id] = article
        return article

    def _tick(self) -> datetime:
        """Record a change of the articles and return its time, a second after the previous change."""
        self._snapshots.clear()
        opened = datetime.combine(self._today(), _EDITING_STARTS)
        self._changed_at = max(opened, self._changed_at or opened) + timedelta(seconds=1)
        return self._changed_at

    def _existing(self) -> dict[int, DemoArticle]:
        every = {article.post_id: article for article in articles()} | self._changed
        return {post_id: article for post_id, article in every.items() if post_id not in self._deleted}

    def _snapshot(self, day: date) -> SiteSnapshot:
        published = [article for article in self._existing().values() if article.published_at.date() <= day]
        published.sort(key=lambda article: (article.published_at, article.post_id), reverse=True)
        hidden = self._unlisted | self._unreadable
        return SiteSnapshot(
            listed=tuple(article for article in published if article.post_id not in hidden),
            unlisted=tuple(article for article in published if article.post_id in self._unlisted),
            unreadable=tuple(article for article in published if article.post_id in self._unreadable),
            deleted=dict(self._deleted.values()),
            hidden_authors=frozenset(self._hidden_authors),
            changed_at=self._changed_at,
        )

    def _free_id(self) -> int:
        """The post id for a new article: the next id above all published ids that no picture has."""
        numbers = {article.post_id for article in articles()}
        taken = numbers | {number + 3 for number in numbers} | self._changed.keys()
        published = [article.post_id for article in published_by(self._today())]
        number = max([*published, *self._changed]) + 1
        while number in taken:
            number += 1
        return number

    def _free_slug(self, slug: str) -> str:
        taken = {article.slug for article in self._existing().values()}
        number, free = 2, slug
        while free in taken:
            free, number = f"{slug}-{number}", number + 1
        return free
