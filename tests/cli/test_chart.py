"""`chart`: the rates of a currency as text that fits a window, and as a picture."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ca_etl.demo.faults import Fault
from ca_etl.pipeline.play import play_days
from ca_etl.report.block_chart import Marks, block_chart
from ca_etl.report.charts import RateDay
from ca_etl.settings import Settings

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

FIRST = date(2025, 12, 1)
RATES = [
    RateDay(FIRST, Decimal(518), Decimal(516), Decimal(520), official=Decimal(512)),
    RateDay(date(2025, 12, 2), Decimal(518), Decimal(516), Decimal(520), is_filled=True),
    RateDay(date(2025, 12, 4), Decimal(511), Decimal(510), Decimal(512), official=Decimal(519), disagrees=True),
]  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables for three days of the demo, the second without a page. Not to be written to."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("days"), demo_port=0, _env_file=None)
    list(play_days(settings, 3, faults={date(2025, 12, 21): Fault(status=503)}))
    return {"CA_ETL_DATA_DIR": str(settings.data_dir)}


def test_a_chart_has_a_band_points_filled_days_and_the_bank() -> None:
    assert block_chart(RATES, 40, 12, Marks()).plain.splitlines() == [
        "520.0 │░░░░░░░░░░░░░░░░        ─────────",
        "      │░░░●░░░░░░░○░░░░",
        "      │░░░░░░░░░░░░░░░░",
        "      │",
        "      │────────                ░░░░░░░░░",
        "510.0 │                        ░░░░◆░░░░",
        "      └─────────────────────────────────",
        "       2025-12-01             2025-12-04",
        "● ticker",
        "○ filled: the last rate repeated",
        "░ interval of the ticker   ─ bank",
        "◆ they disagree",
    ]


def test_of_several_days_in_a_cell_the_point_is_that_of_one_of_them() -> None:
    """The last that disagrees, at its own rate: 523 on the second of four days, where later ones have 503."""
    days = [
        RateDay(FIRST, Decimal(503), Decimal(502), Decimal(504)),
        RateDay(date(2025, 12, 2), Decimal(523), Decimal(522), Decimal(524), disagrees=True),
        RateDay(date(2025, 12, 3), Decimal(503), Decimal(502), Decimal(504), is_filled=True),
        *(RateDay(date(2025, 12, day), Decimal(503), Decimal(502), Decimal(504)) for day in range(4, 31)),
        *(RateDay(date(2026, 1, day), Decimal(503), Decimal(502), Decimal(504)) for day in range(1, 31)),
        *(RateDay(date(2026, 2, day), Decimal(503), Decimal(502), Decimal(504)) for day in range(1, 29)),
    ]
    rows = block_chart(days, 30, 8, Marks()).plain.splitlines()
    assert [row.find("◆") for row in rows if "◆" in row] == [7, 0]
    assert rows[0].startswith("524.0 │◆")
    assert "○" not in "".join(rows)


def test_plain_ascii_is_used_where_the_terminal_has_no_other_characters() -> None:
    chart = block_chart(RATES, 40, 12, Marks.of_encoding("latin-1")).plain
    assert chart.isascii()
    assert chart.splitlines()[1] == "      |:::*:::::::o::::"
    assert Marks.of_encoding("utf-8") == Marks()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("number", [1, 30, 1000])
def test_a_chart_fits_the_window(width: int, number: int) -> None:
    rates = [
        RateDay(
            FIRST + timedelta(days=day),
            Decimal(500 + day % 7),
            Decimal(499 + day % 7),
            Decimal(501 + day % 7),
            is_filled=day == number // 2,
        )
        for day in range(number)
    ]
    lines = block_chart(rates, width, 20, Marks()).plain.splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= width
    assert "○" in "".join(lines[:-4])


def test_a_day_that_a_cell_shares_with_a_filled_one_is_not_shown_as_observed() -> None:
    rates = [
        RateDay(FIRST + timedelta(days=day), Decimal(5), Decimal(4), Decimal(6), is_filled=day % 2 == 0)
        for day in range(2000)
    ]
    assert "●" not in block_chart(rates, 80, 20, Marks()).plain


def test_a_rate_that_never_changes_is_drawn_in_the_middle() -> None:
    lines = block_chart([RateDay(FIRST, official=Decimal("3.5"))], 40, 8, Marks()).plain.splitlines()
    assert lines[0].startswith("3.5000 │")
    assert "─" in lines[2]


def test_a_terminal_shows_the_chart_in_its_window(
    on_terminal: Callable[..., str], days: dict[str, str]
) -> None:
    shown = on_terminal("chart", "kzt", columns=80, **days)
    assert "\x1b[" in shown
    lines = STYLE.sub("", shown).splitlines()
    assert lines[0] == "Kazakhstani Tenge: KZT for one US dollar"
    assert len(lines) == 49
    assert max(map(len, lines)) <= 80
    assert "2025-12-20" in lines[-2]
    assert lines[-2].endswith("2025-12-22")
    assert "○ filled: the last rate repeated" in lines[-1]


def test_a_window_that_is_too_narrow_is_named_beside_what_the_chart_takes(
    cli: Cli, days: dict[str, str]
) -> None:
    done = cli("chart", "KZT", COLUMNS="20", **days)
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (
        2,
        "",
        [
            "ca-etl: the chart takes 32 columns, and the window has 20",
            "next: ca-etl chart KZT --output KZT.svg",
        ],
    )
    assert cli("chart", "KZT", COLUMNS="32", **days).returncode == 0


def test_no_color_is_respected(on_terminal: Callable[..., str], days: dict[str, str]) -> None:
    assert "\x1b[3" not in on_terminal("chart", "KZT", NO_COLOR="1", **days)


def test_a_pipe_gets_the_same_text(cli: Cli, days: dict[str, str]) -> None:
    done = cli("chart", "KZT", "--from", "2025-12-22", COLUMNS="60", LINES="12", **days)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "●" in done.stdout
    assert "○" not in done.stdout
    assert (len(lines), max(map(len, lines)) <= 60) == (11, True)
    assert "│" not in cli("chart", "KZT", PYTHONIOENCODING="ascii", **days).stdout


@pytest.mark.slow
def test_a_picture_has_the_band_the_lines_and_hollow_points(
    cli: Cli, days: dict[str, str], tmp_path: Path
) -> None:
    done = cli("chart", "KZT", "-o", "kzt.svg", **days)
    assert (done.returncode, done.stdout) == (0, "kzt.svg\n"), done.stderr
    root = ET.parse(tmp_path / "kzt.svg").getroot()  # noqa: S314  our own file
    groups = [element for element in root.iter() if "role-mark" in element.get("class", "")]

    def paths(kind: str) -> list[ET.Element]:
        return [
            path for group in groups if f"mark-{kind} " in group.get("class", "") for path in group.iter()
            if path.tag.endswith("path")
        ]  # fmt: skip

    assert any(path.get("fill") == "#1f5f99" and path.get("opacity") == "0.22" for path in paths("area"))
    assert {path.get("stroke") for path in paths("line")} >= {"#1f5f99"}
    assert [(path.get("fill"), path.get("stroke")) for path in paths("symbol")] == [("#ffffff", "#1f5f99")]
    texts = ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")]
    assert "Kazakhstani Tenge, 2025-12-20 to 2025-12-22" in texts
    assert "KZT for one US dollar" in texts
    assert any("Hollow point" in text for text in texts)
    assert cli("chart", "KZT", "-o", "kzt.PNG", **days).stdout == "kzt.PNG\n"
    assert (tmp_path / "kzt.PNG").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("args", "message", "following"),
    [
        ("XXX", "'XXX' is not one of the currencies with rates: KGS, KZT, TJS, TMT, UZS", "KGS"),
        ("KZT --from 2026-01-01 --to 2025-01-01", "2026-01-01 is after 2025-01-01", "--help"),
        (
            "KZT --from 2026-05-01",
            "no rate of KZT is known in these days, only from 2025-12-20 to 2025-12-22",
            "KZT",
        ),
        (
            "KZT -o 'a b.pdf'",
            "a b.pdf is not a file with the ending .svg or .png",
            "KZT --output KZT.svg",
        ),
        ("KZT -o ''", ". is not a file with the ending .svg or .png", "KZT --output KZT.svg"),
    ],
)
def test_an_error_has_the_next_command(
    cli: Cli, days: dict[str, str], args: str, message: str, following: str
) -> None:
    done = cli("chart", *shlex.split(args), **days)
    assert (done.returncode, done.stderr) == (2, f"ca-etl: {message}\nnext: ca-etl chart {following}\n")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("{data}/runs.jsonl", "is in the data directory"),
        ("{data}/report.html", "is in the data directory"),
        ("/dev/null", "is not a file with the ending .html"),
        ("folder.html", "is not a file with the ending .html"),
        ("", "is not a file with the ending .html"),
        ("dictionary.html", "is the name of the dictionary, which is written beside the report"),
    ],
)
def test_a_report_replaces_no_file_of_another_kind_and_none_of_the_data(
    cli: Cli, days: dict[str, str], tmp_path: Path, output: str, reason: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    path = output.format(data=days["CA_ETL_DATA_DIR"])
    done = cli("report", "--output", path, **days)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ca-etl: {path or '.'} {reason}\nnext: ca-etl report --output report.html\n"
    assert Path("/dev/null").is_char_device()
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".html"] == ["folder.html"]
