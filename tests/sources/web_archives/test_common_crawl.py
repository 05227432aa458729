"""What is not as the index of Common Crawl states has a problem, and is never a row."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ca_etl.sources.web_archives.common_crawl import member_problem, read_crawls
from tests.sources.web_archives.fake_archives import (
    Page,
    line_of,
    member_of,
    noon,
)

PAGE = Page("https://timesca.com/", noon("2025-01-12"))
MEMBER = member_of(PAGE)
LINE = line_of(PAGE, "CC-MAIN-2025-05", 0, len(MEMBER))


def test_a_whole_member_that_is_as_the_index_states_has_no_problem() -> None:
    assert member_problem(MEMBER, LINE) is None


@pytest.mark.parametrize(
    ("member", "line", "words"),
    [
        (MEMBER, replace(LINE, length=5), "bytes instead of 5"),
        (MEMBER, replace(LINE, url="https://timesca.com/other/"), "the record is of https://timesca.com/"),
        (MEMBER, replace(LINE, timestamp="20250113120000"), "the record is of 2025-01-12"),
        (MEMBER, replace(LINE, digest="A" * 32), "the body is not the one of"),
        (MEMBER + MEMBER, LINE, "bytes follow the gzip member"),
        (MEMBER[:-9], LINE, "the gzip member has no end"),
        (b"<html>" * 20, LINE, "not a whole gzip member"),
        (gzip.compress(b"no record", mtime=0), LINE, "no WARC record begins here"),
        (member_of(PAGE, WARC_Type="revisit"), LINE, "a record of type revisit"),
        (member_of(PAGE, WARC_Payload_Digest="sha1:" + "A" * 32), LINE, "the payload has another digest"),
        (member_of(PAGE, WARC_Record_ID=""), LINE, "no WARC-Record-ID"),
        (gzip.compress(gzip.decompress(MEMBER).replace(b"WARC/1.0", b"WARC/2.0"), mtime=0), LINE, "version of WARC"),
    ],
)  # fmt: skip
def test_a_member_that_is_not_as_the_index_states_has_a_problem(member: bytes, line: Any, words: str) -> None:
    line = line if line is not LINE else replace(LINE, length=len(member))
    assert words in (member_problem(member, line) or "")


def test_a_member_with_one_byte_changed_or_cut_anywhere_has_a_problem() -> None:
    for at in range(10, len(MEMBER)):
        damaged = MEMBER[:at] + bytes([MEMBER[at] ^ 0x41]) + MEMBER[at + 1 :]
        assert member_problem(damaged, LINE) is not None, at
        assert member_problem(MEMBER[:at], replace(LINE, length=at)) is not None, at


def test_a_crawl_without_days_has_those_of_its_name() -> None:
    crawls = read_crawls(json.dumps([
        {"id": "CC-MAIN-2024-10", "cdx-api": "https://index.commoncrawl.org/CC-MAIN-2024-10-index"},
        {"id": "CC-MAIN-2009-2010", "cdx-api": "https://index.commoncrawl.org/CC-MAIN-2009-2010-index"},
        {"id": "CC-MAIN-2012", "cdx-api": "https://index.commoncrawl.org/CC-MAIN-2012-index"},
    ]))  # fmt: skip
    assert [(crawl.first, crawl.last) for crawl in crawls] == [
        (date(2024, 1, 29), date(2024, 4, 8)),
        (date(2009, 1, 1), date(2010, 12, 31)),
        (date(2012, 1, 1), date(2012, 12, 31)),
    ]
