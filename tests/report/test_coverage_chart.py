from datetime import date, timedelta

import pytest

from ca_etl.report.coverage_chart import (
    COLOURS,
    DaySpan,
    DayState,
    KnownDay,
    coverage_chart,
    day_spans,
    known_days,
)

OBSERVED, BACKFILLED, FILLED, MISSING = DayState


def day(text: str, state: DayState, source: str = "wayback") -> KnownDay:
    return KnownDay(source, date.fromisoformat(text), state)


def span(first: str, last: str, state: DayState, source: str = "wayback") -> DaySpan:
    return DaySpan(source, date.fromisoformat(first), date.fromisoformat(last), state)


def test_days_in_a_row_with_one_state_are_one_span():
    days = [
        day("2025-01-01", BACKFILLED),
        day("2025-01-02", BACKFILLED),
        day("2025-01-03", FILLED),
        day("2025-01-04", OBSERVED),
    ]
    assert day_spans(days) == [
        span("2025-01-01", "2025-01-02", BACKFILLED),
        span("2025-01-03", "2025-01-03", FILLED),
        span("2025-01-04", "2025-01-04", OBSERVED),
    ]


def test_a_day_that_is_not_given_is_missing_from_the_first_day_of_all_sources_to_the_last():
    days = [
        day("2025-01-01", BACKFILLED),
        day("2025-01-03", OBSERVED, "timesca"),
        day("2025-01-04", OBSERVED, "timesca"),
    ]
    assert day_spans(days) == [
        span("2025-01-01", "2025-01-01", BACKFILLED),
        span("2025-01-02", "2025-01-04", MISSING),
        span("2025-01-01", "2025-01-02", MISSING, "timesca"),
        span("2025-01-03", "2025-01-04", OBSERVED, "timesca"),
    ]


def test_a_span_ends_with_the_year():
    days = [day("2024-12-31", OBSERVED), day("2025-01-01", OBSERVED)]
    assert day_spans(days) == [
        span("2024-12-31", "2024-12-31", OBSERVED),
        span("2025-01-01", "2025-01-01", OBSERVED),
    ]


def test_each_day_is_in_one_span():
    first = date(2024, 1, 1)
    days = [KnownDay("wayback", first + timedelta(days=7 * week), BACKFILLED) for week in range(60)]
    covered = [
        known.first + timedelta(days=number)
        for known in day_spans(days)
        for number in range((known.last - known.first).days + 1)
    ]
    assert covered == [first + timedelta(days=number) for number in range(7 * 59 + 1)]


def test_a_chart_has_a_bar_for_each_span_with_its_year_and_the_colour_of_its_state():
    days = [day("2023-12-30", BACKFILLED), day("2024-01-02", OBSERVED)]
    drawn = coverage_chart(days).to_dict()
    assert drawn["datasets"][drawn["data"]["name"]] == [
        {"source": "wayback", "year": 2023, "begin": begin, "end": end, "state": state}
        for begin, end, state in [
            ("2024-12-30T00:00:00Z", "2024-12-31T00:00:00Z", "backfilled"),
            ("2024-12-31T00:00:00Z", "2025-01-01T00:00:00Z", "missing"),
        ]
    ] + [
        {"source": "wayback", "year": 2024, "begin": begin, "end": end, "state": state}
        for begin, end, state in [
            ("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "missing"),
            ("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z", "observed"),
        ]
    ]
    assert drawn["encoding"]["color"]["scale"] == {
        "domain": [state.value for state in DayState],
        "range": list(COLOURS.values()),
    }
    assert drawn["encoding"]["y"]["sort"] == ["wayback"]


def test_a_chart_is_drawn_the_same_each_time(tmp_path):
    days = [day("2025-01-01", BACKFILLED), day("2025-02-01", OBSERVED)]
    drawn = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in drawn:
        coverage_chart(days).save(str(path))
    first, second = (path.read_text("utf-8") for path in drawn)
    assert first == second
    assert ">backfilled<" in first


@pytest.mark.parametrize("source", ["fct_rate_daily", "timesca", "wayback"])
def test_the_known_days_are_those_of_the_series_and_of_each_source_with_rates(given, source):
    slot = {"schedule": "daily", "slot": "2025-12-07 02:00:00+00", "day": "2025-12-07"}
    warehouse = given(
        archive_file=[
            {"archive_file": "w", "source": "wayback"},
            {"archive_file": "s", "schedule": "daily", "slot": slot["slot"]},
        ],
        capture=[
            {"capture_id": "c5", "page_date": "2025-12-05", "source": "wayback", "archive_file": "w"},
            {"capture_id": "c7", "page_date": "2025-12-07", "archive_file": "s"},
            {"capture_id": "bank", "page_date": "2025-12-07", "source": "nbk", "archive_file": "b"},
        ],
        rate_observation=[{"capture_id": "c5"}, {"capture_id": "c7"}],
        slot=[slot, {**slot, "source": "nbk"}],
    )
    known = known_days(warehouse.con)
    assert list(dict.fromkeys(known_day.source for known_day in known)) == [
        "fct_rate_daily",
        "timesca",
        "wayback",
    ]
    assert [known_day for known_day in known if known_day.source == source] == {
        "fct_rate_daily": [
            day("2025-12-05", BACKFILLED, source),
            day("2025-12-06", FILLED, source),
            day("2025-12-07", OBSERVED, source),
        ],
        "timesca": [day("2025-12-07", OBSERVED, source)],
        "wayback": [day("2025-12-05", BACKFILLED)],
    }[source]
