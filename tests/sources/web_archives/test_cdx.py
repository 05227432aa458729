"""Index lines of Common Crawl and of the Wayback Machine are read as one record, or rejected with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.sources.source import DateRange
from ca_etl.sources.web_archives.cdx import (
    EMPTY_DIGEST,
    WAYBACK_FIELDS,
    IndexLine,
    IndexPage,
    LineReason,
    collapse,
    common_crawl_query,
    one_a_day,
    read_common_crawl,
    read_wayback,
    wayback_query,
    why_unwanted,
)
from tests.sources.web_archives.lines import common_crawl_line, wayback_rows

JANUARY = DateRange(date(2025, 1, 1), date(2025, 1, 31))
ALMATY = ZoneInfo("Asia/Almaty")
EPOCH = datetime(1996, 1, 1, tzinfo=UTC)
DIGEST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
LINE = IndexLine(
    urlkey="com,timesca)/latest",
    url="https://timesca.com/latest/",
    timestamp="20250105120000",
    status=200,
    mime="text/html",
    digest=DIGEST,
    length=1200,
    offset=77,
    filename="crawl-data/CC-MAIN-2025-05/segments/1/warc/a-00001.warc.gz",
)
BARE = replace(LINE, length=None, offset=None, filename=None)


LINES = st.builds(
    IndexLine,
    urlkey=st.text(min_size=1, max_size=20),
    url=st.text('abcxyz0189-_/?=&%.\u043c"\\', max_size=20).map("https://timesca.com/{}".format),
    timestamp=st.integers(0, 10**9).map(lambda at: f"{EPOCH + timedelta(seconds=at):%Y%m%d%H%M%S}"),
    status=st.none() | st.integers(100, 599),
    mime=st.sampled_from(["text/html", "warc/revisit", "unk"]),
    digest=st.permutations(DIGEST).map("".join),
    length=st.integers(0, 10**12),
    offset=st.integers(0, 10**12),
    filename=st.text("ab0-_", min_size=1, max_size=5).map("crawl-data/warc/{}.warc.gz".format),
)


def bare(line: IndexLine) -> IndexLine:
    return replace(line, length=None, offset=None, filename=None)


@given(st.lists(LINES, max_size=5))
def test_lines_of_common_crawl_are_read_as_they_were_written(written: list[IndexLine]) -> None:
    page = read_common_crawl("".join(f"{common_crawl_line(line)}\n" for line in written))
    assert page == IndexPage(tuple(written))


@given(st.lists(LINES, max_size=5), st.none() | st.text(min_size=1))
def test_rows_of_the_wayback_machine_are_read_as_they_were_written(
    written: list[IndexLine], key: str | None
) -> None:
    page = read_wayback(wayback_rows(written, key))
    assert page == IndexPage(tuple(map(bare, written)), resume_key=key)


@given(st.lists(LINES, min_size=1, max_size=3), st.data())
def test_a_cut_response_gives_whole_lines_alone(written: list[IndexLine], data: st.DataObject) -> None:
    text = "".join(f"{common_crawl_line(line)}\n" for line in written)
    at = data.draw(st.integers(0, len(text)))
    page = read_common_crawl(text[:at])
    assert page.lines == tuple(written[: len(page.lines)])
    assert page.is_whole == (not page.bad)
    rows = wayback_rows(written, None)
    at = data.draw(st.integers(1, len(rows) - len("]\n")))
    cut = read_wayback(rows[:at])
    assert [line.url for line in cut.lines] == [line.url for line in written[: len(cut.lines)]]
    assert not cut.is_whole


@given(st.text(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(read_common_crawl(text), IndexPage)
    assert isinstance(read_wayback(text), IndexPage)


@pytest.mark.parametrize("text", ["", "\n", "[]", "[]\n", f"[{json.dumps(WAYBACK_FIELDS)}]"])
def test_no_hit_of_the_wayback_machine_is_an_index_without_lines(text: str) -> None:
    assert read_wayback(text) == IndexPage()


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("timestamp", "2025", LineReason.BAD_FIELD),
        ("timestamp", "20250230120000", LineReason.BAD_FIELD),
        ("url", "ftp://timesca.com/", LineReason.BAD_FIELD),
        ("url", "https://timesca.com/ x", LineReason.BAD_FIELD),
        ("url", "https://user:password@timesca.com/", LineReason.BAD_FIELD),
        ("status", "2OO", LineReason.BAD_FIELD),
        ("digest", "ABC", LineReason.BAD_FIELD),
        ("length", "-1", LineReason.BAD_FIELD),
        ("offset", "1e3", LineReason.BAD_FIELD),
        ("filename", "/etc/warc/../passwd", LineReason.BAD_FIELD),
        ("filename", None, LineReason.MISSING_FIELD),
        ("urlkey", None, LineReason.MISSING_FIELD),
    ],
)
def test_a_line_with_a_damaged_field_is_rejected(field: str, value: str | None, reason: LineReason) -> None:
    fields = json.loads(common_crawl_line(LINE)) | {field: value}
    page = read_common_crawl(f"{json.dumps(fields)}\n")
    assert page.lines == ()
    assert [bad.reason for bad in page.bad] == [reason]


def test_a_line_in_the_middle_that_is_not_json_costs_itself_alone() -> None:
    good = common_crawl_line(LINE)
    page = read_common_crawl(f"{good}\n<html>\n{good}\n")
    assert (len(page.lines), [bad.reason for bad in page.bad], page.is_whole) == (
        2,
        [LineReason.NOT_JSON],
        True,
    )


def test_a_page_of_html_is_no_index() -> None:
    assert not read_wayback("<html>We are sorry</html>").is_whole


def test_a_row_with_too_few_values_is_rejected() -> None:
    page = read_wayback(json.dumps([WAYBACK_FIELDS, ["com,timesca)/", "20250105120000"]]))
    assert [bad.reason for bad in page.bad] == [LineReason.MISSING_FIELD]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE, None),
        (BARE, None),
        (replace(BARE, url="http://www.timesca.com:80/"), None),
        (replace(LINE, status=None, mime="warc/revisit"), LineReason.REVISIT),
        (replace(LINE, status=None), LineReason.REVISIT),
        (replace(LINE, status=301), LineReason.OTHER_STATUS),
        (replace(LINE, mime="image/png"), LineReason.OTHER_TYPE),
        (replace(LINE, url="https://shop.timesca.com/"), LineReason.OTHER_SITE),
        (replace(LINE, url="https://nottimesca.com/"), LineReason.OTHER_SITE),
        (replace(LINE, timestamp="20250201000000"), LineReason.OTHER_DAY),
        (replace(LINE, timestamp="20250131235959"), None),
        (replace(LINE, filename="a/crawldiagnostics/b.warc.gz"), LineReason.OTHER_FOLDER),
        (replace(LINE, filename="a/robotstxt/b.warc.gz"), LineReason.OTHER_FOLDER),
        (replace(LINE, digest=EMPTY_DIGEST), LineReason.EMPTY_BODY),
    ],
)
def test_only_whole_pages_of_the_site_within_the_days_are_wanted(
    line: IndexLine, reason: LineReason | None
) -> None:
    assert why_unwanted(line, site="timesca.com", days=JANUARY) is reason


def test_a_capture_that_the_index_repeats_counts_once_wherever_it_is_repeated() -> None:
    other = replace(LINE, timestamp="20250104000000")
    assert collapse([LINE, other, LINE]) == [other, LINE]


def test_first_comes_one_capture_a_day_and_kind_of_listing_page() -> None:
    home, page_two, category, article = (
        replace(LINE, url=f"https://timesca.com{path}")
        for path in ("/", "/page/2/", "/category/x/", "/a-slug-of-an-article/")
    )
    # in Almaty it is the next day
    late = replace(home, timestamp="20250105203000")
    assert one_a_day([home, page_two, category, article, late], ALMATY) == [home, category, late]


def test_the_query_of_common_crawl_names_domain_days_status_and_page() -> None:
    assert parse_qsl(common_crawl_query("timesca.com", JANUARY, page=3)) == [
        ("url", "timesca.com"),
        ("matchType", "domain"),
        ("output", "json"),
        ("from", "20250101"),
        ("to", "20250131"),
        ("filter", "=status:200"),
        ("page", "3"),
    ]
    assert parse_qsl(common_crawl_query("timesca.com", JANUARY))[-1] == ("showNumPages", "true")


def test_the_query_of_the_wayback_machine_keeps_the_field_that_its_resume_key_needs() -> None:
    pairs = dict(parse_qsl(wayback_query("timesca.com", JANUARY, limit=5, resume_key="com,timesca)/ 2025")))
    assert pairs["fl"].startswith("urlkey,")
    assert (pairs["limit"], pairs["showResumeKey"], pairs["resumeKey"]) == ("5", "true", "com,timesca)/ 2025")
