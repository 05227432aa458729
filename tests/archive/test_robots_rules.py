from __future__ import annotations

import pytest

from ca_etl.archive.client import MAX_PARSED_BYTES, product_token, read_robots
from ca_etl.archive.policy import Verdict

AGENT = "ca_etl/0.1.0 (+https://example.org/bot)"


def rules(body: bytes, content_type: str | None = "text/plain", status: int | None = 200):
    return read_robots(status, content_type, body, user_agent=AGENT)


@pytest.mark.parametrize("status", [400, 404, 405, 410, 418, 451])
def test_a_missing_file_allows_everything(status):
    assert rules(b"User-agent: *\nDisallow: /", status=status).allowed("http://s.test/any")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (401, Verdict.BLOCKED),
        (403, Verdict.BLOCKED),
        (429, Verdict.UNREACHABLE),
        (500, Verdict.UNREACHABLE),
        (503, Verdict.UNREACHABLE),
        (None, Verdict.UNREACHABLE),
        (204, Verdict.DISALLOWED),
        (302, Verdict.DISALLOWED),
    ],
)
def test_a_file_that_cannot_be_had_stops_the_visit(status, verdict):
    found = rules(b"User-agent: *\nAllow: /", status=status)
    assert found.verdict is verdict
    assert not found.allowed("http://s.test/")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!doctype html><title>Just a moment...</title>", "text/html"),
        (b"\xef\xbb\xbf \n<html><body>User-agent: *\nAllow: /</body></html>", "text/plain"),
        (b"Checking your browser", "text/html; charset=utf-8"),
    ],
)
def test_an_html_page_is_no_robots_file(body, content_type):
    assert rules(body, content_type).verdict is Verdict.BLOCKED


def test_a_robots_file_sent_as_html_is_still_one():
    found = rules(b"User-agent: *\nDisallow: /private/", "text/html")
    assert found.allowed("http://s.test/latest/")
    assert not found.allowed("http://s.test/private/x")


def test_an_empty_file_has_no_rules():
    assert rules(b"", "text/html").allowed("http://s.test/x")


def test_the_group_of_our_product_token_counts_and_not_the_contact():
    body = b"User-agent: ca_etl\nDisallow: /feed/\n\nUser-agent: example\nDisallow: /\n\nUser-agent: *\nDisallow: /\n"
    found = rules(body)
    assert found.allowed("http://s.test/latest/")
    assert not found.allowed("http://s.test/feed/")


def test_the_longest_match_wins_and_wildcards_work():
    found = rules(b"User-agent: *\nDisallow: /\nAllow: /latest/\nDisallow: /*?replytocom=\nDisallow: /?\n")
    assert found.allowed("http://s.test/latest/")
    assert not found.allowed("http://s.test/other/")
    assert not found.allowed("http://s.test/latest/?replytocom=4")


def test_a_question_mark_rule_is_not_the_whole_site():
    found = rules(b"User-agent: *\nDisallow: /?\n")
    assert found.allowed("http://s.test/latest/")
    assert not found.allowed("http://s.test/?p=1")


def test_url_and_agent_are_not_swapped():
    # with the arguments in the standard library's order, Protego answers "allowed" to this
    assert not rules(b"User-agent: *\nDisallow: /").allowed("http://s.test/latest/")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"Crawl-delay: 10", 10.0),
        (b"Crawl-delay: 0.5", 0.5),
        (b"Request-rate: 1/20s", 20.0),
        (b"Crawl-delay: x", 0.0),
    ],
)
def test_the_wanted_pause_is_read(line, seconds):
    assert rules(b"User-agent: *\n" + line).min_interval_seconds == seconds


def test_rules_behind_half_a_mebibyte_still_count():
    filler = b"# nothing to see here\n" * (520_000 // 22)
    assert not rules(b"User-agent: *\n" + filler + b"Disallow: /late/\n").allowed("http://s.test/late/")


def test_an_endless_file_is_read_up_to_its_last_whole_line():
    body = b"User-agent: *\nDisallow: /early/\n" + b"Allow: /x\n" * (MAX_PARSED_BYTES // 10)
    assert not rules(body).allowed("http://s.test/early/")


def test_bytes_that_are_no_utf8_do_not_hide_the_rules():
    assert not rules(b"# caf\xe9\nUser-agent: *\nDisallow: /a\n").allowed("http://s.test/a")


def test_the_product_token_is_the_name_alone():
    assert product_token(AGENT) == "ca_etl"
