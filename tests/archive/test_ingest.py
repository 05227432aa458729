"""Files given by hand: what becomes a capture, what is refused, and what is damaged."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from ca_etl.archive.ingest import MAX_DAMAGED_BYTES, ingest_paths
from ca_etl.archive.inputs import MissingInputError, UnreadableInputError, UnsupportedInputError
from ca_etl.archive.reader import archive_files, read_archive, read_capture
from ca_etl.archive.sealed_file import recover_open_files
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.errors import UsageError
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.run import run_ingest, run_rebuild
from ca_etl.records import BadRecord, Capture, RejectReason
from ca_etl.settings import Settings

NOW = datetime(2025, 12, 8, 9, 30, tzinfo=UTC)
SEED = Path(__file__).parents[3] / "shared" / "seed" / "000_a1fb695dfdf5c8e4.txt"


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def given_file(tmp_path):
    def make(name: str, content: bytes) -> Path:
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return make


def ingest(paths, archive, **changes):
    return ingest_paths([paths] if isinstance(paths, Path) else paths, archive, **({"now": NOW} | changes))


def captures(archive):
    return [capture for path in archive_files(archive) for capture in read_archive(path, root=archive)]


def files(archive):
    return {p.relative_to(archive).as_posix(): p.read_bytes() for p in archive.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("name", "kind"), [("a.txt", "text/plain"), ("b.HTML", "text/html"), ("c.htm", "text/html")]
)
def test_a_file_becomes_a_capture_without_url_and_time(archive, given_file, name, kind):
    report = ingest(given_file(name, b"KGS/USD"), archive)
    (capture,) = captures(archive)
    assert (
        capture.payload,
        capture.content_type,
        capture.url,
        capture.captured_at,
        capture.http_status,
        capture.source,
    ) == (
        b"KGS/USD",
        kind,
        None,
        None,
        None,
        "file",
    )
    assert report.captures == 1
    assert report.written[0].parent == archive / "2025" / "12"
    assert report.written[0].name.startswith("20251208T093000Z-ingest-")


def test_url_and_time_are_kept_where_they_are_known(archive, given_file):
    when = datetime(2025, 12, 5, 7, 0, tzinfo=timezone(timedelta(hours=5)))
    ingest(given_file("a.txt", b"x"), archive, url="https://timesca.com/latest/", captured_at=when)
    (capture,) = captures(archive)
    assert (capture.url, capture.captured_at) == ("https://timesca.com/latest/", when)
    assert capture.captured_at.tzinfo is UTC


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\x1f\x8b\x08binary" * 50,
        b"\xff\xfeinvalid utf-8",
        b"HTTP/1.1 200 OK\r\n\r\nlooks like http",
        b"WARC/1.0\r\n\r\n",
    ],
    ids=["empty", "binary", "invalid", "http", "warc"],
)
def test_whatever_is_in_a_file_is_archived(archive, given_file, content):
    ingest(given_file("a.txt", content), archive)
    (capture,) = captures(archive)
    assert capture.payload == content


def test_a_file_of_one_endless_line_is_archived(archive, given_file):
    content = b"x" * 30_000_000
    ingest(given_file("a.txt", content), archive)
    (capture,) = captures(archive)
    assert len(capture.payload) == len(content)


def test_the_same_file_again_writes_nothing(archive, given_file):
    path = given_file("a.txt", b"x")
    first = ingest(path, archive)
    before = files(archive)
    again = ingest(path, archive, now=NOW + timedelta(days=40))
    assert files(archive) == before
    assert (again.written, again.already_held, again.captures) == ((), first.written, 0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_ingest_is_idempotent_and_blind_to_order_and_repeats(tmp_path_factory, contents, random):
    top = tmp_path_factory.mktemp("ingest")
    paths = []
    for number, content in enumerate(contents):
        paths.append(top / f"{number}.txt")
        paths[-1].write_bytes(content)
    ingest(paths, top / "archive")
    before = files(top / "archive")
    shuffled = paths * 2
    random.shuffle(shuffled)
    again = ingest(shuffled, top / "archive", now=NOW + timedelta(hours=1))
    assert files(top / "archive") == before
    assert again.written == ()
    assert {c.payload for c in captures(top / "archive")} == set(contents)
    assert len(captures(top / "archive")) == len(set(contents))


def test_the_same_content_is_the_same_capture_under_any_name_and_day(archive, tmp_path, given_file):
    ingest(given_file("a.txt", b"x"), archive)
    ingest(given_file("b.txt", b"x"), tmp_path / "other", now=NOW + timedelta(days=1))
    (first,), (second,) = captures(archive), captures(tmp_path / "other")
    assert first.capture_id == second.capture_id


def test_a_url_or_a_time_makes_it_another_capture(archive, given_file):
    path = given_file("a.txt", b"x")
    ingest(path, archive)
    ingest(path, archive, url="https://timesca.com/")
    ingest(path, archive, captured_at=NOW)
    assert len({c.capture_id for c in captures(archive)}) == 3


def test_a_folder_gives_its_known_files_and_names_the_others(archive, given_file):
    given_file("one.txt", b"1")
    given_file("deep/two.html", b"2")
    given_file("picture.png", b"3")
    report = ingest(given_file("x/three.htm", b"4").parents[1], archive)
    assert sorted(c.payload for c in captures(archive)) == [b"1", b"2", b"4"]
    assert [path.name for path in report.skipped] == ["picture.png"]


def test_a_name_with_unusual_letters_is_kept(archive, given_file):
    ingest(given_file("Тикер 5% #1\n.txt", b"x"), archive)
    assert captures(archive)[0].url is None


def test_a_missing_path_is_named(archive, tmp_path):
    with pytest.raises(MissingInputError, match=r"nowhere\.txt does not exist"):
        ingest(tmp_path / "nowhere.txt", archive)
    assert not archive.exists()


def test_a_named_file_of_an_unknown_kind_is_refused(archive, given_file):
    with pytest.raises(UnsupportedInputError, match=r"a\.pdf") as caught:
        ingest([given_file("b.txt", b"x"), given_file("a.pdf", b"%PDF")], archive)
    assert ".warc.gz" in str(caught.value)
    assert caught.value.exit_status == 2
    assert not archive.exists()


def test_what_is_not_a_file_is_refused(archive, tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UnsupportedInputError):
        ingest(tmp_path / "pipe.txt", archive)


@pytest.mark.parametrize("url", ["notaurl", "timesca.com/latest/", "https:///latest/", "ftp://timesca.com/"])
def test_a_url_that_is_none_is_refused_and_nothing_archived(archive, given_file, url):
    with pytest.raises(UsageError, match="is not a URL"):
        ingest(given_file("page.html", b"<html></html>"), archive, url=url)
    assert not archive.exists()


def test_one_url_for_two_files_is_refused(archive, given_file):
    with pytest.raises(UsageError, match="2 files"):
        ingest([given_file("a.txt", b"1"), given_file("b.txt", b"2")], archive, url="https://timesca.com/")


def test_a_time_before_there_were_web_archives_is_refused(archive, given_file):
    time = datetime(1995, 12, 31, 23, 59, tzinfo=UTC)
    with pytest.raises(UsageError, match="is before 1996, the first year of web archives"):
        ingest(given_file("a.txt", b"1"), archive, captured_at=time)
    assert not archive.exists()


def test_a_time_that_has_not_come_is_refused(archive, given_file):
    path = given_file("a.txt", b"1")
    with pytest.raises(UsageError, match="2025-12-09T10:30:00\\+00:00 is in the future") as caught:
        ingest(path, archive, captured_at=NOW + timedelta(hours=25))
    assert caught.value.exit_status == 2
    assert not archive.exists()
    ingest(path, archive, captured_at=NOW + timedelta(hours=1))
    assert len(captures(archive)) == 1


def test_a_time_without_a_zone_is_refused(archive, given_file):
    with pytest.raises(UsageError, match="time zone"):
        ingest(given_file("a.txt", b"1"), archive, captured_at=datetime(2025, 12, 5))  # noqa: DTZ001


@pytest.fixture
def warc(tmp_path, attempt, noon):
    """Another archive's file with two captures, an error response among them."""
    with ArchiveWriter(
        tmp_path / "other", "20250101T000000Z-other", source="timesca", info={}, clock=lambda: noon
    ) as out:
        out.add(attempt(number=1))
        out.add(attempt(number=2, status=404, reason="None"))
    return out.path


def plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def seen(capture):
    """What a capture is, wherever it is stored."""
    return [(c.capture_id, c.payload, c.url, c.captured_at, c.http_status, c.source) for c in capture]


@pytest.mark.parametrize("suffix", [".warc", ".warc.gz"])
def test_the_records_of_a_warc_file_are_taken_over_as_they_are(archive, given_file, warc, tmp_path, suffix):
    content = warc.read_bytes() if suffix == ".warc.gz" else plain(warc)
    report = ingest(given_file(f"in{suffix}", content), archive)
    assert seen(captures(archive)) == seen(read_archive(warc, root=tmp_path))
    assert (report.captures, report.bad_records, report.damaged) == (2, (), ())
    assert plain(warc) in plain(report.written[0])


def test_records_of_others_keep_their_source_beside_pages(archive, given_file):
    wet = (
        b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:w>\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
        b"WARC-Target-URI: https://timesca.com/\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ntext\r\n\r\n"
    )
    ingest(
        [
            given_file("a.txt", b"page"),
            given_file("b.wet.gz", gzip.compress(wet)),
            given_file("c.wet", wet.replace(b"urn:uuid:w", b"urn:uuid:v")),
        ],
        archive,
    )
    assert {c.capture_id: c.source for c in captures(archive) if c.payload == b"text"} == {
        "urn:uuid:w": "web-archive",
        "urn:uuid:v": "web-archive",
    }
    assert [c.source for c in captures(archive) if c.payload == b"page"] == ["file"]


def test_a_damaged_input_gives_its_whole_records_and_reports_what_is_not(archive, given_file, warc):
    content = warc.read_bytes()[:-20]
    path = given_file("in.warc.gz", content)
    report = ingest(path, archive)
    assert report.captures == 1
    assert [type(c) for c in captures(archive)] == [Capture, BadRecord]
    assert [(type(bad), bad.archive_file) for bad in report.bad_records] == [(BadRecord, "in.warc.gz")]
    assert report.damaged == ()

    before = files(archive)
    ingest(path, archive, now=NOW + timedelta(days=1))
    assert files(archive) == before


def test_an_input_in_which_nothing_is_whole_is_kept_all_the_same(archive, given_file):
    path = given_file("in.warc.gz", b"no archive at all")
    report = ingest(path, archive)
    assert (report.captures, len(report.bad_records)) == (0, 1)
    assert b"\r\n\r\nno archive at all\r\n\r\n" in plain(report.written[0])
    again = ingest(path, archive, now=NOW + timedelta(days=1))
    assert (again.written, again.already_held) == ((), report.written)
    assert list(files(archive)) == [report.written[0].relative_to(archive).as_posix()]


def test_capture_times_cannot_be_given_for_warc_records(archive, warc):
    with pytest.raises(UsageError, match="their own"):
        ingest(warc, archive, captured_at=NOW)


def test_an_ingest_that_fails_leaves_no_half_file_that_counts_as_whole(archive, given_file):
    """The input vanishes between its check and its copy; a file of the other half must not claim to hold both."""

    class Vanishing(type(Path())):
        opened = 0

        def open(self, *args, **kwargs):
            Vanishing.opened += 1
            if Vanishing.opened > 1:
                raise FileNotFoundError(2, "No such file or directory", str(self))
            return super().open(*args, **kwargs)

    good = given_file("a.txt", b"1")
    fading = Vanishing(given_file("b.txt", b"2"))
    with pytest.raises(UnreadableInputError, match=r"cannot read .*b\.txt"):
        ingest([good, fading], archive)
    assert files(archive) == {}
    ingest([good, Path(fading)], archive)
    assert [c.payload for c in captures(archive)] == [b"1", b"2"]


def test_a_killed_ingest_is_done_again_in_full(archive, given_file):
    one, two = given_file("a.txt", b"1"), given_file("b.txt", b"2")
    (written,) = ingest([one, two], archive).written
    # as a kill after the first record would leave it
    content = written.read_bytes()
    written.rename(written.with_name(written.name + ".open"))
    written.with_name(written.name + ".open").write_bytes(content[:-30])
    recover_open_files(archive)
    assert len(ingest([one, two], archive).written) == 1
    capture = captures(archive)
    assert sorted({c.payload for c in capture}) == [b"1", b"2"]
    assert len({c.capture_id for c in capture}) == 2


@pytest.mark.shared
def test_the_seed_page_is_one_capture(archive):
    if not SEED.exists():
        pytest.skip("../shared is not beside the repository")
    ingest(SEED, archive)
    (capture,) = captures(archive)
    assert capture.payload == SEED.read_bytes()


BAD_DATE = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <urn:uuid:w>\r\nWARC-Date: last Friday\r\n"
    b"WARC-Target-URI: https://timesca.com/\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ntext\r\n\r\n"
)


@pytest.fixture
def warc_bytes(tmp_path, attempt, noon):
    """The bytes of a compressed WARC file with a warcinfo record and two requests and responses."""
    with ArchiveWriter(
        tmp_path / "other", "20250101T000000Z-other", source="timesca", info={}, clock=lambda: noon
    ) as out:
        out.add(attempt(number=1))
        out.add(attempt(number=2))
    return out.path.read_bytes()


def ingest_bytes(path: Path, content: bytes, archive: Path, **changes):
    path.write_bytes(content)
    return ingest_paths([path], archive, **({"now": NOW} | changes))


def read(archive):
    return [capture for path in archive_files(archive) for capture in read_archive(path, root=archive)]


def bad(archive):
    return [capture for capture in read(archive) if isinstance(capture, BadRecord)]


def payloads(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return [
            record.content_stream().read()
            for record in ArchiveIterator(file)
            if record.rec_headers.get_header("CA-ETL-Damaged")
        ]


def test_a_compressed_warc_cut_in_half_is_a_bad_record_of_the_archive(archive, tmp_path, warc_bytes):
    cut = warc_bytes[:-20]
    report = ingest_bytes(tmp_path / "in.warc.gz", cut, archive)
    (bad_record,) = report.bad_records
    assert [type(capture) for capture in read(archive)] == [Capture, BadRecord]
    (capture,) = bad(archive)
    assert capture.reason is RejectReason.TRUNCATED
    assert f"in.warc.gz at byte {bad_record.archive_offset}: " in capture.detail
    assert payloads(report.written[0]) == [cut[bad_record.archive_offset :]]
    assert report.damaged == ()
    assert not list(archive.rglob("*.damaged"))


def test_a_plain_warc_cut_in_half_is_a_bad_record_of_the_archive(archive, tmp_path, warc_bytes):
    report = ingest_bytes(tmp_path / "in.warc", gzip.decompress(warc_bytes)[:-20], archive)
    (capture,) = bad(archive)
    assert capture.reason is RejectReason.TRUNCATED
    assert report.captures == len(read(archive)) - 1 == 1


def test_a_wet_record_with_a_bad_date_is_a_bad_record_of_the_archive(archive, tmp_path):
    report = ingest_bytes(tmp_path / "in.wet", BAD_DATE, archive)
    (capture,) = read(archive)
    assert capture.reason is RejectReason.BAD_RECORD
    assert "in.wet at byte 0: " in capture.detail
    assert "WARC-Date 'last Friday' is not an instant" in capture.detail
    assert payloads(report.written[0]) == [BAD_DATE]


def test_a_warc_compressed_as_a_whole_gives_the_same_captures(archive, tmp_path, warc_bytes):
    content = gzip.compress(gzip.decompress(warc_bytes), mtime=0)
    report = ingest_bytes(tmp_path / "in.warc.gz", content, archive)
    assert gzip.decompress(warc_bytes) in plain(report.written[0])
    assert [type(capture) for capture in read(archive)] == [Capture, Capture]
    assert (report.bad_records, report.damaged) == ((), ())


@pytest.mark.parametrize("cut", [8, 40])
def test_the_cut_end_of_a_warc_compressed_as_a_whole_is_a_bad_record(archive, tmp_path, warc_bytes, cut):
    content = gzip.compress(gzip.decompress(warc_bytes), mtime=0)[:-cut]
    ingest_bytes(tmp_path / "in.warc.gz", content, archive)
    assert [type(capture) for capture in read(archive)] in (
        [Capture, BadRecord],
        [Capture, Capture, BadRecord],
    )


def test_nothing_is_taken_of_a_warc_compressed_as_a_whole_whose_checksum_is_wrong(
    archive, tmp_path, warc_bytes
):
    content = gzip.compress(gzip.decompress(warc_bytes), mtime=0)
    ingest_bytes(tmp_path / "in.warc.gz", content[:-8] + b"\0\0\0\0" + content[-4:], archive)
    (capture,) = read(archive)
    assert "incorrect data check" in capture.detail


def test_an_empty_warc_is_a_bad_record_of_the_archive(archive, tmp_path):
    ingest_bytes(tmp_path / "in.warc.gz", b"", archive)
    (capture,) = read(archive)
    assert capture.reason is RejectReason.EMPTY


def test_bytes_between_whole_records_are_kept_in_their_order(archive, tmp_path, warc_bytes):
    report = ingest_bytes(tmp_path / "in.warc.gz", warc_bytes + b"noise" + warc_bytes, archive)
    assert [type(capture) for capture in read(archive)] == [Capture, Capture, BadRecord, Capture, Capture]
    assert payloads(report.written[0]) == [b"noise"]


def test_a_damaged_record_is_bad_also_when_it_is_requested_by_its_offset(archive, tmp_path):
    (written,) = ingest_bytes(tmp_path / "in.wet", BAD_DATE, archive).written
    (capture,) = read(archive)
    assert read_capture(written, capture.archive_offset, root=archive) == capture


def test_the_id_of_damaged_bytes_is_made_of_their_file_and_offset(archive, tmp_path, warc_bytes):
    broken = b"no" + warc_bytes + b"noise"
    ingest_bytes(tmp_path / "in.warc.gz", broken, archive)
    ingest_bytes(tmp_path / "other name.warc.gz", broken, tmp_path / "again", now=NOW + timedelta(days=3))
    ids = [capture.capture_id for capture in bad(archive)]
    assert len(set(ids)) == 2
    assert ids == [capture.capture_id for capture in bad(tmp_path / "again")]


def test_the_same_damaged_file_again_writes_nothing(archive, tmp_path, warc_bytes):
    first = ingest_bytes(tmp_path / "in.warc.gz", warc_bytes[:-20], archive)
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    again = ingest_bytes(tmp_path / "in.warc.gz", warc_bytes[:-20], archive, now=NOW + timedelta(days=1))
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before
    assert (again.written, again.already_held) == ((), first.written)


def test_an_unusual_name_is_reported_as_it_is(archive, tmp_path):
    ingest_bytes(tmp_path / "Тикер 5% #1\n.wet", BAD_DATE, archive)
    assert bad(archive)[0].detail.startswith("Тикер 5% #1\n.wet at byte 0: ")


def test_a_detail_that_is_too_long_for_a_header_is_shortened(archive, tmp_path):
    ingest_bytes(tmp_path / "in.wet", BAD_DATE.replace(b"last Friday", b"\xff" * 200_000), archive)
    (capture,) = bad(archive)
    assert capture.reason is RejectReason.BAD_RECORD
    assert "in.wet at byte 0: " in capture.detail
    assert len(capture.detail) < 2_000


def test_of_large_damage_the_first_part_is_in_the_archive_and_the_file_beside_it(archive, tmp_path):
    content = b"x" * (MAX_DAMAGED_BYTES + 1)
    report = ingest_bytes(tmp_path / "in.warc.gz", content, archive)
    (capture,) = bad(archive)
    assert capture.reason is RejectReason.BAD_RECORD
    assert payloads(report.written[0]) == [content[:-1]]
    assert b"WARC-Truncated: length\r\n" in gzip.decompress(report.written[0].read_bytes())
    assert [path.read_bytes() for path in report.damaged] == [content]


def test_the_archive_of_damaged_input_is_taken_over_by_another_archive(archive, tmp_path):
    (written,) = ingest_bytes(tmp_path / "in.wet", BAD_DATE, archive).written
    report = ingest_bytes(tmp_path / "again.warc.gz", written.read_bytes(), tmp_path / "second")
    assert report.captures == 0
    (first,), (second,) = read(archive), read(tmp_path / "second")
    assert second == replace(first, archive_file=second.archive_file, archive_offset=second.archive_offset)


def test_damaged_input_is_a_reject_on_the_first_load_and_after_a_rebuild(tmp_path, warc_bytes):
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "in.warc.gz"
    path.write_bytes(warc_bytes[:-20])
    query = "select capture_id, reason, detail from etl_reject where reason = 'truncated'"
    seen = []
    for outcome in (run_ingest(settings, GivenFiles((path,))), run_rebuild(settings)):
        assert outcome.release is not None, outcome.error
        with duckdb.connect(str(tmp_path / "data/current/warehouse.duckdb"), read_only=True) as con:
            seen.append(con.sql(query).fetchall())
    assert len(seen[0]) == 1
    assert seen[0] == seen[1]
