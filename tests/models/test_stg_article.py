def test_an_article_has_the_id_and_the_length_of_its_text(given):
    warehouse = given(
        capture=[{"capture_id": "c1", "page_date": "2025-12-05"}],
        article_observation=[
            {"capture_id": "c1", "title": "Glacier Survey Begins", "text_id": "t1"},
            {"capture_id": "c1", "position": 2, "title": "A Bridge Opens"},
        ],
        article_text=[{"text_id": "t1", "text": "The survey of the glaciers begins."}],
    )
    assert warehouse.rows("select title, text_id, word_count from staging.stg_article order by title") == [
        ("A Bridge Opens", None, None),
        ("Glacier Survey Begins", "t1", 6),
    ]
