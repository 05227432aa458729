"""Pages that show the same under several addresses are not articles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ca_etl.parse.rows import PageContent, reject_repeats, repeated_pages, rows_of
from ca_etl.records import Capture, Rows

SITE = "https://timesca.com/"
NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
WALL = "This content is for subscribers."


@pytest.fixture
def rows(fit: Callable[[Rows], None]) -> Callable[..., Rows]:
    """The rows of a payload, which fit the raw tables; further fields of the capture by name."""

    def make(payload: bytes, **fields: Any) -> Rows:
        capture = Capture(payload=payload, archive_file="a.warc.gz", archive_offset=0, **fields)
        read = rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="run-1")
        fit(read)
        return read

    return make


def content(slug: str, title: str | None, text: str | None, post_id: int | None = None) -> PageContent:
    return PageContent(f"{SITE}{slug}/", title, text, post_id)


@pytest.mark.parametrize(
    ("pages", "repeats"),
    [
        ([content("a-road", "Sorry", WALL), content("a-mill", "Sorry", WALL)], {0: 2, 1: 2}),
        ([content("a-road", "A Road", WALL, 7), content("a-mill", "A Mill", WALL, 9)], {0: 2, 1: 2}),
        ([content("a-road", "Sorry", None), content("a-mill", "Sorry", None)], {0: 2, 1: 2}),
        ([content("a-road", "A Digest", "Wool."), content("a-mill", "A Digest", "Ice.")], {}),
        ([content("a-road", "A Road", WALL, 7), content("a-road", "A Road", WALL, 7)], {}),
        ([content("a-digest", "A Digest", "Wool.", 7), content("a-digest-2", "A Digest", "Wool.", 9)], {}),
        ([content("a-road", None, None), content("a-mill", None, None)], {}),
        ([], {}),
    ],
    ids=[
        "one page",
        "one text under their titles",
        "a title alone",
        "one title, two texts",
        "one address",
        "a post published twice",
        "nothing",
        "no page",
    ],
)
def test_content_of_several_addresses_belongs_to_none_of_them(
    pages: list[PageContent], repeats: dict[int, int]
) -> None:
    assert repeated_pages(pages) == repeats


def rows_of_page(rows: Callable[..., Rows], name: str, text: str, source: str = "timesca-articles") -> Rows:
    page = f'<body class="single-post"><h1>Sorry</h1><p>{text}</p></body>'
    return rows(
        page.encode(),
        capture_id=name,
        url=f"{SITE}{name}/",
        content_type="text/html",
        source=source,
        captured_at=NIGHT,
    )


def of_three(rows: Callable[..., Rows], source: str) -> Rows:
    loaded = Rows()
    for name, text in (("a-road", WALL), ("a-mill", WALL), ("a-baker", "Bread sells.")):
        loaded.extend(rows_of_page(rows, name, text, source))
    reject_repeats(loaded, source="timesca-articles", run_id="r")
    return loaded


def test_pages_of_one_archive_file_with_the_same_content_become_rejects(rows: Callable[..., Rows]) -> None:
    loaded = of_three(rows, "timesca-articles")
    assert [row["capture_id"] for row in loaded.article_observation] == ["a-baker"]
    assert [row["text"] for row in loaded.article_text] == ["Bread sells."]
    assert [(row["capture_id"], row["page_kind"], row["articles_parsed"]) for row in loaded.capture] == [
        ("a-road", "other", 0),
        ("a-mill", "other", 0),
        ("a-baker", "article", 1),
    ]
    rejects = [(row["capture_id"], row["position"], row["detail"]) for row in loaded.reject[-2:]]
    assert rejects == [("a-road", 2, "2 pages say the same"), ("a-mill", 2, "2 pages say the same")]


def test_pages_that_were_not_requested_one_by_one_are_left_alone(rows: Callable[..., Rows]) -> None:
    assert len(of_three(rows, "files").article_observation) == 3
