"""The rules in docs/architecture.md have the tests, and the ways in it the files, that it names."""

from __future__ import annotations

import ast
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULE = re.compile(r"^\d+\. ", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_files_that_are_named_exist_and_the_ways_are_listed() -> None:
    spec = spec_from_file_location("counts", ROOT / "scripts" / "counts.py")
    assert spec is not None
    assert spec.loader is not None
    counts = module_from_spec(spec)
    spec.loader.exec_module(counts)
    ways = dict(counts.ways())
    assert set(ways) == {"rate", "article"}
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [file for file in counts.FILE.findall(text) if "/" in file and not (ROOT / file).is_file()]
    assert missing == []
    for way in ways.values():
        assert len(set(way)) == len(way) > 15


def test_every_rule_names_a_test_that_exists() -> None:
    rules = RULE.split((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))[1:]
    tests = [TEST.findall(rule) for rule in rules]
    assert all(tests)
    for path, name in (test for of_rule in tests for test in of_rule):
        module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}, (
            f"{path}::{name}"
        )
