"""docs/cli.md and docs/settings.md, made from the help of the commands and the fields of the settings.

python scripts/reference.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from typer import Context
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ca_etl.cli.app import app
from ca_etl.settings import Settings

DOCS: Final = Path(__file__).parents[1] / "docs"
WIDTH: Final = 110
NOTE: Final = "<!-- Made by `python scripts/reference.py`; a test compares. -->"
STATUSES: Final = """\
| exit status | meaning |
| --- | --- |
| 0 | done |
| 1 | failed, and the message ends with the next command; or what the command's help states |
| 2 | wrong usage or settings |
| 3 | a check failed, nothing was published |
| 75 | another run holds the lock |
| 130 | interrupted; what was archived is kept for the next run |

Results go to stdout, logs and progress to stderr.

On a terminal, `ca-etl sql` makes a table fit the window: columns are left out in the middle, texts are cut, line ends
are shown as `↵`, decimals have no zeros at their end, null is `NULL` (a text of these letters is in quotes), and the
last line counts rows and columns. `--format line` shows every value, each on a line of its own. What is longer than
the window goes through `$PAGER`, without one through `less`. Piped, a table is complete.

`ca-etl --install-completion` sets up completion in bash, zsh, fish and PowerShell, from the next terminal on: of
commands and options, of tables after `export --table`, of releases after `sql --release` and `rollback`."""
LISTS: Final = (
    'Variables of the environment, or lines of a `.env` file. A list is JSON, such as `["a", "b"]`.'
)
BOUNDS: Final = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to"}


def commands() -> str:
    """The page of the commands: the help that each prints, without the frames of a terminal."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101  what holds several commands is a group
    parent = _context(group, "ca-etl", None)
    parts = ["# Commands", NOTE, STATUSES, _help(group, parent)]
    for name, command in group.commands.items():
        parts += [f"## {name}", _help(command, _context(command, name, parent))]
    return "\n\n".join(parts) + "\n"


def settings() -> str:
    """The page of the settings: a row for each field."""
    schema = Settings.model_json_schema()
    rows = [_row(name, field, schema.get("$defs", {})) for name, field in schema["properties"].items()]
    table = ["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *rows]
    return "\n\n".join(["# Settings", NOTE, LISTS, "\n".join(table)]) + "\n"


def _context(command: TyperCommand | TyperGroup, name: str, parent: Context | None) -> Context:
    return Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **app.info.context_settings,
    )


def _help(command: TyperCommand | TyperGroup, context: Context) -> str:
    command.rich_markup_mode = None  # with a mode, Typer prints the help and returns nothing
    lines = command.get_help(context).splitlines()
    return "\n".join(["```text", *(line.rstrip() for line in lines), "```"])


def _row(name: str, field: dict[str, Any], types: dict[str, Any]) -> str:
    default = field.get("default")
    shown = (
        ""
        if default in (None, "", [])
        else f"`{default if isinstance(default, str) else json.dumps(default)}`"
    )
    return (
        f"| `CA_ETL_{name.upper()}` | {', '.join(_type(field, types))} | {shown} | {field['description']} |"
    )


def _type(field: dict[str, Any], types: dict[str, Any]) -> Iterator[str]:
    """The type of a field and its bounds, such as `integer`, `from 1`."""
    field = {**next(iter(field.get("anyOf", [])), {}), **types.get(_reference(field), {}), **field}
    if field.get("writeOnly"):
        yield "secret"
    elif "enum" in field:
        yield " or ".join(field["enum"])
    elif field["type"] == "array":
        yield f"list of {', '.join(types.get(_reference(field['items']), {}).get('enum', ['strings']))}"
    else:
        yield field.get("format", field["type"])
    yield from (f"{word} {json.dumps(field[bound])}" for bound, word in BOUNDS.items() if bound in field)


def _reference(field: dict[str, Any]) -> str:
    return str(field.get("$ref", "")).rpartition("/")[2]


if __name__ == "__main__":
    (DOCS / "cli.md").write_text(commands(), encoding="utf-8")
    (DOCS / "settings.md").write_text(settings(), encoding="utf-8")
