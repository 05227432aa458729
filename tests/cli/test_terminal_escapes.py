"""No command writes a character that steers a terminal, whatever pages, names, arguments and settings hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from typer.main import get_command

from ca_etl.cli.app import app
from ca_etl.sanitize import STEERING

pytestmark = pytest.mark.slow

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
# The title of the window and a bell, a colour, a C1 CSI, DEL, an override of the writing direction.
HOSTILE = "Evil\x1b]0;x\x07 \x1b[31mRED \x9b31m \x7f \u202e end"
SHOWN = r"Evil\x1b]0;x\x07"
# What Rich itself writes: a style, and what a progress bar needs.
OF_RICH = re.compile(r"\x1b\[(?:\d+(?:;\d+)*m|\?25[lh]|2K|1A)|\r")
# Arguments with which each command shows names, texts and errors; the others get an argument too many.
ARGUMENTS: dict[str, list[tuple[str, ...]]] = {
    "run": [("--again",), ("--slot", HOSTILE), ("--schedule", HOSTILE)],
    "ingest": [(f"{HOSTILE}.txt",), (f"{HOSTILE}.doc",), ("there.txt", "--url", f"http://x/{HOSTILE}")],
    "backfill": [("--from", HOSTILE), ("--from", "2025-12-01", "--source", HOSTILE)],
    "rebuild": [()],
    "demo": [("--outage", HOSTILE)],
    "sql": [
        ("from fct_article",),
        (f"select '{HOSTILE}' as \"{HOSTILE}\"",),
        (f"select '{HOSTILE}' as \"{HOSTILE}\"", "--format", "line"),
        (f"select '{HOSTILE}' as \"{HOSTILE}\"", "--format", "csv"),
        (f"select '{HOSTILE}' as \"{HOSTILE}\"", "--format", "json"),
        ("from etl_reject", "--failed"),
        (f"from \"{HOSTILE}\"",),
        (f"select error('{HOSTILE}')",),
        (f"select '{HOSTILE}'::int",),
        ("select 1", "--format", HOSTILE),
        ("select 1", "--output", f"{HOSTILE}/x.csv", "--format", "csv"),
        (f"select '{HOSTILE}' from range(99)",),
        ("select 1", "--release", HOSTILE),
    ],
    "search": [("end",), ("end", "-f", "csv"), ("end", "-f", "json"), (HOSTILE,), ("end", "--country", HOSTILE)],
    "rollback": [(HOSTILE,)],
    "decide": [("exclude", HOSTILE, "--reason", HOSTILE), (HOSTILE, "x", "--reason", "y")],
    "export": [(f"out {HOSTILE}",), ("out", "--table", HOSTILE), (f"{HOSTILE}.txt",)],
    "status": [(), ("--json",), ("--fail-if-stale",)],
    "doctor": [(), ("--json",), ("--deep",)],
    "verify": [("--quick",)],
    "alerts": [("--dry-run",), ("--dry-run", "--json")],
}  # fmt: skip


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / f"data {HOSTILE}"


@pytest.fixture
def filled(cli: Cli, page: Path, data_dir: Path, tmp_path: Path) -> Iterator[Path]:
    """A data directory whose titles, rejects, errors, decisions and files steer a terminal."""
    text = page.read_text().replace("A Bridge Opens Over the Chu", HOSTILE)
    (tmp_path / f"{HOSTILE}.txt").write_text(text)
    (tmp_path / "there.txt").write_text(text)
    (tmp_path / "less.txt").write_text(text.replace("= 0.01144", f"= {HOSTILE}"))
    (tmp_path / f"{HOSTILE}.doc").write_text("not taken")
    assert cli("ingest", "less.txt", f"{HOSTILE}.txt").returncode == 0
    assert cli("run", CA_ETL_CONTACT="me@example.org", CA_ETL_SITE_URL="http://127.0.0.1:9/").returncode
    release = (data_dir / "current").resolve()
    release.chmod(0o755)
    yield data_dir
    shutil.rmtree(data_dir, ignore_errors=True)


def steering(text: str) -> list[str]:
    return STEERING.findall(OF_RICH.sub("", text))


def test_no_command_writes_a_character_that_steers(on_terminal: Callable[..., str], filled: Path) -> None:
    (filled / "current" / f"{HOSTILE}.parquet").write_text("not published")
    names = list(get_command(app).commands)  # type: ignore[attr-defined]
    raw = []
    for command in names:
        for arguments in (*ARGUMENTS.get(command, ()), (f"--{HOSTILE}",)):
            shown = on_terminal(command, *arguments, CA_ETL_MIN_INTERVAL_SECONDS="0", PAGER="cat")
            if steering(shown) or not shown:
                raw.append((command, *arguments))
    assert raw == []
    assert steering(on_terminal(HOSTILE)) == []
    for setting in ("CA_ETL_TIMEZONE", "CA_ETL_LOG_FORMAT", "CA_ETL_SITE_URL", "CA_ETL_CONTACT", "CA_ETL_NO"):
        assert steering(on_terminal("doctor", **{setting: HOSTILE})) == [], setting


def test_names_and_texts_are_shown_with_escapes(on_terminal: Callable[..., str], filled: Path) -> None:
    for command in (("status",), ("doctor",), ("releases",), ("sql", "select title from fct_article")):
        assert SHOWN in on_terminal(*command, columns=400), command


@pytest.mark.skipif(duckdb.__version__ >= "2", reason="the package of the extension is for DuckDB 1.5.5")
def test_a_search_shows_titles_with_escapes(on_terminal: Callable[..., str], filled: Path) -> None:
    assert SHOWN in on_terminal("search", "bridge", columns=400)
