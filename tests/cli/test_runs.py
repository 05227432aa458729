"""Whatever is given: a clear sentence, nothing lost, nothing half published."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ca_etl.demo.site import DemoSite
from ca_etl.warehouse.lock import Holder, run_lock
from tests.sources.web_archives.fake_archives import FakeArchives, Page, noon, serve

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def _rejects(cli: Cli) -> list[str]:
    return cli("sql", "select reason from etl_reject order by reason", "-f", "csv").stdout.split()[1:]


@pytest.mark.parametrize(
    ("name", "content", "reasons"),
    [
        ("empty.txt", b"", ["empty"]),
        ("binary.txt", bytes(range(256)) * 40, ["binary"]),
        (
            "no-ticker.html",
            b"<html><body><h2><a href='/a-title-of-ours/'>A Title of Ours</a></h2><p>Our own text.</p></body></html>",
            ["no_ticker", "undated"],
        ),
        ("undated.txt", "• KGS/USD = 0.01144 0%\n".encode(), ["undated"]),
    ],
)
@pytest.mark.slow
def test_a_page_that_cannot_be_used_is_archived_and_rejected_with_its_reason(
    cli: Cli, tmp_path: Path, name: str, content: bytes, reasons: list[str]
) -> None:
    given = tmp_path / name
    given.write_bytes(content)
    done = cli("ingest", given)
    assert done.returncode == 0, done.stderr
    assert set(reasons) <= set(_rejects(cli))
    assert "reject" in done.stderr
    assert cli("sql", "select count(*) from raw.capture", "-f", "csv").stdout == "count_star()\n1\n"


@pytest.mark.slow
def test_rejects_are_counted_by_reason_with_the_command_that_shows_them(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    for number in range(11):
        (folder / f"{number}.txt").write_bytes(bytes(range(256)) * (40 + number))
    (folder / "empty.txt").touch()
    done = cli("ingest", folder)
    begun, warning, following = done.stderr.splitlines()[:3]
    assert begun.endswith("has no data: a new data directory is begun there")
    assert warning == "check run_has_no_rejects warning: 12 rows: 11 binary, 1 empty"
    assert following.startswith('next: ca-etl sql "from etl_reject ')
    command = shlex.split(following.removeprefix("next: ca-etl "))
    assert len(cli(*command, "-f", "csv").stdout.splitlines()) == 13
    as_json = cli("--log-format", "json", "ingest", folder / "empty.txt", "--url", "https://timesca.com/")
    records = [json.loads(line) for line in as_json.stderr.splitlines()]
    warnings = [record for record in records if record["level"] == "WARNING"]
    assert [record["next"].partition(" ")[0] for record in warnings] == ["ca-etl"]


def test_two_captures_that_cannot_both_be_true_are_printed_with_the_command_that_leaves_one_out(
    cli: Cli, page: Path
) -> None:
    hints = ("--url", "https://timesca.com/", "--captured-at", "2025-12-05T02:00:00Z")
    cli("ingest", page, *hints)
    page.write_text(page.read_text().replace("0.00198", "0.00201"))
    lines = cli("ingest", page, *hints).stderr.splitlines()
    (number,) = [
        n for n, line in enumerate(lines) if line.startswith("check captures_agree warning: 1 row, ")
    ]
    assert lines[number + 1] == "next: ca-etl decide --help"


def test_an_instant_that_is_not_a_slot_is_wrong_usage_and_names_the_slot_before(
    cli: Cli, data_dir: Path
) -> None:
    done = cli("run", "--slot", "2025-12-05T03:33:00+00:00", CA_ETL_CONTACT="me@example.org")
    assert done.returncode == 2
    assert done.stderr == (
        "ca-etl: 2025-12-05T03:33:00+00:00 is not a slot of the schedule daily; the slot before it:\n"
        "next: ca-etl run --schedule daily --slot 2025-12-05T02:00:00+00:00\n"
    )
    assert not data_dir.exists()


def test_a_missing_path_is_wrong_usage_and_names_the_path(cli: Cli, tmp_path: Path, data_dir: Path) -> None:
    done = cli("ingest", tmp_path / "nowhere.txt")
    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr
    assert not (data_dir / "current").exists()


@pytest.mark.slow
def test_a_sixth_pair_is_a_reject_and_the_five_known_ones_are_stored(cli: Cli, page: Path) -> None:
    page.write_text(
        page.read_text().replace(
            "• TMT/USD = 0.28571 0%", "• TMT/USD = 0.28571 0%\n  • AFN/USD = 0.01510 0.1%"
        )
    )
    assert cli("ingest", page).returncode == 0
    assert "unknown_pair" in _rejects(cli)
    assert cli("sql", "select base from fct_rate_observation order by position", "-f", "csv").stdout.split()[1:] == [
        "KGS", "KZT", "TJS", "UZS", "TMT",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_reordered_ticker_is_reported(cli: Cli, page: Path) -> None:
    text = page.read_text()
    page.write_text(
        text.replace("KGS/USD = 0.01144 0%", "HOLD")
        .replace("KZT/USD = 0.00198 -0%", "KGS/USD = 0.01144 0%")
        .replace("HOLD", "KZT/USD = 0.00198 -0%")
    )
    assert cli("ingest", page).returncode == 0
    assert "pair_order" in _rejects(cli)


def test_invalid_utf8_keeps_the_rates_and_does_not_stop_the_run(cli: Cli, page: Path) -> None:
    page.write_bytes(page.read_bytes().replace(b"Friday", b"Frid\xe9y"))
    assert cli("ingest", page).returncode == 0
    assert cli("sql", "select count(*) from fct_rate_observation", "-f", "csv").stdout.split()[1] == "5"


@pytest.mark.slow
def test_a_line_of_200_megabytes_is_archived_and_rejected(cli: Cli, tmp_path: Path) -> None:
    given = tmp_path / "line.txt"
    with given.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    done = cli("ingest", given)
    assert done.returncode == 0, done.stderr
    assert _rejects(cli) == ["too_large"]


def test_an_ingest_states_on_its_first_line_that_it_begins_a_data_directory(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    begun = f"{data_dir} has no data: a new data directory is begun there"
    assert cli("ingest", page).stderr.splitlines()[0] == begun
    assert begun not in cli("ingest", page).stderr


def test_a_data_directory_that_cannot_be_written_is_named(cli: Cli, page: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    done = cli("ingest", page, CA_ETL_DATA_DIR=str(in_the_way / "data"))
    assert done.returncode == 1
    assert str(in_the_way) in done.stderr
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_full_disk_leaves_the_release_as_it_was_and_the_next_run_resumes(
    cli: Cli, page: Path, data_dir: Path, tmp_path: Path
) -> None:
    assert cli("ingest", page).returncode == 0
    before = (data_dir / "current").resolve()
    other = tmp_path / "other.txt"
    other.write_text(page.read_text().replace("05 December", "06 December"))
    # the disk is full for every file above 100 kB, which the warehouse is and a small WARC is not
    full = subprocess.run(
        [str(Path(sys.executable).with_name("ca-etl")), "ingest", str(other)],
        capture_output=True,
        text=True,
        check=False,
        # Python would leave a cut file of bytecode in the environment, which no later process could import
        env={"CA_ETL_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert full.returncode == 1
    assert "Traceback" not in full.stderr
    assert "next:" in full.stderr
    assert (data_dir / "current").resolve() == before
    assert cli("ingest", other).returncode == 0
    days = cli(
        "sql", "select count(distinct rate_date) as days from fct_rate_daily", "-f", "csv"
    ).stdout.split()[1]
    assert days == "2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "2025-12-22", "--to", "2025-12-01"), "2025-12-22 is after 2025-12-01"),
        (("--from", "2025-12-01", "--to", "2199-01-01"), "2199-01-01 is in the future"),
        (
            ("--from", "2025-12-01", "--source", "pages"),
            "these have one: posts, feed, nbk, nbkr, cbu, nbt, cbr, commoncrawl, wayback",
        ),
    ],
)
def test_a_backfill_without_days_or_of_an_unknown_source_is_wrong_usage(
    cli: Cli, data_dir: Path, options: tuple[str, ...], message: str
) -> None:
    done = cli("backfill", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "is begun" not in done.stderr
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("source", "what"),
    [("nbk", "the tables of 59 days"), ("posts", "the pages of 2 months"), ("wayback", "no contact is set")],
)
def test_a_plan_that_cannot_be_made_states_what_a_backfill_requests_and_makes_nothing(
    cli: Cli, data_dir: Path, source: str, what: str
) -> None:
    done = cli("backfill", "--from", "2025-01-01", "--to", "2025-02-28", "--via", source, "--plan")
    assert done.returncode == 2
    assert what in done.stderr
    assert not data_dir.exists()


def test_a_backfill_from_a_web_archive_is_planned_and_states_the_days_that_it_won(cli: Cli) -> None:
    with serve(FakeArchives()) as archives:
        archives.pages = [Page(archives.root, noon("2025-01-12")), Page(archives.root, noon("2025-02-10"))]
        on_loopback = {"CA_ETL_SITE_URL": archives.root, "CA_ETL_COMMONCRAWL_INTERVAL_SECONDS": "0"}
        command = ("backfill", "--from", "2025-01-01", "--to", "2025-02-28", "--via", "commoncrawl")
        planned = cli(*command, "--plan", **on_loopback)
        done = cli(*command, **on_loopback)
        after = cli(*command, "--plan", **on_loopback)
    assert (planned.returncode, done.returncode, after.returncode) == (0, 0, 0), planned.stderr + done.stderr
    assert planned.stdout.splitlines() == [
        "2 captures to archive, by 6 requests",
        "0:00:00 hours at least, with the pauses of the settings",
        "2 days to win at most, from 2025-01-12 to 2025-02-10",
    ]
    assert "2 days won, from 2025-01-12 to 2025-02-10" in done.stderr
    assert "commoncrawl of 2025-02-01..2025-02-28: 1 capture, 1 of them new, 0 rejects" in done.stderr
    assert after.stdout.splitlines()[0] == "0 captures to archive, by 0 requests"


AUTUMN = ("backfill", "--from", "2025-10-01", "--to", "2025-12-22")


def on(site: DemoSite) -> dict[str, str]:
    return {"CA_ETL_SITE_URL": site.base_url, "CA_ETL_MIN_INTERVAL_SECONDS": "0"}


@pytest.mark.slow
def test_a_backfill_of_posts_logs_every_month(cli: Cli, site: DemoSite) -> None:
    done = cli(*AUTUMN, **on(site))
    assert done.returncode == 0, done.stderr
    assert re.findall(
        r"^[-0-9]+ [:,0-9]+ INFO \S+: posts of (\S+): \d+, (.*)$", done.stderr, re.MULTILINE
    ) == [
        ("2025-10-01..2025-10-31", "month 1 of 3"),
        ("2025-11-01..2025-11-30", "month 2 of 3"),
        ("2025-12-01..2025-12-22", "month 3 of 3"),
    ]
    assert "begins" not in done.stderr


@pytest.mark.slow
def test_a_backfill_of_the_feed_logs_every_twenty_pages(cli: Cli, site: DemoSite) -> None:
    done = cli(*AUTUMN, "--source", "feed", **on(site))
    assert done.returncode == 0, done.stderr
    logged = re.findall(r"INFO \S+: feed: (\d+) pages, back to (\S+)$", done.stderr, re.MULTILINE)
    assert [int(pages) for pages, _ in logged] == list(range(20, 20 * len(logged) + 1, 20))
    assert logged
    assert logged[0][1] < "2025-12-01"


@pytest.mark.parametrize(("source", "text"), [("posts", "month 3 of 3"), ("feed", "20 pages, back to")])
@pytest.mark.slow
def test_as_json_progress_is_an_object_of_its_run(cli: Cli, site: DemoSite, source: str, text: str) -> None:
    done = cli("--log-format", "json", *AUTUMN, "--source", source, **on(site))
    records = [json.loads(line) for line in done.stderr.splitlines()]
    (line,) = [record for record in records if text in record["message"]]
    assert (line["level"], line["step"], bool(line["run_id"])) == (
        "INFO",
        "capture_history",
        True,
    )


def test_an_ingest_prints_the_release_on_stdout_and_the_rest_on_stderr(
    cli: Cli, page: Path, data_dir: Path
) -> None:
    done = cli("ingest", page)
    assert (done.returncode, Path(done.stdout.strip()).name) == (0, (data_dir / "current").resolve().name)
    assert [line.split()[0] for line in done.stderr.splitlines() if " to " in line] == [
        "KGS", "KZT", "TJS", "TMT", "UZS",
    ]  # fmt: skip
    assert done.stderr.endswith(
        "\n1 capture, 2 articles: 2 new, 0 changed, 0 deleted\nnext: ca-etl report --open\n"
    )


def test_an_ingest_of_what_is_in_the_archive_already_is_a_fact_and_no_warning(cli: Cli, page: Path) -> None:
    cli("ingest", page)
    again = cli("ingest", page)
    assert again.returncode == 0
    assert "nothing new: 1 file is in the archive already\n" in again.stderr
    assert "warning: nothing" not in again.stderr
    assert "same content" not in again.stderr


def test_a_second_run_at_once_exits_75_and_names_the_holder_of_the_lock(
    cli: Cli, page: Path, data_dir: Path
) -> None:

    with run_lock(data_dir, Holder.here("20251205T020000Z", "run", datetime.now(UTC))):
        second = cli("ingest", page)
    assert second.returncode == 75
    assert "20251205T020000Z" in second.stderr
    assert "pid" in second.stderr


@pytest.mark.slow
def test_the_demo_and_a_real_site_do_not_share_a_data_directory(cli: Cli) -> None:
    assert cli("demo").returncode == 0
    refused = cli("run", CA_ETL_CONTACT="someone@example.org")
    assert refused.returncode == 2
    assert "CA_ETL_DATA_DIR" in refused.stderr


@pytest.mark.slow
def test_a_warning_that_several_days_of_the_demo_repeat_is_printed_once_with_their_number(cli: Cli) -> None:
    done = cli("demo", "--until", "2025-12-01", "--days", "9")
    (line,) = [line for line in done.stderr.splitlines() if "ticker_is_not_frozen" in line]
    assert line.endswith("(the last of 3 runs with it)")
    assert "last_date 2025-12-01" in line


def test_of_two_demos_at_once_the_second_names_the_run_that_holds_the_lock(cli: Cli, data_dir: Path) -> None:
    holder = Holder.here("20251222T020000Z", "run", datetime(2025, 12, 22, 2, tzinfo=UTC))
    with DemoSite() as first, run_lock(data_dir, holder):
        port = first.base_url.rstrip("/").rpartition(":")[2]
        done = cli("demo", CA_ETL_DEMO_PORT=port)
    assert done.returncode == 75
    assert f"pid {os.getpid()} " in done.stderr
    assert f"holds {data_dir / '.lock'}" in done.stderr


@pytest.mark.slow
def test_the_demo_plays_an_outage_and_a_wrong_rate(cli: Cli) -> None:
    done = cli("demo", "--days", "3", "--outage", "2025-12-21", "--wrong", "2025-12-22")
    assert done.returncode == 3
    assert "503" in done.stderr
    assert "ca-etl status" in done.stderr
    assert "KZT" in cli("status").stdout


@pytest.mark.slow
def test_an_empty_folder_gives_nothing_and_that_is_reported(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no file in what was given" in cli("ingest", tmp_path / "empty").stderr


def test_the_demo_site_is_served_until_ctrl_c(tmp_path: Path) -> None:
    import signal
    import urllib.request

    command = [str(Path(sys.executable).with_name("ca-etl")), "demo", "--serve"]
    environment = {**os.environ, "CA_ETL_DEMO_PORT": "0", "CA_ETL_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # a suite that a script starts in the background inherits an ignored SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}wp-json/wp/v2/posts?per_page=1", timeout=30) as response:
            assert int(response.headers["X-WP-Total"]) > 400
        serving.send_signal(signal.SIGINT)
        _, printed = serving.communicate(timeout=30)
    assert serving.returncode == 130
    settings = f"CA_ETL_SITE_URL={url} CA_ETL_MIN_INTERVAL_SECONDS=0 CA_ETL_DATA_DIR=served-data"
    days = "--from 2025-12-01 --to 2025-12-22"
    assert f"\nnext: export {settings} && ca-etl run && ca-etl backfill {days}\n" in printed
    assert "interrupted" in printed
    assert "archived" not in printed
    assert "ca-etl status" not in printed


def test_a_demo_site_on_a_port_in_use_names_a_command_that_serves_it(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = cli("demo", "--serve", CA_ETL_DEMO_PORT=str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "next: export CA_ETL_DEMO_PORT=0\n" in done.stderr


@pytest.mark.parametrize("command", ["rebuild", "status", "demo"])
def test_an_empty_data_directory_variable_is_wrong_usage(cli: Cli, tmp_path: Path, command: str) -> None:
    refused = cli(command, CA_ETL_DATA_DIR="")
    assert refused.returncode == 2
    assert "CA_ETL_DATA_DIR=: " in refused.stderr
    assert "the path is empty" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_a_backup_and_a_restore_print_what_they_did_and_the_next_command(
    cli: Cli, page: Path, tmp_path: Path
) -> None:
    assert cli("ingest", page).returncode == 0
    done = cli("backup", "copies")
    assert done.stdout == "copies\n"
    assert "3 of 3 files were new" in done.stderr
    assert "ca-etl restore copies" in done.stderr
    restored = cli("restore", "copies", CA_ETL_DATA_DIR=str(tmp_path / "elsewhere"))
    assert restored.returncode == 0
    assert restored.stdout.startswith(str(tmp_path / "elsewhere" / "releases"))
    assert cli("restore", "copies").returncode == 2


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_an_empty_path_of_a_backup_is_not_the_current_folder(cli: Cli, command: str) -> None:
    done = cli(command, "")
    assert done.returncode == 2
    assert "the path is empty" in done.stderr
    assert f"next: ca-etl {command} --help" in done.stderr
