from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.demo.content import SITE_ZONE, articles, published_by
from ca_etl.demo.faults import Fault
from ca_etl.demo.posts import default_snapshot
from ca_etl.demo.wordpress import reply

DAY = date(2025, 12, 5)
POSTS = "wp-json/wp/v2/posts"
BASE = "http://127.0.0.1:8808/"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


@pytest.fixture
def get_posts(site, client):
    """The response of the posts API to some parameters."""
    return lambda **params: client.get(site.base_url + POSTS, params=params, timeout=10)


def ids(response):
    return [post["id"] for post in response.json()]


def reply_to(query):
    return reply("/wp-json/wp/v2/posts", query, default_snapshot(DAY), BASE)


def test_the_newest_ten_posts_come_first_with_the_totals_in_the_headers(get_posts):
    response = get_posts()
    assert ids(response) == [article.post_id for article in published_by(DAY)[:10]]
    assert response.headers["X-WP-Total"] == str(len(published_by(DAY)))
    assert response.headers["X-WP-TotalPages"] == str(-(-len(published_by(DAY)) // 10))
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_a_head_request_has_the_totals_without_a_body(site, client, get_posts):
    response = client.head(site.base_url + POSTS, timeout=10)
    assert response.content == b""
    assert response.headers["X-WP-Total"] == get_posts().headers["X-WP-Total"]


def test_the_pages_by_rising_id_give_every_post_once_and_end_with_an_error(get_posts):
    params = {"orderby": "id", "order": "asc", "per_page": 100}
    first = get_posts(**params)
    pages = int(first.headers["X-WP-TotalPages"])
    numbers = [number for page in range(1, pages + 1) for number in ids(get_posts(**params, page=page))]
    assert numbers == sorted(article.post_id for article in published_by(DAY))
    past = get_posts(**params, page=pages + 1)
    assert (past.status_code, past.json()["code"]) == (400, "rest_post_invalid_page_number")
    assert 'rel="next"' in first.headers["Link"]
    assert 'rel="next"' not in get_posts(**params, page=pages).headers["Link"]


@pytest.mark.parametrize(
    "query",
    ["per_page=101", "per_page=0", "per_page=x", "page=0", "order=up", "orderby=luck", "after=yesterday"],
)
def test_a_parameter_out_of_bounds_is_an_error(query):
    response = reply_to(query)
    assert (response.status, response.value["code"]) == (400, "rest_invalid_param")


def test_an_offset_wins_over_a_page_and_past_the_end_is_empty():
    assert reply_to("offset=3&page=40").value[0]["id"] == published_by(DAY)[3].post_id
    past = reply_to("offset=100000")
    assert (past.status, past.value) == (200, [])


def test_bounds_are_strict_and_a_bound_without_offset_is_the_time_of_the_site():
    article = published_by(DAY)[5]
    utc = article.published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    local = article.published_at.replace(tzinfo=None).isoformat()
    earlier = (article.published_at - timedelta(seconds=1)).replace(tzinfo=None).isoformat()
    newer = [other.post_id for other in published_by(DAY)[:5]]
    assert [post["id"] for post in reply_to(f"after={utc}").value] == newer
    assert [post["id"] for post in reply_to(f"after={local}").value] == newer
    assert [post["id"] for post in reply_to(f"after={earlier}").value] == [*newer, article.post_id]
    assert article.post_id not in [post["id"] for post in reply_to(f"before={utc}&per_page=100").value]
    assert [post["id"] for post in reply_to(f"modified_after={utc}").value] == newer


def test_include_and_slug_choose_posts():
    one, two = published_by(DAY)[7], published_by(DAY)[30]
    assert {post["id"] for post in reply_to(f"include={one.post_id},{two.post_id}").value} == {
        one.post_id,
        two.post_id,
    }
    assert {post["id"] for post in reply_to(f"include[]={one.post_id}&include[]={two.post_id}").value} == {
        one.post_id,
        two.post_id,
    }
    assert [post["id"] for post in reply_to(f"slug={one.slug}").value] == [one.post_id]


def test_local_times_have_no_offset_and_gmt_times_no_z():
    article = published_by(DAY)[0]
    post = reply_to("per_page=1").value[0]
    assert post["date"] == article.published_at.replace(tzinfo=None).isoformat()
    assert datetime.fromisoformat(post["date"]) - datetime.fromisoformat(post["date_gmt"]) == timedelta(
        hours=5
    )


def test_titles_and_texts_carry_entities_and_an_excerpt_ends_in_an_ellipsis():
    posts = [post for n in range(1, 4) for post in reply_to(f"per_page=100&page={n}").value]
    assert any("&#8217;" in post["content"]["rendered"] for post in posts)
    assert not any("\u2019" in post["content"]["rendered"] for post in posts)
    assert any(post["excerpt"]["rendered"].endswith("[&hellip;]</p>\n") for post in posts)
    assert any("<figure " in post["content"]["rendered"] for post in posts)
    assert posts[0]["guid"]["rendered"] == f"{BASE}?p={posts[0]['id']}"


def test_fields_trim_the_response_and_keep_what_is_embedded_only_where_it_is_named():
    assert reply_to("_fields=id,title.rendered&per_page=1").value[0].keys() == {"id", "title"}
    assert "_embedded" not in reply_to("per_page=1").value[0]
    assert "_embedded" not in reply_to("_embed=author&_fields=id&per_page=1").value[0]
    both = reply_to("_embed=author,wp:term&_fields=id,_links,_embedded&per_page=1").value[0]
    assert both.keys() == {"id", "_links", "_embedded"}
    assert both["_embedded"].keys() == {"author", "wp:term"}


def test_a_hidden_author_is_embedded_as_an_error(site, get_posts):
    name = published_by(DAY)[0].author
    assert get_posts(_embed="author").json()[0]["_embedded"]["author"][0]["name"] == name
    site.posts.hide_author(name)
    assert get_posts(_embed="author").json()[0]["_embedded"]["author"][0]["code"] == "rest_user_invalid_id"


def test_a_page_is_short_where_the_visitor_may_not_read_a_post_and_continues_after_it(site, get_posts):
    before = get_posts().headers["X-WP-Total"]
    site.posts.make_unreadable(published_by(DAY)[2].post_id)
    response = get_posts()
    assert len(response.json()) == 9
    assert response.headers["X-WP-Total"] == before
    assert len(get_posts(page=2).json()) == 10


def test_one_post_is_served_by_its_number_and_an_unknown_one_is_404(site, client):
    article = published_by(DAY)[0]
    response = client.get(f"{site.base_url}{POSTS}/{article.post_id}", timeout=10)
    assert response.json()["slug"] == article.slug
    missing = client.get(f"{site.base_url}{POSTS}/1", timeout=10)
    assert (missing.status_code, missing.json()["code"]) == (404, "rest_post_invalid_id")


def test_the_index_names_the_zone_of_the_site(site, client):
    index = client.get(site.base_url + "wp-json/", timeout=10).json()
    assert (index["gmt_offset"], index["timezone_string"]) == ("5", "Asia/Almaty")


def test_plain_permalinks_reach_the_api_and_a_guid_leads_to_its_article(site, client, get_posts):
    plain = client.get(site.base_url, params={"rest_route": "/wp/v2/posts"}, timeout=10)
    assert plain.json() == get_posts().json()
    article = published_by(DAY)[0]
    guid = client.get(f"{site.base_url}?p={article.post_id}", allow_redirects=False, timeout=10)
    assert (guid.status_code, guid.headers["Location"]) == (301, f"{site.base_url}{article.slug}/")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "rest_not_logged_in"), (403, "rest_forbidden"), (404, "rest_no_route")]
)
def test_an_unavailable_api_responds_in_json_and_the_pages_stay(site, client, get_posts, status, code):
    site.path_faults["/wp-json/*"] = Fault(status=status)
    assert (get_posts().status_code, get_posts().json()["code"]) == (status, code)
    assert client.get(site.base_url + "latest/", timeout=10).status_code == 200


@pytest.mark.parametrize(("status", "seen"), [(403, 403), (None, 200)])
def test_a_firewall_responds_in_html(site, get_posts, status, seen):
    site.faults[DAY] = Fault(status=status, waf_page=True, paths=frozenset({"/wp-json/*"}))
    response = get_posts()
    assert (response.status_code, response.headers["Content-Type"]) == (seen, "text/html; charset=UTF-8")
    assert response.text.startswith("<!DOCTYPE html>")


@given(query=st.text(max_size=60), path=st.text(max_size=20))
def test_no_request_breaks_the_api(query, path):
    response = reply(f"/wp-json/{path}", query, default_snapshot(DAY), BASE)
    assert response.status in {200, 400, 401, 404}
    assert reply_to(query).status in {200, 400}


def test_an_article_of_the_evening_before_belongs_to_the_day_of_the_site():
    late = next(a for a in articles() if a.published_at.astimezone(UTC).date() != a.published_at.date())
    assert late.published_at.tzinfo == SITE_ZONE


@pytest.fixture
def feed(site, client):
    return lambda page=None: client.get(
        site.base_url + "feed/", params={"paged": page} if page else {}, timeout=10
    )


def items(response):
    return ET.fromstring(response.content).findall("channel/item")  # noqa: S314  the demo's own feed


def test_the_feed_holds_the_ten_newest_articles_with_their_whole_texts(feed):
    response = feed()
    assert response.headers["Content-Type"] == "application/rss+xml; charset=UTF-8"
    assert [item.findtext("title") for item in items(response)] == [a.title for a in published_by(DAY)[:10]]
    for item, article in zip(items(response), published_by(DAY), strict=False):
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
