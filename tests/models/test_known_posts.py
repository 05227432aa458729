from ca_etl.warehouse.sqlfiles import frontier_query
from tests.models.rows import capture

FIRST, LAST = "2025-12-01 00:00:00+00", "2025-12-08 00:00:00+00"


def post(post_id, published_day=5, **columns):
    return {
        "capture_id": "posts",
        "position": post_id,
        "post_id": post_id,
        "title": f"Post {post_id}",
        "url": f"https://timesca.com/post-{post_id}/",
        "published_at": f"2025-12-{published_day:02} 09:00:00+00",
    } | columns


def known(given, *posts, captures=()):
    warehouse = given(
        capture=[
            capture("posts", 6, page_date=None, source="timesca-posts", page_kind="posts_api"),
            *captures,
        ],
        article_observation=list(posts),
    )
    rows = warehouse.con.execute(frontier_query("known_posts"), {"first": FIRST, "last": LAST}).fetchall()
    return [(post_id, is_new) for post_id, _, is_new in rows]


def test_posts_of_the_range_are_known_the_oldest_first(given):
    assert known(given, post(1, 6), post(2, 5), post(3, 9)) == [(2, True), (1, True)]


def test_an_article_without_post_or_address_is_left_out(given):
    assert known(given, post(1) | {"post_id": None}, post(2, url=None)) == []


def sweep(capture_id, day, post_id, status):
    return capture(
        capture_id,
        day,
        page_date=None,
        source="timesca-articles",
        url=f"https://timesca.com/post-{post_id}/",
        http_status=status,
        page_kind="article" if status == 200 else None,
        archive_file=f"2025/12/202512{day:02}T050000Z-timesca-articles-sweep.warc.gz",
    )


def test_a_post_that_a_sweep_found_deleted_is_left_out(given):
    assert known(given, post(1), post(2), captures=[sweep("s1", 7, 1, 404)]) == [(2, True)]
