"""Captures of Common Crawl are archived byte for byte, and what is not as its index states becomes a reject."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ca_etl.archive.naming import EVIDENCE
from ca_etl.archive.reader import archive_files, whole_records
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.capture import GivenFiles
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_ingest
from ca_etl.settings import Settings
from tests.sources.web_archives.fake_archives import (
    CRAWLS,
    FakeArchives,
    Page,
    Reply,
    Request,
    member_of,
    noon,
    on,
)

NAME = "commoncrawl"
Query = Callable[..., list[tuple[Any, ...]]]
Backfill = Callable[..., Outcome]
OBSERVED = "select distinct rate_date from fct_rate_daily where not is_filled order by all"
DAYS = [(date(2025, 1, 12),), (date(2025, 1, 14),), (date(2025, 2, 10),)]
REJECTS = "select reason, regexp_replace(detail, '^[^:]*: ', '') from raw.reject order by all"
PAGE = Page("https://timesca.com/", noon("2025-01-12"))
pytestmark = pytest.mark.slow

MEMBER = member_of(PAGE)


def test_a_backfill_wins_the_days_that_were_captured(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    outcome = backfill(NAME)
    assert (outcome.exit_status, outcome.error, outcome.warnings) == (0, "", ())
    assert query(OBSERVED) == DAYS
    assert query("select source, count(*) from raw.capture group by all") == [(NAME, 5)]
    assert query("from raw.reject") == []
    assert query("select distinct rate_precedence from dim_source where source in ('commoncrawl')") == [(2,)]
    assert archives.refused == 0


def test_the_first_captures_of_each_day_are_requested_before_all_others(
    archives: FakeArchives, backfill: Backfill
) -> None:
    assert backfill(NAME).exit_status == 0
    requested = [request.headers["range"] for request in archives.requests if "range" in request.headers]
    of_all = {
        (line.url, line.timestamp): f"bytes={line.offset}-{(line.offset or 0) + (line.length or 0) - 1}"
        for crawl in CRAWLS
        for line in archives.file_of(crawl)[1]
    }
    article = "https://timesca.com/valley-growers-build-a-cold-store-together/"
    assert requested[-1] == of_all[article, "20250114120000"]
    assert len(requested) == len(set(requested)) == 5


def test_a_capture_is_kept_byte_for_byte_and_the_same_whoever_brought_it(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query, tmp_path: Path
) -> None:
    assert backfill(NAME).exit_status == 0
    ids = query("select capture_id from raw.capture order by all")
    stored = b"".join(path.read_bytes() for path in archive_files(on_timesca.archive_dir))
    assert all(member_of(page) in stored for page in archives.pages[:5])
    by_hand = tmp_path / "by_hand.warc.gz"
    by_hand.write_bytes(archives.file_of("CC-MAIN-2025-05")[0])
    assert run_ingest(on_timesca, GivenFiles((by_hand,))).exit_status == 0
    assert query("select capture_id from raw.capture order by all") == ids


def test_index_responses_are_evidence_and_no_captures(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query
) -> None:
    assert backfill(NAME).exit_status == 0
    records = [r for path in archive_files(on_timesca.archive_dir) for r in whole_records(path)]
    evidence = [r.uri for r in records if r.kind == "response" and EVIDENCE.lower() in r.warc]
    requested = [r for r in archives.requests if r.path.endswith("-index")]
    assert len([uri for uri in evidence if uri and "-index?" in uri]) == len(requested) > 4
    assert query("select count(*) from raw.capture where url like '%127.0.0.1%'") == [(0,)]


def test_a_backfill_that_has_ended_requests_nothing_again(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    assert backfill(NAME).exit_status == 0
    assert read_complete_months(on_timesca.data_dir, NAME) == (
        "2025-01-01..2025-01-31",
        "2025-02-01..2025-02-28",
    )
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert archives.requests == []


def test_a_month_without_a_hit_is_complete(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    assert backfill(NAME, date(2025, 2, 12), date(2025, 2, 28)).exit_status == 0
    assert read_complete_months(on_timesca.data_dir, NAME) == ("2025-02-12..2025-02-28",)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"<html>No</html>", 404), "404"),
        (Reply(b"{}", 404), "404"),
        (Reply(b'{"pages": 100000000}'), "100000000"),
        (Reply(b'{"pages": "1"}'), "the number of pages is"),
        (Reply(b"1"), "the number of pages is None"),
        (Reply(b""), "no number of pages"),
        (Reply(b"stop", 403), "blocked"),
        (Reply(b"slow down", 429, {"Retry-After": "7200"}), "Retry-After requires 7200 s"),
    ],
)
def test_an_index_that_gives_no_number_of_pages_ends_the_backfill_and_the_next_one_resumes(
    archives: FakeArchives, backfill: Backfill, query: Query, reply: Reply, words: str
) -> None:
    archives.faults = [on("2025-08-index", reply)]
    outcome = backfill(NAME)
    assert outcome.exit_status == 1
    assert words in outcome.error
    assert outcome.hint == "ca-etl backfill --via commoncrawl --from 2025-01-01 --to 2025-02-28"
    archives.faults = []
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    # the two first captures of January were archived before the fault, and are not requested again
    assert len([request for request in archives.requests if "range" in request.headers]) == 2


@pytest.mark.parametrize("text", [b"[]", b"{}", b"<html>", b'[{"id": "CC-MAIN-2025-05"}]'])
def test_a_list_of_crawls_that_is_none_ends_the_backfill(
    archives: FakeArchives, backfill: Backfill, text: bytes
) -> None:
    archives.faults = [on("collinfo", Reply(text))]
    outcome = backfill(NAME)
    assert outcome.exit_status == 1
    assert "collinfo.json" in outcome.error


def test_slow_down_is_obeyed_and_the_request_sent_again(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    slow = Reply(b"<Error><Code>SlowDown</Code></Error>", 503)
    archives.faults = [on("crawl-data", slow, times=2), on("-index", slow, times=1)]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    assert archives.slept >= 60 + 120 + 60


def test_a_required_pause_of_half_an_hour_is_kept(archives: FakeArchives, backfill: Backfill) -> None:
    archives.faults = [on("crawl-data", Reply(b"", 503, {"Retry-After": "1800"}), times=1)]
    assert backfill(NAME).exit_status == 0
    assert archives.slept >= 1800


def test_pages_that_the_index_counted_and_does_not_have_leave_the_month_open(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query
) -> None:
    def lag(request: Request) -> Reply | None:
        return Reply(b"{}", 400) if request.query.get("page") == ["1"] else None

    archives.faults = [lag]
    assert backfill(NAME).exit_status == 0
    assert query("select count(*) from raw.capture") == [(4,)]
    assert read_complete_months(on_timesca.data_dir, NAME) == ("2025-02-01..2025-02-28",)
    archives.faults = []
    assert backfill(NAME).exit_status == 0
    assert query("select count(*) from raw.capture") == [(5,)]


def test_an_index_that_ends_mid_line_gives_its_whole_lines_and_a_reject_and_leaves_the_month_open(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query
) -> None:
    whole = archives.crawl_index(
        "CC-MAIN-2025-08", {"from": ["20250201"], "to": ["20250228"], "page": ["0"]}
    ).body

    def cut(request: Request) -> Reply | None:
        is_page = "2025-08" in request.path and "page" in request.query
        return Reply(whole[: whole.index(b"\n") + 40]) if is_page else None

    archives.faults = [cut]
    assert backfill(NAME).exit_status == 0
    ((reason, detail),) = query(REJECTS)
    assert (reason, detail.split(",")[0]) == ("bad_record", "line of the index: cut")
    assert query(OBSERVED) == DAYS
    assert read_complete_months(on_timesca.data_dir, NAME) == ("2025-01-01..2025-01-31",)


def test_lines_of_revisits_and_of_other_folders_are_not_requested(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    fields = json.loads(
        archives.crawl_index(
            "CC-MAIN-2025-08", {"from": ["20250201"], "to": ["20250228"], "page": ["0"]}
        ).body.splitlines()[0]
    )
    revisit = fields | {"status": "-", "mime": "warc/revisit"}
    moved = fields | {"filename": "crawl-data/CC-MAIN-2025-08/segments/1/crawldiagnostics/a.warc.gz"}
    body = "".join(f"{json.dumps(line)}\n" for line in (revisit, moved)).encode()

    def odd(request: Request) -> Reply | None:
        return Reply(body) if "2025-08" in request.path and "page" in request.query else None

    archives.faults = [odd]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS[:2]
    assert query("from raw.reject") == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(MEMBER), "http_error: http_error: 200 OK, and not the part that was requested"),
        (Reply(MEMBER[:-1], 206), f"truncated: truncated: gzip stream cut after {len(MEMBER) - 1} bytes"),
        (Reply(MEMBER + b"\0" * 999, 206), f"bad_record: {len(MEMBER) + 999} bytes instead of"),
        (Reply(MEMBER, 206, {"Content-Range": "bytes 9-99/100"}), "bad_record: bytes 0-"),
        (Reply(b"gone", 404), "http_error: http_error: 404"),
        (Reply(b"no", 416), "http_error: http_error: 416"),
    ],
)
def test_a_response_that_is_not_the_part_requested_is_a_reject_and_never_a_row(
    archives: FakeArchives, backfill: Backfill, query: Query, reply: Reply, reason: str
) -> None:
    archives.faults = [on("CC-MAIN-2025-08/segments", reply)]
    assert backfill(NAME).exit_status == 0
    (reject,) = query(REJECTS)
    assert ": ".join(reject).startswith(reason)
    assert query(OBSERVED) == DAYS[:2]


def test_a_member_of_another_capture_is_a_reject_in_the_release_with_its_bytes_in_the_archive(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings
) -> None:
    february = archives.file_of("CC-MAIN-2025-08")[1][0]
    other = member_of(replace(archives.pages[4], url="https://timesca.com/x/"))
    member = other + b"\0" * ((february.length or 0) - len(other))
    archives.faults = [on("CC-MAIN-2025-08/segments", Reply(member, 206))]
    assert backfill(NAME).exit_status == 0
    assert len(query(REJECTS)) == 1
    assert query(
        "select count(*) from raw.rate_observation inner join raw.capture using (capture_id)"
        " where url = 'https://timesca.com/x/'"
    ) == [(0,)]
