"""What WordPress makes of the demo's articles: the posts API `wp/v2/posts` and the RSS 2.0 feed of ten items a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from ca_etl.demo.content import SITE_ZONE, Article
from ca_etl.demo.posts import Shelf
from ca_etl.demo.prose import prose
from ca_etl.demo.render import SITE_NAME, content_html
from ca_etl.demo.routes import author_slug

# WordPress counts words, not characters, for an excerpt that nobody wrote.
EXCERPT_WORDS: Final = 55

_ENTITIES: Final = str.maketrans(
    {
        "\u2018": "&#8216;",
        "\u2019": "&#8217;",
        "“": "&#8220;",
        "”": "&#8221;",
        "\u2013": "&#8211;",
        "—": "&#8212;",
        "…": "&hellip;",
    }
)
_FIRST_TERM: Final = 11


def title_html(article: Article) -> str:
    """The title with its entities."""
    return escape(article.title, quote=False).translate(_ENTITIES)


def body_html(article: Article, base_url: str) -> str:
    """The whole text with its entities."""
    return content_html(article, base_url).translate(_ENTITIES)


def excerpt_text(article: Article, ellipsis: str) -> str:
    """The first words, with `ellipsis` behind them where they are not all."""
    words = " ".join(article.paragraphs).split()
    cut = f" {ellipsis}" if len(words) > EXCERPT_WORDS else ""
    return escape(" ".join(words[:EXCERPT_WORDS]), quote=False).translate(_ENTITIES) + cut


def category_name(article: Article) -> str:
    """The name that is shown for the article's category."""
    return prose().categories.get(article.category, article.category)


def post_json(article: Article, shelf: Shelf, base_url: str) -> dict[str, Any]:
    """The article as `wp/v2/posts` shows it, links and embedded objects included."""
    api = f"{base_url}wp-json/wp/v2/"
    author, term = _author_id(article), _category_id(article)
    return {
        "id": article.post_id,
        "date": _local(article.published_at),
        "date_gmt": _gmt(article.published_at),
        "guid": {"rendered": f"{base_url}?p={article.post_id}"},
        "modified": _local(article.modified_at),
        "modified_gmt": _gmt(article.modified_at),
        "slug": article.slug,
        "status": "publish",
        "type": "post",
        "link": f"{base_url}{article.slug}/",
        "title": {"rendered": title_html(article)},
        "content": {"rendered": body_html(article, base_url), "protected": False},
        "excerpt": {"rendered": f"<p>{excerpt_text(article, '[&hellip;]')}</p>\n", "protected": False},
        "author": author,
        "featured_media": 0,
        "comment_status": "closed",
        "sticky": False,
        "format": "standard",
        "categories": [term],
        "tags": [],
        "_links": {
            "self": [{"href": f"{api}posts/{article.post_id}"}],
            "collection": [{"href": f"{api}posts"}],
            "author": [{"embeddable": True, "href": f"{api}users/{author}"}],
            "wp:term": [
                {"taxonomy": taxonomy, "embeddable": True, "href": f"{api}{name}?post={article.post_id}"}
                for taxonomy, name in (("category", "categories"), ("post_tag", "tags"))
            ],
        },
        "_embedded": {
            "author": [_embedded_author(article, shelf, base_url)],
            "wp:term": [[_embedded_category(article, term, base_url)], []],
        },
    }


def _author_id(article: Article) -> int:
    known = prose().authors
    return 2 + (known.index(article.author) if article.author in known else len(known))


def _category_id(article: Article) -> int:
    known = list(prose().categories)
    return _FIRST_TERM + (known.index(article.category) if article.category in known else len(known))


def _embedded_author(article: Article, shelf: Shelf, base_url: str) -> dict[str, Any]:
    if article.author in shelf.hidden_authors:
        return {"code": "rest_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 404}}
    slug = author_slug(article.author)
    return {
        "id": _author_id(article),
        "name": escape(article.author),
        "slug": slug,
        "link": f"{base_url}author/{slug}/",
    }


def _embedded_category(article: Article, number: int, base_url: str) -> dict[str, Any]:
    return {
        "id": number,
        "link": f"{base_url}category/home/{article.category}/",
        "name": escape(category_name(article)),
        "slug": article.category,
        "taxonomy": "category",
    }


def _local(at: datetime) -> str:
    return at.astimezone(SITE_ZONE).replace(tzinfo=None).isoformat(timespec="seconds")


def _gmt(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


ROOT: Final = "/wp-json"
POSTS: Final = f"{ROOT}/wp/v2/posts"

_MAX_PER_PAGE: Final = 100
_BOUNDS: Final[Mapping[str, Callable[[Article, datetime], bool]]] = {
    "after": lambda article, at: article.published_at > at,
    "before": lambda article, at: article.published_at < at,
    "modified_after": lambda article, at: article.modified_at > at,
    "modified_before": lambda article, at: article.modified_at < at,
}
_ORDERS: Final[Mapping[str, Callable[[Article], Any]]] = {
    "date": lambda article: article.published_at,
    "id": lambda article: article.post_id,
    "modified": lambda article: article.modified_at,
}
_MESSAGES: Final = {
    401: ("rest_not_logged_in", "You are not currently logged in."),
    403: ("rest_forbidden", "Sorry, you are not allowed to do that."),
    404: ("rest_no_route", "No route was found matching the URL and request method."),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers of the API's own, and the value to send as JSON."""

    status: int
    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parameters of a collection request, understood."""

    per_page: int
    page: int
    offset: int | None
    order: str
    orderby: str
    bounds: tuple[tuple[str, datetime], ...]
    include: frozenset[int]
    slugs: frozenset[str]


class _InvalidError(Exception):
    """A parameter that the API does not take; its name is the argument."""


def refusal(status: int) -> Reply:
    """The answer of an API that is closed under `status`."""
    code, message = _MESSAGES.get(status, ("rest_error", "The request cannot be answered."))
    return _error(status, code, message)


def reply(path: str, query: str, shelf: Shelf, base_url: str) -> Reply:
    """The answer to a GET of `path`, which begins with `/wp-json`, with `query`."""
    given = _given(query)
    if path.rstrip("/") == ROOT:
        return Reply(200, _index(base_url))
    if path.rstrip("/") == POSTS:
        return _collection(given, query, shelf, base_url)
    number = path.removeprefix(f"{POSTS}/").rstrip("/")
    if path.startswith(f"{POSTS}/") and number.isascii() and number.isdigit():
        return _single(int(number), given, shelf, base_url)
    return refusal(404)


def _given(query: str) -> dict[str, str]:
    """The parameters; one that comes as a list (`include[]=1`) has its values joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        bare = name.partition("[")[0]
        found[bare] = f"{found[bare]},{value}" if bare != name and bare in found else value
    return found


def _index(base_url: str) -> dict[str, Any]:
    hours = SITE_ZONE.utcoffset(None)
    return {
        "name": SITE_NAME,
        "description": "A demo site",
        "url": base_url.rstrip("/"),
        "home": base_url.rstrip("/"),
        "gmt_offset": str(int(hours.total_seconds() // 3600)),
        "timezone_string": "Asia/Almaty",
        "namespaces": ["oembed/1.0", "wp/v2"],
        "routes": {"/wp/v2/posts": {"namespace": "wp/v2", "methods": ["GET"]}},
    }


def _single(number: int, given: Mapping[str, str], shelf: Shelf, base_url: str) -> Reply:
    if any(article.post_id == number for article in shelf.unreadable):
        return _error(401, "rest_forbidden", "Sorry, you are not allowed to do that.")
    article = shelf.by_id.get(number)
    if article is None:
        return _error(404, "rest_post_invalid_id", "Invalid post ID.")
    return Reply(200, _trimmed(post_json(article, shelf, base_url), given))


def _collection(given: Mapping[str, str], query: str, shelf: Shelf, base_url: str) -> Reply:
    try:
        asked = _understood(given)
    except _InvalidError as error:
        return _error(400, "rest_invalid_param", f"Invalid parameter(s): {error}", params=[str(error)])
    hidden = {article.post_id for article in shelf.unreadable}
    found = _matching((*shelf.listed, *shelf.unreadable), asked)
    pages = -(-len(found) // asked.per_page)
    if asked.offset is None and asked.page > pages and found:
        return _error(
            400,
            "rest_post_invalid_page_number",
            "The page number requested is larger than the number of pages available.",
        )
    begin = asked.per_page * (asked.page - 1) if asked.offset is None else asked.offset
    shown = found[begin : begin + asked.per_page]
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    if links := _links(query, asked.page, pages, base_url):
        headers["Link"] = links
    return Reply(
        200,
        [_trimmed(post_json(a, shelf, base_url), given) for a in shown if a.post_id not in hidden],
        headers,
    )


def _understood(given: Mapping[str, str]) -> _Asked:
    bounds = tuple((name, _instant(name, given[name])) for name in _BOUNDS if name in given)
    order, orderby = given.get("order", "desc"), given.get("orderby", "date")
    if order not in {"asc", "desc"}:
        raise _InvalidError("order")
    if orderby not in _ORDERS:
        raise _InvalidError("orderby")
    return _Asked(
        per_page=_number(given, "per_page", 10, 1, _MAX_PER_PAGE),
        page=_number(given, "page", 1, 1, None),
        offset=_number(given, "offset", 0, 0, None) if "offset" in given else None,
        order=order,
        orderby=orderby,
        bounds=bounds,
        include=frozenset(_number({"include": n}, "include", 0, 0, None) for n in _items(given, "include")),
        slugs=frozenset(_items(given, "slug")),
    )


def _items(given: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in given.get(name, "").split(",") if item.strip()]


def _number(given: Mapping[str, str], name: str, default: int, low: int, high: int | None) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _InvalidError(name)
    if int(text) < low or (high is not None and int(text) > high):
        raise _InvalidError(name)
    return int(text)


def _instant(name: str, text: str) -> datetime:
    """A time of a query; one without an offset is the site's."""
    try:
        # A plus sign in a query is a blank.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise _InvalidError(name) from error
    return at if at.tzinfo else at.replace(tzinfo=SITE_ZONE)


def _matching(every: Sequence[Article], asked: _Asked) -> list[Article]:
    found = [
        article
        for article in every
        if all(_BOUNDS[name](article, at) for name, at in asked.bounds)
        and (not asked.include or article.post_id in asked.include)
        and (not asked.slugs or article.slug in asked.slugs)
    ]
    found.sort(key=lambda article: article.post_id)
    return sorted(found, key=_ORDERS[asked.orderby], reverse=asked.order == "desc")


def _links(query: str, page: int, pages: int, base_url: str) -> str:
    others = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "page"]

    def link(number: int, rel: str) -> str:
        target = f"{base_url}{POSTS[1:]}?{urlencode([*others, ('page', str(number))])}"
        return f'<{target}>; rel="{rel}"'

    before = [link(min(page - 1, pages), "prev")] if page > 1 and pages else []
    behind = [link(page + 1, "next")] if page < pages else []
    return ", ".join([*before, *behind])


def _trimmed(post: dict[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The post with what was asked for: `_embed` and `_fields`, which leaves out whatever it does not name."""
    wanted = _items(given, "_embed")
    if "_embed" not in given:
        post = {name: value for name, value in post.items() if name != "_embedded"}
    elif wanted and not {"1", "true"} & set(wanted):
        post = post | {"_embedded": {k: v for k, v in post["_embedded"].items() if k in wanted}}
    fields = _items(given, "_fields")
    if not fields:
        return post
    kept: dict[str, Any] = {}
    for name in fields:
        outer, _, inner = name.partition(".")
        value = post.get(outer)
        if inner and isinstance(value, dict):
            if inner in value:
                kept.setdefault(outer, {})[inner] = value[inner]
        elif outer in post:
            kept[outer] = value
    return kept


def _error(status: int, code: str, message: str, **data: object) -> Reply:
    return Reply(status, {"code": code, "message": message, "data": {"status": status, **data}})


PATH: Final = "/feed/"
PER_PAGE: Final = 10

_NAMESPACES: Final = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)


def render_feed(shelf: Shelf, page: int, base_url: str, *, excerpts_only: bool = False) -> str | None:
    """Page `page` of the feed, from 1; None past its end.

    With `excerpts_only` the element for the whole text holds the excerpt, as a feed plugin can leave it.
    """
    shown = shelf.listed[PER_PAGE * (page - 1) :][:PER_PAGE]
    if page > 1 and not shown:
        return None
    built = max((article.modified_at for article in shown), default=None)
    items = "".join(_item(article, base_url, excerpts_only=excerpts_only) for article in shown)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" {_NAMESPACES}>\n<channel>\n'
        f"<title>{SITE_NAME}</title>\n"
        f'<atom:link href="{base_url}feed/" rel="self" type="application/rss+xml" />\n'
        f"<link>{base_url}</link>\n<description>A demo site</description>\n"
        f"{f'<lastBuildDate>{_utc(built)}</lastBuildDate>' if built else ''}\n<language>en-US</language>\n"
        f"{items}</channel>\n</rss>\n"
    )


def _item(article: Article, base_url: str, *, excerpts_only: bool) -> str:
    excerpt = excerpt_text(article, "[&#8230;]")
    body = f"<p>{excerpt}</p>\n" if excerpts_only else body_html(article, base_url)
    return (
        f"<item>\n<title>{escape(article.title, quote=False)}</title>\n"
        f"<link>{base_url}{article.slug}/</link>\n"
        f"<dc:creator>{_cdata(article.author)}</dc:creator>\n"
        f"<pubDate>{_utc(article.published_at)}</pubDate>\n"
        f"<category>{_cdata(category_name(article))}</category>\n"
        f'<guid isPermaLink="false">{base_url}?p={article.post_id}</guid>\n'
        f"<description>{_cdata(excerpt)}</description>\n"
        f"<content:encoded>{_cdata(body)}</content:encoded>\n</item>\n"
    )


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]&gt;')}]]>"


def _utc(at: datetime) -> str:
    # WordPress writes +0000 and not GMT.
    return format_datetime(at.astimezone(UTC))
