"""Robots first, pauses, retries, redirects, conditions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime

import pytest

from ca_etl.archive.client import Fetcher
from ca_etl.archive.policy import Verdict

ROBOTS = "text/plain"


def test_robots_is_read_once_before_the_first_page(visit, site, answer, page):
    site.routes |= {"/a": answer(page), "/b": answer(page)}
    fetcher = visit().fetcher
    fetcher.get(site.url + "/a")
    fetcher.get(site.url + "/b")
    assert site.paths == ["/robots.txt", "/a", "/b"]


def test_a_disallowed_page_is_not_asked_for(visit, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"User-agent: ca_etl\nDisallow: /private", Content_Type=ROBOTS),
        "/private": answer(page),
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
def test_a_robots_file_that_is_refused_stops_the_visit(visit, site, answer, page, *, status, verdict):
    site.routes |= {"/robots.txt": answer(b"", status), "/p": answer(page)}
    result = visit(max_attempts=2).fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts) == (verdict, ())
    assert "/p" not in site.paths


def test_a_robots_file_that_recovers_is_honoured(visit, site, answer, page):
    site.routes |= {"/robots.txt": [answer(b"", "503 Busy"), answer(b"", "404 None")], "/p": answer(page)}
    made = visit()
    assert made.fetcher.get(site.url + "/p").verdict is Verdict.OK
    assert [(a.status, a.url.rpartition("/")[2]) for a in made.seen] == [
        (503, "robots.txt"),
        (404, "robots.txt"),
        (200, "p"),
    ]


def test_an_html_robots_file_stops_the_visit(visit, site, answer, page):
    site.routes |= {"/robots.txt": answer(b"<html>please wait</html>"), "/p": answer(page)}
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.BLOCKED


def test_a_cut_robots_file_stops_the_visit(visit, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"User-agent: *\nDis", length=500, Content_Type=ROBOTS),
        "/p": answer(page),
    }
    assert visit(max_attempts=2).fetcher.get(site.url + "/p").verdict is Verdict.UNREACHABLE
    assert site.paths == ["/robots.txt", "/robots.txt"]


def test_an_endless_robots_file_counts_as_far_as_it_was_read(visit, site, answer, page):
    body = b"User-agent: *\nDisallow: /p\n" + b"# filler\n" * 100_000
    site.routes |= {"/robots.txt": answer(body, Content_Type=ROBOTS), "/p": answer(page), "/q": answer(page)}
    fetcher = visit(max_wire_bytes=600_000).fetcher
    assert fetcher.get(site.url + "/p").verdict is Verdict.DISALLOWED
    assert fetcher.get(site.url + "/q").verdict is Verdict.OK


def test_a_robots_file_that_lives_elsewhere_on_the_host_is_followed(visit, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"", "301 Moved", Location="/r.txt"),
        "/r.txt": answer(b"User-agent: *\nDisallow: /p", Content_Type=ROBOTS),
    }
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.DISALLOWED


def test_a_robots_file_that_leads_offsite_stops_the_visit(visit, site, answer):
    site.routes["/robots.txt"] = answer(b"", "302 Found", Location="http://elsewhere.test/robots.txt")
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.UNREACHABLE


def test_a_host_that_is_not_allowed_is_not_asked(visit, site):
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
def test_the_five_statuses_of_a_redirect_are_followed_and_no_other(visit, site, answer, *, status, paths):
    site.routes |= {"/p": answer(b"", status, Location="/q"), "/q": answer(b"moved")}
    visit().fetcher.get(site.url + "/p")
    assert site.paths == ["/robots.txt", *paths]


def test_every_answer_is_seen_robots_redirects_errors_and_cut_bodies_too(visit, site, answer, page):
    site.routes |= {
        "/p": [
            answer(b"", "503 Busy"),
            answer(page[:100], length=len(page)),
            answer(b"", "302 Found", Location="/q"),
        ],
        "/q": answer(page),
    }
    made = visit(max_attempts=3)
    result = made.fetcher.get(site.url + "/p")
    assert [a.verdict for a in made.seen] == [
        Verdict.HTTP_ERROR,
        Verdict.HTTP_ERROR,
        Verdict.TRUNCATED,
        Verdict.REDIRECT,
        Verdict.OK,
    ]
    assert result.attempts == tuple(made.seen[1:])
    assert (result.verdict, result.final_url) == (Verdict.OK, site.url + "/q")
    assert [a.number for a in result.attempts] == [1, 2, 3, 1]


def test_the_body_of_a_redirect_is_kept_undecoded(visit, site, answer, gzipped):
    body = gzipped(b"<html>moved</html>")
    site.routes["/p"] = answer(body, "301 Moved", Location="http://elsewhere.test/", Content_Encoding="gzip")
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts[0].wire_body) == (Verdict.OFFSITE, body)


def test_a_redirect_loop_ends(visit, site, answer):
    site.routes["/p"] = answer(b"", "302 Found", Location="/p")
    result = visit(max_redirects=5).fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts)) == (Verdict.HTTP_ERROR, 6)


def test_a_redirect_to_a_disallowed_path_is_not_followed(visit, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"User-agent: *\nDisallow: /private", Content_Type=ROBOTS),
        "/p": answer(b"", "302 Found", Location="/private/x"),
        "/private/x": answer(page),
    }
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts)) == (Verdict.DISALLOWED, 1)
    assert "/private/x" not in site.paths


def test_retry_after_is_waited_for(visit, site, answer, page, noon):
    later = format_datetime(noon + timedelta(seconds=42), usegmt=True)
    site.routes["/p"] = [
        answer(b"", "503 Busy", Retry_After="7"),
        answer(b"", "429 Slow", Retry_After=later),
        answer(page),
    ]
    made = visit(max_attempts=3)
    assert made.fetcher.get(site.url + "/p").verdict is Verdict.OK
    assert made.sleeps == [7, pytest.approx(41.75)]


def test_a_retry_after_that_is_too_long_ends_the_visit_at_once(visit, site, answer):
    site.routes["/p"] = answer(b"", "503 Busy", Retry_After="3600")
    made = visit(max_attempts=5, max_retry_after_seconds=60.0)
    result = made.fetcher.get(site.url + "/p")
    assert (result.verdict, len(result.attempts), made.sleeps) == (Verdict.HTTP_ERROR, 1, [])


@pytest.mark.parametrize("status", ["429 Slow", "503 Busy"])
def test_a_host_that_wants_a_longer_pause_is_asked_for_nothing_more(visit, site, answer, page, status):
    site.routes |= {"/p": answer(b"", status, Retry_After="3600"), "/q": answer(page)}
    made = visit()
    first, second, third = (made.fetcher.get(site.url + path) for path in ("/p", "/q", "/p"))
    assert (first.verdict, first.ends_visit) == (Verdict.HTTP_ERROR, True)
    assert [(each.verdict, each.attempts) for each in (second, third)] == [(Verdict.THROTTLED, ())] * 2
    assert site.paths == ["/robots.txt", "/p"]


def test_a_pause_that_can_be_waited_for_ends_no_visit(visit, site, answer, page):
    site.routes |= {"/p": answer(b"", "429 Slow", Retry_After="7"), "/q": answer(page)}
    made = visit()
    assert not made.fetcher.get(site.url + "/p").ends_visit
    assert made.fetcher.get(site.url + "/q").verdict is Verdict.OK


@pytest.mark.parametrize("status", ["429 Slow", "503 Busy", "425 Early"])
def test_a_robots_file_that_wants_a_longer_pause_ends_the_visit(visit, site, answer, page, status):
    site.routes |= {"/robots.txt": answer(b"", status, Retry_After="3600"), "/p": answer(page)}
    result = visit().fetcher.get(site.url + "/p")
    assert (result.verdict, result.attempts, site.paths) == (Verdict.THROTTLED, (), ["/robots.txt"])


def test_another_host_is_asked_all_the_same(visit, site, answer, page):
    site.routes |= {"/p": answer(b"", "429 Slow", Retry_After="3600"), "/q": answer(page)}
    made = visit(allowed_hosts=frozenset({"127.0.0.1", "localhost"}))
    made.fetcher.get(site.url + "/p")
    assert made.fetcher.get(site.url.replace("127.0.0.1", "localhost") + "/q").verdict is Verdict.OK


def test_only_the_last_attempt_keeps_its_bytes_once_all_are_archived(visit, site, answer, page):
    site.routes |= {
        "/p": [answer(page, "503 Busy"), answer(page, "302 Found", Location="/q")],
        "/q": answer(page),
    }
    made = visit()
    result = made.fetcher.get(site.url + "/p")
    assert [attempt.wire_body for attempt in made.seen[1:]] == [page] * 3
    assert [(a.wire_body, a.body) for a in result.attempts] == [(b"", b""), (b"", b""), (page, page)]
    kept, bare = result.without_bytes(keep_page=True), result.without_bytes()
    assert [(each.last.wire_body, each.last.body) for each in (kept, bare)] == [(b"", page), (b"", b"")]
    assert kept == bare == result


def test_failures_without_retry_after_back_off(visit, site, answer):
    site.routes["/p"] = answer(b"", "500 Broken")
    made = visit(max_attempts=4, backoff_base_seconds=1.0, backoff_cap_seconds=3.0)
    assert len(made.fetcher.get(site.url + "/p").attempts) == 4
    assert made.sleeps == [1, 2, 3]


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


def test_the_interval_is_kept_between_all_requests_to_a_host(timed, site, answer, page):
    site.routes |= {"/a": answer(page), "/b": answer(b"", "302 Found", Location="/a")}
    fetcher, time = timed(min_interval_seconds=5.0)
    with fetcher:
        fetcher.get(site.url + "/a")
        time.now += 2
        fetcher.get(site.url + "/b")
    assert time.sleeps == [5, 3, 5]


def test_the_longer_of_interval_and_crawl_delay_is_kept(timed, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"User-agent: *\nCrawl-delay: 9", Content_Type=ROBOTS),
        "/a": answer(page),
    }
    fetcher, time = timed(min_interval_seconds=5.0)
    with fetcher:
        fetcher.get(site.url + "/a")
        fetcher.get(site.url + "/a")
    assert time.sleeps == [9, 9]


def test_a_crawl_delay_that_no_run_can_keep_stops_the_visit(visit, site, answer, page):
    site.routes |= {
        "/robots.txt": answer(b"User-agent: *\nCrawl-delay: 86400", Content_Type=ROBOTS),
        "/a": answer(page),
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


def test_a_304_for_another_version_leads_to_the_whole_page(visit, site, answer, page, validators):
    site.routes["/p"] = [b'HTTP/1.1 304 Not Modified\r\nETag: "v0"\r\n\r\n', answer(page)]
    result = visit().fetcher.get(site.url + "/p", validators(refers_to_url=site.url + "/p"))
    assert [a.verdict for a in result.attempts] == [Verdict.HTTP_ERROR, Verdict.OK]
    assert "If-None-Match" not in site.requests[-1]


def test_conditions_are_sent_to_the_url_they_belong_to_only(visit, site, answer, validators):
    site.routes |= {
        "/p": answer(b"", "302 Found", Location="/q"),
        "/q": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    }
    result = visit().fetcher.get(site.url + "/p", validators(refers_to_url=site.url + "/q"))
    assert result.verdict is Verdict.UNCHANGED
    assert ["If-None-Match" in request for request in site.requests] == [False, False, True]


def test_a_304_that_nobody_asked_for_is_an_error(visit, site):
    site.routes["/p"] = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    assert visit().fetcher.get(site.url + "/p").verdict is Verdict.HTTP_ERROR


def test_what_the_listener_raises_ends_the_visit(policy, site, answer, page, noon):
    site.routes["/p"] = answer(page)

    def full(_attempt):
        raise RuntimeError("disk full")

    with (
        Fetcher(policy(), clock=lambda: noon, sleep=lambda _: None, on_attempt=full) as fetcher,
        pytest.raises(RuntimeError, match="disk full"),
    ):
        fetcher.get(site.url + "/p")
    assert site.paths == ["/robots.txt"]
