from datetime import date

import pytest

from ca_etl.sources.bank_calendar import CALENDARS, DayKind


def kinds(source: str, first: str, last: str) -> list[str]:
    days = CALENDARS[source].days(date.fromisoformat(first), date.fromisoformat(last))
    return [kind.value for _, kind in days]


def test_fridays_fixing_of_kazakhstan_is_the_rate_of_saturday_and_stays_until_tuesday():
    # Friday 5 December 2025 to Tuesday the 9th
    assert kinds("nbk", "2025-12-05", "2025-12-09") == [
        "expected",
        "expected",
        "weekend",
        "weekend",
        "expected",
    ]


def test_the_day_after_a_holiday_of_kazakhstan_has_no_rate_of_its_own():
    # 16 December is Independence Day
    assert kinds("nbk", "2025-12-16", "2025-12-18") == ["expected", "holiday", "expected"]


def test_until_september_2026_fridays_fixing_of_uzbekistan_is_the_rate_of_monday():
    # 8 December is Constitution Day: the rate of the 9th is the next one after that of the 5th
    assert kinds("cbu", "2025-12-05", "2025-12-09") == [
        "expected",
        "weekend",
        "weekend",
        "holiday",
        "expected",
    ]


@pytest.mark.parametrize("day", ["2024-12-14", "2025-01-04"])
def test_a_saturday_that_was_made_a_working_day_has_a_rate(day):
    assert kinds("cbu", day, day) == ["expected"]


def test_since_september_2026_the_rates_of_uzbekistan_are_dated_the_day_after_the_fixing():
    # rates of Saturday 26 September, Thursday 1 October (a holiday) and Saturday 3 October exist
    assert kinds("cbu", "2026-09-26", "2026-09-29") == ["expected", "weekend", "weekend", "expected"]
    assert kinds("cbu", "2026-09-30", "2026-10-06") == [
        "expected",
        "expected",
        "holiday",
        "expected",
        "weekend",
        "weekend",
        "expected",
    ]


def test_the_bank_of_russia_has_no_table_of_the_first_days_of_january():
    assert set(kinds("cbr", "2026-01-03", "2026-01-09")) <= {"holiday", "weekend"}


def test_every_calendar_knows_its_country_for_years():
    for source in CALENDARS:
        days = kinds(source, "2024-01-01", "2026-12-31")
        assert 700 < days.count(DayKind.EXPECTED) < 790, source
