"""A backfill from a web archive is planned by its index, may be killed anywhere, and gives back the published years."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.archive.reader import archive_files, whole_records
from ca_etl.errors import UsageError
from ca_etl.pipeline.backfill import observed_days, plan_backfill
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill
from ca_etl.settings import Settings
from ca_etl.sources.source import DateRange, HistoryPlan, SourceUnavailableError
from ca_etl.warehouse import journal, lock
from ca_etl.warehouse.connection import open_release
from tests.parse.render_captures import kind_of, render
from tests.sources.web_archives.fake_archives import FakeArchives, Page, Reply

WINTER = DateRange(date(2025, 1, 1), date(2025, 2, 28))
NAMES = ("commoncrawl", "wayback")
DAYS = frozenset({date(2025, 1, 12), date(2025, 1, 14), date(2025, 2, 10)})
Query = Callable[..., list[tuple[Any, ...]]]
Backfill = Callable[..., Outcome]
Environments = Callable[..., Environment]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("commoncrawl", HistoryPlan(5, 10, 10.0, DAYS)), ("wayback", HistoryPlan(5, 9, 45.0, DAYS))],
)
def test_a_plan_requests_the_index_alone_and_counts_what_a_backfill_requests(
    archives: FakeArchives,
    on_timesca: Settings,
    environment_of: Environments,
    name: str,
    expected: HistoryPlan,
) -> None:
    assert plan_backfill(on_timesca, WINTER, name, environment_of()) == expected
    assert archives.paths("/commoncrawl/crawl-data/") == archives.paths("/wayback/web/") == []
    # archived as evidence, and no run
    assert len(archive_files(on_timesca.archive_dir)) == 2
    assert journal.read(on_timesca.data_dir) == ()
    assert lock.running(on_timesca.data_dir) is None


def test_a_plan_after_the_backfill_is_empty(
    archives: FakeArchives, on_timesca: Settings, environment_of: Environments, backfill: Backfill
) -> None:
    assert backfill("commoncrawl").exit_status == 0
    archives.requests.clear()
    plan = plan_backfill(on_timesca, WINTER, "commoncrawl", environment_of())
    assert (plan.captures, plan.requests, plan.days, archives.requests) == (0, 0, frozenset(), [])


def test_a_plan_for_a_source_without_an_index_is_wrong_usage(
    on_timesca: Settings, environment_of: Environments
) -> None:
    with pytest.raises(UsageError, match="posts has no index to plan from"):
        plan_backfill(on_timesca, WINTER, "posts", environment_of())


def test_a_plan_states_that_the_index_is_not_given(
    archives: FakeArchives, on_timesca: Settings, environment_of: Environments
) -> None:
    archives.faults = [lambda _request: Reply(b"no", 403)]
    with pytest.raises(SourceUnavailableError, match="wayback gives no index") as raised:
        plan_backfill(on_timesca, WINTER, "wayback", environment_of())
    assert raised.value.hint == "ca-etl backfill --plan --via wayback --from 2025-01-01 --to 2025-02-28"


def test_both_web_archives_agree_and_the_preferred_one_gives_the_rate_of_a_day(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query
) -> None:
    for name in NAMES:
        assert backfill(name).exit_status == 0
    assert query("select source, count(*) from raw.capture group by all order by all") == [
        ("commoncrawl", 5),
        ("wayback", 5),
    ]
    assert query(
        "select distinct observation.source from fct_rate_daily inner join fct_rate_observation as observation"
        " using (rate_date, base, quote, capture_id) where not is_filled"
    ) == [("commoncrawl",)]
    assert query("select is_firing from etl_check where check_name = 'captures_agree'") == [(False,)]


@pytest.mark.slow
def test_where_web_archives_disagree_both_observations_stay_and_a_check_names_their_captures(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    assert backfill("commoncrawl").exit_status == 0
    page = archives.pages[0]
    other = page.body.replace(b"KZT/USD = 0.00201", b"KZT/USD = 0.00202")
    archives.pages[0] = replace(page, body=other)
    outcome = backfill("wayback")
    assert (outcome.exit_status, outcome.error) == (0, "")
    printed = query(
        "select source, rate::varchar, is_backfilled, capture_id from fct_rate_observation"
        " where base = 'KZT' and observed_at = '2025-01-12 12:00:00+00' order by source"
    )
    assert [row[:3] for row in printed] == [
        ("commoncrawl", "0.00201000", True),
        ("wayback", "0.00202000", True),
    ]
    ((severity, sample),) = query(
        "select severity, sample from etl_check where check_name = 'captures_agree' and is_firing"
    )
    assert severity == "warning"
    assert all(capture_id in sample for *_, capture_id in printed)


@pytest.mark.slow
@pytest.mark.parametrize("half", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_backfill_killed_at_ten_random_moments_and_continued_equals_an_undisturbed_one(
    archives: FakeArchives, tmp_path: Path, name: str, half: int
) -> None:
    def run(data_dir: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.sources.web_archives.killed_backfill"]
        arguments = [str(data_dir), archives.root, name, str(kill_at)]
        return subprocess.run([*command, *arguments], check=False, stdout=subprocess.PIPE, text=True)

    calm = run(tmp_path / "calm", 0)
    assert calm.returncode == 0
    expected = _rows(tmp_path / "calm")
    assert len(expected["raw.capture"]) == 5
    chosen = random.Random(f"{name} {half}")  # noqa: S311  the same moments each time
    kills = 0
    while kills < 10:
        killed = tmp_path / f"killed-{kills}"
        # each moment is that of a backfill which continues one killed before, until one ends before its moment
        while (status := run(killed, chosen.randint(1, int(calm.stdout))).returncode) == -signal.SIGKILL:
            kills += 1
        assert status == 0
        assert _rows(killed) == expected
        ids = [
            record.record_id
            for path in archive_files(killed / "archive")
            for record in whole_records(path)
            if record.kind == "response" and "ca-etl-evidence" not in record.warc
        ]
        assert len(ids) == len(set(ids)) == 5


# A killed run is one more in the journal, and its captures are in files of other names.
OWN_COLUMNS = frozenset({"run_id", "loaded_by", "archive_file", "archive_offset"})
OWN_TABLES = frozenset({"etl_run", "etl_check", "archive_file", "run", "check_result"})


def _rows(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables of the release, of `raw` and `main`, without what names runs and files."""
    with duckdb.connect(str(data_dir / "current" / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name, list(column_name order by column_index) from duckdb_columns()"
            " where schema_name in ('raw', 'main') and not internal group by all"
        ).fetchall()
        rows = {}
        for schema, table, columns in tables:
            if table not in OWN_TABLES:
                chosen = ", ".join(f'"{name}"' for name in columns if name not in OWN_COLUMNS)
                rows[f"{schema}.{table}"] = con.sql(
                    f"select {chosen} from {schema}.{table} order by all"
                ).fetchall()
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_published_years_come_back_on_exactly_the_days_that_were_captured(
    archives: FakeArchives,
    on_timesca: Settings,
    environment_of: Environments,
    shared_dir: Path,
    name: str,
) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known = [json.loads(line) for line in file]
    archives.crawls = {
        f"CC-MAIN-{year}-01": (f"{year}-01-01", f"{year}-12-31") for year in (2024, 2025, 2026)
    }
    expected: set[date] = set()
    archives.pages = []
    for number, facts in enumerate(known):
        # an undated page was captured on a day of its own
        undated = datetime(2024, 3, 1, 6, tzinfo=UTC) + timedelta(days=number)
        printed = facts["page_date"]
        is_article = kind_of(facts) == "article"
        day = datetime.fromisoformat(f"{printed}T06:00:00+00:00") if printed and not is_article else undated
        at = day + timedelta(seconds=number)
        archives.pages.append(Page(facts["url"], at, render(facts, number).text.encode()))
        if facts["rates"]:
            expected.add(day.date())
    days = DateRange(date(2024, 1, 1), date(2026, 12, 31))
    clock = environment_of().clock
    environment = environment_of(clock=lambda: clock() + timedelta(days=700))
    outcome = run_backfill(on_timesca, days, source=name, environment=environment)
    assert (outcome.exit_status, outcome.error) == (0, "")
    assert outcome.loaded is not None
    assert outcome.loaded.captures == len(known) == 255
    assert observed_days(on_timesca.data_dir) == expected
    with open_release(on_timesca.data_dir / "current" / "warehouse.duckdb") as con:
        days_of = "select distinct is_filled, is_backfilled, source from fct_rate_daily order by all"
        assert con.sql(days_of).fetchall() == [(False, True, name), (True, None, name)]
        covered = con.sql("select distinct day from fct_coverage where outcome = 'observed' order by day")
        assert covered.fetchall() == [(day,) for day in sorted(expected)]
