"""The small inputs of `../shared/cases2`, and the rows that `expected.md` beside them requires."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ca_etl.enrich.amounts import Amount, amounts
from ca_etl.enrich.countries import Gazetteer, places
from ca_etl.parse.page import Page, PageKind
from ca_etl.parse.rows import read_page
from ca_etl.warehouse.sqlfiles import sql_root

pytestmark = pytest.mark.shared

POSTS = "https://timesca.com/wp-json/wp/v2/posts"
FEED = "https://timesca.com/feed/"
CANONICAL = re.compile(rb'rel="canonical" href="([^"]+)"')
NINE = datetime(2025, 12, 4, 9, tzinfo=UTC)
TEN = datetime(2025, 12, 4, 10, tzinfo=UTC)
COUNTED = (
    "Herders of the Naryn valley counted their sheep before the snow and found more than last year.\n\n"
    "They were glad and said so to everyone at the market of Naryn."
)


@pytest.fixture
def cases(shared_dir: Path) -> Path:
    return shared_dir / "cases2"


def read(path: Path) -> Page:
    payload = path.read_bytes()
    link = CANONICAL.search(payload)
    url = link[1].decode() if link else POSTS if ".posts." in path.name else FEED
    kind = "text/html" if path.suffix == ".html" else "text/plain"
    page = read_page(payload, content_type=kind, url=url, on=date(2025, 12, 5))
    assert isinstance(page, Page), page
    return page


@pytest.mark.parametrize(
    ("name", "title", "text", "author", "published", "modified", "rejects"),
    [
        ("01-related-block", "Herders Count Sheep", COUNTED, None, None, None, []),
        ("02-json-ld-semicolon", "Herders Shear Sheep", COUNTED, "A. Sample", NINE, TEN, []),
        (
            "03-linked-subheading",
            "Herders Sell Wool",
            (
                "Herders sold wool of the first shearing.\n\nWhat the rule says\n\n"
                "Each bale is weighed twice, and the second figure stands."
            ),
            "A. Sample",
            NINE,
            TEN,
            [],
        ),
        ("04-site-name-and-headline", "Herders Build a Fold", COUNTED, "A. Sample", NINE, TEN, []),
        ("05-comment-times", "Herders Ask for Hay", COUNTED, None, None, None, []),
        ("12-json-ld-of-another-first", "Herders Dig a Well", COUNTED, "A. Sample", NINE, TEN, []),
        (
            "14-linked-subheading-without-json-ld",
            "Weavers Mend Looms",
            (
                "Weavers mended the looms of the old mill.\n\nSee the rule of the guild\n\n"
                "Each loom is looked at twice a year by another guild."
            ),
            None,
            None,
            None,
            [],
        ),
        ("16-author-is-an-address", "Herders Meet", COUNTED, None, NINE, TEN, []),
        (
            "18-json-ld-times-without-offset",
            "Herders Vote",
            COUNTED,
            "A. Sample",
            None,
            None,
            ["bad_time", "bad_time"],
        ),
    ],
)
def test_a_page_is_the_one_article_of_its_address(
    cases: Path,
    *,
    name: str,
    title: str,
    text: str,
    author: str | None,
    published: datetime | None,
    modified: datetime | None,
    rejects: list[str],
) -> None:
    page = read(cases / f"{name}.html")
    (article,) = page.articles
    assert page.kind is PageKind.ARTICLE
    assert article.url == CANONICAL.findall((cases / f"{name}.html").read_bytes())[0].decode()
    assert (article.title, article.text, article.author) == (title, text, author)
    assert (article.published_at, article.modified_at) == (published, modified)
    assert [reject.reason for reject in page.rejects] == rejects


@pytest.mark.parametrize(
    ("name", "texts", "money"),
    [
        (
            "06-struck-price",
            ["A sheep cost 250 som at the fair, the union of herders said."],
            [("250", "KGS")],
        ),
        ("07-plugin-furniture", ["Hay is dear in Naryn this winter, and the herders buy less of it."], []),
        (
            "08-bare-shortcodes",
            [
                "The fold was built in nine days by the herders themselves.",
                'The herder said "it [the fold] was ours" and laughed.',
            ],
            [],
        ),
        (
            "09-word-break-opportunity",
            ["The herders of Kyrgyzstan were paid 300000 som for wool."],
            [("300000", "KGS")],
        ),
        ("15-note-mark", ["The fund has 5 million som for hay this winter."], [("5000000", "KGS")]),
    ],
)
def test_a_post_gives_its_text_and_the_amounts_in_it(
    cases: Path, name: str, texts: list[str], money: list[tuple[str, str]]
) -> None:
    articles = read(cases / f"{name}.posts.txt").articles
    assert [article.text for article in articles] == texts
    read_amounts = [amount for text in texts for amount in amounts(text)]
    assert [(str(amount.amount), amount.currency) for amount in read_amounts] == money


def test_times_of_a_feed_without_a_zone_are_rejects(cases: Path) -> None:
    page = read(cases / "10-feed-times.feed.txt")
    assert [article.published_at for article in page.articles] == [NINE, None, None, NINE]
    assert [reject.reason for reject in page.rejects] == ["bad_time", "bad_time"]


def test_a_feed_in_another_charset_is_cyrillic(cases: Path) -> None:
    (article,) = read(cases / "11-feed-windows-1251.feed.txt").articles
    assert article.title is not None
    assert re.fullmatch("[\u0400-\u04ff ]+", article.title)


def test_a_feed_after_empty_lines_is_read(cases: Path) -> None:
    (article,) = read(cases / "13-feed-behind-blank-lines.feed.txt").articles
    assert (article.title, article.text) == ("Herders Rest", COUNTED)


def test_cdata_that_was_escaped_once_more_is_an_excerpt(cases: Path) -> None:
    (article,) = read(cases / "17-escaped-cdata.feed.txt").articles
    assert (article.text, article.is_truncated) == ("Herders walk for nine days with their sheep.", True)


def test_the_amounts_of_every_line_are_the_expected_ones(cases: Path) -> None:
    for line in (cases / "amounts.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        assert [
            _fields(amount, expected)
            for amount, expected in zip(amounts(case["text"]), case["expected"], strict=True)
        ] == case["expected"], case["text"]


def _fields(amount: Amount, expected: dict[str, Any]) -> dict[str, Any]:
    """Those fields of an amount that the case names; a stated sum and a unit that it does not name must be missing."""
    fields = {
        "amount": str(amount.amount),
        "currency": amount.currency,
        "per": amount.per,
        "stated_usd": None if amount.stated_usd is None else str(amount.stated_usd),
    }
    return {name: value for name, value in fields.items() if name in expected or value is not None}


def test_the_countries_of_every_line_are_the_expected_ones(cases: Path) -> None:
    with (sql_root() / "seeds" / "places.csv").open(encoding="utf-8", newline="") as rows:
        gazetteer = Gazetteer.of(csv.DictReader(rows))
    for line in (cases / "places.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        codes = sorted({place.country_code for place in places(case["text"], gazetteer)})
        assert codes in (case["countries"], case.get("or")), case["text"]
