from ca_etl.warehouse.sqlfiles import frontier_query
from tests.models.rows import capture

WHOLE = {
    "title": "A Road",
    "url": "https://timesca.com/a-road/",
    "text_id": "t1",
    "author": "Orzu Example",
    "published_at": "2025-12-04 09:00:00+00",
}


def urls(given, *, observation=(), **columns):
    warehouse = given(
        capture=[capture("c1", 5, **columns)],
        article_observation=[WHOLE | observation] if observation is not None else [],
        article_text=[{"text_id": "t1", "text": "One two."}],
    )
    return [url for (url,) in warehouse.rows(frontier_query("read_article_pages"))]


def test_an_article_that_is_known_whole_needs_no_request(given):
    assert urls(given, observation={}) == ["https://timesca.com/a-road/"]


def test_an_article_without_author_time_or_whole_text_needs_a_request(given):
    assert urls(given, observation={"author": None}) == []
    assert urls(given, observation={"published_at": None}) == []
    assert urls(given, observation={"is_truncated": True}) == []


def test_a_page_that_was_read_needs_no_request_whatever_it_showed(given):
    url = "https://timesca.com/a-bridge/"
    read = {"url": url, "page_kind": "article", "http_status": 200}
    assert urls(given, observation=None, **read) == [url]
    assert urls(given, observation=None, **read | {"http_status": 404}) == []
