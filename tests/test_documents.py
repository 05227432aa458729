"""What README and docs/ show is what a reader gets."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.main import get_command

import ca_etl.analyst
from ca_etl.cli.app import app
from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
QUERIES = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")
RATES = (REPOSITORY / "docs" / "rates.md").read_text(encoding="utf-8")
PICTURES = REPOSITORY / "docs" / "pictures"
DOCUMENTS = [
    REPOSITORY / "README.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What runs until it is stopped: whatever is pasted with it never runs, or runs against it.
ENDLESS = re.compile(
    r"server start|worker start|flows\.deploy serve|--serve|run flows|tail -f|journalctl .*-f"
)
# The commands that only read a release, to run as they are, without those that need an id, a query or a DuckLake.
COMMAND = re.compile(
    r"""^\ *(ca-etl\ (?:sql|search|status|chart|describe|trace|convert|export)\b.*)$  # a line of a block
    | `(ca-etl\ (?:sql|search|describe|trace|convert)\ [^`]+)`""",
    re.MULTILINE | re.VERBOSE,
)
COMMANDS = sorted(
    {
        next(filter(None, match.groups()))
        for document in DOCUMENTS
        for match in COMMAND.finditer(document.read_text(encoding="utf-8"))
        if not re.search(r" (ID|QUERY|\[TABLE|--failed|--to duck)", match[0])
    }
)
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
Month = tuple[Settings, list[Outcome]]


def script(name: str) -> Any:
    """A module of `scripts/`, which is no package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_charts_are_those_of_the_month(month: Month, tmp_path: Path) -> None:
    script("pictures").draw(month[0].data_dir, tmp_path)
    drawn, kept = (
        # vl-convert numbers clips through all charts of a process
        {path.name: re.sub(r"clip\d+", "clip", path.read_text("utf-8")) for path in folder.glob("*.svg")}
        for folder in (tmp_path, PICTURES)
    )
    assert drawn == kept
    assert drawn.keys() == {"days-known.svg", "tenge.svg"}


def test_the_screenshots_are_small_have_the_sizes_of_their_screens_and_are_shown() -> None:
    pictures = script("pictures")
    screens = {
        f"report-{width}-{scheme}.png": (width, height)
        for width, height in pictures.SCREENS.items()
        for scheme in pictures.SCHEMES
    }
    kept = {path.name: path.read_bytes() for path in PICTURES.glob("*.png")}
    assert {name: struct.unpack(">II", png[16:24]) for name, png in kept.items()} == screens
    assert max(map(len, kept.values())) < 200_000
    assert [name for name in kept if f'="docs/pictures/{name}"' not in README] == []


def test_a_picture_in_the_readme_is_described() -> None:
    images = re.findall(r"<img [^>]*>|!\[[^\]]*\]", README)
    assert len(images) == 3
    assert [image for image in images if not re.search(r'alt="[^"]{30,}"|!\[.{30,}\]', image)] == []


def test_the_results_are_those_of_the_queries(month: Month) -> None:
    outputs = script("query_outputs")
    warehouse = month[0].data_dir / "current" / "warehouse.duckdb"
    assert len(outputs.queries(README)) == 3
    assert outputs.with_outputs(README, warehouse) == README
    assert len(outputs.queries(QUERIES)) == 20
    assert outputs.with_outputs(QUERIES, warehouse) == QUERIES


def test_the_dictionary_is_that_of_the_month(month: Month) -> None:
    warehouse = month[0].data_dir / "current" / "warehouse.duckdb"
    kept = (REPOSITORY / "docs" / "dictionary.md").read_text("utf-8")
    assert script("query_outputs").dictionary(warehouse) == kept


PYTHON_EXAMPLES = {
    "the library": (re.search(r"```python\n(.*?)```", README, re.DOTALL), "rates", 22),
    "any client": (re.search(r"```python\n(.*?)```", QUERIES, re.DOTALL), "rates", 30),
    "the docstring": (
        re.search(r"^( +import ca_etl\n.*?)^\S", ca_etl.analyst.__doc__, re.MULTILINE | re.DOTALL),
        "tenge",
        22,
    ),
}


@pytest.mark.parametrize("example", PYTHON_EXAMPLES)
def test_the_python_examples_run(month: Month, example: str) -> None:
    match, name, rows = PYTHON_EXAMPLES[example]
    assert match is not None
    names: dict[str, Any] = {}
    exec(textwrap.dedent(match[1]).replace("demo-data", str(month[0].data_dir)), names)  # noqa: S102
    assert len(names[name]) == rows


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not on this machine")
def test_the_r_example_runs(month: Month) -> None:
    example = re.search(r"```r\n(.*?)```", QUERIES, re.DOTALL)
    assert example is not None
    program = example[1].replace("demo-data", str(month[0].data_dir)) + "cat(nrow(rates))"
    done = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True, check=False, timeout=60)
    if "there is no package called" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.stdout, done.returncode) == ("30", 0), done.stderr


def test_the_queries_without_a_result_run(month: Month) -> None:
    (macros,) = re.findall(r"```sql\n(.*?)```", RATES, re.DOTALL)
    with duckdb.connect(str(month[0].data_dir / "current" / "warehouse.duckdb"), read_only=True) as con:
        for query in macros.strip().splitlines():
            assert len(con.execute(query).fetchall()) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_only_reads_succeeds_as_it_is_pasted(
    month: Month, command: str, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "CA_ETL_DATA_DIR": str(month[0].data_dir),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_files_units_and_targets_that_the_readme_names_exist() -> None:
    lines = "".join(BLOCK.findall(README))
    files = re.findall(r"(?<= )deployments/\S+", lines)
    units = re.findall(r"ca-etl[\w-]*\.timer", lines)
    assert len(files) >= 4
    assert len(units) == 3
    assert [file for file in files if not list(REPOSITORY.glob(file))] == []
    assert [unit for unit in units if not (REPOSITORY / "deployments" / "systemd" / unit).exists()] == []
    targets = set(re.findall(r"make ([a-z][a-z-]*)", lines) + re.findall(r"`make ([a-z-]+)", README))
    assert targets <= set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert len(targets) >= 5


def test_the_examples_read_one_data_directory_which_the_readme_makes_first() -> None:
    made = README.index("export CA_ETL_DATA_DIR=demo-data")
    assert 0 < README.index("ca-etl demo --days 30 --outage 2025-12-10") - made < 200
    assert README.index("make run ") < made < README.index("demo-data/current")
    read = re.findall(r'[\w./-]+(?=/current)|(?<=data_dir=")[\w./-]+', README + QUERIES + RATES)
    assert len(read) > 5
    assert set(read) == {"demo-data"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_runs_until_it_is_stopped_is_pasted_alone(document: Path) -> None:
    for block in BLOCK.findall(document.read_text(encoding="utf-8")):
        assert not ENDLESS.search(block) or len(block.splitlines()) == 1, block


def test_every_command_that_is_named_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"ca-etl ([a-z]+)", README))
    assert named <= commands
    assert len(named) >= 6


def test_readme_is_a_first_page() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(document: Path) -> None:
    for path, heading in LINK.findall(document.read_text(encoding="utf-8")):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        assert not heading or heading in headings(target), f"{path}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_name_commands_files_and_variables_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"`ca-etl ([a-z]+)", text)) <= set(get_command(app).commands)  # type: ignore[attr-defined]
    for script in re.findall(r"python (scripts/\S+\.py)", text):
        assert (REPOSITORY / script).exists(), script
    for module in re.findall(r"python -m ((?:flows|benchmarks)[.\w]*)", text):
        assert any(
            (REPOSITORY / module.replace(".", "/")).with_suffix(suffix).exists() for suffix in (".py", "")
        ), module
    named = set(re.findall(r"`(?:CA_ETL_)([A-Z_]+)`", text))
    assert named <= {name.upper() for name in Settings.model_fields}


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}
