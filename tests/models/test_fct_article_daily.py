from datetime import date

from tests.models.rows import capture

ARTICLE = {"title": "A Kazakh Road", "text_id": "t1"}
TEXT = {"text_id": "t1", "text": "The road costs 5,000 tenge a metre."}


def test_articles_are_counted_by_day_and_main_country_and_those_without_one_too(given):
    warehouse = given(
        capture=[capture("c1", 5)],
        article_observation=[ARTICLE, ARTICLE | {"position": 2, "title": "A Road"}],
        article_text=[TEXT],
        text_country=[{"item": "title:A Kazakh Road"}],
    )
    assert warehouse.rows("from main.fct_article_daily order by country_code") == [
        (date(2025, 12, 5), "KZ", 1, 7),
        (date(2025, 12, 5), "ZZ", 1, 7),
    ]


def test_an_article_counts_on_the_day_of_its_publication_without_text_with_no_words(given):
    published = {"title": "A Road", "published_date": "2025-12-03"}
    warehouse = given(capture=[capture("c1", 5)], article_observation=[published])
    assert warehouse.rows("from main.fct_article_daily") == [(date(2025, 12, 3), "ZZ", 1, 0)]


def test_a_country_that_is_not_the_main_one_of_an_article_does_not_count_it(given):
    warehouse = given(
        capture=[capture("c1", 5)],
        article_observation=[ARTICLE],
        article_text=[TEXT],
        text_country=[{"item": "title:A Kazakh Road"}, {"item": "t1", "country_code": "AF", "mentions": 9}],
    )
    assert warehouse.rows("select country_code, articles from main.fct_article_daily") == [("KZ", 1)]
