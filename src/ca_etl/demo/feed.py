"""The demo site's feed: RSS 2.0 as WordPress writes it, ten articles a page, the whole text in each."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Final

from ca_etl.demo.content import Article
from ca_etl.demo.posts import Shelf
from ca_etl.demo.render import SITE_NAME
from ca_etl.demo.wordpress import body_html, category_name, excerpt_text

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
