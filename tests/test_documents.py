"""What README and docs/ show is what a reader gets."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ca_etl.cli.app import app
from ca_etl.pipeline.run import Outcome
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
QUERIES = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")
RATES = (REPOSITORY / "docs" / "rates.md").read_text(encoding="utf-8")
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
def test_the_picture_is_that_of_the_month_with_its_past(month: Month, tmp_path: Path) -> None:
    pictures = script("pictures")
    shutil.copytree(month[0].data_dir, tmp_path / "month", symlinks=True)
    pictures.win_back(tmp_path / "month")
    pictures.draw(tmp_path / "month", tmp_path)
    drawn, kept = tmp_path / "days-known.svg", REPOSITORY / "docs" / "days-known.svg"
    assert drawn.read_text("utf-8") == kept.read_text("utf-8")


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


def test_the_python_snippets_run(month: Month) -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 2
    for snippet in snippets:
        names: dict[str, object] = {}
        exec(snippet.replace("demo-data", str(month[0].data_dir)), names)  # noqa: S102
        assert len(names["rates"]) == (22 if "import ca_etl" in snippet else 30)  # type: ignore[arg-type]


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
