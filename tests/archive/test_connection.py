"""Servers that break off, lie, drip and swell. Each trap is one that a stock client falls into."""

from __future__ import annotations

import gzip
import socket
import struct

import pytest

from ca_etl.archive.policy import Verdict


def one(visit, site, path="/p", **changes):
    """The only attempt at `path`, by a client that does not repeat itself."""
    result = visit(**({"max_attempts": 1} | changes)).fetcher.get(site.url + path)
    return result.attempts[-1], result


def test_a_whole_page_is_ok(visit, site, response, page):
    site.routes["/p"] = response(page)
    attempt, result = one(visit, site)
    assert (result.verdict, attempt.body, attempt.wire_body, attempt.truncated) == (
        Verdict.OK,
        page,
        page,
        None,
    )


def test_a_gzip_page_keeps_its_wire_bytes_beside_the_page(visit, site, response, page, gzipped):
    site.routes["/p"] = response(gzipped(page), Content_Encoding="gzip")
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.body, attempt.wire_body) == (Verdict.OK, page, gzipped(page))


def test_a_body_shorter_than_its_content_length_is_truncated(visit, site, response, page):
    site.routes["/p"] = response(page[:1000], length=len(page))
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.truncated, attempt.wire_body) == (
        Verdict.TRUNCATED,
        "disconnect",
        page[:1000],
    )


def test_a_body_longer_than_its_content_length_does_not_leak_in(visit, site, response):
    site.routes["/p"] = response(b"<html>one</html>HTTP/1.1 200 OK\r\n\r\ntwo", length=16)
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.wire_body) == (Verdict.OK, b"<html>one</html>")


@pytest.mark.parametrize("length", [-1, None, "whole"])
def test_a_cut_gzip_body_is_truncated_whatever_its_content_length_is(visit, site, response, gzipped, length):
    whole = gzipped(b"<html>" + bytes(range(256)) * 40)
    stated = len(whole) if length == "whole" else length
    site.routes["/p"] = response(whole[:-20], length=stated, Content_Encoding="gzip")
    attempt, _ = one(visit, site)
    assert attempt.verdict is Verdict.TRUNCATED
    assert attempt.truncated == ("disconnect" if length == "whole" else "unspecified")
    assert attempt.wire_body == whole[:-20]


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def test_a_chunked_page_is_put_together(visit, site, page):
    site.routes["/p"] = chunked(page[:700], page[700:])
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.wire_body) == (Verdict.OK, page)


@pytest.mark.parametrize(
    "end",
    [b"", b"zz\r\nnonsense\r\n", b"ff\r\ncut in the chu", b"10", b"-5\r\nabc"],
    ids=["no terminator", "bad size", "cut in a chunk", "cut in a size", "negative size"],
)
def test_a_broken_chunked_body_is_truncated(visit, site, page, end):
    site.routes["/p"] = chunked(page, end=end)
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.truncated) == (Verdict.TRUNCATED, "disconnect")
    assert attempt.wire_body.startswith(page)


def test_a_body_that_ends_with_the_connection_needs_its_closing_tag(visit, site, response, page):
    site.routes["/whole"] = response(page, length=None)
    site.routes["/cut"] = response(page[:-7], length=None)
    assert one(visit, site, "/whole")[0].verdict is Verdict.OK
    cut, _ = one(visit, site, "/cut")
    assert (cut.verdict, cut.truncated) == (Verdict.TRUNCATED, "unspecified")
    assert "</html>" in cut.detail


@pytest.mark.parametrize(
    ("content_type", "body", "verdict"),
    [
        ("application/json; charset=utf-8", b'[{"id": 1}]', Verdict.OK),
        ("application/json; charset=utf-8", b'[{"id": 1}', Verdict.TRUNCATED),
        ("application/rss+xml", b"<rss><channel/></rss>\n", Verdict.OK),
        ("application/rss+xml", b"<rss><channel><title>half", Verdict.TRUNCATED),
        ("text/plain", b"anything", Verdict.OK),
        ("application/json", b"[" * 100_000 + b"]" * 100_000, Verdict.OK),
        ("application/json", b"[" * 100_000, Verdict.TRUNCATED),
        ("application/json", b'["' + b'\\"' * 100_000, Verdict.TRUNCATED),
        ("application/json", b'[{"a": "]\\\\"}, {"b": "\\"}"}]', Verdict.OK),
        ("application/json", b'[{"a": "caf\xe9"}]', Verdict.OK),
        ("application/json", b"[" + b"9" * 5_000 + b"]", Verdict.OK),
        ("application/json", b"null", Verdict.OK),
        ("application/json", b"nul", Verdict.TRUNCATED),
    ],
)
def test_other_kinds_without_a_length_show_their_end_too(
    visit, site, response, *, content_type, body, verdict
):
    site.routes["/p"] = response(body, length=None, Content_Type=content_type)
    assert one(visit, site)[0].verdict is verdict


def test_a_connection_dropped_before_the_response_is_unreachable(visit, site):
    site.routes["/p"] = b""
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.status) == (Verdict.UNREACHABLE, None)


def test_a_connection_reset_in_the_body_is_truncated(visit, site, response, page):
    def reset(connection: socket.socket) -> None:
        connection.sendall(response(page[:500], length=len(page)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    site.routes["/p"] = reset
    attempt, _ = one(visit, site)
    assert attempt.verdict in {Verdict.TRUNCATED, Verdict.UNREACHABLE}


def test_no_listener_is_unreachable(visit):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = visit(max_attempts=2).fetcher.get(f"http://127.0.0.1:{port}/p")
    # robots.txt could not be had, so the page is not requested
    assert (result.verdict, result.attempts) == (Verdict.UNREACHABLE, ())


@pytest.mark.parametrize("junk", [b"\x00\x01\x02 not http\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"])
def test_what_is_not_http_is_unreachable(visit, site, junk):
    site.routes["/p"] = junk
    assert one(visit, site)[0].verdict is Verdict.UNREACHABLE


def drip(site, lead: bytes, drop: bytes):
    def reply(connection: socket.socket) -> None:
        connection.sendall(lead)
        while not site.stopping.wait(0.02):
            connection.sendall(drop)

    return reply


def test_a_server_that_drips_its_body_does_not_hold_us(visit, site, response):
    site.routes["/p"] = drip(site, response(b"<html>", length=1_000_000), b"x")
    attempt, _ = one(visit, site, max_request_seconds=0.4)
    assert (attempt.verdict, attempt.truncated) == (Verdict.TRUNCATED, "time")
    assert attempt.wire_body.startswith(b"<html>x")


def test_a_server_that_drips_chunks_does_not_hold_us(visit, site):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    site.routes["/p"] = drip(site, head, b"1\r\nx\r\n")
    attempt, _ = one(visit, site, max_request_seconds=0.4)
    assert (attempt.verdict, attempt.truncated) == (Verdict.TRUNCATED, "time")


def test_a_server_that_drips_an_endless_body_does_not_hold_us(visit, site):
    site.routes["/p"] = drip(site, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n</html>", b"x")
    attempt, _ = one(visit, site, max_request_seconds=0.4)
    assert (attempt.verdict, attempt.truncated) == (Verdict.TRUNCATED, "time")


def test_a_server_that_drips_its_headers_does_not_hold_us(visit, site):
    site.routes["/p"] = drip(site, b"HTTP/1.1 200 OK\r\nX-Long: ", b"x")
    attempt, _ = one(visit, site, max_request_seconds=0.4)
    assert (attempt.verdict, attempt.truncated, attempt.wire_body) == (Verdict.TRUNCATED, "time", b"")
    assert "0.4 s" in attempt.detail


def test_a_server_that_drips_its_status_line_does_not_hold_us(visit, site):
    site.routes["/p"] = drip(site, b"HTTP/1.1 200 ", b"x")
    attempt, _ = one(visit, site, max_request_seconds=0.4)
    assert attempt.verdict in {Verdict.UNREACHABLE, Verdict.TRUNCATED}


@pytest.mark.parametrize("form", ["length", "close", "chunked", "gzip"])
def test_a_response_cut_at_any_byte_is_never_ok(visit, site, response, gzipped, form):
    body = b"<html><p>0.01144</p></html>"
    whole = {
        "length": response(body),
        "close": response(body, length=None),
        # all chunks are there once the size 0 is, with or without the line ends after it
        "chunked": chunked(body[:9], body[9:], end=b"0"),
        "gzip": response(gzipped(body), length=None, Content_Encoding="gzip"),
    }[form]
    site.routes["/p"] = [whole[:length] for length in range(len(whole))] + [whole]
    fetcher = visit(max_attempts=1).fetcher
    verdicts = [fetcher.get(site.url + "/p").verdict for _ in range(len(whole) + 1)]
    assert Verdict.OK not in verdicts[:-1]
    assert verdicts[-1] is Verdict.OK


def test_a_silent_server_is_left_after_the_read_timeout(visit, site, response):
    def silent(connection: socket.socket) -> None:
        connection.sendall(response(b"<html>", length=5000))
        site.stopping.wait(10)

    site.routes["/p"] = silent
    attempt, _ = one(visit, site, read_timeout_seconds=0.3)
    assert (attempt.verdict, attempt.truncated, attempt.wire_body) == (Verdict.TRUNCATED, "time", b"<html>")


def test_a_bomb_is_oversize_and_is_not_read_to_its_end(visit, site, response):
    bomb = gzip.compress(b"\x00" * 30_000_000)
    site.routes["/p"] = response(bomb, Content_Encoding="gzip")
    attempt, _ = one(visit, site, max_decoded_bytes=1_000_000, max_ratio=5000.0)
    assert (attempt.verdict, attempt.truncated) == (Verdict.OVERSIZE, "length")
    assert len(attempt.body) <= 1_100_000


def test_a_bomb_is_oversize_by_its_ratio(visit, site, response):
    site.routes["/p"] = response(gzip.compress(b"\x00" * 8_000_000), Content_Encoding="gzip")
    assert one(visit, site)[0].verdict is Verdict.OVERSIZE


@pytest.mark.parametrize("length", [-1, None])
def test_a_body_above_the_wire_bound_is_oversize_and_kept_up_to_it(visit, site, response, length):
    site.routes["/p"] = response(b"<html>" + b"x" * 300_000, length=length)
    attempt, _ = one(visit, site, max_wire_bytes=100_000)
    assert (attempt.verdict, attempt.truncated, len(attempt.wire_body)) == (
        Verdict.OVERSIZE,
        "length",
        100_000,
    )


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_that_was_not_requested_is_refused(visit, site, response, encoding):
    site.routes["/p"] = response(b"\x8b\x02\x80binary", Content_Encoding=encoding)
    attempt, result = one(visit, site, max_attempts=3)
    assert (result.verdict, len(result.attempts)) == (Verdict.BAD_ENCODING, 1)
    assert attempt.wire_body == b"\x8b\x02\x80binary"


def test_only_gzip_is_requested(visit, site, response, page):
    site.routes["/p"] = response(page)
    one(visit, site)
    assert "accept-encoding: gzip\r\n" in site.requests[-1].lower()


def test_a_page_that_claims_to_be_gzip_is_refused(visit, site, response, page):
    site.routes["/p"] = response(page, Content_Encoding="gzip")
    assert one(visit, site)[0].verdict is Verdict.BAD_ENCODING


def test_a_wrong_gzip_checksum_is_refused(visit, site, response, page, gzipped):
    wire = bytearray(gzipped(page))
    wire[-6] ^= 1
    site.routes["/p"] = response(bytes(wire), Content_Encoding="gzip")
    assert one(visit, site)[0].verdict is Verdict.BAD_ENCODING


CHALLENGE = b"<html><head><title>Just a moment...</title></head><body></body></html>"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("200 OK", {}, CHALLENGE),
        ("503 Service Unavailable", {}, CHALLENGE),
        ("403 Forbidden", {}, CHALLENGE),
        ("403 Forbidden", {}, b"<html>no</html>"),
        ("200 OK", {"cf-mitigated": "challenge"}, b"<html></html>"),
        ("202 Accepted", {"sg-captcha": "challenge"}, b"<html></html>"),
    ],
)
def test_a_challenge_is_blocked_and_not_requested_again(visit, site, response, *, status, headers, body):
    site.routes["/p"] = response(body, status, **headers)
    attempt, result = one(visit, site, max_attempts=3)
    assert (result.verdict, len(result.attempts), attempt.body) == (Verdict.BLOCKED, 1, body)
    assert site.paths == ["/robots.txt", "/p"]


def test_a_gzipped_challenge_is_seen(visit, site, response, gzipped):
    site.routes["/p"] = response(gzipped(CHALLENGE), Content_Encoding="gzip")
    assert one(visit, site)[0].verdict is Verdict.BLOCKED


def test_a_page_that_carries_the_cdn_script_or_mentions_a_moment_is_not_a_challenge(visit, site, response):
    body = (
        b"<html><head><title>Markets: just a moment of calm</title></head><body><p>Just a moment...</p>"
        b"<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script></body></html>"
    )
    site.routes["/p"] = response(body)
    assert one(visit, site)[0].verdict is Verdict.OK


def test_repeated_headers_and_unusual_bytes_keep_the_order_of_the_wire(visit, site):
    lines = (
        b"HTTP/1.1 200 \xd0\x9e\xd0\x9a",
        b"Content-Length: 7",
        b"Set-Cookie: a=1",
        b"X-Name: caf\xe9",
        b"Set-Cookie: b=2",
    )
    site.routes["/p"] = b"\r\n".join(lines) + b"\r\n\r\n</html>"
    attempt, _ = one(visit, site)
    names = [name for name, _ in attempt.response_headers]
    assert names == ["Content-Length", "Set-Cookie", "X-Name", "Set-Cookie"]
    assert dict(attempt.response_headers)["X-Name"] == "caf\u00e9"


@pytest.mark.parametrize(
    "junk",
    [
        b"no colon",
        b"\xff: v",
        b": no name",
        b"From someone: else",
        b" folded onto the status line",
        b"a\x00b: c",
    ],
)
def test_a_header_line_that_is_not_a_field_hides_no_line_after_it(visit, site, page, caplog, junk):
    head = b"HTTP/1.1 200 OK\r\n" + junk + b"\r\n\tand its fold\r\nTransfer-Encoding: chunked\r\n\r\n"
    site.routes["/p"] = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page)
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.body, attempt.dropped_header_lines) == (Verdict.OK, page, 2)
    assert attempt.response_headers == (("Transfer-Encoding", "chunked"),)
    assert caplog.records == []


def test_a_space_before_the_colon_and_a_fold_belong_to_the_field(visit, site):
    site.routes["/p"] = b"HTTP/1.1 200 OK\r\nContent-Length \t: 7\r\nX-A: one\r\n two\r\n\r\n</html>more"
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.body, attempt.dropped_header_lines) == (Verdict.OK, b"</html>", 0)
    assert attempt.response_headers == (("Content-Length", "7"), ("X-A", "one two"))


def test_a_bare_cr_or_a_nul_is_a_space_and_begins_no_field(visit, site):
    site.routes["/p"] = b"HTTP/1.1 200 a\rb\r\nX-A: one\rContent-Length: 3\0\r\n\r\n<p></html>"
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.body, attempt.reason) == (Verdict.OK, b"<p></html>", "a b")
    assert attempt.response_headers == (("X-A", "one Content-Length: 3 "),)


def test_a_head_of_more_than_a_hundred_lines_that_are_not_fields_is_not_a_response(visit, site):
    site.routes["/p"] = b"HTTP/1.1 200 OK\r\n" + b"no field\r\n" * 101 + b"\r\n</html>"
    attempt, _ = one(visit, site)
    assert (attempt.verdict, attempt.status) == (Verdict.UNREACHABLE, None)


def test_two_lengths_that_differ_are_not_a_response(visit, site):
    site.routes["/p"] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 9\r\n\r\n</html>ab"
    assert one(visit, site)[0].verdict is Verdict.UNREACHABLE


def test_what_a_server_sends_is_printable_and_short_in_a_detail(visit, site):
    site.routes |= {
        "/reason": b"HTTP/1.1 500 \x1b[31mBusy\r\nContent-Length: 0\r\n\r\n",
        "/long": b"HTTP/1.1 500 " + b"r" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n",
        "/coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: \x1b]0;br\r\nContent-Length: 1\r\n\r\nx",
    }
    fetcher = visit(max_attempts=1).fetcher
    results = [fetcher.get(site.url + path) for path in ("/reason", "/long", "/coding")]
    assert all(result.detail.isprintable() and len(result.detail) < 400 for result in results)
    assert results[0].detail.startswith("500 \\x1b[31mBusy")


def test_gzip_under_no_header_is_inflated_within_the_same_bounds(visit, site, response, page, gzipped):
    site.routes |= {
        "/page": response(gzipped(page)),
        "/cut": response(gzipped(page)[:-9], length=None),
        "/bomb": response(gzipped(b"\0" * 8_000_000)),
    }
    fetcher = visit(max_attempts=1).fetcher
    results = [fetcher.get(site.url + path) for path in ("/page", "/cut", "/bomb")]
    assert [result.verdict for result in results] == [Verdict.OK, Verdict.TRUNCATED, Verdict.OVERSIZE]
    assert results[0].attempts[0].body == page


def test_the_archived_request_is_the_one_that_was_sent(visit, site, response, page):
    site.routes["/p?q=1"] = response(page)
    attempt, _ = one(visit, site, "/p?q=1")
    lines = [f"GET {attempt.request_target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in attempt.request_headers]
    assert site.requests[-1] == "\r\n".join(lines) + "\r\n\r\n"
    assert f"Host: 127.0.0.1:{site.port}" in lines


def test_cookies_are_not_kept(visit, site, response, page):
    site.routes["/p"] = response(page, Set_Cookie="seen=1; Path=/")
    fetcher = visit().fetcher
    fetcher.get(site.url + "/p")
    fetcher.get(site.url + "/p")
    assert not any("cookie:" in request.lower() for request in site.requests)


def test_a_kept_connection_is_not_used_again(visit, site, response, page):
    def keep(connection: socket.socket) -> None:
        connection.sendall(response(page))
        # the second request would arrive here and find no server
        assert connection.recv(1) == b""

    site.routes |= {"/p": keep, "/q": keep}
    fetcher = visit(max_attempts=1).fetcher
    assert fetcher.get(site.url + "/p").verdict is Verdict.OK
    assert fetcher.get(site.url + "/q").verdict is Verdict.OK
    assert not any("connection: close" in request.lower() for request in site.requests)


def test_the_peer_of_a_request_is_recorded(visit, site, response, page):
    site.routes["/p"] = response(page)
    assert one(visit, site)[0].ip_address == "127.0.0.1"
