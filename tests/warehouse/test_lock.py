import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.lock import (
    Holder,
    LockHeldError,
    announce_wait,
    crashed_run,
    live_run,
    run_lock,
    running,
    settle_crash,
)

STARTED = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
HOLD = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from ca_etl.warehouse.lock import Holder, run_lock

    with run_lock(Path(sys.argv[1]), Holder.here(sys.argv[2], "run", datetime(2025, 12, 5, 2, 0, tzinfo=UTC))) as lock:
        lock.step("load")
        print("held", flush=True)
        sys.stdin.readline()
"""

HOLDER = '{"pid": 1, "host": "h", "run_id": "r", "kind": "run", "started_at": "2025-12-05T02:00:00+00:00", "step": "s"}'


def mine(run_id="20251206T020000Z"):
    return Holder.here(run_id, "ingest", STARTED)


def kill(process):
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()


def test_a_second_run_learns_who_holds_the_lock(child, data_dir):
    process = child(HOLD, data_dir, "20251205T020000Z")
    assert process.stdout.readline() == "held\n"
    with pytest.raises(LockHeldError) as caught, run_lock(data_dir, mine()):
        pass
    message = str(caught.value)
    assert f"pid {process.pid} " in message
    assert "run 20251205T020000Z" in message
    assert f"since {running(data_dir).since:%Y-%m-%d %H:%M} UTC" in message
    assert "step load" in message
    assert caught.value.exit_status == 75
    assert running(data_dir).run_id == "20251205T020000Z"
    process.communicate("\n")
    with run_lock(data_dir, mine()):
        assert crashed_run(data_dir) is None


def test_the_age_of_a_lock_is_by_the_clock_of_the_machine_and_not_by_that_of_the_run(data_dir):
    before = datetime.now(UTC)
    with run_lock(data_dir, mine()):
        held = running(data_dir)
        assert before <= held.since <= datetime.now(UTC)
        assert held.started_at == STARTED
    (data_dir / ".running.json").write_text(HOLDER)
    assert running(data_dir).since == STARTED, "of an earlier version"


def test_the_lock_falls_with_a_killed_run_and_the_next_one_learns_of_it(child, data_dir):
    process = child(HOLD, data_dir, "20251205T020000Z")
    kill(process)
    with run_lock(data_dir, mine()):
        crashed = crashed_run(data_dir)
        assert crashed == Holder(process.pid, os.uname().nodename, "20251205T020000Z", "run", STARTED, "load")
        assert running(data_dir) == mine()
        settle_crash(data_dir, crashed)
        assert crashed_run(data_dir) is None
    with run_lock(data_dir, mine()):
        assert crashed_run(data_dir) is None


def test_a_crash_that_was_not_settled_is_not_forgotten_when_the_next_run_crashes_too(child, data_dir):
    for run_id in ("20251205T020000Z", "20251205T030000Z"):
        kill(child(HOLD, data_dir, run_id))
    with run_lock(data_dir, mine()):
        crashed_ids = []
        while (crashed := crashed_run(data_dir)) is not None:
            crashed_ids.append(crashed.run_id)
            settle_crash(data_dir, crashed)
    assert crashed_ids == ["20251205T020000Z", "20251205T030000Z"]


def test_two_threads_of_one_process_do_not_share_the_lock(data_dir):
    with run_lock(data_dir, mine()), pytest.raises(LockHeldError), run_lock(data_dir, mine("other")):
        pass


def test_a_run_that_waits_for_a_retry_says_until_when(data_dir):
    until = datetime(2025, 12, 5, 13, 58, tzinfo=UTC)
    with run_lock(data_dir, mine()) as lock:
        lock.step("capture")
        announce_wait(data_dir, until, retry=1, retries=2)
        assert str(live_run(data_dir)).endswith(
            "step capture, waits until 2025-12-05 13:58 UTC, retry 1 of 2)"
        )
        announce_wait(data_dir, None)
        assert str(live_run(data_dir)).endswith("step capture)")
    announce_wait(data_dir, until, retry=1, retries=2)
    assert live_run(data_dir) is None


def test_a_run_that_ends_well_leaves_only_the_lock_file(data_dir):
    with run_lock(data_dir, mine()):
        pass
    assert {path.name for path in data_dir.iterdir()} == {".lock"}


@pytest.mark.parametrize("recorded", [True, False])
def test_a_run_that_raises_counts_as_crashed_unless_it_was_recorded(data_dir, recorded):
    with pytest.raises(ZeroDivisionError), run_lock(data_dir, mine()) as lock:  # noqa: PT012  the block is tested
        if recorded:
            lock.recorded()
        raise ZeroDivisionError
    with run_lock(data_dir, mine("20251207T020000Z")):
        crashed = crashed_run(data_dir)
    assert crashed == (None if recorded else mine())


def test_an_empty_holder_file_is_still_a_crash(data_dir):
    data_dir.mkdir()
    (data_dir / ".running.json").touch()
    with run_lock(data_dir, mine()):
        crashed = crashed_run(data_dir)
    assert crashed is not None
    assert crashed.run_id == "unknown"


@pytest.mark.parametrize(
    "left",
    [
        "[]",
        "null",
        '"text"',
        '{"pid": "x"}',
        HOLDER.replace("1,", '"x",'),
        HOLDER.replace('"r"', "5"),
        HOLDER.replace('"r"', r'"\ud800"'),
        HOLDER.replace('"2025-12-05T02:00:00+00:00"', "5"),
        HOLDER.replace("+00:00", ""),
        "[" * 100_000,
    ],
    ids=lambda left: left[:60],
)
def test_a_holder_file_with_wrong_types_is_a_crash_of_a_run_unknown(data_dir, left):
    data_dir.mkdir()
    (data_dir / ".running.json").write_text(left)
    assert running(data_dir).run_id == "unknown"
    with run_lock(data_dir, mine()):
        crashed = crashed_run(data_dir)
        assert (crashed.run_id, crashed.started_at.tzinfo) == ("unknown", UTC)
        settle_crash(data_dir, crashed)
        assert crashed_run(data_dir) is None


def test_a_holder_file_with_an_endless_run_id_is_settled_like_any_other(data_dir):
    data_dir.mkdir()
    (data_dir / ".running.json").write_text(HOLDER.replace('"r"', f'"{"r" * 5000}"'))
    with run_lock(data_dir, mine()):
        settle_crash(data_dir, crashed_run(data_dir))
        assert crashed_run(data_dir) is None


def test_a_data_directory_below_a_file_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError) as caught, run_lock(tmp_path / "file" / "data", mine()):
        pass
    assert str(tmp_path / "file") in str(caught.value)
    assert "Not a directory" in str(caught.value)
    assert "ca-etl run" in caught.value.hint


def test_a_run_that_is_interrupted_from_the_keyboard_counts_as_crashed(child, data_dir):
    process = child(HOLD, data_dir, "20251205T020000Z")
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGINT)
    process.wait()
    with run_lock(data_dir, mine()):
        assert crashed_run(data_dir).run_id == "20251205T020000Z"
