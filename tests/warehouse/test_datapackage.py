import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ca_etl.errors import CaEtlError
from ca_etl.warehouse.connection import Column, DescribedTable, open_building
from ca_etl.warehouse.datapackage import (
    FileFact,
    describe,
    export_descriptor,
    frictionless_type,
    other_files,
    read_datapackage,
    read_origin,
    table_resource,
    table_resources,
    values_as_in,
    write_datapackage,
    write_metadata,
)
from ca_etl.warehouse.export import ExportSpec, export_parquet
from ca_etl.warehouse.model_header import read_model_header

CREATED = datetime(2025, 12, 5, 2, 0, 12, tzinfo=UTC)


def header(*columns, references=()):
    """The header of a model with these columns, of which the first makes a row unique."""
    fields = {
        "description": "Rows.",
        "grain": [columns[0]],
        "columns": dict.fromkeys(columns, "A column."),
        "checks": [{"references": reference} for reference in references],
    }
    return read_model_header(fields, Path("rate.sql"), "table")


def package_of(resources=(), slot=CREATED, origin=()):
    return describe(
        resources,
        dict(origin),
        release_id="20251205T020012Z",
        created=CREATED,
        run_id="r1",
        slot=slot,
        code_version="0.1.0",
    )


def test_a_table_of_one_file_is_described_in_full():
    table = table_resource(
        DescribedTable(
            "main",
            "fct_rate_daily",
            "One row per day and pair.",
            (
                Column("rate_date", "DATE", is_nullable=False, comment="The day."),
                Column("rate", "DECIMAL(18,8)", is_nullable=True),
            ),
        ),
        2,
        primary_key=("rate_date",),
        foreign_keys=(),
        files=(FileFact("parquet/fct_rate_daily/fct_rate_daily.parquet", 7, "ab"),),
    )
    (resource,) = package_of([table])["resources"]
    assert resource == {
        "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
        "name": "fct_rate_daily",
        "type": "table",
        "description": "One row per day and pair.",
        "rows": 2,
        "path": "parquet/fct_rate_daily/fct_rate_daily.parquet",
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": 7,
        "hash": "sha256:ab",
        "schema": {
            "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
            "fields": [
                {
                    "name": "rate_date",
                    "type": "date",
                    "description": "The day.",
                    "constraints": {"required": True},
                    "duckdb_type": "DATE",
                },
                {"name": "rate", "type": "number", "duckdb_type": "DECIMAL(18,8)"},
            ],
            "primaryKey": ["rate_date"],
        },
    }


def test_the_package_names_the_run_the_code_and_who_can_read_it():
    package = package_of(slot=None)
    assert package["version"] == "20251205T020012Z"
    assert package["created"] == "2025-12-05T02:00:12Z"
    assert package["run"] == {"run_id": "r1", "slot": None}
    assert package["code_version"] == "0.1.0"
    assert (package["duckdb_version"], package["oldest_duckdb_client"]) == (duckdb.__version__, "1.2.0")


def test_a_table_of_several_files_has_a_hash_for_every_file():
    parts = (
        FileFact("parquet/t/year=2024/t.parquet", 3, "a"),
        FileFact("parquet/t/year=2025/t.parquet", 4, "b"),
    )
    table = DescribedTable("main", "t", "", ())
    (resource,) = package_of([table_resource(table, 5, primary_key=("id",), foreign_keys=(), files=parts)])[
        "resources"
    ]
    assert resource["path"] == ["parquet/t/year=2024/t.parquet", "parquet/t/year=2025/t.parquet"]
    assert resource["bytes"] == 7
    assert [part["hash"] for part in resource["parts"]] == ["sha256:a", "sha256:b"]
    assert "hash" not in resource


@pytest.mark.parametrize(
    ("duckdb_type", "expected"),
    [
        ("VARCHAR", "string"),
        ("BIGINT", "integer"),
        ("DECIMAL(18,8)", "number"),
        ("BOOLEAN", "boolean"),
        ("TIMESTAMP WITH TIME ZONE", "datetime"),
        ("STRUCT(kind VARCHAR, attachment_id BIGINT)", "object"),
        ("STRUCT(kind VARCHAR)[]", "array"),
        ("VARCHAR[3]", "array"),
        ("ENUM('a', 'b')", "string"),
        ("BIGNUM", "any"),
    ],
)
def test_types_are_those_of_table_schema(duckdb_type, expected):
    assert frictionless_type(duckdb_type) == expected


def test_the_descriptor_lists_every_file_of_the_release_with_its_true_length_and_hash(tmp_path):
    with open_building(tmp_path / "warehouse.duckdb") as con:
        con.execute("create table main.rate (rate_date date not null, rate decimal(18, 8))")
        con.execute("insert into main.rate values ('2024-12-31', 1), ('2025-01-01', 2)")
        con.execute("create view main.latest as select max(rate_date) as day from main.rate")
        con.execute(
            "comment on table main.rate is 'Rates.'; comment on column main.rate.rate is 'It''s exact.'"
        )
        con.execute(
            "comment on view main.latest is 'The last day.'; comment on column main.latest.day is 'A day.'"
        )
        specs = [ExportSpec("rate", ("rate_date",), "rate_date"), ExportSpec("latest", ())]
        exported = export_parquet(con, tmp_path / "parquet", specs, partition_rows=1)
        headers = {"rate": header("rate_date", "rate"), "latest": header("day")}
        tables = table_resources(con, tmp_path, exported, headers)
    (tmp_path / "report.html").write_text("<p>x")
    path = write_datapackage(tmp_path, package_of([*tables, *other_files(tmp_path, tables)]))

    package = json.loads(path.read_text())
    listed = {}
    for resource in package["resources"]:
        for part in resource.get("parts", [resource]):
            listed[part["path"]] = (part["bytes"], part["hash"])
    on_disk = {
        file.relative_to(tmp_path).as_posix(): (
            file.stat().st_size,
            f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
        )
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    on_disk.pop("datapackage.json")
    assert listed == on_disk
    assert set(on_disk) == {
        "warehouse.duckdb",
        "report.html",
        "parquet/latest/latest.parquet",
        "parquet/rate/year=2024/rate.parquet",
        "parquet/rate/year=2025/rate.parquet",
    }
    latest, rate, *_ = package["resources"]
    assert (latest["description"], latest["schema"]["fields"][0]["description"]) == (
        "The last day.",
        "A day.",
    )
    assert (rate["description"], rate["rows"], rate["schema"]["primaryKey"]) == ("Rates.", 2, ["rate_date"])
    assert rate["schema"]["fields"][0]["constraints"] == {"required": True}
    assert rate["schema"]["fields"][1]["description"] == "It's exact."


def test_foreign_keys_are_the_references_of_the_header():
    known = header(
        "article_id",
        "duplicate_of",
        "source",
        "text_id",
        references=(
            {"source": "main.dim_source.source"},
            {"duplicate_of": "main.fct_article.article_id"},
            {"text_id": "raw.article_text.text_id"},
        ),
    )
    resource = table_resource(
        DescribedTable("main", "fct_article", "", ()),
        0,
        primary_key=known.grain,
        foreign_keys=known.foreign_keys,
        files=(FileFact("a", 1, "a"),),
    )
    assert resource["schema"]["foreignKeys"] == [
        {"fields": ["source"], "reference": {"fields": ["source"], "resource": "dim_source"}},
        {"fields": ["duplicate_of"], "reference": {"fields": ["article_id"]}},
    ]


def test_the_origin_lists_the_sources_of_the_captures_and_the_url_of_those_that_are_from_there():
    with duckdb.connect() as con:
        con.execute(
            "create schema raw; create table raw.capture (source text, url text);"
            "create table main.dim_source (source text, name text, url text);"
            "insert into main.dim_source values ('timesca', 'Pages', 'https://timesca.com/'),"
            " ('timesca-posts', 'Posts', 'https://timesca.com/wp-json'), ('timesca-feed', 'Feed', 'https://timesca.com/f');"
            "insert into raw.capture values ('timesca', 'https://timesca.com/latest/'), ('timesca', null),"
            " ('timesca-posts', 'http://127.0.0.1:8808/wp-json')"
        )
        origin = read_origin(con)
    assert origin["sources"] == [{"title": "Pages", "path": "https://timesca.com/"}, {"title": "Posts"}]
    assert origin["homepage"] == "https://timesca.com/"
    assert [terms["name"] for terms in origin["licenses"]] == ["other-closed"]
    assert [contributor["roles"] for contributor in origin["contributors"]] == [["rightsHolder"], ["creator"]]
    assert package_of(origin=origin)["sources"] == origin["sources"]


def test_an_export_has_the_descriptions_of_the_release_and_its_own_files(tmp_path):
    (tmp_path / "rate.csv").write_text("day\n")
    release = {
        "version": "20251205T020012Z",
        "resources": [
            {
                "name": "rate",
                "rows": 0,
                "path": ["parquet/rate/year=2024/rate.parquet", "parquet/rate/year=2025/rate.parquet"],
                "format": "parquet",
                "parts": [],
                "bytes": 9,
                "schema": {
                    "fields": [{"name": "day", "type": "date"}],
                    "foreignKeys": [
                        {"fields": ["day"], "reference": {"fields": ["date"], "resource": "dim_date"}},
                        {"fields": ["day"], "reference": {"fields": ["day"]}},
                    ],
                },
            },
            {"name": "dim_date"},
            {"name": "warehouse.duckdb"},
        ],
    }
    assert export_descriptor(release, tmp_path, {"rate": "rate.csv"}, "csv") == {
        "version": "20251205T020012Z",
        "resources": [
            {
                "name": "rate",
                "rows": 0,
                "path": "rate.csv",
                "format": "csv",
                "mediatype": "text/csv",
                "bytes": 4,
                "hash": f"sha256:{hashlib.sha256(b'day' + bytes([10])).hexdigest()}",
                "schema": {
                    "fields": [{"name": "day", "type": "date"}],
                    "foreignKeys": [{"fields": ["day"], "reference": {"fields": ["day"]}}],
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("key", "columns", "order"),
    [
        (["day", "base"], {"seen": "datetime", "day": "date", "base": "string"}, {"sort_desc": "day"}),
        (["base"], {"base": "string", "first_day": "date", "last_day": "date"}, {"sort_desc": "first_day"}),
        (["code", "name"], {"name": "string", "code": "string"}, {"sort": "code"}),
        ([], {"name": "string"}, {}),
    ],
    ids=["date of the key", "first date", "no date", "no key"],
)
def test_the_metadata_of_an_export_have_descriptions_terms_and_an_order(tmp_path, key, columns, order):
    fields = [{"name": name, "type": kind, "description": f"The {name}."} for name, kind in columns.items()]
    resource = {"name": "t", "description": "One row.", "schema": {"fields": fields, "primaryKey": key}}
    package = {
        "title": "Rates",
        "homepage": "https://timesca.com/",
        "licenses": [{"name": "other-closed", "title": "No license."}],
        "contributors": [
            {"title": "The site", "roles": ["rightsHolder"]},
            {"title": "The authors", "roles": ["creator"]},
        ],
        "resources": [resource],
    }
    assert json.loads(write_metadata(tmp_path, package).read_bytes()) == {
        "title": "Rates",
        "license": "No license.",
        "source": "The site",
        "source_url": "https://timesca.com/",
        "databases": {
            "ca_etl": {
                "tables": {
                    "t": {
                        "description": "One row.",
                        **order,
                        "columns": {name: f"The {name}." for name in columns},
                    }
                }
            }
        },
    }


def test_a_release_without_its_descriptor_is_an_error_that_names_the_next_command(tmp_path):
    with pytest.raises(CaEtlError, match=r"datapackage\.json cannot be read") as raised:
        read_datapackage(tmp_path)
    assert raised.value.hint == "ca-etl rebuild"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", ("2025-12-05T02:00:12Z", "2025-12-05T02:00:12.5", '[{"kind":"k"}]', "2025-12-05")),
        ("json", ("2025-12-05T02:00:12Z", "2025-12-05T02:00:12.5", "[{'kind': k}]", "2025-12-05")),
        ("parquet", ("2025-12-05 02:00:12+00", "2025-12-05 02:00:12.5", "[{'kind': k}]", "2025-12-05")),
    ],
)
def test_times_and_lists_of_an_export_are_written_as_table_schema_has_them(form, expected):
    with duckdb.connect() as con:
        con.execute(
            "set TimeZone = 'UTC'; create table main.t as select timestamptz '2025-12-05 02:00:12+00' as at,"
            " timestamp '2025-12-05 02:00:12.5' as local, [{'kind': 'k'}] as media, date '2025-12-05' as \"a day\""
        )
        types = zip(con.table("main.t").columns, con.table("main.t").types, strict=True)
        columns = tuple(Column(name, str(kind), is_nullable=True) for name, kind in types)
        table = DescribedTable("main", "t", "", columns)
        rows = (
            con.table("main.t").project(values_as_in(form, table)).project("columns(*)::varchar").fetchall()
        )
    assert rows == [expected]
