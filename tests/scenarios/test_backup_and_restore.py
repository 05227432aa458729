"""Back up the demo's data, lose them, restore them elsewhere: also interrupted anywhere and beside a run."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ca_etl.cli.query import published
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError
from ca_etl.operate.backup import BackupError, BackupReport, back_up, restore
from ca_etl.operate.doctor import examine
from ca_etl.operate.machine import Level
from ca_etl.operate.status import collect
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment, utc_now
from ca_etl.pipeline.play import play_days
from ca_etl.pipeline.run import run_daily, run_ingest, run_rebuild
from ca_etl.pipeline.verify import verify
from ca_etl.settings import Settings
from ca_etl.sources.session import Progress, silent
from ca_etl.warehouse import journal
from ca_etl.warehouse.durable_files import remove_tree
from ca_etl.warehouse.release import current_release, rollback

pytestmark = pytest.mark.slow

Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
FIRST = date(2025, 12, 20)


def play(settings: Settings, nth: int) -> None:
    (outcome,) = play_days(settings, 1, last_day=FIRST + timedelta(days=nth))
    assert outcome.exit_status == 0, outcome.error


def on_site(settings: Settings, site: DemoSite) -> Settings:
    return settings.model_copy(
        update={"site_url": site.base_url, "min_interval_seconds": 0.0, "backoff_seconds": 0.0}
    )


def backed_up(settings: Settings, folder: Path, progress: Progress = silent) -> BackupReport:
    return back_up(settings, folder, utc_now(), progress)


def restored(settings: Settings, folder: Path, **environment: Any) -> Settings:
    """A data directory on another path, restored from the backup."""
    there = settings.model_copy(update={"data_dir": folder.with_name("restored")})
    outcome = restore(there, folder, Environment(**environment))
    assert outcome.exit_status == 0, outcome.error
    return there


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Path]:
    """A data directory after two days, and a backup made after the first. Not to be written to."""
    folder = tmp_path_factory.mktemp("two")
    settings = Settings(data_dir=folder / "data", demo_port=0, _env_file=None)
    play(settings, 0)
    backed_up(settings, folder / "backup")
    play(settings, 1)
    return settings, folder / "backup"


@pytest.fixture
def backup(two_days: tuple[Settings, Path], tmp_path: Path) -> Path:
    """A copy of the backup of the first day, to be written to."""
    return Path(shutil.copytree(two_days[1], tmp_path / "backup"))


def killed(settings: Settings, at: int, *args: str | Path) -> bool:
    """Whether the command was killed before its rename or removal number `at`."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_command.py")), str(at), *map(str, args)],
        check=False,
        capture_output=True,
        env={
            "CA_ETL_DATA_DIR": str(settings.data_dir),
            # a module that is compiled is renamed, too
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ":".join(sys.path),
        },
    )
    return done.returncode == -signal.SIGKILL


def stop(*_: object) -> None:
    """Instead of the first step of a rebuild."""
    raise CaEtlError("all files are there")


def files(folder: Path) -> dict[str, bytes]:
    """The files of a backup, without its manifest, which has the time."""
    every = (
        path for path in folder.rglob("*") if path.is_file() and path.name not in {".lock", "backup.json"}
    )
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in every}


def test_a_lost_directory_is_restored_on_another_path_row_for_row(
    settings: Settings, tmp_path: Path, contents: Contents
) -> None:
    for nth in (0, 1):
        play(settings, nth)
    before, runs = contents(settings.data_dir), journal.read(settings.data_dir)
    backed_up(settings, tmp_path / "backup")
    remove_tree(settings.data_dir)
    there = restored(settings, tmp_path / "backup")
    assert contents(there.data_dir) == before
    assert journal.read(there.data_dir)[:-1] == runs
    play(there, 2)


def test_a_second_backup_copies_only_what_is_new(two_days: tuple[Settings, Path], backup: Path) -> None:
    settings, _ = two_days
    before = files(backup)
    report = backed_up(settings, backup)
    assert 0 < report.copied < report.files
    kept = {path for path in files(backup) if path.startswith("archive/")} & set(before)
    assert {path: files(backup)[path] for path in kept} == {path: before[path] for path in kept}
    assert backed_up(settings, backup) == BackupReport(report.files, 0, ())


def test_a_backup_that_is_killed_anywhere_leaves_the_last_one_whole_and_is_completed_by_the_next(
    two_days: tuple[Settings, Path], tmp_path: Path, backup: Path
) -> None:
    settings, first_day = two_days
    backed_up(settings, backup)
    expected = files(backup)
    for at in count(1):
        folder = Path(shutil.copytree(first_day, tmp_path / f"backup-{at}"))
        if not killed(settings, at, "backup", folder):
            break
        # each file of the manifest is there and verified, be it the old one or the new one
        target = settings.model_copy(update={"data_dir": tmp_path / f"restored-{at}"})
        assert restore(target, folder, Environment(call=stop)).error == "all files are there"
        backed_up(settings, folder)
        assert files(folder) == expected
    assert at > 5


@pytest.mark.parametrize("at", [1, 2, 4, 6, 9, 12, 16, 20])
def test_a_restore_that_is_killed_anywhere_is_completed_by_the_next(
    two_days: tuple[Settings, Path], backup: Path, at: int, contents: Contents
) -> None:
    settings, _ = two_days
    backed_up(settings, backup)
    there = settings.model_copy(update={"data_dir": backup.with_name("restored")})
    assert killed(there, at, "restore", backup)
    restored(settings, backup)
    assert contents(there.data_dir) == contents(settings.data_dir)
    assert not (there.data_dir / ".restore.json").exists()


def test_a_backup_beside_a_run_is_the_state_before_it_and_the_next_one_has_the_run(
    settings: Settings, tmp_path: Path, contents: Contents
) -> None:
    play(settings, 0)
    first_day = contents(settings.data_dir)

    def run_meanwhile(_what: str, done: int, _total: int) -> None:
        if done == 0:
            play(settings, 1)

    backed_up(settings, tmp_path / "backup", run_meanwhile)
    there = restored(settings, tmp_path / "backup")
    assert contents(there.data_dir) == first_day
    remove_tree(there.data_dir)
    backed_up(settings, tmp_path / "backup")
    assert contents(restored(settings, tmp_path / "backup").data_dir) == contents(settings.data_dir)


def test_a_backup_before_and_after_each_step_of_a_run_can_be_restored(
    settings: Settings, site: DemoSite, tmp_path: Path, contents: Contents
) -> None:
    play(settings, 0)
    first_day = contents(settings.data_dir)
    slot = datetime(2025, 12, 21, 2, tzinfo=UTC)
    site.play(slot.date())

    def call(step: Callable[..., Any], *args: object) -> Any:
        result = step(*args)
        backed_up(settings, tmp_path / "backup")
        there = restored(settings, tmp_path / "backup")
        rates = contents(there.data_dir)["fct_rate_observation"]
        assert set(first_day["fct_rate_observation"]) <= set(rates)
        remove_tree(there.data_dir)
        return result

    outcome = run_daily(
        on_site(settings, site), slot=slot, environment=Environment(clock=clock_from(slot), call=call)
    )
    assert outcome.exit_status == 0, outcome.error


def test_a_run_in_a_half_restored_directory_archives_its_pages_and_names_the_restore(
    two_days: tuple[Settings, Path], backup: Path, site: DemoSite, contents: Contents
) -> None:
    settings, _ = two_days
    backed_up(settings, backup)
    there = on_site(settings, site).model_copy(update={"data_dir": backup.with_name("restored")})
    assert killed(there, 6, "restore", backup)
    damage = collect(there, utc_now()).damaged
    assert [problem.next_command for problem in damage] == [f"ca-etl restore {backup}"]
    slot = datetime(2025, 12, 22, 2, tzinfo=UTC)
    site.play(slot.date())
    refused = run_daily(there, slot=slot, environment=Environment(clock=clock_from(slot)))
    assert (refused.exit_status, refused.release) == (1, None)
    assert refused.hint == f"ca-etl restore {backup}"
    with pytest.raises(CaEtlError, match="not completely"):
        backed_up(there, backup.with_name("another"))
    restored(settings, backup)
    assert refused.run_id in {run.run_id for run in journal.read(there.data_dir)}
    days = {row[0] for row in contents(there.data_dir)["fct_rate_daily"]}
    assert {"2025-12-20", "2025-12-21", "2025-12-22"} <= days


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([*data[:-20], data[-20] ^ 1, *data[-19:]]))


def test_a_bit_flipped_before_the_first_backup_is_named_by_backup_verify_and_restore(
    settings: Settings, tmp_path: Path
) -> None:
    play(settings, 0)
    victim, other, *_ = sorted(settings.archive_dir.rglob("*.warc.gz"))
    flip(victim)
    folder = tmp_path / "backup"
    with pytest.raises(BackupError, match=f"{victim} has changed"):
        backed_up(settings, folder)
    assert (folder / other.relative_to(settings.data_dir)).read_bytes() == other.read_bytes()
    release = current_release(settings.data_dir)
    assert release is not None
    named = {difference.thing for difference in verify(settings, release)}
    assert victim.relative_to(settings.data_dir).as_posix() in named
    there = settings.model_copy(update={"data_dir": tmp_path / "there"})
    with pytest.raises(BackupError, match=f"{victim.name} has changed"):
        restore(there, folder, Environment())
    flip(victim)
    assert backed_up(settings, folder).copied == 1
    restored(settings, folder)


def test_a_damaged_file_that_an_earlier_version_backed_up_is_not_that_of_another_directory(
    settings: Settings, tmp_path: Path
) -> None:
    play(settings, 0)
    victim, folder = min(settings.archive_dir.rglob("*.warc.gz")), tmp_path / "backup"
    backed_up(settings, folder)
    sound = hashlib.sha256(victim.read_bytes()).hexdigest()
    flip(victim)
    shutil.copyfile(victim, folder / victim.relative_to(settings.data_dir))
    manifest = (folder / "backup.json").read_text()
    damaged = hashlib.sha256(victim.read_bytes()).hexdigest()
    (folder / "backup.json").write_text(manifest.replace(sound, damaged))
    with pytest.raises(BackupError, match=f"{victim} has changed"):
        backed_up(settings, folder)
    flip(victim)
    assert backed_up(settings, folder).copied == 1


def test_a_bit_flipped_after_a_backup_and_before_the_first_load_is_repaired_from_the_copy(
    settings: Settings, tmp_path: Path
) -> None:
    play(settings, 0)
    play(settings, 1)
    rollback(settings.data_dir)
    victim, folder = max(settings.archive_dir.rglob("*-timesca.warc.gz")), tmp_path / "backup"
    backed_up(settings, folder)
    sound = victim.read_bytes()
    flip(victim)
    play(settings, 2)
    with pytest.raises(BackupError, match=f"{victim} has changed") as refused:
        backed_up(settings, folder)
    *repair, rebuild, again = refused.value.hint.split(" && ")
    assert (rebuild, again) == ("ca-etl rebuild", f"ca-etl backup {folder}")
    subprocess.run(["sh", "-c", " && ".join(repair)], check=True)
    assert victim.read_bytes() == sound
    assert run_rebuild(settings).error == ""
    backed_up(settings, folder)


@pytest.mark.parametrize("loss", [flip, Path.unlink])
def test_the_next_command_of_a_later_backup_puts_a_damaged_or_missing_file_right(
    two_days: tuple[Settings, Path], tmp_path: Path, backup: Path, loss: Callable[[Path], None]
) -> None:
    settings = two_days[0].model_copy(
        update={"data_dir": shutil.copytree(two_days[0].data_dir, tmp_path / "data", symlinks=True)}
    )
    backed_up(settings, backup)
    victim = min(settings.archive_dir.rglob("*-timesca.warc.gz"))
    whole = victim.read_bytes()
    loss(victim)
    with pytest.raises(BackupError, match=str(victim)) as refused:
        backed_up(settings, backup)
    repair, _, again = refused.value.hint.rpartition(" && ")
    assert again == f"ca-etl backup {backup}"
    subprocess.run(["sh", "-c", repair], check=True)
    assert victim.read_bytes() == whole
    backed_up(settings, backup)


def test_two_directories_of_one_site_are_not_backed_up_into_one_folder(
    two_days: tuple[Settings, Path], settings: Settings, backup: Path
) -> None:
    before = files(backup)
    play(settings, 0)
    with pytest.raises(BackupError, match="is the backup of another data directory") as refused:
        backed_up(settings, backup)
    assert refused.value.hint == f"ca-etl backup {backup}-{settings.data_dir.name}"
    assert files(backup) == before


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_restore_that_is_not_finished_is_named_by_every_reader_and_stops_every_writer(
    two_days: tuple[Settings, Path],
    backup: Path,
    is_copied: bool,
    cli: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    settings = two_days[0].model_copy(update={"data_dir": backup.with_name("restored")})
    assert killed(settings, 6, "restore", backup)
    if is_copied:
        assert restore(settings, backup, Environment(call=stop)).error == "all files are there"
    before = {path for path in settings.data_dir.rglob("*") if path.is_file()}
    next_command = f"ca-etl restore {backup}"
    with pytest.raises(CaEtlError, match="is restored from") as refused:
        published(settings.data_dir)
    assert refused.value.hint == next_command
    for command in (["releases"], ["rollback"], ["decide", "exclude", "a", "--reason", "b"]):
        done = cli(*command, CA_ETL_DATA_DIR=str(settings.data_dir))
        assert done.stderr.endswith(f"next: {next_command}\n"), done.stderr
    report = collect(settings, utc_now())
    assert [damage.next_command for damage in report.damaged] == [next_command]
    assert "A restore is not finished (release)" in {found.title for found in report.conditions}
    assert not any("ca-etl rebuild" in found.next_command for found in report.conditions)
    findings = examine(settings, utc_now()).findings
    assert next_command in {finding.next for finding in findings if finding.level is Level.ERROR}
    for write in (
        lambda: run_rebuild(settings),
        lambda: run_ingest(settings, GivenFiles((backup,))),
        lambda: backed_up(settings, backup.with_name("another")),
        lambda: play(settings, 2),
    ):
        with pytest.raises(CaEtlError, match="is restored from") as refused:
            write()
        assert refused.value.hint == next_command
    assert {path for path in settings.data_dir.rglob("*") if path.is_file()} - before <= {
        settings.data_dir / ".lock"
    }
    restored(settings, backup)


def test_a_restore_whose_files_are_all_copied_resumes_without_the_backup(
    two_days: tuple[Settings, Path], backup: Path
) -> None:
    settings = two_days[0].model_copy(update={"data_dir": backup.with_name("restored")})
    assert restore(settings, backup, Environment(call=stop)).error == "all files are there"
    shutil.rmtree(backup)
    assert published(restored(settings, backup).data_dir).warehouse.is_file()


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_in_a_backup_is_named_and_publishes_nothing_unless_the_loss_is_accepted(
    two_days: tuple[Settings, Path], backup: Path, damage: str
) -> None:
    settings, _ = two_days
    victim = min(backup.rglob("*-timesca-posts.warc.gz"))
    if damage == "remove":
        victim.unlink()
    elif damage == "cut":
        victim.write_bytes(victim.read_bytes()[:-20])
    else:
        flip(victim)
    there = settings.model_copy(update={"data_dir": backup.with_name("restored")})
    with pytest.raises(BackupError) as refused:
        restore(there, backup, Environment())
    assert str(victim) in str(refused.value)
    assert refused.value.hint == f"ca-etl restore {backup} --accept-loss"
    assert current_release(there.data_dir) is None
    assert restored(settings, backup, accept_loss=True) == there
