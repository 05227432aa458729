"""A release is compared with its descriptor and with what the archive gives, and nothing is written for that."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ca_etl.archive.reader import archive_files
from ca_etl.cli.app import app
from ca_etl.pipeline.play import faults, play_days
from ca_etl.pipeline.run import run_rebuild
from ca_etl.pipeline.verify import verify
from ca_etl.settings import Settings
from ca_etl.warehouse import overrides
from ca_etl.warehouse.raw_load import CaptureDecision
from ca_etl.warehouse.release import Release, current_release

pytestmark = pytest.mark.slow

Rewritten = Callable[[Path], Any]
DAY = date(2025, 12, 22)


def verified(settings: Settings, *, quick: bool = False) -> dict[str, str]:
    return dict(verify(settings, current(settings), quick=quick))


def current(settings: Settings) -> Release:
    release = current_release(settings.data_dir)
    assert release is not None
    return release


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {f"{path}": (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


@pytest.fixture
def played(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Three days with an outage, played once for all tests of this file."""
    template = tmp_path_factory.getbasetemp() / "played-for-verify"
    if not template.exists():
        list(play_days(settings, 3, faults=faults([date(2025, 12, 21)], [])))
        shutil.copytree(settings.data_dir, template, symlinks=True)
    else:
        shutil.copytree(template, settings.data_dir, symlinks=True)
    return settings


def test_a_release_is_what_its_archive_gives_and_verifying_changes_nothing(
    played: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    before = state(played.data_dir)
    assert verified(played) == {}
    assert verified(played, quick=True) == {}
    assert state(played.data_dir) == before
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "update main.fct_rate_daily set rate = 999",
            "15 rows in the release, 15 in the rebuild; 15 only in the release, 15 only in the rebuild",
        ),
        (
            "delete from main.fct_rate_daily where rate_date = date '2025-12-22' and base = 'KZT'",
            "14 rows in the release, 15 in the rebuild; 0 only in the release, 1 only in the rebuild",
        ),
        (
            "insert into main.fct_rate_daily by name (from main.fct_rate_daily where base = 'KZT' limit 1)",
            "16 rows in the release, 15 in the rebuild; 1 only in the release, 0 only in the rebuild",
        ),
        (
            "drop table main.fct_rate_daily",
            "has other columns in the rebuild, or is missing from the release or from the rebuild",
        ),
        (
            "alter table main.fct_rate_daily drop column rate",
            "has other columns in the rebuild, or is missing from the release or from the rebuild",
        ),
    ],
)
def test_a_table_that_differs_is_named_even_where_the_descriptor_was_rewritten(
    played: Settings, rewritten: Rewritten, change: str, expected: str
) -> None:
    with rewritten(current(played).folder) as con:
        con.execute(change)
    assert verified(played) == {"main.fct_rate_daily": expected}
    assert verified(played, quick=True) == {}


def test_a_changed_observation_differs_before_any_table_is_made_of_it(
    played: Settings, rewritten: Rewritten
) -> None:
    with rewritten(current(played).folder) as con:
        con.execute("update raw.rate_observation set rate_text = '0.5' where rowid = 0")
    assert list(verified(played)) == ["raw.rate_observation"]


def test_a_log_beside_the_warehouse_and_a_flipped_bit_of_parquet_differ(played: Settings) -> None:
    folder = current(played).folder
    folder.chmod(0o755)
    (folder / "warehouse.duckdb.wal").touch()
    parquet = folder / "parquet" / "dim_date" / "dim_date.parquet"
    parquet.chmod(0o644)
    parquet.write_bytes(parquet.read_bytes()[:-1] + b"?")
    expected = {
        "parquet/dim_date/dim_date.parquet": "has other bytes than those published",
        "warehouse.duckdb.wal": "was not published",
    }
    assert verified(played, quick=True) == expected
    assert verified(played) == expected


@pytest.mark.parametrize("length", [0, 5_000, 300_000])
def test_a_warehouse_that_cannot_be_read_is_named_and_rebuilt(played: Settings, length: int) -> None:
    warehouse = current(played).warehouse
    warehouse.chmod(0o644)
    warehouse.write_bytes(warehouse.read_bytes()[:length])
    assert verified(played, quick=True)["warehouse.duckdb"].startswith(f"has {length} bytes")
    assert "warehouse.duckdb" in verified(played)
    assert run_rebuild(played).exit_status == 0
    assert verified(played) == {}


def test_a_damaged_descriptor_is_named_and_the_tables_are_compared_all_the_same(
    played: Settings, rewritten: Rewritten
) -> None:
    descriptor = current(played).folder / "datapackage.json"
    with rewritten(current(played).folder) as con:
        con.execute("update main.fct_rate_daily set rate = 999")
    descriptor.write_text("{")
    differences = verified(played)
    assert differences["datapackage.json"].startswith("cannot be read: JSONDecodeError")
    assert "main.fct_rate_daily" in differences


def test_a_descriptor_that_describes_a_table_otherwise_differs(played: Settings) -> None:
    descriptor = current(played).folder / "datapackage.json"
    descriptor.chmod(0o644)
    whole = descriptor.read_bytes()
    for written in (
        b"half a unit of the last digit below",
        b'"name": "rate_low"',
        b'"duckdb_type": "DECIMAL',
    ):
        at = whole.index(written)
        descriptor.write_bytes(whole[: at + 10] + bytes([whole[at + 10] ^ 1]) + whole[at + 11 :])
        assert "datapackage.json" in verified(played), written


def test_archive_files_that_are_missing_or_changed_are_named(played: Settings) -> None:
    first, *_, last = archive_files(played.archive_dir)
    last.unlink()
    first.write_bytes(first.read_bytes()[:-20])
    differences = verified(played)
    assert differences[f"archive/{last.relative_to(played.archive_dir)}"] == "is missing"
    assert differences[f"archive/{first.relative_to(played.archive_dir)}"] == "has changed"
    assert {"raw.archive_file", "raw.capture"} <= differences.keys()


def test_what_a_later_run_archived_and_could_not_publish_does_not_differ(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    list(play_days(settings, 1, last_day=date(2025, 12, 21)))
    (failed,) = play_days(settings, 1, last_day=DAY, faults=faults([], [DAY]))
    assert failed.exit_status == 3
    assert verified(settings) == {}
    assert "archive files are newer than the release" in caplog.text


def test_decisions_count_as_they_did_when_the_release_was_made(
    settings: Settings, query: Any, caplog: pytest.LogCaptureFixture
) -> None:
    list(play_days(settings, 2))
    ((capture_id,),) = query("select min(capture_id) from fct_rate_observation")
    overrides.append(
        settings.data_dir,
        CaptureDecision(capture_id, "exclude", "a test", datetime(2025, 12, 20, tzinfo=UTC)),
    )
    assert "main.fct_rate_observation" in verified(settings)
    assert run_rebuild(settings).exit_status == 0
    assert verified(settings) == {}
    assert "newer" not in caplog.text
    overrides.append(
        settings.data_dir, CaptureDecision(capture_id, "accept", "a test", datetime(2099, 1, 1, tzinfo=UTC))
    )
    assert verified(settings) == {}
    assert "some decisions are newer than the release" in caplog.text


def test_a_lost_journal_is_logged_and_its_slots_differ(
    played: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (played.data_dir / "runs.jsonl").unlink()
    assert list(verified(played)) == ["main.fct_coverage", "main.fct_rate_daily", "raw.slot"]
    assert "the journal has no line of the run" in caplog.text


def test_the_command_ends_with_0_1_or_2(played: Settings, rewritten: Rewritten, tmp_path: Path) -> None:
    def call(*args: str, data_dir: Path = played.data_dir) -> tuple[int, str, str]:
        done = CliRunner(env={"CA_ETL_DATA_DIR": str(data_dir)}).invoke(app, ["verify", *args])
        return done.exit_code, done.stdout, done.stderr

    status, out, _err = call()
    assert (status, out.endswith("files and tables are as they should be\n")) == (0, True)
    assert call("--quick")[:2] == (0, f"{current(played).release_id}: files are as they should be\n")
    assert call("--quickly")[0] == 2
    with rewritten(current(played).folder) as con:
        con.execute("update main.fct_rate_daily set rate = 999 where base = 'KZT'")
    status, out, err = call()
    assert status == 1
    assert out == (
        "main.fct_rate_daily: 15 rows in the release, 15 in the rebuild; 3 only in the release, 3 only in the rebuild\n"
    )
    assert "next: ca-etl rebuild" in err


@pytest.mark.parametrize("damaged", ["archive", "decisions.csv"])
def test_where_the_release_is_right_and_its_sources_are_damaged_they_are_to_be_restored(
    played: Settings, query: Any, damaged: str
) -> None:
    ((capture_id,),) = query("select min(capture_id) from fct_rate_observation")
    overrides.append(
        played.data_dir, CaptureDecision(capture_id, "exclude", "a test", datetime(2025, 12, 20, tzinfo=UTC))
    )
    assert run_rebuild(played).exit_status == 0
    if damaged == "archive":
        archive_files(played.archive_dir)[0].unlink()
    else:
        (played.data_dir / "decisions.csv").unlink()
    done = CliRunner(env={"CA_ETL_DATA_DIR": str(played.data_dir)}).invoke(app, ["verify"])
    assert done.exit_code == 1
    assert damaged in done.stdout
    hint = done.stderr.partition("next: ")[2]
    assert "restore them from a backup\n" in done.stderr
    assert not hint.startswith(("ca-etl rebuild", "ca-etl rollback"))
