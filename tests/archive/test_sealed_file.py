"""A process that is killed, and a disk that is full: nothing that was whole is lost, and nothing half is read."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ca_etl.archive.reader import archive_files, read_archive
from ca_etl.archive.sealed_file import ArchiveWriteError, recover_open_files
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.records import Capture

NAME = "20251205T020000Z-timesca"
CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ca_etl.archive.policy import Attempt, Verdict
from ca_etl.archive.writer import ArchiveWriter

when = datetime(2025, 12, 5, 2, tzinfo=UTC)
with ArchiveWriter(Path(sys.argv[1]), sys.argv[2], source="timesca", info={}, clock=lambda: when) as out:
    for number in range(1, 10_000):
        body = (b"%08d" % number) * 4000
        out.add(Attempt("http://site.test/", number, when, Verdict.OK, "", status=200, wire_body=body, body=body))
        print(number, flush=True)
"""


def pages(root: Path) -> list[Capture]:
    captures = [c for path in archive_files(root) for c in read_archive(path, root=root)]
    assert all(isinstance(c, Capture) for c in captures)
    return captures


def test_a_run_killed_while_it_writes_loses_no_whole_capture(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), NAME], stdout=subprocess.PIPE, text=True
    )
    for line in child.stdout:
        if int(line) == 25:
            os.kill(child.pid, signal.SIGKILL)
            break
    written = 25 + len(child.stdout.read().split())
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()

    assert archive_files(tmp_path) == []
    (sealed,) = recover_open_files(tmp_path)
    assert sealed.name == f"{NAME}.recovered.warc.gz"
    captures = pages(tmp_path)
    # the record after the last one reported may have become whole, too
    assert len(captures) in {written, written + 1}
    assert [c.payload[:8] for c in captures] == [b"%08d" % n for n in range(1, len(captures) + 1)]
    assert list(tmp_path.rglob("*.open")) == []


@pytest.fixture
def leftover(tmp_path, attempt, noon):
    """An `.open` file of two captures, cut `missing` bytes before its end."""

    def make(missing: int, name: str = NAME) -> Path:
        with ArchiveWriter(tmp_path, name, source="timesca", info={}, clock=lambda: noon) as out:
            out.add(attempt(number=1))
            out.add(attempt(number=2))
        content = out.path.read_bytes()
        opened = out.path.with_name(out.path.name + ".open")
        out.path.rename(opened)
        opened.write_bytes(content[: len(content) - missing])
        return opened

    return make


def test_a_leftover_that_is_whole_is_sealed_whole(tmp_path, leftover):
    content = leftover(0).read_bytes()
    (sealed,) = recover_open_files(tmp_path)
    assert sealed.read_bytes() == content
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [sealed.name]


def test_a_leftover_with_a_cut_end_keeps_its_whole_records_and_the_rest_beside_them(tmp_path, leftover):
    opened = leftover(10)
    content = opened.read_bytes()
    recover_open_files(tmp_path)
    assert len(pages(tmp_path)) == 1
    assert opened.with_name(opened.name + ".damaged").read_bytes() == content
    assert not opened.exists()


def test_recovering_twice_does_nothing_more(tmp_path, leftover):
    leftover(10)
    assert len(recover_open_files(tmp_path)) == 1
    assert recover_open_files(tmp_path) == []
    assert len(pages(tmp_path)) == 1


def test_a_leftover_in_which_nothing_is_whole_makes_no_file(tmp_path, leftover):
    opened = leftover(0)
    opened.write_bytes(opened.read_bytes()[:100])
    assert recover_open_files(tmp_path) == []
    assert archive_files(tmp_path) == []


def test_an_empty_leftover_is_removed(tmp_path):
    opened = tmp_path / "2025" / "12" / f"{NAME}.warc.gz.open"
    opened.parent.mkdir(parents=True)
    opened.touch()
    assert recover_open_files(tmp_path) == []
    assert not opened.exists()


def test_a_recovered_file_never_takes_a_sealed_name(tmp_path, leftover):
    for _ in range(2):
        leftover(0)
        recover_open_files(tmp_path)
    assert [path.name for path in archive_files(tmp_path)] == [
        f"{NAME}.recovered.warc.gz",
        f"{NAME}.recovered.2.warc.gz",
    ]


@pytest.mark.parametrize("suffix", [".reference.json.open", ".1.damaged.open"])
def test_half_a_copy_of_an_input_is_removed(tmp_path, suffix):
    left = tmp_path / "2025/12" / f"20251208T093000Z-ingest-0123456789ab{suffix}"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"{")
    assert recover_open_files(tmp_path) == []
    assert not left.exists()


def test_no_archive_yet_is_nothing_to_recover(tmp_path):
    assert recover_open_files(tmp_path / "archive") == []


def test_a_leftover_does_not_hinder_the_next_run(tmp_path, leftover, attempt, noon):
    leftover(10)
    with ArchiveWriter(tmp_path, NAME, source="timesca", info={}, clock=lambda: noon) as out:
        out.add(attempt())
    assert out.path.name == f"{NAME}.2.warc.gz"


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_whole(tmp_path):
    """RLIMIT_FSIZE represents the disk: a write beyond it fails in the middle of a record."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    child = subprocess.run(
        [sys.executable, "-B", "-c", CHILD, str(tmp_path), NAME],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    written = child.stdout.split()
    assert child.returncode == 1
    assert (
        f"ArchiveWriteError: cannot write {tmp_path}/2025/12/{NAME}.warc.gz: File too large" in child.stderr
    )
    assert len(written) > 3
    assert len(pages(tmp_path)) == len(written)
    assert list(tmp_path.rglob("*.open")) == []


def fill(out: ArchiveWriter, attempt) -> None:
    for number in range(1, 500):
        out.add(attempt(number=number))


def test_a_disk_without_any_room_is_a_clear_error(tmp_path, attempt, noon):
    """A tmpfs of one page, where the machine lets us mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        out = ArchiveWriter(small, NAME, source="timesca", info={}, clock=lambda: noon)
        with pytest.raises(ArchiveWriteError, match="No space left") as caught, out:
            fill(out, attempt)
        assert caught.value.hint.startswith("df -h")
        assert pages(small)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path, attempt, noon):
    (tmp_path / "2025").write_text("a file is where the folder should be")
    with (
        pytest.raises(ArchiveWriteError, match="cannot write") as caught,
        ArchiveWriter(tmp_path, NAME, source="timesca", info={}, clock=lambda: noon) as out,
    ):
        out.add(attempt())
    assert caught.value.exit_status == 1
    assert str(tmp_path) in str(caught.value)
