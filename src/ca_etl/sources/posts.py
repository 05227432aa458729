"""The posts API of WordPress (`/wp-json/wp/v2/posts`): which page to ask for next, decided without I/O.

Posts come and go while their pages are asked for. They are enumerated by ascending id, so that new ones come last; a
deleted one moves all later ones a place forward, which would hide one at the border of two pages, so that a page
counts only when it holds something of what was seen before, or begins at the start. A page may be short, or empty,
and not be the last: posts that the visitor may not read are left out of it, and counted all the same. The order of
WordPress is that of `class-wp-rest-posts-controller.php`.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urljoin

SOURCE: Final = "timesca-posts"
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
END_OF_PAGES: Final = "rest_post_invalid_page_number"


@dataclass(frozen=True, slots=True)
class PostsPage:
    """What one answer says. `posts` are (id, modified_gmt) as printed; `total` is X-WP-Total.

    `closed` says why there is no list of posts in it, None where there is one.
    """

    posts: tuple[tuple[int, str], ...] = ()
    total: int = 0
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Enumerated:
    """How an enumeration ended: `seen` has the latest (id, modified_gmt) by id; `closed` why it could not go on.

    `is_settled` is False when posts were still changing after the last pass that was allowed.
    """

    seen: dict[int, str]
    closed: str | None = None
    is_settled: bool = True


Asking = Generator[str, PostsPage, Enumerated]


def enumerate_posts(
    site_url: str,
    *,
    started_at: datetime,
    modified_after: datetime | None = None,
    published: tuple[datetime | None, datetime | None] = (None, None),
    fields: str = FIELDS,
) -> Asking:
    """Yield URLs and take their pages, until every post that stands has been seen in its last form.

    `modified_after` asks for what is new or changed since, `published` for posts of a stretch of time, from first
    to second; all zone-aware, and one of the two alone. `fields` are those that each post comes with. What changes
    from `started_at` on, the clock of this machine, is asked for again, in passes, until one brings nothing new.
    """
    seen: dict[int, str] = {}
    bounds = {"after": published[0], "before": published[1]}
    if modified_after is not None:
        # A post that was planned comes out by itself and keeps the time of its last change, which may be days ago.
        closed = yield from _pass(site_url, {"after": modified_after}, fields, seen)
        if closed is not None:
            return Enumerated(seen, closed)
    since = modified_after
    for _ in range(MOST_PASSES):
        before = dict(seen)
        closed = yield from _pass(site_url, {**bounds, "modified_after": since}, fields, seen)
        if closed is not None:
            return Enumerated(seen, closed)
        if since == started_at - SKEW and seen == before:
            return Enumerated(seen)
        since = started_at - SKEW
    return Enumerated(seen, is_settled=False)


def posts_url(site_url: str, bounds: dict[str, datetime | None], offset: int, fields: str = FIELDS) -> str:
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


def _pass(
    site_url: str, bounds: dict[str, datetime | None], fields: str, seen: dict[int, str]
) -> Generator[str, PostsPage, str | None]:
    """All pages of one query into `seen`; why it is closed, None when it was walked to its end."""
    offset, last = 0, 0
    doubted, back = -1, OVERLAP
    while True:
        page = yield posts_url(site_url, bounds, offset, fields)
        if page.closed is not None:
            return page.closed
        seen.update(page.posts)
        ids = [number for number, _ in page.posts]
        follows = offset == 0 or any(number <= last for number in ids)
        if not follows and offset > doubted:
            doubted, back = offset, OVERLAP  # more may have vanished than the pages overlap: look back, once
        if not follows and offset + back > doubted and back <= MOST_BACK:
            offset, back = max(0, doubted - back), back * 2
            continue
        last = max([last, *ids])
        offset = max(offset, doubted if not follows else 0) + PER_PAGE
        if offset >= page.total:
            return None
        offset -= OVERLAP


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
