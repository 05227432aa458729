"""What an article's own page says for machines: its JSON-LD, the canonical link and the short link.

JSON-LD goes before what the page shows for author and times, because it gives their offset and the whole name; the
title and the text are those that are shown. JSON-LD that is no JSON is passed over: pages of real sites have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from ca_etl.parse.cards import Cards
from ca_etl.parse.content import plain, well_formed
from ca_etl.parse.links import bare_address, resolve, slug_of
from ca_etl.parse.markup import Markup
from ca_etl.parse.page import Article
from ca_etl.parse.reading import instant
from ca_etl.records import site_name

_TYPES: Final = ("Article", "BlogPosting")
# Classes that WordPress gives to the body of a post's page, and of a page that it has not.
_SINGLE: Final = "single-post"
_NUMBERED: Final = "postid-"
_LOST: Final = "error404"
# SEO plugins write one script; a page of thousands is no article.
_MAX_SCRIPTS: Final = 20
_MAX_NODES: Final = 1_000
_SHORT_LINK: Final = re.compile(r"[?&]p=([0-9]{1,18})(?![0-9])")
_POST_NUMBER: Final = re.compile(r"post(?:id)?-([0-9]{1,18})")


class Linked(NamedTuple):
    """The article that a page's JSON-LD describes; `headline` is text, the times are UTC."""

    headline: str | None
    author: str | None
    published_at: datetime | None
    modified_at: datetime | None
    categories: tuple[str, ...]
    body: str | None


def linked_article(scripts: Sequence[str], urls: Iterable[str | None]) -> Linked | None:
    """The article that the JSON-LD in `scripts` says the page is; None where it says none.

    `urls` are the page's addresses: a node with an address of its own must have one of them.
    """
    nodes = [node for script in scripts[:_MAX_SCRIPTS] for node in _nodes(script)][:_MAX_NODES]
    own = {_bare(url) for url in urls if url}
    for node in nodes:
        if _is_article(node):
            told = {_bare(url) for url in _addresses(node)}
            if not told or not own or told & own:
                return _linked(node, nodes)
    return None


def is_proven(
    cards: Cards, linked: Linked | None, markup: Markup, url: str | None, *, has_ticker: bool
) -> bool:
    """Whether something of the page's own says that it is an article's, which an address and a heading do not.

    An error page stands at the address that was asked for, too. The signs: JSON-LD, `og:type`, the classes of the
    body, the number of a post, an author or a time at the title, a date line there on a page with the site's ticker,
    or a canonical link to the page's own address together with an `article` element.
    """
    classes = _body_classes(markup)
    if _LOST in classes:
        return False
    if linked is not None or _SINGLE in classes or cards.is_signed or (cards.is_dated and has_ticker):
        return True
    if markup.head_attribute('meta[property="og:type"]', "content") == "article":
        return True
    if _post_id(markup) is not None:
        return True
    own = canonical_url(markup, url)
    return own is not None and url is not None and _bare(own) == _bare(url) and bool(markup.find("article"))


def canonical_url(markup: Markup, url: str | None) -> str | None:
    """The canonical link, where it leads to the page's own site."""
    link = markup.head_attribute("link[rel~=canonical]", "href")
    found = resolve(url, link) if link else None
    if found is None or (url is not None and site_name(found) != site_name(url)):
        return None
    return found


def with_facts(article: Article, linked: Linked | None, markup: Markup, url: str | None) -> Article:
    """`article`, which the page shows, with what its head says; `markup` is that page, `url` its address."""
    told = linked or Linked(None, None, None, None, (), None)
    link = canonical_url(markup, url) or article.url
    section = markup.head_attribute('meta[property="article:section"]', "content")
    shown = (plain(well_formed(section)) or "",) if section else ()
    text = article.text or told.body
    return article._replace(
        title=article.title or told.headline,
        url=link,
        text=text,
        author=told.author or article.author,
        published_at=told.published_at or article.published_at or _meta_time(markup, "published"),
        modified_at=told.modified_at or article.modified_at or _meta_time(markup, "modified"),
        post_id=_post_id(markup),
        slug=slug_of(link),
        categories=told.categories or tuple(name for name in shown if name),
    )


def _nodes(script: str) -> list[Mapping[str, Any]]:
    """The top nodes of one script, those of `@graph` among them; none where it is no JSON."""
    try:
        value = json.loads(script, strict=False)
    except (ValueError, RecursionError):
        return []
    found: list[Mapping[str, Any]] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            graph = item.get("@graph")
            found.extend(node for node in _list(graph) if isinstance(node, dict))
            found.append(item)
    return found


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is_article(node: Mapping[str, Any]) -> bool:
    return any(isinstance(kind, str) and kind.endswith(_TYPES) for kind in _list(node.get("@type")))


def _addresses(node: Mapping[str, Any]) -> list[str]:
    page = node.get("mainEntityOfPage")
    told = (node.get("url"), page.get("@id") if isinstance(page, dict) else page, node.get("@id"))
    return [address for address in told if isinstance(address, str) and address.startswith("http")]


def _bare(url: str) -> str:
    return bare_address(url[:2000])


def _linked(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> Linked:
    names = [name for item in _list(node.get("author")) if (name := _name(item, nodes)) is not None]
    keywords = node.get("keywords")
    terms = [
        *_list(node.get("articleSection")),
        *(keywords.split(",") if isinstance(keywords, str) else _list(keywords)),
    ]
    named = [shown for term in terms if (shown := _text(term)) is not None]
    return Linked(
        headline=_text(node.get("headline")) or _text(node.get("name")),
        author=", ".join(names) or None,
        published_at=_time(node.get("datePublished")),
        modified_at=_time(node.get("dateModified")),
        categories=tuple(dict.fromkeys(named)),
        body=_text(node.get("articleBody")),
    )


def _name(author: object, nodes: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of an author, who may be only named by the `@id` of another node."""
    if not isinstance(author, dict):
        return _text(author)
    if (name := _text(author.get("name"))) is not None:
        return name
    number = author.get("@id")
    meant = (node for node in nodes if number is not None and node.get("@id") == number)
    return next((name for node in meant if (name := _text(node.get("name"))) is not None), None)


def _text(value: object) -> str | None:
    return plain(well_formed(value)) if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    return instant(value) if isinstance(value, str) else None


def _meta_time(markup: Markup, which: str) -> datetime | None:
    value = markup.head_attribute(f'meta[property="article:{which}_time"]', "content")
    return instant(value) if value else None


def _body_classes(markup: Markup) -> list[str]:
    return [] if markup.body is None else (markup.body.attributes.get("class") or "").split()


def _post_id(markup: Markup) -> int | None:
    """The post's number: of the short link, the body's class, or the article element around the title."""
    short = _SHORT_LINK.search(markup.head_attribute("link[rel=shortlink]", "href") or "")
    if short is not None:
        return int(short[1]) or None
    told = [name for name in _body_classes(markup) if name.startswith(_NUMBERED)]
    around = [node for node in markup.find("article[id]") if node.css_first("h1") is not None]
    told += [node.attributes.get("id") or "" for node in around[:1]]
    found = next((number for name in told if (number := _POST_NUMBER.fullmatch(name)) is not None), None)
    return (int(found[1]) or None) if found is not None else None
