"""What of an ingested file is no whole record is kept in the archive as such, and told by every reading of it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from warcio.archiveiterator import ArchiveIterator

from ca_etl.archive.ingest import ingest_paths
from ca_etl.archive.reader import MAX_DAMAGED_BYTES, archive_files, read_archive, read_capture
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.run import run_ingest, run_rebuild
from ca_etl.records import BadRecord, Capture, RejectReason
from ca_etl.settings import Settings

NOW = datetime(2025, 12, 8, 9, 30, tzinfo=UTC)
BAD_DATE = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:w>\r\nWARC-Date: last Friday\r\n"
    b"WARC-Target-URI: https://timesca.com/\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ntext\r\n\r\n"
)


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def warc(tmp_path, attempt, noon):
    """The bytes of a compressed WARC file with a warcinfo record and two requests and responses."""
    with ArchiveWriter(
        tmp_path / "other", "20250101T000000Z-other", source="timesca", info={}, clock=lambda: noon
    ) as out:
        out.add(attempt(number=1))
        out.add(attempt(number=2))
    return out.path.read_bytes()


def ingest(path: Path, content: bytes, archive: Path, **changes):
    path.write_bytes(content)
    return ingest_paths([path], archive, **({"now": NOW} | changes))


def read(archive):
    return [found for path in archive_files(archive) for found in read_archive(path, root=archive)]


def bad(archive):
    return [found for found in read(archive) if isinstance(found, BadRecord)]


def payloads(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return [
            record.content_stream().read()
            for record in ArchiveIterator(file)
            if record.rec_headers.get_header("CA-ETL-Damaged")
        ]


def test_a_compressed_warc_cut_in_half_is_a_bad_record_of_the_archive(archive, tmp_path, warc):
    cut = warc[:-20]
    report = ingest(tmp_path / "in.warc.gz", cut, archive)
    (told,) = report.bad_records
    assert [type(found) for found in read(archive)] == [Capture, BadRecord]
    (found,) = bad(archive)
    assert found.reason is RejectReason.TRUNCATED
    assert f"in.warc.gz at byte {told.archive_offset}: " in found.detail
    assert payloads(report.written) == [cut[told.archive_offset :]]
    assert report.damaged == ()
    assert not list(archive.rglob("*.damaged"))


def test_a_plain_warc_cut_in_half_is_a_bad_record_of_the_archive(archive, tmp_path, warc):
    report = ingest(tmp_path / "in.warc", gzip.decompress(warc)[:-20], archive)
    (found,) = bad(archive)
    assert found.reason is RejectReason.TRUNCATED
    assert report.captures == len(read(archive)) - 1 == 1


def test_a_wet_record_with_a_bad_date_is_a_bad_record_of_the_archive(archive, tmp_path):
    report = ingest(tmp_path / "in.wet", BAD_DATE, archive)
    (found,) = read(archive)
    assert found.reason is RejectReason.BAD_RECORD
    assert "in.wet at byte 0: " in found.detail
    assert "WARC-Date 'last Friday' is no instant" in found.detail
    assert payloads(report.written) == [BAD_DATE]


def test_a_warc_compressed_as_a_whole_is_a_bad_record_of_the_archive(archive, tmp_path, warc):
    ingest(tmp_path / "in.warc.gz", gzip.compress(gzip.decompress(warc)), archive)
    (found,) = read(archive)
    assert found.reason is RejectReason.BAD_RECORD
    assert "more than one record" in found.detail


def test_an_empty_warc_is_a_bad_record_of_the_archive(archive, tmp_path):
    ingest(tmp_path / "in.warc.gz", b"", archive)
    (found,) = read(archive)
    assert found.reason is RejectReason.EMPTY


def test_bytes_between_whole_records_are_kept_in_their_place(archive, tmp_path, warc):
    report = ingest(tmp_path / "in.warc.gz", warc + b"noise" + warc, archive)
    assert [type(found) for found in read(archive)] == [Capture, Capture, BadRecord, Capture, Capture]
    assert payloads(report.written) == [b"noise"]


def test_a_damaged_record_is_bad_also_when_it_is_asked_for_by_its_place(archive, tmp_path):
    written = ingest(tmp_path / "in.wet", BAD_DATE, archive).written
    (found,) = read(archive)
    assert read_capture(written, found.archive_offset, root=archive) == found


def test_the_id_of_damaged_bytes_is_made_of_their_file_and_place(archive, tmp_path, warc):
    broken = b"no" + warc + b"noise"
    ingest(tmp_path / "in.warc.gz", broken, archive)
    ingest(tmp_path / "other name.warc.gz", broken, tmp_path / "again", now=NOW + timedelta(days=3))
    ids = [found.capture_id for found in bad(archive)]
    assert len(set(ids)) == 2
    assert ids == [found.capture_id for found in bad(tmp_path / "again")]


def test_the_same_damaged_file_again_writes_nothing(archive, tmp_path, warc):
    first = ingest(tmp_path / "in.warc.gz", warc[:-20], archive)
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    again = ingest(tmp_path / "in.warc.gz", warc[:-20], archive, now=NOW + timedelta(days=1))
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before
    assert (again.written, again.already_held) == (None, first.written)


def test_an_odd_name_is_told_as_it_is(archive, tmp_path):
    ingest(tmp_path / "Тикер 5% #1\n.wet", BAD_DATE, archive)
    assert bad(archive)[0].detail.startswith("Тикер 5% #1\n.wet at byte 0: ")


def test_a_detail_that_is_too_long_for_a_header_is_shortened(archive, tmp_path):
    ingest(tmp_path / "in.wet", BAD_DATE.replace(b"last Friday", b"\xff" * 200_000), archive)
    (found,) = bad(archive)
    assert found.reason is RejectReason.BAD_RECORD
    assert "in.wet at byte 0: " in found.detail
    assert len(found.detail) < 2_000


def test_of_large_damage_the_beginning_is_in_the_archive_and_the_file_beside_it(archive, tmp_path):
    content = b"x" * (MAX_DAMAGED_BYTES + 1)
    report = ingest(tmp_path / "in.warc.gz", content, archive)
    (found,) = bad(archive)
    assert found.reason is RejectReason.BAD_RECORD
    assert payloads(report.written) == [content[:-1]]
    assert b"WARC-Truncated: length\r\n" in gzip.decompress(report.written.read_bytes())
    assert [path.read_bytes() for path in report.damaged] == [content]


def test_the_archive_of_damaged_input_is_taken_over_by_another_archive(archive, tmp_path):
    written = ingest(tmp_path / "in.wet", BAD_DATE, archive).written
    report = ingest(tmp_path / "again.warc.gz", written.read_bytes(), tmp_path / "second")
    assert report.captures == 0
    (first,), (second,) = read(archive), read(tmp_path / "second")
    assert second == replace(first, archive_file=second.archive_file, archive_offset=second.archive_offset)


def test_damaged_input_is_a_reject_on_the_first_load_and_after_a_rebuild(tmp_path, warc):
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "in.warc.gz"
    path.write_bytes(warc[:-20])
    query = "select capture_id, reason, detail from etl_reject where reason = 'truncated'"
    seen = []
    for outcome in (run_ingest(settings, GivenFiles((path,))), run_rebuild(settings)):
        assert outcome.release is not None, outcome.error
        with duckdb.connect(str(tmp_path / "data/current/warehouse.duckdb"), read_only=True) as con:
            seen.append(con.sql(query).fetchall())
    assert len(seen[0]) == 1
    assert seen[0] == seen[1]
