"""Fixtures that every room's tests may use."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import hypothesis
import pyarrow as pa
import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.play import faults, play_days
from ca_etl.records import Rows
from ca_etl.settings import Settings
from ca_etl.warehouse.raw_schema import arrow_rows, ensure_raw, keys_of

REPOSITORY = Path(__file__).parents[1]
VERSIONS = Path(__file__).parent / "fixtures" / "versions.json"
PLAY_A_MONTH = frozenset(
    {
        "test_analyst.py",
        "test_dictionary.py",
        "test_documents.py",
        "test_first_look.py",
        "test_in_browser.py",
        "test_thirty_days.py",
    }
)
# What a run records of itself, and columns with its name: none of it is an observation.
BOOKKEEPING = frozenset({"etl_run", "etl_check"})
RUN_COLUMNS = frozenset({"run_id", "loaded_by", "runs"})

# A busy machine is not a failure: time is measured in benchmarks/, not by a deadline for every example.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


NO_BANK = "[]"


@pytest.fixture(scope="session", autouse=True)
def _no_bank() -> None:
    """Runs request no bank unless their settings name some: most tests are about the site."""
    os.environ["CA_ETL_SOURCES"] = NO_BANK


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CA_ETL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CA_ETL_SOURCES", NO_BANK)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not on this machine")
    return folder


@pytest.fixture(scope="session")
def seed_page(shared_dir: Path) -> Path:
    return shared_dir / "seed" / "000_a1fb695dfdf5c8e4.txt"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data", demo_port=0, min_interval_seconds=0, backoff_seconds=0, _env_file=None
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def environment(data_dir: Path, tmp_path: Path) -> dict[str, str]:
    """What the command is run with: data directory and cache of the test, any port for the demo, a wide terminal."""
    of_test = {"CA_ETL_DATA_DIR": str(data_dir), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {**os.environ, **of_test, "CA_ETL_DEMO_PORT": "0", "COLUMNS": "200"}


@pytest.fixture
def cli(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command as a user's shell runs it, in a directory of its own."""

    def run(*args: str | Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("ca-etl")), *map(str, args)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=110,
            env={**environment, **more},
        )

    return run


@pytest.fixture(scope="session")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[Outcome]]:
    """Thirty days of the demo with an outage, as README plays them. Not to be written to."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("month"), demo_port=0, sources=("all",), _env_file=None
    )
    return settings, list(play_days(settings, 30, faults=faults([date(2025, 12, 10)], [])))


@pytest.fixture(scope="session")
def fit() -> Callable[[Rows], None]:
    """`fit(rows)` checks rows of one capture: the columns and types of raw tables, and a key each."""
    with duckdb.connect() as con:
        ensure_raw(con)
        keys = keys_of(con)
        schemas = {table: arrow_rows(con, table, []).schema for table in Rows().by_table()}

    def check(rows: Rows) -> None:
        for table, parsed in rows.by_table().items():
            pa.Table.from_pylist(parsed, schema=schemas[table])
            assert {column for row in parsed for column in row} <= set(schemas[table].names)
            assert len({tuple(row[column] for column in keys[table]) for row in parsed}) == len(parsed)

    return check


@pytest.fixture(scope="session")
def hold_version() -> Callable[[str, str, object, object], None]:
    """`hold_version(name, version, inputs, results)` fails where equal inputs give other results by the same version.

    Of a version (by file and name) `tests/fixtures/versions.json` has the digests of both.
    """

    def check(name: str, version: str, inputs: object, results: object) -> None:
        digests = {
            key: hashlib.sha256(repr(value).encode()).hexdigest()[:16]
            for key, value in (("inputs", inputs), ("results", results))
        }
        now = {"version": version} | digests
        recorded = json.loads(VERSIONS.read_text())[name]
        is_same = (recorded["version"], recorded["inputs"]) == (version, now["inputs"])
        changed = f"equal inputs give other results, so raise {name}; then" if is_same else f"{name}:"
        assert recorded == now, f"{changed} write into tests/fixtures/versions.json: {json.dumps(now)}"

    return check


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(port=0) as site:
        yield site


@pytest.fixture
def on_site(settings: Settings, site: DemoSite) -> Settings:
    return settings.model_copy(update={"site_url": site.base_url})


@pytest.fixture
def query(settings: Settings) -> Callable[..., list[tuple[Any, ...]]]:
    """Rows of a query on the current release."""

    def run(sql: str, data_dir: Path | None = None) -> list[tuple[Any, ...]]:
        warehouse = ((data_dir or settings.data_dir) / "current").resolve() / "warehouse.duckdb"
        with duckdb.connect(str(warehouse), read_only=True) as con:
            return con.sql(sql).fetchall()

    return run


@pytest.fixture
def rewritten() -> Callable[[Path], Any]:
    """A writing connection to a published warehouse, whose descriptor lists afterwards what was written."""

    @contextmanager
    def opened(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        warehouse, descriptor = release / "warehouse.duckdb", release / "datapackage.json"
        for path in (release, warehouse, descriptor):
            path.chmod(0o755)
        with duckdb.connect(str(warehouse)) as con:
            yield con
            con.execute("checkpoint")
        facts = json.loads(descriptor.read_text())
        fact = next(file for file in facts["resources"] if file["path"] == "warehouse.duckdb")
        fact["bytes"] = warehouse.stat().st_size
        fact["hash"] = f"sha256:{hashlib.sha256(warehouse.read_bytes()).hexdigest()}"
        descriptor.write_text(json.dumps(facts))

    return opened


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a folder in a bucket on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().makedirs("parts", exist_ok=True)
    yield "s3://parts/of-a-run"
    server.stop()


@pytest.fixture
def contents() -> Callable[[Path], dict[str, list[tuple[Any, ...]]]]:
    """All rows of schema main, run bookkeeping aside: what two releases must agree on."""

    def read(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
        warehouse = (data_dir / "current").resolve() / "warehouse.duckdb"
        with duckdb.connect(str(warehouse), read_only=True) as con:
            tables = [
                row[0]
                for row in con.execute(
                    "select table_name from information_schema.tables where table_schema = 'main'"
                ).fetchall()
            ]
            rows = {}
            for table in sorted(set(tables) - BOOKKEEPING):
                columns = [name for name in con.sql(f"from main.{table}").columns if name not in RUN_COLUMNS]
                chosen = ", ".join(f'"{name}"::varchar' for name in columns)
                rows[table] = con.sql(f"select {chosen} from main.{table} order by all").fetchall()
            return rows

    return read


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep what shares a costly fixture on one worker.

    `--dist loadgroup` does the same by marks, but its groups are in an attribute that pytest 9.2 no longer reads.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFixture(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(Path(nodeid.partition("::")[0]))

    return ByFixture(config, log)


def group_of(file: Path) -> str:
    """What one worker runs: a file, the folder of one Prefect server, or the files about one month that is played."""
    if "flows" in file.parts:
        return "flows"
    return "month" if file.name in PLAY_A_MONTH else str(file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what mostly waits for seconds to pass, so that it ends while others work."""
    items.sort(key=lambda item: "orchestration" not in item.path.parts)
    for item in items:
        if "month" in getattr(item, "fixturenames", ()) and item.path.name not in PLAY_A_MONTH:
            raise pytest.UsageError(f"{item.path} plays a month once more: name it in PLAY_A_MONTH")
