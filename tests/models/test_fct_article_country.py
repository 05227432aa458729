from tests.models.rows import capture


def countries(given, *rows):
    """Country, mentions, whether the title names it and whether it is the main one, by country."""
    warehouse = given(
        capture=[capture("c1", 5)],
        article_observation=[{"title": "A Kazakh Road", "text_id": "t1"}],
        article_text=[{"text_id": "t1", "text": "The road costs 5,000 tenge a metre."}],
        text_country=list(rows),
    )
    return warehouse.rows(
        "select country_code, mentions, in_title, is_main from main.fct_article_country order by 1"
    )


def test_the_countries_of_an_article_are_those_of_its_title_and_its_text(given):
    assert countries(
        given,
        {"item": "t1", "country_code": "AF", "mentions": 9},
        {"item": "t1", "country_code": "KZ", "mentions": 2},
        {"item": "title:A Kazakh Road", "country_code": "KZ"},
    ) == [("AF", 9, False, False), ("KZ", 2, True, True)]


def test_without_one_in_the_title_the_most_mentioned_is_the_main_one_of_equals_the_first_by_code(given):
    assert countries(
        given,
        {"item": "t1", "country_code": "UZ", "mentions": 2},
        {"item": "t1", "country_code": "KG", "mentions": 2},
        {"item": "t1", "country_code": "AF", "mentions": 1},
    ) == [("AF", 1, False, False), ("KG", 2, False, True), ("UZ", 2, False, False)]


def test_a_country_that_the_title_alone_names_has_no_mention(given):
    assert countries(given, {"item": "title:A Kazakh Road", "country_code": "KZ"}) == [("KZ", 0, True, True)]


def test_countries_of_another_text_are_not_listed(given):
    assert countries(given, {"item": "t2", "country_code": "KZ"}) == []
