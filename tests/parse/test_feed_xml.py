from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.feed_xml import read_feed
from ca_etl.parse.page import Article, Page
from ca_etl.parse.rows import read_page
from ca_etl.records import Rows

NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
FEED = "https://timesca.com/feed/?paged=2"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Site</title>'
)
TAIL = "</channel></rss>"
ITEM = """<item>
<title>A Baker&#8217;s Day &amp; Night</title>
<link>https://timesca.com/a-bakers-day-night/</link>
<dc:creator><![CDATA[Anna O&#8217;Hara]]></dc:creator>
<pubDate>Fri, 05 Dec 2025 01:15:00 +0000</pubDate>
<category><![CDATA[Life &amp; Culture]]></category><category><![CDATA[Bread]]></category>
<guid isPermaLink="false">https://timesca.com/?p=41</guid>
<description><![CDATA[The oven&#8217;s lit [&#8230;]]]></description>
<content:encoded><![CDATA[<p>The oven&#8217;s lit at four.</p>
<p>Bread sells by six.</p>
]]></content:encoded>
</item>"""
LONG = " ".join(f"word{n}" for n in range(80)) + "."


def feed(*items: str) -> str:
    return HEAD + "".join(items) + TAIL


def read(*items: str) -> Page:
    return read_feed(feed(*items), url=FEED, charset="utf-8")


def one(item: str) -> Article:
    (article,) = read(item).articles
    return article


def test_an_item_is_read_with_all_that_the_feed_tells() -> None:
    article = one(ITEM)
    assert article.title == "A Baker\u2019s Day & Night"
    assert article.text == "The oven\u2019s lit at four.\n\nBread sells by six."
    assert article.author == "Anna O\u2019Hara"
    assert article.published_at == datetime(2025, 12, 5, 1, 15, tzinfo=UTC)
    assert article.modified_at is None
    assert (article.post_id, article.slug) == (41, "a-bakers-day-night")
    assert article.url == "https://timesca.com/a-bakers-day-night/"
    assert article.categories == ("Life & Culture", "Bread")
    assert article.is_truncated is False


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("A &amp; B", "A & B"),
        ("A &amp;amp; B", "A &amp; B"),
        ("<![CDATA[A &amp; B]]>", "A & B"),
        ("<![CDATA[A &amp;amp; B]]>", "A &amp; B"),
        ("2 &lt; 3", "2 < 3"),
    ],
)
def test_an_entity_of_a_title_is_resolved_by_one_of_xml_and_html(written: str, title: str) -> None:
    assert one(ITEM.replace("A Baker&#8217;s Day &amp; Night", written)).title == title


def test_a_feed_of_summaries_gives_beginnings() -> None:
    begin, end = ITEM.index("<content:encoded>"), ITEM.index("</content:encoded>")
    article = one(ITEM[:begin] + ITEM[end + len("</content:encoded>") :])
    assert article.text == "The oven\u2019s lit [\u2026]"
    assert article.is_truncated


@pytest.mark.parametrize(
    ("description", "content", "is_truncated"),
    [
        ("The oven is lit [&#8230;]", "<p>The oven is lit [&#8230;]</p>", True),
        (LONG, f"<p>{LONG}</p>", True),
        ("The oven is lit.", "<p>The oven is lit.</p>", False),
        ("A summary by hand.", f"<p>{LONG}</p>", False),
    ],
)
def test_an_excerpt_in_the_place_of_the_text_is_known(
    description: str, content: str, is_truncated: bool
) -> None:
    item = (
        f"<item><title>T</title><description><![CDATA[{description}]]></description>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded></item>"
    )
    assert one(item).is_truncated is is_truncated


def test_the_footer_that_a_plugin_puts_behind_each_text_is_no_text() -> None:
    footer = (
        '<p>The post <a href="https://timesca.com/x/">A Baker</a> appeared first on'
        ' <a href="https://timesca.com">The Site</a>.</p>\n]]></content'
    )
    assert one(ITEM.replace("]]></content", footer)).text == one(ITEM).text


def test_a_guid_is_a_link_only_where_it_says_so() -> None:
    bare = "<item><title>T</title><guid{}>https://timesca.com/t/</guid></item>"
    assert one(bare.format("")).url == "https://timesca.com/t/"
    assert one(bare.format(' isPermaLink="false"')).url is None


@pytest.mark.parametrize("written", ["yesterday", "Fri, 99 Dec 2025 01:15:00 +0000", ""])
def test_a_time_that_is_none_is_left_out(written: str) -> None:
    assert one(ITEM.replace("Fri, 05 Dec 2025 01:15:00 +0000", written)).published_at is None


def test_a_broken_feed_gives_the_items_that_were_whole_and_one_reject() -> None:
    page = read_feed(feed(ITEM, ITEM)[:-400], url=FEED, charset="utf-8")
    assert len(page.articles) == 1
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "x">]><rss><channel>' + ITEM + TAIL,
        '<!DOCTYPE rss SYSTEM "file:///etc/hostname"><rss version="2.0"></rss>',
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>',
        '<rss version="2.0"><channel><item></channel></rss>',
        "<rss>" + "<a>" * 200,
    ],
)
def test_what_is_no_safe_rss_is_one_reject(text: str) -> None:
    page = read_feed(text, url=FEED, charset="utf-8")
    assert page.articles == ()
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]


def test_a_document_type_within_a_text_is_text() -> None:
    item = ITEM.replace("Bread sells by six.", "&lt;!DOCTYPE html&gt; was written on the bag.")
    assert (one(item).text or "").endswith("<!DOCTYPE html> was written on the bag.")


@pytest.mark.parametrize(
    "content_type", ["application/rss+xml; charset=UTF-8", "text/xml", "application/xml", "text/html", None]
)
def test_a_feed_becomes_rows_without_a_ticker_and_without_a_reject(
    rows: Callable[..., Rows], content_type: str | None
) -> None:
    found = rows(feed(ITEM).encode(), url=FEED, content_type=content_type, captured_at=NIGHT)
    assert found.capture[0]["page_kind"] == "feed"
    assert found.reject == []
    assert [row["post_id"] for row in found.article_observation] == [41]
    found.tables()


def test_an_empty_feed_says_so(rows: Callable[..., Rows]) -> None:
    found = rows(feed().encode(), url=FEED, content_type="application/rss+xml", captured_at=NIGHT)
    assert [row["reason"] for row in found.reject] == ["no_articles"]


@given(at=st.integers(0, 1_300), cut=st.integers(0, 80), put=st.binary(max_size=8))
def test_mutated_feeds_give_rows_or_rejects(at: int, cut: int, put: bytes) -> None:
    payload = feed(ITEM).encode()
    mutated = payload[:at] + put + payload[at + cut :]
    read_page(mutated, content_type="application/rss+xml", url=FEED, on=NIGHT.date())
