"""Digests are read in each notation that writers use, and in no other."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.archive.record import digest_matches

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
@pytest.mark.parametrize("place", [0, 5, 31])
def test_a_sign_that_is_no_digit_of_base_32_makes_no_match(sign: str, place: int) -> None:
    stated = base64.b32encode(hashlib.sha1(b"x", usedforsecurity=False).digest()).decode()
    assert digest_matches(f"sha1:{stated[:place]}{sign}{stated[place + 1 :]}", b"x") is False
