def test_a_run_has_its_duration_and_a_crashed_one_has_not(given):
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


def test_a_run_that_was_written_after_the_build_is_shown(given):
    warehouse = given()
    warehouse.con.execute(
        "insert into raw.run by name select 'r9' as run_id, 'run' as kind, now() as started_at, 'running' as status,"
        " 0 as captures, 0 as rejects, '1' as code_version, [] as warnings"
    )
    assert warehouse.row("select run_id, status from main.etl_run") == ("r9", "running")
