"""What analysts read a month of the demo with: the recipes of docs/rates.md, and frictionless on each export.

Their tools are in an environment of its own, `.compat/analyst`, with nothing of ours.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PYTHON = REPOSITORY / ".compat" / "analyst" / "bin" / "python"
RECIPES = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "rates.md").read_text("utf-8"), re.DOTALL)
# Prints the errors by table, as the command does in prose; paths of the package are relative to it.
VALIDATE = """
import json, sys
from frictionless import validate
report = validate(sys.argv[1])
errors = {task.name: [[error.type, getattr(error, "field_name", "")] for error in task.errors] for task in report.tasks}
print(json.dumps({"valid": report.valid, "errors": errors}))
"""
SHOW = """
print(len(tenge), width.dtype, months["inverse_average"].dtype, rates["change_sign"].dtype, tenge.index.dtype)
print(type(width.iloc[0]).__name__, rates["rate"].iloc[0], tenge["inverse_high"].max())
print(len(plt.gca().lines), len(plt.gca().collections), plt.gca().get_ylabel())
"""
Month = tuple[Settings, list[Outcome]]
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no tools of analysts here: make compat")


@pytest.fixture(scope="module")
def exported(month: Month, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exports of the month in the folders csv, json and parquet."""
    folder = tmp_path_factory.mktemp("exported")
    environment = {**os.environ, "CA_ETL_DATA_DIR": str(month[0].data_dir)}
    for form in ("csv", "json", "parquet"):
        command = [Path(sys.executable).with_name("ca-etl"), "export", folder / form, "--format", form]
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=110)
    return folder


def of_analyst(*arguments: str, cwd: Path | None = None) -> str:
    """What the Python of an analyst prints; a warning is an error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [PYTHON, "-W", "error", "-c", *arguments],
        cwd=cwd,
        env={**environment, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def errors(folder: Path) -> dict[str, list[list[str]]]:
    """The errors that frictionless finds in the package of `folder`, by table: type and field."""
    report = json.loads(of_analyst(VALIDATE, str(folder / "datapackage.json")))
    found: dict[str, list[list[str]]] = {name: those for name, those in report["errors"].items() if those}
    assert report["valid"] is not bool(found)
    return found


def with_csv(folder: Path, table: str, column: str, value: str) -> None:
    """Write a value into the first row of an exported table."""
    path = folder / f"{table}.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rows[0][column] = value
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_pandas_keeps_decimals_dates_and_nulls_and_the_chart_has_a_band(month: Month, tmp_path: Path) -> None:
    assert len(RECIPES) == 3
    assert len([line for line in RECIPES[-1].splitlines() if line and "import" not in line]) == 6
    (tmp_path / "demo-data").symlink_to(month[0].data_dir)
    types, values, chart = of_analyst("\n".join([*RECIPES, SHOW]), cwd=tmp_path).splitlines()
    assert types == (
        "30 decimal128(29, 12)[pyarrow] decimal128(28, 12)[pyarrow] int8[pyarrow] date32[day][pyarrow]"
    )
    assert values == "Decimal 0.01144000 524.934383202100"
    assert chart == "1 1 tenge per US dollar"
    assert (tmp_path / "tenge.png").read_bytes().startswith(b"\x89PNG")


def test_frictionless_accepts_the_csv_of_every_table(exported: Path) -> None:
    package = json.loads((exported / "csv" / "datapackage.json").read_text("utf-8"))
    kinds = {field["type"] for table in package["resources"] for field in table["schema"]["fields"]}
    assert kinds == {"string", "integer", "number", "boolean", "date", "datetime", "array"}
    assert sum("foreignKeys" in table["schema"] for table in package["resources"]) > 10
    assert {table["name"] for table in package["resources"]} == {
        path.stem for path in (REPOSITORY / "sql" / "main").glob("*.sql")
    }
    assert errors(exported / "csv") == {}


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        (("fct_rate_daily", "base", "XXX"), "foreign-key"),
        (("fct_article", "duplicate_of", "0000000000000000"), "foreign-key"),
        (("fct_rate_daily", "rate", "about one"), "type-error"),
        (("fct_article", "media", "[{'kind': k}]"), "type-error"),
        (("fct_rate_observation", "observed_at", "2025-12-05"), "type-error"),
    ],
)
def test_frictionless_reports_a_wrong_value(
    exported: Path, tmp_path: Path, cell: tuple[str, str, str], error: str
) -> None:
    copy = shutil.copytree(exported / "csv", tmp_path / "csv")
    with_csv(copy, *cell)
    (table, found), *others = errors(copy).items()
    assert (table, others) == (cell[0], [])
    assert error in {kind for kind, _ in found}


@pytest.mark.slow
def test_frictionless_reports_of_parquet_and_json_what_the_docs_list(exported: Path) -> None:
    of_json = errors(exported / "json")
    empty = {name for name in of_json if (exported / "json" / f"{name}.json").read_text("utf-8") == "[]\n"}
    assert empty
    assert all(
        those == [["source-error" if name in empty else "byte-count", ""]] for name, those in of_json.items()
    )
    package = json.loads((exported / "parquet" / "datapackage.json").read_text("utf-8"))
    types = {
        table["name"]: {field["name"]: field["type"] for field in table["schema"]["fields"]}
        for table in package["resources"]
    }
    of_parquet = errors(exported / "parquet")
    assert of_parquet.keys() == types.keys()
    for table, those in of_parquet.items():
        assert ["byte-count", ""] in those
        for kind, field in those:
            assert (kind, field) == ("byte-count", "") or (
                kind == "type-error" and types[table][field] in {"integer", "array"}
            )
