import shutil
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from ca_etl.warehouse.connection import checkpoint_at_commit, open_building, reading_connection

# like the addresses of articles: nothing repeats, and all begin alike
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
        file.truncate(200_000_000)
    with open_building(path) as con:
        assert con.execute("select current_setting('threads')").fetchall() == [(3,)]
        assert con.execute("from main.day").fetchall() == [(1,)]


def test_a_connection_beside_sees_what_is_committed_in_utc_from_a_thread_of_its_own(tmp_path):
    def look(con):
        with reading_connection(con) as further:
            return further.execute("select number, seen_at::varchar from main.day").fetchall()

    with open_building(tmp_path / "warehouse.duckdb") as con, ThreadPoolExecutor(1) as pool:
        con.execute("set global TimeZone = 'Asia/Almaty'")
        con.execute(
            "create table main.day as select 1 as number, timestamptz '2025-12-05 02:00:00+00' as seen_at"
        )
        con.begin()
        con.execute("update main.day set number = 2")
        assert pool.submit(look, con).result() == [(1, "2025-12-05 02:00:00+00")]
        con.commit()


def test_an_error_in_a_connection_beside_leaves_the_first_usable(tmp_path):
    with open_building(tmp_path / "warehouse.duckdb") as con:
        with pytest.raises(duckdb.CatalogException), reading_connection(con) as further:
            further.execute("from main.nowhere")
        assert con.execute("select 1").fetchall() == [(1,)]
