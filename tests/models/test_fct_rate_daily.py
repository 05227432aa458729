from datetime import date
from decimal import Decimal


def day(number: int, **columns):
    return {"capture_id": f"c{number}", "page_date": f"2025-12-{number:02}"} | columns


def printed(number: int, rate: str, change: str = "0%", **columns):
    return {"capture_id": f"c{number}", "rate_text": rate, "change_text": change} | columns


def test_a_day_without_a_print_carries_the_last_rate_and_is_marked(given):
    warehouse = given(
        capture=[day(5), day(8)],
        rate_observation=[printed(5, "0.01144", "0.1%"), printed(8, "0.01143", "-0%")],
    )
    assert warehouse.rows(
        "select rate_date, rate, change_pct, change_sign, observations, is_filled, fill_age_days, capture_id"
        " from main.fct_rate_daily order by all"
    ) == [
        (date(2025, 12, 5), Decimal("0.01144"), Decimal("0.1"), 1, 1, False, 0, "c5"),
        (date(2025, 12, 6), Decimal("0.01144"), None, None, 0, True, 1, "c5"),
        (date(2025, 12, 7), Decimal("0.01144"), None, None, 0, True, 2, "c5"),
        (date(2025, 12, 8), Decimal("0.01143"), Decimal(0), -1, 1, False, 0, "c8"),
    ]


def test_every_pair_has_its_own_first_and_last_day(given):
    warehouse = given(
        capture=[day(5), day(7)],
        rate_observation=[printed(5, "0.01144"), printed(7, "0.28571", base="TMT")],
    )
    assert warehouse.rows("select base, rate_date from main.fct_rate_daily order by all") == [
        ("KGS", date(2025, 12, 5)),
        ("TMT", date(2025, 12, 7)),
    ]


def test_the_latest_print_of_a_day_counts_and_one_of_unknown_time_never_beats_it(given):
    at_two = {
        "page_date": "2025-12-05",
        "captured_at": "2025-12-05 02:00:00+00",
        "captured_date": "2025-12-05",
    }
    at_nine = at_two | {"captured_at": "2025-12-05 09:00:00+00"}
    warehouse = given(
        capture=[
            {"capture_id": "a"} | at_nine,
            {"capture_id": "b"} | at_two,
            {"capture_id": "by_hand", "page_date": "2025-12-05", "archive_file": "2026/01/z.warc.gz"},
        ],
        rate_observation=[
            {"capture_id": "a", "rate_text": "0.01145"},
            {"capture_id": "b", "rate_text": "0.01144"},
            {"capture_id": "by_hand", "rate_text": "0.01143"},
        ],
    )
    assert warehouse.row(
        "select rate, capture_id, observations, distinct_rates from main.fct_rate_daily"
    ) == (
        Decimal("0.01145"),
        "a",
        3,
        3,
    )


def test_prints_of_unknown_time_count_in_the_order_of_the_archive(given):
    warehouse = given(
        capture=[
            {"capture_id": "second", "page_date": "2025-12-05", "archive_offset": 10},
            {"capture_id": "third", "page_date": "2025-12-05", "archive_offset": 200},
            {"capture_id": "zeroth", "page_date": "2025-12-05", "archive_file": "2024/12/a.warc.gz"},
        ],
        rate_observation=[{"capture_id": "second"}, {"capture_id": "third"}, {"capture_id": "zeroth"}],
    )
    assert warehouse.row("select capture_id, observations, distinct_rates from main.fct_rate_daily") == (
        "third",
        3,
        1,
    )


def test_the_computed_change_is_since_the_last_observed_day_with_its_interval(given):
    warehouse = given(
        capture=[day(5), day(7)], rate_observation=[printed(5, "0.00198"), printed(7, "0.00197", "-0%")]
    )
    assert warehouse.rows(
        "select rate_date, previous_date, change_pct_computed, change_pct_low, change_pct_high"
        " from main.fct_rate_daily order by all"
    ) == [
        (date(2025, 12, 5), None, None, None, None),
        (date(2025, 12, 6), None, None, None, None),
        # 0.00197 / 0.00198, 0.001965 / 0.001985 and 0.001975 / 0.001975
        (date(2025, 12, 7), date(2025, 12, 5), Decimal("-0.5051"), Decimal("-1.0076"), Decimal(0)),
    ]


def test_the_dollar_price_of_the_tenge_has_its_interval(given):
    warehouse = given(capture=[day(5)], rate_observation=[printed(5, "0.00198", base="KZT")])
    low, rate, high = warehouse.row("select inverse_low, inverse_rate, inverse_high from main.fct_rate_daily")
    assert (round(low, 1), round(rate, 1), round(high, 1)) == (
        Decimal("503.8"),
        Decimal("505.1"),
        Decimal("506.3"),
    )


def test_excluding_the_only_capture_of_a_day_makes_it_a_filled_day(given):
    warehouse = given(
        capture=[day(5), day(6), day(7)],
        rate_observation=[printed(5, "0.01144"), printed(6, "0.11440"), printed(7, "0.01144")],
        decision=[{"capture_id": "c6", "decision": "exclude"}],
    )
    assert warehouse.rows("select rate, is_filled from main.fct_rate_daily order by rate_date") == [
        (Decimal("0.01144"), False),
        (Decimal("0.01144"), True),
        (Decimal("0.01144"), False),
    ]


def slot(number: int, outcome: str, **columns):
    at = f"2025-12-{number:02}"
    return {"slot": f"{at} 02:00:00+00", "day": at, "outcome": outcome} | columns


def test_a_day_whose_pages_print_other_pairs_alone_gives_that_as_the_reason(given):
    warehouse = given(
        capture=[day(5), day(6) | {"archive_file": "2025/12/20251206T020000Z-timesca.warc.gz"}, day(7)],
        rate_observation=[
            printed(5, "0.01144"),
            printed(6, "0.00198", base="KZT"),
            printed(7, "0.01144"),
            printed(7, "0.00198", base="KZT", position=2),
        ],
        slot=[slot(6, "observed")],
    )
    assert warehouse.rows(
        "select base, day(rate_date), fill_reason from main.fct_rate_daily order by base, rate_date"
    ) == [
        ("KGS", 5, None),
        ("KGS", 6, "the pages of the day do not print the pair"),
        ("KGS", 7, None),
        ("KZT", 6, None),
        ("KZT", 7, None),
    ]


def test_of_slots_of_a_day_with_one_outcome_the_latest_gives_the_reason_and_then_the_first_schedule(given):
    warehouse = given(
        capture=[day(5), day(7)],
        rate_observation=[printed(5, "0.01144"), printed(7, "0.01144")],
        slot=[
            slot(6, "failed", reason="of a sweep", schedule="sweep"),
            slot(6, "failed", reason="of the day"),
            slot(6, "failed", reason="of the night", slot="2025-12-06 01:00:00+00"),
        ],
    )
    assert warehouse.row("select fill_reason from main.fct_rate_daily where is_filled") == (
        "failed: of the day",
    )


def test_a_day_counts_its_tickers_and_gives_their_low_and_high(given):
    def capture(name: str, hour: int):
        at = f"2025-12-05 {hour:02}:00:00+00"
        return {
            "capture_id": name,
            "page_date": "2025-12-05",
            "captured_at": at,
            "captured_date": "2025-12-05",
        }

    def ticker(name: str, kzt: str, change: str):
        return [
            {"capture_id": name, "base": "KGS", "rate_text": "0.01144"},
            {"capture_id": name, "base": "KZT", "rate_text": kzt, "change_text": change, "position": 2},
        ]

    warehouse = given(
        capture=[capture("a", 1), capture("b", 2), capture("c", 3), capture("d", 4)],
        rate_observation=[
            *ticker("a", "0.00199", "0%"),
            *ticker("b", "0.00197", "0%"),
            # differs from the last one in the sign of zero alone
            *ticker("c", "0.00198", "-0%"),
            *ticker("d", "0.00198", "0%"),
        ],
    )
    assert warehouse.rows(
        "select base, rate, day_low, day_high, observations, distinct_rates, distinct_tickers, is_stale_suspect"
        " from main.fct_rate_daily order by base"
    ) == [
        ("KGS", Decimal("0.01144"), Decimal("0.01144"), Decimal("0.01144"), 4, 1, 4, False),
        ("KZT", Decimal("0.00198"), Decimal("0.00197"), Decimal("0.00199"), 4, 3, 4, False),
    ]


def test_a_ticker_of_an_earlier_day_is_suspected_to_be_stale_in_every_pair_or_not_at_all(given):
    def ticker(number: int, kzt: str, change: str):
        return [printed(number, "0.01144", "0%"), printed(number, kzt, change, base="KZT", position=2)]

    warehouse = given(
        capture=[day(5), day(6), day(8), day(9)],
        rate_observation=[
            *ticker(5, "0.00198", "0.1%"),
            *ticker(6, "0.00197", "-0%"),
            *ticker(8, "0.00198", "0.1%"),
            # the rates of 6 December with another change
            *ticker(9, "0.00197", "0%"),
        ],
    )
    assert warehouse.rows(
        "select rate_date, is_stale_suspect, distinct_tickers, day_low from main.fct_rate_daily"
        " where base = 'KGS' order by all"
    ) == [
        (date(2025, 12, 5), False, 1, Decimal("0.01144")),
        (date(2025, 12, 6), False, 1, Decimal("0.01144")),
        (date(2025, 12, 7), None, 0, None),
        (date(2025, 12, 8), True, 1, Decimal("0.01144")),
        (date(2025, 12, 9), False, 1, Decimal("0.01144")),
    ]


def test_a_date_far_from_the_fetch_is_kept_with_it_and_flagged(given):
    def fetched(name: str, page_date: str, captured_date: str, kind: str = "listing"):
        return {
            "capture_id": name,
            "page_date": page_date,
            "page_kind": kind,
            "captured_at": f"{captured_date} 02:00:00+00",
            "captured_date": captured_date,
        }

    warehouse = given(
        capture=[
            fetched("fresh", "2025-12-05", "2025-12-06"),
            fetched("cached", "2025-11-05", "2025-12-07"),
            fetched("article", "2018-08-28", "2025-12-08", "article"),
            fetched("ahead", "2026-12-05", "2025-12-09"),
        ],
        rate_observation=[{"capture_id": name} for name in ("fresh", "cached", "article", "ahead")],
    )
    assert warehouse.rows(
        "select capture_id, rate_date, page_date, captured_date, date_conflict from main.fct_rate_observation"
        " order by rate_date"
    ) == [
        ("cached", date(2025, 11, 5), date(2025, 11, 5), date(2025, 12, 7), True),
        ("fresh", date(2025, 12, 5), date(2025, 12, 5), date(2025, 12, 6), False),
        ("article", date(2025, 12, 8), date(2018, 8, 28), date(2025, 12, 8), True),
        ("ahead", date(2025, 12, 9), date(2026, 12, 5), date(2025, 12, 9), True),
    ]
    assert warehouse.rows(
        "select rate_date, date_conflict from main.fct_rate_daily where not is_filled order by rate_date"
    ) == [
        (date(2025, 11, 5), True),
        (date(2025, 12, 5), False),
        (date(2025, 12, 8), True),
        (date(2025, 12, 9), True),
    ]


def test_a_day_won_from_a_web_archive_is_marked_and_a_filled_day_is_neither_won_nor_observed(given):
    warehouse = given(
        archive_file=[{"archive_file": "of_slot", "schedule": "daily", "slot": "2025-12-07 02:00:00+00"}],
        capture=[day(5, source="wayback"), day(7, archive_file="of_slot")],
        rate_observation=[printed(5, "0.01144"), printed(7, "0.01143")],
    )
    assert warehouse.rows(
        "select rate_date, source, is_backfilled, is_filled from main.fct_rate_daily order by all"
    ) == [
        (date(2025, 12, 5), "wayback", True, False),
        (date(2025, 12, 6), "wayback", None, True),
        (date(2025, 12, 7), "timesca", False, False),
    ]
    assert "fct_rate_daily_filled_never_looks_observed" not in warehouse.firing()


def test_a_day_that_a_run_and_a_web_archive_have_is_that_of_the_run(given):
    warehouse = given(
        archive_file=[{"archive_file": "of_slot", "schedule": "daily", "slot": "2025-12-05 02:00:00+00"}],
        capture=[
            {"capture_id": "own", "page_date": "2025-12-05", "archive_file": "of_slot"},
            day(5, source="wayback"),
        ],
        rate_observation=[printed(5, "0.01144"), {"capture_id": "own", "rate_text": "0.01143"}],
    )
    assert warehouse.rows("select rate, source, is_backfilled from main.fct_rate_daily") == [
        (Decimal("0.01143"), "timesca", False)
    ]
    assert warehouse.rows("select source, is_backfilled from main.fct_rate_observation order by source") == [
        ("timesca", False),
        ("wayback", True),
    ]


def test_a_filled_day_that_looks_won_from_a_web_archive_fires(given):
    warehouse = given(
        capture=[day(5), day(7)], rate_observation=[printed(5, "0.01144"), printed(7, "0.01143")]
    )
    warehouse.rows("from main.fct_rate_daily")
    for value in ("true", "false"):
        warehouse.con.execute(f"update main.fct_rate_daily set is_backfilled = {value} where is_filled")
        assert "fct_rate_daily_filled_never_looks_observed" in warehouse.firing()
