"""Rows as text: no cell is a formula, no name is mark-up, nothing steers a terminal, and what is data is whole."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.cli.render import Format, without_formula, write_result


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(query: str, form: Format, out: io.StringIO | None = None, *, raw: bool = False) -> str:
    out = io.StringIO() if out is None else out
    with duckdb.connect() as con:
        write_result(con.sql(query), form, out, raw=raw)
    return out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", '=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-1+1", "@SUM(1)", "\t=1", "\rx", "\nx", "\tx",
        "  =1+1", "\xa0=1", "\ufeff=1", "\x00=1", "\uff1d1+1", "\uff0b1", "\uff0d1x", "\uff20x", "-", "--1", "-1 days",
        "+7 70 12", "-0%+1", "-1e5+cmd",
    ],
)  # fmt: skip
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert without_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    [
        "-0%",
        "-0.18%",
        "0%",
        "-0.5",
        "+1",
        "-.5",
        "-1e-5",
        "-1,234.50",
        "-inf",
        "",
        "a=b",
        "Apricots - 3",
        "'=1",
        "2025-12-05",
    ],
)
def test_a_number_and_a_text_are_left(text: str) -> None:
    assert without_formula(text) == text


def test_csv_cells_and_names_are_guarded_unless_raw() -> None:
    query = """select '=1' as "=name", '-0%' as change, -0.5 as rate, null as nothing, '' as empty"""
    assert written(query, Format.CSV) == "'=name,change,rate,nothing,empty\n'=1,-0%,-0.5,,\n"
    assert written(query, Format.CSV, raw=True) == "=name,change,rate,nothing,empty\n=1,-0%,-0.5,,\n"


def test_a_cell_is_one_cell_also_where_semicolons_or_tabs_part_them() -> None:
    assert written("select 'a;=cmd' as a, 'b\t=cmd' as b", Format.CSV) == 'a,b\n"a;=cmd","b\t=cmd"\n'


def test_an_empty_cell_alone_is_still_a_row() -> None:
    assert written("select '' as a union all select null", Format.CSV) == 'a\n""\n""\n'


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4))
@pytest.mark.slow
def test_raw_csv_gives_back_every_text(cells: list[str]) -> None:
    out = io.StringIO()
    with duckdb.connect() as con:
        names = ", ".join(f"${place} as c{place}" for place in range(1, len(cells) + 1))
        write_result(con.sql(f"select {names}", params=cells), Format.CSV, out, raw=True)
    assert list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1] == cells


STEERING = "chr(27) || '[31mRED' || chr(155) || chr(8238) || chr(8294) || chr(1564) || chr(127)"
SHOWN = r"\x1b[31mRED\u009b\u202e\u2066\u061c\u007f"
SENT = "\x1b[31mRED\x9b\u202e\u2066\u061c\x7f"


def test_csv_is_exact_in_a_pipe_and_visible_on_a_terminal() -> None:
    query = f"select {STEERING} as a"
    assert written(query, Format.CSV) == f"a\n{SENT}\n"
    assert written(query, Format.CSV, Terminal()) == f"a\n{SHOWN}\n"


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
def test_json_escapes_everywhere_and_has_the_same_values(out: type[io.StringIO]) -> None:
    text = written(f"""select {STEERING} as a, 1 as "n\x9b" """, Format.JSON, out())
    assert json.loads(text) == [{"a": SENT, "n\x9b": 1}]
    assert text.isascii()


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
def test_a_table_shows_what_steers_beside_columns_that_are_straight(out: type[io.StringIO]) -> None:
    text = written(
        f"select {STEERING} as a, 'next' as b union all select 'short', 'next'", Format.TABLE, out()
    )
    rows = [line for line in text.splitlines() if "next" in line]
    assert [row.index("next") for row in rows] == [rows[0].index("next")] * 2
    assert SHOWN in text
    assert not {"\x9b", "\u202e", "\u2066", "\u061c", "\x7f"} & set(text)
    assert "\x1b[31m" not in text


@pytest.mark.parametrize(
    "name", ["[/]", "[red]x", "[/red]", "[link=http://x]y[/link]", ":smile:", "\\[", "\x1b[2J", "=1"]
)
@pytest.mark.parametrize("form", [Format.TABLE, Format.CSV, Format.JSON])
def test_a_name_or_a_value_is_never_mark_up(name: str, form: Format) -> None:
    text = written(f"""select '{name}' as "{name}" """, form)
    assert "\x1b" not in text.replace(name, "", 2 if form is Format.CSV else 0)
    shown = name.replace("\x1b", r"\x1b")
    if form is Format.TABLE:
        assert [line.strip() for line in text.splitlines() if line.strip()][::2] == [shown, shown]


def test_titles_as_names_of_a_pivot_are_a_table() -> None:
    query = "pivot (select unnest(['[/]', '[b]Titles[/b]']) as title, 1 as n) on title using sum(n)"
    header = written(query, Format.TABLE).splitlines()[1].split()
    assert header == ["[/]", "[b]Titles[/b]"]
