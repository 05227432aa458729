"""Feeds as WordPress and its plugins write them, broken ones too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.feed import MAX_ITEMS, read_feed, read_time
from ca_etl.parse.links import url_slug
from ca_etl.parse.page import Article, Page, Reject
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


def test_an_item_is_read_with_all_that_the_feed_states() -> None:
    article = one(ITEM)
    assert article.title == "A Baker\u2019s Day & Night"
    assert article.text == "The oven\u2019s lit at four.\n\nBread sells by six."
    assert article.author == "Anna O\u2019Hara"
    assert article.published_at == datetime(2025, 12, 5, 1, 15, tzinfo=UTC)
    assert article.modified_at is None
    assert (article.post_id, url_slug(article.url or "")) == (41, "a-bakers-day-night")
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


def test_a_feed_of_summaries_gives_truncated_texts() -> None:
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
def test_an_excerpt_instead_of_the_text_is_recognized(
    description: str, content: str, is_truncated: bool
) -> None:
    item = (
        f"<item><title>T</title><description><![CDATA[{description}]]></description>"
        f"<content:encoded><![CDATA[{content}]]></content:encoded></item>"
    )
    assert one(item).is_truncated is is_truncated


def test_the_footer_that_a_plugin_puts_after_every_text_is_not_text() -> None:
    footer = (
        '<p>The post <a href="https://timesca.com/x/">A Baker</a> appeared first on'
        ' <a href="https://timesca.com">The Site</a>.</p>\n]]></content'
    )
    assert one(ITEM.replace("]]></content", footer)).text == one(ITEM).text


def test_a_guid_is_a_link_only_where_it_is_declared_one() -> None:
    bare = "<item><title>T</title><guid{}>https://timesca.com/t/</guid></item>"
    assert one(bare.format("")).url == "https://timesca.com/t/"
    assert one(bare.format(' isPermaLink="false"')).url is None
    assert one(bare.format("").replace("<guid>", "<link/><guid>")).url == "https://timesca.com/t/"


@pytest.mark.parametrize("written", ["yesterday", "Fri, 99 Dec 2025 01:15:00 +0000", ""])
def test_what_is_not_a_time_is_left_out(written: str) -> None:
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
def test_what_is_not_safe_rss_is_one_reject(text: str) -> None:
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
    loaded = rows(feed(ITEM).encode(), url=FEED, content_type=content_type, captured_at=NIGHT)
    assert loaded.capture[0]["page_kind"] == "feed"
    assert loaded.reject == []
    assert [row["post_id"] for row in loaded.article_observation] == [41]


def test_an_empty_feed_is_a_reject(rows: Callable[..., Rows]) -> None:
    loaded = rows(feed().encode(), url=FEED, content_type="application/rss+xml", captured_at=NIGHT)
    assert [row["reason"] for row in loaded.reject] == ["no_articles"]


@given(at=st.integers(0, 1_300), cut=st.integers(0, 80), put=st.binary(max_size=8))
def test_mutated_feeds_give_rows_or_rejects(at: int, cut: int, put: bytes) -> None:
    payload = feed(ITEM).encode()
    mutated = payload[:at] + put + payload[at + cut :]
    read_page(mutated, content_type="application/rss+xml", url=FEED, on=NIGHT.date())


TIME = "2025-12-04T09:00:00+00:00"


@pytest.mark.parametrize(
    "written",
    [
        "Thu, 04 Dec 2025 09:00:00 +0000",
        "Thu, 04 Dec 2025 09:00:00 -0000",
        "Thu, 04 Dec 2025 09:00:00 GMT",
        "Thu, 04 Dec 2025 09:00:00 UT",
        "Thu, 04 Dec 2025 09:00:00 UTC",
        "Thu, 04 Dec 2025 09:00:00 Z",
        "Thu, 04 Dec 2025 14:00:00 +0500",
        "Thu, 04 Dec 2025 14:00:00 +05:00",
        "Thu, 04 Dec 2025 14:30:00 +0530",
        "Thu, 04 Dec 2025 04:00:00 EST",
        "Thu, 04 Dec 2025 05:00:00 EDT",
        "Thu, 04 Dec 2025 03:00:00 CST",
        "Thu, 04 Dec 2025 04:00:00 CDT",
        "Thu, 04 Dec 2025 02:00:00 MST",
        "Thu, 04 Dec 2025 03:00:00 MDT",
        "Thu, 04 Dec 2025 01:00:00 PST",
        "Thu, 04 Dec 2025 02:00:00 PDT",
        "04 Dec 2025 09:00:00 +0000",
        "Thu, 4 Dec 2025 09:00 +0000",
        "Thu,04 Dec 2025 09:00:00 +0000",
        "thu, 04 dec 2025 09:00:00 gmt",
        "Thu, 04  Dec 2025\n 09:00:00 +0000 (UTC)",
        "Thu, 04 Dec 25 09:00:00 +0000",
        "2025-12-04T09:00:00Z",
        "2025-12-04T14:00:00+05:00",
    ],
)
def test_a_time_with_a_defined_zone_is_read(written: str) -> None:
    assert read_time(written) == datetime.fromisoformat(TIME)


@pytest.mark.parametrize(
    ("written", "year"), [("49", 2049), ("94", 1994), ("125", 2025), ("1999", 1999), ("2050", 2050)]
)
def test_a_short_year_is_completed_as_rfc_2822_states(written: str, year: int) -> None:
    read = read_time(f"04 Dec {written} 09:00:00 GMT")
    assert read is not None
    assert read.year == year


@pytest.mark.parametrize(
    "written",
    [
        "Thu, 04 Dec 2025 14:00:00",
        "Thu, 04 Dec 2025 14:00:00 MSK",
        "Thu, 04 Dec 2025 14:00:00 ALMT",
        "Thu, 04 Dec 2025 14:00:00 IST",
        "Thu, 04 Dec 2025 14:00:00 CET",
        "Thu, 04 Dec 2025 14:00:00 A",
        "Thu, 04 Dec 2025 14:00:00 M",
        "Thu, 04 Dec 2025 14:00:00 +5",
        "Thu, 04 Dec 2025 14:00:00 +05",
        "Thu, 04 Dec 2025 14:00:00 +500",
        "Thu, 04 Dec 2025 14:00:00 GMT+5",
        "Thu, 04 Dec 2025 14:00:00 GMT+0500",
        "Thu, 04 Dec 2025 14:00:00 UTC+05:00",
        "Thu, 04 Dec 2025 14:00:00 +0500 MSK",
        "Thu, 04 Dec 2025 14:00:00 +0560",
        "Thu, 04 Dec 2025 14:00:00 +9900",
        "Thu, 04 Dec 2025 14:00:00 +1500",
        "Thu, 04 Dec 2025 14:00:00 Asia/Almaty",
        "Thu, 04 Dec 2025 02:00:00 PM +0500",
        "Thu, 04 Dec 2025 2:00 PM",
        "Thu, 04 Dec 2025 24:00:00 GMT",
        "Thu, 04 Dec 2025 14:60:00 GMT",
        "Thu, 04 Dec 2025 14 GMT",
        "Thu, 04 Dec 2025",
        "Fri, 04 Dec 2025 09:00:00 GMT",
        "Sun, 30 Feb 2025 09:00:00 GMT",
        "29 Feb 2025 09:00:00 GMT",
        "00 Dec 2025 09:00:00 GMT",
        "Thursday, 04-Dec-25 09:00:00 GMT",
        "Thu Dec 4 09:00:00 2025",
        "Чт, 04 дек 2025 09:00:00 +0000",
        "Do, 04 Dez 2025 09:00:00 +0000",
        "12/04/2025 09:00:00 GMT",
        "2025-12-04T09:00:00",
        "2025-12-04 09:00",
        "1764838800",
        "04 Dec 1825 09:00:00 GMT",
        "Thu, 04 Dec 2025 09:00:00 GMT" + " " * 100 + "x",
    ],
)
def test_a_time_whose_zone_or_day_is_unknown_is_a_reject_and_never_utc(written: str) -> None:
    page = read(ITEM.replace("Fri, 05 Dec 2025 01:15:00 +0000", written))
    assert [article.published_at for article in page.articles] == [None]
    assert [(reject.reason, reject.excerpt) for reject in page.rejects] == [("bad_time", written[:200])]


def test_a_pubdate_in_a_cdata_section_is_read() -> None:
    article = one(
        ITEM.replace("Fri, 05 Dec 2025 01:15:00 +0000", "<![CDATA[ Fri, 05 Dec 2025 01:15:00 GMT ]]>")
    )
    assert article.published_at == datetime(2025, 12, 5, 1, 15, tzinfo=UTC)


def test_a_dublin_core_date_is_the_time_of_an_item_without_pubdate() -> None:
    bare = "<item><title>T</title><dc:date>{}</dc:date></item>"
    assert one(bare.format("2025-12-04T14:00:00+05:00")).published_at == datetime.fromisoformat(TIME)
    page = read(bare.format("2025-12-04T14:00:00"))
    assert [reject.reason for reject in page.rejects] == ["bad_time"]


def read_bytes(payload: bytes, content_type: str | None = None) -> Page | Reject:
    return read_page(payload, content_type=content_type, url=FEED, on=None)


CYRILLIC = (
    '<?xml version="1.0" encoding="{}"?><rss version="2.0"><channel><item><title>Ош и Нарын</title>'
    + ("<description>" + "Herders of the valley counted their sheep before the snow. " * 9)
    + "</description></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("declared", "encoded", "content_type", "charset"),
    [
        ("windows-1251", "windows-1251", None, "windows-1251 (declaration)"),
        ("WINDOWS-1251", "windows-1251", "text/xml", "windows-1251 (declaration)"),
        ("windows-1251", "windows-1251", "application/rss+xml", "windows-1251 (declaration)"),
        ("windows-1251", "windows-1251", "text/xml; charset=utf-8", "windows-1251 (declaration)"),
        ("windows-1251", "windows-1251", "text/xml; charset=ISO-8859-1", "windows-1251 (declaration)"),
        ("utf-8", "windows-1251", "text/xml; charset=windows-1251", "windows-1251 (header)"),
        ("koi8-r", "koi8-r", None, "koi8-r (declaration)"),
        ("windows-1251", "utf-8", "text/xml; charset=windows-1251", "utf-8 (valid)"),
        ("iso-8859-1", "utf-8", "text/xml; charset=UTF-8", "utf-8 (header)"),
        ("no-such", "utf-8", None, "utf-8 (valid)"),
        ("UTF-16", "utf-16", "text/xml", "utf-16-le (bom)"),
        ("UTF-16", "utf-16", None, "utf-16-le (bom)"),
        ("utf-8", "utf-8-sig", "text/xml; charset=windows-1251", "utf-8 (bom)"),
    ],
)
def test_the_charset_of_a_feed_is_the_one_that_fits_its_bytes(
    declared: str, encoded: str, content_type: str | None, charset: str
) -> None:
    page = read_bytes(CYRILLIC.format(declared).encode(encoded), content_type)
    assert isinstance(page, Page)
    assert [article.title for article in page.articles] == ["Ош и Нарын"]
    assert (page.charset, page.rejects) == (charset, ())


@pytest.mark.parametrize(
    ("declared", "encoded", "content_type"),
    [
        ("utf-8", "windows-1251", None),
        ("no-such", "windows-1251", None),
        ("idna", "windows-1251", None),
        ("punycode", "koi8-r", None),
        ("iso-8859-1", "windows-1251", None),
        ("koi8-r", "windows-1251", "text/xml; charset=windows-1251"),
    ],
)
def test_a_feed_whose_charset_is_not_known_is_a_reject(
    declared: str, encoded: str, content_type: str | None
) -> None:
    page = read_bytes(CYRILLIC.format(declared).encode(encoded), content_type)
    assert isinstance(page, Reject)
    assert page.reason == "undecodable"


def test_accents_of_western_languages_are_read_in_their_charset() -> None:
    text = feed("<item><title>Créée à Besançon: où l\u2019été</title></item>").replace(
        "UTF-8", "windows-1252"
    )
    page = read_bytes(text.encode("windows-1252"))
    assert isinstance(page, Page)
    assert page.articles[0].title == "Créée à Besançon: où l\u2019été"


@pytest.mark.parametrize("content_type", ["application/rss+xml", "text/html; charset=UTF-8", None])
@pytest.mark.parametrize("before", ["\n\n", "\ufeff", "\n\ufeff \r\n", "<!-- a > b <c> -->\n", "\t"])
def test_space_marks_and_comments_before_the_declaration_are_passed_over(
    before: str, content_type: str | None
) -> None:
    page = read_bytes((before + feed(ITEM)).encode(), content_type)
    assert isinstance(page, Page)
    assert [article.post_id for article in page.articles] == [41]
    assert page.rejects == ()


def test_a_comment_and_a_stylesheet_around_a_feed_are_part_of_it() -> None:
    text = feed(ITEM).replace("<rss", '<?xml-stylesheet href="a.xsl"?><!-- x --><rss') + "<!-- cached -->\n"
    page = read_page(text.encode(), content_type="text/xml", url="https://timesca.com/x", on=None)
    assert isinstance(page, Page)
    assert (len(page.articles), page.rejects) == (1, ())


def test_a_declaration_of_xml_1_1_is_read() -> None:
    assert len(read_feed(feed(ITEM).replace('"1.0"', '"1.1"', 1), url=FEED, charset="u").articles) == 1


NOTICE = "<br />\n<b>Warning</b>: Undefined array key [rss] in <b>/srv/a.php</b> on line <b>3</b><br />\n"


@pytest.mark.parametrize("content_type", ["application/rss+xml", "text/html; charset=UTF-8", None])
@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (NOTICE, "", "before"),
        ("", "<script>track(1)</script>", "after"),
        ("", NOTICE, "after"),
        ("<div class='error'>Deprecated</div>", "", "before"),
    ],
)
def test_text_around_a_feed_is_cut_off_and_recorded(
    before: str, after: str, where: str, content_type: str | None
) -> None:
    page = read_bytes((before + feed(ITEM, ITEM) + after).encode(), content_type)
    assert isinstance(page, Page)
    assert len(page.articles) == 2
    (reject,) = page.rejects
    assert reject.reason == "extra_text"
    assert where in reject.detail
    assert reject.excerpt == (before + after).strip()


@pytest.mark.parametrize(
    "written",
    [
        "&lt;![CDATA[Herders walk for nine days.]]&gt;",
        "  &lt;![CDATA[ &lt;p&gt;Herders walk for nine days.&lt;/p&gt; ]]&gt;  ",
        "<![CDATA[&lt;![CDATA[Herders walk for nine days.]]&gt;]]>",
        "&amp;lt;![CDATA[&amp;lt;p&amp;gt;Herders walk for nine days.&amp;lt;/p&amp;gt;]]&amp;gt;",
        "<![CDATA[<![CDATA[Herders walk for nine days.]]]]><![CDATA[>]]>",
        "&#60;![CDATA[Herders walk for nine days.]]&#62;",
        "&lt;p&gt;&lt;![CDATA[Herders walk for nine days.]]&gt;&lt;/p&gt;",
    ],
)
def test_cdata_that_was_escaped_once_more_is_its_inside(written: str) -> None:
    article = one(f"<item><title>T</title><description>{written}</description></item>")
    assert (article.text, article.is_truncated) == ("Herders walk for nine days.", True)
    whole = one(f"<item><title>T</title><content:encoded>{written}</content:encoded></item>")
    assert (whole.text, whole.is_truncated) == ("Herders walk for nine days.", False)


def test_escaped_cdata_of_the_other_elements_is_their_inside() -> None:
    def wrapped(text: str) -> str:
        return f"&lt;![CDATA[{text}]]&gt;"

    article = one(
        f"<item><title>{wrapped('Milk &amp;amp; Honey')}</title><link>{wrapped('https://timesca.com/m/')}</link>"
        f"<pubDate>{wrapped('Thu, 04 Dec 2025 09:00:00 GMT')}</pubDate><category>{wrapped('Food')}</category>"
        f"<dc:creator>{wrapped('Anna')}</dc:creator></item>"
    )
    assert (article.title, article.url) == ("Milk & Honey", "https://timesca.com/m/")
    assert article.published_at == datetime.fromisoformat(TIME)
    assert (article.author, article.categories) == ("Anna", ("Food",))


def test_a_mention_of_cdata_within_a_text_is_text() -> None:
    item = ITEM.replace("Bread sells by six.", "&lt;![CDATA[ opens a section.")
    assert (one(item).text or "").endswith("<![CDATA[ opens a section.")


def test_the_whole_text_may_come_before_the_description_or_without_it() -> None:
    content = f"<content:encoded><![CDATA[<p>{LONG}</p>]]></content:encoded>"
    short = "<description>In short.</description>"
    for item in (content + short, short + content, content):
        article = one(f"<item><title>T</title>{item}</item>")
        assert (article.text, article.is_truncated) == (LONG, False)


def test_a_description_of_another_vocabulary_is_not_the_whole_text() -> None:
    item = (
        "<item><title>T</title><description>In short.</description>"
        '<itunes:summary xmlns:itunes="http://www.itunes.com/DTDs/PodCast-1.0.dtd">Of the sound.</itunes:summary>'
        '<media:content xmlns:media="http://search.yahoo.com/mrss/" url="/a.jpg"><media:title>Anna</media:title>'
        "<media:description>A picture</media:description></media:content>"
        '<gml:pos xmlns:gml="http://www.opengis.net/gml">1 2</gml:pos></item>'
    )
    article = one(item)
    assert (article.title, article.text, article.is_truncated) == ("T", "In short.", True)


def test_an_empty_title_is_not_replaced_by_that_of_a_picture() -> None:
    picture = '<media:title xmlns:media="http://search.yahoo.com/mrss/">Anna</media:title>'
    item = f"<item>{picture}<title></title><link>https://timesca.com/t/</link>{picture}</item>"
    assert one(item).title is None


def test_the_prefix_of_a_namespace_may_be_any() -> None:
    text = feed(ITEM).replace("content:", "c:").replace("xmlns:content", "xmlns:c").replace("dc:", "dublin:")
    page = read_feed(text.replace("xmlns:dc", "xmlns:dublin"), url=FEED, charset="u")
    assert (page.articles[0].text, page.articles[0].author) == (one(ITEM).text, "Anna O\u2019Hara")


def test_the_number_of_a_post_is_read_from_its_own_element() -> None:
    item = '<item><title>T</title><post-id xmlns="com-wordpress:feed-additions:1">77</post-id></item>'
    assert one(item).post_id == 77
    assert one(item.replace("com-wordpress:feed-additions:1", "urn:other")).post_id is None


def test_html_that_is_not_escaped_is_read_with_its_paragraphs() -> None:
    item = "<item><title>A <b>B</b></title><description><p>One.</p><p>Two <i>and</i> more.</p></description></item>"
    assert (one(item).title, one(item).text) == ("A B", "One.\n\nTwo and more.")


def test_the_first_of_several_authors_is_the_author() -> None:
    names = "<dc:creator></dc:creator><dc:creator>Anna</dc:creator><dc:creator>Bek</dc:creator>"
    assert one(f"<item><title>T</title>{names}</item>").author == "Anna"


def test_an_address_of_atom_does_not_replace_the_link() -> None:
    atom = '<a:link xmlns:a="http://www.w3.org/2005/Atom" href="https://timesca.com/other/"/>'
    item = f"<item><title>T</title>{atom}<link>https://timesca.com/t/</link>{atom}</item>"
    assert one(item).url == "https://timesca.com/t/"


def test_text_that_seems_encoded_twice_stays_as_printed() -> None:
    assert one("<item><title>T</title><description>Ã© and Â«</description></item>").text == "Ã© and Â«"


@pytest.mark.parametrize(
    "text",
    [
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item/></rdf:RDF>',
        "<!DOCTYPE html><html><body>Not a feed</body></html>",
        '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel>&b;</channel></rss>',
        '<rss><!DOCTYPE a [<!ENTITY a "x">]><channel><item><title>&a;</title></item></channel></rss>',
        "<rss><channel><x></channel></rss>",
        "<rss><channel><item " + " ".join(f'a{n}="x"' for n in range(300)) + "/></channel></rss>",
    ],
)
def test_another_document_and_an_entity_are_one_reject(text: str) -> None:
    page = read_feed(text, url=FEED, charset="utf-8")
    assert page.articles == ()
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]


@pytest.mark.parametrize(
    "broken", ["<title>Bread & Milk</title>", "<title>&nbsp;</title>", "<title>T</link>", "<p"]
)
def test_an_item_that_breaks_off_is_never_taken_for_a_whole_one(broken: str) -> None:
    page = read(ITEM, ITEM.replace("<title>", broken + "<title>"), ITEM)
    assert len(page.articles) == 1
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]


def test_a_control_character_does_not_end_the_feed() -> None:
    page = read(ITEM.replace("Bread", "Bre\x0bad"), ITEM)
    assert len(page.articles) == 2
    assert page.articles[0].text == (one(ITEM).text or "").replace("Bread", "Bre\ufffdad")


def test_more_items_than_any_feed_has_are_cut_with_a_reject() -> None:
    page = read("<item><title>T</title></item>" * (MAX_ITEMS + 1))
    assert len(page.articles) == MAX_ITEMS
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]


def test_a_name_longer_than_any_is_a_reject_after_the_items_before_it() -> None:
    # feedparser searches a name for an address in quadratic time: this one took 23 s.
    page = read(ITEM, ITEM.replace("Anna O&#8217;Hara", "a" * 100_000), ITEM)
    assert len(page.articles) == 1
    assert [reject.reason for reject in page.rejects] == ["bad_xml"]
    assert "more than 2000 characters in an author's name" in page.rejects[0].detail


@pytest.mark.parametrize(
    "elements",
    ["<a>" * 300 + "</a>" * 300, "".join(f'<x xmlns:p{n}="u{n}"/>' for n in range(300))],
    ids=["nested", "of many namespaces"],
)
def test_other_elements_of_a_channel_do_no_harm(elements: str) -> None:
    assert len(read(elements, ITEM, elements).articles) == 1


def test_an_empty_element_leaves_nothing_of_itself() -> None:
    empty = "<link><![CDATA[]]></link><dc:creator><![CDATA[ ]]></dc:creator><title/>"
    article = one(ITEM.replace("<item>", f"<item>{empty}"))
    assert (article.title, article.url) == (
        "A Baker\u2019s Day & Night",
        "https://timesca.com/a-bakers-day-night/",
    )


def test_bytes_of_a_compressed_feed_are_a_reject() -> None:
    page = read_bytes(b"\x1f\x8b\x08" + bytes(99), "application/rss+xml")
    assert isinstance(page, Reject)
    assert page.reason == "binary"


def test_a_feed_in_utf_16_without_a_mark_is_a_reject() -> None:
    page = read_bytes(feed(ITEM).encode("utf-16-le"), "application/rss+xml")
    assert isinstance(page, Reject)
    assert page.reason == "binary"


def test_feedparser_is_imported_where_a_feed_is_read_and_not_before() -> None:
    code = "import sys, ca_etl.parse.rows; assert 'feedparser' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@given(st.text(alphabet="<>/![]-CDATA&;ab ", max_size=60))
def test_any_text_within_an_item_is_rows_or_rejects(text: str) -> None:
    page = read(ITEM, f"<item><title>{text}</title><description>{text}</description></item>")
    assert page.articles
    assert len(page.articles) == 2 or page.rejects


@pytest.mark.parametrize("name", ["link", "guid"])
def test_a_comment_on_an_article_is_not_an_article(name: str) -> None:
    comment = (
        "<item><title>By: A Reader</title><{0}>https://timesca.com/a-bakers-day-night/#comment-7</{0}></item>"
    )
    page = read(comment.format(name), ITEM)
    assert [article.post_id for article in page.articles] == [41]
    assert [reject.reason for reject in page.rejects] == ["no_articles"]
