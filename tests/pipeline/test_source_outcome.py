"""Outcomes of sources: their facts in the journal, their checkpoint, and lines of earlier versions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.demo.faults import Fault
from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.crash_recovery import lost_runs, read_checkpoint, write_checkpoint
from ca_etl.pipeline.run import run_daily
from ca_etl.settings import Settings
from ca_etl.sources.session import Context
from ca_etl.sources.source import FIRST_RANGE, OVERLAP, SourceOutcome, last_captured, request_since
from ca_etl.warehouse import journal
from ca_etl.warehouse.journal import Cause, RunKind, RunRecord, SlotOutcome, SlotRecord
from ca_etl.warehouse.raw_load import ensure_raw, load_journal

OLD_JOURNAL = Path(__file__).parents[1] / "warehouse" / "fixtures" / "runs_without_causes.jsonl"
SLOT = datetime(2025, 12, 22, 2, tzinfo=UTC)
FEED = SourceOutcome(
    "timesca-feed",
    SlotOutcome.FAILED,
    "503",
    2,
    Cause.SITE,
    pages_requested=3,
    pages_usable=1,
    is_complete=False,
)
POSTS = SourceOutcome.observed("timesca-posts", 3, None, is_complete=True)


def test_a_checkpoint_gives_the_outcomes_of_its_own_run_alone(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "a", (FEED, POSTS))
    assert read_checkpoint(tmp_path, "a") == (FEED, POSTS)
    assert read_checkpoint(tmp_path, "b") == ()


def test_a_checkpoint_of_an_earlier_version_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "articles.json").write_text(
        '{"run_id":"a","told":[{"source":"timesca-posts","outcome":"observed","reason":null,"articles":3}]}\n'
    )
    assert read_checkpoint(tmp_path, "a") == ()


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


def _lost(con: duckdb.DuckDBPyConnection) -> tuple[RunRecord, ...]:
    return lost_runs(con, Settings(_env_file=None), ())


def test_a_lost_run_is_restored_with_its_facts_and_from_an_older_release_without() -> None:
    own = SlotRecord(
        "timesca", "daily", SLOT, SLOT.date(), "failed", "4 http_error", Cause.SITE, 4, 0, is_complete=False
    )
    run = RunRecord(
        "a", "run", SLOT, "failed", "0.1.0", slot=SLOT, schedule="daily", slots=(own,), cause=Cause.SITE
    )
    with duckdb.connect() as con:
        ensure_raw(con)
        load_journal(con, [run, RunRecord("b", "ingest", SLOT, "succeeded", "0.1.0")])
        assert _lost(con)[0] == run
        assert [each.slots for each in _lost(con)] == [(own,), ()]
        for table, columns in {
            "slot": ("cause", "pages_requested", "pages_usable", "is_complete"),
            "run": ("cause",),
        }.items():
            for column in columns:
                con.execute(f"alter table raw.{table} drop column {column}")
        assert _lost(con)[0].cause is None
        assert _lost(con)[0].slots == (
            SlotRecord("timesca", "daily", SLOT, SLOT.date(), "failed", "4 http_error"),
        )


@pytest.mark.parametrize(
    ("trouble", "run_cause", "facts"),
    [
        (Fault(status=503), Cause.SITE, ("failed", Cause.SITE, 4, 0, False)),
        (Fault(status=403), Cause.SITE, ("blocked", None, 1, 0, False)),
        (Fault(no_ticker=True), None, ("failed", Cause.NO_RATES, 4, 4, True)),
        (Fault(status=503, paths=frozenset({"/latest/"})), None, ("observed", None, 4, 3, False)),
        (None, None, ("observed", None, 4, 4, True)),
        (OSError(28, "No space left"), Cause.MACHINE, ("failed", Cause.MACHINE, None, None, None)),
        (KeyboardInterrupt(), Cause.INTERRUPTED, ("failed", Cause.INTERRUPTED, None, None, None)),
    ],
)
def test_a_run_records_its_cause_and_the_facts_of_its_slot(
    settings: Settings,
    site: DemoSite,
    trouble: Fault | BaseException | None,
    run_cause: Cause | None,
    facts: tuple[object, ...],
) -> None:
    def call(step: Callable[..., Any], *args: object) -> Any:
        if isinstance(trouble, BaseException):
            raise trouble
        return step(*args)

    if isinstance(trouble, Fault):
        site.faults[site.day] = trouble
    on_site = settings.model_copy(update={"site_url": site.base_url, "max_attempts": 1})
    with suppress(KeyboardInterrupt):
        run_daily(on_site, environment=Environment(call=call))
    (run,) = journal.read(settings.data_dir)
    own = run.slots[-1]
    assert run.cause is run_cause
    assert (own.outcome, own.cause, own.pages_requested, own.pages_usable, own.is_complete) == facts
