from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.warehouse import overrides
from ca_etl.warehouse.overrides import DecisionError
from ca_etl.warehouse.raw_load import CaptureDecision

AT = datetime(2025, 12, 6, 8, 30, tzinfo=UTC)


def test_without_a_file_nothing_is_decided(tmp_path: Path) -> None:
    assert overrides.read(tmp_path) == ()


def test_the_last_line_about_a_capture_holds(tmp_path: Path) -> None:
    overrides.append(tmp_path, CaptureDecision("urn:uuid:1", "exclude", 'ten times, "too high"', AT))
    overrides.append(tmp_path, CaptureDecision("urn:uuid:2", "exclude", "cut", AT))
    overrides.append(tmp_path, CaptureDecision("urn:uuid:1", "accept", "a reform\nmoved the point", AT))
    assert overrides.read(tmp_path) == (
        CaptureDecision("urn:uuid:1", "accept", "a reform\nmoved the point", AT),
        CaptureDecision("urn:uuid:2", "exclude", "cut", AT),
    )


def test_decisions_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    decisions = [CaptureDecision(f"urn:uuid:{number}", "accept", "fine", AT) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda decision: overrides.append(tmp_path, decision), decisions))
    assert set(overrides.read(tmp_path)) == set(decisions)


def test_a_file_edited_by_hand_may_lack_its_last_line_break(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("capture_id,decision,reason,decided_at\nurn:uuid:1,exclude,old,2025-12-06")
    overrides.append(tmp_path, CaptureDecision("urn:uuid:2", "accept", "fine", AT))
    assert [decision.capture_id for decision in overrides.read(tmp_path)] == ["urn:uuid:1", "urn:uuid:2"]


@pytest.mark.parametrize(
    "line",
    [
        "urn:uuid:1,maybe,why,2025-12-06",
        "urn:uuid:1,exclude",
        "urn:uuid:1,exclude,why,yesterday",
        "a,b,c,d,e",
    ],
)
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "decisions.csv").write_text(f"capture_id,decision,reason,decided_at\n{line}\n")
    with pytest.raises(DecisionError, match="line 2"):
        overrides.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"urn:uuid:1,exclude,why,2025-12-06\n",
        b'capture_id,decision,reason,decided_at\n"open',
        b"\xff\xfe",
    ],
)
def test_a_file_that_is_no_list_of_decisions_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "decisions.csv").write_bytes(content)
    with pytest.raises(DecisionError, match=r"decisions\.csv"):
        overrides.read(tmp_path)


@pytest.mark.parametrize(
    "damaged",
    [
        b"\xff\xfe\x00",
        b"capture_id,decision,reason,decided_at\nurn:uuid:1,accexpt,old,2025-12-06\n",
        b"capture_id,decision,reason,decided_at\nurn:uuid:1,excl",
    ],
)
def test_a_damaged_file_takes_no_further_line_and_the_error_names_what_repairs_it(
    tmp_path: Path, damaged: bytes
) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes(damaged)
    with pytest.raises(DecisionError) as refused:
        overrides.append(tmp_path, CaptureDecision("urn:uuid:2", "accept", "fine", AT))
    assert f"mv {path} {path}.damaged" in refused.value.hint
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbfcapture_id,decision,reason,decided_at\n"])
def test_an_empty_file_and_one_with_a_byte_order_mark_are_taken(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "decisions.csv").write_bytes(before)
    assert overrides.read(tmp_path) == ()
    overrides.append(tmp_path, CaptureDecision("urn:uuid:2", "accept", "fine", AT))
    assert overrides.read(tmp_path) == (CaptureDecision("urn:uuid:2", "accept", "fine", AT),)


@pytest.mark.parametrize(("number", "words"), [(1, "lacks 1 decision of"), (2, "lacks 2 decisions of")])
def test_lost_decisions_are_counted_with_their_noun(tmp_path: Path, number: int, words: str) -> None:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute("create table raw.decision as select '1' as capture_id, 'exclude' as decision")
        con.execute(
            "insert into raw.decision select i::varchar, 'exclude' from range(2, $1) t(i)", [number + 1]
        )
        problem = overrides.lost(con, tmp_path)
    assert problem is not None
    assert words in problem.message
