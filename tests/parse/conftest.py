"""Pages of our own prose in the shapes of the site, and HTML renderings of them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from ca_etl.parse.page import Page
from ca_etl.parse.rows import read_page, rows_of
from ca_etl.records import Capture, Rows

FIXTURES = Path(__file__).parent / "fixtures"


class Parts(NamedTuple):
    """A text page taken apart, for a rendering that knows nothing of the parser."""

    ticker: list[str]
    date_line: str
    header: str
    articles: list[tuple[str, str]]


def take_apart(text: str) -> Parts:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ticker = [line.removeprefix("• ") for line in lines if line.startswith("•")]
    date_line, header, *rest = lines[len(ticker) :]
    return Parts(ticker, date_line, header, list(zip(rest[::2], rest[1::2], strict=True)))


def slug(number: int) -> str:
    return f"/story-number-{number}/"


def _cards(parts: Parts) -> str:
    """Cards with h2 > a, ticker as list items, menus and margins that are full of headings."""
    ticker = "".join(f"<li>{escape(item)}</li>" for item in parts.ticker)
    cards = "".join(
        f'<article class="post"><a href="{slug(n)}"><img src="/i/{n}.jpg" alt="a picture"></a>'
        f'<h2><a href="{slug(n)}">{escape(title)}</a></h2><div><p>{escape(body)}</p></div>'
        f'<a href="{slug(n)}">Continue reading</a></article>'
        for n, (title, body) in enumerate(parts.articles, 1)
    )
    return (
        '<html><head><title>x</title></head><body><header><h1><a href="/">The Site</a></h1></header>'
        f"<nav><h3><a href='/menu-story/'>Menu Story</a></h3></nav><ul>{ticker}</ul><p>{parts.date_line}</p>"
        f"<main><p>{parts.header}</p>{cards}</main>"
        "<aside><h2><a href='/popular/'>Popular Story of the Week</a></h2><p>Its teaser.</p></aside>"
        "<footer><h4><a href='/about-the-site/'>About the Site</a></h4><p>Some address.</p></footer></body></html>"
    )


def _flat(parts: Parts) -> str:
    """No cards: headings and paragraphs side by side, links around h3, ticker in spans of a marquee."""
    ticker = "".join(f"<span>{escape(item)}</span>" for item in parts.ticker)
    rows = "".join(
        f'<a href="https://timesca.com{slug(n)}"><h3>{escape(title)}</h3></a><p>{escape(body)}</p>'
        for n, (title, body) in enumerate(parts.articles, 1)
    )
    return (
        f"<body><div>{ticker}</div><div><b>{parts.date_line}</b></div>"
        f"<section><span>{parts.header}</span>{rows}</section><div>Page 1 2 3</div></body>"
    )


def _one_node(parts: Parts) -> str:
    """The whole ticker in one text node, titles apart from their texts, an en dash in the header."""
    header = parts.header.replace(" - ", " &#8211; ")
    rows = "".join(
        f'<div><div><h4>\n  <a href="../..{slug(n)}#top">{escape(title)}</a>\n</h4></div>'
        f"<div>{escape(body)}</div></div>"
        for n, (title, body) in enumerate(parts.articles, 1)
    )
    return (
        f"<body><marquee>{escape(' '.join(parts.ticker))}</marquee><span>{parts.date_line}</span>"
        f"<div><h2>{header}</h2></div><div>{rows}</div></body>"
    )


def _split_nodes(parts: Parts) -> str:
    """Each number of the ticker in an element of its own, text with inline markup and line breaks in the source."""
    items = [item.replace("=", " ").split() for item in parts.ticker]
    ticker = "".join(
        f"<div><b>{pair}</b> = <i>{rate}</i><em>{change}</em></div>" for pair, rate, change in items
    )
    emphasised = " <strong>the</strong>\n"
    rows = "".join(
        f'<div class="c{n}"><header><h2><a href="{slug(n)}">{escape(title)}</a></h2></header>'
        f"<p>{escape(body).replace(' the ', emphasised)}</p></div>"
        for n, (title, body) in enumerate(parts.articles, 1)
    )
    return f"<body>{rows}<div>{ticker}</div><p>{parts.date_line}</p><p>{parts.header}</p></body>"


THEMES: dict[str, Callable[[Parts], str]] = {
    "cards": _cards,
    "flat": _flat,
    "one_node": _one_node,
    "split_nodes": _split_nodes,
}


@pytest.fixture(params=sorted(THEMES))
def render(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """A text page as HTML, in one theme after the other."""
    theme = THEMES[request.param]
    return lambda text: theme(take_apart(text))


@pytest.fixture
def rows(fit: Callable[[Rows], None]) -> Callable[..., Rows]:
    """The rows of a payload, which fit the raw tables; further fields of the capture by name."""

    def make(payload: bytes, **known: Any) -> Rows:
        given = {
            "capture_id": "urn:uuid:1",
            "source": "files",
            "archive_file": "a.warc.gz",
            "archive_offset": 0,
        }
        capture = Capture(payload=payload, **(given | known))
        read = rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="run-1")
        fit(read)
        return read

    return make


@pytest.fixture
def page() -> Callable[..., Page]:
    """The page that a text is, or with `html=True` that markup is."""

    def make(text: str, *, url: str | None = None, html: bool = False) -> Page:
        kind = "text/html" if html else "text/plain"
        read = read_page(text.encode(), content_type=kind, url=url, on=None)
        assert isinstance(read, Page), read
        return read

    return make


@pytest.fixture(scope="session")
def listing() -> str:
    """The shape of the real page of 5 December 2025 with prose of our own."""
    return (FIXTURES / "listing_2025-12-05.txt").read_text()
