"""The list of the Central Bank of Uzbekistan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from ca_etl.records import OfficialRate, RejectReason
from tests.sources.banks.tables import CBU, Entry, dollars, fixture, reasons

ONE = fixture("cbu_usd.json")
ALL = fixture("cbu_all.json")


def test_the_dollar_of_a_day_is_one_entry() -> None:
    content = CBU.content(ONE)
    day = date(2025, 12, 5)
    assert content.records == (
        OfficialRate("c", 0, "USD", "UZS", "11963.23", 1, Decimal("11963.23"), day, requested_date=day),
    )
    assert (content.rejects, content.day) == ((), day)


def test_of_the_full_list_only_the_dollar_is_read() -> None:
    # the manat of this list is at 3.02 per dollar, where every other bank has 3.50; the rial has no rate
    content = CBU.content(ALL, url="https://cbu.uz/en/arkhiv-kursov-valyut/json/")
    assert content.records == (
        OfficialRate("c", 0, "USD", "UZS", "12194.21", 1, Decimal("12194.21"), date(2026, 4, 1)),
    )
    assert content.rejects == ()


def test_the_position_of_the_dollar_is_that_in_the_list() -> None:
    entries = [Entry("4037.68", "01.04.2026", code="TMT"), Entry("12194.21", "01.04.2026")]
    assert [rate.position for rate in dollars(CBU.content(CBU.write(entries)))] == [1]


@pytest.mark.parametrize("body", [b"[]", b" [ ]\n"])
def test_an_empty_list_is_a_day_without_publication(body: bytes) -> None:
    content = CBU.content(body)
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_PUBLICATION})
    assert (content.is_readable, content.day) == (True, date(2025, 12, 5))


def test_for_a_day_to_come_the_latest_table_has_its_own_day() -> None:
    (rate,) = dollars(CBU.content(ONE, url=CBU.url.replace("2025-12-05", "2026-12-31")))
    assert (rate.rate_date, rate.requested_date) == (date(2025, 12, 5), date(2026, 12, 31))


def test_a_list_of_several_days_is_a_reject() -> None:
    entries = [Entry("11963.23", "05.12.2025"), Entry("11912.38", "04.12.2025")]
    content = CBU.content(CBU.write(entries))
    assert (content.records, reasons(content), content.is_readable) == ((), {RejectReason.BAD_DAY}, False)


@pytest.mark.parametrize("difference", ["", "-16.5", "NaN", "1e999"])
def test_the_difference_to_the_day_before_is_not_read(difference: str) -> None:
    content = CBU.content(ONE.replace(b"50.85", difference.encode()))
    assert [rate.rate_text for rate in dollars(content)] == ["11963.23"]


def test_the_differences_of_autumn_2026_lead_from_one_printed_rate_to_the_next() -> None:
    printed = [
        ("29.09.2026", "11806.97", None),
        ("30.09.2026", "11821.18", "14.21"),
        ("01.10.2026", "11808.76", "-12.42"),
        ("03.10.2026", "11772.95", "-35.81"),
        ("06.10.2026", "11778.45", "5.50"),
    ]
    rates = [dollars(CBU.content(CBU.write([Entry(price, day)])))[0].rate for day, price, _ in printed]
    assert [later - rate for rate, later in pairwise(rates)] == [
        Decimal(change) for _, _, change in printed if change
    ]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ('"Rate":"11963.23"', '"Rate":11963.23'),
        ('"Rate":"11963.23"', '"Rate":NaN'),
        ('"Rate":"11963.23"', '"Rate":Infinity'),
        ('"Rate":"11963.23"', '"Rate":null'),
        ('"Rate":"11963.23"', '"Rate":["11963.23"]'),
        ('"Rate":"11963.23"', '"rate":"11963.23"'),
        ('"Rate":"11963.23"', '"Rate":"11963.23","Rate":"11963.24"'),
        ('"Rate":"11963.23"', '"Rate":"11963.23","Rate":"11963.23"'),
        ('"Rate":"11963.23"', '"Rate":"11963.24","R\\u0061te":"11963.23"'),
        ('"Nominal":"1"', '"Nominal":1'),
        ('"Nominal":"1"', '"Nominal":true'),
        ('"Date":"05.12.2025"', '"Date":20251205'),
        ('"Ccy":"USD",', ""),
        ('"id":1', f'"id":{"9" * 5000}'),
        ("[{", '{"rates":[{'),
        ("[{", "[[{"),
        ("[{", "[null,{"),
        ("[{", '["USD",{'),
        ("[{", "[{},{"),
        ("[{", "\x00[{"),
        ("}]", "},]"),
        ("}]", "}] 1"),
        ("USD", "\u0007USD"),
    ],
)
def test_a_list_of_another_structure_is_a_reject(text: str, other: str) -> None:
    table = ONE.decode()
    assert text in table
    closing = {'{"rates":[{': "}", "[[{": "]"}.get(other, "")
    content = CBU.content((table.replace(text, other) + closing).encode())
    assert (content.records, reasons(content), content.is_readable) == ((), {RejectReason.BAD_JSON}, False)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_list_in_another_unicode_charset_is_read(charset: str) -> None:
    assert [rate.rate_text for rate in dollars(CBU.content(ONE.decode().encode(charset)))] == ["11963.23"]


def test_a_list_that_is_not_unicode_is_a_reject() -> None:
    content = CBU.content(ONE.replace(b"AQSH", b"\xc0\xd1\xd5"))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_JSON})
