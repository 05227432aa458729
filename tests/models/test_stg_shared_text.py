import pytest

from tests.models.rows import capture


def shared(given, articles, pairs=(), words=200, **columns):
    texts = ("t1", "t2")
    warehouse = given(
        capture=[capture("c1", 5)],
        article_observation=[
            {"position": number, "title": title, "text_id": text_id} | columns
            for number, (title, text_id) in enumerate(articles, start=1)
        ],
        article_text=[{"text_id": text_id, "text": f"Text {text_id}."} for text_id in texts],
        text_profile=[{"text_id": text_id, "words": words} for text_id in texts],
        text_pair=list(pairs),
    )
    return warehouse.rows(
        "select shared.text_id, title, article_number, first_number from staging.stg_shared_text as shared"
        " inner join main.fct_article using (article_id) order by all"
    )


def test_a_text_of_two_articles_is_listed_once_for_each_with_the_number_of_the_earliest(given):
    first, second = shared(given, [("A Road", "t1"), ("The Road Again", "t1")])
    assert {first[1], second[1]} == {"A Road", "The Road Again"}
    assert {first[2], second[2]} == {1, 2}
    assert (first[0], first[3], second[0], second[3]) == ("t1", 1, "t1", 1)


def test_near_duplicate_texts_are_listed_each_with_its_own_earliest_article(given):
    rows = shared(given, [("A Road", "t1"), ("A Bridge", "t2")], [{"text_id": "t1", "other_id": "t2"}])
    assert [(text_id, number == first) for text_id, _, number, first in rows] == [("t1", True), ("t2", True)]


@pytest.mark.parametrize("columns", [{"is_truncated": True}, {"words": 29}])
def test_truncated_and_short_texts_are_not_listed(given, columns):
    assert shared(given, [("A Road", "t1"), ("The Road Again", "t1")], **columns) == []


def test_a_text_of_one_article_is_not_listed(given):
    assert shared(given, [("A Road", "t1"), ("A Bridge", "t2")]) == []
