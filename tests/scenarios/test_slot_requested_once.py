"""A slot makes a run repeatable: what the archive has of it is not requested again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ca_etl.demo.content import default_last_day
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import UsageError
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import schedule
from ca_etl.warehouse import journal

API = "/wp-json/wp/v2/posts"


@pytest.mark.slow
def test_every_page_of_a_slot_is_requested_once(settings: Settings, site: DemoSite) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    slot_day = default_last_day()
    site.play(slot_day)
    first = run_daily(on_site)
    request_count = len(site.requests)
    second = run_daily(on_site)
    assert (first.exit_status, second.exit_status) == (0, 0)
    paths = [request.path for request in site.requests[:request_count] if API not in request.path]
    assert paths == ["/robots.txt", *settings.listing_paths]
    assert request_count > len(paths)
    assert len(site.requests) == request_count


@pytest.mark.slow
def test_a_page_that_failed_is_requested_again_and_only_that_one(settings: Settings, site: DemoSite) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    site.faults[site.day] = Fault(status=503, paths=frozenset({"/latest/"}))
    first = run_daily(on_site)
    assert first.exit_status == 0
    assert [warning for warning in first.warnings if "/latest/" in warning]
    site.faults.clear()
    request_count = len(site.requests)
    assert run_daily(on_site).exit_status == 0
    assert [request.path for request in site.requests[request_count:]] == ["/robots.txt", "/latest/"]


@pytest.mark.slow
def test_an_unchanged_page_is_archived_as_a_revisit_and_still_read(
    settings: Settings, site: DemoSite
) -> None:
    from datetime import UTC, datetime

    on_site = settings.model_copy(update={"site_url": site.base_url})
    site.play(default_last_day())
    for hour in (2, 3):
        outcome = run_daily(on_site, slot=datetime(2025, 12, 22, hour, tzinfo=UTC))
        assert outcome.exit_status == 0
        assert outcome.loaded is not None
        assert outcome.loaded.rates == 5 * len(settings.listing_paths)
    assert outcome.captured is not None
    assert {page.verdict for page in outcome.captured.pages} == {"unchanged"}


@pytest.mark.slow
def test_a_page_without_rates_leaves_its_slot_open(settings: Settings, site: DemoSite) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    site.faults[site.day] = Fault(no_ticker=True)
    assert run_daily(on_site).exit_status == 0
    site.faults.clear()
    repaired = run_daily(on_site)
    assert repaired.loaded is not None
    assert repaired.loaded.rates == 5 * len(settings.listing_paths)


def test_a_page_that_was_redirected_is_not_requested_again(settings: Settings, site: DemoSite) -> None:
    # the demo site adds the last slash by a redirect
    on_site = settings.model_copy(update={"site_url": site.base_url, "listing_paths": ("/latest",)})
    first = run_daily(on_site)
    assert first.loaded is not None
    assert first.loaded.rates == 5
    paths = [request.path for request in site.requests]
    assert paths[:3] == ["/robots.txt", "/latest", "/latest/"]
    assert all(API in path for path in paths[3:])
    assert run_daily(on_site).exit_status == 0
    assert [request.path for request in site.requests] == paths


@pytest.mark.parametrize("slot", [datetime(9999, 12, 31, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)])
def test_a_slot_that_has_not_come_is_refused_and_leaves_nothing(
    settings: Settings, site: DemoSite, slot: datetime
) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    with pytest.raises(UsageError, match="is in the future"):
        run_daily(on_site, slot=slot)
    assert site.requests == []
    assert journal.read(settings.data_dir) == ()
    assert run_daily(on_site).exit_status == 0


def test_a_slot_before_any_plan_is_refused(settings: Settings, site: DemoSite) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    with pytest.raises(UsageError, match="no schedule has it"):
        run_daily(on_site, slot=datetime(1, 1, 1, tzinfo=UTC))
    assert run_daily(on_site).exit_status == 0


@pytest.mark.parametrize("slot", [datetime(2020, 1, 5, 2, tzinfo=UTC), datetime(2026, 1, 5, 2, tzinfo=UTC)])
def test_the_pages_of_now_are_not_booked_for_a_slot_long_past(
    settings: Settings, site: DemoSite, slot: datetime, query: Callable[..., list[tuple[Any, ...]]]
) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    assert run_daily(on_site, slot=slot).exit_status == 0
    last = schedule(settings).latest(datetime.now(UTC))
    assert query("select slot, outcome from fct_coverage where source = 'timesca'") == [(last, "observed")]


def test_a_damaged_list_of_decisions_stops_the_release_and_not_the_capture(
    settings: Settings, site: DemoSite
) -> None:
    on_site = settings.model_copy(update={"site_url": site.base_url})
    assert run_daily(on_site).exit_status == 0
    (settings.data_dir / "decisions.csv").write_text("junk\n1,2\n", encoding="utf-8")
    slot = datetime.now(UTC).replace(microsecond=0)
    outcome = run_daily(on_site, slot=slot)
    assert outcome.exit_status == 1
    assert "decisions.csv" in outcome.error
    assert list(settings.archive_dir.glob(f"**/{slot:%Y%m%dT%H%M%SZ}-*.warc.gz"))
