from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.lines import is_date_like, is_header, parse_instant, read_date, read_header
from ca_etl.parse.page import Page, ResultCount
from ca_etl.records import RejectReason

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_reads_back_from_its_line(day: date) -> None:
    line = f"{day.day:02} {MONTHS[day.month - 1]} {day.year}"
    assert read_date(line) == day
    assert read_date(f"  {line} \r") == day


@pytest.mark.parametrize(
    "line",
    ["5 December 2025", "05 Dec 2025", "05 december 2025", "05 Dezember 2025", "31 February 2025", "00 May 2025",
     "05 December 25", "05 December 2025.", "on 05 December 2025", "05 December 2025 x",
     "\u0660\u0665 December 2025", ""],
)  # fmt: skip
def test_no_other_line_is_a_date(line: str) -> None:
    assert read_date(line) is None


def test_a_line_that_means_a_date_is_told_from_prose() -> None:
    assert is_date_like("5 December 2025")
    assert is_date_like("31 February 2025")
    assert not is_date_like("12 trains a day")
    assert not is_date_like("Mar 23")


@pytest.mark.parametrize("line", ["5 December 2025", "31 February 2025"])
def test_a_bad_date_line_behind_the_ticker_is_reported(page: Callable[..., Page], line: str) -> None:
    read = page(f"• KGS/USD = 0.01144 0%\n{line}\n\nViewing results 1 - 6 of 8\n")
    assert read.page_date is None
    assert RejectReason.BAD_DATE_LINE in [reject.reason for reject in read.rejects]
    assert read.shown == ResultCount(1, 6, 8)


def test_the_header_is_taken_as_it_stands_also_past_its_total() -> None:
    assert read_header("Viewing results 1 - 6 of 2") == ResultCount(1, 6, 2)
    assert read_header("Viewing results 1 \N{EN DASH} 6 of 9877") == ResultCount(1, 6, 9877)
    assert read_header("Viewing results 1 - 6 of 9,877") is None
    assert read_header("Viewing results 1 - 6") is None


def test_a_bad_header_is_reported(page: Callable[..., Page]) -> None:
    read = page(
        "• KGS/USD = 0.01144 0%\n05 December 2025\n\nViewing results 1 - 6 of many\n\nA Title of Ours\n\nText."
    )
    assert read.shown is None
    assert [reject.reason for reject in read.rejects if reject.reason is RejectReason.BAD_HEADER]


@pytest.mark.parametrize(
    "line",
    ["05 December 2025" + " " * 40 + "was a Friday", "05 December 2025" + "\t" * 25 + "x"],
)
def test_a_date_with_prose_far_after_it_is_no_date_line(line: str) -> None:
    assert read_date(line) is None
    assert not is_date_like(line)


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("Viewing results 1 - 6 of many", True),
        ("Vi\u0435wing results 1 - 6 of 8", True),
        ("Viewing results 1 - 6 of 8 and more", True),
        ("Vi\u0435wing results 1 - 6 of 8 and more", False),
        ("Viewing " + "results", True),
        ("Viewing result", False),
        ("Viewing results ".ljust(80, "9"), True),
        ("Viewing results ".ljust(81, "9"), False),
    ],
)
def test_a_line_of_up_to_80_characters_that_begins_as_the_header_claims_to_be_one(
    line: str, *, is_one: bool
) -> None:
    assert is_header(line) is is_one


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "Viewing results 999999999 - 999999999 of 999999999",
            ResultCount(999_999_999, 999_999_999, 999_999_999),
        ),
        ("Viewing results 1 - 6 of 1000000000", None),
        ("Viewing results 1 - 6 of 8 ", None),
        (" Viewing results 1 - 6 of 8", None),
        ("Viewing results 1 - 6 of 8" + " " * 60, None),
    ],
)
def test_a_header_has_numbers_of_up_to_nine_digits_and_nothing_else(
    line: str, shown: ResultCount | None
) -> None:
    assert read_header(line) == shown


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2025-12-05T02:00:00Z", datetime(2025, 12, 5, 2, tzinfo=UTC)),
        (" 2025-12-05T07:00:00+05:00\n", datetime(2025, 12, 5, 2, tzinfo=UTC)),
        ("2025-12-05T02:00:00.123456+00:00", datetime(2025, 12, 5, 2, 0, 0, 123456, tzinfo=UTC)),
        ("1990-01-01T00:00:00Z", datetime(1990, 1, 1, tzinfo=UTC)),
        ("2200-12-31T00:00:00Z", datetime(2200, 12, 31, tzinfo=UTC)),
        ("1989-12-31T23:59:59Z", None),
        ("2201-01-01T00:00:00Z", None),
        ("2025-12-05T02:00:00", None),
        ("2025-02-31T02:00:00Z", None),
        ("soon", None),
        ("", None),
    ],
)
def test_an_instant_has_an_offset_and_a_year_from_1990_to_2200(value: str, read: datetime | None) -> None:
    instant_read = parse_instant(value)
    assert instant_read == read
    assert instant_read is None or instant_read.tzinfo is UTC
