"""Split a WARC file into its records: one gzip member each, or one after another when uncompressed.

The frame of each record is checked: the member inflates to its end, and Content-Length ends exactly where the member
does. Readers that skip this give 3,103 of 14,000 bytes of a truncated record, or a body with the header of the next
record in it, without an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

from zlib_ng import zlib_ng as zlib

from ca_etl.records import RejectReason

# A file of one 200 MB line must pass; a bomb must not fill the memory.
MAX_RECORD_BYTES: Final = 512 * 1024 * 1024
MAX_HEADER_BYTES: Final = 262_144
CHUNK: Final = 65_536
# Most text pages fit; what is read after a member is copied by zlib and read again.
FIRST_CHUNK: Final = 4_096
GZIP_MEMBER: Final = b"\x1f\x8b\x08"
VERSION: Final = b"WARC/"
END: Final = b"\r\n\r\n"
CONTENT_LENGTH: Final = re.compile(
    rb"^content-length:[ \t]*([0-9]{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)

BLOCK_DIGEST: Final = re.compile(rb"^warc-block-digest:([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
DIGEST_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}


class RawRecord(NamedTuple):
    """One whole WARC record: `data` has header, block and closing line ends; `start` and `end` are file offsets."""

    start: int
    end: int
    data: bytes
    block_start: int
    block_end: int

    @property
    def block(self) -> bytes:
        """The content block of the WARC record: the bytes that its Content-Length counts."""
        return self.data[self.block_start : self.block_end]


class BadRange(NamedTuple):
    """A range of bytes of a WARC file, from offset `start` to `end`, that is not a whole record, and the reason."""

    start: int
    end: int
    reason: RejectReason
    detail: str


Part = RawRecord | BadRange


def split_records(file: BinaryIO, start: int = 0) -> Iterator[Part]:
    """Split a WARC file, from offset `start` on, into records and ranges that are not records.

    The records and ranges together cover every byte. Compression is recognized by the bytes of the file, never by
    its name.
    """
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        yield BadRange(0, 0, RejectReason.EMPTY, "the file is empty")
        return
    split = _plain if is_plain(file) else _member
    at = start
    while at < size:
        part = split(file, at, size)
        yield part
        at = part.end


def next_record(file: BinaryIO, start: int) -> int:
    """Offset of the first record of a WARC file that seems to begin at `start` or later, or the end of the file.

    Bytes inside a record can look like another one: the offset is sure only if `split_records` arrives there.
    """
    size = os.fstat(file.fileno()).st_size
    return (_next_plain if is_plain(file) else _next_member)(file, start, size)


def is_one_member(file: BinaryIO) -> bool:
    """Whether the first gzip member of a file has more than one record, as where a whole file was compressed."""
    file.seek(0)
    stream = zlib.decompressobj(wbits=31)
    seen = b""
    try:
        while not stream.eof and (chunk := stream.unconsumed_tail or file.read(CHUNK)):
            seen = seen[-len(END + VERSION) :] + stream.decompress(chunk, 8 * CHUNK)
            if END + VERSION in seen:
                return True
    except zlib.error:  # type: ignore[misc]  # its stub has an instance
        pass
    return False


def inflate_file(file: BinaryIO, out: BinaryIO) -> BadRange | None:
    """Write the inflated bytes of a gzip file to the empty file `out`; return the range that cannot be read, if any.

    Of a member that is cut, all bytes before the cut are written; the range is then empty, at the end of the file. Of
    one whose bytes have changed, nothing is: its one checksum does not show which of its records have changed.
    """
    size = file.seek(0, os.SEEK_END)
    start = file.seek(0)
    stream, pending = zlib.decompressobj(wbits=31), b""
    written, is_within = 0, False
    try:
        while pending := pending or file.read(CHUNK):
            is_within = True
            out.write(stream.decompress(pending, 8 * CHUNK))
            pending = stream.unconsumed_tail
            if stream.eof:
                pending, stream = stream.unused_data, zlib.decompressobj(wbits=31)
                start, written, is_within = file.tell() - len(pending), out.tell(), False
    except zlib.error as error:  # type: ignore[misc]  # its stub has an instance
        out.truncate(written)
        return BadRange(start, size, RejectReason.BAD_RECORD, f"not a whole gzip member: {error}")
    return BadRange(size, size, RejectReason.TRUNCATED, "the gzip member has no end") if is_within else None


def is_plain(file: BinaryIO) -> bool:
    """Whether a WARC file is uncompressed; where its first bytes are damaged, by the first record that is not."""
    file.seek(0)
    begin = file.read(len(VERSION))
    if begin == VERSION or begin.startswith(GZIP_MEMBER):
        return begin == VERSION
    size = file.seek(0, os.SEEK_END)
    return _next_plain(file, 0, size) < size and _next_member(file, 0, size) == size


def whole_member(data: bytes) -> Part:
    """The record in `data`, which must be exactly one gzip member; else a bad range over all of it."""
    part = _member(BytesIO(data), 0, len(data))
    if isinstance(part, BadRange):
        return part._replace(end=len(data))
    if part.end < len(data):
        detail = f"{len(data) - part.end} bytes follow the gzip member"
        return BadRange(0, len(data), RejectReason.BAD_RECORD, detail)
    return part


def _member(file: BinaryIO, start: int, size: int) -> Part:
    """The gzip member at `start`, or else the range up to the next member with a record."""
    file.seek(start)
    stream = zlib.decompressobj(wbits=31)
    pieces: list[bytes] = []
    length = 0
    step = FIRST_CHUNK
    try:
        while not stream.eof:
            chunk = file.read(step)
            step = CHUNK
            if not chunk:
                end = _next_member(file, start + 1, size)
                return BadRange(start, end, RejectReason.TRUNCATED, "the gzip member has no end")
            while chunk and not stream.eof:
                piece = stream.decompress(chunk, 8 * CHUNK)
                length += len(piece)
                # past the bound the member is only read to its end, so that reading can resume after it
                if length <= MAX_RECORD_BYTES:
                    pieces.append(piece)
                else:
                    pieces.clear()
                chunk = stream.unconsumed_tail
    except zlib.error as error:  # type: ignore[misc]  # its stub has an instance
        return BadRange(
            start,
            _next_member(file, start + 1, size),
            RejectReason.BAD_RECORD,
            f"not a whole gzip member: {error}",
        )
    end = file.tell() - len(stream.unused_data)
    if length > MAX_RECORD_BYTES:
        return BadRange(start, end, RejectReason.TOO_LARGE, f"the record inflates to {length} bytes")
    return _framed(start, end, b"".join(pieces))


def _framed(start: int, end: int, data: bytes) -> Part:
    """The record that fills one member exactly."""
    problem: str
    frame = _frame(data)
    if isinstance(frame, str):
        problem = frame
    else:
        block_start, block_end = frame
        if len(data) == block_end + len(END) and data.endswith(END):
            return RawRecord(start, end, data, block_start, block_end)
        if data[block_end + len(END) :].startswith(VERSION):
            problem = "the gzip member holds more than one record; warcio recompress FILE gives each its own"
        else:
            stated = block_end - block_start
            problem = f"Content-Length is {stated}, the member holds {len(data) - block_start - len(END)}"
    return BadRange(start, end, RejectReason.BAD_RECORD, problem)


def _plain(file: BinaryIO, start: int, size: int) -> Part:
    """The uncompressed record at `start`, which must end where the file does or another record begins.

    Before a damaged record it is whole where its block has the digest that it states.
    """
    file.seek(start)
    head = file.read(MAX_HEADER_BYTES)
    frame = _frame(head)
    if isinstance(frame, str):
        return BadRange(start, _next_plain(file, start + 1, size), RejectReason.BAD_RECORD, frame)
    block_start, block_end = frame
    end = start + block_end + len(END)
    if end > size:
        detail = f"Content-Length is {block_end - block_start}, {size - start - block_start} bytes follow"
        return BadRange(start, _next_plain(file, start + 1, size), RejectReason.TRUNCATED, detail)
    if block_end - block_start > MAX_RECORD_BYTES:
        return BadRange(start, end, RejectReason.TOO_LARGE, f"the record has {block_end - block_start} bytes")
    file.seek(start)
    data = file.read(end - start)
    follows = file.read(len(VERSION))
    is_ended = VERSION.startswith(follows) or _has_stated_digest(data, block_start, block_end)
    if not data.endswith(END) or not is_ended:
        return BadRange(
            start,
            _next_plain(file, start + 1, size),
            RejectReason.BAD_RECORD,
            f"no record begins after the {block_end - block_start} bytes of Content-Length",
        )
    return RawRecord(start, end, data, block_start, block_end)


def digest_matches(label: str, data: bytes) -> bool | None:
    """Whether `label` (`sha1:BASE32`, `sha256:hex`, ...) is the digest of `data`; None for an unknown algorithm.

    The WARC standard fixes neither algorithm nor notation: Common Crawl writes SHA-1 in base 32, others hex or base
    64.
    """
    name, colon, value = label.strip().partition(":")
    algorithm = name.lower().replace("-", "")
    size = DIGEST_BYTES.get(algorithm)
    if not colon or size is None:
        return None
    stated = _digest_bytes(value.strip(), size)
    return stated == hashlib.new(algorithm, data, usedforsecurity=False).digest()


def _has_stated_digest(data: bytes, block_start: int, block_end: int) -> bool:
    stated = BLOCK_DIGEST.search(data[:block_start])
    return bool(stated and digest_matches(stated.group(1).decode("latin-1"), data[block_start:block_end]))


def _digest_bytes(value: str, size: int) -> bytes | None:
    try:
        # MD5 in padded base 32 is as long as in hex.
        if len(value) == size * 2 and "=" not in value:
            return bytes.fromhex(value)
        bare = value.rstrip("=")
        if len(bare) == (size * 8 + 4) // 5:
            return base64.b32decode(bare.upper() + "=" * (-len(bare) % 8))
        return base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4))
    except (ValueError, binascii.Error):
        return None


def _frame(data: bytes) -> tuple[int, int] | str:
    """Start and end of the block by the record's own header, or the problem of that header."""
    if not data.startswith(VERSION):
        return "no WARC record begins here"
    header_end = data.find(END, 0, MAX_HEADER_BYTES)
    if header_end < 0:
        return "the record header has no end"
    lengths = set(CONTENT_LENGTH.findall(data[: header_end + 2]))
    if len(lengths) != 1:
        return "the record header has no single Content-Length"
    block_start = header_end + len(END)
    return block_start, block_start + int(lengths.pop())


def _next_member(file: BinaryIO, start: int, size: int) -> int:
    """Offset of the next gzip member that begins a WARC record, or the end of the file."""
    for offset in _find(file, GZIP_MEMBER, start):
        file.seek(offset)
        try:
            begin = zlib.decompressobj(wbits=31).decompress(file.read(4096), len(VERSION))
        except zlib.error:  # type: ignore[misc]  # its stub has an instance
            continue
        if begin == VERSION:
            return offset
    return size


def _next_plain(file: BinaryIO, start: int, size: int) -> int:
    for offset in _find(file, END + VERSION, start):
        return offset + len(END)
    return size


def _find(file: BinaryIO, needle: bytes, start: int) -> Iterator[int]:
    """Offsets of `needle` from `start` on; the caller may move the file position between two of them."""
    at, window = start, b""
    while True:
        file.seek(at + len(window))
        chunk = file.read(16 * CHUNK)
        if not chunk:
            return
        window += chunk
        index = window.find(needle)
        while index >= 0:
            yield at + index
            index = window.find(needle, index + 1)
        keep = min(len(needle) - 1, len(window))
        at += len(window) - keep
        window = window[-keep:]
