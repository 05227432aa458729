import pytest

SLOT = {"schedule": "daily", "slot": "2025-12-05 02:00:00+00", "day": "2025-12-05", "outcome": "observed"}


def counts(given, source: str, *captures, **tables):
    """The one row of a slot of `source` that made these captures."""
    warehouse = given(
        archive_file=[{"archive_file": "f", "source": source, "schedule": "daily", "slot": SLOT["slot"]}],
        capture=[
            {"source": source, "archive_file": "f", "captured_date": "2025-12-05", "archive_offset": number}
            | capture
            for number, capture in enumerate(captures)
        ],
        slot=[SLOT | {"source": source}],
        **tables,
    )
    return warehouse.row(
        "select responses, articles, articles_with_title, articles_loaded, items_rejected, reject_reasons,"
        " pages_with_count, articles_not_shown from staging.stg_slot_article_count"
    )


def test_a_post_counts_once_in_a_slot_and_a_position_on_a_page_every_time(given):
    shown = [
        {"capture_id": "c1", "title": "Road", "post_id": 1},
        {"capture_id": "c2", "title": "Road", "post_id": 1},
        {"capture_id": "c2", "position": 2, "title": "Bridge", "post_id": 2},
    ]
    pages = ({}, {"capture_id": "c2"})
    for_machines = [page | {"page_kind": "posts_api"} for page in pages]
    assert counts(given, "timesca-posts", *for_machines, article_observation=shown)[:4] == (2, 2, 2, 2)
    listings = [page | {"page_kind": "listing"} for page in pages]
    assert counts(given, "timesca", *listings, article_observation=shown)[:4] == (0, 3, 3, 3)


def test_a_response_that_a_parser_read_as_something_else_than_a_page_counts(given):
    assert counts(given, "a-bank", {}, {"capture_id": "c2", "http_status": 503})[0] == 1


def test_an_article_without_a_title_is_counted_and_not_loaded(given):
    row = counts(
        given, "timesca", {}, article_observation=[{"url": "/road/"}, {"position": 2, "title": "Bridge"}]
    )
    assert row[1:4] == (2, 1, 1)


def test_articles_of_an_excluded_capture_are_not_loaded_and_it_is_not_a_response(given):
    row = counts(
        given,
        "timesca-articles",
        {"page_kind": "article"},
        article_observation=[{"title": "Road"}],
        decision=[{"decision": "exclude"}],
    )
    assert row[:4] == (0, 1, 1, 0)


@pytest.mark.parametrize(
    ("capture", "responses"),
    [
        ({"page_kind": "article", "http_status": 200}, 1),
        ({"http_status": 404}, 1),
        ({"http_status": 500}, 0),
        ({"page_kind": "home", "http_status": 200}, 0),
    ],
)
def test_the_page_of_an_article_is_a_response_and_so_is_a_deleted_one(given, capture, responses):
    assert counts(given, "timesca-articles", capture)[0] == responses


def test_items_that_could_not_be_read_count_once_for_each_query(given):
    query = "https://timesca.com/wp-json/wp/v2/posts?after=2025-12-04"
    bad = {"reason": "bad_json", "excerpt": "{"}
    row = counts(
        given,
        "timesca-posts",
        {"page_kind": "posts_api", "url": query},
        {"page_kind": "posts_api", "capture_id": "c2", "url": f"{query}&offset=9"},
        reject=[
            bad,
            bad | {"capture_id": "c2"},
            bad | {"position": 1, "reason": "too_large", "excerpt": "x"},
        ],
    )
    assert row[4:6] == (2, "bad_json, too_large")


def test_a_page_that_states_more_articles_than_it_shows_lacks_some(given):
    row = counts(
        given,
        "timesca",
        {"shown_from": 1, "shown_to": 6, "shown_total": 4, "articles_parsed": 3},
        {"capture_id": "c2", "articles_parsed": 2},
    )
    assert row[6:] == (1, 1)
