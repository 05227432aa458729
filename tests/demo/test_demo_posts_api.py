from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.demo.content import SITE_ZONE, articles, published_by
from ca_etl.demo.faults import Fault
from ca_etl.demo.posts import default_shelf
from ca_etl.demo.wordpress import reply

DAY = date(2025, 12, 5)
POSTS = "wp-json/wp/v2/posts"
BASE = "http://127.0.0.1:8808/"


@pytest.fixture
def ask(site, client):
    """The answer of the posts API to some parameters."""
    return lambda **params: client.get(site.base_url + POSTS, params=params, timeout=10)


def ids(answer):
    return [post["id"] for post in answer.json()]


def asked(query):
    return reply("/wp-json/wp/v2/posts", query, default_shelf(DAY), BASE)


def test_the_newest_ten_posts_come_first_with_the_totals_in_the_headers(ask):
    answer = ask()
    assert ids(answer) == [article.post_id for article in published_by(DAY)[:10]]
    assert answer.headers["X-WP-Total"] == str(len(published_by(DAY)))
    assert answer.headers["X-WP-TotalPages"] == str(-(-len(published_by(DAY)) // 10))
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"


def test_a_head_request_has_the_totals_without_a_body(site, client, ask):
    answer = client.head(site.base_url + POSTS, timeout=10)
    assert answer.content == b""
    assert answer.headers["X-WP-Total"] == ask().headers["X-WP-Total"]


def test_the_pages_by_rising_id_give_every_post_once_and_end_with_an_error(ask):
    params = {"orderby": "id", "order": "asc", "per_page": 100}
    first = ask(**params)
    pages = int(first.headers["X-WP-TotalPages"])
    found = [number for page in range(1, pages + 1) for number in ids(ask(**params, page=page))]
    assert found == sorted(article.post_id for article in published_by(DAY))
    past = ask(**params, page=pages + 1)
    assert (past.status_code, past.json()["code"]) == (400, "rest_post_invalid_page_number")
    assert 'rel="next"' in first.headers["Link"]
    assert 'rel="next"' not in ask(**params, page=pages).headers["Link"]


@pytest.mark.parametrize(
    "query",
    ["per_page=101", "per_page=0", "per_page=x", "page=0", "order=up", "orderby=luck", "after=yesterday"],
)
def test_a_parameter_out_of_bounds_is_an_error(query):
    said = asked(query)
    assert (said.status, said.value["code"]) == (400, "rest_invalid_param")


def test_an_offset_wins_over_a_page_and_past_the_end_is_empty():
    assert asked("offset=3&page=40").value[0]["id"] == published_by(DAY)[3].post_id
    past = asked("offset=100000")
    assert (past.status, past.value) == (200, [])


def test_bounds_are_strict_and_a_bound_without_offset_is_the_time_of_the_site():
    article = published_by(DAY)[5]
    utc = article.published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    local = article.published_at.replace(tzinfo=None).isoformat()
    earlier = (article.published_at - timedelta(seconds=1)).replace(tzinfo=None).isoformat()
    newer = [other.post_id for other in published_by(DAY)[:5]]
    assert [post["id"] for post in asked(f"after={utc}").value] == newer
    assert [post["id"] for post in asked(f"after={local}").value] == newer
    assert [post["id"] for post in asked(f"after={earlier}").value] == [*newer, article.post_id]
    assert article.post_id not in [post["id"] for post in asked(f"before={utc}&per_page=100").value]
    assert [post["id"] for post in asked(f"modified_after={utc}").value] == newer


def test_include_and_slug_choose_posts():
    one, two = published_by(DAY)[7], published_by(DAY)[30]
    assert {post["id"] for post in asked(f"include={one.post_id},{two.post_id}").value} == {
        one.post_id,
        two.post_id,
    }
    assert {post["id"] for post in asked(f"include[]={one.post_id}&include[]={two.post_id}").value} == {
        one.post_id,
        two.post_id,
    }
    assert [post["id"] for post in asked(f"slug={one.slug}").value] == [one.post_id]


def test_local_times_have_no_offset_and_gmt_times_no_z():
    article = published_by(DAY)[0]
    post = asked("per_page=1").value[0]
    assert post["date"] == article.published_at.replace(tzinfo=None).isoformat()
    assert datetime.fromisoformat(post["date"]) - datetime.fromisoformat(post["date_gmt"]) == timedelta(
        hours=5
    )


def test_titles_and_texts_carry_entities_and_an_excerpt_ends_in_an_ellipsis():
    posts = [post for n in range(1, 4) for post in asked(f"per_page=100&page={n}").value]
    assert any("&#8217;" in post["content"]["rendered"] for post in posts)
    assert not any("\u2019" in post["content"]["rendered"] for post in posts)
    assert any(post["excerpt"]["rendered"].endswith("[&hellip;]</p>\n") for post in posts)
    assert any("<figure " in post["content"]["rendered"] for post in posts)
    assert posts[0]["guid"]["rendered"] == f"{BASE}?p={posts[0]['id']}"


def test_fields_trim_the_response_and_keep_what_is_embedded_only_where_it_is_named():
    assert asked("_fields=id,title.rendered&per_page=1").value[0].keys() == {"id", "title"}
    assert "_embedded" not in asked("per_page=1").value[0]
    assert "_embedded" not in asked("_embed=author&_fields=id&per_page=1").value[0]
    both = asked("_embed=author,wp:term&_fields=id,_links,_embedded&per_page=1").value[0]
    assert both.keys() == {"id", "_links", "_embedded"}
    assert both["_embedded"].keys() == {"author", "wp:term"}


def test_a_hidden_author_is_embedded_as_an_error(site, ask):
    name = published_by(DAY)[0].author
    assert ask(_embed="author").json()[0]["_embedded"]["author"][0]["name"] == name
    site.posts.hide_author(name)
    assert ask(_embed="author").json()[0]["_embedded"]["author"][0]["code"] == "rest_user_invalid_id"


def test_a_page_is_short_where_the_visitor_may_not_read_a_post_and_continues_after_it(site, ask):
    before = ask().headers["X-WP-Total"]
    site.posts.make_unreadable(published_by(DAY)[2].post_id)
    answer = ask()
    assert len(answer.json()) == 9
    assert answer.headers["X-WP-Total"] == before
    assert len(ask(page=2).json()) == 10


def test_one_post_is_served_by_its_number_and_an_unknown_one_is_404(site, client):
    article = published_by(DAY)[0]
    found = client.get(f"{site.base_url}{POSTS}/{article.post_id}", timeout=10)
    assert found.json()["slug"] == article.slug
    missing = client.get(f"{site.base_url}{POSTS}/1", timeout=10)
    assert (missing.status_code, missing.json()["code"]) == (404, "rest_post_invalid_id")


def test_the_index_names_the_zone_of_the_site(site, client):
    index = client.get(site.base_url + "wp-json/", timeout=10).json()
    assert (index["gmt_offset"], index["timezone_string"]) == ("5", "Asia/Almaty")


def test_plain_permalinks_reach_the_api_and_a_guid_leads_to_its_article(site, client, ask):
    plain = client.get(site.base_url, params={"rest_route": "/wp/v2/posts"}, timeout=10)
    assert plain.json() == ask().json()
    article = published_by(DAY)[0]
    guid = client.get(f"{site.base_url}?p={article.post_id}", allow_redirects=False, timeout=10)
    assert (guid.status_code, guid.headers["Location"]) == (301, f"{site.base_url}{article.slug}/")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "rest_not_logged_in"), (403, "rest_forbidden"), (404, "rest_no_route")]
)
def test_an_unavailable_api_responds_in_json_and_the_pages_stay(site, client, ask, status, code):
    site.path_faults["/wp-json/*"] = Fault(status=status)
    assert (ask().status_code, ask().json()["code"]) == (status, code)
    assert client.get(site.base_url + "latest/", timeout=10).status_code == 200


@pytest.mark.parametrize(("status", "seen"), [(403, 403), (None, 200)])
def test_a_firewall_responds_in_html(site, ask, status, seen):
    site.faults[DAY] = Fault(status=status, waf_page=True, paths=frozenset({"/wp-json/*"}))
    answer = ask()
    assert (answer.status_code, answer.headers["Content-Type"]) == (seen, "text/html; charset=UTF-8")
    assert answer.text.startswith("<!DOCTYPE html>")


@given(query=st.text(max_size=60), path=st.text(max_size=20))
def test_no_request_breaks_the_api(query, path):
    said = reply(f"/wp-json/{path}", query, default_shelf(DAY), BASE)
    assert said.status in {200, 400, 401, 404}
    assert asked(query).status in {200, 400}


def test_an_article_of_the_evening_before_belongs_to_the_day_of_the_site():
    late = next(a for a in articles() if a.published_at.astimezone(UTC).date() != a.published_at.date())
    assert late.published_at.tzinfo == SITE_ZONE
