from datetime import date


def test_every_sighting_of_an_article_is_a_row_numbered_from_the_oldest(given):
    warehouse = given(
        capture=[
            {"capture_id": "new", "page_date": "2025-12-06", "url": "https://timesca.com/latest/"},
            {"capture_id": "old", "page_date": "2025-12-05"},
        ],
        article_observation=[
            {"capture_id": "new", "title": "A Road", "position": 2},
            {"capture_id": "new", "title": "A Road", "position": 5},
            {"capture_id": "old", "title": "A Road", "position": 1},
        ],
    )
    assert warehouse.rows(
        "select capture_id, seen_date, listing_url, position, sighting_number from main.fct_article_sighting"
        " order by sighting_number"
    ) == [
        ("old", date(2025, 12, 5), None, 1, 1),
        ("new", date(2025, 12, 6), "https://timesca.com/latest/", 2, 2),
        ("new", date(2025, 12, 6), "https://timesca.com/latest/", 5, 3),
    ]
    assert warehouse.row("select count(distinct article_id) from main.fct_article_sighting") == (1,)


def test_excluded_and_undated_captures_show_no_article(given):
    warehouse = given(
        capture=[{"capture_id": "excluded", "page_date": "2025-12-06"}, {"capture_id": "undated"}],
        article_observation=[
            {"capture_id": "excluded", "title": "A Road"},
            {"capture_id": "undated", "title": "A Bridge"},
        ],
        decision=[{"capture_id": "excluded", "decision": "exclude"}],
    )
    assert warehouse.rows("from main.fct_article_sighting") == []
    assert warehouse.rows("from main.fct_article") == []


def test_a_sighting_states_whether_a_scheduled_run_made_it(given):
    warehouse = given(
        archive_file=[{"archive_file": "of_slot", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"}],
        capture=[
            {"capture_id": "own", "page_date": "2025-12-05", "archive_file": "of_slot"},
            {"capture_id": "won", "page_date": "2025-12-05", "source": "wayback"},
        ],
        article_observation=[
            {"capture_id": "own", "title": "A Road"},
            {"capture_id": "won", "title": "A Road"},
        ],
    )
    assert warehouse.rows("select capture_id, is_backfilled from main.fct_article_sighting order by all") == [
        ("own", False),
        ("won", True),
    ]
