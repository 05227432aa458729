# ruff: noqa: RUF001  quotes as the site sets them

from decimal import Decimal

import pytest

from tests.models.rows import capture


def shown(day: int, text_id: str | None = "a", title: str = "Glacier Survey Begins", **columns):
    return {"capture_id": f"c{day}", "title": title, "text_id": text_id, "url": "/glacier/"} | columns


def states(warehouse):
    return warehouse.rows(
        "select revision, day(valid_from), day(valid_to), text_id, changed, share_changed"
        " from main.fct_article_revision order by revision"
    )


def build(given, observations, **texts: str):
    return given(
        capture=[capture(f"c{day}", day) for day in (5, 6, 7)],
        article_observation=observations,
        article_text=[{"text_id": text_id, "text": text} for text_id, text in texts.items()],
    )


def test_an_article_that_stays_has_one_state(given):
    warehouse = build(given, [shown(5), shown(6), shown(7)], a="One two three.")
    assert states(warehouse) == [(0, 5, None, "a", None, None)]
    assert warehouse.row("select revisions from main.fct_article") == (0,)


def test_an_edit_of_the_text_starts_a_new_state_with_the_share_that_is_new(given):
    warehouse = build(
        given, [shown(5), shown(6, "b"), shown(7, "b")], a="one two three four", b="one two three five"
    )
    # four and five, of five different words
    assert states(warehouse) == [
        (0, 5, 6, "a", None, None),
        (1, 6, None, "b", "text", Decimal("0.4")),
    ]
    assert warehouse.row("select revisions from main.fct_article") == (1,)


def test_an_edit_that_is_reverted_is_two_edits(given):
    warehouse = build(given, [shown(5), shown(6, "b"), shown(7)], a="one two", b="one three")
    assert [row[3] for row in states(warehouse)] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The “plan” – it’s on", 'The "plan" - it\'s on'),
        ("One\n\nparagraph and\u00a0another", "One paragraph and another"),
    ],
)
def test_quotes_dashes_and_spaces_make_no_revision(given, before, after):
    assert len(states(build(given, [shown(5), shown(6, "b")], a=before, b=after))) == 1


def test_a_cut_text_is_not_a_revision_of_the_whole_one_nor_the_whole_one_of_it(given):
    warehouse = build(
        given,
        [shown(5, "cut", is_truncated=True), shown(6, "a"), shown(7, "cut", is_truncated=True)],
        a="one two three",
        cut="one two…",
    )
    assert states(warehouse) == [(0, 5, None, "a", None, None)]


def test_cut_texts_that_differ_make_no_revision_while_no_whole_one_is_known(given):
    cut = {"is_truncated": True}
    warehouse = build(
        given,
        [shown(5, "begun", **cut), shown(6, "summed_up", **cut), shown(7, "begun", **cut)],
        begun="The glacier was measured on…",
        summed_up="Scientists went up to a glacier…",
    )
    assert states(warehouse) == [(0, 5, None, None, None, None)]


def test_a_new_title_is_a_new_state_with_the_text_it_had(given):
    warehouse = build(given, [shown(5), shown(6, None, title="Glacier Survey Ends")], a="one two")
    assert states(warehouse) == [
        (0, 5, 6, "a", None, None),
        (1, 6, None, "a", "title", Decimal(0)),
    ]


def test_title_and_text_may_change_at_once(given):
    warehouse = build(given, [shown(5), shown(6, "b", title="Another")], a="one", b="two")
    assert [row[4:] for row in states(warehouse)] == [(None, None), ("both", Decimal(1))]


def test_a_cached_page_that_is_fetched_late_turns_no_time_around(given):
    later = capture("c7", 7) | {"captured_at": "2025-12-07 02:00:00+00"}
    cached = capture("c5", 5) | {"captured_at": "2025-12-10 02:00:00+00", "captured_date": "2025-12-10"}
    warehouse = given(
        capture=[later, cached],
        article_observation=[
            {"capture_id": "c5", "title": "A Road", "url": "https://timesca.com/a-road/"},
            {"capture_id": "c7", "title": "The Road", "url": "https://timesca.com/a-road/"},
        ],
    )
    assert warehouse.rows(
        "select title, valid_from <= valid_to from main.fct_article_revision order by revision"
    ) == [
        ("A Road", True),
        ("The Road", None),
    ]
    assert "fct_article_revision_states_follow_one_another" not in warehouse.firing()


def test_a_state_that_a_cached_page_shows_later_is_as_old_as_its_earliest_capture(given):
    cached = capture("c5", 5) | {"captured_at": "2025-12-10 02:00:00+00", "captured_date": "2025-12-10"}
    warehouse = given(
        capture=[capture("c7", 7), cached],
        article_observation=[shown(5), shown(7)],
        article_text=[{"text_id": "a", "text": "one two"}],
    )
    assert states(warehouse) == [(0, 7, None, "a", None, None)]


def test_of_texts_that_differ_in_their_paragraphs_alone_the_first_is_kept(given):
    warehouse = build(given, [shown(5), shown(6, "a"), shown(7, "b")], b="One.\n\nTwo.", a="One. Two.")
    assert states(warehouse) == [(0, 5, None, "a", None, None)]
    warehouse = build(given, [shown(5, "b"), shown(6, "a"), shown(7, "a")], b="One.\n\nTwo.", a="One. Two.")
    assert states(warehouse) == [(0, 5, None, "b", None, None)]


@pytest.mark.parametrize(
    ("day", "began"), [("2024-01-15", "2024-01-14 18:00:00+00"), ("2024-04-15", "2024-04-14 19:00:00+00")]
)
@pytest.mark.parametrize("titles", [("A",), ("A", "B")])
def test_a_capture_of_unknown_time_counts_from_the_start_of_its_day_in_almaty(given, day, began, titles):
    warehouse = given(
        capture=[
            {"capture_id": f"c{number}", "page_date": day, "archive_offset": number}
            for number in range(len(titles))
        ],
        article_observation=[
            {"capture_id": f"c{number}", "title": title, "url": "/glacier/"}
            for number, title in enumerate(titles)
        ],
    )
    assert warehouse.rows(f"select distinct valid_from = '{began}' from main.fct_article_revision") == [
        (True,)
    ]


def test_an_edit_has_title_and_text_of_both_states(given):
    warehouse = build(given, [shown(5), shown(6, "b"), shown(7, "b", title="Another")], a="one", b="two")
    assert warehouse.rows(
        "select previous_title, title, previous_text, text from main.fct_article_revision order by revision"
    ) == [
        (None, "Glacier Survey Begins", None, "one"),
        ("Glacier Survey Begins", "Glacier Survey Begins", "one", "two"),
        ("Glacier Survey Begins", "Another", "two", "two"),
    ]


def test_a_state_before_any_whole_text_has_the_one_shown_later(given):
    warehouse = build(given, [shown(5, None), shown(6, title="Another")], a="one")
    assert warehouse.rows("select previous_text, text from main.fct_article_revision order by revision") == [
        (None, "one"),
        ("one", "one"),
    ]


def test_a_text_is_stored_once_in_the_file(given):
    warehouse = build(given, [shown(5), shown(6, "b")], a="one", b="two")
    stored = "select count(*) from duckdb_tables() where table_name = 'fct_article_revision'"
    assert warehouse.row(stored) == (0,)
