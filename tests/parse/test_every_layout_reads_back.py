"""Every layout of the survey, and every capture of it, from a page with its figures back to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.parse.page import Page, PageKind
from ca_etl.records import Rows
from tests.parse.render_captures import FOLDER, KINDS, SPAM, kind_of, render, surveyed

Reader = Callable[..., Page]
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
FURNITURE = (
    "Continue reading",
    "View more articles",
    "divider",
    "Avatar",
    "Uncategorized",
    "Written by",
    "READ MORE",
)


def _figures(read: Page) -> list[list[str]]:
    return [[f"{rate.base}/{rate.quote}", rate.rate_text, rate.change_text] for rate in read.rates]


def _shown(read: Page) -> list[int] | None:
    return None if read.shown is None else [read.shown.first, read.shown.last, read.shown.total]


def test_each_layout_has_a_page_and_the_pages_are_as_rendered() -> None:
    assert sorted(name for name, _ in surveyed()) == NAMES
    for turn, (name, facts) in enumerate(surveyed()):
        assert (FOLDER / f"{name}.txt").read_text(encoding="utf-8") == render(facts, turn).text


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_reads_back(name: str, page: Reader) -> None:
    told = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    read = page((FOLDER / f"{name}.txt").read_text(encoding="utf-8"), url=told["url"])
    assert (str(read.kind), _shown(read), read.ticker_cycles) == (
        told["kind"],
        told["viewing"],
        told["repeats"],
    )
    assert (None if read.page_date is None else read.page_date.isoformat()) == told["page_date"]
    assert _figures(read) == told["rates"]
    assert [article.title for article in read.articles] == told["titles"]
    assert all(article.text for article in read.articles)
    for article in read.articles:
        assert not any(word in (article.text or "") for word in FURNITURE)


@pytest.mark.parametrize("name", NAMES)
def test_a_layout_gives_rows_of_its_day(name: str, rows: Callable[..., Rows]) -> None:
    told = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    at = datetime.fromisoformat(f"{told['captured']}T07:00:00").replace(tzinfo=UTC)
    read = rows(
        (FOLDER / f"{name}.txt").read_bytes(), url=told["url"], captured_at=at, content_type="text/plain"
    )
    printed = [
        [f"{row['base']}/{row['quote']}", row["rate_text"], row["change_text"]]
        for row in read.rate_observation
    ]
    assert printed == told["rates"]
    rejects = [(row["reason"], row["excerpt"]) for row in read.reject]
    has_spam = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").startswith(SPAM)
    assert (("untitled", SPAM) in rejects) == has_spam
    assert [reason for reason, excerpt in rejects if excerpt != SPAM] == [
        *(["no_ticker"] if not told["rates"] else []),
        *(["untitled"] if None in told["titles"] else []),
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("V9", "V13", "V18"))])
def test_the_page_alone_tells_its_kind(name: str, page: Reader) -> None:
    told = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert str(page((FOLDER / f"{name}.txt").read_text(encoding="utf-8")).kind) == told["kind"]


def test_the_page_goes_before_its_address(page: Reader) -> None:
    (listing,) = FOLDER.glob("V2_*.txt")
    read = page(listing.read_text(encoding="utf-8"), url="https://timesca.com/a-single-article/")
    assert read.kind is PageKind.LISTING


def test_author_pages_cut_within_the_biography_have_no_article(page: Reader) -> None:
    opening = "Our People > Dr. Robert Q. Example\n\nDr. Robert Q. Example\u2019s Avatar\n\nDr. Robert Q. Example\n\n"
    life = "Robert Q. Example is an energy consultant. He has worked for several institutes & universities. "
    whole = opening + "Energy and Security Consultant\n\n" + "\n\n".join([life * 4, life * 3, life])
    for end in range(len(opening), len(whole)):
        assert page(whole[:end]).articles == (), whole[:end][-40:]


@pytest.mark.shared
def test_every_known_capture_reads_back(page: Reader, shared_dir: Path) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known: list[dict[str, Any]] = [json.loads(line) for line in file]
    assert len(known) == 255
    assert {facts["kind"] for facts in known} == {*KINDS, "other"}
    for turn, facts in enumerate(known):
        rendered = render(facts, turn)
        read = page(rendered.text, url=facts["url"])
        where = (facts["layout_variant"], facts["url"])
        day = None if facts["page_date"] is None else date.fromisoformat(facts["page_date"])
        assert str(read.kind) == kind_of(facts), where
        assert (read.page_date, _shown(read), read.ticker_cycles) == (
            day,
            facts["viewing"],
            facts["repeats"],
        ), where
        assert _figures(read) == [[rate["pair"], rate["rate"], rate["change"]] for rate in facts["rates"]], (
            where
        )
        assert [article.title for article in read.articles] == rendered.titles, where
        assert all(article.text for article in read.articles), where
        spam = [SPAM] if rendered.text.startswith(SPAM) else []
        assert [reject.excerpt for reject in read.rejects] == spam, where


@pytest.mark.shared
def test_every_known_capture_reads_back_when_cut_as_the_survey_saw_it(page: Reader, shared_dir: Path) -> None:
    with (shared_dir / "captures" / "captures.jsonl").open(encoding="utf-8") as file:
        known: list[dict[str, Any]] = [json.loads(line) for line in file]
    for turn, facts in enumerate(known):
        rendered = render(facts, turn)
        cut = rendered.text.encode()[:2000].decode("utf-8", "ignore")
        read = page(cut, url=facts["url"])
        where = (facts["layout_variant"], facts["url"])
        assert (str(read.kind), read.ticker_cycles) == (kind_of(facts), facts["repeats"]), where
        assert _figures(read) == [[rate["pair"], rate["rate"], rate["change"]] for rate in facts["rates"]], (
            where
        )
        titles = [article.title for article in read.articles]
        assert titles == rendered.titles[: len(titles)], where
        assert titles or not rendered.titles, where
