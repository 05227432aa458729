"""A building for its writer, a release for its readers."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from ca_etl.warehouse.connection import (
    OLDEST_CLIENT,
    checkpoint_at_commit,
    compact,
    open_building,
    open_release,
    reading_connection,
)
from ca_etl.warehouse.release import begin_building, publish, recover

# like the addresses of articles: nothing repeats, and all have one prefix
LABELS = (
    "create table main.label as select 'https://timesca.com/road-' || hash(range) as label from range(50000)"
)


def compressions(con):
    return {
        kind for (kind,) in con.execute("select compression from pragma_storage_info('label')").fetchall()
    }


def test_strings_are_not_tried_for_fsst_which_a_plain_connection_chooses(tmp_path):
    plain = tmp_path / "plain.duckdb"
    with duckdb.connect(str(plain), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute(f"{LABELS}; checkpoint")
        assert any("FSST" in kind for kind in compressions(con))
    path = tmp_path / "warehouse.duckdb"
    with open_building(path) as con:
        con.execute(LABELS)
    with open_building(path) as con:
        assert not any("FSST" in kind for kind in compressions(con))


def block_size(path):
    with open_building(path) as con:
        ((size, share),) = con.execute(
            "select block_size, free_blocks / total_blocks from pragma_database_size()"
            " where database_name = current_database()"
        ).fetchall()
        return size, share


def test_a_new_file_has_small_blocks_and_that_of_a_large_archive_large_ones(tmp_path):
    for archived, size in ((0, 16_384), (9_999_999, 16_384), (10_000_000, 262_144)):
        path = tmp_path / f"{archived}.duckdb"
        with open_building(path, archived=archived) as con:
            con.execute("create table main.day as select 1 as number")
        assert block_size(path)[0] == size


def test_a_file_with_many_free_blocks_is_written_again_with_all_that_is_in_it(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with open_building(path) as con:
        con.execute(f"{LABELS}; create schema raw; create table raw.page (id int primary key, title varchar)")
        con.execute("insert into raw.page select range, 'a page' from range(9, 0, -1)")
        con.execute(
            "create view main.page as from raw.page; create macro main.twice(n) as table select 2 * n as n"
        )
        con.execute(
            "comment on column raw.page.title is 'Title.'; comment on macro table main.twice is 'Twice.'"
        )
    assert not compact(path)
    with open_building(path) as con:
        con.execute("drop table main.label")
    assert compact(path)
    assert block_size(path)[1] <= 0.1
    with open_building(path) as con:
        assert con.execute("select id from main.page").fetchall() == [(number,) for number in range(9, 0, -1)]
        assert con.execute("from main.twice(4)").fetchall() == [(8,)]
        comments = con.execute(
            "select comment from duckdb_columns() where table_name = 'page' and comment is not null"
            " union all select comment from duckdb_functions() where function_name = 'twice'"
        )
        assert comments.fetchall() == [("Title.",), ("Twice.",)]
        with pytest.raises(duckdb.ConstraintException):
            con.execute("insert into raw.page values (1, 'another page')")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_has_grown_gets_large_blocks_when_it_is_written_again(tmp_path, monkeypatch):
    path = tmp_path / "warehouse.duckdb"
    with open_building(path) as con:
        con.execute(LABELS)
    monkeypatch.setattr("ca_etl.warehouse.connection.SMALL_FILE", 100_000)
    assert compact(path)
    assert block_size(path)[0] == 262_144
    assert not compact(path)


def test_a_commit_that_checkpoints_is_in_the_file_before_the_connection_ends(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with open_building(path) as con:
        con.execute("create table main.day as select 1 as number; checkpoint")
        checkpoint_at_commit(con)
        con.begin()
        con.execute("update main.day set number = 2")
        shutil.copyfile(path, tmp_path / "before.duckdb")
        con.commit()
        # the file alone, as a kill would leave it
        shutil.copyfile(path, tmp_path / "after.duckdb")
    for name, number in (("before", 1), ("after", 2)):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb"), read_only=True) as con:
            assert con.execute("from main.day").fetchall() == [(number,)]


def test_a_large_file_is_worked_on_by_more_threads_than_a_small_one(tmp_path, monkeypatch):
    path = tmp_path / "warehouse.duckdb"
    for _ in range(2):  # absent at first, then small
        with open_building(path) as con:
            con.execute("create or replace table main.day as select 1 as number")
            assert con.execute("select current_setting('threads')").fetchall() == [(1,)]
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    with path.open("r+b") as file:  # a hole at the end, which no disk has to hold
        file.truncate(600_000_000)
    with open_building(path) as con:
        assert con.execute("select current_setting('threads')").fetchall() == [(3,)]
        assert con.execute("from main.day").fetchall() == [(1,)]


def test_a_connection_beside_sees_what_is_committed_in_utc_from_a_thread_of_its_own(tmp_path):
    def read(con):
        with reading_connection(con) as further:
            return further.execute("select number, seen_at::varchar from main.day").fetchall()

    with open_building(tmp_path / "warehouse.duckdb") as con, ThreadPoolExecutor(1) as pool:
        con.execute("set global TimeZone = 'Asia/Almaty'")
        con.execute(
            "create table main.day as select 1 as number, timestamptz '2025-12-05 02:00:00+00' as seen_at"
        )
        con.begin()
        con.execute("update main.day set number = 2")
        assert pool.submit(read, con).result() == [(1, "2025-12-05 02:00:00+00")]
        con.commit()


def test_an_error_in_a_connection_beside_leaves_the_first_usable(tmp_path):
    with open_building(tmp_path / "warehouse.duckdb") as con:
        with pytest.raises(duckdb.CatalogException), reading_connection(con) as further:
            further.execute("from main.nowhere")
        assert con.execute("select 1").fetchall() == [(1,)]


FIRST = "20251205T020000Z"
SECOND = "20251206T020000Z"

READER = """
    import sys
    import duckdb

    path = sys.argv[1] + "/current/warehouse.duckdb"
    con = duckdb.connect(path, read_only=True)
    for _ in range(2):
        print(con.execute("select number from main.day").fetchall(), flush=True)
        sys.stdin.readline()
"""


def read_once(child, data_dir):
    out, errors = child(READER, data_dir).communicate("\n\n")
    assert errors == ""
    return out.splitlines()[-1]


def test_an_open_reader_neither_blocks_a_publication_nor_sees_it(child, data_dir, release):
    release(FIRST, 1)
    reader = child(READER, data_dir)
    assert reader.stdout.readline() == "[(1,)]\n"
    building = begin_building(data_dir, SECOND)
    with open_building(building.warehouse) as con:
        con.execute("update main.day set number = 2")
        assert read_once(child, data_dir) == "[(1,)]"
    publish(building)
    reader.stdin.write("\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "[(1,)]\n"
    assert read_once(child, data_dir) == "[(2,)]"


def test_one_process_that_keeps_an_old_release_open_can_open_the_new_one_beside_it(data_dir, release):
    release(FIRST, 1)
    current = data_dir / "current" / "warehouse.duckdb"
    with open_release(current) as old:
        release(SECOND, 2)
        with open_release(current) as new:
            assert new.execute("select number from main.day").fetchall() == [(2,)]
        assert old.execute("select number from main.day").fetchall() == [(1,)]


def test_the_building_file_has_the_storage_of_the_oldest_client_and_no_wal_beside_it(data_dir):
    building = begin_building(data_dir, FIRST)
    for _ in range(2):
        with open_building(building.warehouse) as con:
            con.execute("create or replace table main.day as select 1 as number")
            tags = con.execute(
                "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
            ).fetchall()
        assert tags in ([(f"v{OLDEST_CLIENT}+",)], [([f"v{OLDEST_CLIENT}+"],)])
        assert [path.name for path in building.folder.iterdir()] == ["warehouse.duckdb"]


def test_tables_are_reached_by_schema_and_times_are_utc(data_dir):
    building = begin_building(data_dir, FIRST)
    with open_building(building.warehouse) as con:
        con.execute("create schema raw; create schema staging")
        con.execute("create table raw.seen as select timestamptz '2025-12-05 07:00:00+05' as seen_at")
        con.execute("create view staging.seen as select * from raw.seen")
        con.execute("create view main.seen as select * from staging.seen")
    for opened in (duckdb.connect(str(building.warehouse)), duckdb.connect()):
        with opened as con:
            if not con.execute("select 1 from duckdb_schemas() where schema_name = 'raw'").fetchall():
                con.execute(f"attach '{building.warehouse}' as other (read_only); use other")
            instants = (
                "select epoch_us(seen_at) from raw.seen union all select epoch_us(seen_at) from main.seen"
            )
            assert con.execute(instants).fetchall() == [(1764900000000000,)] * 2
    with open_release(building.warehouse) as con:
        assert con.execute("select seen_at::varchar from main.seen").fetchall() == [
            ("2025-12-05 02:00:00+00",)
        ]


def test_a_release_cannot_be_written_through_its_connection(data_dir, release):
    first = release(FIRST, 1)
    with (
        open_release(first / "warehouse.duckdb") as con,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        con.execute("insert into main.day values (2)")


def test_typed_sql_reads_no_other_file_and_changes_no_setting(data_dir, release):
    first = release(FIRST, 1)
    (data_dir / "secret.csv").write_text("a\n1\n")
    with open_release(first / "warehouse.duckdb", locked_down=True) as con:
        assert con.execute("select number from main.day").fetchall() == [(1,)]
        for sql in (
            f"select * from read_csv('{data_dir}/secret.csv')",
            f"copy main.day to '{data_dir}/out.csv'",
            f"attach '{data_dir}/other.duckdb'",
        ):
            with pytest.raises(duckdb.PermissionException):
                con.execute(sql)
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            con.execute("set enable_external_access = true")
    assert not (data_dir / "out.csv").exists()


LOAD = """
    import os, signal, sys
    from pathlib import Path
    from ca_etl.warehouse.connection import open_building
    from ca_etl.warehouse.release import begin_building

    building = begin_building(Path(sys.argv[1]), sys.argv[2])
    with open_building(building.warehouse) as con:
        con.execute("insert into main.day select range from range(1000)")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_killed_while_it_loads_leaves_readers_and_the_next_run_what_was_published(
    child, data_dir, release
):
    release(FIRST, 1)
    process = child(LOAD, data_dir, SECOND)
    process.communicate()
    assert process.returncode == -9
    assert (data_dir / "releases" / f"{SECOND}.building" / "warehouse.duckdb.wal").exists()
    assert read_once(child, data_dir) == "[(1,)]"
    assert recover(data_dir).removed == (f"{SECOND}.building",)
    with open_building(begin_building(data_dir, SECOND).warehouse) as con:
        assert con.execute("select number from main.day").fetchall() == [(1,)]
