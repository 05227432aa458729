from tests.models.rows import capture


def test_a_state_names_title_and_text_of_the_state_before(given):
    shown = {"url": "/glacier/", "title": "Glacier Survey Begins"}
    warehouse = given(
        capture=[capture("c5", 5), capture("c6", 6)],
        article_observation=[
            shown | {"capture_id": "c5", "text_id": "a"},
            shown | {"capture_id": "c6", "text_id": "b"},
        ],
        article_text=[{"text_id": "a", "text": "one"}, {"text_id": "b", "text": "two"}],
    )
    assert warehouse.rows(
        "select previous_title, previous_text_id, text_id from staging.stg_article_revision order by revision"
    ) == [(None, None, "a"), ("Glacier Survey Begins", "a", "b")]
