from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.errors import UsageError
from ca_etl.settings import Settings
from ca_etl.sources.timesca import fetch_policy, latest_slot, targets

ALMATY = ZoneInfo("Asia/Almaty")
SEVEN = time(7, 0)


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (datetime(2025, 12, 5, 2, 0, tzinfo=UTC), datetime(2025, 12, 5, 2, 0, tzinfo=UTC)),
        (datetime(2025, 12, 5, 1, 59, 59, tzinfo=UTC), datetime(2025, 12, 4, 2, 0, tzinfo=UTC)),
        (datetime(2025, 12, 5, 23, 0, tzinfo=UTC), datetime(2025, 12, 5, 2, 0, tzinfo=UTC)),
        # Almaty was at +06 until the end of February 2024
        (datetime(2024, 2, 29, 1, 0, tzinfo=UTC), datetime(2024, 2, 29, 1, 0, tzinfo=UTC)),
        (datetime(2024, 3, 1, 1, 30, tzinfo=UTC), datetime(2024, 2, 29, 1, 0, tzinfo=UTC)),
    ],
)
def test_the_slot_is_the_last_seven_in_the_morning_in_almaty(now: datetime, slot: datetime) -> None:
    assert latest_slot(now, SEVEN, ALMATY) == slot


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.times(),
    st.sampled_from(["Asia/Almaty", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_a_slot_is_never_ahead_and_never_much_more_than_a_day_old(now: datetime, at: time, zone: str) -> None:
    slot = latest_slot(now, at, ZoneInfo(zone))
    assert slot <= now
    assert now - slot < timedelta(hours=26)
    assert latest_slot(slot, at, ZoneInfo(zone)) <= slot


def test_pages_are_named_relative_to_the_site_with_or_without_its_last_slash() -> None:
    for site in ("https://timesca.com", "https://timesca.com/"):
        found = targets(_settings(site_url=site, listing_paths=("/", "/latest/")))
        assert found == ("https://timesca.com/", "https://timesca.com/latest/")


def test_a_site_is_not_asked_by_a_nameless_client() -> None:
    with pytest.raises(UsageError) as refused:
        fetch_policy(_settings())
    assert "CA_ETL_CONTACT" in refused.value.hint
    policy = fetch_policy(_settings(contact="ops@example.org"))
    assert policy.user_agent.startswith("ca_etl/")
    assert "ops@example.org" in policy.user_agent
    assert policy.allowed_hosts == {"timesca.com", "www.timesca.com"}
    assert policy.min_interval_seconds >= 1


def test_loopback_needs_no_contact() -> None:
    assert fetch_policy(_settings(site_url="http://127.0.0.1:8808/")).allowed_hosts >= {"127.0.0.1"}
