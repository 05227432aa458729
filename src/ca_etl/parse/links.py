"""URLs and slugs: normalized article addresses, recognition of feed and API addresses, slugs of titles and URLs."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes, urljoin, urlsplit, urlunsplit

# Other forms of an article's page: a last segment after its slug, or a parameter.
_FORM: Final = re.compile(r"(?<=[^/])(?:/(?:amp|feed|print)){1,9}/{0,9}\Z")
_FORM_PARAMETERS: Final = frozenset({"amp", "noamp", "print", "outputtype"})
_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}:)?//|www\.|(?:[\w-]{1,60}\.){1,4}[a-z]{2,10}/|[^\s@]{1,80}@[^\s@]{1,80}$",
    re.IGNORECASE,
)

_HOST: Final = re.compile(r"\A[a-z]+:/*[^/]*", re.IGNORECASE)
_FILE_ENDINGS: Final = (".html", ".htm", "/index.php")
# No octet of a control character: no slug has one, and clients read a NUL in a name in different ways.
_ENCODED: Final = re.compile(r"(?:[^%]|%[2-9a-f][0-9a-f])*", re.IGNORECASE)

SLUG_CHARS: Final = 200
_PLAIN_SLUG: Final = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*")
# Letters that Unicode does not decompose into a Latin letter and a mark, and all of ASCII that is no letter.
_LATIN: Final = (
    dict.fromkeys(code for code in range(128) if not chr(code).isalnum() and chr(code) != "_")
    | dict.fromkeys(map(ord, " \t\n\v\f\r\x1c\x1d\x1e\x1f./-"), "-")
    | str.maketrans("øłđð\u0131ħŧß", "olddihts")
    | {ord("æ"): "ae", ord("œ"): "oe"}
)
# All spaces, and all dashes of Unicode (category Pd).
_SEPARATOR: Final = (
    r"\s./\-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    r"\ufe31\ufe32\ufe58\ufe63\uff0d\U00010d6e\U00010ead"
)
_SEPARATORS: Final = re.compile(f"[{_SEPARATOR}]+")
_SIGNS: Final = re.compile(rf"[^\w{_SEPARATOR}]+")


# Several fields of a page give one address, and one page after another shows it; so too below.
@lru_cache(maxsize=1_024)
def article_address(url: str) -> str:
    """Normalize the address of an article: also of its AMP page, print view or comment feed, to that of its page.

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
    """The address of an article for comparison: normalized, without scheme, `www.`, query, fragment and last slash."""
    address = article_address(url).partition("#")[0].partition("?")[0].rstrip("/")
    return address.removeprefix("https://").removeprefix("http://").removeprefix("www.")


def is_address(name: str) -> bool:
    """Whether a text found where a person's name is expected is a web or mail address."""
    return _ADDRESS.match(name) is not None


def path_parts(url: str) -> list[str]:
    """The path segments of `url`; an empty list where it has no path or is malformed."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return []
    return [part for part in path.split("/") if part]


def is_api(url: str | None) -> bool:
    """Whether `url` is an address of WordPress' REST API: below `/wp-json/`, or the front page with `rest_route`."""
    if not url:
        return False
    parts = path_parts(url)
    return "wp-json" in parts[:2] or ("rest_route=" in url and not parts)


def is_feed(url: str | None) -> bool:
    """Whether `url` is the address of a feed: its path ends in `/feed/`."""
    return bool(url) and path_parts(url or "")[-1:] == ["feed"]


@lru_cache(maxsize=1_024)
def url_slug(url: str) -> str | None:
    """The slug in the address of an article: the last segment of its path, decoded, without `.html`.

    None where nothing is left, as of the path `/index.php`.

    >>> url_slug("https://timesca.com/2025/12/a-dated-road.html?utm=x#top")
    'a-dated-road'
    >>> url_slug("https://timesca.com/index.php?id=7")
    """
    path = _HOST.sub("", url.partition("#")[0].partition("?")[0]).rstrip("/")
    for ending in _FILE_ENDINGS:
        if path.endswith(ending):
            path = path.removesuffix(ending)
            break
    segment = path.rpartition("/")[2]
    if "%" in segment and _ENCODED.fullmatch(segment):
        with suppress(UnicodeDecodeError):
            segment = unquote_to_bytes(segment).decode()
    return title_slug(segment) if segment else None


@lru_cache(maxsize=1_024)
def title_slug(title: str) -> str:
    """The slug that WordPress makes of a title (`sanitize_title` in wp-includes/formatting.php).

    Accents are removed as by `remove_accents`, here in every script ("й" is "и"). Spaces, dashes, full stops and
    slashes become hyphens and other punctuation is removed, as by `sanitize_title_with_dashes`. A title that has no
    letters is its own slug.

    >>> title_slug("U.S. - Uzbek Talks: What's Next?")
    'u-s-uzbek-talks-whats-next'
    """
    if len(title) <= SLUG_CHARS and _PLAIN_SLUG.fullmatch(title):
        return title
    letters = unicodedata.normalize("NFD", title.lower()).translate(_LATIN)
    if not letters.isascii():
        # An accent is a sign of its own by now, and dropped with the others.
        letters = unicodedata.normalize("NFC", _SEPARATORS.sub("-", _SIGNS.sub("", letters)))
    slug = "-".join(filter(None, letters.split("-")))[:SLUG_CHARS].strip("-")
    return slug or title


@lru_cache(maxsize=1_024)
def resolve(base: str | None, link: str) -> str | None:
    """Resolve `link` against `base` to an absolute http(s) URL without fragment; None where that gives no such URL."""
    link = link.strip()
    try:
        joined = link if link.startswith(("https://", "http://")) else urljoin(base or "", link)
        parts = urlsplit(joined)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return joined.partition("#")[0]
