"""A data directory of the code before the columns of slots: the next run takes it over, and loses nothing.

`tests/fixtures/release_before.tar.xz` is three days of the demo, the second an outage, made by that code.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo import desk
from ca_etl.demo.site import DemoSite
from ca_etl.operate.doctor import examine
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.load import UPGRADED
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_daily, run_rebuild
from ca_etl.settings import ArticleSource, Settings
from ca_etl.sources.schedules import DAILY, SWEEP
from ca_etl.warehouse import journal
from ca_etl.warehouse.reading import consulted_warehouse, published_warehouse

pytestmark = pytest.mark.slow

FIXTURE = Path(__file__).parents[1] / "fixtures" / "release_before.tar.xz"
RUNS = ("20251220T020000Z", "20251221T020000Z", "20251222T020000Z")
SLOT = datetime(2025, 12, 23, 2, tzinfo=UTC)
THREE_DAYS = {
    "fct_rate_observation": "rate_date",
    "fct_rate_daily": "rate_date",
    "fct_article_sighting": "seen_date",
    "fct_listing_page": "listing_date",
    "fct_coverage": "day",
}


@pytest.fixture
def before(tmp_path: Path) -> Callable[..., Settings]:
    """A copy of the data directory of before."""

    def copy(name: str = "data", **more: Any) -> Settings:
        with tarfile.open(FIXTURE) as tar:
            tar.extractall(tmp_path / name, filter="data")
        return Settings(
            data_dir=tmp_path / name / "release_before",
            min_interval_seconds=0,
            backoff_seconds=0,
            _env_file=None,
            **more,
        )

    return copy


def at_slot() -> Environment:
    return Environment(clock=clock_from(SLOT), trust_clock=True)


def next_day(settings: Settings, site: DemoSite, on: str = DAILY) -> Outcome:
    site.play(date(2025, 12, 23))
    desk.work(site, date(2025, 12, 23))
    on_site = settings.model_copy(update={"site_url": site.base_url})
    return run_daily(on_site, slot=SLOT, on=on, environment=at_slot())


def facts(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The facts of the three days; which run loaded or recorded them is bookkeeping."""
    rows = {}
    with published_warehouse(settings.data_dir) as con:
        assert con is not None
        for table, day in THREE_DAYS.items():
            three_days = con.sql(f"from main.{table} where {day} <= date '2025-12-22' order by all")
            kept = [number for number, name in enumerate(three_days.columns) if name != "run_id"]
            rows[table] = [tuple(row[number] for number in kept) for row in three_days.fetchall()]
    return rows


def test_the_next_run_takes_it_over(before: Callable[..., Settings], site: DemoSite) -> None:
    taken_over, rebuilt = before("next"), before("rebuilt")
    outcome = next_day(taken_over, site)
    assert (outcome.status, outcome.warnings.count(UPGRADED)) == ("succeeded", 1)
    assert run_rebuild(rebuilt, environment=at_slot()).status == "succeeded"
    assert facts(taken_over) == facts(rebuilt)
    assert all(facts(rebuilt).values())
    with published_warehouse(taken_over.data_dir) as con:
        assert con is not None
        assert [run for (run,) in con.sql("select run_id from main.etl_run order by 1").fetchall()] == [
            *RUNS,
            outcome.run_id,
        ]
        files = con.sql("select distinct source, schedule, slot is null from raw.archive_file order by 1")
        assert files.fetchall() == [("timesca", "daily", False), ("timesca-posts", "daily", False)]


def test_it_is_taken_over_once(before: Callable[..., Settings], site: DemoSite) -> None:
    settings = before()
    next_day(settings, site)
    again = next_day(settings, site)
    assert again.loaded is not None
    assert (again.status, again.loaded.archive_files, UPGRADED in again.warnings) == ("succeeded", 0, False)


@pytest.mark.parametrize(
    ("schedule", "sources"),
    [
        (DAILY, (ArticleSource.PAGES,)),
        (SWEEP, (ArticleSource.POSTS, ArticleSource.PAGES)),
        (SWEEP, (ArticleSource.PAGES,)),
    ],
)
def test_what_a_run_only_consults_does_not_stop_it(
    before: Callable[..., Settings], site: DemoSite, schedule: str, sources: tuple[ArticleSource, ...]
) -> None:
    outcome = next_day(before(article_sources=sources), site, schedule)
    assert (outcome.status, outcome.error) == ("succeeded", "")


def test_it_is_read_as_ever_until_then(before: Callable[..., Settings]) -> None:
    settings = before()
    with published_warehouse(settings.data_dir) as con:
        assert con is not None
        assert con.sql("select count(*) from main.fct_rate_daily").fetchall() == [(15,)]
    with consulted_warehouse(settings.data_dir) as con:
        assert con is None


def test_runs_that_its_journal_has_lost_come_back(before: Callable[..., Settings], site: DemoSite) -> None:
    settings = before()
    path = settings.data_dir / journal.JOURNAL_FILE
    before_damage = journal.read(settings.data_dir)
    path.write_bytes(b"\x00garbage\n" + b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    outcome = next_day(settings, site)
    runs = journal.read(settings.data_dir)
    assert [run.run_id for run in runs] == [*RUNS, outcome.run_id]
    assert runs[0].slots == before_damage[0].slots


def test_the_doctor_names_what_an_earlier_parser_read_and_the_rebuild_that_it_takes(
    before: Callable[..., Settings],
) -> None:
    settings = before()

    def release_findings() -> list[tuple[str, str]]:
        findings = examine(settings, datetime.now(UTC)).findings
        return [(finding.level, finding.next) for finding in findings if finding.area == "release"]

    ((level, command),) = release_findings()
    assert (level, command.split(" (")[0]) == ("warn", "ca-etl rebuild")
    assert run_rebuild(settings, environment=at_slot()).status == "succeeded"
    assert release_findings() == [("ok", "")]


def test_it_stays_where_an_archive_file_is_missing(before: Callable[..., Settings], site: DemoSite) -> None:
    settings = before()
    lost = min(settings.archive_dir.rglob("*.warc.gz"))
    lost.unlink()
    outcome = next_day(settings, site)
    assert (outcome.status, outcome.release) == ("failed", None)
    assert lost.name in outcome.error
    assert max(path.name[:8] for path in settings.archive_dir.rglob("*.warc.gz")) == "20251223"
    assert (settings.data_dir / "current").readlink().name == RUNS[-1]
