import duckdb
import pytest

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import described_tables
from ca_etl.warehouse.models import ModelError, build_models, discover
from ca_etl.warehouse.sqlfiles import sql_root


def model(select: str, columns: str = "a", **fields: str) -> str:
    lines = ["description: A table.", f"grain: [{columns.split(',', maxsplit=1)[0]}]", "columns:"]
    lines += [f"  {column.strip()}: What {column.strip()} is." for column in columns.split(",")]
    lines += [f"{field}: {value}" for field, value in fields.items()]
    return "/*\n" + "\n".join(lines) + f"\n*/\n{select}\n"


def function(select: str) -> str:
    header = "description: One row.\nparameters: {n: A number.}\ncolumns: {a: A number.}"
    return f"/*\n{header}\n*/\n{select}\n"


def seed(*columns: str) -> str:
    return "\n".join(
        ["description: A seed.", "columns:", *(f"  {name}: What {name} is." for name in columns)]
    )


def test_parents_are_built_before_their_children_whatever_their_names(sql_folder, con):
    root = sql_folder(
        {
            "main/a_child.sql": model("select a from main.z_parent"),
            "main/z_parent.sql": model("select a from staging.middle"),
            "staging/middle.sql": model("select 1 as a"),
        }
    )
    assert [model.name for model in discover(root)] == ["staging.middle", "main.z_parent", "main.a_child"]
    assert [(result.model.name, result.rows) for result in build_models(con, root)] == [
        ("staging.middle", None),
        ("main.z_parent", 1),
        ("main.a_child", 1),
    ]


def test_parents_are_read_from_joins_subqueries_unions_and_ctes_but_a_cte_is_not_a_parent(sql_folder):
    root = sql_folder(
        {
            "raw/one.sql": "create table raw.one (a integer)",
            "seeds/two.csv": "a\n1\n",
            "main/three.sql": model("select 1 as a"),
            "main/four.sql": model("select 1 as a"),
            "main/five.sql": model(
                "with inner_rows as (select a from raw.one)\n"
                "select a from inner_rows join seeds.two using (a) where a in (select a from main.three)\n"
                "union all select a from (select a from main.four)"
            ),
        }
    )
    (five,) = (model for model in discover(root) if model.table == "five")
    assert five.parents == ("main.four", "main.three", "raw.one", "seeds.two")


def test_an_unknown_parent_is_an_error_that_names_file_and_table(sql_folder):
    root = sql_folder({"main/a.sql": model("select a from main.nowhere")})
    with pytest.raises(
        ModelError, match=r"main/a\.sql: the query reads main\.nowhere, which is not a model"
    ) as caught:
        discover(root)
    assert caught.value.hint == "ca-etl models"


def test_a_table_without_its_schema_is_an_error(sql_folder):
    root = sql_folder({"main/a.sql": model("select a from b"), "main/b.sql": model("select 1 as a")})
    with pytest.raises(ModelError, match=r"main/a\.sql: the query reads b, which needs its schema"):
        discover(root)


def test_a_view_of_the_rows_of_a_table_with_their_texts_may_read_nothing_else(sql_folder):
    files = {
        "raw/article_text.sql": "create table raw.article_text (text_id integer, text varchar)",
        "staging/state.sql": model("select 1 as a"),
        "staging/other.sql": model("select 1 as a"),
    }
    query = "select a from staging.state left join raw.article_text on text_id = a"
    view = model(query, rows_of="staging.state", materialized="view")
    assert len(discover(sql_folder({**files, "main/v.sql": view}))) == 3
    also = model(f"{query} where a in (from staging.other)", rows_of="staging.state", materialized="view")
    with pytest.raises(
        ModelError, match=r"main/v\.sql: the query must read staging\.state and raw\.article_text"
    ):
        discover(sql_folder({**files, "main/v.sql": also}))


def test_a_cycle_is_an_error_that_names_the_models_in_it(sql_folder):
    root = sql_folder({"main/a.sql": model("from main.b"), "main/b.sql": model("from main.a")})
    with pytest.raises(
        ModelError, match=r"main/a\.sql: the query reads itself: main\.\w <- main\.\w <- main\.\w"
    ):
        discover(root)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("select 1 as a; select 2 as a", "not 2"),
        ("create table main.x as select 1 as a", "Only SELECT"),
        ("selec 1", "syntax error"),
        ("", "not 0"),
    ],
)
def test_a_file_that_holds_no_single_select_is_an_error(sql_folder, body, problem):
    root = sql_folder({"main/a.sql": model(body)})
    with pytest.raises(ModelError, match=rf"main/a\.sql: the file must have one select.*{problem}"):
        discover(root)


def test_a_column_that_the_header_does_not_describe_is_an_error(sql_folder, con):
    root = sql_folder({"main/a.sql": model("select 1 as a, 2 as b")})
    with pytest.raises(ModelError, match=r"main/a\.sql: the header does not describe: b"):
        build_models(con, root)


def test_a_described_column_that_the_query_does_not_return_is_an_error(sql_folder, con):
    root = sql_folder({"staging/a.sql": model("select 1 as a", "a, b")})
    with pytest.raises(ModelError, match=r"staging/a\.sql: the header describes what is not a column: b"):
        build_models(con, root)


def test_many_rows_are_committed_before_the_last_model_is_built(sql_folder, con, monkeypatch):
    monkeypatch.setattr("ca_etl.warehouse.models.MOST_UNCOMMITTED", 2)
    root = sql_folder(
        {"main/a.sql": model("select range as a from range(3)"), "main/b.sql": model("from main.a")}
    )
    assert [made.rows for made in build_models(con, root)] == [3, 3]
    assert con.execute("select count(*) from main.b").fetchone() == (3,)


def test_a_query_that_fails_is_an_error_that_names_its_file(sql_folder, con):
    root = sql_folder({"main/a.sql": model("select 'x'::integer as a")})
    with pytest.raises(ModelError, match=r"main/a\.sql: the query does not run: Conversion Error"):
        build_models(con, root)


@pytest.mark.parametrize(
    ("select", "problem"),
    [
        ("select n as b", "the header does not describe: b"),
        ("select a from main.nowhere", "the query does not run: Catalog Error"),
    ],
)
def test_a_function_that_does_not_fit_its_header_or_fails_is_an_error(sql_folder, con, select, problem):
    root = sql_folder({"functions/main/f.sql": function(select)})
    with pytest.raises(ModelError, match=rf"main/f\.sql: {problem}"):
        build_models(con, root)


def test_a_function_is_stored_for_every_client_with_its_description(tmp_path, sql_folder):
    root = sql_folder(
        {
            "main/one.sql": model("select 1 as a"),
            "functions/staging/more.sql": function("select a + n as a from main.one"),
            "functions/main/most.sql": function("select a * 2 as a from staging.more(n)"),
        }
    )
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        build_models(con, root)
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("from most(4)").fetchall() == [(10,)]
        assert con.execute(
            "select comment from duckdb_functions() where function_name = 'most'"
        ).fetchall() == [("One row.\n\nParameters:\n- n: A number.\n\nColumns:\n- a: A number.",)]


def test_one_failing_model_leaves_every_table_as_it_was(sql_folder, con):
    root = sql_folder(
        {"main/a.sql": model("select 1 as a"), "seeds/s.csv": "x\none\n", "seeds/s.yaml": seed("x")}
    )
    build_models(con, root)
    sql_folder(
        {
            "main/a.sql": model("select 2 as a"),
            "main/b.sql": model("select a from main.a where error('no') is null"),
            "seeds/s.csv": "x\ntwo\n",
        }
    )
    with pytest.raises(ModelError, match=r"main/b\.sql"):
        build_models(con, root)
    assert con.execute("from main.a").fetchall() == [(1,)]
    assert con.execute("from seeds.s").fetchall() == [("one",)]
    assert con.execute("select comment from duckdb_tables() where table_name = 'a'").fetchall() == [
        ("A table.",)
    ]
    con.execute("begin transaction")  # no transaction was left open


def test_what_no_file_makes_any_more_is_dropped_and_the_raw_tables_stay(sql_folder, con):
    root = sql_folder(
        {
            "main/a.sql": model("select 1 as a"),
            "main/b.sql": model("select 1 as a"),
            "staging/c.sql": model("select 1 as a"),
            "seeds/d.csv": "x\n1\n",
            "seeds/d.yaml": seed("x"),
            "functions/main/e.sql": function("select n + 1 as a"),
            "functions/main/f.sql": function("select n + 1 as a"),
        }
    )
    con.execute("create schema raw; create table raw.kept (a integer)")
    build_models(con, root)
    for name in ("main/b.sql", "staging/c.sql", "seeds/d.csv", "functions/main/f.sql"):
        (root / name).unlink()
    build_models(con, root)
    assert con.execute("select function_name from duckdb_functions() where not internal").fetchall() == [
        ("e",)
    ]
    assert con.execute("select table_name from information_schema.tables order by 1").fetchall() == [
        ("a",),
        ("kept",),
    ]


def test_a_table_may_become_a_view_and_a_view_a_table(sql_folder, con):
    def kinds(a: str, b: str) -> list[tuple[str, str]]:
        root = sql_folder(
            {
                "main/a.sql": model("select 1 as a", materialized=a),
                "main/b.sql": model("select 1 as a", materialized=b),
            }
        )
        build_models(con, root)
        return con.execute(
            "select table_name, table_type from information_schema.tables order by 1"
        ).fetchall()

    assert kinds("table", "view") == [("a", "BASE TABLE"), ("b", "VIEW")]
    assert kinds("view", "table") == [("a", "VIEW"), ("b", "BASE TABLE")]


def test_rows_are_in_the_order_of_the_header(sql_folder, con):
    root = sql_folder(
        {
            "main/a.sql": model(
                "select unnest([3, 1, 2]) as a, unnest(['x', 'y', 'y']) as b", "a, b", sort="[b, a]"
            )
        }
    )
    build_models(con, root)
    assert con.execute("select b, a from main.a").fetchall() == [("x", 3), ("y", 1), ("y", 2)]


def test_seeds_are_tables_of_text_in_which_an_empty_cell_is_null(sql_folder, con):
    root = sql_folder(
        {"seeds/s.csv": 'code,name\n007,"Bond, James"\n008,\n', "seeds/s.yaml": seed("code", "name")}
    )
    build_models(con, root)
    assert con.execute("from seeds.s order by code").fetchall() == [("007", "Bond, James"), ("008", None)]


def test_a_seed_is_described_like_a_model(sql_folder, con):
    build_models(con, sql_folder({"seeds/s.csv": "code\n007\n", "seeds/s.yaml": seed("code")}))
    (table,) = described_tables(con, "seeds")
    assert (table.description, table.columns[0].comment) == ("A seed.", "What code is.")


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ({}, r"s\.yaml: header field `description`: the file is missing"),
        ({"seeds/s.yaml": seed("code")}, r"s\.yaml: the header does not describe: name"),
        (
            {"seeds/s.yaml": seed("code", "name", "rate")},
            r"s\.yaml: the header describes what is not a column: rate",
        ),
        (
            {"seeds/s.yaml": "description: A seed."},
            r"header field `columns`: the header must map each column to a sentence",
        ),
        ({"seeds/s.yaml": "- a"}, r"the header must be a mapping of fields"),
    ],
)
def test_a_seed_whose_header_does_not_describe_its_columns_is_an_error(sql_folder, con, header, problem):
    root = sql_folder({"seeds/s.csv": "code,name\n007,James\n", **header})
    with pytest.raises(CaEtlError, match=problem):
        build_models(con, root)


def test_descriptions_are_comments_in_the_file_for_tables_views_and_columns(tmp_path, sql_folder):
    root = sql_folder(
        {
            "main/a.sql": model("select 1 as a").replace("What a is.", "The operator's number."),
            "staging/v.sql": model("select 1 as a"),
        }
    )
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        build_models(con, root)
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute(
            "select comment from duckdb_tables() where table_name = 'a' union all"
            " select comment from duckdb_views() where view_name = 'v'"
        ).fetchall() == [("A table.",), ("A table.",)]
        assert con.execute(
            "select table_name, comment from duckdb_columns() where column_name = 'a' order by 1"
        ).fetchall() == [("a", "The operator's number."), ("v", "What a is.")]


def test_every_column_of_every_real_model_has_its_comment_and_its_type(con):
    from ca_etl.warehouse.raw_schema import ensure_raw

    ensure_raw(con)
    built = build_models(con, sql_root())
    described = {
        (result.model.name, column): sentence
        for result in built
        for column, sentence in result.model.header.columns.items()
    }
    stored = con.execute(
        "select schema_name || '.' || table_name, column_name, comment from duckdb_columns()"
        " where schema_name in ('staging', 'main') and not internal"
    ).fetchall()
    assert {(table, column): comment for table, column, comment in stored} == described
    assert {(result.model.name, column) for result in built for column in result.columns} == set(described)


def test_the_tables_of_the_design_are_there_with_their_fixed_columns(con):
    from ca_etl.warehouse.raw_schema import ensure_raw

    fixed = {
        "fct_rate_observation": "observed_at rate_date",
        "fct_rate_daily": "rate_date base quote rate rate_low rate_high significant_digits inverse_rate inverse_low"
        " inverse_high change_pct change_sign change_pct_computed observations is_filled fill_age_days source"
        " capture_id",
        "fct_rate_monthly": "month base quote days_observed",
        "fct_article": "article_id slug title url first_seen_date last_seen_date published_at modified_at author"
        " dateline text word_count is_truncated sightings revisions",
        "fct_article_sighting": "article_id capture_id seen_date listing_url position",
        "fct_listing_page": "capture_id url page_date shown_from shown_to shown_total articles_expected"
        " articles_parsed is_complete",
        "dim_date": "date",
        "dim_currency": "currency_code",
        "dim_country": "country_code",
        "dim_source": "source",
        "etl_run": "run_id",
        "etl_check": "run_id",
        "etl_reject": "capture_id reason",
    }
    ensure_raw(con)
    built = {result.model.table: set(result.columns) for result in build_models(con, sql_root())}
    for table, columns in fixed.items():
        assert set(columns.split()) <= built[table], table


def test_views_work_without_the_macros_of_the_runner(tmp_path):
    from ca_etl.warehouse.raw_schema import ensure_raw

    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        ensure_raw(con)
        build_models(con, sql_root())
    with duckdb.connect(str(path), read_only=True) as con:
        views = con.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
        assert {"staging.stg_capture", "main.etl_run", "main.etl_check"} <= {name for (name,) in views}
        for (name,) in views:
            assert con.execute(f"from {name}").fetchall() == []
        assert con.execute(
            "select count(*) from duckdb_functions() where function_name = 'inverse'"
        ).fetchone() == (0,)


def test_building_twice_gives_the_same_rows(given):
    rows = {
        "capture": [{"page_date": "2025-12-05"}],
        "rate_observation": [{}],
        "article_observation": [{"title": "A Road"}],
    }

    def everything(warehouse) -> dict[str, list]:
        tables = warehouse.rows(
            "select table_name from duckdb_tables() where schema_name = 'main' and not internal"
        )
        return {table: warehouse.rows(f"from main.{table}") for (table,) in tables}

    assert everything(given(**rows)) == everything(given(**rows))
