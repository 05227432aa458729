QUERY = "https://timesca.com/wp-json/wp/v2/posts?per_page=100"
SLOT = "2025-12-05 02:00:00+00"


def response(capture_id: str, query: str, total: int | None, **columns):
    return {
        "capture_id": capture_id,
        "source": "timesca-posts",
        "archive_file": "f",
        "page_kind": "posts_api",
        "url": f"{QUERY}{query}",
        "shown_total": total,
        "captured_at": "2025-12-05 02:00:10+00",
    } | columns


def post(capture_id: str, number: int, **columns):
    return {
        "capture_id": capture_id,
        "position": number,
        "post_id": number,
        "title": f"Road {number}",
    } | columns


def totals(given, **tables):
    warehouse = given(
        archive_file=[{"archive_file": "f", "source": "timesca-posts", "schedule": "daily", "slot": SLOT}],
        slot=[{"source": "timesca-posts", "slot": SLOT, "day": "2025-12-05", "outcome": "observed"}],
        **tables,
    )
    return warehouse.rows(
        f"select replace(query, '{QUERY}', ''), posts_total, posts_shown, items_rejected, posts_hidden"
        " from staging.stg_posts_query_total order by 1"
    )


def test_the_pages_of_a_query_are_one_and_the_latest_total_counts(given):
    assert totals(
        given,
        capture=[
            response("c1", "&after=2025-12-04", 4),
            response("c2", "&offset=1&after=2025-12-04", 3, captured_at="2025-12-05 02:00:20+00"),
        ],
        article_observation=[post("c1", 1), post("c2", 1), post("c2", 2)],
    ) == [("&after=2025-12-04", 3, 2, 0, 1)]


def test_a_post_that_another_query_of_the_slot_shows_counts_where_it_matches(given):
    assert totals(
        given,
        capture=[
            response("c1", "&modified_after=2025-12-04T00:00:00Z", 2),
            response("c2", "&modified_after=2025-12-05T01:00:00Z", 1),
        ],
        article_observation=[
            post("c1", 1, modified_at="2025-12-04 08:00:00+00"),
            post("c2", 2, modified_at="2025-12-05 02:00:10+00"),
        ],
    ) == [
        ("&modified_after=2025-12-04T00:00:00Z", 2, 2, 0, 0),
        ("&modified_after=2025-12-05T01:00:00Z", 1, 1, 0, 0),
    ]


def test_a_post_of_another_time_of_publication_does_not_match(given):
    shown = [
        post("c1", 1, published_at="2025-12-04 08:00:00+00"),
        post("c2", 2, published_at="2025-11-04 08:00:00+00"),
    ]
    rows = totals(
        given,
        capture=[
            response("c1", "&after=2025-12-04T00:00:00Z&before=2025-12-05T00:00:00Z", 2),
            response("c2", "", 2),
        ],
        article_observation=shown,
    )
    assert rows == [
        ("", 2, 2, 0, 0),
        ("&after=2025-12-04T00:00:00Z&before=2025-12-05T00:00:00Z", 2, 1, 0, 1),
    ]


def test_an_item_that_could_not_be_read_is_not_hidden(given):
    assert totals(
        given,
        capture=[response("c1", "", 2)],
        article_observation=[post("c1", 1)],
        reject=[{"reason": "bad_json", "excerpt": "{"}],
    ) == [("", 2, 1, 1, 0)]


def test_a_query_without_a_total_is_not_here(given):
    assert totals(given, capture=[response("c1", "", None)], article_observation=[post("c1", 1)]) == []
