import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.warehouse.journal import CheckResult, JournalError, RunRecord, append, distinct, read

START = datetime(2025, 12, 5, 2, 0, 0, 123456, tzinfo=UTC)


APPEND = """
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from ca_etl.warehouse.files import StorageError
    from ca_etl.warehouse.journal import RunRecord, append

    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        append(Path(sys.argv[1]), RunRecord("b", "run", datetime(2025, 12, 5, tzinfo=UTC), "failed", "0.1.0"))
    except StorageError as error:
        print(error)
"""


def record(run_id="20251205T020000Z", **fields):
    return RunRecord(run_id, "run", START, "succeeded", "0.1.0", **fields)


@pytest.fixture
def journal(data_dir):
    data_dir.mkdir()
    return data_dir / "runs.jsonl"


def test_a_record_comes_back_as_it_was_written(data_dir, journal):
    full = record(
        slot=START,
        finished_at=START,
        exit_status=3,
        release_id=None,
        captures=4,
        rejects=1,
        error="a line\nand “another”",
        warnings=("one", "two"),
        checks=(CheckResult("rate_jump", "main.fct_rate_daily", "error", 2, "KZT"),),
    )
    append(data_dir, record())
    append(data_dir, full)
    assert read(data_dir) == (record(), full)
    assert journal.read_bytes().count(b"\n") == 2


def test_no_journal_is_no_runs(data_dir):
    assert read(data_dir) == ()


def test_the_torn_line_of_a_killed_writer_is_told_and_kept(data_dir, journal, caplog):
    append(data_dir, record("a"))
    with journal.open("ab") as file:
        file.write(b'{"run_id": "b", "ki')
    with caplog.at_level(logging.WARNING):
        assert [run.run_id for run in read(data_dir)] == ["a"]
    assert "torn line of 19 bytes" in caplog.text
    append(data_dir, record("c"))
    assert [run.run_id for run in read(data_dir)] == ["a", "c"]
    assert (data_dir / "runs.jsonl.torn").read_bytes() == b'{"run_id": "b", "ki\n'


def test_a_line_that_finds_no_room_leaves_no_part_of_itself(child, data_dir, journal):
    append(data_dir, record("a"))
    whole = journal.read_bytes()
    process = child(APPEND, data_dir, str(len(whole) + 10))
    told, _ = process.communicate()
    assert told.startswith(f"cannot write {journal}: No space left on device")
    assert journal.read_bytes() == whole


def test_a_line_that_lacks_only_its_end_is_no_torn_line(data_dir, journal):
    append(data_dir, record("a"))
    journal.write_bytes(journal.read_bytes().rstrip(b"\n"))
    assert [run.run_id for run in read(data_dir)] == ["a"]
    append(data_dir, record("b"))
    assert [run.run_id for run in read(data_dir)] == ["a", "b"]
    assert not (data_dir / "runs.jsonl.torn").exists()


@pytest.mark.parametrize("line", [b"", b"no json", b'{"run_id": "b"}'])
def test_a_bad_line_in_the_middle_is_an_error_that_names_it(data_dir, journal, line):
    append(data_dir, record("a"))
    with journal.open("ab") as file:
        file.write(line + b"\n")
    append(data_dir, record("c"))
    with pytest.raises(JournalError, match="line 2") as caught:
        read(data_dir)
    assert "sed -n 2p" in caught.value.hint


def test_a_field_of_a_later_version_is_not_dropped_silently(data_dir, journal):
    append(data_dir, record("a"))
    journal.write_bytes(journal.read_bytes().replace(b'"kind"', b'"mood":"good","kind"'))
    with pytest.raises(JournalError, match="mood"):
        read(data_dir)


def test_of_a_run_told_twice_the_first_line_holds():
    told = record("a", exit_status=0)
    assert distinct([told, record("b"), record("a", error="crashed")]) == (told, record("b"))


@given(cut=st.integers(min_value=0), count=st.integers(1, 3))
def test_wherever_a_writer_dies_whole_lines_survive_and_its_bytes_are_kept(tmp_path_factory, cut, count):
    data_dir = tmp_path_factory.mktemp("journal")
    journal = data_dir / "runs.jsonl"
    for number in range(count):
        append(data_dir, record(str(number)))
    whole = journal.read_bytes()
    cut %= len(whole) + 1
    journal.write_bytes(whole[:cut])
    append(data_dir, record("last"))
    kept = [run.run_id for run in read(data_dir)]
    torn = data_dir / "runs.jsonl.torn"
    set_aside = torn.read_bytes().rstrip(b"\n") if torn.exists() else b""
    lines = whole[:cut].split(b"\n")
    expected = [str(number) for number in range(whole[:cut].count(b"\n"))]
    if set_aside:
        assert set_aside == lines[-1]
    elif lines[-1]:
        expected.append(str(len(expected)))
    assert kept == [*expected, "last"]
