"""`ca-etl describe` on a release of the demo, in a pipe and on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from ca_etl.cli.describe import Relation, RelationColumn, _macros, read_relations
from ca_etl.warehouse.sqlfiles import sql_root

COMMAND = str(Path(sys.executable).with_name("ca-etl"))
STYLE = re.compile(r"\x1b\[[0-9;]*m")
Describe = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a command on a data directory with one day of the demo."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CA_ETL_")}
    data_dir = str(tmp_path_factory.mktemp("described"))
    environment = {**kept, "CA_ETL_DATA_DIR": data_dir, "CA_ETL_DEMO_PORT": "0"}
    subprocess.run([COMMAND, "demo"], env=environment, capture_output=True, check=True, timeout=110)
    return environment


@pytest.fixture
def describe(environment: dict[str, str]) -> Describe:
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, "describe", *args],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )

    return run


def on_terminal(environment: dict[str, str], columns: int, *args: str) -> list[str]:
    """The lines that a terminal of so many columns shows, without styles."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    terminal = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [COMMAND, "describe", *args], env={**terminal, "TERM": "xterm"}, stdin=theirs, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how a terminal ends
        while block := os.read(ours, 65536):
            shown += block
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return STYLE.sub("", shown.decode()).splitlines()


def test_a_table_is_described_by_its_columns_with_type_and_meaning(describe: Describe) -> None:
    first, description, *lines = describe("fct_rate_observation").stdout.splitlines()
    assert re.fullmatch(r"fct_rate_observation, \d+ rows", first)
    assert description.startswith("One row per capture and currency pair")
    (rate,) = [line for line in lines if line.startswith(" rate ")]
    assert re.split(r"\s{2,}", rate.strip()) == [
        "rate",
        "DECIMAL(18,8)",
        "Units of quote per unit of base, as printed.",
    ]


def test_a_macro_is_described_by_its_parameters_and_columns(describe: Describe) -> None:
    shown = describe("cross_rate").stdout
    assert shown.startswith("cross_rate(base, quote, day)\nOne row with the rate between two currencies")
    assert re.search(r"^ day +Day of the rates \(Asia/Almaty\), a date\.", shown, re.MULTILINE)
    assert re.search(r"^ rate_low +DECIMAL\(28,12\) +Lower bound of rate, ", shown, re.MULTILINE)


def test_without_a_name_the_tables_macros_and_seeds_are_listed(describe: Describe) -> None:
    names = [line.split()[0] for line in describe().stdout.splitlines() if line.strip()][2:]
    models = {path.stem for path in sql_root().glob("main/*.sql")}
    macros = {path.stem for path in sql_root().glob("functions/main/*.sql")}
    seeds = {f"seeds.{path.stem}" for path in sql_root().glob("seeds/*.csv")}
    assert set(names) == models | macros | seeds
    assert re.search(r"^ dim_source +\d+ +One row per source of captures", describe().stdout, re.MULTILINE)


def test_every_column_of_every_table_and_macro_has_a_type_and_a_meaning(environment: dict[str, str]) -> None:
    relations = read_relations(Path(environment["CA_ETL_DATA_DIR"]))
    assert len(relations) > 55
    for relation in relations.values():
        assert relation.description, relation.name
        assert relation.columns, relation.name
        assert all(column.type and column.description for column in relation.columns), relation


@pytest.mark.parametrize(
    "name", ["dim_source", "main.dim_source", "DIM_SOURCE", "raw.capture", "seeds.places"]
)
def test_a_table_of_any_schema_is_found_in_any_spelling(describe: Describe, name: str) -> None:
    assert describe(name).returncode == 0


def test_an_unknown_name_names_the_nearest_ones_and_the_next_command_is_for_the_first(
    describe: Describe,
) -> None:
    done = describe("rate_daly")
    assert done.returncode == 2
    problem = (
        "no table or macro 'rate_daly'; the nearest are fct_rate_daily, fct_rate_daily_wide, rate_index; "
    )
    assert problem in done.stderr
    assert len(done.stderr) < 300
    assert done.stderr.endswith("next: ca-etl describe fct_rate_daily\n")
    assert describe("%").stderr.endswith("next: ca-etl describe\n")


def test_json_has_the_description_of_one_table_or_of_all(describe: Describe) -> None:
    one = json.loads(describe("dim_source", "--format", "json").stdout)
    assert (one["name"], one["columns"][0]["name"], one["columns"][0]["type"]) == (
        "dim_source",
        "source",
        "VARCHAR",
    )
    assert one in json.loads(describe("--format", "json").stdout)


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_on_a_terminal_the_meanings_are_wrapped_and_nothing_is_cut(
    environment: dict[str, str], describe: Describe, columns: int
) -> None:
    lines = on_terminal(environment, columns, "fct_rate_daily")
    assert max(map(len, lines)) <= columns
    piped = describe("fct_rate_daily").stdout
    assert "…" not in "".join(lines)
    assert sorted(re.sub(r"[\s─]", "", "".join(lines))) == sorted(re.sub(r"[\s─]", "", piped))


def test_a_macro_of_another_version_is_described_by_the_comment_in_the_file() -> None:
    with duckdb.connect() as con:
        con.execute("create macro cross_rate(base) as table select base::text as a")
        con.execute("comment on macro table cross_rate is 'As it was.'")
        assert list(_macros(con)) == [
            Relation("cross_rate", None, "As it was.", (RelationColumn("a", "VARCHAR", ""),), {"base": ""})
        ]
