from ca_etl.warehouse.sqlfiles import frontier_query
from tests.models.rows import capture

A, B, C = (f"https://timesca.com/{slug}/" for slug in ("a", "b", "c"))


def article(title, url, position, published="2025-12-01", **columns):
    return {
        "capture_id": "listing",
        "title": title,
        "url": url,
        "position": position,
        "published_date": published,
    } | columns


def order(given, articles, *pages, first="2025-11-01"):
    warehouse = given(capture=[capture("listing", 5), *pages], article_observation=articles)
    parameters = {"source": "timesca-articles", "first": first}
    rows = warehouse.con.execute(frontier_query("article_pages_to_refresh"), parameters).fetchall()
    return [url for (url,) in rows]


def page(capture_id, day, url):
    return capture(capture_id, day, source="timesca-articles", url=url, http_status=200, page_kind="article")


def test_the_page_that_was_requested_longest_ago_comes_first_and_before_it_those_never_requested(given):
    articles = [article("A", A, 1), article("B", B, 2), article("C", C, 3)]
    assert order(given, articles, page("p1", 9, A), page("p2", 7, B)) == [C, B, A]


def test_a_page_that_another_address_led_to_counts_as_read(given):
    articles = [article("A", A, 1), article("B", B, 2), article("A", A, 1, capture_id="p1")]
    assert order(given, articles, page("p1", 9, C), page("p2", 7, B)) == [B, A]


def test_articles_published_before_the_first_day_are_left_out(given):
    articles = [article("A", A, 1), article("B", B, 2, published="2025-10-31")]
    assert order(given, articles) == [A]


def test_an_article_without_an_address_is_left_out(given):
    assert order(given, [article("A", None, 1)]) == []
