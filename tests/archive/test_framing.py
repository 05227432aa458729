"""Where the records of an archive file begin and end, to the byte, and what is not a whole record."""

from __future__ import annotations

import gzip
import io
import zlib
from itertools import accumulate, pairwise

import pytest

from ca_etl.archive.framing import MAX_RECORD_BYTES, BadRange, RawRecord, split_records, whole_member
from ca_etl.archive.reader import read_archive
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.records import BadRecord, Capture, RejectReason

FIRST = b"WARC/1.0\r\nContent-Length: 4\r\n\r\nbody\r\n\r\n"
SECOND = b"WARC/1.1\r\nWARC-Type: metadata\r\ncontent-length:\t5 \r\n\r\nother\r\n\r\n"
NO_LENGTH = "the record header has no single Content-Length"
# Bytes that do not compress, so that a member of them is read in several pieces.
NOISE = b"".join(zlib.crc32(n.to_bytes(4)).to_bytes(4) for n in range(75_000))


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def whole(block: bytes, **lines: str) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"WARC/1.0\r\n{more}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


@pytest.fixture
def read(tmp_path):
    def split(content, start=0):
        path = tmp_path / "x.warc.gz"
        path.write_bytes(content)
        with path.open("rb") as file:
            pieces = list(split_records(file, start))
        if pieces[0].reason is not RejectReason.EMPTY if isinstance(pieces[0], BadRange) else True:
            assert (pieces[0].start, pieces[-1].end) == (start, len(content))
        assert all(first.end == second.start for first, second in pairwise(pieces))
        return pieces

    return split


def bad(piece):
    assert isinstance(piece, BadRange), piece
    return piece.start, piece.end, piece.reason, piece.detail


@pytest.mark.parametrize("form", [bytes, zipped])
def test_records_are_read_with_their_offsets_and_their_block(read, form):
    size = len(form(FIRST))
    first, second = read(form(FIRST) + form(SECOND))
    assert (first.start, first.end, first.data, first.block) == (0, size, FIRST, b"body")
    assert (second.start, second.data, second.block) == (size, SECOND, b"other")
    assert (second.block_start, second.block_end) == (len(SECOND) - 9, len(SECOND) - 4)


@pytest.mark.parametrize("form", [bytes, zipped])
def test_reading_from_an_offset_skips_what_is_before_it(read, form):
    (second,) = read(form(FIRST) + form(SECOND), start=len(form(FIRST)))
    assert second.block == b"other"


@pytest.mark.parametrize("block", [b"", b"WARC/1.0\r\n\r\n", NOISE, NOISE[:30_000] * 2, b"a" * 2_000_000])
@pytest.mark.parametrize("form", [bytes, zipped])
def test_a_block_of_any_length_is_whole_and_the_record_after_it_too(read, form, block):
    assert [piece.block for piece in read(form(whole(block)) + form(SECOND))] == [block, b"other"]


@pytest.mark.parametrize("cut", [1, 4, 5])
def test_a_plain_record_that_the_end_of_the_file_cuts_is_truncated(read, cut):
    last = len(FIRST) + len(SECOND) - cut
    first, second = read((FIRST + SECOND)[:-cut])
    assert first.block == b"body"
    detail = f"Content-Length is 5, {9 - cut} bytes follow"
    assert bad(second) == (len(FIRST), last, RejectReason.TRUNCATED, detail)


def test_a_cut_member_is_truncated_and_the_one_after_it_is_read(read):
    cut = zipped(whole(NOISE))[:-9]
    first, second = read(cut + zipped(SECOND))
    assert bad(first)[:3] == (0, len(cut), RejectReason.BAD_RECORD)
    assert second.block == b"other"
    (only,) = read(cut)
    assert bad(only) == (0, len(cut), RejectReason.TRUNCATED, "the gzip member has no end")


@pytest.mark.parametrize("block", [b"body", NOISE[:9_000]])
@pytest.mark.parametrize("stated", [-1, 1, 700])
def test_a_member_of_another_length_than_it_states_is_bad_with_both_numbers(read, block, stated):
    wrong = whole(block).replace(f": {len(block)}".encode(), f": {len(block) + stated}".encode(), 1)
    first, second = read(zipped(wrong) + zipped(SECOND))
    detail = f"Content-Length is {len(block) + stated}, the member holds {len(block)}"
    assert bad(first) == (0, len(zipped(wrong)), RejectReason.BAD_RECORD, detail)
    assert second.block == b"other"


@pytest.mark.parametrize("end", [b"\r\n\r", b"\r\n\n\n", b"", b"\r\n\r\n\r\n"])
def test_a_member_that_ends_otherwise_than_with_two_line_ends_is_bad(read, end):
    (only,) = read(zipped(FIRST[:-4] + end))
    assert bad(only)[2] is RejectReason.BAD_RECORD


def test_a_plain_record_without_a_successor_is_bad_up_to_the_next(read):
    first, second = read(FIRST[:-4] + b"noise\r\n\r\n" + SECOND)
    detail = "no record begins after the 4 bytes of Content-Length"
    assert bad(first) == (0, len(FIRST) + 5, RejectReason.BAD_RECORD, detail)
    assert second.block == b"other"
    first, second = read(FIRST + b"noise\r\n\r\n" + SECOND)
    assert bad(first) == (0, len(FIRST) + 9, RejectReason.BAD_RECORD, detail)
    assert second.block == b"other"


def test_half_a_version_at_the_end_of_a_plain_file_spoils_no_record(read):
    first, second = read(FIRST + b"WAR")
    assert first.block == b"body"
    assert bad(second)[:3] == (len(FIRST), len(FIRST) + 3, RejectReason.BAD_RECORD)


@pytest.mark.parametrize(
    ("head", "detail"),
    [
        (b"WARC/1.0\r\nWARC-Type: response\r\n\r\n", NO_LENGTH),
        (b"WARC/1.0\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", NO_LENGTH),
        (b"WARC/1.0\r\nContent-Length: 4x\r\n\r\n", NO_LENGTH),
        (b"WARC/1.0\r\nContent-Length: 0000000000000004\r\n\r\n", NO_LENGTH),
        (b"WARC/1.0\r\nContent-Length: 4\r\n", "the record header has no end"),
        (b"warc/1.0\r\nContent-Length: 4\r\n\r\n", "no WARC record begins here"),
    ],
)
def test_a_header_without_one_content_length_is_bad_and_the_next_record_is_read(read, head, detail):
    first, second = read(zipped(head + b"body") + zipped(SECOND))
    assert bad(first)[2:] == (RejectReason.BAD_RECORD, detail)
    assert second.block == b"other"


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 4\r\nContent-Length: 4",
        b"CONTENT-LENGTH:4",
        b"Content-Length: \t 4 \t",
        b"Content-Length: 000000000000004",
    ],
)
def test_one_content_length_is_read_in_any_notation(read, line):
    assert [piece.block for piece in read(b"WARC/1.0\r\n" + line + b"\r\n\r\nbody\r\n\r\n")] == [b"body"]


@pytest.mark.parametrize(("length", "is_read"), [(262_144, True), (262_145, False)])
@pytest.mark.parametrize("form", [bytes, zipped])
def test_a_record_header_has_at_most_256_kib(read, form, length, *, is_read):
    data = whole(b"body", Padding="x" * (length - len(whole(b"", Padding="")) + 4))
    assert data.index(b"\r\n\r\n") + 4 == length
    first, second = read(form(data) + form(SECOND))
    assert isinstance(first, RawRecord) is is_read
    assert isinstance(first, RawRecord) or first.detail == "the record header has no end"
    assert second.block == b"other"


# A search reads 1 MiB at a time, and what it searches for can lie across two of them.
@pytest.mark.parametrize("shift", range(-12, 3))
@pytest.mark.parametrize("form", [bytes, zipped])
def test_the_record_after_a_megabyte_of_damage_is_read_wherever_it_begins(read, form, shift):
    head = b"WARC/1.0\r\n" if form is bytes else b""
    damage = head + b"x" * (1_048_577 + shift - len(head) - 4) + b"\r\n\r\n"
    first, second = read(damage + form(SECOND))
    assert (first.start, first.end) == (0, len(damage))
    assert second.block == b"other"


@pytest.mark.parametrize(
    "damage",
    [
        b"\x1f\x8b\x08 no stream \x1f\x8b\x1f\x8b\x08",
        zipped(b"a text file"),
        zipped(b"A text file"),
        zipped(b"WARC"),
        zipped(b""),
        b"\x1f\x8b\x08" * 3 + b"\x1f\x8b",
    ],
)
def test_damage_that_resembles_a_member_hides_no_record(read, damage):
    broken = b"no" + damage
    first, second = read(broken + zipped(SECOND))
    assert bad(first)[:3] == (0, len(broken), RejectReason.BAD_RECORD)
    assert second.block == b"other"


def test_a_plain_record_beyond_the_bound_is_too_large_and_the_one_after_it_is_read(tmp_path):
    path = tmp_path / "x.warc"
    blocks = [MAX_RECORD_BYTES + 1, MAX_RECORD_BYTES + 2]
    starts = [0]
    # The blocks are holes of the file: nothing of them is on the disk.
    with path.open("wb") as file:
        for length in blocks:
            file.write(f"WARC/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
            file.seek(length, io.SEEK_CUR)
            file.write(b"\r\n\r\n")
            starts.append(file.tell())
        file.write(SECOND)
    with path.open("rb") as file:
        *large, last = split_records(file)
    assert [bad(piece) for piece in large] == [
        (start, end, RejectReason.TOO_LARGE, f"the record has {length} bytes")
        for (start, end), length in zip(pairwise(starts), blocks, strict=True)
    ]
    assert last.block == b"other"


def test_a_member_that_inflates_beyond_the_bound_is_too_large_and_the_one_after_it_is_read(read):
    length = MAX_RECORD_BYTES + 1_048_576
    piece = zlib.compressobj(wbits=-15)
    zeros = piece.compress(bytes(1_048_576)) + piece.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(length // 1_048_576):
        check = zlib.crc32(bytes(1_048_576), check)
    end = b"\x03\x00" + check.to_bytes(4, "little") + length.to_bytes(4, "little")
    large = zipped(b"")[:10] + zeros * (length // 1_048_576) + end
    first, second = read(large + zipped(SECOND))
    assert bad(first) == (0, len(large), RejectReason.TOO_LARGE, f"the record inflates to {length} bytes")
    assert second.block == b"other"


def test_a_member_that_begins_one_byte_late_is_read(read):
    first, second = read(b"x" + zipped(FIRST))
    assert (first.start, first.end) == (0, 1)
    assert second.block == b"body"


def test_a_stream_without_the_frame_of_gzip_is_not_a_member(read):
    (only,) = read(zlib.compress(FIRST))
    assert bad(only)[2] is RejectReason.BAD_RECORD


def test_an_empty_file_is_one_empty_range(read):
    (only,) = read(b"")
    assert bad(only) == (0, 0, RejectReason.EMPTY, "the file is empty")


SMALL = b"<html><p>KGS/USD = 0.01144 0%</p></html>"


@pytest.fixture
def whole_file(tmp_path, attempt, noon):
    name = "20251205T020000Z-timesca"
    with ArchiveWriter(tmp_path / "whole", name, source="timesca", info={}, clock=lambda: noon) as out:
        for number in (1, 2):
            out.add(attempt(number=number, wire_body=SMALL))
    return out.path.read_bytes()


def members(content):
    """The gzip members of a file: (compressed, inflated)."""
    parts = []
    while content:
        stream = zlib.decompressobj(wbits=31)
        data = stream.decompress(content)
        parts.append((content[: len(content) - len(stream.unused_data)], data))
        content = stream.unused_data
    return parts


@pytest.mark.parametrize("form", ["gzip", "plain"])
def test_a_cut_gives_the_captures_before_it_and_at_most_one_bad_record(whole_file, tmp_path, form):
    pieces = [piece[form == "plain"] for piece in members(whole_file)]
    content = b"".join(pieces)
    borders = list(accumulate(len(piece) for piece in pieces))
    path = tmp_path / "cut.warc.gz"

    def captures(data):
        path.write_bytes(data)
        return list(read_archive(path, root=tmp_path))

    expected = captures(content)
    assert [type(c) for c in expected] == [Capture, Capture]
    ends = [next(border for border in borders if border > c.archive_offset) for c in expected]
    for length in range(len(content)):
        parts = captures(content[:length])
        pages = [c for c in parts if isinstance(c, Capture)]
        assert pages == expected[: sum(end <= length for end in ends)]
        bad = [c for c in parts if isinstance(c, BadRecord)]
        assert len(bad) == (0 if length in borders else 1)


def test_a_whole_member_is_its_record_and_nothing_else_is():
    member = zipped(FIRST)
    assert whole_member(member).data == FIRST
    assert bad(whole_member(member + b"x")) == (
        0,
        len(member) + 1,
        RejectReason.BAD_RECORD,
        "1 bytes follow the gzip member",
    )
    for damaged in (member[:-1], b"x" + member, FIRST, b"", zipped(FIRST + SECOND)):
        assert bad(whole_member(damaged))[:2] == (0, len(damaged))
