"""What a killed or lost run leaves to the next one: its checkpoint, and its line from the release."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ca_etl.pipeline.crash_recovery import lost_runs, read_checkpoint, write_checkpoint
from ca_etl.settings import Settings
from ca_etl.sources.source import SourceOutcome
from ca_etl.warehouse.journal import Cause, RunRecord, SlotOutcome, SlotRecord
from ca_etl.warehouse.raw_load import load_journal
from ca_etl.warehouse.raw_schema import ensure_raw

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
        assert [run.slots for run in _lost(con)] == [(own,), ()]
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
