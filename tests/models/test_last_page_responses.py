from ca_etl.warehouse.sqlfiles import frontier_query
from tests.models.rows import capture

A, B = "https://timesca.com/a/", "https://timesca.com/b/"


def responses(given, *pages):
    warehouse = given(
        capture=[capture("listing", 5), *pages],
        article_observation=[
            {"capture_id": "listing", "position": 1, "title": "A", "url": A},
            {"capture_id": "listing", "position": 2, "title": "B", "url": B},
        ],
    )
    query = frontier_query("last_page_responses")
    return warehouse.con.execute(query, {"source": "timesca-articles"}).fetchall()


def page(capture_id, day, url, status):
    return capture(capture_id, day, source="timesca-articles", url=url, http_status=status)


def test_the_last_response_of_each_page_is_given_the_oldest_request_first(given):
    pages = [page("p1", 6, A, 200), page("p2", 9, A, 404), page("p3", 8, B, 200)]
    assert responses(given, *pages) == [(B, False), (A, True)]


def test_an_article_whose_page_was_never_requested_is_left_out(given):
    assert responses(given, page("p1", 6, A, 200)) == [(A, False)]
