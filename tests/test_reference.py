"""docs/cli.md and docs/settings.md are what `python scripts/reference.py` makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_their_help(reference: ModuleType) -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == reference.commands()


def test_the_page_of_settings_is_their_fields(reference: ModuleType) -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == reference.settings()
