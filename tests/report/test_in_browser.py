"""The report of a month of the demo in a browser without a network: drawn, selected, read aloud, on paper."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from ca_etl.pipeline.outcome import Outcome
from ca_etl.report.dictionary import write_pages
from ca_etl.report.page import DICTIONARY, REPORT, render_report, vega_scripts
from ca_etl.report.release_facts import ReleaseFacts
from ca_etl.settings import Settings

pytestmark = pytest.mark.slow
PAPER = 718  # the pixels between the margins of A4
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
# The days that each chart with a time selection shows, by the labels of a hidden layer: a bar a day.
DAYS_SHOWN = "document.querySelectorAll('#KZT .mark-rect path').length"
TALLEST_BAR = """
    Math.max(...[...document.querySelectorAll('#articles-a-day .mark-rect path')].map(bar => bar.getBBox().height))
"""
DRAWN = """
    [...document.querySelectorAll('figure')].map(figure => [
        figure.id, figure.querySelectorAll('svg .mark-line path, svg .mark-rect path, svg .mark-symbol path').length
    ])
"""


@pytest.fixture(scope="session")
def report(month: tuple[Settings, list[Outcome]]) -> Path:
    """The report as the last run of the month published it."""
    release = month[1][-1].release
    assert release is not None
    return release.folder / REPORT


Open = Callable[..., Any]


def until(page: Any, expression: str) -> None:
    """Waits for an expression; Playwright's own way evaluates text in the page, which its policy forbids."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


@pytest.fixture
def opened(browser: Any) -> Open:
    """Opens a report on a screen with every request to a host refused; what it complains of fails the test."""

    @contextmanager
    def opened_on(path: Path, width: int = 1280, scheme: str = "light") -> Iterator[Any]:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_offline(True)
        requests: list[str] = []
        context.on("request", lambda request: requests.append(request.url))
        context.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        if path.name != DICTIONARY:
            page.wait_for_selector("html[data-drawn]", timeout=60_000)
        yield page
        assert complaints == []
        assert requests == [path.as_uri()]
        context.close()

    return opened_on


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_each_chart_is_drawn_within_the_screen(
    report: Path, opened: Open, tmp_path: Path, width: int, scheme: str
) -> None:
    with opened(report, width, scheme) as page:
        page.screenshot(path=tmp_path / f"report-{width}-{scheme}.png", full_page=True)
        drawn = dict(page.evaluate(DRAWN))
        assert drawn.keys() == {
            *("overview", "KGS", "KZT", "TJS", "TMT", "UZS", "disagreements", "calendar", "articles-a-day")
        }
        assert [name for name, marks in drawn.items() if not marks] == []
        assert page.evaluate(TALLEST_BAR) > 50
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        widest = page.evaluate(
            "Math.max(...[...document.querySelectorAll('svg')].map(svg => svg.clientWidth))"
        )
        assert widest <= width


@pytest.mark.parametrize("name", [REPORT, DICTIONARY])
@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_screen_reader_meets_no_serious_obstacle(
    report: Path, opened: Open, width: int, scheme: str, name: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with opened(report.with_name(name), width, scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        violations = axe.Axe().run(page).response["violations"]
        problems = [
            (violation["id"], [node["html"] for node in violation["nodes"]][:3])
            for violation in violations
            if violation["impact"] in {"serious", "critical"}
        ]
        assert problems == []


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_dictionary_is_within_the_screen(report: Path, opened: Open, width: int, scheme: str) -> None:
    with opened(report.with_name(DICTIONARY), width, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_time_is_selected_with_the_mouse_and_a_click_selects_all(report: Path, opened: Open) -> None:
    with opened(report) as page:
        whole = page.evaluate(DAYS_SHOWN)
        strip = page.locator("#overview svg")
        box = strip.bounding_box()
        y = box["y"] + 15
        page.mouse.move(box["x"] + box["width"] * 0.25, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.75, y, steps=8)
        page.mouse.up()
        until(page, f"{DAYS_SHOWN} < {whole}")
        assert whole / 3 < page.evaluate(DAYS_SHOWN) < whole * 2 / 3
        assert page.locator("#first-day").input_value() > "2025-11-23"
        page.mouse.click(box["x"] + box["width"] * 0.9, y)
        until(page, f"{DAYS_SHOWN} == {whole}")


def test_a_time_is_selected_with_the_keyboard(report: Path, opened: Open) -> None:
    with opened(report) as page:
        whole = page.evaluate(DAYS_SHOWN)
        page.locator("#first-day").focus()
        page.keyboard.press("ArrowRight")  # from the month to the day
        for _ in range(3):
            page.keyboard.press("ArrowUp")
        until(page, f"{DAYS_SHOWN} == {whole - 3}")
        assert page.locator("#shown-days").text_content() == f"{whole - 3} days, 2025-11-25 to 2025-12-22"
        assert page.locator("#overview .brush_brush path").bounding_box()["width"] > 0
        for _ in range(20):
            if page.evaluate("document.activeElement.dataset.days") == "all":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        until(page, f"{DAYS_SHOWN} == {whole}")
        assert page.locator("#shown-days").text_content() == f"{whole} days, 2025-11-22 to 2025-12-22"


def test_texts_of_a_site_break_nothing(facts: ReleaseFacts, opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    path.write_text(render_report(facts, vega_scripts(tmp_path), release_id="20251202T020000Z"), "utf-8")
    with opened(path, 390) as page:
        assert page.locator("#articles td a").count() == 7
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_release_without_a_rate_breaks_nothing(facts: ReleaseFacts, opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    empty = replace(facts, rates={}, calendar=[], disagreements=[], country_days=[])
    path.write_text(render_report(empty, vega_scripts(tmp_path), release_id="20251202T020000Z"), "utf-8")
    with opened(path) as page:
        assert page.locator("figure figcaption").count() == 4


def test_on_paper_the_page_is_light_without_controls_and_no_wider_than_the_paper(
    report: Path, opened: Open
) -> None:
    with opened(report, PAPER, "dark") as page:
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert not page.locator(".selection").is_visible()
        assert page.locator("#KZT svg").is_visible()


def test_the_report_of_a_release_is_that_of_its_tables_and_is_listed(
    month: tuple[Settings, list[Outcome]], report: Path, tmp_path: Path
) -> None:
    release = month[1][-1].release
    assert release is not None
    again = write_pages(release.warehouse, tmp_path / REPORT, tmp_path, release_id=release.release_id)
    assert again.read_bytes() == report.read_bytes()
    html = LexborHTMLParser(report.read_text("utf-8"))
    assert release.release_id in html.css_first("header p").text()
    listed = {
        entry["path"] for entry in json.loads((release.folder / "datapackage.json").read_text())["resources"]
    }
    assert REPORT in listed
