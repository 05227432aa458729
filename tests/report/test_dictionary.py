"""The dictionary: each table and column with its meaning, lineage, checks and last rows, as a page and as Markdown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from selectolax.lexbor import LexborHTMLParser

from ca_etl.errors import CaEtlError
from ca_etl.pipeline.outcome import Outcome
from ca_etl.report.dictionary import (
    GROUPS,
    LONGEST_EXAMPLE,
    CheckFacts,
    ColumnFacts,
    TableFacts,
    lineage,
    made_of,
    read_tables,
    render_dictionary,
    render_markdown,
    write_pages,
)
from ca_etl.report.page import NOTHING, shown
from ca_etl.settings import Settings
from ca_etl.warehouse.connection import open_release
from ca_etl.warehouse.durable_files import StorageError
from ca_etl.warehouse.models import discover
from ca_etl.warehouse.sqlfiles import sql_root
from tests.report.conftest import HOSTILE

RATE = TableFacts(
    "fct_rate_daily",
    "One row per day and pair.",
    ("rate_date", "base"),
    150,
    (
        ColumnFacts("rate_date", "DATE", "Day of the rate.", ("2025-12-22", "2025-12-21")),
        ColumnFacts("fill_reason", "VARCHAR", "Reason of a filled day.", (NOTHING, "failed: 4 http_error")),
    ),
    ("dim_source", "raw.capture"),
    ("fct_rate_monthly",),
    (CheckFacts("rate_is_plausible", "error", 0), CheckFacts("rate_does_not_jump", "warning", 2)),
)
MONTHLY = TableFacts("fct_rate_monthly", "A month.", ("month",), 1, (ColumnFacts("month", "DATE", "Month."),))


def html_of(*tables: TableFacts) -> LexborHTMLParser:
    return LexborHTMLParser(render_dictionary(tables, release_id="20251222T020000Z", report="report.html"))


def test_a_table_has_its_sentence_grain_columns_lineage_checks_and_rows() -> None:
    html = html_of(RATE, MONTHLY)
    article = html.css_first("#fct_rate_daily")
    text = " ".join(article.text().split())
    assert "One row per day and pair." in text
    assert (
        "150 rows, one for each rate_date, base. Made of dim_source, raw.capture. Used by fct_rate_monthly."
        in text
    )
    assert [[cell.text() for cell in row.css("th, td")] for row in article.css("tr")] == [
        ["Column", "Type", "Meaning", "Example 1", "Example 2"],
        ["rate_date", "DATE", "Day of the rate.", "2025-12-22", "2025-12-21"],
        ["fill_reason", "VARCHAR", "Reason of a filled day.", NOTHING, "failed: 4 http_error"],
    ]
    assert article.css_first("summary").text() == "2 checks, 1 of them firing"
    assert [item.text() for item in article.css("li")] == [
        "rate_is_plausible: holds",
        "rate_does_not_jump: 2 rows, warning",
    ]
    assert [link.attributes["href"] for link in article.css("p a")] == ["#fct_rate_monthly"]


def test_a_picture_of_lineage_leads_from_parents_to_the_table_to_its_children() -> None:
    width, height, boxes = lineage(RATE)
    assert [(box.name, box.x, box.y) for box in boxes] == [
        ("fct_rate_daily", 320, 26),
        ("dim_source", 0, 13),
        ("raw.capture", 0, 39),
        ("fct_rate_monthly", 640, 26),
    ]
    assert (width, height) == (890, 52)
    assert boxes[1].curve == "M250,13 C285,13 285,26 320,26"
    label = html_of(RATE).css_first("svg").attributes["aria-label"]
    assert label == "dim_source, raw.capture, then fct_rate_daily, then fct_rate_monthly"


def test_views_of_staging_are_left_out_of_a_lineage() -> None:
    models = {model.name: model for model in discover(sql_root())}
    assert made_of(models, "main.fct_rate_best_monthly") == ("fct_rate_best",)
    assert "raw.article_text" in made_of(models, "main.fct_article")
    assert not [name for model in models for name in made_of(models, model) if name.startswith("staging")]


def test_text_of_a_site_is_text_on_the_page() -> None:
    texts = tuple(shown(text, LONGEST_EXAMPLE) for text in HOSTILE)
    html = html_of(replace(RATE, columns=(ColumnFacts("title", "VARCHAR", HOSTILE[0], texts),)))
    assert [cell.text() for cell in html.css("td bdi")] == list(texts)
    assert len(texts[-1]) == LONGEST_EXAMPLE + 1
    assert not html.css("script")
    assert not re.search(r"<[^>]*\son\w+=", html.html or "")
    assert not re.search(r"[\x1b\u202e\u2066]", html.html or "")


def test_hostile_text_is_one_row_of_markdown() -> None:
    texts = tuple(shown(text, LONGEST_EXAMPLE) for text in HOSTILE)
    page = render_markdown(
        [replace(RATE, columns=(ColumnFacts("title", "VARCHAR", "Title.", texts),))], month="x"
    )
    (row,) = (line for line in page.splitlines() if line.startswith("| `title`"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(HOSTILE) + 4
    assert not re.search(r"(?<!\\)[<>\[\]*`]|[\x1b\u202e\u2066]", row.removeprefix("| `title`"))
    assert len(row) < 400


def test_text_of_a_site_is_text_in_markdown() -> None:
    texts = (
        "<b>alert(1)</b>",
        "a | b",
        "`c` [d](javascript:e)",
        "*f* _g_ h_i",
        "$j$ ~k~ &lt;",
        "l\nm",
    )
    page = render_markdown(
        [replace(RATE, columns=(ColumnFacts("title", "VARCHAR", "Title.", texts),))], month="x"
    )
    (row,) = (line for line in page.splitlines() if line.startswith("| `title`"))
    assert row == (
        r"| `title` | VARCHAR | Title. | \<b\>alert(1)\</b\> | a \| b | \`c\` \[d\](javascript:e) "
        r"| \*f\* \_g\_ h_i | \$j\$ \~k\~ \&lt; | l m |"
    )


def test_markdown_has_what_the_page_has() -> None:
    page = render_markdown([RATE, MONTHLY], month="a month")
    assert (
        "of a month.\n\n## Rates\n\n```mermaid\nflowchart LR\n  dim_source[dim_source] --> fct_rate_daily\n"
        in page
    )
    assert (
        "### fct_rate_daily\n\nOne row per day and pair. 150 rows, one for each `rate_date`, `base`.\n\n"
        "Made of `dim_source`, `raw.capture`. Used by `fct_rate_monthly`. Of 2 checks 1 fire: `rate_does_not_jump` "
        "(warning, 2 rows).\n\n| column | type | meaning | example | example |\n| --- | --- | --- | --- | --- |\n"
    ) in page


@pytest.mark.slow
def test_each_table_and_column_of_a_release_is_in_it(month: tuple[Settings, list[Outcome]]) -> None:
    with open_release(month[0].data_dir / "current" / "warehouse.duckdb") as con:
        tables = read_tables(con)
        columns = con.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'main' order by all"
        ).fetchall()
        counts = {
            table.name: con.execute(f"select count(*) from {table.name}").fetchone() for table in tables
        }
    assert sorted((table.name, column.name) for table in tables for column in table.columns) == columns
    assert all(column.meaning for table in tables for column in table.columns)
    assert all(table.name.startswith(GROUPS[table.group]) for table in tables)
    assert {table.name: (table.rows,) for table in tables} == counts
    assert {len(table.columns[0].examples) for table in tables if table.rows > 2} == {3}
    assert sum(len(table.checks) for table in tables) > 150
    daily = next(table for table in tables if table.name == "fct_rate_daily")
    assert daily.columns[0].examples == ("2025-12-22", "2025-12-22", "2025-12-22")
    assert daily.columns[1].examples == ("UZS", "TMT", "TJS")


def test_a_warehouse_without_the_tables_of_this_version_is_an_error(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create schema staging")
    with pytest.raises(CaEtlError, match="has not the tables of this version"):
        write_pages(warehouse, tmp_path / "report.html", tmp_path, release_id="20251222T020000Z")
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


@pytest.mark.slow
def test_a_report_is_written_also_where_the_dictionary_cannot_be(
    month: tuple[Settings, list[Outcome]], tmp_path: Path
) -> None:
    warehouse = month[0].data_dir / "current" / "warehouse.duckdb"
    (tmp_path / "dictionary.html").mkdir()
    with pytest.raises(StorageError, match=r"dictionary\.html"):
        write_pages(warehouse, tmp_path / "report.html", tmp_path, release_id="20251222T020000Z")
    assert "<h1>" in (tmp_path / "report.html").read_text("utf-8")
