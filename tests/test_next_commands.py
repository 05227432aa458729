"""Each next command that the program names is a command as a shell takes it: prose belongs to the message."""

from __future__ import annotations

import ast
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from ca_etl.cli.app import app

ROOT: Final = Path(__file__).parent.parent
FILES: Final = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("flows/*.py")])
# Callables that take a next command, and the position of this argument. Of an error it is the second one.
POSITIONS: Final = dict.fromkeys(("warn", "error", "unknown"), 2) | {
    "Problem": 1,
    "Condition": 3,
    "Damage": 1,
    "consult": 3,
    "print_error": 1,
}
KEYWORDS: Final = {"hint", "next_command", "later", "instead"}
# Errors whose second argument is another thing: the field of a header, the cause of a record that cannot be read.
OTHER_ERRORS: Final = {
    "HeaderError",
    "TableError",
    "ModelError",
    "PayloadError",
    "CheckError",
    "OSError",
    "ArchiveWriteError",
}
STREAM_ERRORS: Final = {
    "CutStreamError",
    "TooLargeError",
    "CorruptStreamError",
    "StorageError",
    "LockHeldError",
}
VALUE: Final = "value"
PROGRAMS: Final = frozenset(
    {"ca-etl", "make", "pip", "prefect", "psql", "python", "sudo", "systemctl", "timedatectl"}
    | {"cat", "chown", "cp", "date", "df", "echo", "env", "export", "grep", "less", "ls", "mkdir", "mv", "ps"}
    | {"rm", "sed", "unset"}
)


def given(tree: ast.Module) -> Iterator[ast.expr]:
    """The expressions that a module gives as next commands, with the values of its names ending in HINT."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            position = POSITIONS.get(name)
            if name.endswith("Error") and name not in OTHER_ERRORS | STREAM_ERRORS:
                position = 1
            if position is not None and len(node.args) > position:
                yield node.args[position]
            yield from (keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).rpartition(".")[2] in KEYWORDS:
            yield node.value


def values_by_name(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """The expressions that a module assigns to each name, or that a function of this name returns."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                values.setdefault(ast.unparse(target), []).append(node.value)
        elif isinstance(node, ast.FunctionDef):
            returns = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return))
            values.setdefault(f"{node.name}()", []).extend(filter(None, returns))
    return values


def texts(node: ast.expr, values: dict[str, list[ast.expr]], depth: int = 3) -> Iterator[str]:
    """The texts that an expression can have, with `value` for what is known at run time only."""
    branches: list[ast.expr] = []
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            branches = [body, orelse]
        case ast.BoolOp(values=operands):
            branches = operands
        case ast.Name(id=name):
            branches = values.get(name, [])
        case ast.Call(func=ast.Name(id=name)):
            branches = values.get(f"{name}()", [])
    for branch in branches if depth else ():
        yield from texts(branch, values, depth - 1)


def commands_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    values = values_by_name(tree)
    return {text for node in given(tree) for text in texts(node, values) if text}


def problem_of(command: str) -> str:
    """Why a text is not a command that can be typed; empty if it is one."""
    parsed = subprocess.run(["sh", "-n", "-c", command], capture_output=True, text=True, check=False)
    if parsed.returncode:
        return parsed.stderr
    lexer = shlex.shlex(command, posix=True, punctuation_chars="&|;()")
    lexer.whitespace_split = True
    words: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("&|;"):
            words.append([])
        else:
            words[-1].append(word)
    return next(filter(None, map(problem_of_words, words)), "")


def problem_of_words(words: list[str]) -> str:
    program, *arguments = [word for word in words if not (word[:7] == "CA_ETL_" and "=" in word)]
    if program not in PROGRAMS and not program.startswith(VALUE):
        return f"{program} is not a program"
    if program != "ca-etl" or not arguments:
        return ""
    name, *options = arguments
    command = get_command(app).commands.get(name)  # type: ignore[attr-defined]  a group
    if command is None:
        return "" if name == "--help" else f"ca-etl has no command {name}"
    if options in (["--help"], [VALUE]):
        return ""
    context = command.context_class(command, info_name=name)
    _, rest, _ = command.make_parser(context).parse_args(args=options)
    return f"too many arguments: {rest}" if rest not in ([], [VALUE]) else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_a_next_command_is_a_command(file: Path) -> None:
    assert {command: problem for command in commands_of(file) if (problem := problem_of(command))} == {}


def test_most_next_commands_are_seen() -> None:
    assert sum(len(commands_of(file)) for file in FILES) > 100


@pytest.mark.parametrize(
    "prose",
    [
        "ca-etl run (recovers their captures)",
        "ca-etl run, or ca-etl demo",
        "ca-etl doctor, then: ca-etl run",
        "restore it from a backup",
        "ca-etl runn",
        "leave out one of the two",
    ],
)
def test_prose_is_not_a_command(prose: str) -> None:
    assert problem_of(prose)
