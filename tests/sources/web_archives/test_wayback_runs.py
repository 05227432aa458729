"""Captures of the Wayback Machine are archived under their own addresses and times, at the pace that it allows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ca_etl.archive.framing import digest_matches
from ca_etl.archive.naming import FETCHED_AT, MEMENTO, REQUESTED
from ca_etl.archive.reader import archive_files, whole_records
from ca_etl.archive.record import Record
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings
from ca_etl.sources.web_archives import wayback
from tests.sources.web_archives.fake_archives import FakeArchives, Page, Reply, Request, noon, on

pytestmark = pytest.mark.slow

NAME = "wayback"
Query = Callable[..., list[tuple[Any, ...]]]
Backfill = Callable[..., Outcome]
OBSERVED = "select distinct rate_date from fct_rate_daily where not is_filled order by all"
REJECTS = "select reason, regexp_replace(detail, '^[^:]*: ', '') from raw.reject order by all"
DAYS = [(date(2025, 1, 12),), (date(2025, 1, 14),), (date(2025, 2, 10),)]
FEBRUARY = "web/20250210120000id_/https://timesca.com/"


def mementos(settings: Settings) -> list[Record]:
    records = [record for path in archive_files(settings.archive_dir) for record in whole_records(path)]
    return [record for record in records if MEMENTO.lower() in record.warc]


def test_a_backfill_wins_the_days_that_were_captured(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    outcome = backfill(NAME)
    assert (outcome.exit_status, outcome.error, outcome.warnings) == (0, "", ())
    assert query(OBSERVED) == DAYS
    assert query("select source, count(*) from raw.capture group by all") == [(NAME, 5)]
    assert query("from raw.reject") == []
    assert archives.refused == 0


def test_a_memento_is_a_response_of_the_page_at_its_own_time_with_its_own_headers(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    assert backfill(NAME).exit_status == 0
    record = next(record for record in mementos(on_timesca) if record.date.month == 2)
    page = archives.pages[4]
    assert (record.uri, record.date, record.http_status) == (page.url, page.at, 200)
    assert record.warc[MEMENTO.lower()] == f"{archives.root}wayback/{FEBRUARY}"
    assert record.warc[REQUESTED.lower()] == page.timestamp
    assert record.warc[FETCHED_AT.lower()].startswith("2025-03-01T09:00")
    # its own digest, since that of the index is of the stored record
    assert digest_matches(record.warc["warc-payload-digest"], page.body)
    assert all(r.headers["accept-encoding"] == "identity" for r in archives.requests if "/web/" in r.path)
    headers = record.http_headers
    assert (headers["server"], headers["etag"]) == ("nginx", '"x1"')
    assert headers["x-archive-orig-content-encoding"] == "gzip"
    assert "content-encoding" not in headers
    assert "memento-datetime" not in headers


def test_the_setting_of_the_pause_has_a_least_value() -> None:
    with pytest.raises(ValueError, match=r"greater than or equal to 2\.5"):
        Settings(wayback_interval_seconds=2.4, _env_file=None)


def test_the_index_is_requested_in_two_passes_and_both_count(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    late = archives.pages.pop(4)

    def lag(request: Request) -> Reply | None:
        months = [r.query["from"] for r in archives.requests if "cdx" in r.path]
        if months == [["20250101"], ["20250201"], ["20250101"], ["20250201"]]:
            archives.pages.append(late)
        return None

    archives.faults = [lag]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS


def test_a_long_index_is_read_to_its_end_by_resume_keys(
    archives: FakeArchives, backfill: Backfill, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wayback, "LINES", 2)
    assert backfill(NAME).exit_status == 0
    assert query("select count(*) from raw.capture") == [(5,)]
    assert len([r for r in archives.requests if "resumeKey" in r.query]) == 2


def test_a_resume_key_that_comes_again_ends_the_index_and_leaves_the_month_open(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    rows = [["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"], [], ["key"]]
    archives.faults = [on("cdx", Reply(json.dumps(rows).encode()))]
    assert backfill(NAME).exit_status == 0
    assert read_complete_months(on_timesca.data_dir, NAME) == ()


@pytest.mark.parametrize("body", [b"", b"[]", b"[]\n"])
def test_no_hit_is_a_complete_month(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, body: bytes
) -> None:
    archives.faults = [on("cdx", Reply(body))]
    assert backfill(NAME).exit_status == 0
    assert len(read_complete_months(on_timesca.data_dir, NAME)) == 2


def test_a_page_instead_of_the_index_leaves_the_month_open(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    archives.faults = [on("cdx", Reply(b"<html>Offline</html>"))]
    assert backfill(NAME).exit_status == 0
    assert read_complete_months(on_timesca.data_dir, NAME) == ()


def test_a_nearby_capture_has_the_time_that_was_served_and_names_the_one_requested(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings, query: Query
) -> None:
    near = replace(archives.pages[4], at=noon("2025-02-09"))
    location = {"Location": f"{archives.root}wayback/web/{near.timestamp}id_/{near.url}"}

    def redirect(request: Request) -> Reply | None:
        if near.timestamp in request.path:
            archives.pages.append(near)
            reply = archives.memento(near.timestamp, near.url)
            archives.pages.remove(near)
            return reply
        return Reply(b"", 302, location) if FEBRUARY in request.path else None

    archives.faults = [redirect]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == [*DAYS[:2], (date(2025, 2, 9),)]
    record = next(record for record in mementos(on_timesca) if record.date.month == 2)
    assert record.warc[REQUESTED.lower()] == "20250210120000"
    assert query("select captured_at from raw.capture where captured_at >= '2025-02-01'") == [(near.at,)]


@pytest.mark.parametrize(
    ("reply", "reject"),
    [
        (Reply(b"none", 404), "http_error: http_error: 404"),
        (Reply(b"", 302, {"Location": "/wayback/donate"}), "bad_record: the redirect leads to a page"),
        (
            Reply(b"", 302, {"Location": "/wayback/web/20250210120000id_/https://timesca.com/x/"}),
            "bad_record: a memento of https://timesca.com/x/ was served",
        ),
        (Reply(b"<html>Please come back</html>"), "bad_record: the response is a page of the web archive"),
        (
            Reply(b"", 302, {"Location": "/wayback/web/20259910120000id_/https://timesca.com/"}),
            "bad_record: a memento of 20259910120000 was served",
        ),
    ],
)
def test_what_is_no_memento_of_the_page_is_a_reject_and_never_a_row(
    archives: FakeArchives, backfill: Backfill, query: Query, reply: Reply, reject: str
) -> None:
    served = Reply(archives.pages[4].body, headers={"Memento-Datetime": "x", "Content-Type": "text/plain"})
    archives.faults = [
        on(FEBRUARY + "x/", served),
        on("web/20259910120000", served),
        on("donate", served),
        lambda request: reply if request.path.endswith(FEBRUARY) else None,
    ]
    assert backfill(NAME).exit_status == 0
    (row,) = query(REJECTS)
    assert ": ".join(row).startswith(reject)
    assert query(OBSERVED) == DAYS[:2]


@pytest.mark.parametrize("coding", ["", "gzip", "GZIP ", None])
@pytest.mark.parametrize("is_zipped", [True, False])
def test_a_body_with_a_wrong_coding_is_read_as_it_is(
    archives: FakeArchives, backfill: Backfill, query: Query, coding: str | None, is_zipped: bool
) -> None:
    body = archives.pages[4].body
    headers = {"Memento-Datetime": "x", "Content-Type": "text/plain"}
    headers |= {} if coding is None else {"Content-Encoding": coding}
    archives.faults = [on(FEBRUARY, Reply(gzip.compress(body) if is_zipped else body, headers=headers))]
    assert backfill(NAME).exit_status == 0
    assert query("from raw.reject") == []
    assert query(OBSERVED) == DAYS


OFFLINE = Reply(b"<html>Temporarily offline</html>", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize("failure", [Reply(b"", 502), Reply(b"", 504), OFFLINE])
def test_a_capture_that_fails_now_leaves_its_month_open_and_is_won_by_a_later_backfill(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings, failure: Reply
) -> None:
    archives.faults = [on(FEBRUARY, failure)]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS[:2]
    assert [month[:7] for month in read_complete_months(on_timesca.data_dir, NAME)] == ["2025-01"]
    archives.faults = []
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    assert [month[:7] for month in read_complete_months(on_timesca.data_dir, NAME)] == ["2025-01", "2025-02"]


def test_after_three_failures_in_a_row_the_web_archive_is_out_of_service(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    archives.faults = [on("web/", Reply(b"", 504))]
    outcome = backfill(NAME)
    assert (outcome.exit_status, outcome.hint) == (
        1,
        "ca-etl backfill --via wayback --from 2025-01-01 --to 2025-02-28",
    )
    assert "the last of 3 failures in a row" in outcome.error
    archives.faults = []
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS


def test_a_capture_of_a_bot_check_is_a_reject_and_stops_no_backfill(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings
) -> None:
    page = b"<html><head><title>Just a moment...</title></head><body>Checking</body></html>"
    headers = {"Memento-Datetime": "x", "Content-Type": "text/html"}
    archives.faults = [on(FEBRUARY, Reply(page, headers=headers))]
    assert backfill(NAME).exit_status == 0
    assert query("select distinct reason from raw.reject") == [("blocked",)]
    assert query(OBSERVED) == DAYS[:2]
    assert len(read_complete_months(on_timesca.data_dir, NAME)) == 2


def test_too_many_requests_is_obeyed_for_minutes_and_the_request_sent_again(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    archives.faults = [
        on("web/", Reply(b"", 429), times=2),
        on("cdx", Reply(b"", 429, {"Retry-After": "300"}), times=1),
    ]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    assert archives.slept >= 300 + 60 + 120


def test_a_refusal_that_lasts_ends_the_backfill_and_the_next_one_resumes_without_a_second_request(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    archives.faults = [on(FEBRUARY, Reply(b"", 429))]
    outcome = backfill(NAME)
    assert (outcome.exit_status, outcome.hint) == (
        1,
        "ca-etl backfill --via wayback --from 2025-01-01 --to 2025-02-28",
    )
    archives.faults = []
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    # the three listing pages of January were archived before
    assert len(archives.paths("/wayback/web/")) == 2
    assert query("select count(*), count(distinct url || captured_at) from raw.capture") == [(5, 5)]


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(b"", 403),
        Reply(b"", 429),
        Reply(b"", 503),
        Reply(b"", 302, {"Location": "https://example.org/"}),
    ],
)
def test_a_capture_that_is_refused_in_two_backfills_is_unavailable_and_the_second_gets_all_others(
    archives: FakeArchives, backfill: Backfill, query: Query, caplog: pytest.LogCaptureFixture, refusal: Reply
) -> None:
    archives.faults = [on("web/20250112120000", refusal)]
    assert backfill(NAME).exit_status == 1
    assert backfill(NAME).exit_status == 0
    # of the day of the refused capture there is another one
    assert query(OBSERVED) == DAYS
    assert query("select distinct reason from raw.reject") == [("unavailable",)]
    report = "wayback of 2025-01-01..2025-01-31: unavailable captures, refused in two backfills: 1"
    assert report in caplog.messages
    # so both months are complete
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert archives.requests == []


def test_a_capture_that_was_refused_once_is_won_by_a_later_backfill_after_all_others_of_its_month(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    archives.faults = [on("web/20250112120000", Reply(b"", 403))]
    assert backfill(NAME).exit_status == 1
    archives.faults = []
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert query("select count(*) from raw.capture where http_status = 200") == [(5,)]
    january = [path for path in archives.paths("/wayback/web/") if "/202501" in path]
    assert "/20250112120000id_/" in january[-1]


def test_a_capture_whose_refusal_ends_the_visit_is_requested_by_no_third_backfill(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings
) -> None:
    archives.faults = [on("web/20250112120000", Reply(b"", 429, {"Retry-After": "7200"}))]
    assert [backfill(NAME).exit_status for _ in range(2)] == [1, 1]
    archives.requests.clear()
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    assert archives.paths("/wayback/web/20250112120000") == []
    assert len(read_complete_months(on_timesca.data_dir, NAME)) == 2


def test_captures_that_failed_before_do_not_end_a_later_backfill(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings
) -> None:
    archives.faults = [on("web/202501", Reply(b"", 504))]
    assert backfill(NAME).exit_status == 1
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS[2:]
    assert [month[:7] for month in read_complete_months(on_timesca.data_dir, NAME)] == ["2025-02"]


def test_a_damaged_line_that_both_passes_read_is_one_reject(
    archives: FakeArchives, backfill: Backfill, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    def damaged(request: Request) -> Reply | None:
        if request.query.get("from") != ["20250101"]:
            return None
        rows = json.loads(archives.wayback_index(request.query).body)
        return Reply(json.dumps([*rows, ["one value"]]).encode())

    archives.faults = [damaged]
    caplog.set_level("INFO")
    assert backfill(NAME).exit_status == 0
    assert len([message for message in caplog.messages if "line of the index" in message]) == 1
    assert any("4 captures, 4 of them new, 1 reject" in message for message in caplog.messages)
    assert query("select count(*) from raw.reject") == [(1,)]


def test_a_month_whose_index_was_cut_in_the_first_pass_alone_is_complete(
    archives: FakeArchives, backfill: Backfill, query: Query, on_timesca: Settings
) -> None:
    cut = Reply(archives.wayback_index({"from": ["20250201"], "to": ["20250228"], "limit": ["9"]}).body[:-3])
    turns = iter([cut])
    archives.faults = [
        lambda request: next(turns, None) if request.query.get("from") == ["20250201"] else None
    ]
    assert backfill(NAME).exit_status == 0
    assert query(OBSERVED) == DAYS
    assert len(read_complete_months(on_timesca.data_dir, NAME)) == 2


def test_an_old_capture_with_a_port_and_letters_of_other_scripts_is_archived_once(
    archives: FakeArchives, backfill: Backfill, query: Query
) -> None:
    archives.pages = [
        Page("http://timesca.com:80/", noon("2025-01-12")),
        Page("https://timesca.com/category/\u0442\u0435\u043d\u044c\u0433\u0435/", noon("2025-01-13")),
    ]
    # once with an index that is cut, so that the month stays open
    cut = archives.wayback_index({"from": ["20250101"], "to": ["20250131"], "limit": ["9"]}).body[:-2]
    archives.faults = [lambda request: Reply(cut) if request.query.get("from") == ["20250101"] else None]
    for _ in range(2):
        assert backfill(NAME).exit_status == 0
    assert len(archives.paths("/wayback/web/")) == 2
    assert query("select url from raw.capture order by all") == [
        ("http://timesca.com/",),
        (archives.pages[1].url,),
    ]


def test_what_robots_txt_disallows_is_not_requested_and_the_error_states_what_to_do(
    archives: FakeArchives, backfill: Backfill
) -> None:
    archives.faults = [on("robots.txt", Reply(b"User-agent: *\nDisallow: /wayback/web/\n"))]
    outcome = backfill(NAME)
    assert (outcome.exit_status, outcome.hint) == (1, "ca-etl ingest --help")
    assert "robots.txt disallows" in outcome.error
    assert archives.paths("/wayback/web/") == []


def test_twenty_four_index_requests_a_minute_are_never_exceeded(
    archives: FakeArchives, backfill: Backfill, on_timesca: Settings
) -> None:
    archives.pages = [
        Page("https://timesca.com/", datetime(2020 + n // 12, n % 12 + 1, 5, tzinfo=UTC)) for n in range(36)
    ]
    on_timesca.__dict__["wayback_interval_seconds"] = 2.5  # the least that the setting allows
    assert backfill(NAME, date(2020, 1, 1), date(2022, 12, 31)).exit_status == 0
    times = sorted(request.at for request in archives.requests if "cdx" in request.path)
    assert len(times) == 72
    of_all = sorted(request.at for request in archives.requests)
    assert len(of_all) >= 72 + 36
    assert all(late - early >= 60 for early, late in zip(of_all, of_all[24:], strict=False))
