"""What the README shows is what a reader gets."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from typer.main import get_command

from ca_etl.cli import app
from ca_etl.pipeline.run import Outcome
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
Month = tuple[Settings, list[Outcome]]


def test_the_results_are_those_of_the_queries(month: Month) -> None:
    spec = importlib.util.spec_from_file_location(
        "readme_outputs", REPOSITORY / "scripts" / "readme_outputs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    outputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(outputs)
    warehouse = month[0].data_dir / "current" / "warehouse.duckdb"
    assert len(outputs.queries(README)) == 15
    assert outputs.with_outputs(README, warehouse) == README


def test_the_python_snippets_run(month: Month) -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) == 2
    for snippet in snippets:
        names: dict[str, object] = {}
        exec(snippet.replace("data/current", str(month[0].data_dir / "current")), names)  # noqa: S102
        assert len(names["rates"]) == (150 if "polars" in snippet else 30)  # type: ignore[arg-type]


def test_every_command_that_is_named_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"ca-etl ([a-z]+)", README))
    assert named <= commands
    assert len(named) >= 6


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([a-z][^):]+)\)", README))))
def test_every_link_into_the_repository_leads_somewhere(path: str) -> None:
    assert (REPOSITORY / path).exists()


def test_the_task_lists_name_commands_and_files_that_exist() -> None:
    text = (REPOSITORY / "docs" / "operate.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`ca-etl ([a-z]+)", text)) <= set(get_command(app).commands)  # type: ignore[attr-defined]
    for path in re.findall(r"\]\(([^)]+)\)|python (scripts/\S+)", text):
        assert (REPOSITORY / "docs" / path[0] if path[0] else REPOSITORY / path[1]).exists(), path
