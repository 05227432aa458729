"""The table of a day and of a range of days of the National Bank of Tajikistan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ca_etl.records import OfficialRate, RejectReason
from tests.sources.banks.tables import NBT, NBT_RANGE, Format, dollars, fixture, reasons, xml

DAY = fixture("nbt_day.xml")
RANGE = fixture("nbt_range.xml")
URL = "https://www.nbt.tj/en/kurs/export_xml.php?date=2026-05-20&export=xmlout"


def test_the_table_of_a_day_has_its_day_year_first() -> None:
    content = NBT.content(DAY, url=URL)
    day = date(2026, 5, 20)
    assert content.records == (
        OfficialRate("c", 0, "USD", "TJS", "9.3288", 1, Decimal("9.3288"), day, requested_date=day),
    )
    assert (content.rejects, content.day) == ((), day)


def test_a_day_outside_the_past_of_the_bank_gives_the_newest_table_with_its_own_day() -> None:
    (rate,) = dollars(NBT.content(DAY, url=URL.replace("2026-05-20", "1999-12-31")))
    assert (rate.rate_date, rate.requested_date) == (date(2026, 5, 20), date(1999, 12, 31))


def test_the_number_of_a_currency_is_not_read() -> None:
    assert dollars(NBT.content(DAY.replace(b'ID="840"', b'ID="51"')))


def test_a_table_without_currencies_is_a_day_without_publication() -> None:
    content = NBT.content(xml('<ValCurs Date="2026-05-20" name="Market"/>'))
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_PUBLICATION})


def test_a_range_is_read_in_its_charset_with_the_day_first() -> None:
    assert "доллар".encode("windows-1251") in RANGE
    content = NBT_RANGE.content(RANGE)
    assert [(rate.position, f"{rate.rate_date}", rate.rate_text) for rate in dollars(content)] == [
        (0, "2026-05-18", "9.3450"),
        (1, "2026-05-19", "9.3371"),
        (2, "2026-05-20", "9.3288"),
    ]
    assert {rate.requested_date for rate in dollars(content)} == {None}
    assert (content.rejects, content.day) == ((), date(2026, 5, 20))


@pytest.mark.parametrize("root", [b"ValCurs", b"Dynamic"])
def test_the_root_of_a_range_may_have_any_name(root: bytes) -> None:
    assert len(dollars(NBT_RANGE.content(RANGE.replace(b"ValCurs", root)))) == 3


def test_the_records_of_another_currency_are_not_read() -> None:
    content = NBT_RANGE.content(RANGE.replace(b"USD", b"EUR"))
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_RATE})


@pytest.mark.parametrize("form", [NBT, NBT_RANGE])
@pytest.mark.parametrize("page", ["nbt_help.html", "bad_gateway.html"])
def test_a_page_of_help_or_of_an_error_is_a_reject(form: Format, page: str) -> None:
    content = form.content(fixture(page))
    assert (content.records, reasons(content), content.is_readable) == ((), {RejectReason.BAD_XML}, False)


@pytest.mark.parametrize(
    ("text", "other", "reason"),
    [
        (b' Date="2026-05-20"', b"", RejectReason.BAD_DAY),
        (b"2026-05-20", b"20.05.2026", RejectReason.BAD_DAY),
        (b"<CharCode>USD</CharCode>", b"", RejectReason.BAD_XML),
        (b"<Value>9.3288</Value>", b"<Value>9.3288</Value><Value>9.3289</Value>", RejectReason.BAD_XML),
        (b"<Value>9.3288</Value>", b"<Value>9<i>3</i>.288</Value>", RejectReason.BAD_XML),
        (b"ValCurs", b"ValCurses", RejectReason.BAD_XML),
    ],
)
def test_a_table_of_another_structure_is_a_reject(text: bytes, other: bytes, reason: RejectReason) -> None:
    assert text in DAY
    content = NBT.content(DAY.replace(text, other))
    assert (content.records, reasons(content), content.is_readable) == ((), {reason}, False)


@pytest.mark.parametrize(
    ("text", "other", "reason"),
    [
        (b' Date="19.05.2026"', b"", RejectReason.BAD_DAY),
        (b"19.05.2026", b"2026-05-19", RejectReason.BAD_DAY),
        (b"<Value>9.3371</Value>", b"", RejectReason.BAD_XML),
        (b"Record", b"Row", RejectReason.BAD_XML),
    ],
)
def test_a_range_of_another_structure_is_a_reject(text: bytes, other: bytes, reason: RejectReason) -> None:
    assert text in RANGE
    content = NBT_RANGE.content(RANGE.replace(text, other))
    assert (content.records, reasons(content), content.is_readable) == ((), {reason}, False)
