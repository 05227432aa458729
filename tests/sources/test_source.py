"""What is described of every source is true of its responses."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ca_etl.archive.policy import Verdict
from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.capture import Captured
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.load import Loaded
from ca_etl.pipeline.play import slot_on
from ca_etl.pipeline.run import run_daily
from ca_etl.records import Rows
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP, Schedule, schedules
from ca_etl.sources.session import Context, FetchedUrl
from ca_etl.sources.source import (
    FIRST_RANGE,
    OVERLAP,
    Source,
    SourceOutcome,
    last_captured,
    outcome_of_pages,
    request_since,
)
from ca_etl.sources.timesca import article_pages, feed, listings, posts_api
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import Cause, RunKind, RunRecord, SlotOutcome, SlotRecord
from ca_etl.warehouse.sqlfiles import sql_root

SOURCES = (listings.SOURCE, posts_api.SOURCE, feed.SOURCE, article_pages.SOURCE)
API, FEED = "/wp-json/wp/v2/posts", "/feed/"
DAILY = Schedule("daily", "timesca", "0 7 * * *", ZoneInfo("Asia/Almaty"), "")
FIFTH = datetime(2025, 12, 5, 2, tzinfo=UTC)
OK = FetchedUrl("https://timesca.com/", Verdict.OK, "200")
SAME = FetchedUrl("https://timesca.com/latest/", Verdict.UNCHANGED, "304")
DOWN = FetchedUrl("https://timesca.com/latest/", Verdict.HTTP_ERROR, "503")
FORBIDDEN = FetchedUrl("https://timesca.com/", Verdict.BLOCKED, "403")
RATES = Loaded(archive_files=1, captures=2, rates=5)
OLD_JOURNAL = Path(__file__).parents[1] / "warehouse" / "fixtures" / "runs_without_causes.jsonl"
SLOT = datetime(2025, 12, 22, 2, tzinfo=UTC)
Query = Callable[..., list[tuple[Any, ...]]]
RECORDS_OF_EVERY_SOURCE = {"capture", "reject"}


def run_on(
    settings: Settings, site: DemoSite, schedule: str = "daily", *, after: timedelta = timedelta()
) -> None:
    site.play(site.day + after)
    slot = slot_on(settings, site.day, schedule)
    environment = Environment(clock=clock_from(slot), trust_clock=True)
    on_site = settings.model_copy(update={"site_url": site.base_url})
    assert run_daily(on_site, slot=slot, on=schedule, environment=environment).exit_status == 0


@pytest.mark.parametrize(
    ("source", "unavailable"),
    [
        (listings.SOURCE, ()),
        (posts_api.SOURCE, ()),
        (feed.SOURCE, (API,)),
        (article_pages.SOURCE, (API, FEED)),
    ],
    ids=lambda value: value.name if isinstance(value, Source) else "",
)
def test_the_responses_of_a_source_become_rows_of_its_tables(
    settings: Settings, site: DemoSite, query: Query, source: Source, unavailable: tuple[str, ...]
) -> None:
    site.path_faults.update({path: Fault(status=403) for path in unavailable})
    run_on(settings, site)
    of_source = f"capture_id in (select capture_id from raw.capture where source = '{source.name}')"
    of_text = f"text_id in (select text_id from raw.article_observation where {of_source})"
    filled = {
        table.name
        for table in fields(Rows)
        if query(
            f"select 1 from raw.{table.name} where {of_text if table.name == 'article_text' else of_source} limit 1"
        )
    }
    assert filled - RECORDS_OF_EVERY_SOURCE == source.tables


def test_every_source_is_one_of_the_seeds() -> None:
    with (sql_root() / "seeds" / "sources.csv").open(encoding="utf-8", newline="") as file:
        seeds = {row["source"] for row in csv.DictReader(file)}
    assert {source.name for source in SOURCES} <= seeds


def test_every_source_is_requested_by_schedules_that_exist(settings: Settings) -> None:
    names = {schedule.name for schedule in schedules(settings)}
    assert all(source.schedules <= names for source in SOURCES)


def test_a_sweep_requests_the_sources_that_have_its_schedule(
    settings: Settings, site: DemoSite, query: Query
) -> None:
    run_on(settings, site)
    site.posts.delete(max(site.posts.snapshot(site.day).by_id))
    run_on(settings, site, SWEEP, after=timedelta(days=7))
    requested = {
        name for (name,) in query("select distinct source from raw.archive_file where schedule = 'sweep'")
    }
    assert requested == {source.name for source in SOURCES if SWEEP in source.schedules}


def test_a_record_names_its_source_its_day_and_its_slot() -> None:
    assert SourceOutcome("timesca", SlotOutcome.FAILED, "4 unreachable").record(DAILY, FIFTH) == SlotRecord(
        "timesca", "daily", FIFTH, date(2025, 12, 5), "failed", "4 unreachable"
    )


def test_an_instant_between_two_slots_counts_for_the_one_before() -> None:
    observed = SourceOutcome("timesca", SlotOutcome.OBSERVED)
    assert observed.record(DAILY, FIFTH + timedelta(hours=9)).slot == FIFTH


@pytest.mark.parametrize(
    ("captured", "loaded", "requested", "outcome", "reason"),
    [
        (Captured((OK, SAME), 0), RATES, (), "observed", None),
        (Captured((OK, DOWN), 0), RATES, (), "observed", "1 of 2 pages; 1 http_error"),
        (Captured((SAME,), 0), RATES, (), "unchanged", None),
        (Captured((), 4), Loaded(), (), "observed", None),
        (Captured((DOWN,), 3), Loaded(), (), "observed", "3 of 4 pages; 1 http_error"),
        (Captured((OK,), 0), Loaded(archive_files=1, captures=1), (), "failed", "no page had rates"),
        # the run failed after its capture: the pages are archived, and the next run loads them
        (Captured((OK,), 0), None, (), "observed", None),
        (None, None, (FORBIDDEN,), "blocked", "blocked: 403"),
        (None, None, (DOWN, DOWN), "failed", "2 http_error"),
        (None, None, (), "failed", "no space left"),
    ],
)
def test_the_outcome_of_a_slot(
    captured: Captured | None,
    loaded: Loaded | None,
    requested: tuple[FetchedUrl, ...],
    outcome: str,
    reason: str | None,
) -> None:
    pages, archived = (captured.pages, captured.already_archived) if captured else (requested, 0)
    error = "no space left" if captured is None else ""
    source_outcome = outcome_of_pages(
        "timesca", pages, archived, rates=loaded.rates if loaded else None, error=error
    )
    assert (source_outcome.outcome, source_outcome.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("pages", "archived", "rates", "facts"),
    [
        ((OK, SAME), 0, 5, (None, 2, 2, True)),
        ((OK, DOWN), 0, 5, (None, 2, 1, False)),
        ((DOWN,), 3, 0, (None, 4, 3, False)),
        ((OK, DOWN), 0, 0, (Cause.NO_RATES, 2, 1, False)),
        ((DOWN, DOWN), 0, None, (Cause.SITE, 2, 0, False)),
        ((FORBIDDEN,), 0, None, (None, 1, 0, False)),
        ((), 0, None, (Cause.MACHINE, None, None, None)),
    ],
)
def test_the_facts_of_a_slot_are_fields_of_its_line(
    pages: tuple[FetchedUrl, ...],
    archived: int,
    rates: int | None,
    facts: tuple[Cause | None, int | None, int | None, bool | None],
) -> None:
    outcome = outcome_of_pages(
        "timesca", pages, archived, rates=rates, error="a full disk", cause=Cause.MACHINE
    )
    line = outcome.record(DAILY, FIFTH + timedelta(hours=1))
    assert (line.source, line.schedule, line.slot) == ("timesca", "daily", FIFTH)
    assert (line.cause, line.pages_requested, line.pages_usable, line.is_complete) == facts


def test_after_lines_without_facts_a_month_is_requested_once(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").write_bytes(OLD_JOURNAL.read_bytes())
    settings, runs = Settings(data_dir=tmp_path, _env_file=None), journal.read(tmp_path)
    upgrade = Context(settings, RunKind.RUN, "a", SLOT + timedelta(days=1), runs=runs)
    assert last_captured(upgrade, ["timesca-posts"], completely=False) == runs[-1].started_at
    assert last_captured(upgrade, ["timesca-posts"], completely=True) is None
    assert request_since(upgrade, "timesca-posts") == upgrade.started_at - FIRST_RANGE - OVERLAP
    first = SlotRecord("timesca-posts", "daily", SLOT, SLOT.date(), "observed", is_complete=True)
    ran = RunRecord("a", "run", upgrade.started_at, "succeeded", "1", schedule="daily", slots=(first,))
    following = Context(settings, RunKind.RUN, "b", SLOT + timedelta(days=2), runs=(*runs, ran))
    assert request_since(following, "timesca-posts") == upgrade.started_at - OVERLAP
