def slot(day: int, outcome: str, **columns):
    return {"slot": f"2025-12-{day:02} 02:00:00+00", "day": f"2025-12-{day:02}", "outcome": outcome} | columns


def run(number: int, finished_at: str | None):
    return {"run_id": f"r{number}", "finished_at": finished_at}


def test_of_several_runs_the_one_with_the_best_outcome_counts(given):
    warehouse = given(
        slot=[
            slot(5, "failed", run_id="r1", reason="4 unreachable"),
            slot(5, "unchanged", run_id="r2", reason="nothing is new"),
            slot(5, "blocked", run_id="r3"),
            slot(6, "missed", run_id="r3"),
        ]
    )
    assert warehouse.rows(
        "select day(day), outcome, reason, runs, run_id from staging.stg_slot order by slot"
    ) == [
        (5, "unchanged", "nothing is new", 3, "r2"),
        (6, "missed", None, 0, "r3"),
    ]


def test_of_equal_outcomes_the_latest_run_counts(given):
    warehouse = given(slot=[slot(5, "failed", run_id="r1"), slot(5, "failed", run_id="r2")])
    assert warehouse.rows("select run_id from staging.stg_slot") == [("r2",)]


def test_captures_belong_to_a_slot_from_its_instant_or_from_the_end_of_a_late_run(given):
    warehouse = given(
        run=[run(1, "2025-12-06 02:00:20+00"), run(2, "2025-12-07 02:00:20+00")],
        slot=[slot(5, "observed"), slot(6, "observed", run_id="r2"), slot(7, "failed", run_id="r3")],
    )
    assert warehouse.rows("select captures_from::varchar from staging.stg_slot order by slot") == [
        ("2025-12-05 02:00:00+00",),
        ("2025-12-06 02:00:20+00",),
        ("2025-12-07 02:00:20+00",),
    ]


def test_the_slots_of_each_schedule_and_source_are_apart(given):
    warehouse = given(
        slot=[
            slot(5, "observed"),
            slot(5, "failed", schedule="sweep"),
            slot(5, "closed", source="timesca-posts"),
        ]
    )
    assert warehouse.rows("select source, schedule, outcome from staging.stg_slot order by all") == [
        ("timesca", "daily", "observed"),
        ("timesca", "sweep", "failed"),
        ("timesca-posts", "daily", "closed"),
    ]
