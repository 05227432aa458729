"""Releases in a DuckLake: its catalogue a DuckDB file here, in PostgreSQL and on S3 where a server is on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ca_etl.errors import CaEtlError, UsageError
from ca_etl.warehouse import ducklake
from ca_etl.warehouse.connection import load_extensions
from ca_etl.warehouse.ducklake import Lake, Publication, find_lake, publish
from ca_etl.warehouse.release import Release

pytestmark = pytest.mark.skipif(
    duckdb.__version__ >= "2", reason="the extensions of DuckDB exist as packages for 1.5.5 only"
)

REPOSITORY = Path(__file__).parents[2]
OPERATE = REPOSITORY / "docs" / "operate.md"
FIRST, SECOND, THIRD = "20251201T020000Z", "20251202T020000Z", "20251203T020000Z"
RATE = "create table rate (day date, base varchar, rate decimal(18, 8))"
CURRENCY = "create table currency as select 'KZT' as code, 'tenge' as name"
ONE_RATE = (CURRENCY, RATE, "insert into rate values ('2025-12-01', 'KZT', 0.00193)")
TWO_RATES = (*ONE_RATE, "insert into rate values ('2025-12-02', 'KZT', 0.00194)")

Make = Callable[..., Release]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A release with tables of its own: its id, and the statements that make them."""

    def made(release_id: str, *statements: str) -> Release:
        release = Release(release_id, tmp_path / f"release-{release_id}")
        release.folder.mkdir()
        with duckdb.connect(str(release.warehouse)) as con:
            for statement in statements:
                con.execute(statement)
        return release

    return made


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@contextmanager
def opened(lake: Lake, options: str = "(read_only)") -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        if lake.catalogue.startswith("postgres:"):
            ducklake._load_extensions(con)
        else:
            load_extensions(con, "ducklake")
        con.execute(f"set TimeZone = 'UTC'; attach '{lake}' as lake {options}; use lake")
        yield con


def read(lake: Lake, query: str) -> list[tuple[Any, ...]]:
    with opened(lake) as con:
        return con.sql(query).fetchall()


def files(lake: Lake) -> set[str]:
    return {path.name for path in Path(f"{lake.catalogue}.files").rglob("*.parquet")}


def test_a_release_becomes_a_snapshot_that_names_it(make: Make, lake: Lake) -> None:
    assert publish(make(FIRST, *ONE_RATE), lake) == Publication(FIRST, 1, ("currency", "rate"))
    assert read(lake, "from rate") == [(datetime(2025, 12, 1).date(), "KZT", Decimal("0.00193000"))]  # noqa: DTZ001
    assert read(lake, "from etl_release order by all") == [(FIRST, "currency", None), (FIRST, "rate", None)]
    ((author, message, extra),) = read(
        lake, "select author, commit_message, commit_extra_info from lake.snapshots() where snapshot_id = 1"
    )
    assert (author, message, json.loads(extra)) == ("ca-etl", f"release {FIRST}", {"release": FIRST})


def test_types_and_values_stay_as_they_are(make: Make, lake: Lake) -> None:
    publish(
        make(
            FIRST,
            "create table all_types as select 0.1::decimal(28, 12) as amount, "
            "12345678901234567890123456789012345678::hugeint as total, "
            "timestamptz '2025-12-01 02:00:00.000123+00' as at, "
            "date '2025-12-01' as day, [{'kind': 'image', 'id': 7, 'caption': null}] as media, ['a', 'b'] as names, "
            "'' as empty, null::varchar as missing, true as yes, -1::tinyint as sign, 'Ж\nз' as text",
        ),
        lake,
    )
    assert read(lake, "from all_types") == [
        (
            Decimal("0.100000000000"),
            Decimal(12345678901234567890123456789012345678),
            datetime(2025, 12, 1, 2, 0, 0, 123, tzinfo=UTC),
            datetime(2025, 12, 1).date(),  # noqa: DTZ001
            [{"kind": "image", "id": 7, "caption": None}],
            ["a", "b"],
            "",
            None,
            True,
            -1,
            "Ж\nз",
        )
    ]
    (path,) = Path(f"{lake.catalogue}.files").rglob("all_types/*.parquet")
    with duckdb.connect() as con:
        types = dict(
            con.execute(
                "select name, coalesce(logical_type, type) from parquet_schema($1)", [str(path)]
            ).fetchall()
        )
    assert types["amount"] == "DecimalType(scale=12, precision=28)"
    assert types["total"] == "DecimalType(scale=0, precision=38)"
    assert "isAdjustedToUTC=1" in types["at"]


def test_descriptions_come_along_and_change(make: Make, lake: Lake) -> None:
    described = (
        *ONE_RATE,
        "comment on table rate is 'One row per day: the bank''s rate.'",
        "comment on column rate.base is 'Currency.'",
    )
    comments = (
        "select (select comment from duckdb_tables() where table_name = 'rate' and database_name = 'lake'), "
        "list(comment order by column_index) from duckdb_columns() where table_name = 'rate' and database_name = 'lake'"
    )
    publish(make(FIRST, *described), lake)
    assert read(lake, comments) == [("One row per day: the bank's rate.", [None, "Currency.", None])]
    publication = publish(make(SECOND, *described, "comment on column rate.base is 'ISO 4217.'"), lake)
    assert publication.unchanged == ("currency", "rate")
    assert read(lake, comments) == [("One row per day: the bank's rate.", [None, "ISO 4217.", None])]
    assert [row[0] for row in read(lake, "select distinct release_id from etl_release")] == [SECOND]


def test_a_release_is_published_once(make: Make, lake: Lake) -> None:
    release = make(FIRST, *ONE_RATE)
    publish(release, lake)
    assert publish(release, lake) == Publication(FIRST)
    assert read(lake, "select max(snapshot_id) from lake.snapshots()") == [(1,)]


def test_only_tables_that_changed_are_written_and_the_snapshot_before_stays(make: Make, lake: Lake) -> None:
    first = publish(make(FIRST, *ONE_RATE), lake)
    before = files(lake)
    second = publish(make(SECOND, *TWO_RATES), lake)
    assert second == Publication(SECOND, 2, written=("rate",), unchanged=("currency",))
    assert len(files(lake) - before) == 2  # rate and etl_release
    assert read(lake, "select count(*) from rate") == [(2,)]
    assert read(lake, f"select count(*) from rate at (version => {first.snapshot})") == [(1,)]
    assert read(lake, f"select distinct release_id from etl_release at (version => {first.snapshot})") == [
        (FIRST,)
    ]
    assert publish(make(THIRD, *TWO_RATES), lake).unchanged == ("currency", "rate")


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("2 as a, 'x' as b, null::date as c", (2, "x", None)),
        ("2 as a", (2,)),
        ("2 as a, 'x' as renamed", (2, "x")),
        ("2.5::decimal(9, 4) as a, 'x' as b", (Decimal("2.5000"), "x")),
        ("'x' as b, 2 as a", ("x", 2)),
    ],
    ids=["added", "removed", "renamed", "other type", "other order"],
)
def test_a_snapshot_has_the_columns_of_its_time(
    make: Make, lake: Lake, columns: str, row: tuple[Any, ...]
) -> None:
    publish(make(FIRST, "create table t as select 1 as a, 'x' as b"), lake)
    publish(make(SECOND, f"create table t as select {columns}"), lake)
    assert read(lake, "from t") == [row]
    assert read(lake, "from t at (version => 1)") == [(1, "x")]


def test_a_table_that_a_release_no_longer_has_is_removed_and_those_of_others_stay(
    make: Make, lake: Lake
) -> None:
    publish(make(FIRST, *ONE_RATE), lake)
    with opened(lake, "") as con:
        con.execute("create table of_an_analyst as select 1 as one")
    publication = publish(make(SECOND, CURRENCY), lake)
    assert (publication.removed, publication.unchanged) == (("rate",), ("currency",))
    assert read(
        lake, "select list(table_name order by table_name) from duckdb_tables() where database_name = 'lake'"
    ) == [(["currency", "etl_release", "of_an_analyst"],)]
    assert read(lake, "select count(*) from rate at (version => 1)") == [(1,)]


def test_a_table_of_others_with_our_name_is_refused(make: Make, lake: Lake) -> None:
    with opened(lake, "") as con:
        con.execute("create table currency as select 1 as one")
    with pytest.raises(CaEtlError, match="names of ours: currency;"):
        publish(make(FIRST, *ONE_RATE), lake)
    assert read(lake, "from currency") == [(1,)]


def test_a_lake_is_of_one_site_also_by_force(make: Make, lake: Lake) -> None:
    publish(make(FIRST, *ONE_RATE), lake, site="timesca.com")
    other = make(SECOND, *TWO_RATES)
    with pytest.raises(
        CaEtlError, match=r"shows a release of timesca\.com, and the current release is of loopback"
    ):
        publish(other, lake, site="loopback", force=True)
    assert read(lake, "select distinct release_id, site from etl_release") == [(FIRST, "timesca.com")]
    assert publish(other, lake, site="timesca.com").written == ("rate",)


def test_an_older_release_replaces_a_newer_one_by_force_only(make: Make, lake: Lake) -> None:
    older = make(FIRST, *ONE_RATE)
    publish(make(f"{FIRST}-2", *TWO_RATES), lake)
    with pytest.raises(
        CaEtlError, match=f"shows the release {FIRST}-2, which is newer than .* {FIRST}$"
    ) as refusal:
        publish(older, lake)
    assert refusal.value.hint.endswith(" --force")
    assert publish(older, lake, force=True).written == ("rate",)
    assert read(lake, "select count(*) from rate") == [(1,)]


def test_the_release_is_known_after_its_snapshot_has_expired(make: Make, lake: Lake) -> None:
    release = make(FIRST, *ONE_RATE)
    publish(release, lake)
    with opened(lake, "") as con:
        con.execute("create table of_an_analyst as select 1 as one")
        con.execute("call ducklake_expire_snapshots('lake', versions => [1])")
    assert publish(release, lake) == Publication(FIRST)


def test_what_fails_leaves_the_snapshot_before(make: Make, lake: Lake) -> None:
    publish(make(FIRST, *ONE_RATE), lake)
    with pytest.raises(duckdb.Error):
        publish(make(SECOND, *TWO_RATES, "create table with_no_such_type as select '101'::bit as bits"), lake)
    assert read(lake, "from etl_release order by all") == [(FIRST, "currency", None), (FIRST, "rate", None)]
    assert read(lake, "select count(*) from rate") == [(1,)]


def test_a_data_path_that_cannot_be_written_makes_no_lake(make: Make, lake: Lake, tmp_path: Path) -> None:
    release = make(FIRST, *ONE_RATE)
    (tmp_path / "file").touch()
    with pytest.raises(CaEtlError, match=r"cannot be written, and is as it was: .*Not a directory") as error:
        publish(release, replace(lake, data_path=str(tmp_path / "file" / "data")))
    assert error.value.hint.startswith(f"ls -ld {tmp_path} && ")
    assert publish(release, replace(lake, data_path=str(tmp_path / "data"))).snapshot == 1
    assert list((tmp_path / "data").rglob("*.parquet"))


def test_another_data_path_than_that_of_the_lake_is_refused(make: Make, lake: Lake, tmp_path: Path) -> None:
    release = make(FIRST, *ONE_RATE)
    publish(release, lake)
    with pytest.raises(UsageError, match=r"the data of .* are in .*lake.files/, not in .*other") as error:
        publish(release, replace(lake, data_path=str(tmp_path / "other")))
    assert error.value.hint == f"ca-etl export --to {lake}"


def test_a_full_disk_leaves_the_snapshot_before(make: Make, lake: Lake) -> None:
    publish(make(FIRST, *ONE_RATE), lake)
    before = files(lake)
    texts = "create table texts as select i, md5(i::varchar) as text from range(500000) as number (i)"
    done = run(make(SECOND, *TWO_RATES, texts), lake, preexec_fn=disk_of_six_megabytes)
    assert re.search(r"is as it was: .*File too large; free some space\n.*df -h && ", done.stderr)
    assert read(lake, "select count(*) from rate") == [(1,)]
    assert files(lake) == before


def test_the_first_publication_on_a_full_disk_leaves_no_file(make: Make, lake: Lake) -> None:
    texts = "create table texts as select i, md5(i::varchar) as text from range(500000) as number (i)"
    assert run(make(FIRST, *ONE_RATE, texts), lake, preexec_fn=disk_of_six_megabytes).returncode == 1
    assert files(lake) == set()
    assert publish(make(SECOND, *ONE_RATE), lake).snapshot == 1


def disk_of_six_megabytes() -> None:
    """No file becomes larger than that; the catalogue has some five."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))


def program(release: Release, lake: Lake) -> list[str]:
    """A process that publishes a release, and prints the error that stops it with the next command."""
    lines = (
        "from pathlib import Path",
        "from ca_etl.errors import CaEtlError",
        "from ca_etl.warehouse.ducklake import Lake, publish",
        "from ca_etl.warehouse.release import Release",
        f"release = Release({release.release_id!r}, Path({str(release.folder)!r}))",
        "try:",
        f"    print(publish(release, {lake!r}).snapshot)",
        "except CaEtlError as error:",
        "    raise SystemExit(f'{error}\\n{error.hint}')",
    )
    return [sys.executable, "-c", "\n".join(lines)]


def run(release: Release, lake: Lake, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(release, lake), capture_output=True, text=True, check=False, **how)


@pytest.fixture(scope="module")
def postgres() -> Callable[[], str]:
    """The catalogue of a DuckLake in a new PostgreSQL database; the PG* variables have host, user and password."""
    if "CA_ETL_TEST_POSTGRES" not in os.environ:
        pytest.skip(
            "CA_ETL_TEST_POSTGRES names no PostgreSQL server (scripts/with_postgres.sh make test-slow)"
        )

    def catalogue() -> str:
        database = f"lake_{time.monotonic_ns()}"
        in_postgres(f"create database {database}")
        return f"postgres:dbname={database}"

    return catalogue


def in_postgres(statement: str) -> None:
    """Run a statement in the database of the PG* variables."""
    import asyncpg

    async def execute() -> None:
        connection = await asyncpg.connect()
        await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


def reader(lake: Lake, until: str) -> list[str]:
    """A process that reads two tables and the release in one transaction again and again, until it reads `until`."""
    lines = (
        "import time",
        "from tests.warehouse.test_ducklake import Lake, opened",
        f"with opened({lake!r}) as con:",
        "    release = None",
        f"    while release != {until!r}:",
        "        con.begin()",
        "        ((release,),) = con.sql('select distinct release_id from etl_release').fetchall()",
        "        counts = con.sql('select (select count(*) from t0), (select sum(i) from t7)').fetchall()",
        "        con.commit()",
        "        print(release, *counts[0], flush=True)",
        "        time.sleep(0.05)",
    )
    return [sys.executable, "-c", "\n".join(lines)]


def tables(rows: int) -> list[str]:
    """Statements that make eight tables of so many rows."""
    return [
        f"create table t{i} as select i, md5(i::varchar) as text from range({rows}) as n (i)"
        for i in range(8)
    ]


@pytest.mark.slow
def test_two_readers_in_postgres_read_whole_snapshots_while_one_publishes(
    make: Make, postgres: Callable[[], str], tmp_path: Path
) -> None:
    lake = Lake(postgres(), str(tmp_path / "data"))
    before = publish(make(FIRST, *tables(1000)), lake)
    readers = [
        subprocess.Popen(reader(lake, until=SECOND), stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(2)
    ]
    first_lines = [process.stdout.readline() for process in readers if process.stdout]
    published = run(make(SECOND, *tables(100_000)), lake)
    assert (published.stdout, published.stderr) == ("2\n", "")
    for process, line in zip(readers, first_lines, strict=True):
        lines = [line, *process.communicate(timeout=60)[0].splitlines(keepends=True)]
        assert process.returncode == 0
        assert set(lines) == {
            f"{FIRST} 1000 {sum(range(1000))}\n",
            f"{SECOND} 100000 {sum(range(100_000))}\n",
        }
        assert lines == sorted(lines)
    assert read(lake, f"select count(*) from t7 at (version => {before.snapshot})") == [(1000,)]
    assert read(lake, "select count(*) from t7") == [(100_000,)]


@pytest.mark.slow
def test_of_two_publications_at_once_in_postgres_each_is_whole_or_nothing(
    make: Make, postgres: Callable[[], str], tmp_path: Path
) -> None:
    lake = Lake(postgres(), str(tmp_path / "data"))
    publish(make(FIRST, *tables(10)), lake)
    releases = {SECOND: 50_000, THIRD: 60_000}
    publishers = [
        subprocess.Popen(
            program(make(name, *tables(rows)), lake),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, rows in releases.items()
    ]
    errors = [process.communicate(timeout=100)[1] for process in publishers]
    assert any(process.returncode == 0 for process in publishers)
    for error in filter(None, errors):
        assert re.search(r"is as it was: .*conflict|which is newer than", error), error
    ((release,),) = read(lake, "select distinct release_id from etl_release")
    assert read(lake, "select (select count(*) from t0), (select count(*) from t7)") == [
        (releases[release],) * 2
    ]


@pytest.mark.slow
def test_a_connection_to_postgres_that_is_lost_leaves_the_snapshot_before(
    make: Make, postgres: Callable[[], str], tmp_path: Path
) -> None:
    lake = Lake(postgres(), str(tmp_path / "data"))
    publish(make(FIRST, *ONE_RATE), lake)
    before = set((tmp_path / "data").rglob("*.parquet"))
    publisher = subprocess.Popen(
        program(make(SECOND, *tables(200_000)), lake), stderr=subprocess.PIPE, text=True
    )
    while not set((tmp_path / "data").rglob("*.parquet")) - before and publisher.poll() is None:
        time.sleep(0.01)
    database = lake.catalogue.removeprefix("postgres:dbname=")
    in_postgres(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
    error = publisher.communicate(timeout=100)[1]
    assert publisher.returncode == 1
    assert f"{lake} cannot be written, and is as it was: " in error
    assert "Traceback" not in error
    assert read(lake, "from etl_release order by all") == [(FIRST, "currency", None), (FIRST, "rate", None)]


@pytest.mark.slow
def test_a_wrong_password_is_an_error_that_does_not_show_it(
    make: Make, postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(postgres(), "/nowhere")
    monkeypatch.setenv("PGPASSWORD", "geheimes")
    with pytest.raises(CaEtlError, match="password authentication failed") as error:
        publish(make(FIRST, *ONE_RATE), lake)
    assert "geheimes" not in f"{error.value} {error.value.hint}"


@pytest.mark.slow
def test_a_new_lake_in_postgres_needs_a_data_path(
    make: Make, postgres: Callable[[], str], tmp_path: Path
) -> None:
    catalogue = postgres()
    with pytest.raises(CaEtlError, match="data_path is not set") as error:
        publish(make(FIRST, *ONE_RATE), Lake(catalogue))
    assert error.value.hint.endswith(" --data-path lake")
    assert publish(make(SECOND, *ONE_RATE), Lake(catalogue, str(tmp_path / "data"))).snapshot == 1
    assert publish(make(THIRD, *TWO_RATES), Lake(catalogue)).snapshot == 2


@pytest.mark.slow
def test_the_files_of_a_lake_are_on_s3(make: Make, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim")
        request = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(request).close()
        on_s3 = replace(lake, data_path="s3://bucket/lake")
        with pytest.raises(CaEtlError, match="cannot be written, and is as it was: HTTP") as error:
            publish(make(FIRST, *ONE_RATE), replace(lake, data_path="s3://missing/lake"))
        assert "geheim" not in str(error.value)
        assert publish(make(SECOND, *ONE_RATE), on_s3).snapshot == 1
        assert publish(make(THIRD, *TWO_RATES), lake).unchanged == ("currency",)
        with duckdb.connect() as con:
            ducklake._load_extensions(con)
            con.execute(f"attach '{lake}' as lake (read_only); use lake")
            assert con.sql("select count(*) from rate").fetchall() == [(2,)]
            assert con.sql("select count(*) from rate at (version => 1)").fetchall() == [(1,)]
    finally:
        server.stop()


@pytest.mark.slow
def test_a_killed_publication_leaves_the_snapshot_before_and_is_done_again(make: Make, lake: Lake) -> None:
    release = make(SECOND, *tables(100_000))
    publish(make(FIRST, *ONE_RATE), lake)
    before = files(lake)
    with subprocess.Popen(program(release, lake)) as publisher:
        while not files(lake) - before and publisher.poll() is None:
            time.sleep(0.01)
        publisher.kill()
    assert publisher.returncode == -signal.SIGKILL
    assert read(lake, "select count(*) from rate") == [(1,)]
    assert publish(release, lake).removed == ("currency", "rate")
    assert read(lake, "select count(*) from t7") == [(100_000,)]


def test_the_statements_of_the_documents_run(make: Make, lake: Lake) -> None:
    publish(make(FIRST, "create table fct_rate_daily as select 1 as rate"), lake)
    section = OPERATE.read_text("utf-8").partition("## Publish in a DuckLake\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    results: list[list[tuple[Any, ...]]] = []
    for block in blocks:
        with duckdb.connect() as con:
            load_extensions(con, "ducklake")
            statements = block.replace("ducklake:postgres:dbname=lake", str(lake)).rstrip(" ;\n").split(";\n")
            results.extend(con.execute(statement).fetchall() for statement in statements)
    assert len(blocks) == 2
    assert results[2] == [(FIRST,)]
    assert [(row[0], row[2]) for row in results[3]] == [(0, None), (1, FIRST)]
    assert results[4] == [(1,)]
    (shell,) = re.findall(r'`duckdb -c "(.*?)"`', section)
    with duckdb.connect() as con:
        load_extensions(con, "ducklake")
        assert con.execute(shell.replace("ducklake:lake.ducklake", str(lake))).fetchall() == [(1,)]


def test_without_the_packages_they_are_named(make: Make, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb, "__version__", "1.5.6")  # a version without packages
    with pytest.raises(
        CaEtlError, match=r"DuckDB 1\.5\.6 lacks its extension ducklake, whose package is for DuckDB 1\.5\.5"
    ) as error:
        publish(make(FIRST, *ONE_RATE), lake)
    assert error.value.hint == (
        "pip install duckdb-extension-ducklake==1.5.5 duckdb-extension-postgres-scanner==1.5.5 "
        "duckdb-extension-httpfs==1.5.5"
    )


def test_nothing_is_written_to_the_home_directory(
    make: Make, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run(make(FIRST, *ONE_RATE), lake, env={**os.environ, "HOME": str(home)})
    assert (done.stdout, done.stderr, list(home.iterdir())) == ("1\n", "", [])


def test_a_catalogue_that_cannot_be_reached_is_named_with_a_command_that_tries_it(make: Make) -> None:
    with pytest.raises(CaEtlError, match="Connection refused") as error:
        publish(make(FIRST, *ONE_RATE), Lake("postgres:host=127.0.0.1 port=1 dbname=lake", "/nowhere"))
    assert error.value.hint.startswith("psql 'host=127.0.0.1 port=1 dbname=lake' --command 'select 1' && ")


@pytest.mark.parametrize(
    ("to", "data_path"),
    [
        ("ducklake:postgres:dbname=lake password=geheim", None),
        ("ducklake:postgres:dbname=lake PASSWORD = 'geheim'", None),
        ("ducklake:postgres:postgresql://u:geheim@host/lake", None),
        ("ducklake:postgres:postgresql://u:/#?geheim@host/lake", None),
        ("ducklake:lake", "s3://bucket/lake?s3_secret_access_key=geheim"),
    ],
)
def test_a_password_in_the_command_is_refused_and_not_repeated(to: str, data_path: str | None) -> None:
    with pytest.raises(UsageError, match="PGPASSWORD") as error:
        find_lake(to, data_path)
    assert "geheim" not in f"{error.value} {error.value.hint}"


def test_paths_become_absolute_and_connections_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_lake("ducklake:lake", "data") == Lake(f"{tmp_path}/lake", f"{tmp_path}/data")
    assert find_lake("ducklake:postgres:dbname=lake", "s3://bucket/lake") == Lake(
        "postgres:dbname=lake", "s3://bucket/lake"
    )


@pytest.mark.parametrize("to", ["lake", "ducklake:", "ducklake:mysql:db=lake", "postgres:dbname=lake"])
def test_what_is_not_a_ducklake_is_wrong_usage(to: str) -> None:
    with pytest.raises(UsageError, match="is not a DuckLake"):
        find_lake(to)
