"""Two articles of one title on a page without links are rejects, and all counts of the page agree with that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.run import run_ingest
from ca_etl.settings import Settings

ARTICLES = (
    ("Letter from the River", "In March the river rose by a metre, and the town on it was cut off."),
    ("A Road Opens", "The road over the pass is open."),
    ("Letter from the River", "In April the river fell again, and the town on it could be reached."),
)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A listing as text, which has no links."""
    lines = ["• KGS/USD = 0.01144 0%", "  • KZT/USD = 0.00198 -0%", "  • TJS/USD = 0.10857 0%"] * 8
    lines += ["05 December 2025", "", "Viewing results 1 - 6 of 3"]
    for title, text in ARTICLES:
        lines += ["", title, "", text]
    path = tmp_path / "listing.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_articles_that_nothing_distinguishes_are_rejects_and_no_articles(
    settings: Settings, query: Callable[..., list[tuple[Any, ...]]], text_file: Path
) -> None:
    assert run_ingest(settings, GivenFiles((text_file,))).exit_status == 0
    assert query("select title, sightings from fct_article") == [("A Road Opens", 1)]
    assert query(
        "select reason, excerpt from etl_reject where reason = 'ambiguous_title' order by excerpt"
    ) == [("ambiguous_title", f"{title}\n{text}") for title, text in sorted(ARTICLES[::2])]
    assert query("select articles_expected, articles_parsed, is_complete from fct_listing_page") == [
        (3, 1, False)
    ]
    firing = query(
        "select check_name, offending_rows from etl_check where severity = 'error' and offending_rows > 0"
    )
    assert firing == []
