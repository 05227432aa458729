"""A small file cut at each of its bytes: never a wrong capture, always a counted bad record or a clean end."""

from __future__ import annotations

import gzip

import pytest

from ca_etl.archive.read import read_archive
from ca_etl.archive.write import ArchiveWriter
from ca_etl.records import BadRecord, Capture

SMALL = b"<html><p>KGS/USD = 0.01144 0%</p></html>"


@pytest.fixture
def whole(tmp_path, attempt, noon):
    with ArchiveWriter(tmp_path / "whole", "20251205T020000Z-timesca", source="timesca", info={}, clock=lambda: noon) as out:
        for number in (1, 2):
            out.add(attempt(number=number, wire_body=SMALL))
    return out.path


@pytest.mark.parametrize("form", ["gzip", "plain"])
def test_a_cut_gives_the_captures_before_it_and_one_bad_record_or_none(whole, tmp_path, form):
    borders = {0}
    content = whole.read_bytes()
    rest = content
    members = []
    while rest:
        import zlib

        stream = zlib.decompressobj(wbits=31)
        members.append(stream.decompress(rest))
        rest = stream.unused_data
    if form == "plain":
        content = b"".join(members)
        sizes = [len(member) for member in members]
    else:
        sizes = [len(gzip.compress(member, mtime=0)) for member in members]
        sizes = _member_sizes(whole.read_bytes())
    for size in sizes:
        borders.add(max(borders) + size)
    expected = list(_captures(content, tmp_path))
    assert len(expected) == 2
    for length in range(len(content)):
        found = list(_captures(content[:length], tmp_path))
        pages = [c for c in found if isinstance(c, Capture)]
        bad = [c for c in found if isinstance(c, BadRecord)]
        assert pages == expected[: len(pages)]
        assert len(bad) == (0 if length in borders and length else 1), length
        assert len(pages) == sum(1 for c in expected if _end_of(c, sorted(borders)) <= length)


def _captures(content, tmp_path):
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(content)
    return read_archive(path, root=tmp_path)


def _member_sizes(content):
    import zlib

    sizes = []
    while content:
        stream = zlib.decompressobj(wbits=31)
        stream.decompress(content)
        sizes.append(len(content) - len(stream.unused_data))
        content = stream.unused_data
    return sizes


def _end_of(capture, borders):
    return next(border for border in borders if border > capture.archive_offset)
