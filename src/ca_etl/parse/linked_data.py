"""The JSON-LD of a page: read as leniently as search engines do, and searched for the node of one article."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ca_etl.parse.clean import squeeze
from ca_etl.parse.content import plain, well_formed
from ca_etl.parse.dates import instant
from ca_etl.parse.doubts import unread_time
from ca_etl.parse.links import bare_address
from ca_etl.parse.page import Reject
from ca_etl.records import RejectReason

_ARTICLE_TYPES: Final = ("Article", "BlogPosting")
# schema.org's types of pages that list; SEO plugins give og:type "article" to these as well.
_LIST_TYPES: Final = frozenset({"CollectionPage", "SearchResultsPage", "ProfilePage"})
# SEO plugins write one script; a page of thousands is no article.
_MAX_SCRIPTS: Final = 20
_MAX_NODES: Final = 1_000
# What pages leave around JSON or between its parts and search engines forgive; strings match first and are kept.
_AROUND_JSON: Final = re.compile(
    r'("(?:[^"\\]|\\.)*")|/\*[^*]{0,500}\*/|//|<!--|-->|<!\[CDATA\[|\]\]>|,(?=\s{0,200}[}\]])', re.DOTALL
)
_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}:)?//|www\.|(?:[\w-]{1,60}\.){1,4}[a-z]{2,10}/|[^\s@]{1,80}@[^\s@]{1,80}$",
    re.IGNORECASE,
)
_QUOTES: Final = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


class LinkedArticle(NamedTuple):
    """The article that a node describes, as far as it does; times are UTC, `rejects` are those that are none."""

    headline: str | None = None
    author: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
    categories: tuple[str, ...] = ()
    body: str | None = None
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkedData:
    """The nodes of a page's JSON-LD, and a reject for each script that could not be read to its end."""

    nodes: tuple[Mapping[str, Any], ...]
    rejects: tuple[Reject, ...]

    @classmethod
    def of(cls, scripts: Sequence[str]) -> LinkedData:
        """Read scripts as search engines do.

        Comment marks and CDATA around the JSON, a semicolon after it, a comma before a closing bracket and line ends
        within strings are no errors, nor are several values in one script.
        """
        nodes: list[Mapping[str, Any]] = []
        rejects: list[Reject] = []
        for script in scripts[:_MAX_SCRIPTS]:
            values, problem = _values(script)
            nodes += [node for value in values for node in _nodes(value)]
            if problem is not None:
                why = f"the JSON-LD of the page: {problem}"[:300]
                rejects.append(Reject.of(RejectReason.BAD_JSON, why, well_formed(script[:400])))
        return cls(tuple(nodes[:_MAX_NODES]), tuple(rejects))

    @property
    def is_list(self) -> bool:
        """Whether a node states that the page lists articles."""
        return any(_LIST_TYPES.intersection(_types(node)) for node in self.nodes)

    def has_article_at(self, addresses: Iterable[str]) -> bool:
        """Whether a node is the article of one of the addresses."""
        return any(_is_article(node) and share_address(_addresses(node), addresses) for node in self.nodes)

    def article(self, addresses: Iterable[str], title: str | None = None) -> LinkedArticle | None:
        """The article that the page is: by address, else by `title`, else the only one without an address.

        A node whose address is none of `addresses` is another page's, unless the page has none.
        """
        articles = [node for node in self.nodes if _is_article(node)]
        own = [node for node in articles if share_address(_addresses(node), addresses)]
        free = [node for node in articles if not _addresses(node) or not addresses]
        named = [node for node in free if title and is_same_title(_text(node.get("headline")) or "", title)]
        matches = own[:1] or named[:1] or (free if len(free) == 1 else [])
        return _linked(matches[0], self.nodes) if matches else None


def share_address(addresses: Iterable[str], others: Iterable[str]) -> bool:
    """Whether one of the addresses is one of the others, whatever its scheme, parameters or form of the page."""
    return not {bare_address(url[:2000]) for url in addresses}.isdisjoint(bare_address(url) for url in others)


def is_same_title(shown: str, name: str) -> bool:
    """Whether two titles are one, or one is the other with more after a separator ("Title - Site")."""
    short, long = sorted((_folded(shown), _folded(name)), key=len)
    return bool(short) and long.startswith(short) and not long[len(short) : len(short) + 1].isalnum()


def is_address(name: str) -> bool:
    """Whether what is given as a name is a web or mail address."""
    return _ADDRESS.match(name) is not None


def _folded(title: str) -> str:
    return squeeze(title).translate(_QUOTES).casefold()


def _values(script: str) -> tuple[list[Any], str | None]:
    """The JSON values of a script, and why it could not be read to its end."""
    decoder = json.JSONDecoder(strict=False)
    try:
        return [decoder.decode(script)], None
    except (ValueError, RecursionError):
        text = _AROUND_JSON.sub(r"\1", script).strip(" \t\r\n;\ufeff")
    values: list[Any] = []
    while text and len(values) < _MAX_NODES:
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError) as error:
            return values, str(error)
        values.append(value)
        text = text[end:].lstrip(" \t\r\n;")
    return values, None


def _nodes(value: object) -> Iterator[Mapping[str, Any]]:
    """The nodes of one value: of a list each, those of `@graph`, and the main entity of a page."""
    for item in _list(value):
        if isinstance(item, dict):
            inner = [*_list(item.get("@graph")), item, item.get("mainEntity")]
            yield from (node for node in inner if isinstance(node, dict))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _types(node: Mapping[str, Any]) -> list[str]:
    return [kind for kind in _list(node.get("@type")) if isinstance(kind, str)]


def _is_article(node: Mapping[str, Any]) -> bool:
    return any(kind.endswith(_ARTICLE_TYPES) for kind in _types(node))


def _addresses(node: Mapping[str, Any]) -> list[str]:
    page = node.get("mainEntityOfPage")
    stated = (node.get("url"), page.get("@id") if isinstance(page, dict) else page, node.get("@id"))
    return [address for address in stated if isinstance(address, str) and address.startswith("http")]


def _linked(node: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> LinkedArticle:
    names = [name for item in _list(node.get("author")) if (name := _name(item, nodes)) is not None]
    keywords = node.get("keywords")
    terms = [
        *_list(node.get("articleSection")),
        *(keywords.split(",") if isinstance(keywords, str) else _list(keywords)),
    ]
    times = {name: _time(node.get(name)) for name in ("datePublished", "dateModified")}
    return LinkedArticle(
        headline=_text(node.get("headline")) or _text(node.get("name")),
        author=", ".join(names) or None,
        published_at=times["datePublished"],
        modified_at=times["dateModified"],
        categories=tuple(dict.fromkeys(shown for term in terms if (shown := _text(term)) is not None)),
        body=_text(node.get("articleBody")),
        rejects=tuple(
            reject for name, at in times.items() for reject in unread_time(name, node.get(name), at)
        ),
    )


def _name(author: object, nodes: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of an author, who may be only named by the `@id` of another node; an address is not a name."""
    if not isinstance(author, dict):
        name = _text(author)
    elif (name := _text(author.get("name"))) is None and (number := author.get("@id")) is not None:
        meant = (_text(node.get("name")) for node in nodes if node.get("@id") == number)
        name = next(filter(None, meant), None)
    return None if name is None or is_address(name) else name


def _text(value: object) -> str | None:
    return plain(well_formed(value)) if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    return instant(value) if isinstance(value, str) else None
