"""Records as other crawlers write them, with the defects that are met in them."""

from __future__ import annotations

import base64
import gzip
import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.archive.framing import digest_matches
from ca_etl.archive.reader import read_archive, read_capture
from ca_etl.archive.record import dechunk
from ca_etl.records import BadRecord, Capture, RejectReason

URL = "https://timesca.com/latest/"


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def record(
    kind: str, block: bytes, record_id: str = "1", *, length: int | None = None, **headers: str
) -> bytes:
    """One uncompressed record; header names are given with underscores, an empty value leaves the header out."""
    named = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{record_id}>",
        "WARC-Date": "2024-05-18T01:58:10Z",
        "WARC-Target-URI": URL,
        "Content-Type": "application/http; msgtype=response",
        "WARC-Block-Digest": sha1(block),
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    size = len(block) if length is None else length
    return f"WARC/1.0\r\n{head}Content-Length: {size}\r\n\r\n".encode() + block + b"\r\n\r\n"


def http(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    named = {"Content-Type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@pytest.fixture
def read(tmp_path):
    def run(*records: bytes, compress: bool = True, resolve=None):
        path = tmp_path / ("other.warc.gz" if compress else "other.warc")
        path.write_bytes(b"".join(gzip.compress(r) if compress else r for r in records))
        return list(read_archive(path, root=tmp_path, resolve=resolve))

    return run


def only(capture):
    assert len(capture) == 1
    return capture[0]


@pytest.mark.parametrize("compress", [True, False])
def test_a_common_crawl_response_is_decoded_by_the_headers_as_stored(read, page, compress):
    info = record(
        "warcinfo",
        b"isPartOf: CC-MAIN-2024-22\r\nsoftware: x\r\n",
        "0",
        Content_Type="application/warc-fields",
    )
    request = record(
        "request", b"GET /latest/ HTTP/1.1\r\n\r\n", "2", Content_Type="application/http; msgtype=request"
    )
    body = http(
        page,
        X_Crawler_Content_Encoding="br",
        X_Crawler_Transfer_Encoding="chunked",
        Content_Length=str(len(page)),
    )
    response = record("response", body, "3", WARC_Payload_Digest=sha1(page))
    metadata = record("metadata", b"fetchTimeMs: 3\r\n", "4", Content_Type="application/warc-fields")
    capture = only(read(info, request, response, metadata, compress=compress))
    assert (capture.capture_id, capture.source, capture.url, capture.payload) == (
        "urn:uuid:3",
        "web-archive",
        URL,
        page,
    )
    assert (capture.captured_at, capture.http_status) == (datetime(2024, 5, 18, 1, 58, 10, tzinfo=UTC), 200)


def test_a_wet_record_is_text_with_the_date_of_the_capture(read):
    text = "Новости\nKGS/USD = 0.01144 0%\n".encode()
    wet = record("conversion", text, "5", Content_Type="text/plain", WARC_Refers_To="<urn:uuid:3>")
    capture = only(read(wet))
    assert (capture.payload, capture.content_type, capture.url, capture.http_status) == (
        text,
        "text/plain",
        URL,
        None,
    )
    assert capture.refers_to is None


def test_the_source_is_that_of_the_warcinfo_record_a_record_names(read):
    infos = [
        record(
            "warcinfo", f"ca-etl-source: {name}\r\n".encode(), name, Content_Type="application/warc-fields"
        )
        for name in ("one", "two")
    ]
    first = record("response", http(b"a"), "7", WARC_Warcinfo_ID="<urn:uuid:one>")
    second = record("response", http(b"b"), "8")
    third = record("response", http(b"c"), "9", CA_ETL_Source="mine")
    assert [c.source for c in read(*infos, first, second, third)] == ["one", "two", "mine"]


def test_the_date_may_carry_fractions(read):
    capture = only(read(record("response", http(b"x"), WARC_Date="2024-05-18T01:58:10.123456789Z")))
    assert capture.captured_at == datetime(2024, 5, 18, 1, 58, 10, 123456, tzinfo=UTC)


@pytest.mark.parametrize("version", [b"WARC/9", b"WARC/one", b"WARC/1.0.1"])
def test_a_record_of_an_unknown_form_of_version_is_a_bad_record(read, version):
    content = record("response", http(b"x")).replace(b"WARC/1.0", version, 1)
    assert only(read(content)).reason is RejectReason.BAD_RECORD


@pytest.mark.parametrize("date", ["", "2024", "2024-05-18", "yesterday", "2024-13-01T00:00:00Z"])
def test_a_date_that_is_not_an_instant_is_a_bad_record(read, date):
    assert only(read(record("response", http(b"x"), WARC_Date=date))).reason is RejectReason.BAD_RECORD


def test_a_capture_time_marked_unknown_is_missing(read):
    assert only(read(record("response", http(b"x"), CA_ETL_Captured_At="unknown"))).captured_at is None


def test_a_target_in_angle_brackets_is_bare(read):
    assert only(read(record("response", http(b"x"), WARC_Target_URI=f"<{URL}>"))).url == URL


CHUNKED = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


def test_a_body_left_chunked_is_dechunked(read):
    assert (
        only(read(record("response", http(CHUNKED, Transfer_Encoding="chunked")))).payload == b"hello world"
    )


@pytest.mark.parametrize(
    "body", [b"<html>whole page</html>", CHUNKED[:-5], b"5\r\nhel", b"beef\r\nis a word"]
)
def test_a_dechunked_body_under_a_chunked_header_is_left_alone(read, body):
    assert only(read(record("response", http(body, Transfer_Encoding="chunked")))).payload == body


def test_a_body_that_seems_chunked_without_the_header_is_left_alone(read):
    assert only(read(record("response", http(CHUNKED)))).payload == CHUNKED


def test_a_digest_over_the_chunked_or_the_dechunked_form_will_do(read):
    for digest in (sha1(CHUNKED), sha1(b"hello world")):
        capture = read(
            record(
                "response",
                http(CHUNKED, Transfer_Encoding="chunked"),
                WARC_Block_Digest="",
                WARC_Payload_Digest=digest,
            )
        )
        assert only(capture).payload == b"hello world"


def test_a_body_left_compressed_is_inflated(read, page):
    assert only(read(record("response", http(gzip.compress(page), Content_Encoding="gzip")))).payload == page


def test_a_compressed_body_whose_header_was_lost_is_inflated(read, page):
    assert only(read(record("response", http(gzip.compress(page))))).payload == page


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_a_false_content_encoding_does_not_spoil_the_page_nor_the_file(read, page, encoding):
    capture = read(
        record("response", http(page, Content_Encoding=encoding)), record("response", http(b"next"), "2")
    )
    assert [c.payload for c in capture] == [page, b"next"]


def test_an_encoding_we_do_not_read_is_a_bad_record_and_hides_nothing(read):
    capture = read(
        record("response", http(b"\x8b\x00\xff\x80", Content_Encoding="br")),
        record("response", http(b"next"), "2"),
    )
    assert (capture[0].reason, capture[0].capture_id) == (RejectReason.UNDECODABLE, "urn:uuid:1")
    assert capture[1].payload == b"next"


def test_a_cut_compressed_body_is_a_bad_record_unless_the_record_states_so(read, page):
    body = http(gzip.compress(page)[:-9], Content_Encoding="gzip")
    assert only(read(record("response", body))).reason is RejectReason.TRUNCATED
    capture = only(read(record("response", body, WARC_Truncated="length")))
    assert (capture.truncated, page.startswith(capture.payload)) == ("length", True)


@pytest.mark.parametrize(
    "headers",
    [{"WARC_Block_Digest": sha1(b"other")}, {"WARC_Block_Digest": "", "WARC_Payload_Digest": sha1(b"other")}],
)
def test_a_wrong_digest_is_a_bad_record_and_hides_nothing(read, headers):
    capture = read(record("response", http(b"x"), **headers), record("response", http(b"next"), "2"))
    assert capture[0].reason is RejectReason.BAD_RECORD
    assert (capture[0].capture_id, capture[1].payload) == ("urn:uuid:1", b"next")


@pytest.mark.parametrize("label", ["blake9:abc", "nonsense", "sha1:"])
def test_a_digest_that_cannot_be_checked_does_not_matter(label):
    assert digest_matches(label, b"x") is (False if label == "sha1:" else None)


@given(st.binary(max_size=200))
def test_digests_are_known_in_every_notation(data):
    digest = hashlib.sha256(data).digest()
    for text in (
        digest.hex(),
        digest.hex().upper(),
        base64.b32encode(digest).decode(),
        base64.b32encode(digest).decode().rstrip("="),
        base64.b64encode(digest).decode(),
        base64.urlsafe_b64encode(digest).decode().rstrip("="),
    ):
        assert digest_matches(f"sha256:{text}", data) is True
        assert digest_matches(f"sha256:{text}", data + b"x") is False


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_dechunking_undoes_chunking_and_nothing_else(chunks):
    wire = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"
    assert dechunk(wire) == b"".join(chunks)
    if chunks:
        assert dechunk(wire[:-6]) is None


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("delta", [-200, -40, -5, -1, 1, 4, 5, 40, 100_000])
def test_a_wrong_content_length_is_a_bad_record_and_hides_nothing(read, page, compress, delta):
    """A reader that believes it gives a short body, or one that contains the next record's header."""
    for digest in ("", sha1(http(page))):
        wrong = record("response", http(page), "1", length=len(http(page)) + delta, WARC_Block_Digest=digest)
        capture = read(wrong, record("response", http(b"next"), "2"), compress=compress)
        pages = [c for c in capture if isinstance(c, Capture)]
        assert isinstance(capture[0], BadRecord)
        assert [(c.capture_id, c.payload) for c in pages] == [("urn:uuid:2", b"next")]


def test_two_records_in_one_member_are_a_bad_record_that_names_the_remedy(read):
    capture = only(read(record("response", http(b"a")) + record("response", http(b"b"), "2")))
    assert capture.reason is RejectReason.BAD_RECORD
    assert "warcio recompress" in capture.detail


@pytest.mark.parametrize(
    "bad",
    [
        record("response", b"no http at all"),
        record("response", b"HTTP/1.1 200 OK\r\nContent-Type: text/html"),
        record("response", http(b"x"), WARC_Record_ID=""),
        record("response", http(b"x"), WARC_Type=""),
        record("continuation", b"rest"),
        record("response", http(b"x"), WARC_Segment_Number="1"),
        record("response", http(b"x"), Content_Length="3"),
        b"WARC/1.0\r\nWARC-Type: response\r\n",
        b"hello, I am a text file\r\n\r\n",
    ],
    ids=[
        "no http",
        "no http end",
        "no id",
        "no type",
        "continuation",
        "segment",
        "two lengths",
        "no end",
        "text",
    ],
)
def test_a_bad_record_is_counted_and_hides_nothing(read, bad):
    capture = read(record("response", http(b"first"), "1"), bad, record("response", http(b"next"), "2"))
    assert [getattr(c, "payload", None) for c in capture] == [b"first", None, b"next"]


def test_a_dns_record_is_passed_over_and_one_of_an_unknown_kind_is_a_bad_record(read):
    dns = record(
        "response",
        b"20240518015810\ntimesca.com. A 1.2.3.4",
        Content_Type="text/dns",
        WARC_Target_URI="dns:timesca.com",
    )
    unknown = only(read(dns, record("screenshot", b"png", "2", Content_Type="image/png")))
    assert (unknown.reason, unknown.detail) == (
        RejectReason.BAD_RECORD,
        "WARC-Type 'screenshot' is not known",
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"WARC_Target_URI": ""},
        {"WARC_Target_URI": "timesca.com"},
        {"WARC_Target_URI": "<https://timesca.com/"},
        {"WARC_Record_ID": "<urn:uuid:1"},
        {"Content_Type": "text/html"},
    ],
    ids=["no address", "no scheme", "half an address", "half an id", "not http"],
)
def test_a_response_whose_header_does_not_identify_it_is_a_bad_record(read, headers):
    bad = only(read(record("response", http(b"x"), **headers)))
    assert bad.reason is RejectReason.BAD_RECORD


def test_an_empty_reason_of_a_cut_body_is_a_cut_body(read):
    whole = record("response", http(b"x"))
    cut = whole.replace(b"Content-Length", b"WARC-Truncated: \r\nContent-Length", 1)
    assert only(read(cut)).truncated == "unspecified"


def test_bytes_between_two_members_are_a_bad_range(tmp_path):
    good = gzip.compress(record("response", http(b"a"), "1"))
    path = tmp_path / "x.warc.gz"
    path.write_bytes(good + b"\x00" * 700 + gzip.compress(record("response", http(b"b"), "2")))
    capture = list(read_archive(path, root=tmp_path))
    assert capture[0].payload == b"a"
    assert (capture[1].archive_offset, capture[1].reason) == (len(good), RejectReason.BAD_RECORD)
    assert capture[2].payload == b"b"


def test_a_damaged_member_is_a_bad_record_and_hides_nothing(tmp_path, page):
    members = [gzip.compress(record("response", http(page), str(n))) for n in range(3)]
    for at in range(12, len(members[1]), 7):
        damaged = bytearray(members[1])
        damaged[at] ^= 0x55
        path = tmp_path / "x.warc.gz"
        path.write_bytes(members[0] + bytes(damaged) + members[2])
        capture = list(read_archive(path, root=tmp_path))
        assert [c.capture_id for c in capture if isinstance(c, Capture)] == ["urn:uuid:0", "urn:uuid:2"]
        assert sum(isinstance(c, BadRecord) for c in capture) == 1


def test_an_appended_file_after_a_cut_is_still_read(tmp_path, page):
    """What a killed run and a next one that appends leave: other readers fail on everything after the cut."""
    cut = gzip.compress(record("response", http(page), "1"))[:-25]
    path = tmp_path / "x.warc.gz"
    path.write_bytes(cut + gzip.compress(record("response", http(page), "2")))
    capture = list(read_archive(path, root=tmp_path))
    assert [type(c) for c in capture] == [BadRecord, Capture]
    assert capture[1].capture_id == "urn:uuid:2"


def revisit(record_id: str, of: str, **headers: str) -> bytes:
    fields = {
        "WARC_Profile": "http://netpreserve.org/warc/1.0/revisit/server-not-modified",
        "WARC_Refers_To": f"<urn:uuid:{of}>",
    }
    return record("revisit", http(b"", "304 Not Modified"), record_id, **(fields | headers))


def test_a_chain_of_revisits_resolves_to_the_page(read, page):
    capture = read(record("response", http(page), "1"), revisit("2", "1"), revisit("3", "2"))
    assert [(c.capture_id, c.payload == page, c.refers_to) for c in capture] == [
        ("urn:uuid:1", True, None),
        ("urn:uuid:2", True, "urn:uuid:1"),
        ("urn:uuid:3", True, "urn:uuid:1"),
    ]


def test_an_original_after_its_revisit_is_used(read, page):
    capture = read(revisit("2", "1"), record("response", http(page), "1"))
    assert {c.capture_id: c.payload for c in capture} == {"urn:uuid:1": page, "urn:uuid:2": page}


def test_an_original_is_identified_by_url_and_date(read, page):
    by_url_and_date = revisit(
        "2",
        "1",
        WARC_Refers_To="",
        WARC_Refers_To_Target_URI=URL,
        WARC_Refers_To_Date="2024-05-18T01:58:10Z",
        WARC_Date="2024-05-19T00:00:00Z",
    )
    assert read(record("response", http(page), "1"), by_url_and_date)[1].payload == page


def test_a_revisit_without_an_original_is_a_bad_record(read, page):
    capture = read(revisit("2", "elsewhere"), record("response", http(page), "3"))
    assert [type(c) for c in capture] == [Capture, BadRecord]
    assert (capture[1].reason, capture[1].capture_id) == (RejectReason.UNRESOLVED_REVISIT, "urn:uuid:2")


def test_revisits_that_refer_to_each_other_end_as_bad_records(read):
    capture = read(revisit("1", "2"), revisit("2", "1"), revisit("3", "3"))
    assert [c.reason for c in capture] == [RejectReason.UNRESOLVED_REVISIT] * 3


def test_a_revisit_of_a_broken_original_is_a_bad_record(read, page):
    broken = record("response", http(gzip.compress(page)[:-9]), "1")
    capture = read(broken, revisit("2", "1"))
    assert [c.reason for c in capture] == [RejectReason.TRUNCATED, RejectReason.UNRESOLVED_REVISIT]


def test_an_identical_payload_revisit_must_name_the_digest_of_its_original(read, page):
    profile = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
    original = record("response", http(page), "1", WARC_Payload_Digest=sha1(page))
    right = revisit("2", "1", WARC_Profile=profile, WARC_Payload_Digest=sha1(page))
    wrong = revisit("3", "1", WARC_Profile=profile, WARC_Payload_Digest=sha1(b""))
    capture = read(original, right, wrong)
    assert capture[1].payload == page
    assert capture[2].reason is RejectReason.UNRESOLVED_REVISIT


def test_a_revisit_takes_its_original_from_elsewhere(read, page):
    elsewhere = Capture(
        "urn:uuid:far",
        "timesca",
        page,
        "a.warc.gz",
        0,
        http_status=200,
        content_type="text/html",
        etag='"v1"',
    )
    capture = only(read(revisit("2", "far"), resolve={"urn:uuid:far": elsewhere}.get))
    assert (capture.payload, capture.refers_to, capture.etag) == (page, "urn:uuid:far", '"v1"')


def test_a_revisit_is_read_alone_at_its_offset(tmp_path, page):
    first, second = (gzip.compress(r) for r in (record("response", http(page), "1"), revisit("2", "1")))
    path = tmp_path / "x.warc.gz"
    path.write_bytes(first + second)
    capture = read_capture(path, len(first), root=tmp_path)
    assert (capture.capture_id, capture.payload) == ("urn:uuid:2", page)


def test_an_offset_without_a_capture_is_a_bad_record(tmp_path, page):
    request = gzip.compress(record("request", b"GET / HTTP/1.1\r\n\r\n", "1"))
    path = tmp_path / "x.warc.gz"
    path.write_bytes(request + gzip.compress(record("response", http(page), "2")))
    for offset in (0, 5, len(request) + 3, len(path.read_bytes()), 10**9):
        assert isinstance(read_capture(path, offset, root=tmp_path), BadRecord)


def test_an_empty_file_is_a_bad_record(tmp_path):
    (tmp_path / "x.warc.gz").touch()
    assert only(list(read_archive(tmp_path / "x.warc.gz", root=tmp_path))).reason is RejectReason.EMPTY


@pytest.mark.parametrize(
    "junk",
    [b"\x00" * 5000, b"GIF89a", gzip.compress(b"a gzipped text file" * 99, mtime=0), b"\x1f\x8b\x08"],
    # bytes of a stream hold its time, and workers of one suite that begin in two seconds must give a test the same name
    ids=["zeros", "a picture", "a text file", "a cut stream"],
)
def test_what_is_not_an_archive_is_one_bad_record(tmp_path, junk):
    (tmp_path / "x.warc.gz").write_bytes(junk)
    assert isinstance(only(list(read_archive(tmp_path / "x.warc.gz", root=tmp_path))), BadRecord)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_raise(data):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.warc.gz"
        for content in (data, b"WARC/1.0\r\n" + data, gzip.compress(b"WARC/1.1\r\n" + data)):
            path.write_bytes(content)
            assert not [c for c in read_archive(path, root=path.parent) if isinstance(c, Capture)]
