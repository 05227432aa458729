"""A query reads the release and does nothing else, by the types of its statements and for want of files."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.cli.query import Destination, QueryError, assert_reads, export_tables, run_query
from ca_etl.cli.render import Format
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse.connection import open_building, open_release
from ca_etl.warehouse.lock import Holder, run_lock
from ca_etl.warehouse.release import ReleaseError

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
def test_an_unknown_column_names_the_command_that_describes_its_table(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    for query, command in (
        ("select nope from fct_article", "ca-etl describe fct_article"),
        ("select c.nope from raw.capture as c join dim_source using (source)", "ca-etl describe raw.capture"),
        ("select dim_date.nope from fct_article, dim_date", "ca-etl describe dim_date"),
        ("select nope from CONVERT_AMOUNT(1, 'KGS', 'USD', null)", "ca-etl describe CONVERT_AMOUNT"),
        ("pivot fct_article on nope", "ca-etl describe fct_article"),
        ("select nope from (select 1 as one)", 'ca-etl sql "show tables"'),
        ("from nowhere", 'ca-etl sql "show tables"'),
    ):
        failed = cli("sql", query)
        assert failed.returncode == 1
        assert failed.stderr.endswith(f"next: {command}\n"), query
        assert cli(*shlex.split(command)[1:]).returncode == 0, command


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


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A data directory with two releases, each with one table, whose number is that of the release."""
    data_dir = tmp_path / "data"
    for number in (1, 2):
        folder = data_dir / "releases" / f"2025120{number}T020000Z"
        folder.mkdir(parents=True)
        with open_building(folder / "warehouse.duckdb") as con:
            con.execute(f"create table main.day as select {number} as number, 'x' as word")
    (data_dir / "current").symlink_to("releases/20251202T020000Z")
    return data_dir


def output(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_each_statement_has_its_result(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "select 'a;b' as text; -- one; two\nfrom day; ; pivot day on word using sum(number);"
    run_query(released, query, Destination(form=Format.LINE))
    assert output(capsys) == ["text = a;b", "number = 2", "word = x", "x = 2"]


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.parquet"])
def test_a_file_that_holds_one_result_is_not_written_for_two(released: Path, name: str) -> None:
    with pytest.raises(UsageError, match="each of 2 statements has a result"):
        run_query(released, "select 1; select 2", Destination(released / name))
    assert not list(released.glob("*rows*"))


@pytest.mark.parametrize(
    ("name", "form", "written"),
    [
        ("rows.csv", None, b"number,word\n2,x\n"),
        ("ROWS.CSV", None, b"number,word\n2,x\n"),
        ("rows.json", None, b'[\n  {"number": 2, "word": "x"}\n]\n'),
        ("rows.parquet", None, b"PAR1"),
        ("rows.txt", None, b"       \x20"),
        ("rows.csv", Format.JSON, b'[\n  {"number": 2, "word": "x"}\n]\n'),
        ("rows", Format.CSV, b"number,word\n2,x\n"),
    ],
)
def test_the_ending_of_a_file_decides_its_format_unless_one_is_given(
    released: Path, name: str, form: Format | None, written: bytes
) -> None:
    run_query(released, "from day", Destination(released / name, form))
    assert (released / name).read_bytes().startswith(written)


@pytest.mark.parametrize("name", ["rows", "rows.xlsx", ".csv"])
def test_an_ending_that_decides_nothing_is_wrong_usage(released: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"known are .csv, .json, .parquet, .txt"):
        run_query(released, "from day", Destination(released / name))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("select number,\n  nothing from day", "LINE 2:   nothing from day\n          ^"),
        ("select word::int from day", "LINE 1: select word::int from day\n                   ^"),
        ("select 1; selec 2", "LINE 1: select 1; selec 2\n                  ^"),
        ("from nowhere", "LINE 1: from nowhere\n             ^"),
        ("select columns('z') from day", "LINE 1: select columns('z') from day\n               ^"),
    ],
)
@pytest.mark.parametrize("form", [Format.TABLE, Format.LINE, Format.CSV, Format.JSON])
def test_an_error_names_its_place_in_the_text_as_typed(
    released: Path, query: str, place: str, form: Format
) -> None:
    with pytest.raises(QueryError) as refused:
        run_query(released, query, Destination(form=form))
    assert place in str(refused.value)
    assert "unnamed_relation" not in str(refused.value)
    assert "AS VARCHAR" not in str(refused.value)


@pytest.mark.skipif(
    duckdb.__version__ >= "2",
    reason="DuckDB 2.0.0 trims a text, and then counts its lines from the first word on",
)
def test_the_place_of_an_error_is_that_in_the_text_of_all_statements(released: Path) -> None:
    with pytest.raises(QueryError) as refused:
        run_query(released, "select 1;\nselect 2, word::int\nfrom day; select 3", Destination())
    assert "LINE 2: select 2, word::int\n                      ^" in str(refused.value)


def test_an_earlier_release_is_queried_by_its_id(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_query(released, "from day", Destination(form=Format.CSV), release_id="20251201T020000Z")
    assert output(capsys) == ["number,word", "1,x"]


def test_an_unknown_release_is_answered_with_the_existing_ones(released: Path) -> None:
    with pytest.raises(ReleaseError, match="20251201T020000Z, 20251202T020000Z") as refused:
        run_query(released, "from day", Destination(), release_id="20251203T020000Z")
    assert refused.value.hint == "ca-etl releases"
    with pytest.raises(UsageError, match="give --failed or --release, not both"):
        run_query(released, "from day", Destination(), release_id="20251201T020000Z", failed=True)


@pytest.mark.parametrize(
    ("name", "command"),
    [("no folder/rows.csv", "mkdir -p '{}/no folder'"), ("runs.jsonl/rows.csv", "ls -ld {}/runs.jsonl")],
)
def test_a_file_that_cannot_be_written_is_named_with_a_command_that_runs(
    released: Path, name: str, command: str
) -> None:
    (released / "runs.jsonl").touch()
    with pytest.raises(CaEtlError, match="cannot write") as refused:
        run_query(released, "from day", Destination(released / name))
    assert refused.value.hint == command.format(released)
    assert subprocess.run(refused.value.hint, shell=True, check=False, capture_output=True).returncode == 0  # noqa: S602


def test_a_full_disk_leaves_no_part_of_a_file_and_is_named(released: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path; from ca_etl.errors import CaEtlError\n"
        "from ca_etl.cli.query import Destination, run_query\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: run_query(Path(sys.argv[1]), 'from range(9999)', Destination(Path(sys.argv[1], 'rows.csv')))\n"
        "except CaEtlError as error: print(error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(released)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"df -h {released}\n"
    assert not list(released.glob("*rows*"))


def test_a_folder_and_a_device_are_not_replaced(released: Path) -> None:
    for path in (released, Path("/dev/null")):
        with pytest.raises(UsageError, match="is not a file"):
            run_query(released, "from day", Destination(path, Format.CSV))
    (released / "out").touch()
    with pytest.raises(UsageError, match="is a file"):
        list(export_tables(released, released / "out", [], Format.CSV))


@pytest.mark.parametrize("form", [form for form in Format if form not in {Format.TABLE, Format.LINE}])
@pytest.mark.parametrize("raw", [False, True])
def test_an_export_accepts_every_form_that_its_help_offers(released: Path, form: Format, raw: bool) -> None:
    described = {"name": "day", "path": "day.parquet", "bytes": 1, "hash": "00", "schema": {"fields": []}}
    (released / "current/datapackage.json").write_text(json.dumps({"resources": [described]}))
    (released / "current/day.parquet").write_bytes(b"0")
    exported = export_tables(released, released / "out", ["day"], form, raw=raw)
    assert [path.name for path in exported] == [f"day.{form}", "datapackage.json", "metadata.json"]
