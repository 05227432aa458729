import pytest

FILE = {"archive_file": "f", "source": "timesca", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"}
CAPTURE = {"archive_file": "f", "page_date": "2025-12-05"}
LATER = "archived by a run that failed, loaded by a later one"


def slot(outcome: str, **columns):
    return {"day": "2025-12-05", "outcome": outcome} | columns


def outcomes(warehouse):
    return warehouse.rows(
        "select outcome, reason, runs, captures, captures_with_rates from staging.stg_slot_rate_outcome"
    )


@pytest.mark.parametrize(
    ("recorded", "reason", "expected"),
    [
        ("observed", "1 of 2 pages", ("observed", "1 of 2 pages", 1, 1, 1)),
        ("unchanged", None, ("observed", None, 1, 1, 1)),
        ("failed", "killed", ("observed", LATER, 1, 1, 1)),
        ("missed", "no run", ("observed", LATER, 1, 1, 1)),
    ],
)
def test_a_slot_with_fetched_rates_is_observed_whatever_its_run_recorded(given, recorded, reason, expected):
    warehouse = given(
        archive_file=[FILE], capture=[CAPTURE], rate_observation=[{}], slot=[slot(recorded, reason=reason)]
    )
    assert outcomes(warehouse) == [expected]


def test_a_slot_whose_rates_are_all_of_earlier_captures_is_unchanged(given):
    warehouse = given(
        archive_file=[FILE],
        capture=[CAPTURE | {"refers_to": "c0", "response_class": "unchanged"}],
        rate_observation=[{}],
        slot=[slot("observed")],
    )
    assert outcomes(warehouse) == [("unchanged", None, 1, 1, 1)]


@pytest.mark.parametrize("decision", [[], [{"decision": "exclude"}]])
def test_a_slot_without_rates_that_count_is_failed(given, decision):
    warehouse = given(
        archive_file=[FILE],
        capture=[CAPTURE],
        rate_observation=[{}] if decision else [],
        decision=decision,
        slot=[slot("observed")],
    )
    assert outcomes(warehouse) == [("failed", "no capture of the slot has rates that count", 1, 1, 0)]


@pytest.mark.parametrize(("recorded", "runs"), [("blocked", 1), ("failed", 1), ("missed", 0)])
def test_a_slot_without_captures_has_the_outcome_that_its_run_recorded(given, recorded, runs):
    warehouse = given(slot=[slot(recorded, reason="why")])
    assert outcomes(warehouse) == [(recorded, "why", runs, 0, 0)]


def test_rates_do_not_decide_for_a_source_of_articles(given):
    warehouse = given(
        archive_file=[FILE | {"source": "timesca-posts"}],
        capture=[CAPTURE],
        slot=[slot("closed", source="timesca-posts", reason="401")],
    )
    assert outcomes(warehouse) == [("closed", "401", 1, 1, 0)]
