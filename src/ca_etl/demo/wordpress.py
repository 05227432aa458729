"""What WordPress makes of an article for machines: HTML with entities, numbers of authors and terms, local times."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from ca_etl.demo.content import SITE_ZONE, Article
from ca_etl.demo.posts import Shelf
from ca_etl.demo.prose import prose
from ca_etl.demo.render import content_html
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
