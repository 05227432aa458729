"""Robots first, pauses, retries, redirects, conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime

import pytest

from ca_etl.archive.client import MAX_PARSED_BYTES, Fetcher, product_token, read_robots
from ca_etl.archive.policy import Verdict

ROBOTS = "text/plain"


def test_robots_is_read_once_before_the_first_page(visit, site, response, page):
    site.routes |= {"/a": response(page), "/b": response(page)}
    fetcher = visit().fetcher
    fetcher.get(site.url + "/a")
    fetcher.get(site.url + "/b")
    assert site.paths == ["/robots.txt", "/a", "/b"]


def test_a_disallowed_page_is_not_requested(visit, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"User-agent: ca_etl\nDisallow: /private", Content_Type=ROBOTS),
        "/private": response(page),
    }
    result = visit().fetcher.get(site.url + "/private")
    assert (result.verdict, result.attempts, site.paths) == (Verdict.DISALLOWED, (), ["/robots.txt"])


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("503 Busy", Verdict.UNREACHABLE),
        ("429 Slow", Verdict.UNREACHABLE),
        ("403 No", Verdict.BLOCKED),
        ("401 Who", Verdict.BLOCKED),
    ],
)
def test_a_robots_file_that_is_refused_stops_the_visit(visit, site, response, page, *, status, verdict):
    site.routes |= {"/robots.txt": response(b"", status), "/p": response(page)}
    result = visit(max_attempts=2).fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts) == (verdict, ())
    assert "/p" not in site.paths


def test_a_robots_file_that_recovers_is_honoured(visit, site, response, page):
    site.routes |= {
        "/robots.txt": [response(b"", "503 Busy"), response(b"", "404 None")],
        "/p": response(page),
    }
    session = visit()
    assert session.fetcher.get(site.url + "/p").verdict is Verdict.OK
    assert [(a.status, a.url.rpartition("/")[2]) for a in session.seen] == [
        (503, "robots.txt"),
        (404, "robots.txt"),
        (200, "p"),
    ]


def test_an_html_robots_file_stops_the_visit(visit, site, response, page):
    site.routes |= {"/robots.txt": response(b"<html>please wait</html>"), "/p": response(page)}
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.BLOCKED


def test_a_cut_robots_file_stops_the_visit(visit, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"User-agent: *\nDis", length=500, Content_Type=ROBOTS),
        "/p": response(page),
    }
    assert visit(max_attempts=2).fetcher.get(site.url + "/p").verdict is Verdict.UNREACHABLE
    assert site.paths == ["/robots.txt", "/robots.txt"]


def test_an_endless_robots_file_counts_as_far_as_it_was_read(visit, site, response, page):
    body = b"User-agent: *\nDisallow: /p\n" + b"# filler\n" * 100_000
    site.routes |= {
        "/robots.txt": response(body, Content_Type=ROBOTS),
        "/p": response(page),
        "/q": response(page),
    }
    fetcher = visit(max_wire_bytes=600_000).fetcher
    assert fetcher.get(site.url + "/p").verdict is Verdict.DISALLOWED
    assert fetcher.get(site.url + "/q").verdict is Verdict.OK


def test_a_robots_file_that_lives_elsewhere_on_the_host_is_followed(visit, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"", "301 Moved", Location="/r.txt"),
        "/r.txt": response(b"User-agent: *\nDisallow: /p", Content_Type=ROBOTS),
    }
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.DISALLOWED


def test_a_robots_file_that_leads_offsite_stops_the_visit(visit, site, response):
    site.routes["/robots.txt"] = response(b"", "302 Found", Location="http://elsewhere.test/robots.txt")
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.UNREACHABLE


def test_a_host_that_is_not_allowed_is_not_requested(visit, site):
    result = visit(allowed_hosts=frozenset({"site.test"})).fetcher.get(site.url + "/p")
    assert (result.verdict, site.requests) == (Verdict.OFFSITE, [])


@pytest.mark.parametrize(
    ("status", "paths"),
    [
        ("301 Moved", ["/p", "/q"]),
        ("302 Found", ["/p", "/q"]),
        ("303 Other", ["/p", "/q"]),
        ("307 Temporary", ["/p", "/q"]),
        ("308 Permanent", ["/p", "/q"]),
        ("300 Choices", ["/p"]),
        ("305 Proxy", ["/p"]),
        ("306 Switch", ["/p"]),
    ],
)
def test_the_five_statuses_of_a_redirect_are_followed_and_no_other(visit, site, response, *, status, paths):
    site.routes |= {"/p": response(b"", status, Location="/q"), "/q": response(b"moved")}
    visit().fetcher.get(site.url + "/p")
    assert site.paths == ["/robots.txt", *paths]


def test_every_response_is_seen_robots_redirects_errors_and_cut_bodies_too(visit, site, response, page):
    site.routes |= {
        "/p": [
            response(b"", "503 Busy"),
            response(page[:100], length=len(page)),
            response(b"", "302 Found", Location="/q"),
        ],
        "/q": response(page),
    }
    session = visit(max_attempts=3)
    result = session.fetcher.get(site.url + "/p")
    assert [a.verdict for a in session.seen] == [
        Verdict.HTTP_ERROR,
        Verdict.HTTP_ERROR,
        Verdict.TRUNCATED,
        Verdict.REDIRECT,
        Verdict.OK,
    ]
    assert result.attempts == tuple(session.seen[1:])
    assert (result.verdict, result.final_url) == (Verdict.OK, site.url + "/q")
    assert [a.number for a in result.attempts] == [1, 2, 3, 1]


def test_the_body_of_a_redirect_is_kept_undecoded(visit, site, response, gzipped):
    body = gzipped(b"<html>moved</html>")
    site.routes["/p"] = response(
        body, "301 Moved", Location="http://elsewhere.test/", Content_Encoding="gzip"
    )
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts[0].wire_body) == (Verdict.OFFSITE, body)


def test_a_redirect_loop_ends(visit, site, response):
    site.routes["/p"] = response(b"", "302 Found", Location="/p")
    result = visit(max_redirects=5).fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts)) == (Verdict.HTTP_ERROR, 6)


def test_a_redirect_to_a_disallowed_path_is_not_followed(visit, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"User-agent: *\nDisallow: /private", Content_Type=ROBOTS),
        "/p": response(b"", "302 Found", Location="/private/x"),
        "/private/x": response(page),
    }
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts)) == (Verdict.DISALLOWED, 1)
    assert "/private/x" not in site.paths


def test_retry_after_is_waited_for(visit, site, response, page, noon):
    later = format_datetime(noon + timedelta(seconds=42), usegmt=True)
    site.routes["/p"] = [
        response(b"", "503 Busy", Retry_After="7"),
        response(b"", "429 Slow", Retry_After=later),
        response(page),
    ]
    session = visit(max_attempts=3)
    assert session.fetcher.get(site.url + "/p").verdict is Verdict.OK
    assert session.sleeps == [7, pytest.approx(41.75)]


def test_a_retry_after_that_is_too_long_ends_the_visit_at_once(visit, site, response):
    site.routes["/p"] = response(b"", "503 Busy", Retry_After="3600")
    session = visit(max_attempts=5, max_retry_after_seconds=60.0)
    result = session.fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts), session.sleeps) == (Verdict.HTTP_ERROR, 1, [])


@pytest.mark.parametrize("status", ["429 Slow", "503 Busy"])
def test_a_host_that_wants_a_longer_pause_gets_no_further_request(visit, site, response, page, status):
    site.routes |= {"/p": response(b"", status, Retry_After="3600"), "/q": response(page)}
    session = visit()
    first, second, third = (session.fetcher.get(site.url + path) for path in ("/p", "/q", "/p"))
    assert (first.verdict, first.ends_visit) == (Verdict.HTTP_ERROR, True)
    assert [(result.verdict, result.attempts) for result in (second, third)] == [(Verdict.THROTTLED, ())] * 2
    assert site.paths == ["/robots.txt", "/p"]


def test_a_pause_that_can_be_waited_for_ends_no_visit(visit, site, response, page):
    site.routes |= {"/p": response(b"", "429 Slow", Retry_After="7"), "/q": response(page)}
    session = visit()
    assert not session.fetcher.get(site.url + "/p").ends_visit
    assert session.fetcher.get(site.url + "/q").verdict is Verdict.OK


@pytest.mark.parametrize("status", ["429 Slow", "503 Busy", "425 Early"])
def test_a_robots_file_that_wants_a_longer_pause_ends_the_visit(visit, site, response, page, status):
    site.routes |= {"/robots.txt": response(b"", status, Retry_After="3600"), "/p": response(page)}
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts, site.paths) == (Verdict.THROTTLED, (), ["/robots.txt"])


def test_another_host_is_requested_all_the_same(visit, site, response, page):
    site.routes |= {"/p": response(b"", "429 Slow", Retry_After="3600"), "/q": response(page)}
    session = visit(allowed_hosts=frozenset({"127.0.0.1", "localhost"}))
    session.fetcher.get(site.url + "/p")
    assert session.fetcher.get(site.url.replace("127.0.0.1", "localhost") + "/q").verdict is Verdict.OK


def test_only_the_last_attempt_keeps_its_bytes_once_all_are_archived(visit, site, response, page):
    site.routes |= {
        "/p": [response(page, "503 Busy"), response(page, "302 Found", Location="/q")],
        "/q": response(page),
    }
    session = visit()
    result = session.fetcher.get(site.url + "/p")
    assert [attempt.wire_body for attempt in session.seen[1:]] == [page] * 3
    assert [(a.wire_body, a.body) for a in result.attempts] == [(b"", b""), (b"", b""), (page, page)]
    kept, bare = result.without_bytes(keep_page=True), result.without_bytes()
    assert [(result.last.wire_body, result.last.body) for result in (kept, bare)] == [(b"", page), (b"", b"")]
    assert kept == bare == result


def test_failures_without_retry_after_back_off(visit, site, response):
    site.routes["/p"] = response(b"", "500 Broken")
    session = visit(max_attempts=4, backoff_base_seconds=1.0, backoff_cap_seconds=3.0)
    assert len(session.fetcher.get(site.url + "/p").attempts) == 4
    assert session.sleeps == [1, 2, 3]


@dataclass
class Time:
    """A monotonic clock that moves when somebody sleeps."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def timed(policy, noon):
    def make(**changes):
        time = Time()
        fetcher = Fetcher(policy(**changes), clock=lambda: noon, sleep=time.sleep, monotonic=lambda: time.now)
        return fetcher, time

    return make


def test_the_interval_is_kept_between_all_requests_to_a_host(timed, site, response, page):
    site.routes |= {"/a": response(page), "/b": response(b"", "302 Found", Location="/a")}
    fetcher, time = timed(min_interval_seconds=5.0)
    with fetcher:
        fetcher.get(site.url + "/a")
        time.now += 2
        fetcher.get(site.url + "/b")
    assert time.sleeps == [5, 3, 5]


def test_the_longer_of_interval_and_crawl_delay_is_kept(timed, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"User-agent: *\nCrawl-delay: 9", Content_Type=ROBOTS),
        "/a": response(page),
    }
    fetcher, time = timed(min_interval_seconds=5.0)
    with fetcher:
        fetcher.get(site.url + "/a")
        fetcher.get(site.url + "/a")
    assert time.sleeps == [9, 9]


def test_a_crawl_delay_that_no_run_can_keep_stops_the_visit(visit, site, response, page):
    site.routes |= {
        "/robots.txt": response(b"User-agent: *\nCrawl-delay: 86400", Content_Type=ROBOTS),
        "/a": response(page),
    }
    result = visit().fetcher.get(site.url + "/a")
    assert (result.verdict, result.attempts) == (Verdict.DISALLOWED, ())
    assert "86400 s" in result.detail


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', None])
def test_a_304_is_unchanged(visit, site, validators, etag):
    tag = f"ETag: {etag}\r\n" if etag else ""
    site.routes["/p"] = f"HTTP/1.1 304 Not Modified\r\n{tag}\r\n".encode()
    known = validators(
        etag='"v1"', last_modified="Fri, 05 Dec 2025 01:00:00 GMT", refers_to_url=site.url + "/p"
    )
    result = visit().fetcher.get(site.url + "/p", known)
    assert (result.verdict, result.attempts[0].validators) == (Verdict.UNCHANGED, known)
    assert 'If-None-Match: "v1"\r\n' in site.requests[-1]
    assert "If-Modified-Since: Fri, 05 Dec 2025 01:00:00 GMT\r\n" in site.requests[-1]


def test_a_304_for_another_version_leads_to_the_whole_page(visit, site, response, page, validators):
    site.routes["/p"] = [b'HTTP/1.1 304 Not Modified\r\nETag: "v0"\r\n\r\n', response(page)]
    result = visit().fetcher.get(site.url + "/p", validators(refers_to_url=site.url + "/p"))
    assert [a.verdict for a in result.attempts] == [Verdict.HTTP_ERROR, Verdict.OK]
    assert "If-None-Match" not in site.requests[-1]


def test_conditions_are_sent_to_the_url_they_belong_to_only(visit, site, response, validators):
    site.routes |= {
        "/p": response(b"", "302 Found", Location="/q"),
        "/q": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    }
    result = visit().fetcher.get(site.url + "/p", validators(refers_to_url=site.url + "/q"))
    assert result.verdict is Verdict.UNCHANGED
    assert ["If-None-Match" in request for request in site.requests] == [False, False, True]


def test_a_304_that_was_not_requested_is_an_error(visit, site):
    site.routes["/p"] = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.HTTP_ERROR


def test_what_the_listener_raises_ends_the_visit(policy, site, response, page, noon):
    site.routes["/p"] = response(page)

    def full(_attempt):
        raise RuntimeError("disk full")

    with (
        Fetcher(policy(), clock=lambda: noon, sleep=lambda _: None, on_attempt=full) as fetcher,
        pytest.raises(RuntimeError, match="disk full"),
    ):
        fetcher.get(site.url + "/p")
    assert site.paths == ["/robots.txt"]


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
    read = rules(b"User-agent: *\nAllow: /", status=status)
    assert read.verdict is verdict
    assert not read.allowed("http://s.test/")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!doctype html><title>Just a moment...</title>", "text/html"),
        (b"\xef\xbb\xbf \n<html><body>User-agent: *\nAllow: /</body></html>", "text/plain"),
        (b"Checking your browser", "text/html; charset=utf-8"),
    ],
)
def test_an_html_page_is_not_a_robots_file(body, content_type):
    assert rules(body, content_type).verdict is Verdict.BLOCKED


def test_a_robots_file_sent_as_html_is_still_one():
    read = rules(b"User-agent: *\nDisallow: /private/", "text/html")
    assert read.allowed("http://s.test/latest/")
    assert not read.allowed("http://s.test/private/x")


def test_an_empty_file_has_no_rules():
    assert rules(b"", "text/html").allowed("http://s.test/x")


def test_the_group_of_our_product_token_counts_and_not_the_contact():
    body = b"User-agent: ca_etl\nDisallow: /feed/\n\nUser-agent: example\nDisallow: /\n\nUser-agent: *\nDisallow: /\n"
    read = rules(body)
    assert read.allowed("http://s.test/latest/")
    assert not read.allowed("http://s.test/feed/")


def test_the_longest_match_wins_and_wildcards_work():
    read = rules(b"User-agent: *\nDisallow: /\nAllow: /latest/\nDisallow: /*?replytocom=\nDisallow: /?\n")
    assert read.allowed("http://s.test/latest/")
    assert not read.allowed("http://s.test/other/")
    assert not read.allowed("http://s.test/latest/?replytocom=4")


def test_a_question_mark_rule_is_not_the_whole_site():
    read = rules(b"User-agent: *\nDisallow: /?\n")
    assert read.allowed("http://s.test/latest/")
    assert not read.allowed("http://s.test/?p=1")


def test_url_and_agent_are_not_swapped():
    # with the arguments in the standard library's order, Protego responses "allowed" to this
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


def test_rules_after_half_a_mebibyte_still_count():
    filler = b"# nothing to see here\n" * (520_000 // 22)
    assert not rules(b"User-agent: *\n" + filler + b"Disallow: /late/\n").allowed("http://s.test/late/")


def test_an_endless_file_is_read_up_to_its_last_whole_line():
    body = b"User-agent: *\nDisallow: /early/\n" + b"Allow: /x\n" * (MAX_PARSED_BYTES // 10)
    assert not rules(body).allowed("http://s.test/early/")


def test_bytes_that_are_not_utf8_do_not_hide_the_rules():
    assert not rules(b"# caf\xe9\nUser-agent: *\nDisallow: /a\n").allowed("http://s.test/a")


def test_the_product_token_is_the_name_alone():
    assert product_token(AGENT) == "ca_etl"


def test_a_part_is_requested_by_its_range_and_only_206_is_the_part(visit, site, response):
    site.routes |= {"/whole": response(b"abcdef"), "/part": response(b"cd", "206 Partial Content")}
    headers = (("Range", "bytes=2-3"), ("Accept-Encoding", "identity"))
    part, whole = (visit().fetcher.get(f"{site.url}/{name}", headers=headers) for name in ("part", "whole"))
    assert (part.verdict, part.last.body) == (Verdict.OK, b"cd")
    assert (whole.verdict, whole.detail) == (
        Verdict.HTTP_ERROR,
        "200 OK, and not the part that was requested",
    )
    assert all("Range: bytes=2-3" in text for text in site.requests if "robots" not in text)
    assert all("Accept-Encoding: identity" in text for text in site.requests if "robots" not in text)
    assert visit().fetcher.get(f"{site.url}/part").verdict is Verdict.HTTP_ERROR
