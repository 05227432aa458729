"""Links of a page: which are followed to articles, and where they lead."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborNode

# First path segments that lead to another list of the site.
_LISTS: Final = frozenset({"author", "our-people", "category", "tag", "page", "feed", "latest", "wp-admin"})

# Other forms of an article's page: a last segment after its slug, or a parameter.
_FORMS: Final = frozenset({"amp", "feed", "print"})
_FORM_PARAMETERS: Final = frozenset({"amp", "noamp", "print", "outputtype"})


def article_address(url: str) -> str:
    """The address of the article whose page, AMP page, print view or comment feed is at `url`.

    >>> article_address("https://timesca.com/a-baker/amp/?utm_source=x&amp=1")
    'https://timesca.com/a-baker/?utm_source=x'
    """
    try:
        address = urlsplit(url)
    except ValueError:
        return url
    parts = address.path.rstrip("/").split("/")
    kept = len(parts)
    while kept > 2 and parts[kept - 1] in _FORMS:
        kept -= 1
    pairs = address.query.split("&")
    query = "&".join(pair for pair in pairs if pair.partition("=")[0].lower() not in _FORM_PARAMETERS)
    if kept == len(parts) and query == address.query:
        return url
    path = address.path if kept == len(parts) else "/".join([*parts[:kept], ""])
    return urlunsplit(address._replace(path=path, query=query))


def bare_address(url: str) -> str:
    """The address of an article, whatever form of its page, without scheme, `www.`, query, fragment and last slash."""
    return re.sub(r"^https?://(?:www\.)?|[?#].*$", "", article_address(url), flags=re.DOTALL).rstrip("/")


def path_parts(url: str) -> list[str]:
    """The segments of the path of `url`; none where it has none or cannot be split."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return []
    return [part for part in path.split("/") if part]


def is_api(url: str | None) -> bool:
    """Whether `url` asks WordPress for JSON: below `/wp-json/`, or with `rest_route` on the front page."""
    if not url:
        return False
    parts = path_parts(url)
    return "wp-json" in parts[:2] or ("rest_route=" in url and not parts)


def is_feed(url: str | None) -> bool:
    """Whether `url` is a feed's: its path is `/feed/` or ends so."""
    return bool(url) and path_parts(url or "")[-1:] == ["feed"]


def slug_of(url: str | None) -> str | None:
    """The last segment of the path, which names an article; None without one."""
    parts = path_parts(url) if url else []
    return parts[-1] if parts else None


def resolve(base: str | None, link: str) -> str | None:
    """`link` as an absolute http(s) URL without its fragment; None where it is none."""
    link = link.strip()
    try:
        joined = link if link.startswith(("https://", "http://")) else urljoin(base or "", link)
        parts = urlsplit(joined)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return joined.partition("#")[0]


def article_link(heading: LexborNode) -> str | None:
    """The link in a heading or around it, as written, when it can lead to an article.

    Not: a link within the page, to another scheme, to the home page or to another list.
    """
    link = _anchor_in(heading) or _anchor_around(heading)
    href = "" if link is None else (link.attributes.get("href") or "").strip()
    if not href or href.startswith("#"):
        return None
    scheme = href.partition(":")[0].lower() if ":" in href.partition("/")[0] else "http"
    if scheme not in {"http", "https"}:
        return None
    parts = path_parts(href)
    return href if parts and parts[0] not in _LISTS else None


def _anchor_in(heading: LexborNode) -> LexborNode | None:
    # Nearly every title is its link and nothing else, which is seen without a search.
    child = heading.first_child
    if child is None:
        return None
    if child.tag == "a" and child.attributes.get("href") is not None:
        return child
    if child.is_text_node and child.next is None:
        return None
    return heading.css_first("a[href]")


def _anchor_around(heading: LexborNode) -> LexborNode | None:
    node = heading.parent
    for _ in range(3):
        if node is None or node.tag == "a":
            return node
        node = node.parent
    return None
