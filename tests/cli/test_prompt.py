"""The prompt of `ca-etl sql`, typed at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from ca_etl.cli.prompt import NameCompleter, is_complete, read_names
from ca_etl.warehouse.connection import open_building, open_release

COMMAND = str(Path(sys.executable).with_name("ca-etl"))
CTRL_C, CTRL_D, ENTER, TAB, UP = "\x03", "\x04", "\r", "\t", "\x1b[A"
CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\x1b[=>]")
# A busy machine may take long for an answer; what does not come at all is a failure.
LONGEST = 40.0


class Terminal:
    """A terminal of 40 lines and 100 columns in which the command runs."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(COMMAND, [COMMAND, "sql", *arguments], environment)  # noqa: S606  our own command
        self._unread = ""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, pattern: str) -> str:
        """What is shown up to a match of the pattern, without the sequences that move the cursor."""
        end = time.monotonic() + LONGEST
        while (match := re.search(pattern, self._unread)) is None:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            assert ready, self._unread
            self._unread += CONTROL.sub("", os.read(self.fd, 65_536).decode())
        shown, self._unread = self._unread[: match.end()], self._unread[match.end() :]
        return shown

    def status(self) -> int:
        """The exit status of the command, once it has ended."""
        with suppress(OSError):  # how Linux ends a terminal that no process has open
            while os.read(self.fd, 65_536):
                pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


Start = Callable[..., Terminal]


@pytest.fixture
def warehouse(data_dir: Path) -> Path:
    folder = data_dir / "releases" / "20251201T020000Z"
    folder.mkdir(parents=True)
    with open_building(folder / "warehouse.duckdb") as con:
        con.execute("create table main.fct_day as select range as number, 'x' as word from range(3)")
        con.execute("comment on table main.fct_day is 'One row per day. More about it.'")
        con.execute("create schema raw; create table raw.page (url varchar, bytes integer)")
    (data_dir / "current").symlink_to("releases/20251201T020000Z")
    return folder / "warehouse.duckdb"


@pytest.fixture
def start(environment: dict[str, str], warehouse: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the prompt at a terminal, whose history is in a folder of the test."""
    terminals: list[Terminal] = []
    variables = {
        **{name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES"}},
        "TERM": "xterm",
        "PAGER": "cat",
        "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody responds to where the cursor is
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def started(*arguments: str, **more: str) -> Terminal:
        terminals.append(Terminal({**variables, **more}, *arguments))
        terminals[-1].until("sql>")
        return terminals[-1]

    yield started
    for terminal in terminals:
        with suppress(ProcessLookupError, ChildProcessError):
            if os.waitpid(terminal.pid, os.WNOHANG) == (0, 0):
                os.kill(terminal.pid, signal.SIGKILL)
                os.waitpid(terminal.pid, 0)


def test_a_query_of_several_lines_ends_with_a_semicolon(start: Start) -> None:
    terminal = start()
    terminal.type(f"select max(number){ENTER}")
    terminal.until(r"\.\.\.>")
    terminal.type(f"+ 40 as answer from fct_day;{ENTER}")
    assert re.search(r"answer\s+─+\s+42\s+1 row, 1 column", terminal.until("1 row, 1 column"))
    terminal.until("sql>")
    terminal.type(CTRL_D)
    assert terminal.status() == 0


def test_an_error_does_not_end_the_prompt_and_nothing_is_written(start: Start, warehouse: Path) -> None:
    before = warehouse.read_bytes()
    terminal = start()
    for query, shown in (
        ("select nothing from fct_day;", "next: ca-etl describe fct_day"),
        ("selec 1;", "Parser Error"),
        ("drop table fct_day;", "DROP is refused: only statements that read may run"),
        (";", "there is no statement to run"),
        ("select 6 * 7 as answer;", r"42\s+1 row"),
    ):
        terminal.type(f"{query}{ENTER}")
        terminal.until(shown)
        terminal.until("sql>")
    terminal.type(rf"\q{ENTER}")
    assert terminal.status() == 0
    assert warehouse.read_bytes() == before


@pytest.mark.skipif(duckdb.__version__ >= "2", reason="DuckDB 2.0.0 misses a Ctrl-C now and then")
def test_ctrl_c_cancels_the_line_and_a_query_that_runs(start: Start) -> None:
    terminal = start()
    terminal.type(f"select 'half{CTRL_C}")
    terminal.until("sql>")
    terminal.type(f"select count(*) from range(1000000000) as a, range(1000000) as b;{ENTER}")
    terminal.until(r"as b;\s*\n")
    time.sleep(1)  # until the query runs
    terminal.type(CTRL_C)
    terminal.until("interrupted")
    terminal.until("sql>")
    terminal.type(f"select 6 * 7 as answer;{ENTER}")
    terminal.until(r"42\s+1 row")
    terminal.until("sql>")
    terminal.type(f"quit{ENTER}")
    assert terminal.status() == 0


def test_queries_are_kept_in_a_file_of_the_user_alone(start: Start, tmp_path: Path) -> None:
    first = start()
    first.type(f"select 6 * 7 as answer;{ENTER}")
    first.until(r"42\s+1 row")
    first.until("sql>")
    first.type(CTRL_D)
    assert first.status() == 0
    path = tmp_path / "state" / "ca-etl" / "sql_history"
    assert [place.stat().st_mode & 0o777 for place in (path, path.parent)] == [0o600, 0o700]
    second = start()
    second.type(UP)
    second.until("as answer;")
    second.type(ENTER)
    second.until(r"42\s+1 row")


def test_without_a_folder_for_the_history_the_prompt_works(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    terminal = start(XDG_STATE_HOME=str(tmp_path / "file"))
    terminal.type(f"select 6 * 7 as answer;{ENTER}")
    terminal.until(r"42\s+1 row")


def test_tab_completes_a_name(start: Start) -> None:
    terminal = start()
    terminal.type(f"from fct_d{TAB}")
    terminal.until("fct_day")
    terminal.type(f" limit 1;{ENTER}")
    terminal.until("1 row, 2 columns")


def test_results_have_the_form_of_the_option_and_no_character_that_steers(start: Start) -> None:
    terminal = start("-f", "csv")
    terminal.type(f"select 'a' || chr(27) || 'b' as word;{ENTER}")
    terminal.until(r"\na\\x1bb\r\n")


def complete(warehouse: Path, text: str) -> list[str]:
    with open_release(warehouse) as con:
        completer = NameCompleter(read_names(con))
    completions = completer.get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [completion.text for completion in completions]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("from fct_", ["fct_day"]),
        ("from FCT_", ["fct_day"]),
        ("from raw.", ["raw.page"]),
        ("from fct_day where nu", ["number", "nullif"]),
        ("select fct_day.nu", ["fct_day.number"]),
        ("select nulli", ["nullif"]),
        ("select 1 from fct_day offse", ["offset"]),
        ("select no_such_name", []),
    ],
)
def test_names_of_the_catalogue_complete_a_word(warehouse: Path, text: str, first: list[str]) -> None:
    assert complete(warehouse, text)[: len(first) or None] == first


def test_the_columns_of_the_tables_in_the_query_come_first(warehouse: Path) -> None:
    assert complete(warehouse, "from fct_day select ")[:2] == ["number", "word"]


def test_a_completion_has_the_meaning_of_a_table_and_the_type_of_a_column(warehouse: Path) -> None:
    with open_release(warehouse) as con:
        names = read_names(con)
    assert names.descriptions["fct_day"] == "One row per day."
    assert names.tables["raw.page"] == {"url": "VARCHAR", "bytes": "INTEGER"}


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("select 1", False),
        ("select 1;", True),
        ("select 1; -- one; two", True),
        ("select 'ё;", False),
        ("select 'ё;';", True),
        ("select 1; select 2", False),
        ("select 1 -- ;", False),
        (r"\q", True),
        ("exit", True),
    ],
)
def test_a_semicolon_that_no_text_or_comment_contains_ends_a_query(text: str, complete: bool) -> None:
    assert is_complete(text) is complete
