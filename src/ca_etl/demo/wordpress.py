"""WordPress' posts API (`wp/v2/posts`) and RSS 2.0 feed (ten items a page) of the demo site's articles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from ca_etl.demo.content import SITE_ZONE, DemoArticle, prose, slugify
from ca_etl.demo.pages import SITE_NAME, content_html
from ca_etl.demo.posts import SiteSnapshot

ROOT: Final = "/wp-json"
POSTS: Final = f"{ROOT}/wp/v2/posts"
FEED: Final = "/feed/"
FEED_ITEMS: Final = 10

# WordPress counts words, not characters, for an excerpt that no editor wrote.
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
_MESSAGES: Final = {
    401: ("rest_not_logged_in", "You are not currently logged in."),
    403: ("rest_forbidden", "Sorry, you are not allowed to do that."),
    404: ("rest_no_route", "No route was found matching the URL and request method."),
}
_NAMESPACES: Final = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom"'
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response of the demo site's posts API: HTTP status, the value to send as JSON, and the API's own headers."""

    status: int
    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _instant(text: str) -> datetime:
    """Parse an ISO 8601 time in a query; without an offset it is in the site's zone."""
    # A plus sign in a query is a space.
    at = datetime.fromisoformat(text.replace(" ", "+"))
    return at if at.tzinfo else at.replace(tzinfo=SITE_ZONE)


Instant = Annotated[datetime | None, BeforeValidator(_instant)]


class PostsQuery(BaseModel):
    """The validated parameters of a query to the demo site's posts API; the first invalid one is reported."""

    after: Instant = None
    before: Instant = None
    modified_after: Instant = None
    modified_before: Instant = None
    order: Literal["asc", "desc"] = "desc"
    orderby: Literal["date", "id", "modified"] = "date"
    per_page: int = Field(10, ge=1, le=100)
    page: int = Field(1, ge=1)
    offset: int | None = Field(None, ge=0)
    include: Annotated[frozenset[int], BeforeValidator(_items)] = frozenset()
    slug: Annotated[frozenset[str], BeforeValidator(_items)] = frozenset()

    def matches(self, article: DemoArticle) -> bool:
        """Whether a demo article matches the filters of a query to the posts API; time bounds are excluded."""
        published, modified = article.published_at, article.modified_at
        return (
            (self.after is None or published > self.after)
            and (self.before is None or published < self.before)
            and (self.modified_after is None or modified > self.modified_after)
            and (self.modified_before is None or modified < self.modified_before)
            and (not self.include or article.post_id in self.include)
            and (not self.slug or article.slug in self.slug)
        )

    def sort_key(self, article: DemoArticle) -> datetime | int:
        """The value of a demo article by which a query to the posts API sorts: a time, or the post id."""
        match self.orderby:
            case "id":
                return article.post_id
            case "modified":
                return article.modified_at
        return article.published_at


def refusal(status: int) -> Reply:
    """The error response of a posts API that refuses every request with the HTTP status `status`."""
    code, message = _MESSAGES.get(status, ("rest_error", "The request cannot be answered."))
    return _error(status, code, message)


def reply(path: str, query: str, snapshot: SiteSnapshot, base_url: str) -> Reply:
    """The response of the demo site's REST API to a GET of `path`, which starts with `/wp-json`, with `query`."""
    parameters = _parameters(query)
    if path.rstrip("/") == ROOT:
        return Reply(200, _index(base_url))
    if path.rstrip("/") == POSTS:
        return _collection(parameters, query, snapshot, base_url)
    number = path.removeprefix(f"{POSTS}/").rstrip("/")
    if path.startswith(f"{POSTS}/") and number.isascii() and number.isdigit():
        return _single(int(number), parameters, snapshot, base_url)
    return refusal(404)


def _parameters(query: str) -> dict[str, str]:
    """Parse a query string; a list parameter (`include[]=1`) gets its values joined by commas."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        bare = name.partition("[")[0]
        is_further = bare != name and bare in parameters
        parameters[bare] = f"{parameters[bare]},{value}" if is_further else value
    return parameters


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


def _single(number: int, parameters: Mapping[str, str], snapshot: SiteSnapshot, base_url: str) -> Reply:
    if any(article.post_id == number for article in snapshot.unreadable):
        return _error(401, "rest_forbidden", "Sorry, you are not allowed to do that.")
    article = snapshot.by_id.get(number)
    if article is None:
        return _error(404, "rest_post_invalid_id", "Invalid post ID.")
    return Reply(200, _trimmed(post_json(article, snapshot, base_url), parameters))


def _collection(parameters: Mapping[str, str], query: str, snapshot: SiteSnapshot, base_url: str) -> Reply:
    try:
        wanted = PostsQuery.model_validate(parameters)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        return _error(400, "rest_invalid_param", f"Invalid parameter(s): {name}", params=[name])
    posts = [article for article in (*snapshot.listed, *snapshot.unreadable) if wanted.matches(article)]
    posts.sort(key=lambda article: article.post_id)
    posts.sort(key=wanted.sort_key, reverse=wanted.order == "desc")
    pages = -(-len(posts) // wanted.per_page)
    if wanted.offset is None and wanted.page > pages and posts:
        return _error(
            400,
            "rest_post_invalid_page_number",
            "The page number requested is larger than the number of pages available.",
        )
    start = wanted.per_page * (wanted.page - 1) if wanted.offset is None else wanted.offset
    shown = [post for post in posts[start : start + wanted.per_page] if post not in snapshot.unreadable]
    headers = {"X-WP-Total": str(len(posts)), "X-WP-TotalPages": str(pages)}
    if links := _links(query, wanted.page, pages, base_url):
        headers["Link"] = links
    return Reply(200, [_trimmed(post_json(post, snapshot, base_url), parameters) for post in shown], headers)


def _links(query: str, page: int, pages: int, base_url: str) -> str:
    others = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "page"]
    numbers = {}
    if page > 1 and pages:
        numbers["prev"] = min(page - 1, pages)
    if page < pages:
        numbers["next"] = page + 1
    return ", ".join(
        f'<{base_url}{POSTS[1:]}?{urlencode([*others, ("page", str(number))])}>; rel="{rel}"'
        for rel, number in numbers.items()
    )


def _trimmed(post: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Reduce a post to what the parameters `_embed` and `_fields` request; without `_fields` all fields stay."""
    wanted = _items(parameters.get("_embed", ""))
    if "_embed" not in parameters:
        post = {name: value for name, value in post.items() if name != "_embedded"}
    elif wanted and not {"1", "true"} & set(wanted):
        post = post | {"_embedded": {k: v for k, v in post["_embedded"].items() if k in wanted}}
    fields = _items(parameters.get("_fields", ""))
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


def title_html(article: DemoArticle) -> str:
    """The title of a demo article as HTML, with typographic characters as entities."""
    return escape(article.title, quote=False).translate(_ENTITIES)


def body_html(article: DemoArticle, base_url: str) -> str:
    """The whole text of a demo article as HTML, with typographic characters as entities."""
    return content_html(article, base_url).translate(_ENTITIES)


def excerpt_text(article: DemoArticle, ellipsis: str) -> str:
    """The excerpt of a demo article: its first `EXCERPT_WORDS` words, with `ellipsis` where more follow."""
    words = " ".join(article.paragraphs).split()
    cut = f" {ellipsis}" if len(words) > EXCERPT_WORDS else ""
    return escape(" ".join(words[:EXCERPT_WORDS]), quote=False).translate(_ENTITIES) + cut


def category_name(article: DemoArticle) -> str:
    """The display name of a demo article's category."""
    return prose().categories.get(article.category, article.category)


def post_json(article: DemoArticle, snapshot: SiteSnapshot, base_url: str) -> dict[str, Any]:
    """A demo article as the posts API gives it: a JSON object of `wp/v2/posts`, with links and embedded objects."""
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
            "author": [_embedded_author(article, snapshot, base_url)],
            "wp:term": [[_embedded_category(article, term, base_url)], []],
        },
    }


def _author_id(article: DemoArticle) -> int:
    known = prose().authors
    return 2 + (known.index(article.author) if article.author in known else len(known))


def _category_id(article: DemoArticle) -> int:
    known = list(prose().categories)
    return _FIRST_TERM + (known.index(article.category) if article.category in known else len(known))


def _embedded_author(article: DemoArticle, snapshot: SiteSnapshot, base_url: str) -> dict[str, Any]:
    if article.author in snapshot.hidden_authors:
        return {"code": "rest_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 404}}
    slug = slugify(article.author)
    return {
        "id": _author_id(article),
        "name": escape(article.author),
        "slug": slug,
        "link": f"{base_url}author/{slug}/",
    }


def _embedded_category(article: DemoArticle, number: int, base_url: str) -> dict[str, Any]:
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


def render_feed(
    snapshot: SiteSnapshot, page: int, base_url: str, *, excerpts_only: bool = False
) -> str | None:
    """Render page number `page` (from 1) of the demo site's RSS feed; None after the last page.

    With `excerpts_only` `content:encoded` has only the excerpt, as some feed plugins make it.
    """
    shown = snapshot.listed[FEED_ITEMS * (page - 1) :][:FEED_ITEMS]
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


def _item(article: DemoArticle, base_url: str, *, excerpts_only: bool) -> str:
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
