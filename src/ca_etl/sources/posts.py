"""The posts API of WordPress (`/wp-json/wp/v2/posts`): which page to ask for next, decided without I/O.

Posts come and go while their pages are asked for. They are enumerated by ascending id, so that new ones come last; a
deleted one moves all later ones a place forward, which would hide one at the border of two pages, so that a page
counts only when it holds something of what was seen before, or begins at the start. A page may be short, or empty,
and not be the last: posts that the visitor may not read are left out of it, and counted all the same. The order of
WordPress is that of `class-wp-rest-posts-controller.php`.

A cache, a firewall or an old WordPress may pass over a part of the question. A walk of such answers must end soon, and
must not be taken for whole: what it shows tells (`_Pass`).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode, urljoin

from ca_etl.records import POSTS_API

SOURCE: Final = POSTS_API
PATH: Final = "wp-json/wp/v2/posts"
FIELDS: Final = (
    "id,slug,link,date_gmt,modified_gmt,title,content,excerpt,author,categories,tags,_links,_embedded"
)
# What tells one post from another, and nothing that is long.
LIST_FIELDS: Final = "id,slug,link,date_gmt,modified_gmt,title"
PER_PAGE: Final = 100
# Rows that two pages share: as many posts may vanish between the two before a step back is needed.
OVERLAP: Final = 10
# The clocks of two machines, and a post that is stamped before it can be read.
SKEW: Final = timedelta(hours=1)
# A step back further than this finds nothing but posts that nobody may read.
MOST_BACK: Final = 2 * PER_PAGE
MOST_PASSES: Final = 5
# A cache that does not look at `offset` gives one page for ever; so many posts never vanish between two requests.
MOST_REPEATS: Final = 3
# A count that is too high leads into the void; posts that nobody may read fill no more pages than these.
MOST_IDLE: Final = 12
# The zone of a site changes by hours, and `after` compares times of the site's zone.
ZONES: Final = timedelta(days=1)
END_OF_PAGES: Final = "rest_post_invalid_page_number"


class Post(NamedTuple):
    """One post of a list: its number, and when it was changed and published; None where nobody says."""

    number: int
    modified_at: datetime | None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PostsPage:
    """What one answer says: its posts in their order.

    `total` is X-WP-Total and `pages` X-WP-TotalPages, None where the answer lacks them, as some caches drop them.
    `closed` says why there is no list of posts in it, None where there is one.
    """

    posts: tuple[Post, ...] = ()
    total: int | None = None
    pages: int | None = None
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Enumerated:
    """How an enumeration ended: `seen` has the latest time of change by number.

    `closed` says why it could not go on, `doubt` why something may be missing although it ended; `is_cut` that it
    was ended here, because it had asked for as many pages as it may.
    """

    seen: dict[int, datetime | None]
    closed: str | None = None
    doubt: str | None = None
    is_cut: bool = False


Asking = Generator[str, PostsPage, Enumerated]
Bounds = dict[str, datetime | None]


def enumerate_posts(
    site_url: str,
    *,
    started_at: datetime,
    modified_after: datetime | None = None,
    published: tuple[datetime | None, datetime | None] = (None, None),
    fields: str = FIELDS,
    most_pages: int | None = None,
) -> Asking:
    """Yield URLs and take their pages, until every post that stands has been seen in its last form.

    `modified_after` asks for what is new or changed since, `published` for posts of a stretch of time, from first
    to second; all zone-aware, and one of the two alone. `fields` are those that each post comes with. What changes
    from `started_at` on, the clock of this machine, is asked for again, in passes, until one brings nothing new.
    `most_pages` bounds the requests of all passes together, None does not.
    """
    walk = _Walk(site_url, fields, most_pages)
    bounds: Bounds = {"after": published[0], "before": published[1]}
    if modified_after is not None:
        # A post that was planned comes out by itself and keeps the time of its last change, which may be days ago.
        yield from walk.go({"after": modified_after})
    since = modified_after
    for _ in range(MOST_PASSES):
        if walk.is_over:
            return walk.ended()
        before = dict(walk.seen)
        # Within a stretch of time the pass that looks for changes is a second look at the whole, where it must be.
        yield from walk.go({**bounds, "modified_after": since}, needs_change=modified_after is not None)
        if since == started_at - SKEW and walk.seen == before:
            return walk.ended()
        since = started_at - SKEW
    walk.doubt = walk.doubt or "posts were still changing"
    return walk.ended()


def posts_url(site_url: str, bounds: Bounds, offset: int, fields: str = FIELDS) -> str:
    """The address of one page. Instants carry their `Z`: WordPress reads one without in the zone of the site."""
    query = {
        "orderby": "id",
        "order": "asc",
        "per_page": PER_PAGE,
        **({"offset": offset} if offset else {}),
        **{name: _instant(bound) for name, bound in bounds.items() if bound is not None},
        **({"_embed": "author,wp:term"} if "_embedded" in fields else {}),
        "_fields": fields,
    }
    return f"{urljoin(site_url, PATH)}?{urlencode(query, safe=',:')}"


@dataclass(slots=True)
class _Walk:
    """An enumeration under way."""

    site_url: str
    fields: str
    most_pages: int | None
    seen: dict[int, datetime | None] = field(default_factory=dict)
    asked: int = 0
    closed: str | None = None
    doubt: str | None = None
    is_over: bool = False
    is_cut: bool = False

    def go(self, bounds: Bounds, *, needs_change: bool = False) -> Generator[str, PostsPage, None]:
        """All pages of one query into `seen`. `needs_change` ends the walk where `modified_after` is passed over."""
        this = _Pass()
        while True:
            if self.asked == self.most_pages:
                self._end(f"ended after {self.asked} pages", is_cut=True)
                return
            self.asked += 1
            page = yield posts_url(self.site_url, bounds, this.offset, self.fields)
            self.seen.update((post.number, post.modified_at) for post in page.posts)
            self.closed = page.closed or _strays(page, bounds) or this.stuck(page)
            if self.closed is not None:
                self.is_over = True
                return
            if needs_change and _is_unchanged(page, bounds["modified_after"]):
                self._end("it does not look at modified_after: changes of older posts are not told")
                return
            if this.take(page):
                self.doubt = self.doubt or this.doubt
                return

    def ended(self) -> Enumerated:
        """What came of it."""
        return Enumerated(self.seen, self.closed, self.doubt, self.is_cut)

    def _end(self, doubt: str, *, is_cut: bool = False) -> None:
        self.doubt, self.is_cut, self.is_over = doubt, is_cut, True


@dataclass(slots=True)
class _Pass:
    """One query, page by page. `offset` is the row that the next page is to begin with."""

    offset: int = 0
    doubt: str | None = None
    _last: int = 0
    _doubted: int = -1
    _back: int = OVERLAP
    _size: int = PER_PAGE
    _shared: int = 0
    _shown: set[int] = field(default_factory=set)
    _repeats: int = 0
    _idle: int = 0
    _is_sorted: bool = True
    _looks_back: bool = False

    def stuck(self, page: PostsPage) -> str | None:
        """Why the pages lead nowhere, as far as this one; None while they do."""
        numbers = {post.number for post in page.posts}
        is_new = not numbers <= self._shown
        if not self._looks_back:
            self._repeats = 0 if is_new or len(numbers) <= self._shared else self._repeats + 1
        self._idle = 0 if is_new else self._idle + 1
        if self._repeats == MOST_REPEATS:
            return f"the page at {self.offset} shows what the pages before it showed"
        return None

    def take(self, page: PostsPage) -> bool:
        """Learn what the page says, and which one to ask for next; whether it was the last."""
        numbers = [post.number for post in page.posts]
        total = page.total if page.total is not None and page.total >= len(numbers) else None
        self._is_sorted = self._is_sorted and numbers == sorted(numbers)
        is_new = not self._shown.issuperset(numbers)
        self._shown.update(numbers)
        if self.offset == 0:
            self._size = _size(page, total)
        follows = self.offset == 0 or any(number <= self._last for number in numbers)
        if not follows and self.offset > self._doubted:
            self._doubted, self._back = self.offset, OVERLAP  # more may have vanished than pages share: once
        self._looks_back = not follows and self._back <= MOST_BACK and bool(total)
        self._looks_back = self._looks_back and self.offset + self._back > self._doubted
        if self._looks_back:
            self.offset, self._back = max(0, self._doubted - self._back), self._back * 2
            return False
        self._last = max([self._last, *numbers])
        ahead = max(self.offset, self._doubted if not follows else 0) + self._size
        if self._idle >= MOST_IDLE:
            self.doubt = f"it counts {total} posts, and shows {len(self._shown)}"
            return True
        if (ahead >= total) if total is not None else not is_new:
            self.doubt = self._doubt()
            return True
        behind = self.offset + len(numbers)
        self.offset = ahead - min(OVERLAP, self._size // 2)
        self._shared = max(OVERLAP if self._size > 2 * OVERLAP else 0, behind - self.offset)
        return False

    def _doubt(self) -> str | None:
        if self._repeats:
            return "its last page shows what the pages before it showed"
        # One page is whole in any order.
        return None if self._is_sorted or self.offset == 0 else "its posts are not sorted as asked"


def _size(page: PostsPage, total: int | None) -> int:
    """How many rows a page has, at least: fewer than were asked for, where the site allows no more."""
    if total is None:
        return min(PER_PAGE, len(page.posts)) or PER_PAGE
    if page.pages is not None and page.pages > -(-total // PER_PAGE) and page.posts:
        return max(1, -(-total // page.pages))
    return PER_PAGE


def _strays(page: PostsPage, bounds: Bounds) -> str | None:
    """Whether most posts lie outside the times that were asked for: one of them may be dated wrongly."""
    after, before = bounds.get("after"), bounds.get("before")
    times = [post.published_at for post in page.posts if post.published_at is not None]
    outside = sum(
        (after is not None and at < after - ZONES) or (before is not None and at > before + ZONES)
        for at in times
    )
    if 2 * outside <= len(times):
        return None
    return "it does not look at after and before: it shows posts of other times than asked for"


def _is_unchanged(page: PostsPage, since: datetime | None) -> bool:
    """Whether most posts were changed before the time since when changes were asked for."""
    times = [post.modified_at for post in page.posts if post.modified_at is not None]
    return since is not None and 2 * sum(at < since - ZONES for at in times) > len(times)


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
