"""Documents, command help, settings and table descriptions use the terms of the field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from ca_etl.cli.app import app
from ca_etl.settings import Settings

ROOT = Path(__file__).parents[1]
SQL = ROOT / "sql"
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADER = re.compile(r"\A/\*\n(.*?)^\*/", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"comment on (?:table|column) (\S+) is\s+'((?:[^']|'')*)'")

# Words with no right use in such a text. `closed` and `gone` are values of columns, `place` is also a town.
AVOIDED = re.compile(
    r"\b("
    r"told|tells?|said|says?|asked|asks?|answer(s|ed)?|stands?|stood|nobody|(is|are) none|with none"
    r"|looks?|looked|walk(s|ed)?|stretch(es)?|behind|beginning|blanks?|nought|figures|sums? of money|alike|likeness"
    r"|furniture|mends?|mended|heed(s|ed)?|doubt(s|ful)?|oddit(y|ies)|odd|taken (away|out)|(is|are|was) no more"
    r"|go(es)? on|runs of three words|little words|(dear|cheap) (question|check)|anew|by itself"
    r")\b",
    re.IGNORECASE,
)


def command_help() -> Iterator[tuple[str, str | None]]:
    group = get_command(app)
    yield group.name or "", f"{group.help} {group.epilog}"
    for name, command in {"": group, **group.commands}.items():  # type: ignore[attr-defined]
        yield name, command.help
        for parameter in command.params:
            yield f"{name} {parameter.name}", getattr(parameter, "help", None)


def setting_descriptions() -> Iterator[tuple[str, str | None]]:
    for name, field in Settings.model_fields.items():
        yield name, field.description


def table_descriptions() -> Iterator[tuple[str, str | None]]:
    for path in sorted(SQL.rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        header = HEADER.search(text)
        if header and path.parent.name != "macros":
            fields = yaml.safe_load(header[1])
            yield path.name, fields["description"]
            for kind in ("columns", "parameters"):
                yield from ((f"{path.name} {name}", text) for name, text in fields.get(kind, {}).items())
        yield from ((name, description) for name, description in COMMENT.findall(text))


def query_comments() -> Iterator[tuple[str, str | None]]:
    for path in sorted(SQL.rglob("*.sql")):
        for line in HEADER.sub("", path.read_text(encoding="utf-8")).splitlines():
            code, mark, comment = line.partition("-- ")
            if mark and code.count("'") % 2 == 0:
                yield path.name, comment


def paragraphs() -> Iterator[tuple[str, str | None]]:
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))):
        for text in BLOCK.sub("", path.read_text(encoding="utf-8")).splitlines():
            if text:
                yield path.name, text


def test_the_documents_have_no_avoided_word() -> None:
    assert_plain(list(paragraphs()), least=300)


def test_the_help_of_commands_has_no_avoided_word() -> None:
    assert_plain(list(command_help()), least=50)


def test_the_descriptions_of_settings_have_no_avoided_word() -> None:
    assert_plain(list(setting_descriptions()), least=30)


def test_the_descriptions_of_tables_and_columns_have_no_avoided_word() -> None:
    assert_plain(list(table_descriptions()), least=500)


def test_the_comments_of_queries_have_no_avoided_word() -> None:
    assert_plain(list(query_comments()), least=60)


def test_every_setting_and_option_is_described() -> None:
    assert [name for name, text in setting_descriptions() if not text] == []
    assert [name for name, text in command_help() if not text and not name.endswith(" help")] == []


@pytest.mark.parametrize("text", ["It says so.", "A source is told of it.", "null where nobody knows"])
def test_an_avoided_word_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError):
        assert_plain([("column", text)], least=1)


def assert_plain(texts: list[tuple[str, str | None]], *, least: int) -> None:
    """No text has an avoided word; fewer texts than `least` mean that they were not read."""
    assert len(texts) >= least
    assert [(name, match[0], text) for name, text in texts if text and (match := AVOIDED.search(text))] == []
