from datetime import date
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

import pytest

from ca_etl.demo.content import published_by
from ca_etl.demo.faults import Fault

DAY = date(2025, 12, 5)
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


@pytest.fixture
def feed(site, client):
    return lambda page=None: client.get(
        site.base_url + "feed/", params={"paged": page} if page else {}, timeout=10
    )


def items(answer):
    return ET.fromstring(answer.content).findall("channel/item")  # noqa: S314  the demo's own feed


def test_the_feed_holds_the_ten_newest_articles_with_their_whole_texts(feed):
    answer = feed()
    assert answer.headers["Content-Type"] == "application/rss+xml; charset=UTF-8"
    assert [item.findtext("title") for item in items(answer)] == [a.title for a in published_by(DAY)[:10]]
    for item, article in zip(items(answer), published_by(DAY), strict=False):
        assert item.findtext(CONTENT).count("<p>") == len(article.paragraphs)
        assert item.findtext(CREATOR) == article.author


def test_times_are_utc_and_a_guid_is_not_a_link(feed):
    item, article = items(feed())[0], published_by(DAY)[0]
    assert item.findtext("pubDate").endswith(" +0000")
    assert parsedate_to_datetime(item.findtext("pubDate")) == article.published_at
    assert item.find("guid").attrib == {"isPermaLink": "false"}
    assert item.findtext("guid").endswith(f"/?p={article.post_id}")


def test_the_pages_of_the_feed_join_and_end_with_404(feed):
    every = published_by(DAY)
    titles = [item.findtext("title") for page in (1, 2, 3) for item in items(feed(page))]
    assert titles == [article.title for article in every[:30]]
    last = -(-len(every) // 10)
    assert len(items(feed(last))) == len(every) - 10 * (last - 1)
    assert feed(last + 1).status_code == 404


def test_a_feed_can_hold_excerpts_where_the_whole_texts_belong(site, feed):
    whole = [item.findtext(CONTENT) for item in items(feed())]
    site.path_faults["/feed/"] = Fault(feed_excerpts=True)
    cut = [item.findtext(CONTENT) for item in items(feed())]
    assert any(text.endswith("[&#8230;]</p>\n") for text in cut)
    assert sum(map(len, cut)) < sum(map(len, whole))


def test_an_unchanged_feed_responds_304_and_a_changed_one_does_not(site, client, feed):
    tag = {"If-None-Match": feed().headers["ETag"]}
    since = {"If-Modified-Since": feed().headers["Last-Modified"]}
    for known in (tag, since):
        assert client.get(site.base_url + "feed/", headers=known, timeout=10).status_code == 304
    site.posts.add("A Late Story")
    for known in (tag, since):
        assert client.get(site.base_url + "feed/", headers=known, timeout=10).status_code == 200
