"""The report as HTML: what it shows, what it escapes, what it allows a browser to run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from selectolax.lexbor import LexborHTMLParser

from ca_etl.errors import CaEtlError
from ca_etl.report import page
from ca_etl.report.chart_frame import VARIABLES
from ca_etl.report.page import render_report, summary_of, vega_scripts
from ca_etl.report.release_facts import FactTable, ReleaseFacts

VEGA = "window.vegaEmbed = null;"


def html_of(facts: ReleaseFacts) -> LexborHTMLParser:
    return LexborHTMLParser(render_report(facts, VEGA, release_id="20251202T020000Z"))


@pytest.fixture
def html(facts: ReleaseFacts) -> LexborHTMLParser:
    return html_of(facts)


def test_text_of_a_site_is_text_and_its_invisible_characters_are_seen(html: LexborHTMLParser) -> None:
    cells = [cell.text() for cell in html.css("td")]
    assert "<script>alert(1)</script>" in cells
    assert '" onmouseover="alert(1)' in cells
    assert "]]><!--" in cells
    assert "\\u202eevil\\u2066" in cells
    assert "\\x1b]0;owned\\x07" in cells
    assert "{{ 7 * 7 }}{% raw %}" in cells


def test_a_text_becomes_neither_a_script_nor_an_attribute(html: LexborHTMLParser) -> None:
    assert len(html.css("script:not([type])")) == 2
    assert not re.search(r"<[^>]*\son\w+=", render_report_without_scripts(html))


def render_report_without_scripts(html: LexborHTMLParser) -> str:
    for script in html.css("script"):
        script.decompose()
    return html.html or ""


def test_a_long_text_is_cut_and_ends_with_dots(html: LexborHTMLParser) -> None:
    longest = max((cell.text() for cell in html.css("td")), key=len)
    assert len(longest) == page.LONGEST + 1
    assert longest.endswith("…")


@pytest.mark.parametrize(
    ("url", "links"),
    [("https://timesca.com/a?b=1&c=2", 1), ("javascript:alert(1)", 0), (None, 0), ("data:text/html,x", 0)],
)
def test_only_an_address_of_the_web_is_a_link(facts: ReleaseFacts, url: str | None, links: int) -> None:
    amounts = FactTable("Amounts", ("Article",), [({"text": "Dam", "url": url},)])
    html = html_of(replace(facts, amounts=amounts))
    assert [link.attributes["href"] for link in html.css("td a")] == [url] * links
    assert html.css_first("#articles td").text() == "Dam"


def test_the_policy_allows_the_scripts_and_the_style_of_the_page_by_their_digests(
    html: LexborHTMLParser,
) -> None:
    policy = html.css_first("meta[http-equiv=Content-Security-Policy]").attributes["content"]
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for rule, elements in (("script-src", "script:not([type])"), ("style-src", "style")):
        digests = [
            f"'sha256-{base64.b64encode(hashlib.sha256(element.text().encode()).digest()).decode()}'"
            for element in html.css(elements)
        ]
        assert rules[rule].split() == digests
    assert "unsafe" not in policy


def test_the_page_names_no_other_file_and_no_other_host(html: LexborHTMLParser) -> None:
    assert not html.css("link, img, iframe, object, script[src], [style]")


def test_charts_are_json_that_no_text_can_end(facts: ReleaseFacts) -> None:
    rates = facts.rates["KZT"]
    html = html_of(replace(facts, rates={"</script>": rates}))
    specs = [json.loads(script.text()) for script in html.css("figure script")]
    assert len(specs) == 5
    assert any(value.get("day") == "2025-12-02" for value in specs[1]["data"]["values"])


def test_every_chart_says_in_words_what_it_shows(html: LexborHTMLParser) -> None:
    for figure in html.css("figure"):
        label = figure.css_first("[role=img]").attributes["aria-label"]
        assert label == figure.css_first("figcaption").text()
        assert label
    assert html.css_first("#KZT figcaption").text() == (
        "2025-12-02: ticker 516.795 to 519.481, bank 518.6 on 2025-12-02. Of 2 days 1 filled, 1 in disagreement."
    )


def test_the_interval_in_words_holds_the_interval(facts: ReleaseFacts) -> None:
    _, rates = facts.rates["KZT"]
    assert "no upper bound" in summary_of([replace(rates[0], high=None)])
    assert summary_of([]) == "No rate is known."


def test_headings_landmarks_and_captions_are_there(html: LexborHTMLParser) -> None:
    assert [element.tag for element in html.css("body > header, body > main, body > footer")] == [
        "header", "main", "footer",
    ]  # fmt: skip
    assert len(html.css("h1")) == 1
    assert [heading.text() for heading in html.css("h2")] == [
        "Rates", "Ticker against official rates", "Coverage", "Articles", "Checks and rejects", "Runs",
    ]  # fmt: skip
    assert all(table.css_first("caption").text() for table in html.css("table"))
    anchors = {element.attributes["id"] for element in html.css("[id]")}
    assert {(link.attributes["href"] or "")[1:] for link in html.css("nav a")} <= anchors


def test_an_empty_table_is_a_sentence(html: LexborHTMLParser) -> None:
    assert [element.text() for element in html.css("#quality .empty")] == ["None of the checks fires."]


def test_a_release_without_rows_has_a_report(facts: ReleaseFacts) -> None:
    empty = replace(facts, rates={}, calendar=[], disagreements=[], country_days=[], totals=replace(
        facts.totals, first_day=None, last_day=None, rate_days=0, filled_days=0,
    ))  # fmt: skip
    html = html_of(empty)
    assert not html.css("[data-chart]")
    # without days there is no time to select, and the inputs would show 0001-01-01
    assert len(html.css("form.selection[hidden]")) == 1
    assert html.css_first("#calendar").text(strip=True) == "The ticker, day by dayNo slot is known."


def test_equal_facts_give_equal_bytes(facts: ReleaseFacts) -> None:
    first, second = (render_report(facts, VEGA, release_id="20251202T020000Z") for _ in range(2))
    assert first == second


def test_the_colours_of_the_page_are_variables_for_light_and_dark_screens(html: LexborHTMLParser) -> None:
    style = html.css_first("style").text()
    assert "@media screen and (prefers-color-scheme: dark)" in style
    for variable in VARIABLES.values():
        assert style.count(f"{variable[4:-1]}: #") == 2


def test_the_page_links_to_a_dictionary_beside_it_and_to_no_other(facts: ReleaseFacts) -> None:
    linked = render_report(facts, VEGA, release_id="r", dictionary="dictionary.html")
    assert LexborHTMLParser(linked).css_first("header p a").attributes["href"] == "dictionary.html"
    assert "dictionary.html" not in render_report(facts, VEGA, release_id="r")


def test_the_scripts_of_the_charts_are_kept_in_the_data_directory_where_the_code_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "HERE", tmp_path / "missing")
    vega_scripts.cache_clear()
    assert "vegaEmbed" in vega_scripts(tmp_path)
    (kept,) = tmp_path.glob("cache/*")
    kept.write_text("read again")
    vega_scripts.cache_clear()
    assert vega_scripts(tmp_path) == "read again"
    vega_scripts.cache_clear()


def test_a_warehouse_of_another_version_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create table fct_rate_daily (rate_date date)")
    with pytest.raises(CaEtlError, match="has not the tables of this version") as caught:
        page.write_report(tmp_path / "warehouse.duckdb", tmp_path / "r.html", tmp_path, release_id="r")
    assert caught.value.hint == "ca-etl rebuild"
    assert not (tmp_path / "r.html").exists()


def test_a_decimal_is_shown_with_all_its_digits_and_no_trailing_zeros(facts: ReleaseFacts) -> None:
    digits = Decimal("12345678901234567890123456789012345.670")
    amounts = FactTable("Amounts", ("Dollars",), [(digits,), (Decimal("9400000.00"),), (Decimal(100),)])
    cells = html_of(replace(facts, amounts=amounts)).css("#articles td")
    assert [cell.text() for cell in cells] == [
        "12,345,678,901,234,567,890,123,456,789,012,345.67",
        "9,400,000",
        "100",
    ]
