"""A query reads the release and does nothing else, by the types of its statements and for want of files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.cli.query import QueryError, assert_reads
from ca_etl.warehouse.connection import open_building, open_release
from ca_etl.warehouse.lock import Holder, run_lock

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
PIVOT = "pivot (select 1 as a, 2 as b) on a using sum(b)"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with open_building(path) as con:
        con.execute("create table main.day as select range as number from range(10)")
    return path


@pytest.fixture
def con(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_release(warehouse, locked_down=True) as con:
        yield con


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "from day",
        "values (1)",
        "table day",
        "with a as (select 1) from a",
        "select 1; select 2;",
        "explain select 1",
        "explain from day",
        "explain (select 1)",
        "explain analyze select 1",
        "EXPLAIN\nANALYZE from day; select 1",
        "explain (format json) select 1",
        "explain (analyze, format json) select 1",
        "-- what does it cost\nexplain select 1",
        "show tables",
        "show all tables",
        "describe day",
        "describe select 1",
        "summarize day",
        "pragma database_list",
        "PRAGMA table_info('day')",
        "pragma version",
        "pragma show_tables;",
        PIVOT,
        f"{PIVOT} -- of two columns",
        f"from ({PIVOT})",
        f"with p as ({PIVOT}) from p",
        f"select 1; {PIVOT}; select 3",
        "unpivot (select 1 as a) on a",
        "from query('select 1')",
        "from histogram(day, number)",
        "select name from duckdb_settings()",
    ],
)
def test_what_reads_is_run(con: duckdb.DuckDBPyConnection, query: str) -> None:
    assert_reads(con, query)
    relation = con.sql(query)
    assert relation is not None
    assert relation.fetchall()


@pytest.mark.parametrize(
    "query",
    [
        "copy day to 'x.csv'",
        "copy (select 1) to '{wal}' (use_tmp_file false)",
        "copy day from 'x.csv'",
        "copy from database release to memory",
        f"copy ({PIVOT}) to '{{wal}}'",
        "export database 'x'",
        "attach 'x.duckdb'",
        "attach ':memory:' as m",
        "detach release",
        "install httpfs",
        "load httpfs",
        "update extensions",
        "set threads = 1",
        "set variable x = 1",
        "reset threads",
        "pragma threads = 4",
        "pragma enable_profiling",
        'pragma "enable_profiling"',
        "pragma force_checkpoint",
        "use memory; select 1",
        "create table t as select 1",
        "create temp table t as select 1",
        "create temp macro f() as 1",
        "create view v as select 1",
        "create type x as enum ('a'); select 1",
        "create secret s (type http)",
        f"create table memory.main.t as {PIVOT}",
        f"with p as ({PIVOT}) insert into day from p",
        "insert into day values (1)",
        "update day set number = 1",
        "delete from day",
        "truncate day",
        "merge into day using (select 1 as number) s using (number) when matched then delete",
        "drop table day",
        "alter table day add column x int",
        "comment on table day is 'x'",
        "call enable_logging('QueryLog')",
        "call pragma_version()",
        "checkpoint",
        "force checkpoint release",
        "vacuum",
        "analyze",
        "begin",
        "prepare p as select 1",
        "prepare p as copy (select 1) to '{wal}'; execute p",
        f"prepare p as {PIVOT}",
        "execute p",
        "deallocate p",
        "select 1; copy (select 1) to '{wal}'",
        "copy (select 1) to '{wal}'; select 1",
        "explain copy (select 1) to '{wal}'",
        "explain analyze copy (select 1) to '{wal}'",
        "explain (analyze) copy (select 1) to '{wal}'",
        "explain (analyze true, format json) copy (select 1) to '{wal}'",
        f"explain analyze copy ({PIVOT}) to '{{wal}}'",
        "explain analyze create temp table t as select 1",
        "explain insert into day values (1)",
        "explain call checkpoint()",
        "explain /* then */ analyze copy (select 1) to '{wal}'",
        "-- explain select 1\nexplain analyze copy (select 1) to '{wal}'",
        "/* explain select 1; -- */ explain analyze copy (select 1) to '{wal}'",
        # comments of comments are one comment to DuckDB
        "/* /* */ explain select 1; -- */ explain analyze copy (select 1) to '{wal}'",
    ],
)
def test_what_does_not_read_is_refused(con: duckdb.DuckDBPyConnection, warehouse: Path, query: str) -> None:
    with pytest.raises(QueryError, match="only statements that read") as refused:
        assert_reads(con, query.replace("{wal}", f"{warehouse}.wal"))
    assert "ca-etl" in refused.value.hint
    assert list(warehouse.parent.iterdir()) == [warehouse]


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to '{wal}' (use_tmp_file false)",
        "explain analyze copy (select 1) to '{wal}' (use_tmp_file false)",
        # a SELECT for DuckDB 2.0, which has data-changing CTEs
        "with x as (copy (select 1) to '{wal}' (use_tmp_file false)) select 1",
        "with x as (insert into day values (1) returning *) from x",
        # ended the whole process in DuckDB 1.5
        "from enable_logging('QueryLog', storage = 'file', storage_path = '{wal}')",
        "from enable_profiling(save_location = '{wal}')",
        "import database '{wal}'",
        "from read_text('/etc/passwd')",
        "from read_blob('{warehouse}')",
        "from read_duckdb('{warehouse}', table_name = 'day')",
        "from glob('/etc/*')",
        "from '/etc/passwd'",
        "from query('from read_text(''/etc/passwd'')')",
        "from json_execute_serialized_sql(json_serialize_sql('from read_text(''/etc/passwd'')'))",
        "select getenv('HOME')",
        "from con",
        "from query",
    ],
)
def test_whatever_its_type_a_statement_opens_no_file_and_no_variable(
    con: duckdb.DuckDBPyConnection, warehouse: Path, query: str
) -> None:
    with pytest.raises(duckdb.Error):
        con.execute(
            query.replace("{wal}", f"{warehouse}.wal").replace("{warehouse}", f"{warehouse}")
        ).fetchall()
    assert list(warehouse.parent.iterdir()) == [warehouse]


FORGE = """
import duckdb, os, sys
con = duckdb.connect(sys.argv[1])
con.execute("set checkpoint_threshold = '1GB'; update main.fct_rate_daily set rate = 999")
os._exit(0)
"""


@pytest.mark.slow
def test_a_log_of_changes_is_neither_written_through_sql_nor_read(
    cli: Cli, page: Path, data_dir: Path, tmp_path: Path
) -> None:
    cli("ingest", page)
    release = (data_dir / "current").resolve()
    copy = tmp_path / "warehouse.duckdb"
    copy.write_bytes((release / "warehouse.duckdb").read_bytes())
    subprocess.run([sys.executable, "-c", FORGE, str(copy)], check=True)
    wal = (tmp_path / "warehouse.duckdb.wal").read_bytes()
    blob = "".join(f"\\x{byte:02x}" for byte in wal)
    written = cli(
        "sql", "-", stdin=f"copy (select '{blob}'::blob) to '{release}/warehouse.duckdb.wal' (format blob)"
    )
    assert (written.returncode, list(release.glob("*.wal"))) == (1, [])
    assert "next: " in written.stderr
    release.chmod(0o755)
    (release / "warehouse.duckdb.wal").write_bytes(wal)
    for command in (
        ("sql", "from fct_rate_daily"),
        ("export", tmp_path / "out"),
        ("status",),
        ("ingest", page),
    ):
        refused = cli(*command)
        assert refused.returncode == 1, command
        assert "999" not in refused.stdout, command
        assert "warehouse.duckdb.wal exists" in refused.stderr, command
        assert "ca-etl rollback" in refused.stderr, command
    rebuilt = cli("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert (
        cli("sql", "select max(rate) < 1 as is_true from fct_rate_daily", "-f", "csv").stdout
        == "is_true\ntrue\n"
    )


def test_sql_that_does_not_run_is_reported_in_the_words_of_duckdb(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    failed = cli("sql", "select nothing from nowhere")
    assert failed.returncode == 1
    assert "nowhere" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.slow
def test_sql_can_neither_write_nor_read_other_files(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    for query in ("drop table fct_article", "create table x as select 1", f"from '{page}'"):
        failed = cli("sql", query)
        assert failed.returncode == 1, query
        assert "next:" in failed.stderr
    assert list(tmp_path.glob("*.csv")) == []


@pytest.mark.slow
def test_the_warehouse_that_a_run_is_writing_is_not_opened(cli: Cli, page: Path, data_dir: Path) -> None:
    cli("ingest", page)
    holder = Holder.here("20251222T020000Z", "run", datetime(2025, 12, 22, 2, tzinfo=UTC))
    half_built = data_dir / "releases" / f"{holder.run_id}.building"
    with run_lock(data_dir, holder) as held:
        half_built.mkdir()
        (half_built / "warehouse.duckdb").write_bytes(b"half")
        for command in (
            ("sql", "select 1", "--failed"),
            ("decide", "exclude", "urn:uuid:1", "--reason", "why"),
        ):
            done = cli(*command)
            assert done.returncode == 75, done.stderr
            assert holder.run_id in done.stderr
        assert holder.run_id in cli("status").stdout
        held.recorded()
    shutil.rmtree(half_built)
    assert cli("sql", "select 1", "--failed").returncode == 2


def test_a_query_that_fails_leaves_no_file(cli: Cli, page: Path, tmp_path: Path) -> None:
    cli("ingest", page)
    before = set(tmp_path.iterdir())
    assert cli("sql", "select error('boom')", "-f", "csv", "-o", tmp_path / "out.csv").returncode == 1
    assert set(tmp_path.iterdir()) == before
