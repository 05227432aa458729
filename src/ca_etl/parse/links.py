"""Addresses: of an article whatever the form of its page, of feeds and of the API."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

# Other forms of an article's page: a last segment after its slug, or a parameter.
_FORM: Final = re.compile(r"(?<=[^/])(?:/(?:amp|feed|print)){1,9}/{0,9}\Z")
_FORM_PARAMETERS: Final = frozenset({"amp", "noamp", "print", "outputtype"})
_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}:)?//|www\.|(?:[\w-]{1,60}\.){1,4}[a-z]{2,10}/|[^\s@]{1,80}@[^\s@]{1,80}$",
    re.IGNORECASE,
)


def article_address(url: str) -> str:
    """The address of the article whose page, AMP page, print view or comment feed is at `url`.

    >>> article_address("https://timesca.com/a-baker/amp/?utm_source=x&amp=1")
    'https://timesca.com/a-baker/?utm_source=x'
    """
    try:
        address = urlsplit(url)
    except ValueError:
        return url
    path = _FORM.sub("/", address.path)
    pairs = address.query.split("&")
    query = "&".join(pair for pair in pairs if pair.partition("=")[0].lower() not in _FORM_PARAMETERS)
    if path == address.path and query == address.query:
        return url
    return urlunsplit(address._replace(path=path, query=query))


def bare_address(url: str) -> str:
    """The address of an article, whatever form of its page, without scheme, `www.`, query, fragment and last slash."""
    address = article_address(url).partition("#")[0].partition("?")[0].rstrip("/")
    return address.removeprefix("https://").removeprefix("http://").removeprefix("www.")


def is_address(name: str) -> bool:
    """Whether what is given as a name is a web or mail address."""
    return _ADDRESS.match(name) is not None


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
