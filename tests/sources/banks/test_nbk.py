"""The table of the National Bank of Kazakhstan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ca_etl.records import OfficialRate, RejectReason
from tests.sources.banks.tables import NBK, Entry, dollars, fixture, reasons, xml

TABLE = fixture("nbk_2026-04-02.xml")
URL = "https://nationalbank.kz/rss/get_rates.cfm?fdate=02.04.2026"


def test_the_dollar_is_read_from_its_item_and_not_from_the_header() -> None:
    content = NBK.content(TABLE, url=URL)
    day = date(2026, 4, 2)
    assert content.records == (
        OfficialRate("c", 1, "USD", "KZT", "475.09", 1, Decimal("475.09"), day, requested_date=day),
    )
    assert (content.rejects, content.day) == ((), day)


def test_the_latest_table_has_no_requested_day() -> None:
    (rate,) = dollars(NBK.content(TABLE, url="https://nationalbank.kz/rss/rates_all.xml"))
    assert (rate.rate_date, rate.requested_date) == (date(2026, 4, 2), None)


def test_a_table_of_another_day_than_requested_has_its_own_day() -> None:
    (rate,) = dollars(NBK.content(TABLE, url=URL.replace("02.04", "04.04")))
    assert (rate.rate_date, rate.requested_date) == (date(2026, 4, 2), date(2026, 4, 4))


@pytest.mark.parametrize("printed", ["485.4", "485.40", "485", "0.4"])
def test_zeros_after_the_point_may_be_left_out(printed: str) -> None:
    (rate,) = dollars(NBK.content(NBK.table(printed)))
    assert (rate.rate_text, rate.rate) == (printed, Decimal(printed))


@pytest.mark.parametrize(
    ("quant", "rate"), [("1", "475.09"), ("100", "4.7509"), ("1000", "0.47509"), ("10000", "0.047509")]
)
def test_the_price_of_many_units_is_divided_by_them(quant: str, rate: str) -> None:
    (read,) = dollars(NBK.content(NBK.table("475.09", nominal=quant)))
    assert (read.rate_text, read.nominal, read.rate) == ("475.09", int(quant), Decimal(rate))


@pytest.mark.parametrize(
    "rest",
    [
        "<date>06.12.2025</date>",
        "<title>Rates</title><description>Rates</description><date>06.12.2025</date>",
        "<info>no table</info>",
        "<error>no table</error>",
        "",
    ],
)
def test_a_table_without_items_is_a_day_without_publication(rest: str) -> None:
    content = NBK.content(xml(f"<rates>{rest}</rates>"))
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_PUBLICATION})
    assert (content.is_readable, content.day) == (True, date(2025, 12, 5))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("<date>02.04.2026</date>", ""),
        ("<date>02.04.2026</date>", "<date>02.04.2026</date><date>03.04.2026</date>"),
        ("<quant>1</quant>", ""),
        ("<quant>1</quant>", "<quant>1</quant><quant>100</quant>"),
        ("<quant>1</quant>", "<quant>1<b>0</b></quant>"),
        ("<title><![CDATA[USD]]></title>", "<title>USD</title><title>EUR</title>"),
        ("<![CDATA[ 475.09 ]]>", "475<sup>1</sup>.09"),
        ("rates>", "rss>"),
    ],
)
def test_a_table_of_another_structure_is_a_reject(text: str, other: str) -> None:
    table = TABLE.decode()
    assert text in table
    content = NBK.content(table.replace(text, other).encode())
    assert (content.records, reasons(content), content.is_readable) == ((), {RejectReason.BAD_XML}, False)


def test_the_rates_of_other_currencies_are_not_read() -> None:
    entries = [Entry("5.43", "02.04.2026", code="KGS"), Entry("475.09", "02.04.2026")]
    content = NBK.content(NBK.write(entries))
    assert [(rate.base, rate.position) for rate in dollars(content)] == [("USD", 1)]
    assert len(content.records) == 1
