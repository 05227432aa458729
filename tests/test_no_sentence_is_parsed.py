"""Texts for people (`reason`, `error`, `detail`, log messages) decide nothing: facts travel as typed fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ca_etl

ROOT = Path(ca_etl.__file__).parent
ROOMS = ("operate", "pipeline", "sources")
NAMES = frozenset({"reason", "error", "detail"})
ATTRIBUTES = NAMES | {"message", "msg"}
STRING_METHODS = frozenset(
    {
        *(
            "startswith",
            "endswith",
            "removeprefix",
            "removesuffix",
            "find",
            "rfind",
            "index",
            "rindex",
            "count",
        ),
        *("split", "rsplit", "splitlines", "partition", "rpartition", "isdigit", "isnumeric"),
    }
)
REGULAR_EXPRESSIONS = frozenset(
    {"match", "search", "fullmatch", "findall", "finditer", "split", "sub", "subn"}
)
# DuckDB raises a plain RuntimeError for a Ctrl-C within a query: its text is all that distinguishes it.
ALLOWED = {("warehouse/reading.py", "str(error) == INTERRUPTED")}


class Walker(ast.NodeVisitor):
    """Collects the expressions that decide something by a text for people, local names of such a text included."""

    def __init__(self) -> None:
        self.hits: list[ast.AST] = []
        self.aliases: set[str] = set()

    def is_text(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(name):
                return name in NAMES or name in self.aliases
            case ast.Attribute(_, name):
                return name in ATTRIBUTES
            case ast.Call(ast.Attribute(value, method)):
                return method == "getMessage" or self.is_text(value)
            case (
                ast.Call(ast.Name("str" | "repr"), [value, *_])
                | ast.Subscript(value)
                | ast.NamedExpr(_, value)
            ):
                return self.is_text(value)
            case ast.BoolOp() | ast.IfExp() | ast.BinOp() | ast.Tuple() | ast.List() | ast.Set():
                return any(map(self.is_text, ast.iter_child_nodes(node)))
        return False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = self.aliases
        self.aliases = set(outer)
        for inner in ast.walk(node):
            match inner:
                case ast.Assign([ast.Name(name)], value) | ast.NamedExpr(ast.Name(name), value):
                    if self.is_text(value):
                        self.aliases.add(name)
        self.generic_visit(node)
        self.aliases = outer

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            parses = node.func.attr in STRING_METHODS and self.is_text(node.func.value)
            matches = node.func.attr in REGULAR_EXPRESSIONS and any(map(self.is_text, node.args))
            if parses or matches:
                self.hits.append(node)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        if any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            # an exception named `error` may be None, and `Reject.reason` is an enumeration
            has_none = any(
                isinstance(operand, ast.Constant) and operand.value is None for operand in operands
            )
            operands = [operand for operand in operands if has_none and isinstance(operand, ast.Attribute)]
        if any(map(self.is_text, operands)):
            self.hits.append(node)
        self.generic_visit(node)

    def visit_Match(self, node: ast.Match) -> None:
        if self.is_text(node.subject):
            self.hits.append(node.subject)
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        tests = [getattr(node, "test", None), *getattr(node, "ifs", ())]
        for test in tests:
            bare = test.operand if isinstance(test, ast.UnaryOp) else test
            if isinstance(bare, ast.Attribute) and self.is_text(bare):
                self.hits.append(bare)
        super().generic_visit(node)


def parsed_sentences(source: str) -> Iterator[str]:
    """The expressions of `source` that decide something by a text for people."""
    walker = Walker()
    walker.visit(ast.parse(source))
    return (ast.unparse(hit) for hit in walker.hits)


@pytest.mark.parametrize(
    "bad",
    [
        "slot.reason == 'no page had rates'",
        "(slot.reason or '') == NO_RATES",
        "slot.reason in {None, run.error}",
        "'429' in error",
        "'429' in str(error)",
        "run.error.startswith('stopped by')",
        "(run.error or '').startswith(STOPPED)",
        "run.error.strip().lower().endswith('killed')",
        "reason.partition(': ')",
        "reason[0] == '3'",
        "PARTIAL.match(slot.reason or '')",
        "re.search('of', detail)",
        "record.getMessage().find('503')",
        "problem.message.split()",
        "listed.reason is not None",
        "1 if run.error else 2",
        "[slot for slot in slots if not slot.reason]",
        "def judge(run):\n    why = run.error\n    return why.startswith('killed')",
        "match slot.reason:\n    case 'x': pass",
    ],
)
def test_a_decision_by_a_text_is_reported(bad: str) -> None:
    assert list(parsed_sentences(bad))


@pytest.mark.parametrize(
    "good",
    [
        "slot.cause == Cause.NO_RATES",
        "one_line(slot.reason or 'blocked')",
        "f'{run.kind}: {run.error}'",
        "reject.reason is not RejectReason.EXTRA_TEXT",
        "error is None",
        "isinstance(error, OSError) and error.errno == 28",
        "name.startswith('backfill')",
    ],
)
def test_typed_fields_and_display_pass(good: str) -> None:
    assert not list(parsed_sentences(good))


def test_no_sentence_is_parsed_where_decisions_are_taken() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).glob("**/*.py")]
    files += [ROOT / "warehouse" / name for name in ("reading.py", "data_directory.py")]
    assert len(files) > 30
    hits = {
        (path.relative_to(ROOT).as_posix(), hit)
        for path in files
        for hit in parsed_sentences(path.read_text("utf-8"))
    }
    assert hits == ALLOWED
