"""The table of the Bank of Russia."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ca_etl.parse.page import Content
from ca_etl.records import OfficialRate, RejectReason
from tests.sources.banks.tables import CBR, dollars, fixture, reasons, xml

TABLE = fixture("cbr_daily.xml")
URL = "https://www.cbr.ru/scripts/XML_daily.asp?date_req=26/04/2026"


def rates(content: Content) -> dict[str, OfficialRate]:
    return {rate.base: rate for rate in content.records if isinstance(rate, OfficialRate)}


@pytest.mark.parametrize(
    ("currency", "printed", "nominal", "rate"),
    [
        ("USD", "75,5273", 1, "75.5273"),
        ("KZT", "16,3172", 100, "0.163172"),
        ("KGS", "86,4125", 100, "0.864125"),
        ("TJS", "80,0866", 10, "8.00866"),
        ("TMT", "21,5792", 1, "21.5792"),
        ("UZS", "62,8322", 10_000, "0.00628322"),
    ],
)
def test_the_roubles_of_six_currencies_are_read_by_their_units(
    currency: str, printed: str, nominal: int, rate: str
) -> None:
    content = CBR.content(TABLE, url=URL)
    read = rates(content)[currency]
    assert (read.rate_text, read.nominal, read.rate, read.quote) == (printed, nominal, Decimal(rate), "RUB")
    assert (len(content.records), content.rejects) == (6, ())


@pytest.mark.parametrize(
    ("currency", "per_dollar"),
    [("KZT", "462.87"), ("KGS", "87.403"), ("UZS", "12020.48"), ("TJS", "9.4307"), ("TMT", "3.5000")],
)
def test_the_cross_through_the_rouble_is_the_home_banks_rate(currency: str, per_dollar: str) -> None:
    read = rates(CBR.content(TABLE))
    cross = read["USD"].rate / read[currency].rate
    assert cross.quantize(Decimal(per_dollar)) == Decimal(per_dollar)


def test_on_a_sunday_the_table_is_of_the_day_before() -> None:
    (dollar,) = dollars(CBR.content(TABLE, url=URL))
    assert (dollar.rate_date, dollar.requested_date) == (date(2026, 4, 25), date(2026, 4, 26))


def test_the_latest_table_has_no_requested_day() -> None:
    (dollar,) = dollars(CBR.content(TABLE, url="https://www.cbr.ru/scripts/XML_daily.asp"))
    assert dollar.requested_date is None


@pytest.mark.parametrize("unit_rate", ["1,2E-4", "NaN", "", "-1"])
def test_the_rate_of_one_unit_is_not_read(unit_rate: str) -> None:
    content = CBR.content(TABLE.replace(b"0,163172", unit_rate.encode()))
    assert rates(content)["KZT"].rate == Decimal("0.163172")


@pytest.mark.parametrize("price", ["1,2E-4", "16.3172", "-16,3172"])
def test_a_currency_whose_price_is_not_a_number_is_a_reject_beside_the_others(price: str) -> None:
    content = CBR.content(TABLE.replace(b"16,3172", price.encode()))
    assert sorted(rates(content)) == ["KGS", "TJS", "TMT", "USD", "UZS"]
    assert [reject.reason for reject in content.rejects] == [RejectReason.BAD_NUMBER]


def test_a_currency_that_is_missing_is_named_beside_the_others() -> None:
    content = CBR.content(TABLE.replace(b"<CharCode>TMT", b"<CharCode>TMM"))
    assert sorted(rates(content)) == ["KGS", "KZT", "TJS", "USD", "UZS"]
    (reject,) = content.rejects
    assert (reject.reason, reject.detail) == (RejectReason.NO_RATE, "no line of TMT among 7")


def test_a_table_without_currencies_is_a_day_without_publication() -> None:
    content = CBR.content(xml('<ValCurs Date="25.04.2026" name="Market"/>', "windows-1251"))
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_PUBLICATION})


@pytest.mark.parametrize(
    ("text", "other", "reason"),
    [
        (b' Date="25.04.2026"', b"", RejectReason.BAD_DAY),
        (b"25.04.2026", b"2026-04-25", RejectReason.BAD_DAY),
        (b"<Nominal>10000</Nominal>", b"", RejectReason.BAD_XML),
        (b"<Value>75,5273</Value>", b"<Value>75,5273</Value><Value>75,5274</Value>", RejectReason.BAD_XML),
        (b"ValCurs", b"Metall", RejectReason.BAD_XML),
    ],
)
def test_a_table_of_another_structure_is_a_reject(text: bytes, other: bytes, reason: RejectReason) -> None:
    assert text in TABLE
    content = CBR.content(TABLE.replace(text, other))
    assert (content.records, reasons(content), content.is_readable) == ((), {reason}, False)
