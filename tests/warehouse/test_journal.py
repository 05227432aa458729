import json
import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.journal import (
    Cause,
    CheckResult,
    RunRecord,
    SlotRecord,
    append,
    distinct,
    keep_room,
    merged,
    problems,
    read,
    read_journal,
    repair,
)

# Three days of 0.1.0, as it wrote them before causes and numbers of pages became fields.
WITHOUT_CAUSES = Path(__file__).parent / "fixtures" / "runs_without_causes.jsonl"
START = datetime(2025, 12, 5, 2, 0, 0, 123456, tzinfo=UTC)


APPEND = """
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from ca_etl.warehouse.durable_files import StorageError
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


def test_lines_without_facts_are_read_and_their_texts_fill_no_field(data_dir, journal):
    journal.write_bytes(WITHOUT_CAUSES.read_bytes())
    lines = read_journal(data_dir)
    assert lines.bad == ()
    assert [(run.status, run.cause) for run in lines.runs] == [
        ("succeeded", None),
        ("failed", None),
        ("succeeded", None),
    ]
    slots = [slot for run in lines.runs for slot in run.slots]
    assert [slot.reason for slot in slots] == [None, None, "4 http_error", None, None]
    assert {(s.cause, s.pages_requested, s.pages_usable, s.is_complete) for s in slots} == {(None,) * 4}


def test_a_cause_comes_back_as_it_was_written_and_an_unknown_one_is_a_bad_line(data_dir, journal):
    own = SlotRecord("timesca", "daily", START, START.date(), "failed", "why", Cause.NO_RATES, 4, 3)
    append(data_dir, record(slots=(own,), cause=Cause.SITE))
    line = journal.read_bytes()
    journal.write_bytes(line + line.replace(b'"no_rates"', b'"bad_mood"'))
    lines = read_journal(data_dir)
    assert lines.runs == (record(slots=(own,), cause=Cause.SITE),)
    assert [bad.number for bad in lines.bad] == [2]


def test_without_a_journal_there_are_no_runs(data_dir):
    assert read(data_dir) == ()


def test_the_torn_line_of_a_killed_writer_is_reported_and_kept(data_dir, journal, caplog):
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
    output, _ = process.communicate()
    assert output.startswith(f"cannot write {journal}: No space left on device")
    assert journal.read_bytes() == whole


def test_a_line_that_lacks_only_its_end_is_not_a_torn_line(data_dir, journal):
    append(data_dir, record("a"))
    journal.write_bytes(journal.read_bytes().rstrip(b"\n"))
    assert [run.run_id for run in read(data_dir)] == ["a"]
    append(data_dir, record("b"))
    assert [run.run_id for run in read(data_dir)] == ["a", "b"]
    assert not (data_dir / "runs.jsonl.torn").exists()


@pytest.mark.parametrize("mask", [0x01, 0x04, 0x10])
def test_a_flipped_bit_never_makes_another_record_of_a_line(data_dir, journal, mask):
    slot = SlotRecord("timesca", "daily", START, date(2025, 12, 5), "observed", "4 pages")
    written = (record("a", slots=(slot,), captures=7), record("b", error="all 4 pages http_error"))
    for run in written:
        append(data_dir, run)
    data = journal.read_bytes()
    for at in range(len(data)):
        journal.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
        assert set(read(data_dir)) < set(written), f"byte {at}"


def test_a_line_without_a_checksum_is_one_of_an_earlier_version_or_repaired_by_hand(data_dir, journal):
    journal.write_bytes(
        b'{"run_id":"a","kind":"run","started_at":"2025-12-05T02:00:00.123456Z","status":"succeeded","code_version":"0.1.0"}\n'
    )
    assert read(data_dir) == (record("a"),)


BAD_LINES = [
    b"",
    b"no json",
    b'{"run_id": "b"}',
    b"\xff\xfe\x00\x00",
    b"[1, 2]",
    b'{"run_id":"b","kind":"run","started_at":"2025-12-05T02:00:00Z","status":"succeefed","code_version":"1"}',
    b'{"run_id":"b","kind":"run","started_at":"2025-12-05T02:00:00","status":"failed","code_version":"1"}',
    b'{"mood":"good","run_id":"b","kind":"run","started_at":"2025-12-05T02:00:00Z","status":"failed","code_version":"1"}',
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_passed_over_and_reported_with_its_number_and_bytes(data_dir, journal, line):
    append(data_dir, record("a"))
    with journal.open("ab") as file:
        file.write(line + b"\n")
    append(data_dir, record("c"))
    stored = read_journal(data_dir)
    assert [run.run_id for run in stored.runs] == ["a", "c"]
    ((number, data),) = [(bad.number, bad.data) for bad in stored.bad]
    assert (number, data) == (2, line)
    (problem,) = problems(data_dir, stored)
    assert "line 2 is not a run record" in problem.message
    assert "sed -n 2p" in problem.next_command


def test_the_reason_of_a_bad_line_names_the_field_of_a_later_version(data_dir, journal):
    append(data_dir, record("a"))
    journal.write_bytes(journal.read_bytes().replace(b'"kind"', b'"mood":"good","kind"'))
    (bad,) = read_journal(data_dir).bad
    assert bad.reason.startswith("mood ")


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_repair_keeps_good_lines_as_they_were_and_the_bytes_of_bad_ones_beside_them(
    data_dir, journal, line
):
    append(data_dir, record("a"))
    good = journal.read_bytes()
    journal.write_bytes(line + b"\n" + good + b'{"torn')
    repair(data_dir, (), START)
    assert journal.read_bytes() == good + b'{"torn'
    head, kept, end = (data_dir / "runs.jsonl.repairs").read_bytes().split(b"\n")
    assert head.startswith(b"# 2025-12-05T02:00:00Z line 1, removed: ")
    assert (kept, end) == (line, b"")
    (problem,) = problems(data_dir, read_journal(data_dir))
    assert "was repaired" in problem.message
    assert "runs.jsonl.repairs" in problem.next_command


def test_a_repair_that_was_killed_before_its_last_step_is_done_once_more(data_dir, journal):
    append(data_dir, record("a"))
    damaged = b"no json\n" + journal.read_bytes()
    for _ in range(2):
        journal.write_bytes(damaged)
        repair(data_dir, (), START)
    assert [run.run_id for run in read(data_dir)] == ["a"]
    assert (data_dir / "runs.jsonl.repairs").read_bytes().count(b"no json\n") == 2


def test_lost_runs_are_put_back_where_they_were(data_dir, journal):
    runs = [replace(record(str(number)), started_at=START + timedelta(days=number)) for number in range(4)]
    for run in (runs[0], runs[3]):
        append(data_dir, run)
    assert merged((runs[0], runs[3]), (runs[2], runs[1])) == tuple(runs)
    repair(data_dir, (runs[2], runs[1]), START)
    assert read(data_dir) == tuple(runs)
    assert journal.read_bytes().count(b"\n") == len(runs)
    (problem,) = problems(data_dir, read_journal(data_dir))
    assert "was repaired" in problem.message


def test_runs_that_only_the_release_knows_are_a_problem_with_the_way_to_restore_them(data_dir, journal):
    append(data_dir, record("c"))
    (problem,) = problems(data_dir, read_journal(data_dir), {"a", "b"})
    assert "lacks 2 runs" in problem.message
    assert "restored from a backup" in problem.message
    assert "ca-etl run" in problem.next_command


@given(data=st.binary(max_size=300), before=st.integers(0, 2))
def test_whatever_bytes_a_journal_has_it_is_read_and_a_repair_loses_no_line(tmp_path_factory, data, before):
    data_dir = tmp_path_factory.mktemp("journal")
    for number in range(before):
        append(data_dir, record(str(number)))
    path = data_dir / "runs.jsonl"
    path.write_bytes((path.read_bytes() if path.exists() else b"") + data)
    *lines, tail = data.split(b"\n")
    stored = read_journal(data_dir)
    assert [bad.data for bad in stored.bad] == lines
    repair(data_dir, (), START)
    kept = (data_dir / "runs.jsonl.repairs").read_bytes()
    assert all(line + b"\n" in kept for line in lines)
    assert path.read_bytes().endswith(tail)
    assert read_journal(data_dir) == replace(stored, bad=())


def test_of_two_lines_of_a_run_the_first_counts():
    first = record("a", exit_status=0)
    assert distinct([first, record("b"), record("a", error="crashed")]) == (first, record("b"))


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


def test_a_line_and_the_journal_that_it_makes_are_on_the_disk_when_append_returns(data_dir, journal, steps):
    append(data_dir, record("a"))
    assert steps == [f"fsync runs.jsonl {journal.stat().st_size}", "fsync ."]
    append(data_dir, record("b"))
    assert steps[2:] == [f"fsync runs.jsonl {journal.stat().st_size}"]


def test_the_bytes_of_a_torn_line_are_on_the_disk_before_the_next_line(data_dir, journal, steps):
    journal.write_bytes(b'{"run_id": "b", "ki')
    append(data_dir, record("c"))
    assert steps == ["fsync runs.jsonl.torn 20", "fsync .", f"fsync runs.jsonl {journal.stat().st_size}"]


@pytest.mark.parametrize("tail", [b"\x00" * 8, b"\t", b'{"run_id": "b"\r', b"\x00\n\x00"])
def test_what_a_power_cut_left_at_the_end_spoils_no_later_line(data_dir, journal, tail):
    append(data_dir, record("a"))
    with journal.open("ab") as file:
        file.write(tail)
    append(data_dir, record("c"))
    assert [run.run_id for run in read(data_dir)] == ["a", "c"]
    assert (data_dir / "runs.jsonl.torn").read_bytes() == tail.rpartition(b"\n")[2] + b"\n"


def test_a_whole_journal_is_read_without_a_warning(data_dir, journal, caplog):
    append(data_dir, record("a"))
    assert len(read(data_dir)) == 1
    journal.write_bytes(journal.read_bytes().rstrip(b"\n"))
    assert len(read(data_dir)) == 1
    assert caplog.text == ""


def test_a_run_that_states_no_counts_has_none():
    run = record()
    assert (run.captures, run.rejects, run.warnings, run.checks, run.slots, run.held) == (
        0,
        0,
        (),
        (),
        (),
        (),
    )


def test_a_repair_has_the_bad_lines_on_the_disk_before_it_replaces_the_journal(data_dir, journal, steps):
    append(data_dir, record("a"))
    good = journal.read_bytes()
    journal.write_bytes(b"no json\n" + good)
    del steps[:]
    repair(data_dir, (), START)
    assert steps == [
        f"fsync runs.jsonl.repairs {(data_dir / 'runs.jsonl.repairs').stat().st_size}",
        "fsync .",
        f"fsync runs.jsonl.tmp {len(good)}",
        "replace runs.jsonl.tmp -> runs.jsonl",
        "fsync .",
    ]


def test_the_texts_of_a_record_are_written_without_control_characters_and_folders(data_dir, journal):
    text = f"cannot read {data_dir}/archive/x.warc.gz\x1b[31m"
    append(
        data_dir,
        record(
            error=text,
            warnings=("fine", text),
            checks=(CheckResult("c", "m", "warn", 1, text), CheckResult("d", "m", "warn", 0)),
            slots=(
                SlotRecord("timesca", "daily", START, START.date(), "failed", text),
                SlotRecord("timesca", "daily", START, START.date(), "observed"),
            ),
        ),
    )
    (run,) = read(data_dir)
    clean = "cannot read archive/x.warc.gz\\x1b[31m"
    assert (run.error, run.warnings) == (clean, ("fine", clean))
    assert [check.sample for check in run.checks] == [clean, ""]
    assert [slot.reason for slot in run.slots] == [clean, None]


def test_the_room_of_a_line_is_kept_once(data_dir, journal):
    keep_room(data_dir)
    kept = (data_dir / ".journal-room").read_bytes()
    assert len(kept) == 65_536
    keep_room(data_dir)
    assert (data_dir / ".journal-room").read_bytes() == kept


def test_a_line_that_no_room_can_help_leaves_the_room_alone(data_dir, journal):
    keep_room(data_dir)
    journal.mkdir()
    with pytest.raises(StorageError, match="Is a directory"):
        append(data_dir, record("a"))
    assert (data_dir / ".journal-room").exists()


def test_a_line_on_a_full_disk_takes_the_room_and_is_tried_once_more(child, data_dir, journal):
    append(data_dir, record("a"))
    whole = journal.read_bytes()
    keep_room(data_dir)
    out, errors = child(APPEND, data_dir, str(len(whole) + 10)).communicate()
    assert out.startswith(f"cannot write {journal}: "), errors
    assert not (data_dir / ".journal-room").exists()
    assert journal.read_bytes() == whole


def test_two_bad_lines_are_one_problem_that_counts_the_second(data_dir, journal):
    journal.write_bytes(b"no json\n[]\n")
    (problem,) = problems(data_dir, read_journal(data_dir))
    assert problem.message.startswith(f"{journal} line 1 is not a run record (")
    assert problem.message.endswith("), and 1 more")
    journal.write_bytes(b"no json\n")
    (problem,) = problems(data_dir, read_journal(data_dir))
    assert problem.message.endswith(")")


def test_a_whole_last_line_without_its_end_stays_so_in_a_repair(data_dir, journal):
    append(data_dir, record("a"))
    good = journal.read_bytes()
    journal.write_bytes(b"no json\n" + good[:-1])
    repair(data_dir, (), START)
    assert journal.read_bytes() == good[:-1]
    assert [run.run_id for run in read(data_dir)] == ["a"]


def test_every_entry_of_a_repair_states_what_it_is_in_one_line(data_dir, journal):
    journal.write_bytes(b"no json\n")
    repair(data_dir, (record("z"),), START)
    head, line, restored, run, end = (data_dir / "runs.jsonl.repairs").read_bytes().split(b"\n")
    assert head.startswith(b"# 2025-12-05T02:00:00Z line 1, removed: ")
    assert restored == b"# 2025-12-05T02:00:00Z run z, restored from the release"
    assert (line, run + b"\n", end) == (b"no json", journal.read_bytes(), b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "crashed "), ("status", ""), ("outcome", "lost"), ("outcome", "observed.")],
)
def test_a_status_or_an_outcome_that_no_table_accepts_is_a_bad_line(data_dir, journal, field, value):
    slot = SlotRecord("timesca", "daily", START, START.date(), "observed")
    append(data_dir, record(slots=(slot,)))
    written = {"status": "succeeded", "outcome": "observed"}[field]
    journal.write_bytes(
        journal.read_bytes().replace(f'"{field}":"{written}"'.encode(), f'"{field}":"{value}"'.encode())
    )
    assert read(data_dir) == ()
    (bad,) = read_journal(data_dir).bad
    assert field in bad.reason


def test_a_check_of_an_earlier_line_does_not_alert_and_a_later_one_keeps_what_it_states(data_dir, journal):
    check = {"check_name": "c", "model": "main.t", "severity": "warning", "offending_rows": 1, "sample": ""}
    line = {
        "run_id": "r1",
        "kind": "run",
        "started_at": "2026-12-05T02:00:00Z",
        "status": "cancelled",
        "code_version": "1",
        "checks": [check, check | {"check_name": "d", "alerts": True}],
    }
    journal.write_text(json.dumps(line) + "\n")
    (run,) = read(data_dir)
    assert (run.status, [check.alerts for check in run.checks]) == ("cancelled", [False, True])
    append(data_dir, replace(run, run_id="r2"))
    assert read(data_dir)[1].checks == run.checks
