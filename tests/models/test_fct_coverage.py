from datetime import UTC, date, datetime

import pytest

from tests.models.rows import bank_response

OF_THE_FIFTH = "2025/12/20251205T020000Z-timesca.warc.gz"


def slot(day: int, outcome: str, **columns):
    return {"slot": f"2025-12-{day:02} 02:00:00+00", "day": f"2025-12-{day:02}", "outcome": outcome} | columns


def page(**columns):
    return {"archive_file": OF_THE_FIFTH, "page_date": "2025-12-05"} | columns


def outcomes(warehouse):
    return warehouse.rows("select slot, outcome, reason, runs from main.fct_coverage order by slot")


def test_a_slot_with_rates_is_observed_with_what_was_missing_of_it(given):
    warehouse = given(
        capture=[page(), page(capture_id="c2", archive_offset=9, http_status=503)],
        rate_observation=[{}],
        slot=[slot(5, "observed", reason="1 of 2 pages; 1 http_error")],
    )
    assert warehouse.rows(
        "select slot, outcome, reason, runs, captures, captures_with_rates, run_id from main.fct_coverage"
    ) == [
        (
            datetime(2025, 12, 5, 2, tzinfo=UTC),
            "observed",
            "1 of 2 pages; 1 http_error",
            1,
            2,
            1,
            "r1",
        )
    ]


def test_a_slot_for_which_the_site_reported_nothing_new_is_unchanged(given):
    warehouse = given(capture=[page(refers_to="c0")], rate_observation=[{}], slot=[slot(5, "unchanged")])
    assert [row[1] for row in outcomes(warehouse)] == ["unchanged"]


@pytest.mark.parametrize(("outcome", "reason"), [("blocked", "blocked: 403"), ("failed", "2 unreachable")])
def test_a_slot_without_rates_has_the_reason_of_its_run(given, outcome, reason):
    warehouse = given(capture=[page(http_status=403)], slot=[slot(5, outcome, reason=reason)])
    assert [row[1:3] for row in outcomes(warehouse)] == [(outcome, reason)]


def test_missed_slots_have_no_run(given):
    warehouse = given(slot=[slot(4, "missed", reason="no run"), slot(5, "failed")])
    assert [row[1:] for row in outcomes(warehouse)] == [("missed", "no run", 0), ("failed", None, 1)]


def test_of_several_runs_in_a_slot_the_best_counts(given):
    warehouse = given(
        capture=[page()],
        rate_observation=[{}],
        slot=[
            slot(5, "failed", run_id="r1", reason="4 unreachable"),
            slot(5, "observed", run_id="r2"),
            slot(5, "failed", run_id="r3", reason="4 http_error"),
        ],
    )
    assert [row[1:] for row in outcomes(warehouse)] == [("observed", None, 3)]


def test_a_run_that_was_killed_after_its_capture_has_observed_its_slot(given):
    warehouse = given(
        capture=[page()], rate_observation=[{}], slot=[slot(5, "failed", reason="killed in step load")]
    )
    assert [row[1:3] for row in outcomes(warehouse)] == [
        ("observed", "archived by a run that failed, loaded by a later one")
    ]


def test_a_slot_whose_only_capture_was_excluded_is_not_observed(given):
    warehouse = given(
        capture=[page()],
        rate_observation=[{}],
        slot=[slot(5, "observed")],
        decision=[{"decision": "exclude"}],
    )
    assert [row[1:3] for row in outcomes(warehouse)] == [
        ("failed", "no capture of the slot has rates that count")
    ]


def test_what_was_requested_again_later_counts_for_the_slot_before(given):
    warehouse = given(
        capture=[page(archive_file="2025/12/20251205T093000Z-timesca.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "failed"), slot(6, "missed")],
    )
    assert [row[1] for row in outcomes(warehouse)] == ["observed", "missed"]


def test_pages_of_a_run_that_went_on_past_the_next_slot_belong_to_its_own(given):
    warehouse = given(
        capture=[page(captured_at="2025-12-06 02:00:10+00")],
        rate_observation=[{}],
        run=[
            {"started_at": "2025-12-06 01:59:50+00", "finished_at": "2025-12-06 02:00:20+00"},
            {"run_id": "r2", "started_at": "2025-12-07 02:00:00+00", "finished_at": "2025-12-07 02:00:20+00"},
        ],
        slot=[
            slot(5, "observed"),
            slot(6, "missed", run_id="r2", reason="no run"),
            slot(7, "failed", run_id="r2"),
        ],
    )
    assert [row[1:] for row in outcomes(warehouse)] == [
        ("observed", None, 1),
        ("missed", "no run", 0),
        ("failed", None, 1),
    ]


def test_pages_of_a_run_that_began_a_moment_before_its_slot_belong_to_it(given):
    warehouse = given(
        capture=[
            page(
                captured_at="2025-12-06 01:59:59.8+00",
                archive_file="2025/12/20251206T020000Z-timesca.warc.gz",
            )
        ],
        rate_observation=[{}],
        run=[
            {"started_at": "2025-12-05 02:00:00+00", "finished_at": "2025-12-05 02:00:20+00"},
            {
                "run_id": "r2",
                "started_at": "2025-12-06 01:59:59.7+00",
                "finished_at": "2025-12-06 02:00:20+00",
            },
        ],
        slot=[slot(5, "failed"), slot(6, "observed", run_id="r2")],
    )
    assert [row[1] for row in outcomes(warehouse)] == ["failed", "observed"]


def test_a_sweep_has_slots_and_files_of_its_own(given):
    warehouse = given(
        capture=[page(archive_file="2025/12/20251205T020000Z-timesca-sweep.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "failed"), slot(5, "observed", schedule="sweep")],
    )
    assert warehouse.rows("select schedule, outcome from main.fct_coverage order by schedule") == [
        ("daily", "failed"),
        ("sweep", "observed"),
    ]


def test_a_file_given_by_hand_belongs_to_no_slot_and_to_a_day_of_its_own(given):
    warehouse = given(
        capture=[page(source="file", archive_file="2025/12/20251205T091234Z-ingest.warc.gz")],
        rate_observation=[{}],
        slot=[slot(5, "missed")],
    )
    assert warehouse.rows("select source, schedule, outcome from main.fct_coverage order by all") == [
        ("file", "backfill", "observed"),
        ("timesca", "daily", "missed"),
    ]


def test_each_day_of_a_backfill_is_known_from_its_source_or_missing(given):
    warehouse = given(
        capture=[
            page(
                source="wayback", archive_file="a", shown_from=1, shown_to=2, shown_total=2, articles_parsed=1
            ),
            page(source="wayback", archive_file="a", capture_id="c7", page_date="2025-12-07"),
        ],
        archive_file=[{"archive_file": "a", "source": "wayback"}],
        rate_observation=[{}],
        article_observation=[{"title": "A Road"}],
        reject=[{"capture_id": "c7"}],
    )
    assert warehouse.rows(
        "select day, source, schedule, outcome, reason, captures_with_rates, articles_expected, articles_loaded"
        " from main.fct_coverage order by day"
    ) == [
        (date(2025, 12, 5), "wayback", "backfill", "observed", None, 1, 2, 1),
        (date(2025, 12, 6), "wayback", "backfill", "missed", "no capture of the day", 0, None, 0),
        (date(2025, 12, 7), "wayback", "backfill", "failed", "no capture of the day has rates", 0, None, 0),
    ]
    assert not [name for name in warehouse.firing() if name.startswith("fct_coverage")]


def test_a_filled_day_has_the_reason_why_nothing_was_observed(given):
    days = (5, 6, 7, 8, 9, 10)
    warehouse = given(
        capture=[
            page(),
            page(capture_id="c8", archive_file="2025/12/20251208T020000Z-timesca.warc.gz"),
            page(
                capture_id="c10",
                page_date="2025-12-10",
                archive_file="2025/12/20251210T020000Z-timesca.warc.gz",
            ),
        ],
        rate_observation=[{"capture_id": f"c{number}"} for number in (1, 8, 10)],
        slot=[
            slot(5, "observed"),
            slot(6, "missed", reason="no run began before the next slot"),
            slot(7, "blocked", reason="blocked: 403"),
            slot(8, "observed"),
            slot(10, "observed"),
        ],
    )
    assert dict(
        warehouse.rows("select day(rate_date), fill_reason from main.fct_rate_daily order by rate_date")
    ) == dict(
        zip(
            days,
            [
                None,
                "missed: no run began before the next slot",
                "blocked: blocked: 403",
                "the pages of the day print other days",
                "no slot was expected",
                None,
            ],
            strict=True,
        )
    )


QUERY = "https://timesca.com/wp-json/wp/v2/posts?orderby=id&per_page=100"


def response(**columns):
    """A page of the posts API, as a response of the slot on the fifth."""
    return {
        "source": "timesca-posts",
        "url": f"{QUERY}&after=2025-12-04T00:00:00Z",
        "captured_at": "2025-12-05 02:00:30+00",
        "captured_date": "2025-12-05",
        "archive_file": "2025/12/20251205T020000Z-timesca-posts.warc.gz",
        "page_kind": "posts_api",
        "http_status": 200,
        "ticker_cycles": 0,
    } | columns


def post(number: int, **columns):
    return {"post_id": number, "position": number, "title": f"Road {number}"} | columns


def of_posts(outcome: str, **columns):
    return slot(5, outcome, source="timesca-posts", **columns)


COUNTS = (
    "select articles_expected, articles_archived, articles_parsed, articles_loaded, gap_reason"
    " from main.fct_coverage"
)


def test_posts_that_all_came_leave_no_gap(given):
    warehouse = given(
        capture=[response(shown_total=2)],
        article_observation=[post(1), post(2)],
        slot=[of_posts("observed")],
    )
    assert warehouse.rows("select source, outcome, reason from main.fct_coverage") == [
        ("timesca-posts", "observed", None)
    ]
    assert warehouse.rows(COUNTS) == [(2, 2, 2, 2, None)]


def test_a_post_is_one_however_many_pages_and_questions_showed_it(given):
    warehouse = given(
        capture=[
            response(shown_total=3),
            response(capture_id="c2", url=f"{QUERY}&offset=1&after=2025-12-04T00:00:00Z", shown_total=3),
            response(capture_id="c3", url=f"{QUERY}&modified_after=2025-12-04T00:00:00Z", shown_total=2),
        ],
        article_observation=[
            post(1),
            post(2),
            post(2, capture_id="c2"),
            post(3, capture_id="c2"),
            post(1, capture_id="c3"),
            post(3, capture_id="c3"),
        ],
        slot=[of_posts("observed")],
    )
    assert warehouse.rows(COUNTS) == [(3, 3, 3, 3, None)]


def test_posts_that_the_site_counts_and_does_not_show_are_a_gap(given):
    warehouse = given(
        capture=[response(shown_total=3)],
        article_observation=[post(1)],
        slot=[of_posts("observed")],
    )
    assert warehouse.rows(COUNTS) == [(3, 1, 1, 1, "2 counted by the site and not shown")]


def test_a_post_that_came_during_one_query_and_was_shown_in_the_next_is_not_a_gap(given):
    warehouse = given(
        capture=[
            response(url=f"{QUERY}&modified_after=2025-12-04T00:00:00Z", shown_total=2),
            response(capture_id="c2", url=f"{QUERY}&modified_after=2025-12-05T01:00:00Z", shown_total=1),
        ],
        article_observation=[
            post(2, modified_at="2025-12-04 08:00:00+00"),
            post(1, capture_id="c2", modified_at="2025-12-05 02:00:10+00"),
        ],
        slot=[of_posts("observed")],
    )
    assert warehouse.rows(COUNTS) == [(2, 2, 2, 2, None)]


def test_a_post_of_another_time_of_publication_fills_no_gap(given):
    warehouse = given(
        capture=[
            response(shown_total=2),
            response(capture_id="c2", url=f"{QUERY}&modified_after=2025-12-04T00:00:00Z", shown_total=2),
        ],
        article_observation=[
            post(2, published_at="2025-12-04 08:00:00+00"),
            post(1, capture_id="c2", published_at="2025-11-04 08:00:00+00"),
            post(2, capture_id="c2", published_at="2025-12-04 08:00:00+00"),
        ],
        slot=[of_posts("observed")],
    )
    assert warehouse.rows(COUNTS) == [(3, 2, 2, 2, "1 counted by the site and not shown")]


def test_rejected_untitled_and_excluded_articles_are_distinguished(given):
    warehouse = given(
        capture=[response(shown_total=4), response(capture_id="c2", shown_total=4)],
        article_observation=[post(1), post(2, title=None), post(3, capture_id="c2")],
        reject=[{"reason": "bad_json", "excerpt": "7"}, {"position": 1, "reason": "untitled"}],
        slot=[of_posts("observed")],
        decision=[{"capture_id": "c2", "decision": "exclude"}],
    )
    assert warehouse.rows(COUNTS) == [
        (
            4,
            4,
            2,
            1,
            (
                "1 not understood (bad_json); 1 without a title; "
                "1 on captures that were excluded or have no day"
            ),
        )
    ]


def test_a_listing_with_fewer_articles_than_its_line_states_is_a_gap(given):
    warehouse = given(
        capture=[page(shown_from=1, shown_to=6, shown_total=3, articles_parsed=2)],
        rate_observation=[{}],
        article_observation=[post(1), post(2)],
        slot=[slot(5, "observed")],
    )
    assert warehouse.rows(COUNTS) == [(3, 2, 2, 2, "1 fewer on the pages than they say")]


def test_pages_without_a_count_promise_nothing(given):
    warehouse = given(
        capture=[page()],
        rate_observation=[{}],
        article_observation=[post(1)],
        slot=[slot(5, "observed")],
    )
    assert warehouse.rows(COUNTS) == [(None, 1, 1, 1, None)]


def test_an_unavailable_source_has_a_row_and_so_has_the_next_one(given):
    warehouse = given(
        capture=[
            response(page_kind="api_error", http_status=403),
            response(
                capture_id="c2",
                source="timesca-feed",
                archive_file="2025/12/20251205T020000Z-timesca-feed.warc.gz",
                url="https://timesca.com/feed/",
                page_kind="feed",
            ),
        ],
        article_observation=[post(1, capture_id="c2")],
        reject=[{"reason": "api_refused"}],
        slot=[
            of_posts("closed", reason="status 403"),
            slot(5, "observed", source="timesca-feed"),
        ],
    )
    assert warehouse.rows(
        "select source, outcome, reason, captures, articles_expected, articles_loaded, gap_reason"
        " from main.fct_coverage"
    ) == [
        ("timesca-feed", "observed", None, 1, None, 1, None),
        ("timesca-posts", "closed", "status 403", 1, None, 0, None),
    ]


def test_a_slot_of_articles_whose_only_response_was_excluded_is_not_observed(given):
    warehouse = given(
        capture=[response(shown_total=1)],
        article_observation=[post(1)],
        slot=[of_posts("observed")],
        decision=[{"decision": "exclude"}],
    )
    assert [row[1:3] for row in outcomes(warehouse)] == [("failed", "no answer of the slot counts")]


def test_a_response_without_new_posts_is_unchanged(given):
    warehouse = given(capture=[response(shown_total=0)], slot=[of_posts("unchanged")])
    assert [row[1:3] for row in outcomes(warehouse)] == [("unchanged", None)]
    assert warehouse.rows(COUNTS) == [(0, 0, 0, 0, None)]


def test_what_a_backfill_archives_belongs_to_no_slot(given):
    warehouse = given(
        capture=[response(archive_file="2025/12/20251205T091500Z-timesca-posts-20251201.warc.gz")],
        article_observation=[post(1)],
        slot=[of_posts("closed")],
    )
    assert warehouse.rows("select captures, articles_archived from main.fct_coverage") == [(0, 0)]


def test_a_weekend_a_holiday_and_an_outage_of_a_bank_are_three_things(given):
    kinds = {4: "expected", 6: "weekend", 8: "holiday"}
    warehouse = given(
        slot=[
            slot(day, "failed" if kind == "expected" else "unchanged", source="nbk")
            for day, kind in kinds.items()
        ],
        capture=[
            bank_response(f"b{day}", "nbk", day, archive_file=f"2025/12/202512{day:02}T020000Z-nbk.warc.gz")
            for day in kinds
        ],
        official_rate=[
            {"capture_id": "b6", "rate_text": "505.92"},
            {"capture_id": "b8", "rate_text": "505.92"},
        ],
        publication_day=[{"day": f"2025-12-{day:02}", "day_kind": kind} for day, kind in kinds.items()],
    )
    assert warehouse.rows("select day_kind, outcome from main.fct_coverage order by slot") == [
        ("expected", "failed"),
        ("weekend", "unchanged"),
        ("holiday", "unchanged"),
    ]
