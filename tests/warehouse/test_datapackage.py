import hashlib
import json
from datetime import UTC, datetime

import duckdb
import pytest

from ca_etl.warehouse.connection import Column, open_building
from ca_etl.warehouse.datapackage import (
    FileFact,
    describe,
    frictionless_type,
    other_files,
    table_resource,
    table_resources,
    write_datapackage,
)
from ca_etl.warehouse.export import ExportSpec, export_parquet

CREATED = datetime(2025, 12, 5, 2, 0, 12, tzinfo=UTC)


def package_of(resources=(), slot=CREATED):
    return describe(
        resources,
        release_id="20251205T020012Z",
        created=CREATED,
        run_id="r1",
        slot=slot,
        code_version="0.1.0",
    )


def test_a_table_of_one_file_is_described_in_full():
    table = table_resource(
        "fct_rate_daily",
        "One row per day and pair.",
        2,
        columns=(
            Column("rate_date", "DATE", is_nullable=False, comment="The day."),
            Column("rate", "DECIMAL(18,8)", is_nullable=True),
        ),
        primary_key=("rate_date",),
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
    (resource,) = package_of([table_resource("t", "", 5, columns=(), primary_key=(), files=parts)])[
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
        tables = table_resources(con, tmp_path, exported, {"rate": ("rate_date",)})
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
