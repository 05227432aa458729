def test_rejects_and_excluded_captures_are_listed_with_their_address_and_file(given):
    warehouse = given(
        capture=[
            {"capture_id": "a", "url": "https://timesca.com/a"},
            {"capture_id": "b", "page_date": "2025-12-05"},
        ],
        reject=[
            {"capture_id": "a", "reason": "undated", "detail": "no date, no capture time"},
            {"capture_id": "x:17", "reason": "bad_record", "detail": "no WARC header", "run_id": "r2"},
        ],
        decision=[{"capture_id": "b", "decision": "exclude", "reason": "a test page"}],
    )
    assert warehouse.rows(
        "select capture_id, position, reason, detail, url, archive_file, run_id from main.etl_reject order by all"
    ) == [
        ("a", 0, "undated", "no date, no capture time", "https://timesca.com/a", "2025/12/a.warc.gz", "r1"),
        ("b", -1, "excluded", "a test page", None, "2025/12/a.warc.gz", "r1"),
        ("x:17", 0, "bad_record", "no WARC header", None, None, "r2"),
    ]


def test_an_accepted_capture_is_not_a_reject(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], decision=[{"decision": "accept"}])
    assert warehouse.rows("from main.etl_reject") == []
