"""A small disk that is full: the journal records it, and where nothing can be written the message does."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.errors import COMMAND
from ca_etl.operate.backup import back_up, restore
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_daily
from ca_etl.sanitize import published
from ca_etl.settings import Settings
from ca_etl.sources.session import silent
from ca_etl.warehouse import journal
from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.journal import RunRecord, RunStatus

pytestmark = pytest.mark.slow

FIRST = datetime(2025, 12, 20, 2, tzinfo=UTC)
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64M", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a disk of its own needs the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def run(disk: Path, site: DemoSite, settings: Settings) -> Callable[..., Outcome]:
    """A run on the n-th day, before whose step of the given name somebody fills the disk."""

    def run_on(nth: int, fill_before: str = "") -> Outcome:
        def call(step: Callable[..., Any], *args: object) -> Any:
            if step.__name__ == fill_before:
                fill(disk)
            return step(*args)

        slot = FIRST + timedelta(days=nth)
        site.play(slot.date())
        there = settings.model_copy(update={"site_url": site.base_url, "data_dir": disk / "data"})
        return run_daily(there, slot=slot, environment=Environment(clock=clock_from(slot), call=call))

    return run_on


@pytest.fixture
def type_command() -> Iterator[Callable[[str], object]]:
    """Names the command under way, as the command line does with what an operator has typed."""
    before = COMMAND.set(COMMAND.get())
    yield COMMAND.set
    COMMAND.reset(before)


def fill(disk: Path) -> None:
    try:
        with (disk / "ballast").open("ab", buffering=0) as file:
            while True:
                file.write(bytes(PAGE))
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017  filling it ends by nothing else


def fill_last_page(data_dir: Path) -> None:
    """Let the journal end with a page of the disk, so that its next line needs another one."""
    data_dir.mkdir(exist_ok=True)
    plain = RunRecord("20251201T020000Z", "run", FIRST - timedelta(days=19), "failed", "0.1.0", error="")
    journal.append(data_dir, plain)
    size = (data_dir / journal.JOURNAL_FILE).stat().st_size
    (data_dir / journal.JOURNAL_FILE).unlink()
    padded = RunRecord(plain.run_id, "run", plain.started_at, "failed", "0.1.0", error="x" * (PAGE - size))
    journal.append(data_dir, padded)
    assert (data_dir / journal.JOURNAL_FILE).stat().st_size == PAGE


@pytest.mark.parametrize("step", ["capture", "load", "publish"])
def test_a_run_that_fills_the_disk_is_in_the_journal_as_failed_for_want_of_space(
    disk: Path, run: Callable[..., Outcome], step: str
) -> None:
    fill_last_page(disk / "data")
    outcome = run(0, fill_before=step)
    assert outcome.exit_status == 1
    last = journal.read(disk / "data")[-1]
    # without the folders of the machine, which a release would publish
    assert (last.status, last.error) == (RunStatus.FAILED, published(outcome.error, disk / "data"))
    assert "No space left" in outcome.error
    assert not list((disk / "data").glob("releases/*.building"))
    _, _, named = outcome.hint.split(" && ")[0].split()
    assert Path(named).is_dir()
    (disk / "ballast").unlink()
    assert run(1).exit_status == 0
    assert [record.status for record in journal.read(disk / "data")[1:]] == [
        RunStatus.FAILED,
        RunStatus.SUCCEEDED,
    ]
    assert not list((disk / "data").glob("*.tmp"))


def test_every_run_on_a_disk_that_stays_full_is_reported(disk: Path, run: Callable[..., Outcome]) -> None:
    assert run(0).exit_status == 0
    assert [run(nth, fill_before="load").exit_status for nth in (1, 2, 3)] == [1, 1, 1]
    statuses = [record.status for record in journal.read(disk / "data")]
    assert statuses == [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.FAILED, RunStatus.FAILED]


@pytest.mark.parametrize("has_data", [True, False])
def test_where_nothing_can_be_written_the_message_states_it_and_the_next_step(
    disk: Path, run: Callable[..., Outcome], has_data: bool
) -> None:
    if has_data:
        assert run(0).exit_status == 0
    fill(disk)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ca-etl")), "demo", "--until", "2025-12-21"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "CA_ETL_DATA_DIR": str(disk / "data"),
            "CA_ETL_DEMO_PORT": "0",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
        },
    )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "next: " in done.stderr
    assert f"df -h {disk}" in done.stderr
    assert done.stderr.endswith(" && ca-etl demo --until 2025-12-21\n")
    assert "Traceback" not in done.stderr
    (disk / "ballast").unlink()
    assert run(1).exit_status == 0
    statuses = {record.status for record in journal.read(disk / "data")}
    assert statuses == {RunStatus.SUCCEEDED}


def test_a_backup_onto_a_full_disk_leaves_the_last_one_whole_and_the_next_completes_it(
    disk: Path, settings: Settings, type_command: Callable[[str], object]
) -> None:
    backup = disk / "backup"
    type_command(f"ca-etl backup {backup}")
    list(play_days(settings, 1))
    assert back_up(settings, backup, FIRST, silent).copied > 0
    manifest = (backup / "backup.json").read_bytes()
    list(play_days(settings, 1, last_day=date(2025, 12, 23)))
    fill(disk)
    with pytest.raises(StorageError, match="No space left") as refused:
        back_up(settings, backup, FIRST, silent)
    assert refused.value.hint.endswith(f" && ca-etl backup {backup}")
    assert (backup / "backup.json").read_bytes() == manifest
    assert not list(backup.rglob("*.tmp"))
    (disk / "ballast").unlink()
    assert back_up(settings, backup, FIRST, silent).copied > 0


def test_a_restore_onto_a_full_disk_publishes_nothing_and_the_next_completes_it(
    disk: Path, settings: Settings, tmp_path: Path, type_command: Callable[[str], object]
) -> None:
    type_command(f"ca-etl restore {tmp_path / 'backup'}")
    list(play_days(settings, 1))
    back_up(settings, tmp_path / "backup", FIRST, silent)
    there = settings.model_copy(update={"data_dir": disk / "data"})

    def fill_meanwhile(_what: str, done: int, _total: int) -> None:
        if done == 2:
            fill(disk)

    with pytest.raises(StorageError, match="No space left") as refused:
        restore(there, tmp_path / "backup", Environment(progress=fill_meanwhile))
    assert refused.value.hint.endswith(f" && ca-etl restore {tmp_path / 'backup'}")
    assert not (there.data_dir / "current").exists()
    (disk / "ballast").unlink()
    assert restore(there, tmp_path / "backup", Environment()).exit_status == 0
