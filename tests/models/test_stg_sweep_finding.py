from tests.models.rows import posts_response

URL = "https://timesca.com/a-road/"
SWEEP = "2025/12/20251209T043000Z-{}-sweep.warc.gz"


def findings(given, *observations, status=404, listed=True):
    lists = [posts_response("list", 9, archive_file=SWEEP.format("timesca-posts"))] if listed else []
    page = posts_response(
        "page",
        9,
        source="timesca-articles",
        url=URL,
        http_status=status,
        page_kind="article" if status == 200 else None,
        archive_file=SWEEP.format("timesca-articles"),
    )
    warehouse = given(
        capture=[posts_response("posts", 5), *lists, page],
        article_observation=[
            {"capture_id": "posts", "title": "A Road", "url": URL, "post_id": 7},
            *observations,
        ],
    )
    return warehouse.rows(
        "select kind, capture_id, http_status, last_seen_at::date::varchar from staging.stg_sweep_finding"
    )


def test_a_deleted_page_is_a_finding_with_the_last_sighting_before_it(given):
    assert findings(given) == [("gone", "page", 404, "2025-12-05")]


def test_a_page_that_exists_and_is_not_listed_is_unlisted(given):
    own = {"capture_id": "page", "title": "A Road", "url": URL, "post_id": 7}
    assert findings(given, own, status=200) == [("unlisted", "page", 200, "2025-12-05")]


def test_without_a_list_a_page_that_exists_is_not_a_finding(given):
    own = {"capture_id": "page", "title": "A Road", "url": URL, "post_id": 7}
    assert findings(given, own, status=200, listed=False) == []


def test_an_article_that_the_list_shows_is_not_a_finding(given):
    assert findings(given, {"capture_id": "list", "title": "A Road", "url": URL, "post_id": 7}) == []


def test_a_page_that_leads_to_two_other_articles_is_one_finding(given):
    others = [
        {
            "capture_id": "page",
            "position": n,
            "title": f"Other {n}",
            "url": f"https://timesca.com/o-{n}/",
            "post_id": n,
        }
        for n in (8, 9)
    ]
    assert findings(given, *others, status=200) == [("gone", "page", 200, "2025-12-05")]
