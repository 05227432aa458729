"""What stands at which address on which day."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from ca_etl.demo.content import Article, slugify
from ca_etl.demo.posts import Shelf, default_shelf
from ca_etl.demo.prose import prose

PER_PAGE: Final = 6

_PATH: Final = re.compile(r"(?P<root>/(?:[\w-]+/)*?)(?:page/(?P<page>[1-9]\d{0,5})/)?\Z")


class ListingKind(StrEnum):
    """The kinds of listings. Only `latest` and `category` count their results on the page."""

    HOME = "home"
    LATEST = "latest"
    CATEGORY = "category"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a listing. `root` is the path of its first page; `total` counts all its articles."""

    kind: ListingKind
    root: str
    heading: str
    page: int
    total: int
    articles: tuple[Article, ...]
    recent: tuple[Article, ...]

    @property
    def pages(self) -> int:
        """How many pages the listing has; an empty one has a single page."""
        return max(1, -(-self.total // PER_PAGE))

    @property
    def results_line(self) -> str | None:
        """`Viewing results 7 - 12 of 8`: the end is never clamped to the total. None where none is shown."""
        if self.kind in (ListingKind.HOME, ListingKind.AUTHOR):
            return None
        start = PER_PAGE * (self.page - 1) + 1
        return f"Viewing results {start} - {start + PER_PAGE - 1} of {self.total}"

    def path(self, page: int) -> str:
        """The path of another page of the same listing."""
        return self.root if page == 1 else f"{self.root}page/{page}/"


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """The page of one article."""

    article: Article
    recent: tuple[Article, ...]

    @property
    def root(self) -> str:
        """The path of the page."""
        return f"/{self.article.slug}/"


@dataclass(frozen=True, slots=True)
class Moved:
    """A permanent redirect to another path of the site."""

    path: str


Standing = Listing | ArticlePage | Moved


def author_slug(name: str) -> str:
    """The last part of an author's address."""
    return slugify(name)


def resolve(path: str, day: date, shelf: Shelf | None = None) -> Standing | None:
    """What stands at `path` (no query) on `day`; None where nothing does.

    `shelf` is the state of the articles, by default that of the history on `day`.
    Addresses without their last slash, and first pages called `page/1/`, have moved, as in WordPress.
    """
    if not path.endswith("/"):
        return Moved(f"{path}/") if resolve(f"{path}/", day, shelf) else None
    match = _PATH.match(path)
    if match is None:
        return None
    root, page = match["root"], match["page"]
    shelf = shelf or default_shelf(day)
    everything = shelf.listed
    choice = _listing(root)
    if choice is None:
        return _article_page(root, shelf) if page is None else None
    if page == "1":
        return Moved(root)
    kind, heading, belongs = choice
    chosen = tuple(article for article in everything if belongs(article))
    number = int(page or 1)
    shown = chosen[PER_PAGE * (number - 1) :][:PER_PAGE]
    if number > 1 and not shown:
        return None
    return Listing(kind, root, heading, number, len(chosen), shown, everything[:5])


@lru_cache(maxsize=64)
def _listing(root: str) -> tuple[ListingKind, str, Callable[[Article], bool]] | None:
    match root.strip("/").split("/"):
        case [""]:
            return ListingKind.HOME, "Home", lambda _: True
        case ["latest"]:
            return ListingKind.LATEST, "Latest", lambda _: True
        case ["category", "home", slug] if slug in prose().categories:
            return ListingKind.CATEGORY, prose().categories[slug], lambda a: a.category == slug
        case ["author", slug] if slug in map(author_slug, prose().authors):
            return ListingKind.AUTHOR, "Articles", lambda a: author_slug(a.author) == slug
    return None


def _article_page(root: str, shelf: Shelf) -> ArticlePage | None:
    found = shelf.standing.get(root.strip("/"))
    return ArticlePage(found, shelf.listed[:5]) if found else None
