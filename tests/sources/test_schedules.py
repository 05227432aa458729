from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ca_etl.errors import UsageError
from ca_etl.settings import Settings
from ca_etl.sources.schedules import Schedule, schedule, schedules

ALMATY = ZoneInfo("Asia/Almaty")
DAY = timedelta(days=1)


def daily(cron: str = "0 7 * * *", zone: ZoneInfo = ALMATY) -> Schedule:
    return Schedule("daily", "timesca", cron, zone, "")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (datetime(2025, 12, 5, 2, 0, tzinfo=UTC), datetime(2025, 12, 5, 2, 0, tzinfo=UTC)),
        (datetime(2025, 12, 5, 2, 0, 0, 1, tzinfo=UTC), datetime(2025, 12, 5, 2, 0, tzinfo=UTC)),
        (datetime(2025, 12, 5, 1, 59, 59, tzinfo=UTC), datetime(2025, 12, 4, 2, 0, tzinfo=UTC)),
        # Almaty was at +06 until the end of February 2024
        (datetime(2024, 2, 29, 1, 0, tzinfo=UTC), datetime(2024, 2, 29, 1, 0, tzinfo=UTC)),
        (datetime(2024, 3, 1, 1, 30, tzinfo=UTC), datetime(2024, 2, 29, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_slot_is_the_last_seven_in_the_morning_in_almaty(now: datetime, slot: datetime) -> None:
    assert daily().latest(now) == slot


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["Asia/Almaty", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_a_slot_is_never_ahead_and_never_much_more_than_a_day_old(
    now: datetime, hour: int, minute: int, zone: str
) -> None:
    planned = daily(f"{minute} {hour} * * *", ZoneInfo(zone))
    slot = planned.latest(now)
    assert slot <= now
    assert now - slot < timedelta(hours=26)
    assert planned.latest(slot) == slot


def test_the_slots_between_two_are_listed_the_latest_first_and_without_them() -> None:
    first, last = (datetime(2025, 12, day, 2, tzinfo=UTC) for day in (5, 8))
    assert list(daily().between(first, last)) == [last - DAY, last - 2 * DAY]
    assert list(daily().between(first, first + DAY)) == []


def test_slots_of_seconds_are_slots_too() -> None:
    planned = daily("*/15 * * * * *")
    now = datetime(2025, 12, 5, 2, 0, 44, tzinfo=UTC)
    assert planned.latest(now) == now.replace(second=30)
    assert list(islice(planned.after(now), 2)) == [now.replace(second=45), now.replace(minute=1, second=0)]


def test_a_day_names_its_slot_and_a_slot_its_day() -> None:
    slot = daily().on(date(2025, 12, 5))
    assert slot == datetime(2025, 12, 5, 2, tzinfo=UTC)
    assert daily().day(slot) == date(2025, 12, 5)
    assert daily().day(datetime(2025, 12, 5, 20, tzinfo=UTC)) == date(2025, 12, 6)


@pytest.mark.parametrize(
    ("last_observed", "hour", "overdue"),
    [
        (datetime(2025, 12, 5, 2, tzinfo=UTC), 3, False),
        (datetime(2025, 12, 4, 2, tzinfo=UTC), 3, False),  # within the grace of six hours
        (datetime(2025, 12, 4, 2, tzinfo=UTC), 8, True),
        (datetime(2025, 12, 3, 2, tzinfo=UTC), 3, True),
        (None, 3, True),
    ],
)
def test_data_are_overdue_when_a_slot_is_unobserved_some_hours_after_it(
    last_observed: datetime | None, hour: int, overdue: bool
) -> None:
    now = datetime(2025, 12, 5, hour, tzinfo=UTC)
    assert daily().is_overdue(last_observed, now, timedelta(hours=6)) is overdue


def test_the_cron_expressions_are_settings_and_a_wrong_one_is_refused() -> None:
    assert schedule(Settings(_env_file=None, daily_cron="5 8 * * *")).cron == "5 8 * * *"
    with pytest.raises(ValidationError, match="'daily' is not a cron expression"):
        Settings(_env_file=None, daily_cron="daily")


def test_an_unknown_schedule_is_refused_with_the_names_of_those_that_exist() -> None:
    settings = Settings(_env_file=None)
    assert [schedule.name for schedule in schedules(settings)] == ["daily", "sweep"]
    with pytest.raises(UsageError, match="'hourly'; the schedules are daily, sweep"):
        schedule(settings, "hourly")
