"""A site that responds and gives nothing new is an alert that opens and closes, not a line in a log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.operate.alert_delivery import check_alerts
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.run import run_daily, run_rebuild
from ca_etl.settings import Settings

pytestmark = pytest.mark.slow

FIRST = datetime(2025, 12, 20, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def alerts_after(settings: Settings, slot: datetime) -> list[str]:
    """The keys of the alerts that are open after a run for the slot, an hour later."""
    outcome = run_daily(settings, slot=slot, environment=Environment(clock=clock_from(slot)))
    assert outcome.exit_status == 0, outcome.error
    return [alert.key for alert in check_alerts(settings, slot + timedelta(hours=1)).open]


def test_a_page_a_year_old_that_is_served_for_days_is_an_alert_until_a_fresh_one_comes(
    on_site: Settings, site: DemoSite
) -> None:
    site.play(FIRST.date())
    assert alerts_after(on_site, FIRST) == []
    site.play(date(2024, 12, 21))
    for number in (1, 2):
        assert alerts_after(on_site, FIRST + number * DAY) == ["check:page_date_is_not_stale"]
    later = FIRST + 2 * DAY + timedelta(hours=2)
    assert run_rebuild(on_site, environment=Environment(clock=clock_from(later))).exit_status == 0
    assert [alert.key for alert in check_alerts(on_site, later).open] == ["check:page_date_is_not_stale"]
    site.play((FIRST + 3 * DAY).date())
    assert alerts_after(on_site, FIRST + 3 * DAY) == []
    later = FIRST + 3 * DAY + timedelta(hours=2)
    assert run_rebuild(on_site, environment=Environment(clock=clock_from(later))).exit_status == 0
    assert check_alerts(on_site, later).open == ()


def test_a_ticker_that_does_not_move_for_a_week_is_an_alert_until_it_moves(
    on_site: Settings, site: DemoSite
) -> None:
    site.play(FIRST.date())
    # the page prints no date, so that each day of the capture observes the same ticker
    site.path_faults["/*"] = Fault(no_date=True)
    found = [alerts_after(on_site, FIRST + number * DAY) for number in range(8)]
    assert ["check:ticker_is_not_frozen" in keys for keys in found] == [False] * 6 + [True] * 2
    site.play(FIRST.date() + 2 * DAY)
    assert "check:ticker_is_not_frozen" not in alerts_after(on_site, FIRST + 8 * DAY)
