"""Whatever is given: a clear sentence, nothing lost, nothing half published."""

from __future__ import annotations

import json
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

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


def test_rejects_are_counted_by_reason_with_the_command_that_shows_them(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    for number in range(11):
        (folder / f"{number}.txt").write_bytes(bytes(range(256)) * (40 + number))
    (folder / "empty.txt").touch()
    done = cli("ingest", folder)
    warning, following = done.stderr.splitlines()[:2]
    assert warning == "check run_has_no_rejects warning: 12 rows: 11 binary, 1 empty"
    assert following.startswith('next: ca-etl sql "from etl_reject ')
    command = shlex.split(following.removeprefix("next: ca-etl "))
    assert len(cli(*command, "-f", "csv").stdout.splitlines()) == 13
    as_json = cli("--log-format", "json", "ingest", folder / "empty.txt", "--url", "https://timesca.com/")
    told = [json.loads(line) for line in as_json.stderr.splitlines()]
    assert [each["next"].partition(" ")[0] for each in told if each["level"] == "WARNING"] == ["ca-etl"]


def test_a_missing_path_is_wrong_usage_and_names_the_path(cli: Cli, tmp_path: Path, data_dir: Path) -> None:
    done = cli("ingest", tmp_path / "nowhere.txt")
    assert done.returncode == 2
    assert "nowhere.txt" in done.stderr
    assert not (data_dir / "current").exists()


def test_a_sixth_pair_is_a_reject_and_the_five_known_ones_stand(cli: Cli, page: Path) -> None:
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


def test_a_reordered_ticker_is_told(cli: Cli, page: Path) -> None:
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


def test_a_line_of_200_megabytes_is_archived_and_rejected(cli: Cli, tmp_path: Path) -> None:
    given = tmp_path / "line.txt"
    with given.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    done = cli("ingest", given)
    assert done.returncode == 0, done.stderr
    assert _rejects(cli) == ["too_large"]


def test_a_data_directory_that_cannot_be_written_is_named(cli: Cli, page: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    done = cli("ingest", page, CA_ETL_DATA_DIR=str(in_the_way / "data"))
    assert done.returncode == 1
    assert str(in_the_way) in done.stderr
    assert "next:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_leaves_the_release_as_it_was_and_the_next_run_goes_on(
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
        env={"CA_ETL_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin"},
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
    ("asked", "told"),
    [
        (("--from", "2025-12-22", "--to", "2025-12-01"), "2025-12-22 is after 2025-12-01"),
        (("--from", "2025-12-01", "--source", "pages"), "posts and feed have one"),
    ],
)
def test_a_backfill_of_no_days_or_of_no_source_is_a_wrong_use(
    cli: Cli, data_dir: Path, asked: tuple[str, ...], told: str
) -> None:
    done = cli("backfill", *asked)
    assert done.returncode == 2
    assert told in done.stderr
    assert not data_dir.exists()
