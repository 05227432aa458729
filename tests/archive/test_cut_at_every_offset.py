"""A small file cut at each of its bytes: never a wrong capture, always a counted bad record or a clean end."""

from __future__ import annotations

import zlib
from itertools import accumulate

import pytest

from ca_etl.archive.reader import read_archive
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.records import BadRecord, Capture

SMALL = b"<html><p>KGS/USD = 0.01144 0%</p></html>"


@pytest.fixture
def whole(tmp_path, attempt, noon):
    name = "20251205T020000Z-timesca"
    with ArchiveWriter(tmp_path / "whole", name, source="timesca", info={}, clock=lambda: noon) as out:
        for number in (1, 2):
            out.add(attempt(number=number, wire_body=SMALL))
    return out.path.read_bytes()


def members(content):
    """The gzip members of a file: (compressed, inflated)."""
    found = []
    while content:
        stream = zlib.decompressobj(wbits=31)
        data = stream.decompress(content)
        found.append((content[: len(content) - len(stream.unused_data)], data))
        content = stream.unused_data
    return found


@pytest.mark.parametrize("form", ["gzip", "plain"])
def test_a_cut_gives_the_captures_before_it_and_one_bad_record_or_none(whole, tmp_path, form):
    pieces = [piece[form == "plain"] for piece in members(whole)]
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
        found = captures(content[:length])
        pages = [c for c in found if isinstance(c, Capture)]
        assert pages == expected[: sum(end <= length for end in ends)]
        bad = [c for c in found if isinstance(c, BadRecord)]
        assert len(bad) == (0 if length in borders else 1)
