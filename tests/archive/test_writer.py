from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime

import fastwarc
import pytest
from warcio.archiveiterator import ArchiveIterator

from ca_etl.archive.policy import Verdict
from ca_etl.archive.reader import archive_files, read_archive, read_capture, read_validators, usable_urls
from ca_etl.archive.writer import ArchiveWriter
from ca_etl.records import Capture, RejectReason

NAME = "20251205T020000Z-timesca"


@pytest.fixture
def writer(tmp_path, noon):
    def make(name=NAME, **changes):
        fields = {"source": "timesca", "info": {"ca-etl-run": "r1"}, "clock": lambda: noon} | changes
        return ArchiveWriter(tmp_path, name, **fields)

    return make


def captures(root, resolve=None):
    return [
        capture for path in archive_files(root) for capture in read_archive(path, root=root, resolve=resolve)
    ]


def raw(path):
    return gzip.decompress(path.read_bytes())


def test_the_file_is_in_the_month_of_its_name(writer, attempt, tmp_path):
    with writer() as out:
        out.add(attempt())
    assert out.path == tmp_path / "2025" / "12" / f"{NAME}.warc.gz"
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [f"{NAME}.warc.gz"]


def test_what_was_added_is_read_back(writer, attempt, tmp_path, page, noon):
    with writer() as out:
        capture_id = out.add(attempt(response_headers=(("Content-Type", "text/html"), ("ETag", '"v1"'))))
    (capture,) = captures(tmp_path)
    assert capture == Capture(
        capture_id=capture_id,
        source="timesca",
        payload=page,
        archive_file=f"2025/12/{NAME}.warc.gz",
        archive_offset=capture.archive_offset,
        url="http://site.test/latest/",
        captured_at=noon,
        http_status=200,
        content_type="text/html",
        etag='"v1"',
    )
    assert read_capture(out.path, capture.archive_offset, root=tmp_path) == capture


def test_without_a_record_there_is_no_file(writer, tmp_path):
    with writer():
        pass
    assert list(tmp_path.rglob("*")) == []


def test_until_it_is_sealed_no_reader_takes_the_file(writer, attempt, tmp_path):
    with writer() as out:
        out.add(attempt())
        assert archive_files(tmp_path) == []
        assert [p.name for p in tmp_path.rglob("*.open")] == [f"{NAME}.warc.gz.open"]


def add_and_break(out, attempt):
    out.add(attempt())
    raise RuntimeError("the next page broke the program")


def test_an_exception_seals_what_was_added(writer, attempt, tmp_path):
    with pytest.raises(RuntimeError), writer() as out:
        add_and_break(out, attempt)
    assert len(captures(tmp_path)) == 1


def test_a_taken_name_gets_a_number_and_keeps_its_file(writer, attempt, tmp_path):
    for _ in range(3):
        with writer() as out:
            out.add(attempt())
    names = [path.name for path in archive_files(tmp_path)]
    assert names == [f"{NAME}.warc.gz", f"{NAME}.2.warc.gz", f"{NAME}.3.warc.gz"]


def test_two_writers_of_one_name_do_not_meet(writer, attempt, tmp_path):
    with writer() as first, writer() as second:
        first.add(attempt())
        second.add(attempt())
    assert {first.path.name, second.path.name} == {f"{NAME}.warc.gz", f"{NAME}.2.warc.gz"}


def test_the_tenth_file_comes_after_the_ninth(tmp_path):
    names = [
        f"{NAME}.warc.gz",
        *(f"{NAME}.{n}.warc.gz" for n in range(2, 12)),
        "20251206T020000Z-timesca.warc.gz",
    ]
    for name in reversed(names):
        path = tmp_path / "2025" / "12" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [path.name for path in archive_files(tmp_path)] == names


@pytest.mark.parametrize(
    "name", ["timesca", "20251205-timesca", "20251205T020000Z-../x", "20251205T020000Z-a/b", ""]
)
def test_a_name_without_a_time_stamp_is_refused(writer, name):
    with pytest.raises(ValueError, match="not like"):
        writer(name)


def test_an_attempt_without_a_response_is_refused(writer, attempt):
    with pytest.raises(ValueError, match="no response"), writer() as out:
        out.add(attempt(status=None, verdict=Verdict.UNREACHABLE, detail="timed out"))


def test_the_same_play_gives_the_same_bytes(writer, attempt, tmp_path):
    with writer() as first:
        ids = [first.add(attempt()), first.add(attempt(number=2))]
    content = first.path.read_bytes()
    first.path.unlink()
    with writer() as second:
        assert [second.add(attempt()), second.add(attempt(number=2))] == ids
    assert second.path.read_bytes() == content
    assert len(set(ids)) == 2


def test_equal_responses_under_a_stopped_clock_have_ids_of_their_own(writer, attempt):
    with writer() as out:
        assert out.add(attempt()) != out.add(attempt())


def test_a_request_is_beside_its_response(writer, attempt, tmp_path):
    with writer() as out:
        capture_id = out.add(attempt())
    records = list(fastwarc.ArchiveIterator(io.BytesIO(out.path.read_bytes())))
    kinds = [record.headers.get("WARC-Type") for record in out_headers(out.path)]
    assert kinds == ["warcinfo", "request", "response"]
    assert len(records) == 3
    request = out_headers(out.path)[1]
    assert request.headers.get("WARC-Concurrent-To") == f"<{capture_id}>"
    assert b"GET /latest/ HTTP/1.1\r\nHost: site.test\r\nUser-Agent: ca_etl/0\r\n\r\n" in raw(out.path)


def out_headers(path):
    capture = []
    for record in fastwarc.ArchiveIterator(io.BytesIO(path.read_bytes()), parse_http=False):
        record.freeze()
        capture.append(record)
    return capture


def test_the_warcinfo_record_has_source_and_info(writer, attempt):
    with writer() as out:
        out.add(attempt())
    content = raw(out.path)
    assert content.startswith(b"WARC/1.1\r\n")
    assert b"ca-etl-source: timesca\r\n" in content
    assert b"ca-etl-run: r1\r\n" in content


def test_info_cannot_smuggle_a_line_in(writer, attempt):
    with writer(info={"note": "one\r\nca-etl-source: other"}) as out:
        out.add(attempt())
    assert b"note: one ca-etl-source: other\r\n" in raw(out.path)


def test_a_chunked_response_is_stored_dechunked_with_true_headers(writer, attempt, tmp_path, page):
    headers = (("Transfer-Encoding", "chunked"), ("Content-Type", "text/html"))
    with writer() as out:
        out.add(attempt(response_headers=headers))
    content = raw(out.path)
    assert b"X-Crawler-Transfer-Encoding: chunked\r\n" in content
    assert b"\r\nTransfer-Encoding:" not in content
    assert f"\r\nContent-Length: {len(page)}\r\n".encode() in content
    assert captures(tmp_path)[0].payload == page


def test_a_gzip_response_is_stored_as_received_and_read_decoded(writer, attempt, tmp_path, page, gzipped):
    wire = gzipped(page)
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(wire))))
    with writer() as out:
        out.add(attempt(wire_body=wire, response_headers=headers))
    assert wire in raw(out.path)
    assert captures(tmp_path)[0].payload == page


def test_a_cut_response_states_so_and_keeps_its_length_true(writer, attempt, tmp_path, page):
    with writer() as out:
        out.add(attempt(wire_body=page[:100], verdict=Verdict.TRUNCATED, truncated="disconnect"))
    content = raw(out.path)
    assert f"X-Crawler-Content-Length: {len(page)}\r\n".encode() in content
    assert b"\r\nContent-Length: 100\r\n" in content
    (capture,) = captures(tmp_path)
    assert (capture.truncated, capture.payload) == ("disconnect", page[:100])


def test_a_cut_gzip_response_gives_the_page_up_to_the_cut(writer, attempt, tmp_path, page, gzipped):
    headers = (("Content-Encoding", "gzip"),)
    wire = gzipped(page * 50)[:-30]
    with writer() as out:
        out.add(
            attempt(
                wire_body=wire, response_headers=headers, verdict=Verdict.TRUNCATED, truncated="disconnect"
            )
        )
    (capture,) = captures(tmp_path)
    assert capture.truncated == "disconnect"
    assert (page * 50).startswith(capture.payload)


def test_error_responses_are_captures_and_robots_responses_are_not(writer, attempt, tmp_path):
    with writer() as out:
        out.add(attempt(url="http://site.test/robots.txt", request_target="/robots.txt"))
        out.add(attempt(status=503, reason="Busy", verdict=Verdict.HTTP_ERROR))
    assert [capture.http_status for capture in captures(tmp_path)] == [503]


# the second raised within warcio, whose encoder reads what follows a "=" alone
@pytest.mark.parametrize("value", ["caf\u00e9", ";\x80=\x00", "\u00e9; a=b"])
def test_header_values_outside_ascii_do_not_break_the_record(writer, attempt, tmp_path, page, value):
    headers = (("X-Name", value), ("X-\u00fc", "1"), ("Content-Type", "text/html"))
    with writer() as out:
        out.add(attempt(reason="\u00d0\u009e\u00d0\u009a", response_headers=headers))
    (capture,) = captures(tmp_path)
    assert (capture.payload, capture.content_type) == (page, "text/html")


def test_warcio_and_fastwarc_read_and_verify_our_files_equally(writer, attempt, validators, page, gzipped):
    with writer() as out:
        out.add(attempt())
        out.add(attempt(wire_body=gzipped(page), response_headers=(("Content-Encoding", "gzip"),)))
        out.add(attempt(status=304, verdict=Verdict.UNCHANGED, wire_body=b"", validators=validators()))
        out.add(attempt(wire_body=b"", response_headers=(("Content-Length", "0"),)))
    content = out.path.read_bytes()
    theirs = []
    for record in ArchiveIterator(io.BytesIO(content), check_digests="raise"):
        theirs.append((record.rec_headers.get_header("WARC-Record-ID"), record.raw_stream.read()))
        assert record.digest_checker.passed is not False
    fast = []
    for record in fastwarc.ArchiveIterator(io.BytesIO(content), parse_http=False):
        assert record.verify_block_digest()
        record.parse_http()
        fast.append((record.record_id, record.reader.read()))
    assert fast == theirs
    assert len(fast) == 9


def test_every_record_is_a_gzip_member_of_its_own(writer, attempt):
    with writer() as out:
        out.add(attempt())
        out.add(attempt())
    starts = [record.stream_pos for record in fastwarc.ArchiveIterator(io.BytesIO(out.path.read_bytes()))]
    assert all(out.path.read_bytes()[start:].startswith(b"\x1f\x8b\x08") for start in starts)


def test_a_304_is_a_revisit_that_names_its_original(writer, attempt, validators, tmp_path, page):
    with writer() as first:
        original = first.add(attempt(response_headers=(("ETag", '"v1"'), ("Content-Type", "text/html"))))
    offset = captures(tmp_path)[0].archive_offset
    known = read_validators(first.path, offset)
    assert (known.etag, known.refers_to) == ('"v1"', original)
    later = datetime(2025, 12, 6, 2, 0, tzinfo=UTC)
    with writer("20251206T020000Z-timesca") as second:
        revisit = second.add(
            attempt(
                status=304,
                verdict=Verdict.UNCHANGED,
                wire_body=b"",
                response_headers=(("ETag", '"v1"'),),
                validators=known,
                started_at=later,
            )
        )
    content = raw(second.path)
    assert b"WARC-Profile: http://netpreserve.org/warc/1.1/revisit/server-not-modified\r\n" in content
    assert f"WARC-Refers-To: <{original}>\r\n".encode() in content
    assert b"WARC-Refers-To-Target-URI: http://site.test/latest/\r\n" in content
    assert b"WARC-Refers-To-Date: 2025-12-05T02:00:00.250000Z\r\n" in content
    assert f"WARC-Payload-Digest: {known.payload_digest}\r\n".encode() in content

    by_id = {capture.capture_id: capture for capture in read_archive(first.path, root=tmp_path)}
    (capture,) = read_archive(second.path, root=tmp_path, resolve=by_id.get)
    assert (capture.capture_id, capture.payload, capture.refers_to) == (revisit, page, original)
    assert (capture.http_status, capture.captured_at, capture.content_type) == (304, later, "text/html")
    # the next 304 refers to the page again, not to this 304
    assert read_validators(second.path, capture.archive_offset).refers_to == original


def test_a_304_without_validators_cannot_be_archived_as_one(writer, attempt):
    with pytest.raises(ValueError, match="unchanged"), writer() as out:
        out.add(attempt(status=304, verdict=Verdict.UNCHANGED))


def test_a_record_that_fails_leaves_the_ones_before_it(writer, attempt, tmp_path):
    with writer() as out:
        out.add(attempt())
        with pytest.raises(ValueError, match="unchanged"):
            out.add(attempt(status=304, verdict=Verdict.UNCHANGED))
    assert len(captures(tmp_path)) == 1
    assert raw(out.path).count(b"WARC-Type: request") == 1


def test_a_first_record_that_fails_leaves_no_file(writer, attempt, tmp_path):
    with pytest.raises(ValueError, match="unchanged"), writer() as out:
        out.add(attempt(status=304, verdict=Verdict.UNCHANGED))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_an_instant_without_a_zone_is_refused(writer, attempt):
    with pytest.raises(ValueError, match="time zone"), writer() as out:
        out.add(attempt(started_at=datetime(2025, 12, 5)))  # noqa: DTZ001  the naive one is the point


def test_validators_are_read_only_from_whole_pages(writer, attempt, tmp_path):
    tagged = (("ETag", '"v1"'),)
    with writer() as out:
        out.add(attempt(response_headers=()))
        out.add(attempt(response_headers=tagged, status=503, verdict=Verdict.HTTP_ERROR))
        out.add(attempt(response_headers=tagged, verdict=Verdict.TRUNCATED, truncated="disconnect"))
    assert [read_validators(out.path, capture.archive_offset) for capture in captures(tmp_path)] == [None] * 3


def test_only_good_responses_are_usable(writer, attempt, validators):
    with writer() as out:
        out.add(attempt(url="http://site.test/robots.txt"))
        out.add(attempt(url="http://site.test/ok"))
        out.add(attempt(url="http://site.test/cut", verdict=Verdict.TRUNCATED, truncated="disconnect"))
        out.add(attempt(url="http://site.test/challenge", verdict=Verdict.BLOCKED))
        out.add(attempt(url="http://site.test/busy", verdict=Verdict.HTTP_ERROR, status=503))
        out.add(
            attempt(
                url="http://site.test/same", verdict=Verdict.UNCHANGED, status=304, validators=validators()
            )
        )
    assert usable_urls(out.path) == {"http://site.test/ok", "http://site.test/same"}


def test_a_response_that_is_evidence_gives_no_capture(writer, attempt, tmp_path):
    with writer() as out:
        out.add(attempt(), is_evidence=True)
        out.add(attempt(url="http://site.test/page/"))
    assert [capture.url for capture in captures(tmp_path)] == ["http://site.test/page/"]
    assert usable_urls(out.path) == {"http://site.test/page/"}


def test_a_memento_is_a_capture_of_its_own_page_and_time_and_equal_ones_have_equal_ids(
    writer, attempt, tmp_path, page
):
    at = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    headers = (("Content-Type", "text/html"), ("ETag", '"old"'))
    with writer() as out:
        ids = {
            out.add_memento(attempt(), "http://site.test/a/", at, headers, {"X-Ours": "1"}) for _ in range(2)
        }
    (capture, again) = captures(tmp_path)
    assert capture.capture_id == again.capture_id == ids.pop()
    assert (capture.url, capture.captured_at, capture.etag) == ("http://site.test/a/", at, '"old"')
    assert (capture.payload, capture.http_status) == (page, 200)
    assert b"X-Ours: 1" in raw(out.path)


def test_damaged_bytes_are_a_record_that_is_read_as_a_reject(writer, tmp_path, noon):
    with writer() as out:
        out.add_damage(
            "urn:uuid:d", "http://site.test/", RejectReason.TRUNCATED, "50% missing", b"ab", date=noon
        )
    (bad,) = captures(tmp_path)
    assert (bad.reason, bad.detail, bad.capture_id) == (RejectReason.TRUNCATED, "50% missing", "urn:uuid:d")
