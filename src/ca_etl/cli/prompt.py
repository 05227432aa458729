"""The prompt of `ca-etl sql` without a query: history, completion, and statements of several lines, read-only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

from ca_etl.cli.query import Destination, queried, query_errors, run_statements
from ca_etl.cli.render import print_error, print_line
from ca_etl.errors import CaEtlError
from ca_etl.sanitize import unguarded
from ca_etl.warehouse.connection import described_tables
from ca_etl.warehouse.durable_files import StorageError, storage, user_folder

LEAVE: Final = frozenset({r"\q", "quit", "exit", "quit;", "exit;"})
# What a name can be so far: of a table with its schema, or of a column with its table.
NAME: Final = re.compile(r"[\w.]+")
FIRST_SENTENCE: Final = re.compile(r".*?[.](?=\s|$)", re.DOTALL)
SCHEMAS: Final = ("main", "raw", "staging", "seeds")
FUNCTIONS: Final = """
    select distinct function_name from duckdb_functions()
    where regexp_full_match(function_name, '[a-z]\\w*') and function_type <> 'pragma' order by function_name
"""
KEYWORDS: Final = "select keyword_name from duckdb_keywords() order by keyword_name"


@dataclass(frozen=True, slots=True)
class Names:
    """What a query can name: `tables` with their columns (name and type), functions and keywords."""

    tables: Mapping[str, Mapping[str, str]]
    descriptions: Mapping[str, str]
    functions: tuple[str, ...]
    keywords: tuple[str, ...]


def read_names(con: duckdb.DuckDBPyConnection) -> Names:
    """The names in the catalogue of a warehouse; a table of `main` has no schema in its name."""
    tables, descriptions = {}, {}
    for table in described_tables(con, *SCHEMAS):
        name = table.name if table.schema == "main" else f"{table.schema}.{table.name}"
        tables[name] = {column.name: column.type for column in table.columns}
        sentence = FIRST_SENTENCE.match(table.description)
        descriptions[name] = sentence[0] if sentence else table.description
    functions = tuple(name for (name,) in con.execute(FUNCTIONS).fetchall())
    return Names(tables, descriptions, functions, tuple(word for (word,) in con.execute(KEYWORDS).fetchall()))


class NameCompleter(Completer):
    """Completes the word before the cursor: columns of tables that the query names come first, keywords last."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002  Tab is the only event
        """Yield each name that begins with the word before the cursor, in any case, once."""
        word = document.get_word_before_cursor(pattern=NAME)
        seen = set()
        for name, meaning in self._candidates(document.text, word):
            if name.lower().startswith(word.lower()) and name not in seen:
                seen.add(name)
                yield Completion(name, start_position=-len(word), display_meta=meaning)

    def _candidates(self, text: str, word: str) -> Iterator[tuple[str, str]]:
        used = {name.lower() for name in NAME.findall(text)}
        for table, columns in self._names.tables.items():
            if table.lower() in used:
                yield from columns.items()
            if word.lower().startswith(f"{table.lower()}."):
                yield from ((f"{table}.{column}", kind) for column, kind in columns.items())
        yield from self._names.descriptions.items()
        yield from ((name, "function") for name in self._names.functions)
        yield from ((name, "") for name in self._names.keywords)


def is_complete(text: str) -> bool:
    """Whether what is typed at the prompt ends: with a semicolon that no text or comment contains, or with a command.

    >>> is_complete("select 1"), is_complete("select 1; -- one"), is_complete("select ';"), is_complete("quit")
    (False, True, False, True)
    """
    if not text.strip() or text.strip() in LEAVE:
        return True
    data = text.encode()
    last = max((at for at, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment), default=0)
    rest = data[last + 1 :].decode()
    return data[last : last + 1] == b";" and all(
        not line.strip() or line.lstrip().startswith("--") for line in rest.splitlines()
    )


def run_prompt(
    data_dir: Path, destination: Destination, *, release_id: str | None = None, failed: bool = False
) -> None:
    r"""Read queries at a prompt and run them, until Ctrl-D or `\q`; an error ends a query, and not the prompt.

    All queries read one release, that of `queried`, also once the next run has published another one. Raises what
    `queried` raises.
    """
    with queried(data_dir, release_id, failed=failed) as con:
        session = _session(NameCompleter(read_names(con)))
        print_line(
            r"read-only; a query ends with ; and Enter, Tab completes, Ctrl-C cancels, \q or Ctrl-D leaves"
        )
        while True:
            try:
                text = session.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text.strip() in LEAVE:
                return
            if text.strip():
                _run(con, text, destination)


def _run(con: duckdb.DuckDBPyConnection, text: str, destination: Destination) -> None:
    try:
        with query_errors():
            run_statements(con, text, destination)
    except CaEtlError as error:
        print_error(str(error), error.hint)
    except (KeyboardInterrupt, RuntimeError) as error:
        # DuckDB turns Ctrl-C within a query into a RuntimeError of its own
        if isinstance(error, RuntimeError) and "interrupted" not in str(error):
            raise
        con.interrupt()  # without it the query may run on, and the next one wait for it
        print_line("interrupted")


def _session(completer: Completer) -> PromptSession[str]:
    bindings = KeyBindings()

    @bindings.add("enter", filter=Condition(lambda: is_complete(session.default_buffer.text)))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    session: PromptSession[str] = PromptSession(
        "sql> ",
        prompt_continuation="...> ",
        multiline=True,
        completer=completer,
        complete_while_typing=False,
        history=_history(),
        key_bindings=bindings,
        # the guarded stream would show the escapes that move the cursor
        output=create_output(unguarded(sys.stdout)),
    )
    return session


def _history() -> History:
    """The queries of earlier sessions, in a file that only the user can read; without one, those of this session."""
    try:
        path = user_folder("XDG_STATE_HOME", ".local/state") / "sql_history"
        with storage(path):
            path.touch(mode=0o600)
            path.chmod(0o600)
        return FileHistory(str(path))
    except StorageError as error:
        print_line(f"queries are not kept: {error}", hint=error.hint)
        return InMemoryHistory()
