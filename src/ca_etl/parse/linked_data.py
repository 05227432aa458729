"""Parser of a page's JSON-LD, as lenient as search engines, and selection of the node that describes its article."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from ca_etl.parse.item_validation import html_to_text, time_rejects, to_valid_text
from ca_etl.parse.lines import collapse_spaces, parse_instant
from ca_etl.parse.links import bare_address, is_address
from ca_etl.parse.page import Article, Reject
from ca_etl.records import RejectReason

Node = Mapping[str, Any]
_ARTICLE_TYPES: Final = ("Article", "BlogPosting")
# schema.org's types of pages that list; SEO plugins give og:type "article" to these as well.
_LIST_TYPES: Final = frozenset({"CollectionPage", "SearchResultsPage", "ProfilePage"})
# SEO plugins write one script; a page of thousands is no article.
_MAX_SCRIPTS: Final = 20
_MAX_NODES: Final = 1_000
# What pages leave around JSON or between its parts, and search engines accept; strings match first and are kept.
_AROUND_JSON: Final = re.compile(
    r'("(?:[^"\\]|\\.)*")|/\*[^*]{0,500}\*/|//|<!--|-->|<!\[CDATA\[|\]\]>|,(?=\s{0,200}[}\]])', re.DOTALL
)
_QUOTES: Final = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


class LinkedArticle(NamedTuple):
    """The article that a page describes in JSON-LD, and the rejects of its unreadable times.

    `is_own` is True where the description states the page's own address.
    """

    article: Article = Article()
    rejects: tuple[Reject, ...] = ()
    is_own: bool = False


class LinkedData(NamedTuple):
    """The JSON-LD nodes of a page, and a reject for each script that could not be read to its end."""

    nodes: Sequence[Node]
    rejects: Sequence[Reject]

    @classmethod
    def of(cls, scripts: Sequence[str]) -> LinkedData:
        """Parse the JSON-LD scripts of a page, as leniently as search engines do.

        Comment marks and CDATA around the JSON, a semicolon after it, a comma before a closing bracket, line ends
        within strings, and several values in one script are accepted.
        """
        nodes: list[Node] = []
        rejects: list[Reject] = []
        for script in scripts[:_MAX_SCRIPTS]:
            try:
                for value in _values(script):
                    nodes += _nodes(value)
            except (ValueError, RecursionError) as error:
                why = f"the JSON-LD of the page: {error}"[:300]
                rejects.append(Reject.of(RejectReason.BAD_JSON, why, to_valid_text(script[:400])))
        return cls(nodes[:_MAX_NODES], rejects)

    @property
    def is_list(self) -> bool:
        """Whether the page's JSON-LD states a type of pages that list articles (`CollectionPage` and others)."""
        return any(_LIST_TYPES.intersection(_types(node)) for node in self.nodes)

    def article(self, addresses: AbstractSet[str], title: str | None = None) -> LinkedArticle | None:
        """The article of a page in its JSON-LD: that with the page's address, else with its `title`, else the only one.

        None where no node describes the page's article. `addresses` are those of the page, as `links.bare_address`
        returns them. An article that states only other addresses is not the page's, unless `addresses` is empty.
        """
        articles = [(node, _addresses(node)) for node in self.nodes if _is_article(node)]
        own = [node for node, stated in articles if stated & addresses]
        free = [node for node, stated in articles if not stated or not addresses]
        named = [node for node in free if title and is_same_title(_text(node.get("headline")) or "", title)]
        matches = own[:1] or named[:1] or (free if len(free) == 1 else [])
        return _linked(matches[0], self.nodes)._replace(is_own=bool(own)) if matches else None


def is_same_title(shown: str, name: str) -> bool:
    """Whether two titles are equal, or one is the other plus a suffix ("Title - Site"); case and quotes are ignored."""
    folded = (collapse_spaces(title).translate(_QUOTES).casefold() for title in (shown, name))
    short, long = sorted(folded, key=len)
    return bool(short) and long.startswith(short) and not long[len(short) : len(short) + 1].isalnum()


def _values(script: str) -> Iterator[Any]:
    """The JSON values of a script, one after the other. Raises ValueError or RecursionError at unreadable text."""
    decoder = json.JSONDecoder(strict=False)
    try:
        yield decoder.decode(script)
    except (ValueError, RecursionError):
        text = _AROUND_JSON.sub(r"\1", script).strip(" \t\r\n;\ufeff")
        for _ in range(_MAX_NODES if text else 0):
            value, end = decoder.raw_decode(text)
            yield value
            text = text[end:].lstrip(" \t\r\n;")
            if not text:
                break


def _nodes(value: object) -> Iterator[Node]:
    """The JSON-LD nodes in one value: the items of a list, of `@graph`, and the `mainEntity` of a page."""
    for item in _list(value):
        if isinstance(item, dict):
            inner = [*_list(item.get("@graph")), item, item.get("mainEntity")]
            yield from (node for node in inner if isinstance(node, dict))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value[:_MAX_NODES] if isinstance(value, list) else [value]


def _types(node: Node) -> list[str]:
    return [kind for kind in _list(node.get("@type")) if isinstance(kind, str)]


def _is_article(node: Node) -> bool:
    return any(kind.endswith(_ARTICLE_TYPES) for kind in _types(node))


def _addresses(node: Node) -> set[str]:
    page = node.get("mainEntityOfPage")
    stated = (node.get("url"), page.get("@id") if isinstance(page, dict) else page, node.get("@id"))
    return {bare_address(url[:2000]) for url in stated if isinstance(url, str) and url.startswith("http")}


def _linked(node: Node, nodes: Sequence[Node]) -> LinkedArticle:
    names = [name for item in _list(node.get("author")) if (name := _name(item, nodes)) is not None]
    keywords = node.get("keywords")
    terms = keywords.split(",", _MAX_NODES) if isinstance(keywords, str) else _list(keywords)
    categories = map(_text, [*_list(node.get("articleSection")), *terms])
    stated = {name: node.get(name) for name in ("datePublished", "dateModified")}
    times = [*map(parse_instant, stated.values())]
    unread = map(time_rejects, stated, stated.values(), times)
    article = Article(
        title=_text(node.get("headline")) or _text(node.get("name")),
        text=_text(node.get("articleBody")),
        author=", ".join(names) or None,
        published_at=times[0],
        modified_at=times[1],
        categories=tuple(dict.fromkeys(filter(None, categories))),
    )
    return LinkedArticle(article, tuple(reject for rejects in unread for reject in rejects))


def _name(author: object, nodes: Sequence[Node]) -> str | None:
    """The name of an author, given directly or as the `@id` of another node; None for an address or no name."""
    if not isinstance(author, dict):
        name = _text(author)
    elif (name := _text(author.get("name"))) is None and (number := author.get("@id")) is not None:
        meant = (_text(node.get("name")) for node in nodes if node.get("@id") == number)
        name = next(filter(None, meant), None)
    return None if name is None or is_address(name) else name


def _text(value: object) -> str | None:
    return html_to_text(to_valid_text(value)) if isinstance(value, str) else None
