"""Split a WARC file into its records: one gzip member each, or one after another when uncompressed.

The frame of each record is checked: the member inflates to its end, and Content-Length ends exactly where the member
does. Readers that skip this give 3,103 of 14,000 bytes of a truncated record, or a body with the header of the next
record in it, without an error.
"""

from __future__ import annotations

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

    The records and ranges together cover every byte. Compression is recognized by the first bytes of the file, never
    by its name.
    """
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        yield BadRange(0, 0, RejectReason.EMPTY, "the file is empty")
        return
    is_plain = _is_plain(file)
    at = start
    while at < size:
        part = _plain(file, at, size) if is_plain else _member(file, at, size)
        yield part
        at = part.end


def next_record(file: BinaryIO, start: int) -> int:
    """Offset of the first record of a WARC file that seems to begin at `start` or later, or the end of the file.

    Bytes inside a record can look like another one: the offset is sure only if `split_records` arrives there.
    """
    size = os.fstat(file.fileno()).st_size
    return (_next_plain if _is_plain(file) else _next_member)(file, start, size)


def _is_plain(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(VERSION)) == VERSION


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
    """The uncompressed record at `start`, which must end where the file does or another record begins."""
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
    if not data.endswith(END) or not VERSION.startswith(follows):
        return BadRange(
            start,
            _next_plain(file, start + 1, size),
            RejectReason.BAD_RECORD,
            f"no record begins after the {block_end - block_start} bytes of Content-Length",
        )
    return RawRecord(start, end, data, block_start, block_end)


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
        keep = len(needle) - 1
        at += len(window) - keep
        window = window[-keep:]
