"""Where the slot of a flow run comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ca_etl.settings import Settings

pytestmark = pytest.mark.usefixtures("prefect_api", "data_dir")
SETTINGS = Settings(_env_file=None)
ALMATY = timezone(timedelta(hours=5))


def test_a_given_slot_is_taken_in_utc() -> None:
    from flows.flow_run import choose_slot

    given = datetime(2025, 12, 5, 7, tzinfo=ALMATY)
    assert choose_slot(None, given, SETTINGS).isoformat() == "2025-12-05T02:00:00+00:00"


def test_without_a_deployment_it_is_the_last_daily_slot() -> None:
    from flows.flow_run import choose_slot

    slot = choose_slot(None, None, SETTINGS)
    assert (slot.hour, slot.minute) == (2, 0)
    assert timedelta(0) <= datetime.now(UTC) - slot < timedelta(days=1)


def test_the_demo_site_is_played_on_the_last_day_of_its_history(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.flow_run import choose_slot

    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    assert choose_slot("demo", None, SETTINGS) == datetime(2025, 12, 22, 2, tzinfo=UTC)


def test_a_slot_without_an_offset_is_refused() -> None:
    from prefect.exceptions import ParameterTypeError

    from flows.daily import daily

    with pytest.raises(ParameterTypeError, match="slot"):
        daily.validate_parameters({"slot": "2025-12-05T07:00:00"})


def test_a_run_that_starts_before_its_slot_has_an_instant_that_can_be_reckoned_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefect's own DateTime in a standard zone loses the zone when a timedelta is added."""
    from prefect.runtime import flow_run
    from prefect.types import DateTime

    from flows.flow_run import choose_slot

    scheduled = DateTime(2030, 12, 5, 2, 0, 0, 123, tzinfo=UTC)
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "a-deployment")
    monkeypatch.setitem(flow_run.FIELDS, "tags", lambda: ["auto-scheduled"])
    monkeypatch.setitem(flow_run.FIELDS, "scheduled_start_time", lambda: scheduled)
    slot = choose_slot(None, None, SETTINGS)
    assert slot == datetime(2030, 12, 5, 2, tzinfo=UTC)
    assert slot + timedelta(minutes=2) == datetime(2030, 12, 5, 2, 2, tzinfo=UTC)
