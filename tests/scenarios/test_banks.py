"""Whole runs and backfills with the central banks, which the demo site shows in each bank's own format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.errors import UsageError
from ca_etl.operate.alert_delivery import check_alerts
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill, run_daily, run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange

Query = Callable[..., list[tuple[Any, ...]]]
Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
FRIDAY = datetime(2025, 12, 5, 2, tzinfo=UTC)
RATES = "select source, quote, rate_date, rate from fct_official_rate where source <> 'cbt' order by all"
OUTCOMES = "select source, outcome, day_kind from fct_coverage order by slot, source"


@pytest.fixture
def with_banks(on_site: Settings) -> Settings:
    return on_site.model_copy(update={"sources": ("all",), "article_sources": (), "listing_paths": ("/",)})


def run_at(settings: Settings, site: DemoSite, at: datetime) -> Outcome:
    site.play(at.date())
    return run_daily(settings, environment=Environment(clock=clock_from(at), trust_clock=True))


def paths_of(site: DemoSite) -> list[str]:
    return [request.path for request in site.requests if request.path.startswith("/banks/")]


def test_a_run_has_the_rate_of_each_bank_and_a_rebuild_gives_the_same(
    with_banks: Settings, site: DemoSite, query: Query, contents: Contents
) -> None:
    outcome = run_at(with_banks, site, FRIDAY)
    assert (outcome.exit_status, outcome.warnings, outcome.fired) == (0, (), ())
    day = date(2025, 12, 5)
    rates = query(RATES)
    assert [row for row in rates if row[0] != "cbr"] == [
        ("cbu", "UZS", day, Decimal("11963.23")),
        ("nbk", "KZT", day, Decimal("505.92")),
        ("nbkr", "KGS", day, Decimal("87.45")),
        ("nbt", "TJS", day, Decimal("9.175")),
    ]
    assert [row[1] for row in rates if row[0] == "cbr"] == ["KGS", "KZT", "TJS", "TMT", "UZS"]
    assert query(OUTCOMES) == [
        (source, "observed", None if source == "timesca" else "expected")
        for source in ("cbr", "cbu", "nbk", "nbkr", "nbt", "timesca")
    ]
    before = contents(with_banks.data_dir)
    assert run_rebuild(with_banks).exit_status == 0
    assert contents(with_banks.data_dir) == before


def test_a_later_run_of_the_slot_requests_no_bank_again(with_banks: Settings, site: DemoSite) -> None:
    run_at(with_banks, site, FRIDAY)
    requested = paths_of(site)
    assert len(requested) == 5
    run_at(with_banks, site, FRIDAY + timedelta(hours=2))
    assert paths_of(site) == requested


def test_only_the_banks_of_the_settings_are_requested(with_banks: Settings, site: DemoSite) -> None:
    run_at(with_banks.model_copy(update={"sources": ("cbu", "nbt")}), site, FRIDAY)
    assert [path.split("/")[2] for path in paths_of(site)] == ["cbu", "nbt"]


def test_a_bank_that_no_source_is_stops_the_run_before_a_request(
    with_banks: Settings, site: DemoSite
) -> None:
    with pytest.raises(UsageError, match="CA_ETL_SOURCES names nbx: not a source; known are nbk, nbkr"):
        run_at(with_banks.model_copy(update={"sources": ("nbx",)}), site, FRIDAY)
    assert site.requests == []


HELP = date(2025, 11, 28)  # on this day the demo's nbt has a page of help, with status 200


def test_a_page_in_place_of_a_table_is_a_failure_and_the_next_run_of_the_slot_requests_it_again(
    with_banks: Settings, site: DemoSite, query: Query
) -> None:
    only = with_banks.model_copy(update={"sources": ("nbt",)})
    at = datetime(2025, 11, 28, 2, tzinfo=UTC)
    first = run_at(only, site, at)
    assert (first.exit_status, len(first.warnings)) == (0, 1)
    assert first.warnings[0].startswith("nbt: failed (no table: ")
    run_at(only, site, at + timedelta(hours=1))
    assert len(paths_of(site)) == 2
    assert query("select outcome from fct_coverage where source = 'nbt'") == [("failed",)]


def test_a_backfill_into_a_page_in_place_of_a_table_leaves_its_month_open(
    with_banks: Settings, site: DemoSite
) -> None:
    site.play(HELP)
    days = DateRange(date(2025, 11, 3), date(2025, 11, 9))
    environment = Environment(clock=clock_from(datetime(2025, 11, 28, 2, tzinfo=UTC)), trust_clock=True)
    outcome = run_backfill(with_banks, days, source="nbt", environment=environment)
    assert (outcome.exit_status, outcome.error.partition(": ")[0]) == (1, f"nbt gives no table of {days}")
    assert read_complete_months(with_banks.data_dir, "nbt") == ()


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(status=403, waf_page=True)], ids=["unavailable", "refused"]
)
def test_a_bank_that_fails_holds_up_neither_the_ticker_nor_another_bank(
    with_banks: Settings, site: DemoSite, query: Query, fault: Fault
) -> None:
    site.path_faults["/banks/nbk/*"] = fault
    assert run_at(with_banks, site, FRIDAY).exit_status == 0
    outcomes = dict(query("select source, outcome from fct_coverage"))
    assert outcomes.pop("nbk") in {"failed", "blocked"}
    assert set(outcomes.values()) == {"observed"}
    assert query("select count(*) from fct_rate_daily") == [(5,)]
    # the cross of another bank takes the place of the tenge's own
    assert query("select rate_source, method from fct_rate_best where base = 'KZT'") == [("cbr", "cross")]


def test_a_bank_that_fails_for_days_is_an_alert_until_it_responds(
    with_banks: Settings, site: DemoSite
) -> None:
    site.path_faults["/banks/nbk/*"] = Fault(status=503)
    alerts = []
    for number in range(3):
        if number == 2:
            site.path_faults.clear()
        at = FRIDAY + timedelta(days=number)
        run_at(with_banks, site, at)
        alerts.append([alert.key for alert in check_alerts(with_banks, at + timedelta(hours=1)).open])
    assert alerts == [[], ["source_fails:nbk/daily"], []]


def test_the_banks_are_archived_on_a_day_without_the_site_and_published_by_the_next_run(
    with_banks: Settings, site: DemoSite, query: Query
) -> None:
    site.faults[FRIDAY.date()] = Fault(status=503)
    assert run_at(with_banks, site, FRIDAY).exit_status == 1
    assert len(paths_of(site)) == 5
    # a retry of the slot asks the site alone
    assert run_at(with_banks, site, FRIDAY + timedelta(hours=1)).exit_status == 1
    assert len(paths_of(site)) == 5
    assert run_at(with_banks, site, FRIDAY + timedelta(days=1)).exit_status == 0
    assert query(f"select rate from ({RATES}) where source = 'cbu'") == [(Decimal("11963.23"),)]


def test_a_weekend_is_no_outage(with_banks: Settings, site: DemoSite, query: Query) -> None:
    for number in range(3):
        assert run_at(with_banks, site, FRIDAY + timedelta(days=number)).fired == ()
    assert query(f"select source, outcome, day_kind from ({OUTCOMES}) where source in ('cbu', 'nbt')") == [
        ("cbu", "observed", "expected"),
        ("nbt", "observed", "expected"),
        ("cbu", "observed", "weekend"),
        ("nbt", "observed", "weekend"),
        ("cbu", "observed", "weekend"),
        ("nbt", "observed", "weekend"),
    ]
    assert query("select distinct reason from etl_reject") == [("no_publication",)]
    assert query(
        "select rate_date, inverse_rate, is_filled, is_in_force from fct_rate_best where base = 'UZS' order by all"
    ) == [(date(2025, 12, 5 + number), Decimal("11963.23"), number > 0, True) for number in range(3)]


# Requests for a week, rates found and the first and last of their days: some banks have a page for many days, one
# repeats its rate on weekends, and the Bank of Russia has no table of a Sunday, a Monday and the 4th of November.
WEEK = DateRange(date(2025, 11, 3), date(2025, 11, 9))
PASTS = {
    "nbk": (7, (5, date(2025, 11, 4), date(2025, 11, 8))),
    "nbkr": (1, (5, date(2025, 11, 4), date(2025, 11, 8))),
    "cbu": (7, (5, date(2025, 11, 3), date(2025, 11, 7))),
    "nbt": (1, (7, date(2025, 11, 3), date(2025, 11, 9))),
    "cbr": (7, (20, date(2025, 11, 2), date(2025, 11, 8))),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", PASTS)
def test_a_backfill_has_the_past_of_a_bank_and_resumes(
    with_banks: Settings, site: DemoSite, query: Query, source: str
) -> None:
    requests, found = PASTS[source]
    site.play(date(2025, 12, 22))
    environment = Environment(clock=clock_from(datetime(2025, 12, 22, 2, tzinfo=UTC)), trust_clock=True)
    for _ in range(2):
        outcome = run_backfill(with_banks, WEEK, source=source, environment=environment)
        assert outcome.exit_status == 0, outcome.error
        assert len(paths_of(site)) == requests
    assert query(
        f"select count(*), min(rate_date), max(rate_date) from ({RATES}) where source = '{source}'"
    ) == [found]


def test_a_backfill_of_a_bank_that_is_away_says_how_to_resume(with_banks: Settings, site: DemoSite) -> None:
    site.path_faults["/banks/cbu/*"] = Fault(status=503)
    outcome = run_backfill(with_banks, DateRange(date(2025, 11, 3), date(2025, 12, 2)), source="cbu")
    assert outcome.exit_status == 1
    assert outcome.error.startswith("cbu gives no table of 2025-11-03..2025-11-30: http_error")
    assert outcome.hint == "ca-etl backfill --source cbu --from 2025-11-03 --to 2025-12-02"
