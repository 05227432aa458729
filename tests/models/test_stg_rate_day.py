from datetime import date
from decimal import Decimal

from tests.models.rows import capture


def printed(number, rate, change="0%", base="KGS"):
    return {"capture_id": f"c{number}", "base": base, "rate_text": rate, "change_text": change}


def rate_days(given, captures, rates, columns):
    warehouse = given(capture=captures, rate_observation=rates)
    return warehouse.rows(f"select {columns} from staging.stg_rate_day order by rate_date, base")


def test_a_day_counts_its_prints_and_has_their_range(given):
    rows = rate_days(
        given,
        [capture("c1", 5), capture("c2", 5, "08:00:00")],
        [printed(1, "0.01144"), printed(2, "0.01141")],
        "rate_date, base, observations, distinct_rates, distinct_tickers, day_low, day_high",
    )
    assert rows == [(date(2025, 12, 5), "KGS", 2, 2, 2, Decimal("0.01141"), Decimal("0.01144"))]


def test_the_latest_print_of_a_day_counts(given):
    captures = [capture("c1", 5, "08:00:00"), capture("c2", 5)]
    warehouse = given(capture=captures, rate_observation=[printed(1, "0.01144"), printed(2, "0.01141")])
    assert warehouse.row(
        "select rate from staging.stg_rate_day inner join main.fct_rate_observation using (capture_order, base)"
    ) == (Decimal("0.01144"),)


def test_a_later_print_of_a_source_that_the_seed_does_not_rank_counts_only_without_another(given):
    captures = [
        capture("c1", 5),
        capture("c2", 5, "08:00:00", source="a-bank"),
        capture("c3", 6, source="a-bank"),
    ]
    rates = [printed(1, "0.01144"), printed(2, "0.01141"), printed(3, "0.01142")]
    assert rate_days(given, captures, rates, "day_low, observations") == [
        (Decimal("0.01144"), 1),
        (Decimal("0.01142"), 1),
    ]


def test_a_page_of_a_web_archive_counts_before_the_wayback_machine_and_a_text_after_it(given):
    captures = [
        capture("c1", 5, source="web-archive", url="https://timesca.com/a/"),
        capture("c2", 5, source="wayback", url="https://timesca.com/a/"),
        capture("c3", 6, source="wayback"),
        capture("c4", 6, "08:00:00", source="web-archive", source_kind="wet"),
        capture("c5", 7, source="web-archive", source_kind="wet"),
    ]
    rates = [printed(number, f"0.0114{number}") for number in range(1, 6)]
    assert rate_days(given, captures, rates, "day_low, day_high, observations") == [
        (Decimal("0.01141"), Decimal("0.01141"), 1),
        (Decimal("0.01143"), Decimal("0.01143"), 1),
        (Decimal("0.01145"), Decimal("0.01145"), 1),
    ]


def test_a_ticker_of_an_earlier_day_is_suspected_to_be_stale(given):
    captures = [capture("c1", 5), capture("c2", 6), capture("c3", 7)]
    rates = [printed(1, "0.01144"), printed(2, "0.01144", "-0%"), printed(3, "0.01144")]
    assert rate_days(given, captures, rates, "is_stale_suspect") == [(False,), (False,), (True,)]


def test_a_stale_ticker_names_the_latest_earlier_day_that_it_equals(given):
    captures = [capture(f"c{number}", number) for number in (5, 6, 7, 8)]
    rates = [printed(number, "0.01143" if number == 7 else "0.01144") for number in (5, 6, 7, 8)]
    assert rate_days(given, captures, rates, "is_stale_suspect, repeats_date") == [
        (False, None),
        (True, date(2025, 12, 5)),
        (False, None),
        (True, date(2025, 12, 6)),
    ]


def test_a_ticker_repeats_no_day_of_another_source(given):
    captures = [capture("c1", 5, source="web-archive"), capture("c2", 6)]
    rates = [printed(1, "0.01144"), printed(2, "0.01144")]
    assert rate_days(given, captures, rates, "repeats_date") == [(None,), (None,)]


def test_the_latest_print_of_a_day_names_the_day_that_it_repeats(given):
    captures = [capture("c1", 5), capture("c2", 6), capture("c3", 6, "08:00:00")]
    rates = [printed(1, "0.01144"), printed(2, "0.01144"), printed(3, "0.01141")]
    assert rate_days(given, captures, rates, "is_stale_suspect, repeats_date") == [
        (False, None),
        (False, None),
    ]
