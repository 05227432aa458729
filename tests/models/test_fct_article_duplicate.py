from decimal import Decimal

import pytest

from tests.models.rows import capture

NEAR = {"shared_runs": 9, "runs": 10, "names_apart": 0}


CAPTURES = [capture("c1", 5), capture("c2", 6), capture("c3", 7)]


def article(title, text_id, day=1, position=1, **columns):
    return {"capture_id": f"c{day}", "position": position, "title": title, "text_id": text_id} | columns


def with_pairs(given, articles, pairs=(), **profile):
    texts = sorted(
        {article["text_id"] for article in articles} | {pair.get("other_id", "t2") for pair in pairs}
    )
    return given(
        capture=CAPTURES,
        article_observation=articles,
        article_text=[{"text_id": text_id, "text": f"Text {text_id}."} for text_id in texts],
        text_profile=[{"text_id": text_id} | profile for text_id in texts],
        text_pair=list(pairs),
    )


def originals(warehouse):
    """Title of every article that is a duplicate, the title of that one, kind and share."""
    return warehouse.rows(
        "select article.title, original.title, duplicate.kind, duplicate.share"
        " from main.fct_article_duplicate as duplicate"
        " inner join main.fct_article as article using (article_id)"
        " inner join main.fct_article as original on original.article_id = duplicate.duplicate_of"
        " where article.duplicate_of = original.article_id order by 1"
    )


def test_the_same_text_under_another_title_is_a_duplicate_of_the_earlier_article(given):
    warehouse = with_pairs(given, [article("A Road", "t1"), article("The Road Again", "t1", day=2)])
    assert originals(warehouse) == [("The Road Again", "A Road", "exact", Decimal(1))]
    assert warehouse.rows("select title from main.fct_article where duplicate_of is null") == [("A Road",)]


def test_the_share_of_a_near_duplicate_has_four_decimals(given):
    pair = {"text_id": "t1", "other_id": "t2", "shared_runs": 69, "runs": 70}
    warehouse = with_pairs(given, [article("A Road", "t1"), article("A Bridge", "t2", day=2)], [pair])
    assert originals(warehouse) == [("A Bridge", "A Road", "near", Decimal("0.9857"))]


def test_articles_that_are_linked_in_a_chain_are_all_duplicates_of_the_earliest(given):
    numbers = range(1, 41)
    warehouse = with_pairs(
        given,
        [article(f"A Road {n:02}", f"t{n:02}", day=1 if n == 1 else 2, position=n) for n in numbers],
        [{"text_id": f"t{number:02}", "other_id": f"t{number + 1:02}"} | NEAR for number in range(1, 40)],
    )
    assert {original for _, original, _, _ in originals(warehouse)} == {"A Road 01"}
    assert [share for _, _, _, share in originals(warehouse)] == [Decimal("0.9")] + [None] * 38


def test_an_article_that_is_seen_again_is_not_a_duplicate_of_itself(given):
    warehouse = with_pairs(
        given,
        [article("A Road", "t1"), article("A Road", "t1", day=2), article("A Road", "t2", day=3)],
        [{"shared_runs": 9}],
    )
    assert originals(warehouse) == []


@pytest.mark.parametrize(("shared", "share"), [(80, "0.8"), (100, "1"), (79, None)])
def test_texts_with_four_fifths_of_their_runs_in_common_are_the_same(given, shared, share):
    warehouse = with_pairs(
        given,
        [article("A Road", "t1"), article("A Longer Road", "t2", day=2)],
        [{"shared_runs": shared, "runs": 100}],
    )
    expected = [("A Longer Road", "A Road", "near", Decimal(share))] if share else []
    assert originals(warehouse) == expected


def test_texts_that_each_name_what_the_other_does_not_are_two(given):
    warehouse = with_pairs(
        given, [article("A Road", "t1"), article("Another Road", "t2", day=2)], [{"names_apart": 1}]
    )
    assert originals(warehouse) == []


def test_a_cut_text_links_nothing(given):
    warehouse = with_pairs(
        given,
        [article("A Road", "t1"), article("A Cut Road", "t1", day=2, is_truncated=True)],
    )
    assert originals(warehouse) == []


@pytest.mark.parametrize(("words", "linked"), [(29, 0), (30, 1)])
def test_a_text_of_a_few_words_links_nothing(given, words, linked):
    warehouse = with_pairs(given, [article("A Road", "t1"), article("A Photo", "t1", day=2)], words=words)
    assert len(originals(warehouse)) == linked


def test_the_original_is_the_one_that_was_published_first_though_it_was_seen_later(given):
    warehouse = with_pairs(
        given,
        [
            article("Seen First", "t1"),
            article("Published First", "t1", day=2, published_date="2025-12-01"),
        ],
    )
    assert originals(warehouse) == [("Seen First", "Published First", "exact", Decimal(1))]


def test_of_two_of_one_day_the_time_of_publication_decides(given):
    warehouse = with_pairs(
        given,
        [
            article("Evening", "t1", published_date="2025-12-05", published_at="2025-12-05 12:00:00+00"),
            article("Untimed", "t1", position=2),
            article(
                "Morning",
                "t1",
                position=3,
                published_date="2025-12-05",
                published_at="2025-12-05 03:00:00+00",
            ),
        ],
    )
    assert originals(warehouse) == [
        ("Evening", "Morning", "exact", Decimal(1)),
        ("Untimed", "Morning", "exact", Decimal(1)),
    ]


def test_a_chain_ends_at_its_earliest_article(given):
    warehouse = with_pairs(
        given,
        [article("First", "t1"), article("Second", "t2", day=2), article("Third", "t3", day=3)],
        [{"shared_runs": 9}, {"text_id": "t2", "other_id": "t3", "shared_runs": 8}],
    )
    assert originals(warehouse) == [
        ("Second", "First", "near", Decimal("0.9")),
        # near the second alone, and so of unknown similarity to the first
        ("Third", "First", "near", None),
    ]


def test_a_copy_of_what_was_edited_later_is_still_a_copy(given):
    warehouse = with_pairs(
        given,
        [
            article("A Road", "t1"),
            article("A Road", "t2", day=2),
            article("Copied Road", "t1", day=3),
        ],
    )
    assert originals(warehouse) == [("Copied Road", "A Road", "exact", Decimal(1))]


def test_many_articles_of_one_text_are_all_of_the_first(given):
    titles = [f"Road {number}" for number in range(1, 9)]
    warehouse = with_pairs(given, [article(title, "t1", position=n) for n, title in enumerate(titles, 1)])
    assert len(originals(warehouse)) == 7
    assert warehouse.row("select count(distinct duplicate_of) from main.fct_article_duplicate") == (1,)


def test_an_article_has_the_language_of_its_text_or_no_language(given):
    warehouse = given(
        capture=CAPTURES,
        article_observation=[article("A Road", "t1"), article("A Photo", "t2", position=2)],
        article_text=[{"text_id": "t1", "text": "The road."}, {"text_id": "t2", "text": "Photo: AP"}],
        text_profile=[{"language": "en"}, {"text_id": "t2", "language": None}],
    )
    assert warehouse.rows("select title, language from main.fct_article order by 1") == [
        ("A Photo", None),
        ("A Road", "en"),
    ]
