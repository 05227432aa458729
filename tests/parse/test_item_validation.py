"""Links to other sites and impossible times in responses for machines: the article stays, they are rejects."""

from __future__ import annotations

import json

import pytest

from ca_etl.parse.feed import read_feed
from ca_etl.parse.item_validation import surrounding_rejects
from ca_etl.parse.page import Page
from ca_etl.parse.wordpress_json import read_posts

API = "https://timesca.com/wp-json/wp/v2/posts"
LINK = "https://timesca.com/a-road/"
EVIL = "https://evil.example/a-road/"


def post(**changed: object) -> Page:
    plain = {"id": 5, "title": {"rendered": "A Road"}, "content": {"rendered": "<p>Dust.</p>"}, "link": LINK}
    return read_posts(json.dumps([plain | changed]), url=API, charset="utf-8")


def item(link: str, date: str) -> Page:
    return read_feed(
        f'<rss version="2.0"><channel><item><title>A Road</title><link>{link}</link><pubDate>{date}</pubDate>'
        "<description>Dust.</description></item></channel></rss>",
        url="https://timesca.com/feed/",
        charset="utf-8",
    )


def shown(page: Page) -> tuple[list[tuple[str | None, str | None]], list[tuple[str, str]]]:
    return (
        [(article.title, article.url) for article in page.articles],
        [(reject.reason.value, reject.excerpt) for reject in page.rejects],
    )


def test_a_link_to_another_site_is_a_reject_and_the_post_stays() -> None:
    taken = ([("A Road", None)], [("other_site", f"A Road {EVIL}")])
    assert shown(post(link=EVIL)) == taken
    assert shown(item(EVIL, "Fri, 05 Dec 2025 01:15:00 +0000")) == taken
    assert shown(post(link="https://www.timesca.com/a-road/")) == (
        [("A Road", "https://www.timesca.com/a-road/")],
        [],
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"date_gmt": "9999-12-31T23:59:59"},
        {"modified_gmt": "0001-01-01T00:00:00"},
        {"date_gmt": "yesterday"},
        {"date_gmt": 7},
    ],
    ids=["far ahead", "the first year", "a word", "a number"],
)
def test_a_time_that_no_article_can_have_is_a_reject(changed: dict[str, object]) -> None:
    read = post(**changed)
    assert shown(read) == ([("A Road", LINK)], [("bad_time", str(next(iter(changed.values()))))])
    assert (read.articles[0].published_at, read.articles[0].modified_at) == (None, None)


def test_an_impossible_time_of_an_item_of_a_feed_is_a_reject_too() -> None:
    assert shown(item(LINK, "soon")) == ([("A Road", LINK)], [("bad_time", "soon")])


@pytest.mark.parametrize("missing", [None, "", "0000-00-00T00:00:00"])
def test_a_missing_time_is_not_a_reject(missing: object) -> None:
    assert shown(post(date_gmt=missing)) == ([("A Road", LINK)], [])
    assert shown(item(LINK, "Wed, 30 Nov -0001 00:00:00 +0000")) == ([("A Road", LINK)], [])


def test_text_around_a_document_is_one_reject_with_its_position_and_space_is_not() -> None:
    assert surrounding_rejects("\ufeff \n", "\r\n") == []
    (reject,) = surrounding_rejects("Notice: x\n", " <!-- cached -->")
    assert (reject.reason, reject.excerpt) == ("extra_text", "Notice: x [...] <!-- cached -->")
    assert reject.detail == "cut off: 9 characters before the document, 15 characters after the document"
    (reject,) = surrounding_rejects("x" * 999, "y" * 999)
    assert {"x", "y"} <= set(reject.excerpt)
    assert len(reject.excerpt) <= 200
