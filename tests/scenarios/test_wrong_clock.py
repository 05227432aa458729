"""A run whose clock cannot be right archives what it can and writes no observation; the future counts for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.handlers import Response
from ca_etl.demo.site import DemoSite
from ca_etl.operate.status import collect
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_backfill, run_daily, run_ingest, run_rebuild
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange
from ca_etl.warehouse import journal

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
DAY = timedelta(days=1)
FIRST = datetime(2025, 12, 10, 2, tzinfo=UTC)
LOST_BATTERY = datetime(2020, 6, 1, 2, tzinfo=UTC)
FUTURE = datetime(2099, 1, 1, 2, tzinfo=UTC)
RATES = "select rate_date::varchar, base, quote, rate::varchar, is_filled from fct_rate_daily order by all"


class DatedSite(DemoSite):
    """The demo site with a Date on its responses; `dated` may leave paths out or add an Age."""

    dated: Callable[[str], Mapping[str, str]] = staticmethod(lambda _path: {})

    def respond(self, method: str, target: str, headers: Mapping[str, str]) -> Response:
        response = super().respond(method, target, headers)
        return replace(response, headers={**response.headers, **self.dated(target)})


@pytest.fixture
def site() -> Iterator[DatedSite]:
    with DatedSite(port=0) as site:
        site.play(FIRST.date())
        yield site


def run(settings: Settings, at: datetime, **environment: Any) -> Outcome:
    return run_daily(settings, slot=at, environment=Environment(clock=clock_from(at), **environment))


def archived(settings: Settings) -> set[str]:
    return {path.name for path in settings.archive_dir.glob("*/*/*.warc.gz")}


def http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


@pytest.mark.parametrize("wrong", [LOST_BATTERY, FIRST - 2 * DAY, FIRST - 30 * DAY])
def test_a_clock_before_the_newest_run_archives_the_pages_and_writes_no_observation(
    on_site: Settings, site: DatedSite, query: Query, wrong: datetime
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    before, requests = archived(on_site), len(site.requests)
    outcome = run(on_site, wrong)
    assert outcome.exit_status == 1
    assert f"the clock shows {wrong:%Y-%m-%d %H:%M} UTC" in outcome.error
    assert "--trust-clock" in outcome.error
    assert len(site.requests) > requests
    assert f"{wrong:%Y%m%dT%H%M%SZ}-timesca.warc.gz" in archived(on_site) - before
    record = journal.read(on_site.data_dir)[-1]
    assert (record.status, record.slots, record.release_id) == ("failed", (), None)
    assert {Path(name).name for name in record.held} == archived(on_site) - before
    site.play((FIRST + DAY).date())
    assert run(on_site, FIRST + DAY).exit_status == 0
    assert query("select min(rate_date)::varchar, count(*) filter (where is_filled) from fct_rate_daily") == [
        ("2025-12-10", 0)
    ]
    assert query(
        "select min(captured_at)::date::varchar, count(*) from raw.capture where source = 'timesca'"
    ) == [("2025-12-10", 8)]
    assert query("select min(slot)::date::varchar from fct_coverage") == [("2025-12-10",)]
    with_first = query(RATES)
    assert run_rebuild(on_site, environment=Environment(clock=clock_from(FIRST + DAY))).exit_status == 0
    assert query(RATES) == with_first


def test_a_clock_less_than_a_day_before_the_newest_run_stops_nothing(
    on_site: Settings,
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    assert run(on_site, FIRST - timedelta(hours=23)).exit_status == 0


def test_a_trusted_clock_before_the_newest_run_publishes_and_warns(on_site: Settings) -> None:
    assert run(on_site, FIRST).exit_status == 0
    outcome = run(on_site, FIRST - 5 * DAY, trust_clock=True)
    assert outcome.release is not None
    assert "the clock is trusted" in outcome.warnings[0]


@pytest.mark.parametrize(
    "off", [timedelta(days=400), timedelta(hours=25), -timedelta(hours=25), -timedelta(days=400)]
)
def test_a_clock_that_differs_from_the_dates_of_the_site_by_more_than_a_day_stops_the_run(
    on_site: Settings, site: DatedSite, query: Query, off: timedelta
) -> None:
    site.dated = lambda _path: {"Date": http_date(FIRST + off)}
    outcome = run(on_site, FIRST)
    assert (outcome.exit_status, outcome.release) == (1, None)
    assert "the date that the site sends" in outcome.error
    assert f"{FIRST:%Y%m%dT%H%M%SZ}-timesca.warc.gz" in archived(on_site)
    assert not (on_site.data_dir / "current").exists()
    right = FIRST + off
    assert run(on_site, right).exit_status == 0
    assert query("select distinct captured_at::date::varchar from raw.capture") == [(f"{right:%Y-%m-%d}",)]


def test_the_slot_of_a_run_with_a_clock_ahead_is_captured_when_it_comes(
    on_site: Settings, site: DatedSite, query: Query
) -> None:
    site.dated = lambda _path: {"Date": http_date(FIRST)}
    assert run(on_site, FIRST + 7 * DAY).exit_status == 1
    for number in range(8):
        site.dated = lambda _path, number=number: {"Date": http_date(FIRST + number * DAY)}
        site.play((FIRST + number * DAY).date())
        assert run(on_site, FIRST + number * DAY).exit_status == 0
    assert query("select count(distinct rate_date), sum(is_filled::int) from fct_rate_daily") == [(8, 0)]
    assert query("select distinct outcome from fct_coverage where source = 'timesca'") == [("observed",)]


@pytest.mark.parametrize("off", [timedelta(days=400), -timedelta(days=400)])
def test_a_trusted_clock_that_differs_from_the_dates_of_the_site_publishes(
    on_site: Settings, site: DatedSite, off: timedelta
) -> None:
    site.dated = lambda _path: {"Date": http_date(FIRST + off)}
    assert run(on_site, FIRST, trust_clock=True).release is not None
    assert run(on_site.model_copy(update={"trust_clock": True}), FIRST).release is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "garbage"},
        {"Date": "0"},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"Date": "Mon, 01 Jan 2027 00:00:00 +99999999999999999"},
        {"Date": "Wed, 10 Dec 2025 02:00:05"},
        {"Date": "Wed, 10 Dec 2025 02:00:05 -0000"},
        # a cache on the way: made three days ago, and so old
        {"Date": http_date(FIRST - 3 * DAY), "Age": "259200"},
        {"Date": http_date(FIRST), "Age": "9" * 40},
        {"Date": http_date(FIRST), "Age": "-5"},
        {"Date": http_date(FIRST + timedelta(hours=23))},
        {"Date": http_date(FIRST - timedelta(hours=23))},
    ],
)
def test_a_missing_or_useless_date_stops_no_run(
    on_site: Settings, site: DatedSite, headers: dict[str, str]
) -> None:
    site.dated = lambda _path: headers
    assert run(on_site, FIRST).exit_status == 0


@pytest.mark.parametrize("off", [-400 * DAY, 400 * DAY])
def test_one_page_with_another_date_than_the_rest_stops_no_run(
    on_site: Settings, site: DatedSite, off: timedelta
) -> None:
    site.dated = lambda path: {"Date": http_date(FIRST + (off if path == "/latest/" else 0 * DAY))}
    assert run(on_site, FIRST).exit_status == 0


def test_pages_of_a_right_clock_that_a_run_of_the_future_stopped_are_loaded_once_it_is_trusted(
    on_site: Settings, site: DatedSite, query: Query
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    site.play((FIRST + DAY).date())
    assert run(on_site, FUTURE).exit_status == 0
    for number in (2, 3):
        site.play((FIRST + number * DAY).date())
        stopped = run(on_site, FIRST + number * DAY)
        assert stopped.exit_status == 1
        assert "the end of run 20990101T020000Z" in stopped.error
    site.play((FIRST + 6 * DAY).date())
    assert run(on_site, FIRST + 6 * DAY, trust_clock=True).exit_status == 0
    slots = "select slot::date::varchar, outcome from fct_coverage where source = 'timesca' order by slot"
    observed, missed = "observed", "missed"
    expected = [
        (10, observed),
        (11, missed),
        (12, observed),
        (13, observed),
        (14, missed),
        (15, missed),
        (16, observed),
    ]
    assert query(slots) == [(f"2025-12-{day}", outcome) for day, outcome in expected]
    assert query("select count(*) from etl_run where started_at > '2098-01-01'") == [(1,)]
    site.play((FIRST + 7 * DAY).date())
    following = run(on_site, FIRST + 7 * DAY)
    assert (following.exit_status, [w for w in following.warnings if "clock" in w]) == (0, [])
    rates = query(RATES)
    assert {day for day, *_, filled in rates if not filled} >= {
        "2025-12-12",
        "2025-12-13",
        "2025-12-16",
        "2025-12-17",
    }
    assert run_rebuild(on_site, environment=Environment(clock=clock_from(FIRST + 7 * DAY))).exit_status == 0
    assert query(RATES) == rates


def test_the_release_of_the_future_is_pruned_first(on_site: Settings, site: DatedSite) -> None:
    few = on_site.model_copy(update={"keep_releases": 2})
    for at, trust_clock in ((FIRST, False), (FUTURE, False), (FIRST + DAY, True)):
        assert run(few, at, trust_clock=trust_clock).exit_status == 0
    assert sorted(path.name[:8] for path in (few.data_dir / "releases").iterdir()) == ["20251210", "20251211"]


def test_status_counts_no_run_of_the_future_and_lists_them(on_site: Settings) -> None:
    assert run(on_site, FIRST).exit_status == 0
    assert run(on_site, FUTURE).exit_status == 0
    status = collect(on_site, FIRST + 3 * DAY)
    daily = status.schedules[0]
    assert (daily.last_observed, daily.due) == (FIRST, FIRST + DAY)
    (ahead,) = [condition for condition in status.conditions if condition.key == "clock"]
    assert "the last is 20990101T020000Z" in ahead.detail
    assert {(line.source, line.slot) for line in status.others} == {("timesca-posts", FIRST)}
    assert [f"{line.last_captured_at:%Y-%m-%d}" for line in status.freshness if line.source == "timesca"] == [
        "2025-12-10"
    ]


def test_without_a_journal_the_newest_archive_file_judges_the_clock(on_site: Settings) -> None:
    assert run(on_site, FIRST).exit_status == 0
    (on_site.data_dir / "runs.jsonl").unlink()
    (on_site.data_dir / "current").unlink()
    outcome = run(on_site, FIRST - 3 * DAY)
    assert outcome.exit_status == 1
    assert "archive file 20251210T020000Z-timesca" in outcome.error


def test_without_journal_and_archive_the_newest_capture_of_the_release_judges_the_clock(
    on_site: Settings,
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    (on_site.data_dir / "runs.jsonl").unlink()
    shutil.rmtree(on_site.archive_dir)
    outcome = run(on_site, FIRST - 3 * DAY)
    assert outcome.exit_status == 1
    assert outcome.contradicted_by is not None
    assert outcome.contradicted_by - FIRST < timedelta(minutes=1)


def test_what_can_be_repeated_stops_before_it_requests_or_archives(
    on_site: Settings, site: DatedSite, tmp_path: Path
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    page = tmp_path / "page.html"
    page.write_text("<html><body><p>nothing</p></body></html>")
    before, requests = archived(on_site), len(site.requests)
    environment = Environment(clock=clock_from(LOST_BATTERY))
    november = DateRange(date(2025, 11, 1), date(2025, 11, 30))
    outcomes = [
        run_backfill(on_site, november, environment=environment),
        run_ingest(on_site, GivenFiles((page,)), environment=environment),
        run_rebuild(on_site, environment=environment),
        run_rebuild(on_site, only_rejects=True, environment=environment),
    ]
    assert [outcome.exit_status for outcome in outcomes] == [1] * 4
    assert all("the clock shows 2020-06-01" in outcome.error for outcome in outcomes)
    assert (archived(on_site), len(site.requests)) == (before, requests)
    trusting = replace(environment, trust_clock=True)
    assert run_ingest(on_site, GivenFiles((page,)), environment=trusting).exit_status == 0


def test_months_that_were_crawled_with_a_wrong_clock_are_crawled_again(
    on_site: Settings, site: DatedSite, query: Query
) -> None:
    november = DateRange(date(2025, 11, 1), date(2025, 11, 30))
    site.dated = lambda _path: {"Date": http_date(FIRST)}
    wrong = run_backfill(on_site, november, environment=Environment(clock=clock_from(FIRST + 30 * DAY)))
    assert wrong.exit_status == 1
    assert run_backfill(on_site, november, environment=Environment(clock=clock_from(FIRST))).exit_status == 0
    assert query("select distinct captured_at::date::varchar from raw.capture") == [("2025-12-10",)]


def test_a_site_that_is_away_leaves_no_slot_by_a_wrong_clock(on_site: Settings, site: DatedSite) -> None:
    assert run(on_site, FIRST).exit_status == 0
    site.faults[FIRST.date()] = Fault(status=503)
    outcome = run(on_site, LOST_BATTERY)
    record = journal.read(on_site.data_dir)[-1]
    assert (outcome.exit_status, record.slots) == (1, ())
    assert {Path(name).name[:8] for name in record.held} == {"20200601"}


def test_an_interrupted_capture_by_a_wrong_clock_is_held_back_as_well(
    on_site: Settings, site: DatedSite, query: Query
) -> None:
    assert run(on_site, FIRST).exit_status == 0

    def interrupted(step: Callable[..., Any], *args: object) -> Any:
        result = step(*args)
        if step.__name__ == "capture":
            raise KeyboardInterrupt
        return result

    with pytest.raises(KeyboardInterrupt):
        run(on_site, LOST_BATTERY, call=interrupted)
    assert run(on_site, FIRST + DAY).exit_status == 0
    assert query("select min(captured_at)::date::varchar from raw.capture") == [("2025-12-10",)]


def test_what_a_killed_run_left_is_not_held_back_with_the_files_of_a_wrong_clock(
    on_site: Settings,
) -> None:
    assert run(on_site, FIRST).exit_status == 0
    (sealed,) = on_site.archive_dir.glob("*/*/20251210T020000Z-timesca.warc.gz")
    left = sealed.with_name("20251211T020000Z-timesca.warc.gz.open")
    left.write_bytes(sealed.read_bytes())
    assert run(on_site, LOST_BATTERY).exit_status == 1
    assert not left.exists()
    held = {Path(name).name[:8] for name in journal.read(on_site.data_dir)[-1].held}
    assert held == {"20200601"}


def test_the_demo_plays_days_before_those_it_has_played(settings: Settings) -> None:
    for last_day in (date(2025, 12, 20), date(2025, 12, 5)):
        (outcome,) = play_days(settings, 1, last_day=last_day)
        assert outcome.exit_status == 0, outcome.error
