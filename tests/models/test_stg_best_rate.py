from datetime import date
from decimal import Decimal

from tests.models.rows import bank_response, capture

CHOICE = (
    "select rate_date, method, rate_source, fill_age_days, is_in_force from staging.stg_best_rate"
    " where base = 'KZT' order by rate_date"
)


def december(day: int) -> date:
    return date(2025, 12, day)


def ticker(day: int) -> dict[str, list[dict[str, object]]]:
    return {
        "capture": [capture(f"t{day}", day)],
        "rate_observation": [{"capture_id": f"t{day}", "base": "KZT", "rate_text": "0.00198"}],
    }


def test_the_official_rate_comes_before_a_cross_and_a_cross_before_the_ticker(given):
    printed = ticker(4)
    cross = [
        {"capture_id": "r", "position": 0, "quote": "RUB", "rate_text": "77,9556", "rate_date": "2025-12-03"},
        {"capture_id": "r", "position": 1, "base": "KZT", "quote": "RUB", "rate_text": "0,154087"}
        | {"rate_date": "2025-12-03"},
    ]
    warehouse = given(
        capture=[
            *printed["capture"],
            capture("t3", 3),
            bank_response("r", "cbr", 3),
            bank_response("b", "nbk", 2),
        ],
        rate_observation=[
            *printed["rate_observation"],
            {"capture_id": "t3", "base": "KZT", "rate_text": "0.00198"},
        ],
        official_rate=[{"capture_id": "b", "rate_text": "505.92", "rate_date": "2025-12-02"}, *cross],
    )
    assert warehouse.rows(CHOICE) == [
        (december(2), "inverse", "nbk", 0, True),
        (december(3), "cross", "cbr", 0, True),
        (december(4), "published", "timesca", 0, True),
    ]


def test_a_rate_stays_in_force_on_days_for_which_the_bank_publishes_none(given):
    # Friday's fixing is dated Saturday the 6th; the bank dates none with Sunday and Monday
    days = [(6, "expected"), (7, "weekend"), (8, "weekend"), (9, "expected")]
    printed = [capture(f"t{day}", day) for day in (7, 8, 9)]
    warehouse = given(
        capture=[*printed, bank_response("b", "nbk", 5)],
        rate_observation=[
            {"capture_id": row["capture_id"], "base": "KZT", "rate_text": "0.00198"} for row in printed
        ],
        official_rate=[{"capture_id": "b", "rate_text": "505.92", "rate_date": "2025-12-06"}],
        publication_day=[{"day": f"2025-12-{day:02}", "day_kind": kind} for day, kind in days],
    )
    assert warehouse.rows(CHOICE) == [
        (december(6), "inverse", "nbk", 0, True),
        (december(7), "inverse", "nbk", 1, True),
        (december(8), "inverse", "nbk", 2, True),
        # the rate of Tuesday is missing: an outage, and the ticker of the day counts
        (december(9), "published", "timesca", 0, True),
    ]


def test_a_rate_that_a_bank_dates_anew_on_a_weekend_is_that_of_the_day_before(given):
    # Saturday repeats Friday's rate; a working Sunday has another one; Tuesday's equal rate is one of its own
    printed = {5: "9.1750", 6: "9.1750", 7: "9.2000", 8: "9.2000", 9: "9.2000"}
    kinds = {5: "expected", 6: "weekend", 7: "weekend", 8: "holiday", 9: "expected"}
    warehouse = given(
        capture=[bank_response(f"b{day}", "nbt", day) for day in printed],
        official_rate=[
            {"capture_id": f"b{day}", "quote": "TJS", "rate_text": text, "rate_date": f"2025-12-{day:02}"}
            for day, text in printed.items()
        ],
        publication_day=[
            {"source": "nbt", "day": f"2025-12-{day:02}", "day_kind": kind} for day, kind in kinds.items()
        ],
    )
    assert warehouse.rows(CHOICE.replace("KZT", "TJS")) == [
        (december(5), "inverse", "nbt", 0, True),
        (december(6), "inverse", "nbt", 1, True),
        (december(7), "inverse", "nbt", 0, True),
        (december(8), "inverse", "nbt", 1, True),
        (december(9), "inverse", "nbt", 0, True),
    ]


def test_without_a_rate_of_the_day_the_latest_of_the_14_days_before_serves(given):
    warehouse = given(
        capture=[bank_response("b1", "nbk", 1), bank_response("b20", "nbk", 20)],
        official_rate=[
            {"capture_id": "b1", "rate_text": "512.34", "rate_date": "2025-12-01"},
            {"capture_id": "b20", "rate_text": "516.53", "rate_date": "2025-12-20"},
        ],
    )
    rows = warehouse.rows(CHOICE)
    assert rows[14] == (december(15), "inverse", "nbk", 14, False)
    assert rows[15] == (december(20), "inverse", "nbk", 0, True)
    assert warehouse.row(
        "select rate, inverse_rate from staging.stg_best_rate where rate_date = '2025-12-20'"
    ) == (
        Decimal("0.001935995973"),
        Decimal("516.53"),
    )
