"""The rules in docs/architecture.md have the tests that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULE = re.compile(r"^\d+\. ", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_rule_names_a_test_that_exists() -> None:
    rules = RULE.split((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))[1:]
    tests = [TEST.findall(rule) for rule in rules]
    assert all(tests)
    for path, name in (test for of_rule in tests for test in of_rule):
        module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}, (
            f"{path}::{name}"
        )
