"""From a record's stored bytes to the page: digests, transfer coding, content coding. Pure.

Others write what they like: bodies de-chunked under a chunked header and the reverse, digests over either form, gzip
announced and already taken off. So each coding is undone only where the bytes themselves show it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from ca_etl.archive.inflate import GZIP_MAGIC, CutStreamError, InflateError, TooLargeError, inflate
from ca_etl.records import RejectReason

MAX_PAYLOAD_BYTES: Final = 512 * 1024 * 1024
# Deflate reaches 1,032 at most: what is on our disk is bounded by size alone.
MAX_RATIO: Final = 1_100.0
CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
# RFC 4648's digits as `int` reads them; what is no digit there must be none here.
_BASE32_DIGITS: Final = {
    **dict.fromkeys(range(128), "!"),
    **{
        ord(rfc): ours
        for rfc, ours in zip(ascii_uppercase + "234567", digits + ascii_lowercase, strict=False)
    },
}
DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


class PayloadError(Exception):
    """A record whose bytes give no page; `reason` says of which kind."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def digest_matches(label: str, data: bytes) -> bool | None:
    """Whether `label` (`sha1:BASE32`, `sha256:hex`, ...) is the digest of `data`; None if it cannot be told.

    The standard fixes neither algorithm nor notation: Common Crawl writes SHA-1 in base 32, others hex or base 64.
    """
    name, colon, value = label.strip().partition(":")
    algorithm = name.lower().replace("-", "")
    size = DIGEST_BYTES.get(algorithm)
    if not colon or size is None:
        return None
    stated = _digest_bytes(value.strip(), size)
    return stated == hashlib.new(algorithm, data, usedforsecurity=False).digest()


def dechunk(data: bytes) -> bytes | None:
    """The body that `data` carries in chunked transfer coding, terminator included; None if it is not of that form."""
    at = 0
    pieces: list[bytes] = []
    while True:
        line = CHUNK_LINE.match(data, at)
        if line is None:
            return None
        size = int(line.group(1), 16)
        at = line.end()
        if size == 0:
            # trailers, and some servers leave out the last line end
            return b"".join(pieces)
        if data[at + size : at + size + 2] != b"\r\n":
            return None
        pieces.append(data[at : at + size])
        at += size + 2


def decode_body(stored: bytes, encoding: str | None, *, is_truncated: bool) -> bytes:
    """The page behind a stored body, whose transfer coding is already undone.

    `encoding` is the Content-Encoding as stored, never a prefixed one such as `X-Crawler-Content-Encoding`.
    A body that says of itself that it is cut gives what there is. Raises `PayloadError`.
    """
    if stored.startswith(GZIP_MAGIC):
        # Also without a header: playback of web archives loses it.
        return _gunzip(stored, is_truncated=is_truncated)
    coding = (encoding or "").strip().lower()
    if coding in {"", "identity", "gzip", "x-gzip"} or _looks_like_text(stored):
        return stored
    raise PayloadError(RejectReason.UNDECODABLE, f"Content-Encoding {coding} is not read here")


def _gunzip(stored: bytes, *, is_truncated: bool) -> bytes:
    try:
        return inflate(stored, max_bytes=MAX_PAYLOAD_BYTES, max_ratio=MAX_RATIO).body
    except InflateError as error:
        if is_truncated:
            return error.partial
        match error:
            case CutStreamError():
                reason = RejectReason.TRUNCATED
            case TooLargeError():
                reason = RejectReason.TOO_LARGE
            case _:
                reason = RejectReason.UNDECODABLE
        raise PayloadError(reason, str(error)) from error


def _looks_like_text(data: bytes) -> bool:
    """Whether a body that announces a coding is plain all the same: a writer took it off and kept the header."""
    head = data[:1024]
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character cut by the slice is no sign against it
        return error.start >= len(head) - 3
    return True


def _from_base32(bare: str) -> bytes:
    """The bytes that `bare` (upper case, no padding) stands for; the standard library's way is ten times slower."""
    if not bare.isascii():
        raise binascii.Error("a digit that is not ASCII")
    bits = 5 * len(bare)
    return (int(bare.translate(_BASE32_DIGITS), 32) >> bits % 8).to_bytes(bits // 8, "big")


def _digest_bytes(value: str, size: int) -> bytes | None:
    try:
        # MD5 in padded base 32 is as long as in hex.
        if len(value) == size * 2 and "=" not in value:
            return bytes.fromhex(value)
        bare = value.rstrip("=")
        if len(bare) == (size * 8 + 4) // 5:
            return _from_base32(bare.upper())
        return base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4))
    except (ValueError, binascii.Error):
        return None
