import json
import threading
from datetime import date, datetime, timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser

from ca_etl.demo.content import SITE_ZONE, articles, published_by
from ca_etl.demo.faults import Fault
from ca_etl.demo.posts import default_snapshot

DAY = date(2025, 12, 5)


@pytest.fixture
def seen(site, client):
    """Where a slug is seen: in the API, the feed, the latest listing, and the status of its page."""

    def sources(slug):
        def text(path):
            return client.get(site.base_url + path, timeout=10).text

        response = client.get(site.base_url + "wp-json/wp/v2/posts", params={"slug": slug}, timeout=10)
        return (
            len(response.json()),
            f"/{slug}/</link>" in text("feed/"),
            f'/{slug}/" rel="bookmark">' in text("latest/"),
            client.get(f"{site.base_url}{slug}/", timeout=10).status_code,
        )

    return sources


def test_without_a_change_the_state_is_the_history_of_the_day(site):
    assert site.posts.snapshot(DAY) is default_snapshot(DAY)
    assert site.posts.snapshot(DAY).listed == published_by(DAY)


def test_a_new_article_is_everywhere_at_once(site, seen):
    article = site.posts.add("A Bridge for Osh", ("The bridge is open.",))
    assert article.slug == "a-bridge-for-osh"
    assert seen(article.slug) == (1, True, True, 200)
    assert article.post_id > max(known.post_id for known in published_by(DAY))
    assert article.post_id not in {known.post_id for known in articles()}


def test_a_second_article_of_the_same_title_gets_a_numbered_address(site, seen):
    first, second = site.posts.add("Snow in Naryn"), site.posts.add("Snow in Naryn")
    assert (first.slug, second.slug) == ("snow-in-naryn", "snow-in-naryn-2")
    assert seen(second.slug) == (1, True, True, 200)


def test_an_edit_shows_in_every_source_and_keeps_the_address(site, client):
    article = published_by(DAY)[0]
    edited = site.posts.edit(article.post_id, title="Another Title", paragraphs=("Another text.",))
    assert (edited.slug, edited.published_at) == (article.slug, article.published_at)
    assert edited.modified_at > article.modified_at
    post = client.get(f"{site.base_url}wp-json/wp/v2/posts/{article.post_id}", timeout=10).json()
    assert post["title"]["rendered"] == "Another Title"
    assert post["modified_gmt"] > post["date_gmt"]
    for path in ("feed/", "latest/", f"{article.slug}/"):
        text = client.get(site.base_url + path, timeout=10).text
        assert "Another Title" in text
        assert "Another text." in text
        assert article.title not in text
    assert edited.modified_at.isoformat() in text


def test_a_back_dated_article_moves_down_and_counts_as_modified(site, client, seen):
    article = published_by(DAY)[0]
    site.posts.edit(article.post_id, published_at=datetime(2025, 3, 1, 10, tzinfo=SITE_ZONE))
    assert seen(article.slug) == (1, False, False, 200)
    since = {"modified_after": datetime(2025, 12, 5, 6, tzinfo=SITE_ZONE).isoformat()}
    response = client.get(site.base_url + "wp-json/wp/v2/posts", params=since, timeout=10).json()
    assert [post["id"] for post in response] == [article.post_id]


def test_a_new_article_can_have_an_old_date(site, seen):
    article = site.posts.add("An Old Story", published_at=datetime(2024, 8, 1, 9, tzinfo=SITE_ZONE))
    assert seen(article.slug) == (1, False, False, 200)
    assert site.posts.snapshot(DAY).listed.index(article) > 100
    assert article.modified_at.date() == DAY


@pytest.mark.parametrize("status", [404, 410])
def test_a_deleted_article_is_removed_everywhere(site, client, seen, status):
    article = published_by(DAY)[0]
    site.posts.delete(article.post_id, status=status)
    assert seen(article.slug) == (0, False, False, status)
    assert client.get(f"{site.base_url}wp-json/wp/v2/posts/{article.post_id}", timeout=10).status_code == 404


def test_an_unlisted_article_has_its_page_and_nothing_else(site, seen):
    article = published_by(DAY)[0]
    site.posts.unlist(article.post_id)
    assert seen(article.slug) == (0, False, False, 200)


def test_what_is_not_up_yet_cannot_be_changed(site):
    tomorrow = next(article for article in articles() if article.published_at.date() > DAY)
    with pytest.raises(KeyError, match=f"no post {tomorrow.post_id} on 2025-12-05"):
        site.posts.delete(tomorrow.post_id)
    with pytest.raises(TypeError, match="subtitle"):
        site.posts.edit(published_by(DAY)[0].post_id, subtitle="x")


def test_changes_stay_when_another_day_is_shown_and_a_new_article_waits_for_its_day(site):
    article = site.posts.add("A Story of Today")
    site.play(DAY - timedelta(days=1))
    assert article not in site.posts.snapshot(site.day).listed
    site.play(DAY + timedelta(days=1))
    assert article in site.posts.snapshot(site.day).listed


def test_a_hook_can_change_the_posts_between_two_requests(site, client):
    def add_on_the_second_page(request):
        if "page=2" in request.path:
            site.posts.add("Between Two Pages")

    site.before_response = add_on_the_second_page
    url = site.base_url + "wp-json/wp/v2/posts"
    first = client.get(url, timeout=10)
    second = client.get(url, params={"page": 2}, timeout=10)
    assert int(second.headers["X-WP-Total"]) == int(first.headers["X-WP-Total"]) + 1
    assert second.json()[0]["id"] == first.json()[-1]["id"]


def test_many_threads_add_articles_with_numbers_and_addresses_of_their_own(site):
    threads = [threading.Thread(target=site.posts.add, args=("One Title",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    added = [article for article in site.posts.snapshot(DAY).listed if article.title == "One Title"]
    assert len({article.post_id for article in added}) == 12
    assert len({article.slug for article in added}) == 12


def test_broken_linked_data_leaves_the_rest_of_the_page(site, client):
    url = f"{site.base_url}{published_by(DAY)[0].slug}/"
    whole = client.get(url, timeout=10).text
    site.faults[DAY] = Fault(broken_linked_data=True)
    broken = client.get(url, timeout=10).text
    script = LexborHTMLParser(broken).css_first('script[type="application/ld+json"]').text()
    with pytest.raises(json.JSONDecodeError):
        json.loads(script)
    assert broken.partition("</head>")[2] == whole.partition("</head>")[2]
