from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.operate.backup import BackupError, BackupReport, back_up, restore
from ca_etl.pipeline.context import Environment
from ca_etl.settings import Settings
from ca_etl.sources.session import silent

NOW = datetime(2025, 12, 22, 2, tzinfo=UTC)
NAME = "archive/2025/12/20251222T020000Z-timesca.warc.gz"


@pytest.fixture
def data(data_dir: Path) -> Path:
    """A data directory with a file of each kind; none of them is read."""
    (data_dir / NAME).parent.mkdir(parents=True)
    (data_dir / NAME).write_bytes(b"pages")
    for name in ("runs.jsonl", "decisions.csv", "alerts.json", "articles.json", "backfill-posts.json"):
        (data_dir / name).write_text(name)
    (data_dir / "site.txt").write_text("timesca.com\n")
    return data_dir


@pytest.fixture
def backup(settings: Settings, tmp_path: Path) -> Callable[[], BackupReport]:
    return lambda: back_up(settings, tmp_path / "backup", NOW, silent)


def test_a_backup_has_what_cannot_be_made_again_and_nothing_else(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    (data / "releases").mkdir()
    (data / "releases" / "file").touch()
    (data / f"{NAME}.open").write_bytes(b"half")
    (data / f"{NAME}.damaged").write_bytes(b"not a record")
    assert backup() == BackupReport(8, 8, ())
    manifest = json.loads((tmp_path / "backup" / "backup.json").read_text())
    assert {file["path"] for file in manifest["files"]} == {
        *(NAME, f"{NAME}.damaged", "runs.jsonl", "decisions.csv", "site.txt", "alerts.json"),
        *("articles.json", "backfill-posts.json"),
    }
    assert manifest["site"] == "timesca.com"
    assert all((tmp_path / "backup" / file["stored"]).is_file() for file in manifest["files"])


def test_of_a_file_that_changes_the_backup_has_the_last_state_alone(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (data / "runs.jsonl").write_text("one more line")
    assert backup().copied == 1
    (stored,) = (tmp_path / "backup" / "state").glob("runs.jsonl.*")
    assert stored.read_text() == "one more line"


def test_an_archive_file_that_the_directory_lost_stays_in_the_backup_and_is_named(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (data / NAME).unlink()
    (warning,) = backup().warnings
    assert f"cp -n {tmp_path / 'backup' / NAME} {data / NAME}" in warning
    assert (tmp_path / "backup" / NAME).read_bytes() == b"pages"


def test_an_archive_file_that_changed_is_not_backed_up_over_the_good_one(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (data / NAME).write_bytes(b"page")
    with pytest.raises(BackupError, match="has changed") as refused:
        backup()
    copy, original = tmp_path / "backup" / NAME, data / NAME
    assert refused.value.hint == (
        f"mv -n {original} {original}.damaged && cp -n {copy} {original} && ca-etl backup {tmp_path / 'backup'}"
    )
    assert (tmp_path / "backup" / NAME).read_bytes() == b"pages"


def test_a_bit_flipped_in_the_copy_is_repaired_from_the_sound_file(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (tmp_path / "backup" / NAME).write_bytes(b"pagfs")
    assert backup().copied == 1
    assert (tmp_path / "backup" / NAME).read_bytes() == (data / NAME).read_bytes()


def test_an_archive_file_that_cannot_be_read_is_named_and_the_others_are_backed_up(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    other = data / NAME.replace("T02", "T03")
    other.mkdir()
    with pytest.raises(BackupError, match=f"{other} cannot be read: Is a directory") as refused:
        backup()
    assert "cannot write" not in str(refused.value)
    assert (tmp_path / "backup" / NAME).read_bytes() == b"pages"


@pytest.mark.parametrize("name", ["runs.jsonl", "site.txt"])
def test_a_state_file_that_cannot_be_read_is_not_one_that_cannot_be_written(
    data: Path, cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    (data / name).unlink()
    (data / name).mkdir()
    done = cli("backup", tmp_path / "the backup")
    assert f"cannot read {data / name}: Is a directory" in done.stderr
    assert done.stderr.endswith(f"next: ls -ld {data} && ca-etl backup '{tmp_path / 'the backup'}'\n")


@pytest.mark.usefixtures("data")
def test_a_folder_with_other_files_is_not_backed_up_into(
    backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "README.md").touch()
    with pytest.raises(UsageError, match=r"not empty, and not a backup: it has README\.md"):
        backup()
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["README.md"]


def test_a_backup_of_another_directory_with_other_archive_files_is_not_mixed_into(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (data / NAME).rename(data / NAME.replace("T02", "T03"))
    with pytest.raises(BackupError, match="is the backup of another data directory") as refused:
        backup()
    assert refused.value.hint == f"ca-etl backup {tmp_path / 'backup'}-{data.name}"


def test_a_file_that_the_backup_lost_is_copied_again(
    data: Path, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    (tmp_path / "backup" / NAME).unlink()
    assert backup().copied == 1
    assert (tmp_path / "backup" / NAME).read_bytes() == (data / NAME).read_bytes()


def test_a_backup_of_another_site_is_not_mixed_into(data: Path, backup: Callable[[], BackupReport]) -> None:
    backup()
    (data / "site.txt").write_text("loopback\n")
    with pytest.raises(BackupError, match=r"is a backup of timesca\.com") as refused:
        backup()
    assert refused.value.hint.startswith("ca-etl backup ")
    (data / "site.txt").unlink()
    with pytest.raises(BackupError, match="names no site") as refused:
        backup()
    assert refused.value.hint == f"echo timesca.com > {data / 'site.txt'}"


@pytest.mark.parametrize("inside", [".", "backup", "archive/backup"])
def test_a_backup_is_not_made_within_what_it_is_a_backup_of(
    data: Path, settings: Settings, inside: str
) -> None:
    with pytest.raises(UsageError, match="would be lost with it"):
        back_up(settings, data / inside, NOW, silent)


def test_a_mistyped_data_directory_is_not_backed_up(
    settings: Settings, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="has no data to back up"):
        backup()
    assert not (tmp_path / "backup").exists()


@pytest.mark.usefixtures("data")
def test_two_backups_do_not_write_into_one_folder_at_once(
    backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    (tmp_path / "backup").mkdir()
    with FileLock(tmp_path / "backup" / ".lock"), pytest.raises(BackupError, match="another backup writes"):
        backup()
    assert backup().copied == 7


@pytest.mark.usefixtures("data")
def test_a_damaged_manifest_is_named_and_made_again(
    settings: Settings, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    manifest = tmp_path / "backup" / "backup.json"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    there = settings.model_copy(update={"data_dir": tmp_path / "there"})
    with pytest.raises(BackupError, match=r"backup\.json is damaged") as refused:
        restore(there, tmp_path / "backup", Environment())
    assert "cp -r" in refused.value.hint
    with pytest.raises(BackupError, match=r"backup\.json is damaged") as refused:
        backup()
    assert refused.value.hint.startswith(f"rm {manifest} && ca-etl backup ")
    manifest.unlink()
    assert backup().copied == 0


def test_a_restore_overwrites_no_data(
    data: Path, settings: Settings, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    with pytest.raises(UsageError, match="is not empty") as refused:
        restore(settings, tmp_path / "backup", Environment())
    assert refused.value.hint == f"CA_ETL_DATA_DIR={data}-restored ca-etl restore {tmp_path / 'backup'}"


def test_a_folder_without_a_backup_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CaEtlError, match="holds no complete backup"):
        restore(settings, tmp_path, Environment())
    assert not settings.data_dir.exists()


@pytest.mark.usefixtures("data")
def test_an_unfinished_restore_is_resumed_from_its_own_backup_alone(
    settings: Settings, backup: Callable[[], BackupReport], tmp_path: Path
) -> None:
    backup()
    there = settings.model_copy(update={"data_dir": tmp_path / "there"})
    there.data_dir.mkdir()
    (there.data_dir / ".restore.json").write_text('{"backup": "/mnt/other", "is_copied": false}')
    with pytest.raises(UsageError, match="of another backup") as refused:
        restore(there, tmp_path / "backup", Environment())
    assert refused.value.hint == "ca-etl restore /mnt/other"
