from datetime import UTC, datetime


def test_a_check_has_the_start_of_its_run(given):
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


def test_a_result_that_was_written_after_the_build_is_shown(given):
    warehouse = given()
    warehouse.con.execute(
        "insert into raw.check_result values ('r9', 'a_check', 'main.t', 'warning', 2, 'two')"
    )
    assert warehouse.row("select run_id, is_firing, sample from main.etl_check") == ("r9", True, "two")
