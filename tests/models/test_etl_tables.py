from datetime import UTC, datetime


def test_etl_run_tells_how_long_a_run_took(given):
    warehouse = given(
        run=[
            {"finished_at": "2025-12-05 02:00:01.5+00", "exit_status": 0, "release_id": "20251205T020000Z"},
            {"run_id": "r2", "status": "crashed"},
        ]
    )
    assert warehouse.rows(
        "select run_id, status, duration_ms, release_id from main.etl_run order by run_id"
    ) == [
        ("r1", "succeeded", 1500, "20251205T020000Z"),
        ("r2", "crashed", None, None),
    ]


def test_a_run_and_a_check_result_written_after_the_build_are_seen(given):
    warehouse = given()
    warehouse.con.execute(
        "insert into raw.run by name select 'r9' as run_id, 'run' as kind, now() as started_at, 'running' as status,"
        " 0 as captures, 0 as rejects, '1' as code_version, [] as warnings"
    )
    warehouse.con.execute(
        "insert into raw.check_result values ('r9', 'a_check', 'main.t', 'warning', 2, 'two')"
    )
    assert warehouse.row("select run_id, status from main.etl_run") == ("r9", "running")
    assert warehouse.row("select run_id, is_firing, sample from main.etl_check") == ("r9", True, "two")


def test_etl_check_tells_when_its_run_began(given):
    warehouse = given(run=[{}], check_result=[{}])
    assert warehouse.row(
        "select run_id, started_at, check_name, severity, is_firing from main.etl_check"
    ) == (
        "r1",
        datetime(2025, 12, 5, 2, tzinfo=UTC),
        "a_check",
        "error",
        False,
    )


def test_etl_reject_keeps_rejects_and_excluded_captures_with_where_they_come_from(given):
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


def test_an_accepted_capture_is_no_reject(given):
    warehouse = given(capture=[{"page_date": "2025-12-05"}], decision=[{"decision": "accept"}])
    assert warehouse.rows("from main.etl_reject") == []
