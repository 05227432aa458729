"""Digests in every notation that writers use, and gzip bodies within their bounds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.archive.framing import RawRecord, digest_matches
from ca_etl.archive.record import (
    CorruptStreamError,
    CutStreamError,
    TooLargeError,
    inflate,
    is_of_another_site,
)

ALGORITHMS = st.sampled_from(["md5", "sha1", "sha256", "sha384", "sha512"])
NOTATIONS = {
    "hex": bytes.hex,
    "base 32": lambda digest: base64.b32encode(digest).decode(),
    "base 32 without padding": lambda digest: base64.b32encode(digest).decode().rstrip("="),
    "base 32 in lower case": lambda digest: base64.b32encode(digest).decode().lower(),
    "base 64": lambda digest: base64.b64encode(digest).decode(),
}


@given(data=st.binary(max_size=60), algorithm=ALGORITHMS, notation=st.sampled_from(sorted(NOTATIONS)))
def test_a_digest_matches_its_own_bytes_and_no_others(data: bytes, algorithm: str, notation: str) -> None:
    label = f"{algorithm}:{NOTATIONS[notation](hashlib.new(algorithm, data).digest())}"
    assert digest_matches(label, data) is True
    assert digest_matches(label, data + b"x") is False


@pytest.mark.parametrize("sign", ["1", "0", "8", "!", "_", " ", "+", "-", "\u00e9", "\u0663", "\uff21"])
@pytest.mark.parametrize("position", [0, 5, 31])
def test_a_sign_that_is_not_a_digit_of_base_32_makes_no_match(sign: str, position: int) -> None:
    stated = base64.b32encode(hashlib.sha1(b"x", usedforsecurity=False).digest()).decode()
    assert digest_matches(f"sha1:{stated[:position]}{sign}{stated[position + 1 :]}", b"x") is False


ROOM = {"max_bytes": 10_000_000, "max_ratio": 2000.0}


def sliced(wire, step):
    return [wire[start : start + step] for start in range(0, len(wire), step)]


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_what_was_compressed_comes_back_however_it_is_sliced(body, step):
    assert inflate(sliced(gzip.compress(body), step), **ROOM).body == body


def test_a_cut_stream_is_an_error_at_every_length():
    wire = gzip.compress(b"one line of text\n" * 20)
    for length in range(len(wire)):
        with pytest.raises(CutStreamError):
            inflate([wire[:length]], **ROOM)


def test_a_cut_stream_gives_what_came_before_the_cut():
    body = bytes(range(256)) * 400
    wire = gzip.compress(body)
    with pytest.raises(CutStreamError) as caught:
        inflate([wire[: len(wire) // 2]], **ROOM)
    assert caught.value.partial
    assert body.startswith(caught.value.partial)


def test_two_members_are_one_body():
    inflated = inflate([gzip.compress(b"first ") + gzip.compress(b"second")], **ROOM)
    assert (inflated.body, inflated.members) == (b"first second", 2)


def test_a_cut_second_member_is_an_error():
    wire = gzip.compress(b"first ") + gzip.compress(b"second")
    for missing in (1, 8, 15, len(gzip.compress(b"second")) - 1):
        with pytest.raises(CutStreamError):
            inflate([wire[:-missing]], **ROOM)


@pytest.mark.parametrize("tail", [b"\x00" * 512, b"<b>Warning</b>: printed too late", b"\x1e\x8b\x08"])
def test_bytes_after_the_last_member_are_counted_and_left_out(tail):
    inflated = inflate([gzip.compress(b"the page") + tail], **ROOM)
    assert (inflated.body, inflated.trailing_bytes) == (b"the page", len(tail))


@given(st.binary(min_size=1, max_size=300), st.integers(1, 40))
def test_the_tail_is_counted_however_it_is_sliced(tail, step):
    wire = gzip.compress(b"the page") + b"\x00" + tail
    assert inflate(sliced(wire, step), **ROOM).trailing_bytes == len(tail) + 1


def test_a_wrong_checksum_is_an_error():
    wire = bytearray(gzip.compress(b"the page"))
    wire[-5] ^= 0xFF
    with pytest.raises(CorruptStreamError):
        inflate([bytes(wire)], **ROOM)


@pytest.mark.parametrize("wire", [b"<html>plain</html>", zlib.compress(b"deflate")])
def test_what_is_not_gzip_is_an_error(wire):
    with pytest.raises(CorruptStreamError):
        inflate([wire], **ROOM)


def test_a_body_above_the_size_bound_is_stopped_within_one_step():
    wire = gzip.compress(b"\x00" * 50_000_000)
    with pytest.raises(TooLargeError) as caught:
        inflate([wire], max_bytes=2_000_000, max_ratio=5000.0)
    assert len(caught.value.partial) <= 2_000_000 + 65_536


def test_a_bomb_is_stopped_by_its_ratio():
    with pytest.raises(TooLargeError, match="200 times"):
        inflate([gzip.compress(b"\x00" * 5_000_000)], max_bytes=10_000_000, max_ratio=200.0)


def test_a_small_page_may_repeat_itself():
    body = b"a" * 900_000
    assert inflate([gzip.compress(body)], max_bytes=1_000_000, max_ratio=10.0).body == body


@pytest.mark.parametrize(
    ("lines", "is_other"),
    [
        ("WARC-Target-URI: https://example.org/timesca.com/", True),
        ("warc-target-uri:<http://timesca.com.example.org/>", True),
        ("WARC-Target-URI: https://www.timesca.com:443/a", False),
        ("WARC-Target-URI: http://TIMESCA.com/", False),
        ("WARC-Target-URI: https:///", False),
        ("WARC-Target-URI: dns:example.org", False),
        ("WARC-Type: warcinfo", False),
        ("WARC-Target-URI: https://nationalbank.kz/\r\nCA-ETL-Source: nbk", False),
    ],
)
def test_a_record_of_another_crawler_and_site_is_known_by_its_address(lines: str, is_other: bool) -> None:
    head = f"WARC/1.0\r\n{lines}\r\n\r\n".encode()
    block = b"WARC-Target-URI: https://example.org/"
    raw = RawRecord(0, 0, head + block, len(head), len(head) + len(block))
    assert is_of_another_site(raw, "timesca.com") is is_other
