"""Which articles are deleted or unlisted by the responses of sweeps, and since when."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.models.rows import posts_response

URL = "https://timesca.com/a-road/"
SWEEP = "2025/12/{day}T043000Z-timesca-articles-sweep.warc.gz"
LIST = "2025/12/{day}T043000Z-timesca-posts-sweep.warc.gz"


def at(day: int, **columns):
    return posts_response(f"c{day}", day) | columns


def seen(day: int):
    return {"capture_id": f"c{day}", "title": "A Road", "url": URL, "post_id": 7}


def listed(day: int):
    """A response of the posts API to the sweep of that day."""
    return at(day, capture_id=f"l{day}", archive_file=LIST.format(day=f"202512{day:02}"))


def swept_page(day: int, status: int, **columns):
    """The page of the article, as a sweep requested it."""
    return at(
        day,
        capture_id=f"p{day}",
        source="timesca-articles",
        url=URL,
        http_status=status,
        page_kind="article" if status == 200 else None,
        archive_file=SWEEP.format(day=f"202512{day:02}"),
        **columns,
    )


REMOVALS = (
    "select kind, found_at, confirmed_at, returned_at, is_current from main.fct_article_removal order by all"
)


def on(day: int) -> datetime:
    return datetime(2025, 12, day, 4, 30, tzinfo=UTC)


def test_a_deleted_page_means_that_its_article_is_deleted(given):
    warehouse = given(capture=[at(5), swept_page(7, 404)], article_observation=[seen(5)])
    assert warehouse.rows(REMOVALS) == [("gone", on(7), on(7), None, True)]
    assert warehouse.rows("select removal, removed_at from main.fct_article") == [("gone", on(7))]


def test_a_page_that_exists_though_no_list_names_it_is_unlisted(given):
    warehouse = given(
        capture=[at(5), listed(7), swept_page(7, 200)],
        article_observation=[seen(5), seen(7) | {"capture_id": "p7"}],
    )
    assert warehouse.rows(REMOVALS) == [("unlisted", on(7), on(7), None, True)]


def test_a_page_that_exists_proves_nothing_where_the_sweep_has_no_list(given):
    refused = listed(7) | {"http_status": 403, "page_kind": None}
    warehouse = given(capture=[at(5), refused, swept_page(7, 200)], article_observation=[seen(5)])
    assert warehouse.rows(REMOVALS) == []


def test_a_page_is_deleted_without_a_list_until_a_daily_run_sees_it_again(given):
    daily = swept_page(9, 200) | {"archive_file": "2025/12/20251209T020000Z-timesca-articles.warc.gz"}
    warehouse = given(
        capture=[at(5), swept_page(7, 404), daily],
        article_observation=[seen(5), seen(9) | {"capture_id": "p9"}],
    )
    assert warehouse.rows(REMOVALS) == [("gone", on(7), on(7), on(9), False)]


def test_an_unlisted_page_that_a_daily_run_reads_is_unlisted_still(given):
    daily = swept_page(9, 200) | {"archive_file": "2025/12/20251209T020000Z-timesca-articles.warc.gz"}
    warehouse = given(
        capture=[at(5), listed(7), swept_page(7, 200), daily],
        article_observation=[seen(5), seen(9) | {"capture_id": "p9"}],
    )
    assert warehouse.rows(REMOVALS) == [("unlisted", on(7), on(7), None, True)]


def test_every_sweep_confirms_what_the_one_before_found(given):
    warehouse = given(
        capture=[at(5), listed(7), swept_page(7, 200), listed(14), swept_page(14, 200), swept_page(21, 410)],
        article_observation=[seen(5)],
    )
    assert warehouse.rows(REMOVALS) == [
        ("gone", on(21), on(21), None, True),
        ("unlisted", on(7), on(14), None, False),
    ]
    assert warehouse.rows("select removal from main.fct_article") == [("gone",)]


def test_an_article_that_is_shown_again_has_returned(given):
    warehouse = given(capture=[at(5), swept_page(7, 404), at(9)], article_observation=[seen(5), seen(9)])
    assert warehouse.rows(REMOVALS) == [("gone", on(7), on(7), on(9), False)]
    assert warehouse.rows("select removal, removed_at from main.fct_article") == [(None, None)]


def test_it_may_go_twice(given):
    warehouse = given(
        capture=[at(5), swept_page(7, 404), at(9), swept_page(14, 404)],
        article_observation=[seen(5), seen(9)],
    )
    assert warehouse.rows("select last_seen_at, is_current from main.fct_article_removal order by all") == [
        (on(5), False),
        (on(9), True),
    ]


def test_a_page_that_a_daily_run_reads_between_two_sweeps_ends_the_first_removal(given):
    daily = swept_page(10, 200) | {"archive_file": "2025/12/20251210T020000Z-timesca-articles.warc.gz"}
    warehouse = given(
        capture=[at(1), swept_page(7, 404), daily, swept_page(14, 404)],
        article_observation=[seen(1), seen(10) | {"capture_id": "p10"}],
    )
    assert warehouse.rows(REMOVALS) == [
        ("gone", on(7), on(7), on(10), False),
        ("gone", on(14), on(14), None, True),
    ]
    assert warehouse.rows("select distinct last_seen_at from main.fct_article_removal") == [(on(1),)]
    assert warehouse.rows("select removal, removed_at from main.fct_article") == [("gone", on(14))]


def test_a_page_that_a_daily_run_reads_between_two_sweeps_leaves_an_unlisted_article_unlisted(given):
    daily = swept_page(10, 200) | {"archive_file": "2025/12/20251210T020000Z-timesca-articles.warc.gz"}
    warehouse = given(
        capture=[at(1), listed(7), swept_page(7, 200), daily, listed(14), swept_page(14, 200)],
        article_observation=[seen(1), seen(10) | {"capture_id": "p10"}],
    )
    assert warehouse.rows(REMOVALS) == [("unlisted", on(7), on(14), None, True)]


def test_a_page_of_a_daily_run_proves_no_removal(given):
    warehouse = given(
        capture=[
            at(5),
            swept_page(7, 404) | {"archive_file": "2025/12/20251207T020000Z-timesca-articles.warc.gz"},
        ],
        article_observation=[seen(5)],
    )
    assert warehouse.rows(REMOVALS) == []


def test_a_server_that_is_ill_has_removed_nothing(given):
    warehouse = given(capture=[at(5), swept_page(7, 503), swept_page(8, 403)], article_observation=[seen(5)])
    assert warehouse.rows(REMOVALS) == []


def test_an_article_that_the_sweeps_own_list_shows_is_not_missing(given):
    """WordPress leads the address of a lost post to the page whose slug has the same prefix."""
    listed = at(7, captured_at="2025-12-07 04:29:00+00", archive_file=LIST.format(day="20251207"))
    warehouse = given(capture=[at(5), listed, swept_page(7, 200)], article_observation=[seen(5), seen(7)])
    assert warehouse.rows(REMOVALS) == []


def test_a_page_that_is_not_an_article_proves_nothing_of_one(given):
    home = swept_page(7, 200) | {"page_kind": "home"}
    warehouse = given(capture=[at(5), listed(7), home], article_observation=[seen(5)])
    assert warehouse.rows(REMOVALS) == []


def test_a_page_counts_for_the_article_that_its_address_named_then(given):
    moved = seen(6) | {"url": "https://timesca.com/another/"}
    other = {"capture_id": "c6", "position": 2, "title": "A Bridge", "url": URL, "post_id": 9}
    warehouse = given(capture=[at(5), at(6), swept_page(7, 404)], article_observation=[seen(5), moved, other])
    assert warehouse.rows(
        "select removal.article_id = article.article_id, post_id from main.fct_article_removal as removal"
        " inner join main.fct_article as article using (article_id)"
    ) == [(True, 9)]


def test_a_page_that_shows_another_article_means_that_the_first_is_deleted(given):
    other = {"capture_id": "p7", "title": "A Bridge", "url": URL, "post_id": 9}
    warehouse = given(capture=[at(5), listed(7), swept_page(7, 200)], article_observation=[seen(5), other])
    assert warehouse.rows("select removal from main.fct_article where post_id = 7") == [("gone",)]


def test_an_article_that_took_the_address_later_was_not_missed_before_it_was_there(given):
    new = seen(9) | {"post_id": 9}
    there = swept_page(14, 200)
    warehouse = given(
        capture=[at(5), swept_page(7, 404), at(9), listed(14), there],
        article_observation=[
            seen(5),
            new,
            new | {"capture_id": "l14"},
            new | {"capture_id": "p14"},
        ],
    )
    assert warehouse.rows(
        "select post_id, kind, found_at, returned_at, is_current from main.fct_article_removal as removal"
        " inner join main.fct_article as article using (article_id)"
    ) == [(7, "gone", on(7), None, True)]
