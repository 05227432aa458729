from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.dates import looks_like_date, read_date, read_header
from ca_etl.parse.page import Page, Shown
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
    assert looks_like_date("5 December 2025")
    assert looks_like_date("31 February 2025")
    assert not looks_like_date("12 trains a day")
    assert not looks_like_date("Mar 23")


@pytest.mark.parametrize("line", ["5 December 2025", "31 February 2025"])
def test_a_bad_date_line_behind_the_ticker_is_reported(page: Callable[..., Page], line: str) -> None:
    read = page(f"• KGS/USD = 0.01144 0%\n{line}\n\nViewing results 1 - 6 of 8\n")
    assert read.page_date is None
    assert RejectReason.BAD_DATE_LINE in [reject.reason for reject in read.rejects]
    assert read.shown == Shown(1, 6, 8)


def test_the_header_is_taken_as_it_stands_also_past_its_total() -> None:
    assert read_header("Viewing results 1 - 6 of 2") == Shown(1, 6, 2)
    assert read_header("Viewing results 1 \N{EN DASH} 6 of 9877") == Shown(1, 6, 9877)
    assert read_header("Viewing results 1 - 6 of 9,877") is None
    assert read_header("Viewing results 1 - 6") is None


def test_a_bad_header_is_reported(page: Callable[..., Page]) -> None:
    read = page(
        "• KGS/USD = 0.01144 0%\n05 December 2025\n\nViewing results 1 - 6 of many\n\nA Title of Ours\n\nText."
    )
    assert read.shown is None
    assert [reject.reason for reject in read.rejects if reject.reason is RejectReason.BAD_HEADER]
