"""The status of a data directory whose journal is written out line by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ca_etl.operate.status import Freshness, RunSeries, collect, render, run_series
from ca_etl.screen import Screen
from ca_etl.settings import Settings
from ca_etl.warehouse.journal import Cause, RunRecord, SlotRecord, append

NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run(number: int, status: str, error: str | None = None, cause: Cause | None = None) -> RunRecord:
    published = f"r{number}" if status == "succeeded" else None
    return RunRecord(
        f"r{number}", "run", NOON + number * HOUR, status, "1", error=error, cause=cause, release_id=published
    )


def away(number: int) -> RunRecord:
    return run(number, "failed", f"503, {number} times", Cause.SITE)


def test_consecutive_failures_of_one_cause_are_one_series_and_releases_are_not() -> None:
    runs = [run(0, "succeeded"), run(1, "succeeded"), *map(away, (2, 3, 4)), run(5, "cancelled"), away(6)]
    assert list(run_series(runs)) == [
        RunSeries(runs[0], 1, NOON),
        RunSeries(runs[1], 1, NOON + HOUR),
        RunSeries(runs[4], 3, NOON + 2 * HOUR),
        RunSeries(runs[5], 1, NOON + 5 * HOUR),
        RunSeries(runs[6], 1, NOON + 6 * HOUR),
    ]


def test_sources_without_captures_are_one_line_and_every_time_has_one_form(
    settings: Settings, tmp_path: Path
) -> None:
    report = replace(
        collect(settings, NOON),
        freshness=(
            Freshness("feed", None, None, 0),
            Freshness("file", "2026-12-04", None, 1),
            Freshness("pages", None, None, 0),
            Freshness("timesca", "2026-12-05", NOON + timedelta(milliseconds=78), 128),
        ),
    )
    with (tmp_path / "shown").open("w") as file:
        Screen(file=file).print(render(report))
    lines = [" ".join(line.split()) for line in (tmp_path / "shown").read_text().splitlines()]
    assert "file 2026-12-04 1" in lines
    assert "timesca 2026-12-05 2026-12-05 12:00 UTC 128" in lines
    assert "sources without captures: feed, pages" in lines


def test_a_bank_that_the_settings_no_longer_name_has_no_last_outcome(settings: Settings) -> None:
    settings.data_dir.mkdir()
    slots = tuple(
        SlotRecord(name, "daily", NOON, NOON.date(), "failed")
        for name in ("nbk", "nbt", "timesca-feed", "timesca")
    )
    append(settings.data_dir, replace(run(0, "succeeded"), slots=slots))
    named = settings.model_copy(update={"sources": ("nbt",)})
    assert [slot.source for slot in collect(named, NOON + HOUR).others] == ["nbt", "timesca-feed"]


def test_no_next_command_of_the_status_is_the_status_itself(settings: Settings, tmp_path: Path) -> None:
    settings.data_dir.mkdir()
    for number in (0, 1):
        append(settings.data_dir, run(number, "failed", "no space", Cause.MACHINE))
    with (tmp_path / "shown").open("w") as file:
        Screen(file=file).print(render(collect(settings, NOON + 2 * HOUR)), crop=False)
    lines = (tmp_path / "shown").read_text().splitlines()
    assert "next (Runs fail): ca-etl doctor" in lines
    assert not any("ca-etl status" in line for line in lines)


def test_many_failed_runs_are_one_line_with_their_number_their_start_and_the_last_error(
    settings: Settings, tmp_path: Path
) -> None:
    settings.data_dir.mkdir()
    for record in (
        run(0, "succeeded"),
        *map(away, range(1, 15)),
        run(15, "cancelled", "stopped by the user (Ctrl-C)"),
    ):
        append(settings.data_dir, record)
    with (tmp_path / "shown").open("w") as file:
        Screen(file=file).print(render(collect(settings, NOON + 16 * HOUR)))
    lines = (tmp_path / "shown").read_text().splitlines()
    listed = [" ".join(line.split()) for line in lines if line.strip().startswith(("r0 ", "r14 ", "r15 "))]
    assert listed == [
        "r15 run cancelled 0 0 stopped by the user (Ctrl-C)",
        "r14 run failed 14 times since 2026-12-05 13:00 UTC 0 0 503, 14 times",
        "r0 run succeeded 0 0",
    ]
    assert not any("503, 13 times" in line for line in lines)
