"""The version of the parser is raised when it reads equal bytes otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from ca_etl.demo.handlers import respond
from ca_etl.parse.page import PARSER_VERSION
from ca_etl.parse.rows import rows_of
from ca_etl.records import Capture

FIXTURES = Path(__file__).with_name("fixtures")
SITE = "https://timesca.com/"
NIGHT = datetime(2025, 12, 4, 20, 30, tzinfo=UTC)
TARGETS = ("/", "/latest/page/2/", "/feed/", "/wp-json/wp/v2/posts?per_page=20", "/no-such-page/")


def inputs() -> Iterator[Capture]:
    """The text pages of the fixtures, and pages, feed and posts of the demo with the page of each article there."""
    for path in sorted(FIXTURES.glob("**/*.txt")):
        yield Capture(path.name, "file", path.read_bytes(), "a", 0, None, NIGHT)
    posts = respond("/wp-json/wp/v2/posts", MappingProxyType({}), date(2025, 12, 5), (), SITE)
    shown = rows_of(_capture(SITE, posts.body, "application/json"), zone=ZoneInfo("Asia/Almaty"), run_id="r")
    articles = [row["url"].removeprefix(SITE[:-1]) for row in shown.article_observation]
    assert len(articles) > 5
    for target in (*TARGETS, *articles):
        response = respond(target, MappingProxyType({}), date(2025, 12, 5), (), SITE)
        yield _capture(SITE + target[1:], response.body, response.headers["Content-Type"], response.status)


def _capture(url: str, body: bytes, content_type: str, status: int = 200) -> Capture:
    return Capture(url, "demo", body, "a", 0, url, NIGHT, status, content_type)


def test_the_version_is_raised_when_the_fixtures_give_other_rows(
    hold_version: Callable[[str, str, object, object], None],
) -> None:
    captures = list(inputs())
    results = []
    for capture in captures:
        rows = rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="r").by_table()
        for row in (*rows["capture"], *rows["reject"]):
            del row["parser_version"]
        results.append(
            {table: [sorted(row.items()) for row in parsed] for table, parsed in rows.items() if parsed}
        )
    hold_version("PARSER_VERSION in src/ca_etl/parse/page.py", PARSER_VERSION, captures, results)
