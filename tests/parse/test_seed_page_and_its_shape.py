"""What must come out of the real page of 5 December 2025, and of a page of ours in its shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ca_etl.parse.page import Page
from ca_etl.records import Rows

LISTING_URL = "https://timesca.com/tag/initiative/"
RATES = [
    ("KGS", "0.01144", "0%", "0"),
    ("KZT", "0.00198", "-0%", "0"),
    ("TJS", "0.10857", "-0.18%", "-0.18"),
    ("UZS", "0.00008", "0%", "0"),
    ("TMT", "0.28571", "0%", "0"),
]


def _assert_facts(read: Rows, caption: str) -> None:
    assert read.reject == []
    (capture,) = read.capture
    assert capture["page_date"] == date(2025, 12, 5)
    assert capture["page_kind"] == "listing"
    assert (capture["shown_from"], capture["shown_to"], capture["shown_total"]) == (1, 6, 8)
    assert (capture["ticker_cycles"], capture["articles_parsed"]) == (8, 4)
    assert [
        (row["base"], row["rate_text"], row["change_text"], row["change_pct"])
        for row in read.rate_observation
    ] == [(base, rate, change, Decimal(number)) for base, rate, change, number in RATES]
    assert [row["rate"] for row in read.rate_observation] == [Decimal(rate) for _, rate, _, _ in RATES]
    articles = read.article_observation
    assert [row["is_truncated"] for row in articles] == [False, True, False, False]
    texts = {row["text_id"]: row["text"] for row in read.article_text}
    assert len(texts) == 4
    third = texts[articles[2]["text_id"]]
    assert "[caption" not in third
    assert caption not in third
    assert "  " not in third
    assert articles[2]["media"] == [{"kind": "caption", "attachment_id": 34461, "caption": caption}]
    assert [row["media"] for row in articles if row["position"] != 3] == [[], [], []]


def _titles(text: str) -> list[str]:
    return [line for line in text.split("\n")[44:] if line][::2]


def test_a_page_in_the_shape_of_the_real_one_gives_its_facts(rows: Callable[..., Rows], listing: str) -> None:
    read = rows(listing.encode())
    _assert_facts(read, "@rescue.example")
    assert [row["title"] for row in read.article_observation] == _titles(listing)


@pytest.mark.shared
def test_the_real_page_gives_its_facts(rows: Callable[..., Rows], seed_page: Path) -> None:
    read = rows(seed_page.read_bytes())
    _assert_facts(read, "@iom.int")
    assert [row["title"] for row in read.article_observation] == _titles(seed_page.read_text())


def _without_urls(read: Page) -> dict[str, Any]:
    return {
        "kind": read.kind,
        "page_date": read.page_date,
        "rates": read.rates,
        "cycles": read.ticker_cycles,
        "shown": read.shown,
        "rejects": read.rejects,
        "articles": [
            (a.position, a.title, a.text, a.is_truncated, a.author, a.dateline, a.media)
            for a in read.articles
        ],
    }


def _assert_same_as_text(text: str, html: str, page: Callable[..., Page]) -> None:
    rendered = page(html, html=True, url=LISTING_URL)
    assert _without_urls(rendered) == _without_urls(page(text))
    assert [article.url for article in rendered.articles] == [
        f"https://timesca.com/story-number-{number}/" for number in range(1, len(rendered.articles) + 1)
    ]


def test_html_of_any_theme_gives_the_observations_of_the_text_and_the_urls(
    render: Callable[[str], str], page: Callable[..., Page], listing: str
) -> None:
    _assert_same_as_text(listing, render(listing), page)


@pytest.mark.shared
def test_the_real_page_as_html_gives_the_same_observations_and_the_urls(
    render: Callable[[str], str], page: Callable[..., Page], seed_page: Path
) -> None:
    _assert_same_as_text(seed_page.read_text(), render(seed_page.read_text()), page)


def test_the_prose_of_the_text_is_stored_to_the_letter(page: Callable[..., Page], listing: str) -> None:
    first = page(listing).articles[0]
    assert first.text == listing.split("\n")[46]
    assert "[sic]" in (page(listing).articles[1].text or "")
    assert "[approximately 37%]" in (page(listing).articles[2].text or "")
