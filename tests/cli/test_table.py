"""A result fits the window: whole columns are left out in the middle, texts are cut, numbers never are."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from ca_etl.cli.render import Format, write_result
from ca_etl.cli.table import Layout, cell_text, columns_of, fit, record_lines
from ca_etl.pipeline.play import play_days
from ca_etl.settings import Settings
from ca_etl.warehouse.connection import open_release

STYLE = re.compile(r"\x1b\[[0-9;]*m")


def cells(line: str) -> int:
    """The cells of a line on a terminal, counted without Rich."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide - sum(unicodedata.combining(character) > 0 for character in line)


def lines(layout: Layout, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(layout.table)
    shown = out.getvalue().splitlines()
    assert all(cells(line.rstrip()) <= width for line in shown)
    return [line.strip() for line in shown if line.strip() and "─" not in line]


def shown(width: int, **columns: tuple[str, str | None]) -> list[str]:
    """The header and the one row of a table; each column is its type and its value."""
    kinds, row = zip(*columns.values(), strict=True)
    return lines(fit(columns_of(list(columns), kinds, [row]), width), width)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "varchar", "NULL"),
        ("NULL", "varchar", '"NULL"'),
        ("", "varchar", ""),
        ("0.01144000", "decimal", "0.01144"),
        ("100.00", "decimal", "100"),
        ("-0.00", "decimal", "-0"),
        ("100", "decimal", "100"),
        ("100", "bigint", "100"),
        ("1.50", "varchar", "1.50"),
        ("one\r\ntwo\nthree\tfour", "varchar", "one↵two↵three⇥four"),
        ("\x1b[31m\u202e", "varchar", r"\x1b[31m\u202e"),
    ],
)
def test_a_cell_is_one_line_in_which_null_is_not_a_text(value: str | None, kind: str, text: str) -> None:
    assert cell_text(value, kind, trim=True) == text


def test_a_decimal_keeps_its_zeros_where_it_is_not_for_a_terminal() -> None:
    assert cell_text("0.01144000", "decimal", trim=False) == "0.01144000"


def test_decimals_are_aligned_at_the_point() -> None:
    columns = columns_of(["rate"], ["decimal"], [["0.01144000"], ["12.50000000"], ["7.00000000"], [None]])
    assert columns[0].cells == ["0.01144", "12.5    ", "7      ", "NULL      "]


def test_all_columns_are_shown_while_they_fit_with_their_texts_cut() -> None:
    assert shown(60, day=("date", "2025-12-05"), title=("varchar", "x" * 200)) == [
        "day          title",
        f"2025-12-05   {'x' * 44}…",
    ]


def test_columns_are_left_out_in_the_middle_and_the_first_ones_and_the_last_stay() -> None:
    columns = {f"c{number}": ("integer", "12345678") for number in range(30)}
    header, row = shown(80, **columns)
    assert header.split() == ["c0", "c1", "c2", "c3", "c4", "c5", "…", "c29"]
    assert row.split() == ["12345678"] * 6 + ["…", "12345678"]


def test_eight_columns_are_all_shown_with_their_texts_cut() -> None:
    at, amount = "2025-12-05 02:00:00+00", "5800000.25"
    texts = {f"text_{number}": ("varchar", "x" * 50) for number in range(6)}
    columns = {"at": ("timestamp", at), **texts, "amount": ("decimal", amount)}
    header, row = shown(80, **columns)
    assert header.split() == ["at", *["tex…"] * 6, "amount"]
    assert row.split("   ") == [at, *["xxx…"] * 6, amount]
    assert "…" not in shown(80, **columns, more=("integer", "1"))[1].split()[:3]
    assert "…" in shown(80, **columns, more=("integer", "1"))[1].split()


def test_few_columns_that_no_cut_makes_fit_are_left_out_in_the_middle() -> None:
    columns = {f"c{number}": ("decimal", "123456789.12345678") for number in range(8)}
    assert shown(80, **columns)[0].split() == ["c0", "c1", "…", "c7"]


def test_the_footer_counts_rows_and_columns_and_names_what_shows_all() -> None:
    columns = columns_of(["a", "b"], ["integer", "integer"], [["1", "2"]])
    assert fit(columns, 80).footer(1, 0) == "1 row, 2 columns"
    assert fit(columns, 6).footer(5, 7) == "12 rows (5 shown), 2 columns (1 shown): --format line shows all"


def test_a_number_that_no_window_of_this_width_can_show_is_not_shown_in_part() -> None:
    assert shown(12, n=("hugeint", "170141183460469231731687303715884105727"), s=("varchar", "a")) == [
        "n   s",
        "…   a",
    ]


def test_a_time_and_a_boolean_are_whole_where_a_text_is_cut() -> None:
    at = "2025-12-05 02:00:00.123456+00"
    row = shown(65, at=("timestamp with time zone", at), ok=("boolean", "false"), t=("varchar", "x" * 99))[1]
    assert row == f"{at}   false   {'x' * 22}…"


@pytest.mark.parametrize("text", ["漢字かな交じり文" * 9, "cafe\u0301 " * 40, "Ақтау " * 40])
def test_texts_of_wide_and_combined_characters_fit(text: str) -> None:
    header, row = shown(40, key=("integer", "1"), text=("varchar", text), last=("integer", "2"))
    assert header.split() == ["key", "text", "last"]
    assert row.endswith("…      2")


def test_a_record_is_a_block_of_lines() -> None:
    record = record_lines(["a", "漢字"], ["decimal", "varchar"], ["1.50", "x\ny"], trim=True)
    assert list(record) == ["   a = 1.5\n", "漢字 = x↵y\n"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            "select 1 as a, 'NULL' as b union all select 2.50, null",
            'a = 1.00\nb = "NULL"\n\na = 2.50\nb = NULL\n',
        ),
        ("select 1 as a where false", ""),
    ],
)
def test_records_in_a_pipe_are_complete(query: str, text: str) -> None:
    out = io.StringIO()
    with duckdb.connect() as con:
        write_result(con.sql(query), Format.LINE, out)
    assert out.getvalue() == text


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, int]]]:
    """A data directory of one demo day, and its tables with their numbers of columns."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), demo_port=0, _env_file=None)
    list(play_days(settings, 1))
    with open_release(settings.data_dir / "current" / "warehouse.duckdb") as con:
        tables = con.execute(
            "select table_name, count(*) from information_schema.columns where table_schema = 'main' group by all"
            " order by all"
        ).fetchall()
    return settings.data_dir, tables


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("fct_article", ["article_id", "first_seen_date", "title", "…", "duplicate_of"]),
        ("fct_article_revision", ["article_id", "title", "…", "valid_from"]),
        ("fct_article_sighting", ["article_id", "seen_date", "title", "…", "source"]),
    ],
)
def test_key_title_and_day_of_articles_are_shown_at_80_columns(
    on_terminal: Callable[..., str],
    published: tuple[Path, list[tuple[str, int]]],
    name: str,
    columns: list[str],
) -> None:
    query = f"select * from main.{name} limit 3"
    text = on_terminal("sql", "--no-pager", query, columns=80, CA_ETL_DATA_DIR=str(published[0]))
    header = next(line for line in STYLE.sub("", text).splitlines() if "article_id" in line)
    assert header.split() == columns


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 200])
def test_every_published_table_fits_a_terminal(
    on_terminal: Callable[..., str], published: tuple[Path, list[tuple[str, int]]], width: int
) -> None:
    data_dir, tables = published
    query = "; ".join(f"from {name} limit 5" for name, _ in tables)
    text = STYLE.sub(
        "", on_terminal("sql", "--no-pager", query, columns=width, CA_ETL_DATA_DIR=str(data_dir))
    )
    assert all(cells(line.rstrip()) <= width for line in text.splitlines())
    blocks = re.split(r"(?<=\n)(\d+ rows?, .*)\r\n", text)
    assert len(blocks) == 2 * len(tables) + 1
    with open_release(data_dir / "current" / "warehouse.duckdb") as con:
        for (name, columns), block, footer in zip(tables, blocks[::2], blocks[1::2], strict=False):
            relation = con.sql(f"from {name} limit 5")
            rows = [line.strip() for line in block.splitlines() if line.strip() and "─" not in line]
            header = re.split(r"\s{3,}", rows[0])
            number = len(relation)
            names = [column for column in relation.columns if column in header]
            if "…" not in header:
                names = relation.columns
                assert all(map(str.startswith, names, (cell.removesuffix("…") for cell in header))), name
            assert (names[0], len(header) - ("…" in header)) == (relation.columns[0], len(names)), name
            assert len(rows) == number + 1, name
            left_out = f" ({len(names)} shown): --format line shows all" if "…" in header else ""
            assert footer == f"{number} row{'s' * (number != 1)}, {columns} columns{left_out}", name
            as_text = relation.project("columns(*)::varchar").fetchall()
            for line, values in zip(rows[1:], as_text, strict=True):
                shown = re.split(r"\s{3,}", line)
                for column, kind, value in zip(relation.columns, relation.types, values, strict=True):
                    if column in names and not kind.id.startswith("varchar"):
                        assert cell_text(value, kind.id, trim=True) in shown, (name, column)


@pytest.mark.slow
def test_a_long_result_goes_through_the_pager_and_a_short_one_does_not(
    on_terminal: Callable[..., str], published: tuple[Path, list[tuple[str, int]]], tmp_path: Path
) -> None:
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\necho "PAGER $LESS"\nexec cat\n')
    pager.chmod(0o755)

    def sql(query: str, *options: str, pager: str = str(pager)) -> str:
        return on_terminal("sql", query, *options, CA_ETL_DATA_DIR=str(published[0]), PAGER=pager)

    long = "from range(200)"
    assert "PAGER SR" in sql(long)
    assert "200 rows, 1 column" in sql(long)
    assert "PAGER R" in sql(long, "--format", "line")
    for text in (sql("from range(20)"), sql(long, "--no-pager"), sql(long, "--format", "csv")):
        assert "PAGER" not in text
    for missing in ("", "no-such-pager", "'"):
        assert "200 rows, 1 column" in sql(long, pager=missing)
    assert "rows" not in sql("from range(2000)", pager="true")
