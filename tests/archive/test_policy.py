from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.archive.policy import (
    Done,
    FetchPolicy,
    Follow,
    RetryAfter,
    Stop,
    Verdict,
    backoff_seconds,
    count_of,
    decide,
    detail_of,
    http_date,
    redirect_target,
    retry_after_seconds,
)

NOW = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
POLICY = FetchPolicy(
    user_agent="ca_etl/0",
    allowed_hosts=frozenset({"site.test", "www.site.test"}),
    max_attempts=3,
    max_retry_after_seconds=120,
    backoff_base_seconds=2,
    backoff_cap_seconds=5,
)


def decision(attempt, attempts=1, redirects=0, policy=POLICY):
    return decide(policy, attempt, attempts=attempts, redirects=redirects, now=NOW)


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.UNCHANGED])
def test_a_usable_response_is_done(attempt, verdict):
    assert decision(attempt(verdict=verdict)) == Done(verdict, "")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_requested_again(attempt, status):
    assert isinstance(decision(attempt(verdict=Verdict.HTTP_ERROR, status=status)), RetryAfter)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 451, 501, 505, 202, 206])
def test_a_status_that_stays_is_not_requested_again(attempt, status):
    assert isinstance(decision(attempt(verdict=Verdict.HTTP_ERROR, status=status)), Stop)


@pytest.mark.parametrize("verdict", [Verdict.TRUNCATED, Verdict.UNREACHABLE])
def test_cut_bodies_and_silence_are_requested_again(attempt, verdict):
    assert isinstance(decision(attempt(verdict=verdict)), RetryAfter)


@pytest.mark.parametrize("verdict", [Verdict.BLOCKED, Verdict.OVERSIZE, Verdict.BAD_ENCODING])
def test_what_repeating_cannot_fix_stops(attempt, verdict):
    assert decision(attempt(verdict=verdict)) == Stop(verdict, "")


def test_an_error_that_repeating_cannot_fix_stops(attempt):
    assert isinstance(decision(attempt(verdict=Verdict.UNREACHABLE, status=None, permanent=True)), Stop)


def test_the_last_attempt_is_the_last(attempt):
    stopped = decision(attempt(verdict=Verdict.TRUNCATED, detail="cut"), attempts=3)
    assert stopped == Stop(Verdict.TRUNCATED, "cut; gave up after 3 attempts")


def test_an_attempt_beyond_the_last_stops_too(attempt):
    assert isinstance(decision(attempt(verdict=Verdict.TRUNCATED), attempts=4), Stop)


def test_a_retry_of_a_busy_server_keeps_its_conditions(attempt, validators):
    busy = attempt(verdict=Verdict.HTTP_ERROR, status=503, detail="503", validators=validators())
    assert decision(busy) == RetryAfter(2.0, "503", unconditionally=False)


def throttled(attempt, value):
    return attempt(verdict=Verdict.HTTP_ERROR, status=503, response_headers=(("Retry-After", value),))


def test_retry_after_as_a_number_is_honoured(attempt):
    assert decision(throttled(attempt, "17")).seconds == 17


def test_retry_after_as_a_date_is_honoured(attempt):
    when = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert decision(throttled(attempt, when)).seconds == 90


def test_retry_after_above_the_bound_ends_the_loop(attempt):
    stopped = decision(throttled(attempt, "3600"))
    assert isinstance(stopped, Stop)
    assert "3600 s" in stopped.detail


@pytest.mark.parametrize(("seconds", "is_waited_for"), [("120", True), ("121", False)])
def test_a_retry_after_of_exactly_the_bound_is_waited_for(attempt, seconds, *, is_waited_for):
    assert isinstance(decision(throttled(attempt, seconds)), RetryAfter) is is_waited_for


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "",
        "-5",
        "1.5",
        "Fri, 99 Dec 2025 00:00:00 GMT",
        "٣",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2027 00:00:00 +99999999999999999",
        "Mon, 01 Jan 2027 00:00:00 +9999",
        "nan",
        "9" * 5_000,
        "Mon, 01 Jan 2027 " + "0" * 60_000,
    ],
)
def test_a_retry_after_without_a_time_leaves_the_backoff(attempt, value):
    assert decision(throttled(attempt, value)).seconds == POLICY.backoff_base_seconds


def test_a_retry_after_above_the_bound_ends_the_visit_on_the_last_attempt_too(attempt):
    assert decision(throttled(attempt, "3600"), attempts=3).ends_visit
    assert not decision(throttled(attempt, "7"), attempts=3).ends_visit


@given(
    st.builds(
        "{} {} {} {}:{} {}".format,
        st.sampled_from(["Mon, 01", "32", "Mon,", "-5", "+", "1-1-1"]),
        st.sampled_from(["Jan", "Foo", "13", "", "jan.", "-"]),
        st.integers(-(10**25), 10**25) | st.integers(0, 9999),
        st.integers(-1, 10**10),
        st.integers(-1, 10**10),
        st.sampled_from(["GMT", "", "+", "-0000", "EST", "Z"])
        | st.integers(-(10**20), 10**20).map("{:+}".format),
    )
)
def test_no_date_in_a_header_raises(value):
    when = http_date(value)
    assert when is None or when.tzinfo is not None
    assert (retry_after_seconds(value, NOW) is None) == (when is None)


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("Fri, 05 Dec 2025 02:00:00 GMT", "2025-12-05T02:00:00+00:00"),
        ("Friday, 05-Dec-25 02:00:00 GMT", "2025-12-05T02:00:00+00:00"),
        ("Fri Dec  5 02:00:00 2025", "2025-12-05T02:00:00+00:00"),
        ("Fri, 05 Dec 2025 07:00:00 +0500", "2025-12-05T07:00:00+05:00"),
    ],
)
def test_the_date_forms_of_http_are_instants(value, iso):
    assert http_date(value).isoformat() == iso


def test_a_retry_after_in_the_past_is_not_a_pause():
    assert retry_after_seconds("Mon, 01 Jan 2024 00:00:00 GMT", NOW) == 0


@given(st.text(max_size=40))
def test_no_retry_after_header_raises(value):
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or seconds >= 0


def test_the_backoff_doubles_up_to_its_cap():
    assert [backoff_seconds(POLICY, n) for n in (1, 2, 3, 4, 2000)] == [2, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://site.test/", True),
        ("https://WWW.Site.test:8080/x", True),
        ("http://[::1]:80/", True),
        ("http://other.test/", False),
        ("http://site.test:port/", False),
        ("http://[::1", False),
        ("http://user@site.test/", False),
        ("ftp://site.test/", False),
        ("//site.test/", False),
        ("http:///x", False),
        ("", False),
    ],
)
def test_a_url_is_allowed_by_scheme_and_host_and_never_when_it_cannot_be_read(url, *, is_allowed):
    policy = FetchPolicy("ca_etl/0", frozenset({"site.test", "www.site.test", "::1"}))
    assert policy.allows_host(url) is is_allowed


def redirect(attempt, location, url="http://site.test/a/b"):
    headers = () if location is None else (("Location", location),)
    return attempt(url=url, verdict=Verdict.REDIRECT, status=301, response_headers=headers)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/latest/", "http://site.test/latest/"),
        ("c?x=1#part", "http://site.test/a/c?x=1"),
        ("//www.site.test/", "http://www.site.test/"),
        ("https://SITE.test/x", "https://SITE.test/x"),
        ("/caf\u00c3\u00a9 bar", "http://site.test/caf%C3%A9%20bar"),
    ],
)
def test_a_redirect_within_the_allowed_hosts_is_followed(attempt, location, target):
    assert decision(redirect(attempt, location)) == Follow(target)


@pytest.mark.parametrize(
    "location",
    [
        "http://evil.test/",
        "http://site.test@evil.test/",
        "http://user:secret@site.test/",
        "http://evil.test\\@site.test/",
        "http://site.test.evil.test/",
        "//evil.test",
        "ftp://site.test/",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_elsewhere_is_offsite(attempt, location):
    assert decision(redirect(attempt, location)).verdict is Verdict.OFFSITE


def test_a_redirect_from_https_to_http_is_not_followed(attempt):
    stopped = decision(redirect(attempt, "http://site.test/", url="https://site.test/"))
    assert stopped.verdict is Verdict.OFFSITE


@pytest.mark.parametrize("location", [None, "", "  ", "http://[::1", "/" + "a" * 8_000])
def test_a_redirect_to_nowhere_is_an_error(attempt, location):
    assert decision(redirect(attempt, location)).verdict is Verdict.HTTP_ERROR


def test_the_sixth_redirect_is_one_too_many(attempt):
    assert isinstance(decision(redirect(attempt, "/x"), redirects=4), Follow)
    assert decision(redirect(attempt, "/x"), redirects=5).verdict is Verdict.HTTP_ERROR


def test_a_redirect_beyond_the_sixth_is_not_followed_either(attempt):
    assert decision(redirect(attempt, "/x"), redirects=6).verdict is Verdict.HTTP_ERROR


@pytest.mark.parametrize(("length", "is_usable"), [(8_000, True), (8_001, False)])
def test_a_location_has_at_most_8000_characters(length, *, is_usable):
    assert (redirect_target("http://site.test/", "/" + "a" * (length - 1)) is not None) is is_usable


@given(st.text(max_size=60))
def test_no_location_raises_or_leaves_the_allowed_hosts(location):
    target = redirect_target("http://site.test/", location)
    if target is not None and POLICY.allows_host(target):
        from urllib3.util import parse_url

        assert parse_url(target).host.lower() in POLICY.allowed_hosts


def test_a_304_for_another_version_is_requested_again_without_conditions(attempt, validators):
    wrong = attempt(verdict=Verdict.HTTP_ERROR, status=304, validators=validators())
    assert decision(wrong).unconditionally
    assert isinstance(decision(wrong, attempts=3), Stop)


def test_a_304_for_another_version_is_requested_again_at_once(attempt, validators):
    wrong = attempt(verdict=Verdict.HTTP_ERROR, status=304, detail="304", validators=validators())
    assert decision(wrong, attempts=2) == RetryAfter(0.0, "304", unconditionally=True)
    assert isinstance(decision(wrong, attempts=4), Stop)


@pytest.mark.parametrize("status", [202, 206, 303, 305, 404])
def test_another_status_under_a_condition_is_not_requested_again(attempt, validators, status):
    refused = attempt(verdict=Verdict.HTTP_ERROR, status=status, validators=validators())
    assert isinstance(decision(refused), Stop)


def test_a_304_to_no_condition_stops(attempt):
    assert isinstance(decision(attempt(verdict=Verdict.HTTP_ERROR, status=304)), Stop)


@pytest.mark.parametrize("etag", ['"a\x00b"', '"a\nb"', '"\u0436"', '"\xe9"', '"' + "v" * 2_000, " ", ""])
def test_an_entity_tag_that_no_header_can_carry_is_not_sent(validators, etag):
    assert validators(etag=etag).headers() == ()
    assert validators(etag=etag, last_modified="x").headers() == (("If-Modified-Since", "x"),)


@given(st.text(max_size=1_000))
def test_a_detail_is_printable_and_short(text):
    assert detail_of(text).isprintable()
    assert len(detail_of(text)) <= 303


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", ""),
        ("503 Busy", "503 Busy"),
        ("x" * 299, "x" * 299),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 300 + "..."),
        ("x" * 5_000, "x" * 300 + "..."),
    ],
)
def test_a_detail_is_shortened_after_300_characters_only(text, detail):
    assert detail_of(text) == detail


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 8 ", 8),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("10000000000", None),
        ("-1", None),
        ("1.5", None),
        ("\u0663", None),
        ("\u00b2", None),
    ],
)
def test_a_count_in_a_header_is_up_to_nine_ascii_digits(value, count):
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("sent", "returned", "contradicts"),
    [
        ('"v1"', '"v1"', False),
        ('"v1"', 'W/"v1"', False),
        ('W/"v1"', '"v1"', False),
        ('"v1"', '"v2"', True),
        (None, '"v2"', False),
    ],
)
def test_entity_tags_are_compared_weakly(validators, sent, returned, contradicts):
    assert validators(etag=sent).contradicted_by((("etag", returned),)) is contradicts
