import hashlib
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.export import ROW_GROUP_ROWS, ExportError, ExportSpec, export_parquet

RATES = """
    create table main.rate as
    select rate_date, base, (range::decimal(18, 8) / 3)::decimal(18, 8) as rate,
        rate_date::timestamptz as observed_at, [struct_pack(kind := 'k', id := range)] as media
    from (select range, date '2024-12-30' + range::int as rate_date from range(5))
    cross join (values ('KZT'), ('UZS')) b(base)
    order by hash(range, base)
"""
SPEC = ExportSpec("rate", ("rate_date", "base"), "rate_date")


@pytest.fixture
def con(tmp_path):
    with open_building(tmp_path / "warehouse.duckdb") as con:
        con.execute(RATES)
        yield con


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files(folder)}


def test_a_table_is_one_sorted_file_with_its_own_types(con, tmp_path):
    (exported,) = export_parquet(con, tmp_path / "parquet", [SPEC])
    assert files(tmp_path / "parquet") == {"rate/rate.parquet"}
    assert (exported.name, exported.rows, exported.files) == ("rate", 10, ("rate/rate.parquet",))
    table = pq.read_table(tmp_path / "parquet" / "rate" / "rate.parquet")
    assert table.schema.field("rate").type == pa.decimal128(18, 8)
    assert table.schema.field("observed_at").type == pa.timestamp("us", tz="UTC")
    keys = list(zip(table["rate_date"].to_pylist(), table["base"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == 10
    assert table["rate"].to_pylist()[2] == Decimal("0.33333333")
    metadata = pq.read_metadata(tmp_path / "parquet" / "rate" / "rate.parquet")
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_footer_of_every_file_describes_the_table_and_its_columns(con, tmp_path):
    con.execute(
        "comment on table main.rate is 'One row per day.'; comment on column main.rate.rate is 'It''s a price.'"
    )
    export_parquet(con, tmp_path / "parquet", [SPEC], partition_rows=1)
    paths = sorted((tmp_path / "parquet").rglob("*.parquet"))
    assert len(paths) == 2
    for path in paths:
        schema = pq.read_schema(path)
        assert schema.metadata == {b"description": b"One row per day."}
        assert schema.field("rate").metadata == {b"description": b"It's a price."}
        assert schema.field("base").metadata == {b"description": b""}
        with duckdb.connect() as reader:
            footer = reader.execute(
                "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'description'",
                [str(path)],
            )
            assert footer.fetchall() == [("One row per day.",)]
        assert pl.read_parquet_metadata(path)["description"] == "One row per day."
    frame = pl.read_parquet(tmp_path / "parquet" / "rate" / "**" / "*.parquet")
    assert (frame.height, frame.schema["rate"]) == (10, pl.Decimal(18, 8))


def test_a_big_table_is_split_by_the_year_of_its_date(con, tmp_path):
    con.execute("insert into main.rate values (null, 'TMT', 1, null, [])")
    (exported,) = export_parquet(con, tmp_path / "parquet", [SPEC], partition_rows=10)
    assert exported.rows == 11
    assert exported.files == (
        "rate/year=2024/rate.parquet",
        "rate/year=2025/rate.parquet",
        "rate/year=__HIVE_DEFAULT_PARTITION__/rate.parquet",
    )
    assert files(tmp_path / "parquet") == set(exported.files)
    back = con.execute(
        f"select year, count(*) from read_parquet('{tmp_path}/parquet/rate/**/*.parquet', hive_partitioning = true) "
        "group by year order by year nulls last"
    ).fetchall()
    assert back == [(2024, 4), (2025, 6), (None, 1)]


def test_an_empty_table_is_an_empty_file_with_its_schema(con, tmp_path):
    con.execute("delete from main.rate")
    (exported,) = export_parquet(con, tmp_path / "parquet", [SPEC], partition_rows=0)
    table = pq.read_table(tmp_path / "parquet" / "rate" / "rate.parquet")
    assert (exported.rows, table.num_rows) == (0, 0)
    assert table.schema.names == ["rate_date", "base", "rate", "observed_at", "media"]
    assert table.schema.field("rate").type == pa.decimal128(18, 8)


def test_equal_tables_give_equal_bytes_in_whatever_order_they_were_filled(con, tmp_path):
    con.execute("create table main.wide as select range % 7 as a, range as b from range(120000)")
    specs = [SPEC, ExportSpec("wide", ("a",))]
    export_parquet(con, tmp_path / "first", specs, partition_rows=9)
    with open_building(tmp_path / "other.duckdb") as other:
        other.execute(f"attach '{tmp_path / 'copy.duckdb'}' as spare")
        other.execute(RATES.replace("order by", "order by base desc,"))
        other.execute(
            "create table main.wide as select range % 7 as a, range as b from range(120000) order by b desc"
        )
        other.execute("set threads = 1")
        export_parquet(other, tmp_path / "second", specs, partition_rows=9)
    assert digests(tmp_path / "first") == digests(tmp_path / "second")
    assert len(digests(tmp_path / "first")) == 3


@pytest.mark.parametrize(
    ("last", "sort"),
    [("(400000, 1)", ["a"]), ("(5, 1)", ["a"]), ("(null, 1)", ["a"]), ("(399999, null)", ["a", "b"])],
    ids=["in order", "out of order", "null at the end", "null in the second column"],
)
def test_the_order_of_a_file_is_the_same_whether_the_table_is_in_it_or_not(con, tmp_path, last, sort):
    # several row groups of DuckDB, read by several threads
    con.execute("set threads = 3; drop table main.rate")
    con.execute("create table main.wide as select range as a, 0 as b from range(400000)")
    con.execute(f"insert into main.wide values {last}")
    export_parquet(con, tmp_path / "parquet", [ExportSpec("wide", tuple(sort))])
    table = pq.read_table(tmp_path / "parquet" / "wide" / "wide.parquet")
    keys = [tuple((v is None, v or 0) for v in row.values()) for row in table.select(["a", "b"]).to_pylist()]
    assert keys == sorted(keys)
    assert len(keys) == 400_001


def test_row_groups_have_one_length_and_hold_every_row(con, tmp_path):
    con.execute("drop table main.rate")
    rows = 2 * ROW_GROUP_ROWS + 17
    con.execute(f"create table main.wide as select range as a from range({rows})")
    export_parquet(con, tmp_path / "parquet", [ExportSpec("wide", ("a",))])
    path = tmp_path / "parquet" / "wide" / "wide.parquet"
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 17]
    assert pq.read_table(path)["a"].to_pylist() == list(range(rows))


ARTICLES = """
    drop table main.rate; create schema staging; create schema raw;
    create table raw.article_text as select 't' || range as text_id, repeat('word ', 9) || range as text from range(4);
    create table staging.article as
        select unnest([3, 1, 2]) as article_id, unnest(['t3', 't1', null]) as text_id,
            unnest([date '2025-02-01', '2024-05-01', '2025-01-01']) as seen_date;
    create macro joined() as table from raw.article_text right join staging.article using (text_id);
    create view main.article as select article_id, seen_date, text from joined()
"""
TEXTS = ExportSpec("article", ("article_id",), "seen_date", rows_of="staging.article")


def export_articles(con, folder, earlier=None, **how):
    """Export the articles by year, with the files of an earlier export; return whether each file is one of those."""
    (exported,) = export_parquet(
        con, folder, [TEXTS], lambda path: earlier / path if earlier else None, partition_rows=1, **how
    )
    assert exported.rows == con.execute("select count(*) from main.article").fetchone()[0]
    texts = pl.read_parquet(folder / "article/**/*.parquet").sort("article_id").select("article_id", "text")
    assert texts.rows() == con.execute("select article_id, text from main.article order by 1").fetchall()
    return {path.parent.name: path.stat().st_nlink > 1 for path in folder.rglob("*.parquet")}


def test_a_file_of_whole_texts_whose_rows_did_not_change_is_that_of_the_export_before(con, tmp_path):
    con.execute(ARTICLES)
    assert export_articles(con, tmp_path / "first") == {"year=2024": False, "year=2025": False}
    again = export_articles(con, tmp_path / "second", tmp_path / "first")
    assert again == {"year=2024": True, "year=2025": True}


@pytest.mark.parametrize(
    "change",
    [
        "update staging.article set text_id = 't2' where article_id = 3",
        "update staging.article set text_id = 't0' where article_id = 2",
        "update staging.article set article_id = 4 where article_id = 3",
        "delete from staging.article where article_id = 3",
        "insert into staging.article values (5, 't2', '2025-03-01')",
    ],
)
def test_a_file_of_whole_texts_is_written_again_after_any_change_of_its_rows(con, tmp_path, change):
    con.execute(ARTICLES)
    export_articles(con, tmp_path / "first")
    con.execute(change)
    assert export_articles(con, tmp_path / "second", tmp_path / "first") == {
        "year=2024": True,
        "year=2025": False,
    }


@pytest.mark.parametrize(
    "change",
    [
        "comment on view main.article is 'One row per article.'",
        "create or replace view main.article as select article_id, seen_date, text || '.' as text from joined()",
    ],
    ids=["description", "query"],
)
def test_a_file_of_whole_texts_is_written_again_after_a_change_of_its_view(con, tmp_path, change):
    con.execute(ARTICLES)
    export_articles(con, tmp_path / "first")
    con.execute(change)
    again = export_articles(con, tmp_path / "second", tmp_path / "first")
    assert again == {"year=2024": False, "year=2025": False}


def test_a_view_is_exported_too_and_a_sum_of_integers_stays_exact(con, tmp_path):
    con.execute("create view main.total as select sum(9007199254740993) as total from range(3)")
    export_parquet(con, tmp_path / "parquet", [SPEC, ExportSpec("total", ())])
    table = pq.read_table(tmp_path / "parquet" / "total" / "total.parquet")
    assert table["total"].to_pylist() == [Decimal(27021597764222979)]


def test_a_setting_that_all_connections_share_is_set_once_before_any_thread_reads(con, tmp_path):
    """DuckDB 1.5.5 crashed now and then: one thread set it while another planned a query."""
    con.execute("create table main.other as from main.rate; call enable_logging('QueryLog')")
    export_parquet(con, tmp_path / "parquet", [SPEC, ExportSpec("other", SPEC.sort)])
    statements = con.execute("select message from duckdb_logs where type = 'QueryLog' order by timestamp")
    (shared,) = [text for (text,) in statements.fetchall() if text.startswith("set disabled_optimizers")]
    assert shared == "set disabled_optimizers = 'build_side_probe_side'"


def test_the_tables_named_are_exactly_those_of_main(con, tmp_path):
    con.execute(
        "create table main.forgotten (a int); create schema staging; create view staging.v as select 1"
    )
    with pytest.raises(ExportError, match=r"differ: forgotten$"):
        export_parquet(con, tmp_path / "parquet", [SPEC])
    with pytest.raises(ExportError, match="invented"):
        export_parquet(
            con, tmp_path / "parquet", [SPEC, ExportSpec("forgotten", ()), ExportSpec("invented", ())]
        )
    assert not (tmp_path / "parquet").exists()


@pytest.mark.parametrize("spec", [ExportSpec("rate", ("day",)), ExportSpec("rate", (), "day")])
def test_an_unknown_column_is_an_error_that_names_it(con, tmp_path, spec):
    with pytest.raises(ExportError, match=r"main\.rate has no column day"):
        export_parquet(con, tmp_path / "parquet", [spec])


def test_a_folder_with_an_older_export_is_not_written_into(con, tmp_path):
    export_parquet(con, tmp_path / "parquet", [SPEC], partition_rows=1)
    before = digests(tmp_path / "parquet")
    with pytest.raises(Exception, match="File exists"):
        export_parquet(con, tmp_path / "parquet", [SPEC])
    assert digests(tmp_path / "parquet") == before


def test_a_column_named_year_cannot_be_hidden_by_a_partition(con, tmp_path):
    con.execute("alter table main.rate add column year int")
    with pytest.raises(ExportError, match="column year"):
        export_parquet(con, tmp_path / "parquet", [SPEC], partition_rows=1)


def test_duckdb_reads_the_files_back_as_the_same_table(con, tmp_path):
    export_parquet(con, tmp_path / "parquet", [SPEC])
    with duckdb.connect() as reader:
        reader.execute("set TimeZone = 'UTC'")
        back = reader.execute(
            f"select columns(*)::varchar from '{tmp_path}/parquet/rate/rate.parquet'"
        ).fetchall()
    assert (
        back == con.execute("select columns(*)::varchar from main.rate order by rate_date, base").fetchall()
    )
