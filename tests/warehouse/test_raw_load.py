"""Rows are loaded once by their keys, and those that an older parser rejected are forgotten."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ca_etl.records import OfficialRate, RateObservation, RejectReason, Rows
from ca_etl.warehouse.connection import open_building, transaction
from ca_etl.warehouse.journal import CheckResult, RunRecord
from ca_etl.warehouse.raw_load import (
    ArchiveFile,
    CaptureDecision,
    TableCount,
    forget_rejects,
    known_archive_files,
    load_check_results,
    load_decisions,
    load_journal,
    load_tables,
    mark_loaded,
    responses_with_validator,
)
from ca_etl.warehouse.raw_schema import OutdatedWarehouseError, arrow_rows, ensure_raw, keys_of
from ca_etl.warehouse.sqlfiles import raw_files, sql_root

FILE = ArchiveFile("2025/12/a.warc.gz", "timesca", None, None, "ab" * 32, 1000, 4, 1, "1", "20251205T020000Z")
TABLES = Rows().by_table().keys()
START = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def con(tmp_path):
    with open_building(tmp_path / "warehouse.duckdb") as con:
        ensure_raw(con)
        yield con


def load_rows(con, rows):
    """Load parsed rows, inside the caller's transaction."""
    return load_tables(
        con, {table: arrow_rows(con, table, parsed) for table, parsed in rows.by_table().items()}
    )


def load_archive_files(con, rows, *files):
    """Load the rows of archive files, and mark these as loaded, as a run does."""
    with transaction(con):
        counts = load_rows(con, rows)
        mark_loaded(con, files)
    return counts


def count(con, table):
    return con.execute(f"select count(*) from raw.{table}").fetchall()[0][0]


def content(con):
    return {table: con.sql(f"select * from raw.{table} order by all").to_arrow_table() for table in TABLES}


def test_every_sql_file_makes_the_table_it_is_named_after(con):
    assert sql_root().name == "sql"
    tables = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'raw' order by 1"
    ).fetchall()
    assert [name for (name,) in tables] == [file.stem for file in raw_files()]


def test_every_table_of_parsed_rows_has_a_landing_table_with_a_key(con):
    assert keys_of(con).keys() >= TABLES


@pytest.mark.parametrize("record", [RateObservation, OfficialRate])
def test_a_record_has_the_columns_of_its_landing_table(con, record):
    in_duckdb = con.sql(f"select * from raw.{record.table} limit 0").columns
    assert [field.name for field in fields(record)] == in_duckdb


def test_every_landing_table_and_column_is_described(con):
    bare = con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'raw' and comment is null "
        "union all select table_name, '' from duckdb_tables() where schema_name = 'raw' and comment is null"
    ).fetchall()
    assert bare == []


def test_rows_arrive_as_they_were_and_are_counted(con, rows):
    given_rows = rows("c1", "c2")
    counts = load_archive_files(con, given_rows, FILE)
    assert counts["capture"] == TableCount(parsed=2, loaded=2, known=0, differing=0)
    assert counts["rate_observation"].loaded == 4
    assert counts["article_text"] == TableCount(parsed=2, loaded=1, known=1, differing=0)
    rates = con.execute("select rate, change_text from raw.rate_observation where base = 'UZS'").fetchall()
    assert rates == [(Decimal("0.00008000"), "-0%")] * 2
    for table in ("capture", "article_observation"):
        sent = arrow_rows(con, table, getattr(given_rows, table))
        assert content(con)[table].to_pylist() == sent.to_pylist()
    assert known_archive_files(con) == {"2025/12/a.warc.gz"}


def test_loading_the_same_file_again_adds_nothing(con, rows):
    load_archive_files(con, rows("c1", "c2"), FILE)
    before = content(con)
    counts = load_archive_files(con, rows("c1", "c2"), replace(FILE, run_id="later"))
    assert {table: n.loaded for table, n in counts.items()} == dict.fromkeys(TABLES, 0)
    assert all(n.parsed == n.known and n.differing == 0 for n in counts.values())
    assert content(con) == before
    assert count(con, "archive_file") == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=4))
def test_in_whatever_batches_captures_come_every_one_is_loaded_once(tmp_path_factory, rows, batches):
    with open_building(tmp_path_factory.mktemp("load") / "warehouse.duckdb") as con:
        ensure_raw(con)
        loaded = 0
        for batch in batches:
            counts = load_rows(con, rows(*batch))
            assert all(n.parsed == n.loaded + n.known for n in counts.values())
            assert counts["capture"].parsed == len(batch)
            loaded += counts["capture"].loaded
        distinct = {capture for batch in batches for capture in batch}
        assert loaded == count(con, "capture") == len(distinct)
        assert count(con, "rate_observation") == 2 * len(distinct)
        assert count(con, "article_text") == min(1, len(distinct))


def test_of_two_rows_with_one_key_the_first_is_kept_and_the_other_is_reported(con, rows, caplog):
    twice = rows("c1")
    twice.rate_observation.append(
        {**twice.rate_observation[0], "rate": Decimal("0.0198"), "rate_text": "0.0198"}
    )
    with caplog.at_level(logging.WARNING):
        counts = load_rows(con, twice)
    assert counts["rate_observation"] == TableCount(parsed=3, loaded=2, known=1, differing=1)
    assert (
        "raw.rate_observation: 1 rows differ from loaded rows with the same keys, which are kept"
        in caplog.text
    )
    kept = con.execute("select rate_text from raw.rate_observation where base = 'KZT'").fetchall()
    assert kept == [("0.00198",)]


def test_what_another_parser_makes_of_a_known_capture_is_reported_and_not_loaded(con, rows):
    load_rows(con, rows("c1"))
    changed = rows("c1")
    changed.capture[0] |= {"page_kind": "listing", "parser_version": "2", "run_id": "later"}
    changed.reject[0] |= {"parser_version": "2"}
    counts = load_rows(con, changed)
    assert counts["capture"].differing == 1
    assert counts["reject"].differing == 0
    assert con.execute("select page_kind from raw.capture").fetchall() == [(None,)]


def test_a_row_that_does_not_fit_loads_nothing_of_its_file(con, rows):
    bad = rows("c1")
    bad.reject[0]["position"] = None
    with pytest.raises(duckdb.ConstraintException, match="position"):
        load_archive_files(con, bad, FILE)
    wrong = rows("c1")
    wrong.rate_observation[0]["rate"] = Decimal("0.123456789")
    with pytest.raises(pa.ArrowInvalid):
        load_archive_files(con, wrong, FILE)
    assert {table: count(con, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert known_archive_files(con) == set()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from ca_etl.warehouse.connection import open_building, transaction
    from ca_etl.warehouse.raw_load import ArchiveFile, load_tables, mark_loaded
    from ca_etl.warehouse.raw_schema import arrow_rows, ensure_raw

    def load(con, numbers):
        rows = [{"text_id": str(number), "text": "x" * 1000} for number in numbers]
        load_tables(con, {"article_text": arrow_rows(con, "article_text", rows)})

    with open_building(Path(sys.argv[1])) as con:
        ensure_raw(con)
        with transaction(con):
            load(con, range(5))
            mark_loaded(con, [ArchiveFile("first", "timesca", None, None, "", 1, 5, 0, "1", "r")])
        with transaction(con):
            load(con, range(5, 3000))
            if sys.argv[2] == "rows":
                os.kill(os.getpid(), signal.SIGKILL)
            mark_loaded(con, [ArchiveFile("second", "timesca", None, None, "", 1, 5, 0, "1", "r")])
            if sys.argv[2] == "mark":
                os.kill(os.getpid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("after", "files", "texts"),
    [("rows", {"first"}, 5), ("mark", {"first"}, 5), ("commit", {"first", "second"}, 3000)],
)
def test_a_killed_load_leaves_all_or_nothing_of_an_archive_file(child, tmp_path, after, files, texts):
    path = tmp_path / "warehouse.duckdb"
    process = child(KILLED, path, after)
    _, errors = process.communicate()
    assert process.returncode == -9, errors
    with open_building(path) as con:
        assert known_archive_files(con) == files
        assert count(con, "article_text") == texts


def test_tables_that_exist_already_are_left_alone_and_missing_ones_are_made(con, rows):
    load_rows(con, rows("c1"))
    con.execute("drop table raw.decision; delete from raw.layout")
    ensure_raw(con)
    assert count(con, "capture") == 1
    assert count(con, "decision") == 0
    assert count(con, "layout") == 1


def test_a_landing_table_of_an_older_version_requires_a_rebuild(con):
    con.execute("alter table raw.reject drop column excerpt; delete from raw.layout")
    with pytest.raises(OutdatedWarehouseError, match=r"raw\.reject .*: excerpt") as caught:
        ensure_raw(con)
    assert caught.value.hint == "ca-etl rebuild"


def run(run_id, status="succeeded", checks=(), **fields):
    return RunRecord(run_id, "run", START, status, "0.1.0", checks=checks, **fields)


CHECK = CheckResult("rate_jump", "main.fct_rate_daily", "error", 0)


def runs(con):
    return con.execute("select run_id, status, warnings from raw.run order by run_id").fetchall()


def test_the_journal_replaces_what_the_warehouse_knew_of_runs(con):
    load_journal(con, [run("a", checks=(CHECK,)), run("lost", checks=(CHECK,)), run("b", "failed")])
    crashed = replace(CHECK, offending_rows=2, sample="KZT")
    load_journal(con, [run("a", checks=(CHECK,)), run("b", "crashed", (crashed,), warnings=("w",)), run("c")])
    assert runs(con) == [("a", "succeeded", []), ("b", "crashed", ["w"]), ("c", "succeeded", [])]
    assert con.execute(
        "select run_id, offending_rows, sample from raw.check_result order by all"
    ).fetchall() == [
        ("a", 0, ""),
        ("b", 2, "KZT"),
    ]


def test_a_run_recorded_twice_is_one_row_with_its_own_line(con):
    load_journal(con, [run("a", slot=START, checks=(CHECK,)), run("a", "crashed", (CHECK,))])
    assert runs(con) == [("a", "succeeded", [])]
    assert con.execute("select epoch_us(slot), finished_at is null from raw.run").fetchall() == [
        (int(START.timestamp()) * 1_000_000, True)
    ]


def test_check_results_of_one_run_are_replaced_beside_those_of_others(con):
    load_check_results(con, "a", [CHECK])
    load_check_results(con, "b", [CHECK, replace(CHECK, check_name="gap")])
    load_check_results(con, "b", [replace(CHECK, offending_rows=1)])
    loaded = con.execute(
        "select run_id, check_name, offending_rows from raw.check_result order by all"
    ).fetchall()
    assert loaded == [("a", "rate_jump", 0), ("b", "rate_jump", 1)]
    load_journal(con, [run("a"), run("b", checks=(CHECK,))])
    loaded = con.execute("select run_id, offending_rows from raw.check_result").fetchall()
    assert loaded == [("b", 0)]


def test_the_words_of_a_run_may_be_enumerations(con):
    class Word(StrEnum):
        INGEST = "ingest"

    load_journal(con, [replace(run("a"), kind=Word.INGEST)])
    assert con.execute("select kind from raw.run").fetchall() == [("ingest",)]


def test_an_empty_journal_leaves_no_run(con):
    load_journal(con, [run("a", checks=(CHECK,))])
    load_journal(con, [])
    assert count(con, "run") == count(con, "check_result") == 0


def test_decisions_are_replaced_as_a_whole_and_a_wrong_word_changes_nothing(con):
    load_decisions(
        con,
        [
            CaptureDecision("c1", "exclude", "a test page", START),
            CaptureDecision("c2", "accept", "true", START),
        ],
    )
    load_decisions(con, [CaptureDecision("c2", "exclude", "not true", START)])
    with pytest.raises(duckdb.ConstraintException):
        load_decisions(con, [CaptureDecision("c3", "maybe", "", START)])
    assert con.execute("select capture_id, decision, reason from raw.decision").fetchall() == [
        ("c2", "exclude", "not true")
    ]


def load_captures(con, *captures, rejects=()):
    load_rows(con, Rows(capture=list(captures), reject=list(rejects)))


def test_the_validator_of_a_url_is_its_newest_full_response(con, capture):
    later = START + timedelta(days=1, microseconds=1)
    load_captures(
        con,
        capture("old"),
        capture(
            "new",
            captured_at=later,
            etag=None,
            last_modified="Fri, 05 Dec 2025 02:00:00 GMT",
            archive_file="2025/12/new.warc.gz",
            archive_offset=7,
        ),
        capture("revisit", captured_at=later + timedelta(days=1), http_status=304, refers_to="new"),
        capture("error", captured_at=later + timedelta(days=1), http_status=503),
        capture("bare", captured_at=later + timedelta(days=1), etag=None),
        capture("other", url="https://timesca.com/latest/", archive_file="2025/12/other.warc.gz"),
        capture("by hand", url=None, captured_at=None, http_status=None),
    )
    urls = ["https://timesca.com/", "https://timesca.com/latest/", "https://timesca.com/none/"]
    assert responses_with_validator(con, urls) == {
        "https://timesca.com/": ("2025/12/new.warc.gz", 7),
        "https://timesca.com/latest/": ("2025/12/other.warc.gz", 0),
    }
    assert responses_with_validator(con, []) == {}


@pytest.mark.parametrize(
    ("reason", "usable"),
    [(RejectReason.BLOCKED, False), (RejectReason.TRUNCATED, False), (RejectReason.BAD_HEADER, True)],
)
def test_a_response_that_was_not_a_page_is_requested_again_in_full(con, capture, reason, usable):
    reject = {
        "capture_id": "c1",
        "position": 1,
        "reason": reason,
        "detail": "",
        "excerpt": "",
        "parser_version": "1",
        "run_id": "r",
    }
    load_captures(con, capture("c1"), rejects=[reject])
    assert bool(responses_with_validator(con, ["https://timesca.com/"])) is usable


def test_an_excluded_capture_is_not_a_validator(con, capture):
    load_captures(con, capture("c1"))
    load_decisions(con, [CaptureDecision("c1", "exclude", "stale cache", START)])
    assert responses_with_validator(con, ["https://timesca.com/"]) == {}


def test_a_transaction_that_raises_leaves_nothing(con, rows):
    kept = copy.deepcopy(rows("c1"))
    with pytest.raises(ZeroDivisionError), transaction(con):  # noqa: PT012  the block is what is tested
        load_rows(con, kept)
        raise ZeroDivisionError
    assert count(con, "capture") == 0


@pytest.fixture
def rejected(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_building(tmp_path / "warehouse.duckdb") as con:
        ensure_raw(con)
        for number in (1, 2, 3):
            con.execute(
                "insert into raw.capture by name select $1 as capture_id, 'timesca' as source, 'x' as payload_sha256,"
                " 1 as payload_bytes, 8 as ticker_cycles, 0 as articles_parsed, 'page' as response_class,"
                " 'warc' as source_kind, $2 as archive_file,"
                " 0 as archive_offset, 'old' as parser_version, 'r' as run_id",
                [f"urn:{number}", f"2025/12/{'one' if number < 3 else 'two'}.warc.gz"],
            )
        for name in ("one", "two", "broken"):
            con.execute(
                "insert into raw.archive_file select $1, 'timesca', null, null, 'x', 1, 1, 0, 'old', 'r'",
                [f"2025/12/{name}.warc.gz"],
            )
        con.execute("insert into raw.reject values ('urn:1', 1, 'no_ticker', '', '', 'old', 'r')")
        con.execute("insert into raw.reject values ('urn:3', 1, 'no_ticker', '', '', 'new', 'r')")
        con.execute(
            "insert into raw.reject values ('2025/12/broken.warc.gz#17', 1, 'bad_record', '', '', 'old', 'r')"
        )
        yield con


def _column(rejected: duckdb.DuckDBPyConnection, column: str, table: str) -> list[str]:
    return [row[0] for row in rejected.execute(f"select {column} from raw.{table} order by 1").fetchall()]


def test_only_what_another_parser_version_rejected_is_forgotten(rejected: duckdb.DuckDBPyConnection) -> None:
    assert forget_rejects(rejected, {}, "new") == 2
    assert _column(rejected, "capture_id", "capture") == ["urn:2", "urn:3"]
    assert _column(rejected, "capture_id", "reject") == ["urn:3"]
    assert _column(rejected, "archive_file", "archive_file") == ["2025/12/two.warc.gz"]


def test_a_second_time_there_is_nothing_to_forget(rejected: duckdb.DuckDBPyConnection) -> None:
    forget_rejects(rejected, {}, "new")
    assert forget_rejects(rejected, {}, "new") == 0


def test_a_new_parser_version_of_one_source_forgets_the_rejects_of_that_source_alone(
    rejected: duckdb.DuckDBPyConnection,
) -> None:
    rejected.execute("update raw.capture set source = 'bank' where capture_id = 'urn:1'")
    rejected.execute("insert into raw.reject values ('urn:2', 1, 'no_ticker', '', '', 'old', 'r')")
    assert forget_rejects(rejected, {"timesca": "old", "bank": "new"}, "old") == 2
    assert _column(rejected, "capture_id", "capture") == ["urn:2"]
