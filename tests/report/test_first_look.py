"""The notebook of an analyst's first ten minutes, on a month of the demo."""

from __future__ import annotations

import importlib.util
import mimetypes
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import marimo
import pytest
from selectolax.lexbor import LexborHTMLParser

from ca_etl.pipeline.run import Outcome
from ca_etl.sanitize import visible
from ca_etl.settings import Settings
from tests.report.conftest import HOSTILE

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_look.py"
# What an export takes from a host is in the package of marimo, too.
FRONTEND = Path(marimo.__file__).parent / "_static"
MARIMO = [sys.executable, "-m", "marimo"]
# As many articles of the newest month as there are hostile titles, with the text of one that the notebook looks for.
GIVE_TITLE = """
    update staging.stg_article set title = $title, text_id = (
        select text_id from fct_article where text like '%labour migrants%' order by text_id limit 1
    )
    where article_id = (
        select article_id from fct_article where published_date >= date '2025-12-01' order by article_id
        limit 1 offset $number
    )
"""


@pytest.fixture(scope="module")
def values(month: tuple[Settings, list[Outcome]]) -> dict[str, Any]:
    """What the cells define, run as an app."""
    spec = importlib.util.spec_from_file_location("first_look", NOTEBOOK)
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CA_ETL_DATA_DIR", str(month[0].data_dir))
        _, defined = notebook.app.run()
    return dict(defined)


@pytest.fixture(scope="module")
def export(month: tuple[Settings, list[Outcome]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook as HTML, of a month whose articles on labour migrants have hostile titles."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copytree(month[0].data_dir, folder / "data", symlinks=True)
    shutil.copy(NOTEBOOK, folder)
    with duckdb.connect(str(folder / "data" / "current" / "warehouse.duckdb")) as con:
        for number, title in enumerate(HOSTILE):
            con.execute(GIVE_TITLE, {"title": title, "number": number})
    subprocess.run(
        [*MARIMO, "export", "html", "--no-include-code", "-o", folder / "first_look.html", folder / NOTEBOOK.name],
        env={**os.environ, "CA_ETL_DATA_DIR": str(folder / "data")},
        check=True,
        capture_output=True,
        timeout=100,
    )  # fmt: skip
    return folder / "first_look.html"


def test_marimo_finds_nothing_to_complain_of() -> None:
    check = subprocess.run(
        [*MARIMO, "check", "--strict", NOTEBOOK], capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout + check.stderr) == (0, "")


def test_the_tenge_has_a_row_a_day_with_its_interval(values: dict[str, Any]) -> None:
    tenge = values["tenge"]
    assert tenge.height == 30
    assert (tenge["inverse_low"] < tenge["inverse_high"]).all()


def test_the_articles_of_the_newest_month_on_labour_migrants_have_their_countries(
    values: dict[str, Any],
) -> None:
    assert values["found"].select("day", "title", "countries").rows() == [
        (date(2025, 12, 8), "Fees on Remittances Fall in Ashgabat", ["Turkmenistan"]),
        (date(2025, 12, 20), "Fees on Remittances Fall in Karaganda", ["Kazakhstan"]),
    ]


def test_each_day_of_the_year_is_known_from_a_source_or_from_none(values: dict[str, Any]) -> None:
    known = values["known"]
    assert known.height == 365
    assert known["known_from"].value_counts(sort=True).rows() == [(None, 336), ("timesca", 29)]


def test_the_disagreements_are_those_of_the_release(values: dict[str, Any]) -> None:
    disagreements = values["disagreements"].select("rate_date", "base", "cause").unique()
    assert disagreements.height == 8
    assert (date(2025, 12, 4), "KZT", "stale_ticker") in disagreements.rows()


def test_without_data_the_notebook_states_what_is_missing_and_the_next_command(tmp_path: Path) -> None:
    page = tmp_path / "first_look.html"
    ran, exported = (
        subprocess.run(
            [*command, NOTEBOOK],
            env={**os.environ, "CA_ETL_DATA_DIR": "/nothing/here"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        for command in ([sys.executable], [*MARIMO, "export", "html", "--no-include-code", "-o", page])
    )
    assert (ran.returncode, ran.stderr.splitlines()) == (
        1,
        ["/nothing/here holds no release", "next: CA_ETL_DATA_DIR=/nothing/here ca-etl run"],
    )
    assert (exported.returncode, exported.stderr) == (0, "")
    html = page.read_text("utf-8")
    assert "/nothing/here holds no release" in html
    assert "CA_ETL_DATA_DIR=/nothing/here ca-etl run" in html
    assert "Traceback" not in html


def test_a_title_becomes_no_element_of_the_export(export: Path) -> None:
    html = LexborHTMLParser(export.read_text("utf-8"))
    assert "alert(1)" in html.html
    assert [script for script in html.css("script") if script.text().startswith("alert")] == []
    assert html.css("[onmouseover]") == []


@pytest.mark.slow
def test_a_title_is_text_on_the_screen(export: Path, browser: Any) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 2400}).new_page()
    complaints: list[str] = []
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def from_package(route: Any) -> None:
        file = FRONTEND / route.request.url.partition("/dist/")[2].partition("?")[0]
        if not file.is_file():
            route.abort()
            return
        kind, _ = mimetypes.guess_type(file.name)
        route.fulfill(body=file.read_bytes(), content_type=kind, headers={"Access-Control-Allow-Origin": "*"})

    page.route(lambda url: not url.startswith("file:"), from_package)
    page.goto(export.as_uri())
    page.locator("td", has_text="<script>alert(1)</script>").wait_for()
    shown = page.locator("td").all_text_contents()
    # of a long title a cell has only the beginning
    beginnings = [visible(title)[:40] for title in HOSTILE]
    assert [begin for begin in beginnings if not any(cell.startswith(begin) for cell in shown)] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert complaints == []
