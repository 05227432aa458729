"""What one response is: each capture is classified once, when it is parsed."""

from __future__ import annotations

import json

import pytest

API = "https://timesca.com/wp-json/wp/v2/posts"
POST = {
    "id": 7,
    "link": "https://timesca.com/a-road/",
    "title": {"rendered": "A Road"},
    "content": {"rendered": "<p>Text.</p>"},
}


def class_of(rows, payload, **known):
    return rows(payload, **known).capture[0]["response_class"]


def test_a_page_of_any_kind_is_a_page(rows, listing):
    assert class_of(rows, listing.encode()) == "page"
    assert class_of(rows, b"<html><body><p>Our team.</p></body></html>", http_status=200) == "page"
    assert class_of(rows, json.dumps([POST]).encode(), url=API, http_status=200) == "page"


@pytest.mark.parametrize("status", [200, 304])
def test_a_body_of_an_earlier_capture_is_unchanged(rows, listing, status):
    assert class_of(rows, listing.encode(), http_status=status, refers_to="urn:uuid:0") == "unchanged"


@pytest.mark.parametrize("status", [404, 410])
def test_only_the_page_of_an_article_is_deleted(rows, status):
    assert class_of(rows, b"<p>Not here", http_status=status, source="timesca-articles") == "deleted"
    assert class_of(rows, b"<p>Not here", http_status=status, source="timesca") == "error"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410, 451])
@pytest.mark.parametrize("source", ["timesca-posts", "timesca-feed"])
def test_an_api_or_a_feed_that_refuses_is_unavailable(rows, source, status):
    assert class_of(rows, b"No.", http_status=status, source=source, url=API) == "unavailable"
    assert class_of(rows, b"No.", http_status=status, source="timesca") == "error"


@pytest.mark.parametrize("source", ["timesca", "timesca-articles", "timesca-posts", "timesca-feed"])
def test_a_bad_day_of_the_site_is_an_error(rows, source):
    for status in (429, 500, 503):
        assert class_of(rows, b"Busy.", http_status=status, source=source, url=API) == "error"


def test_what_cannot_be_read_is_an_error(rows):
    assert class_of(rows, b"\x89PNG\r\n\x1a\n" + bytes(100), http_status=200) == "error"
    assert class_of(rows, b"[{", url=API, http_status=200, source="timesca-posts") == "error"
    assert class_of(rows, b"<html>Access denied", url=API, http_status=200, source="timesca-posts") == "error"
    assert class_of(rows, b"", http_status=304) == "error"


def test_an_answer_that_counts_no_post_is_a_page(rows):
    assert class_of(rows, b"[]", url=API, http_status=200, total=0, source="timesca-posts") == "page"
