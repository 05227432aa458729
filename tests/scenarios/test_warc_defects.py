"""A small archive of another crawler, cut at every byte and with each header damaged: never a wrong row."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from ca_etl.archive.ingest import ingest_paths
from ca_etl.archive.reader import ArchiveReader, archive_files
from ca_etl.parse.rows import rows_of
from ca_etl.records import BadRecord, Capture

NOW: Final = datetime(2025, 12, 8, 9, 30, tzinfo=UTC)
SITE: Final = "https://timesca.com/"
TICKER: Final = (
    "KGS/USD = 0.01144 0%\nKZT/USD = 0.00201 0%\nTJS/USD = 0.10510 -0.28%\n"
    "UZS/USD = 0.00008 0%\nTMT/USD = 0.28575 0%\n"
)
PAGE: Final = (
    "<html><body>"
    + "".join(f"<p>{line}</p>" for line in (TICKER * 2).splitlines())
    + "<p>05 December 2025</p></body></html>"
).encode()
TEXT: Final = f"{TICKER * 2}06 December 2025\n".encode()

Contents = Callable[[Path], dict[str, list[tuple[Any, ...]]]]
FORMS: Final = ["plain", "member per record", "one member"]


def record(kind: str, number: int, block: bytes, *, of: str = SITE, **headers: str) -> bytes:
    """One uncompressed record as Common Crawl writes it, with further headers (underscores for hyphens)."""
    digest = base64.b32encode(hashlib.sha1(block, usedforsecurity=False).digest()).decode()
    fields = {
        "WARC-Type": kind,
        "WARC-Date": f"2025-12-0{number}T01:58:10Z",
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-00000000000{number}>",
        "Content-Length": str(len(block)),
        "WARC-Target-URI": of,
        "WARC-Block-Digest": f"sha1:{digest}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"WARC/1.0\r\n{head}\r\n".encode() + block + b"\r\n\r\n"


def http(body: bytes, **headers: str) -> bytes:
    fields = {
        "Content-Type": "text/html",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


RESPONSE: Final = "application/http; msgtype=response"
CHUNKED: Final = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)
RECORDS: Final = (
    record("warcinfo", 1, b"software: Nutch\r\n", of="", Content_Type="application/warc-fields"),
    record("request", 2, b"GET / HTTP/1.1\r\n\r\n", Content_Type="application/http; msgtype=request"),
    record(
        "response",
        3,
        http(PAGE, X_Crawler_Transfer_Encoding="chunked", Content_Length=str(len(PAGE))),
        Content_Type=RESPONSE,
        WARC_Warcinfo_ID="<urn:uuid:00000000-0000-4000-8000-000000000001>",
        WARC_Identified_Payload_Type="text/html",
    ),
    record("response", 4, http(CHUNKED, Transfer_Encoding="chunked"), Content_Type=RESPONSE),
    record(
        "revisit",
        5,
        http(b""),
        Content_Type=RESPONSE,
        WARC_Profile="http://netpreserve.org/warc/1.0/revisit/identical-payload-digest",
        WARC_Refers_To="<urn:uuid:00000000-0000-4000-8000-000000000003>",
        WARC_Refers_To_Target_URI=SITE,
        WARC_Refers_To_Date="2025-12-03T01:58:10Z",
    ),
    record("metadata", 6, b"fetchTimeMs: 1\r\n", Content_Type="application/warc-fields"),
    record("conversion", 7, TEXT, Content_Type="text/plain"),
)


def packed(form: str, records: tuple[bytes, ...] = RECORDS) -> tuple[bytes, list[int]]:
    """The bytes of a file with these records, and the lengths at which a cut leaves a whole, shorter file."""
    if form == "one member":
        return gzip.compress(b"".join(records), mtime=0), [0]
    pieces = records if form == "plain" else [gzip.compress(piece, mtime=0) for piece in records]
    return b"".join(pieces), [0, *accumulate(map(len, pieces))]


class Archive:
    """Reads a file as it is, or through an ingest; captures are compared without their place in the archive."""

    def __init__(self, folder: Path, form: str) -> None:
        self.path = folder / ("in.warc" if form == "plain" else "in.warc.gz")
        self.of_other_sites = 0
        self._is_whole_gzip = form == "one member"

    def read(self, content: bytes, *, ingests: bool = False) -> tuple[list[Capture], list[BadRecord]]:
        self.path.write_bytes(content)
        if not ingests and not self._is_whole_gzip:
            with self.path.open("rb") as file:
                reader = ArchiveReader(file, self.path.name, site="timesca.com")
                found = list(reader.captures())
            self.of_other_sites = reader.of_other_sites
        else:
            archive = self.path.parent / f"archive-{hashlib.sha256(content).hexdigest()}"
            ingest_paths([self.path], archive, now=NOW, site="timesca.com")
            (path,) = archive_files(archive)
            with path.open("rb") as file:
                reader = ArchiveReader(file, path.name)
                found = list(reader.captures())
            self.of_other_sites = reader.of_other_sites
        captures = [
            replace(one, archive_file="", archive_offset=0) for one in found if isinstance(one, Capture)
        ]
        return captures, [one for one in found if isinstance(one, BadRecord)]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def archive(tmp_path: Path, form: str) -> Archive:
    return Archive(tmp_path, form)


def test_the_whole_file_gives_its_four_captures(archive: Archive, form: str) -> None:
    for ingests in (False, True):
        captures, bad = archive.read(packed(form)[0], ingests=ingests)
        assert [capture.payload for capture in captures] == [PAGE, PAGE, PAGE, TEXT]
        assert [str(capture.source_kind) for capture in captures] == ["warc", "warc", "warc", "wet"]
        assert bad == []


@pytest.mark.slow
def test_a_cut_at_any_byte_gives_the_captures_before_it_and_one_reject(archive: Archive, form: str) -> None:
    content, borders = packed(form)
    whole, _ = archive.read(content)
    assert len(whole) == 4
    counts = set()
    for length in range(0, len(content), 1 if form != "one member" else 7):
        captures, bad = archive.read(content[:length])
        assert captures == whole[: len(captures)], length
        assert len(bad) == (length not in borders or length == 0), length
        counts.add(len(captures))
    # without its last byte a file has lost its last record, or the proof that it is whole
    assert counts == set(range(4 if form != "one member" else 5))


def damaged(records: tuple[bytes, ...]) -> Iterator[tuple[str, int, tuple[bytes, ...]]]:
    """The records with one header line of one of them damaged: a name for it, the index of the record, the records."""
    for index, whole in enumerate(records):
        head, _, block = whole.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        for at, line in enumerate(lines):
            name, colon, value = line.partition(b":")
            for how, other in {
                "deleted": [],
                "empty": [name + colon],
                "junk": [name + colon + b" ?\x00\xff"],
                "half": [name + colon + value[: len(value) // 2]],
                "name": [b"X" + line[1:]],
                "no colon": [line.replace(b":", b" ", 1)],
                "twice": [line, line],
                "cut": [line[: len(line) // 2]],
            }.items():
                changed = b"\r\n".join([*lines[:at], *other, *lines[at + 1 :]])
                case = f"{name.decode()} of record {index} {how}"
                yield case, index, (*records[:index], changed + b"\r\n\r\n" + block, *records[index + 1 :])


def rows(capture: Capture) -> list[tuple[Any, ...]]:
    """The rates that a capture gives, by day; without one its reject, which it then must have."""
    parsed = rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="r", site="timesca.com")
    day = parsed.capture[0]["observed_date"]
    rates = [(day, rate["base"], rate["rate"], rate["change_pct"]) for rate in parsed.rate_observation]
    assert rates or parsed.reject
    return rates


@pytest.mark.slow
def test_damage_of_any_header_gives_no_wrong_capture_and_hides_no_other_record(
    archive: Archive, form: str
) -> None:
    whole, _ = archive.read(packed(form)[0])
    captures_of = {2: whole[0], 3: whole[1], 4: whole[2], 6: whole[3]}
    # the type of the content is read from its bytes, too
    kinds = {bare(capture): rows(capture) for capture in whole}
    assert [len(of_capture) for of_capture in kinds.values()] == [5, 5, 5, 5]
    for case, index, records in damaged(RECORDS):
        captures, bad = archive.read(packed(form, records)[0])
        # a revisit of the damaged record has lost its page
        may_be_lost = {bare(captures_of[index])} if index in captures_of else set()
        may_be_lost |= {bare(whole[2])} if index == 2 else set()
        lost = kinds.keys() - {bare(capture) for capture in captures}
        assert lost <= may_be_lost, case
        assert {bare(capture) for capture in captures} <= kinds.keys(), case
        assert all(rows(capture) in ([], kinds[bare(capture)]) for capture in captures), case
        assert len(bad) + archive.of_other_sites >= len(lost), case


@pytest.mark.parametrize("form", ["plain", "member per record"])
def test_without_digests_damage_of_a_header_gives_no_wrong_capture_and_a_reject(
    tmp_path: Path, form: str
) -> None:
    archive = Archive(tmp_path, form)
    records = tuple(re.sub(rb"WARC-Block-Digest: \S+\r\n", b"", whole) for whole in RECORDS)
    kinds = {bare(capture) for capture in archive.read(packed(form, records)[0])[0]}
    assert len(kinds) == 4
    for case, _, changed in damaged(records):
        captures, bad = archive.read(packed(form, changed)[0])
        assert {bare(capture) for capture in captures} <= kinds, case
        assert len(captures) == 4 or bad or archive.of_other_sites, case


def bare(capture: Capture) -> Capture:
    """A capture without the type of its content."""
    return replace(capture, content_type=None)


# of an uncompressed file nothing but the digests of its blocks would show it
@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS[1:])
def test_a_byte_of_a_compressed_file_that_changed_gives_no_wrong_capture(archive: Archive, form: str) -> None:
    content, _ = packed(form)
    whole, _ = archive.read(content)
    for at in range(0, len(content), 1 if form == "member per record" else 7):
        captures, bad = archive.read(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        assert all(capture in whole for capture in captures), at
        assert captures == whole or bad, at
