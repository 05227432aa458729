"""What a site or a setting holds reaches no terminal as a command, no sentence as a secret, no release as a path."""

from __future__ import annotations

import io
import json
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from ca_etl.cli.render import bar_after

pytestmark = pytest.mark.slow

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
REASON = "\x1b[31mRED\x1b]0;title\x07\x1b[2J\x9b31m\x7f"
SHOWN = r"\x1b[31mRED\x1b]0;title\x07\x1b[2J"
SECRET = "hunter2-0"  # noqa: S105
QUICK = {"CA_ETL_MIN_INTERVAL_SECONDS": "0", "CA_ETL_BACKOFF_SECONDS": "0", "CA_ETL_MAX_ATTEMPTS": "1"}
# A style of Rich's own, and nothing else, may begin with an escape.
STEERS = ("\x1b]", "\x1b[2J", "\x1b[31mRED", "\x07", "\x9b", "\x7f", "\u202e", "\u2066", "\u200f", "\u061c")


class Refusing(socketserver.StreamRequestHandler):
    """No robots.txt, and for each page a status line that steers a terminal."""

    def handle(self) -> None:
        target = self.rfile.readline().split()[1]
        while self.rfile.readline().strip():
            pass
        status = "404 Not Found" if target == b"/robots.txt" else f"500 {REASON}"
        self.wfile.write(
            f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")
        )


@pytest.fixture
def site() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def steering(text: str) -> list[str]:
    return [mark for mark in STEERS if mark in text]


def test_a_reason_that_steers_is_shown_by_every_command_and_kept_as_signs(
    cli: Cli, on_terminal: Callable[..., str], site: str, data_dir: Path
) -> None:
    done = cli("-v", "run", CA_ETL_SITE_URL=site, **QUICK)
    assert done.returncode == 1
    assert done.stderr.count(SHOWN) > 4
    assert steering(done.stderr) == []
    lines = cli("--log-format", "json", "run", "--again", CA_ETL_SITE_URL=site, **QUICK).stderr.splitlines()
    assert [json.loads(line)["message"] for line in lines if SHOWN in json.loads(line)["message"]]
    for command in (("status",), ("doctor",), ("alerts",), ("status", "--json"), ("alerts", "--json")):
        shown = on_terminal(*command)
        assert steering(shown) == [], command
        assert "RED" in shown, command
    journal = (data_dir / "runs.jsonl").read_text()
    assert SHOWN in json.loads(journal.splitlines()[0])["error"]
    assert steering(journal) == []


def test_titles_reach_a_terminal_as_signs_in_every_form(
    cli: Cli, on_terminal: Callable[..., str], page: Path
) -> None:
    title = "Evil \u202e\u2066\u200f\u061c\x9b31m Title"
    page.write_text(page.read_text().replace("A Bridge Opens Over the Chu", title))
    assert cli("ingest", page).returncode == 0
    steers = "chr(27) || '[31mRED' || chr(27) || ']0;x' || chr(7)"
    for form in ("table", "csv", "json"):
        query = f'select title, {steers} as "[/]" from fct_article'
        shown = on_terminal("sql", query, "--format", form)
        assert steering(shown) == [], form
        assert r"\u202e" in shown, form
        assert "Traceback" not in shown, form
    assert "\x1b[31mRED" in cli("sql", f"select {steers} as a", "-f", "csv").stdout
    assert steering(cli("sql", f"select {steers} as a").stdout) == []


def test_help_and_tables_keep_their_own_colours(
    cli: Cli, on_terminal: Callable[..., str], page: Path
) -> None:
    assert "\x1b[1m" in on_terminal("run", "--help")
    assert cli("ingest", page).returncode == 0
    assert "\x1b[32m" in on_terminal("doctor")


def test_an_error_of_duckdb_that_repeats_a_text_shows_it(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    failed = cli("sql", "select error('\x1b[31mRED\x07 ' || chr(8238))")
    assert failed.returncode == 1
    assert steering(failed.stderr) == []
    assert r"\u202e" in failed.stderr


def test_formulas_are_guarded_in_csv_on_request_not(cli: Cli, page: Path, tmp_path: Path) -> None:
    page.write_text(page.read_text().replace("A Bridge Opens Over the Chu", "=HYPERLINK of the Chu Bridge"))
    assert cli("ingest", page).returncode == 0
    query = "select title from fct_article order by title"
    assert cli("sql", query, "-f", "csv").stdout.splitlines()[1] == "'=HYPERLINK of the Chu Bridge"
    assert cli("sql", query, "-f", "csv", "--raw").stdout.splitlines()[1] == "=HYPERLINK of the Chu Bridge"
    for options, mark in ((), ",'=HYPERLINK"), (("--raw",), ",=HYPERLINK"):
        out = tmp_path / f"out{len(options)}"
        assert cli("export", out, "-t", "fct_article", "-f", "csv", *options).returncode == 0
        assert mark in (out / "fct_article.csv").read_text()
    changes = cli("sql", "select change_text, change_pct from fct_rate_observation", "-f", "csv").stdout
    assert "'" not in changes
    assert "-0%" in changes


@pytest.mark.parametrize(
    "address",
    [
        f"http://u:{SECRET}@127.0.0.1:9/",
        f"http://{SECRET}@127.0.0.1:9/",
        f"http://:{SECRET}@127.0.0.1:9/",
        f"http://u:p@{SECRET}@127.0.0.1:9/",
        f"htp://u:{SECRET}@127.0.0.1:9/",
        f"http://u:{SECRET}@127.0.0.1:many/",
        f"u:{SECRET}@127.0.0.1:9/",
        f"http:///u:{SECRET}/x@",
    ],
)
def test_a_password_in_the_address_of_the_site_is_refused_without_being_shown(
    cli: Cli, address: str, data_dir: Path
) -> None:
    for command in (("run",), ("doctor", "--json")):
        done = cli(*command, CA_ETL_SITE_URL=address)
        assert done.returncode == (1 if "doctor" in command else 2)
        assert "CA_ETL_SITE_URL" in done.stderr + done.stdout
        assert SECRET not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
    assert not data_dir.exists()


def test_a_password_in_a_page_to_capture_or_in_a_url_given_is_refused(cli: Cli, page: Path) -> None:
    listed = cli("status", CA_ETL_LISTING_PATHS=json.dumps(["/", f"//u:{SECRET}@127.0.0.1/"]))
    given = cli("ingest", page, "--url", f"https://u:{SECRET}@timesca.com/")
    for refused in (listed, given):
        assert refused.returncode == 2
        assert SECRET not in refused.stderr + refused.stdout


def test_the_published_release_and_the_journal_name_no_folder_of_the_machine(
    cli: Cli, page: Path, data_dir: Path, tmp_path: Path
) -> None:
    assert data_dir.is_absolute()
    in_the_way = data_dir / "archive"
    data_dir.mkdir()
    in_the_way.write_text("not a folder")
    failed = cli("ingest", page)
    assert failed.returncode == 1
    assert str(in_the_way) in failed.stderr
    in_the_way.unlink()
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "page.txt").write_bytes(page.read_bytes())
    (folder / "notes.doc").write_text("not taken")
    assert cli("ingest", folder).returncode == 0
    runs = cli("sql", "select error, warnings from etl_run order by started_at", "-f", "csv").stdout
    assert "archive" in runs
    assert "notes.doc was not archived" in runs
    assert cli("export", tmp_path / "out").returncode == 0
    written = [data_dir / "runs.jsonl", *(data_dir / "current").resolve().rglob("*")]
    for path in (path for path in written if path.is_file()):
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert str(tmp_path) not in cli("sql", "from etl_run", "-f", "json").stdout


def _shown(seconds: float) -> str:
    out = io.StringIO()
    with bar_after(seconds, Console(file=out, force_terminal=True, width=80)) as progress:
        for done in range(3):
            progress("load", done, 3)
    return out.getvalue()


def test_work_that_lasts_gets_a_bar() -> None:
    assert "load" in _shown(0.0)


def test_the_bar_has_the_rate_and_the_time_left() -> None:
    shown = _shown(0.0)
    assert "/s" in shown
    assert "left" in shown


def test_short_work_gets_none() -> None:
    assert _shown(60.0) == ""
