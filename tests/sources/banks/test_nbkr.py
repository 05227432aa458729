"""The latest table of the National Bank of the Kyrgyz Republic, and its page of past days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ca_etl.records import OfficialRate, RejectReason
from tests.sources.banks.tables import NBKR, NBKR_PAST, dollars, fixture, reasons, xml

LATEST = fixture("nbkr_daily.xml")
PAST = fixture("nbkr_past.html")


def test_the_latest_table_is_read_in_its_charset_with_a_decimal_comma() -> None:
    assert "Ежедневные курсы валют".encode("windows-1251") in LATEST
    content = NBKR.content(LATEST)
    day = date(2026, 5, 24)
    assert content.records == (OfficialRate("c", 0, "USD", "KGS", "87,4500", 1, Decimal("87.45"), day),)
    assert (content.rejects, content.day) == ((), day)


def test_a_non_breaking_space_after_the_value_is_not_part_of_it() -> None:
    (rate,) = dollars(NBKR.content(LATEST.replace(b"87,4500", b"87,4500\xa0")))
    assert rate.rate_text == "87,4500"


def test_the_weekly_table_has_no_dollar() -> None:
    content = NBKR.content(LATEST.replace(b"USD", b"TJS"), url="https://www.nbkr.kg/XML/weekly.xml")
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_RATE})


def test_a_table_without_currencies_is_a_day_without_publication() -> None:
    content = NBKR.content(xml('<CurrencyRates Name="Daily" Date="24.05.2026"/>', "windows-1251"))
    assert (content.records, reasons(content)) == ((), {RejectReason.NO_PUBLICATION})


@pytest.mark.parametrize(
    ("text", "other", "reason"),
    [
        (b' Date="24.05.2026"', b"", RejectReason.BAD_DAY),
        (b"<Nominal>1</Nominal>", b"", RejectReason.BAD_XML),
        (b"<Value>87,4500</Value>", b"<Value>87,4500</Value><Value>88,4500</Value>", RejectReason.BAD_XML),
        (b"windows-1251", b"windows-9999", RejectReason.BAD_XML),
        (b"windows-1251", b"utf-8", RejectReason.BAD_XML),
        (b"CurrencyRates", b"Rates", RejectReason.BAD_XML),
    ],
)
def test_a_table_of_another_structure_is_a_reject(text: bytes, other: bytes, reason: RejectReason) -> None:
    assert text in LATEST
    content = NBKR.content(LATEST.replace(text, other))
    assert (content.records, reasons(content), content.is_readable) == ((), {reason}, False)


def test_the_page_of_past_days_is_read_newest_first_and_other_tables_of_it_are_not() -> None:
    content = NBKR_PAST.content(PAST)
    rates = [(rate.position, f"{rate.rate_date}", rate.rate_text) for rate in dollars(content)]
    assert rates == [
        (0, "2026-09-12", "87,4500"),
        (1, "2026-09-03", "87,4488"),
        (2, "2026-05-24", "87,4500"),
    ]
    assert {(rate.quote, rate.nominal, rate.requested_date) for rate in dollars(content)} == {
        ("KGS", 1, None)
    }
    assert (content.rejects, content.day) == ((), date(2026, 9, 12))


def test_a_day_whose_value_is_not_a_number_is_a_reject_beside_the_other_days() -> None:
    content = NBKR_PAST.content(PAST.replace(b"87,4488", b"87.4488"))
    assert [f"{rate.rate_date}" for rate in dollars(content)] == ["2026-09-12", "2026-05-24"]
    assert reasons(content) == {RejectReason.BAD_NUMBER}


@pytest.mark.parametrize("value", ["87<sup>1</sup>,4488", "87<!-- -->,4488", "87<br>,4488", "<b>87,4488</b>"])
def test_a_value_with_more_than_text_in_it_is_a_reject(value: str) -> None:
    content = NBKR_PAST.content(PAST.replace(b"87,4488", value.encode()))
    assert [f"{rate.rate_date}" for rate in dollars(content)] == ["2026-09-12", "2026-05-24"]
    assert reasons(content) == {RejectReason.BAD_NUMBER}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (b"03.09.2026", b"<b>03.09.2026</b>"),
        (b"<!-- date -->03.09.2026", b"03.09.2026"),
        (b"<!-- value -->87,4488", b"87,4488"),
        (b"<!-- value -->87,4488", b"<!-- value --><!-- value -->87,4488"),
        (b"99,9999", b"<!-- value -->99,9999<!-- value -->"),
        (b"<td>09.09.2026", b"<td><!-- date -->09.09.2026<!-- date -->"),
        (b"<!-- date -->", b"<!-- day -->"),
        (b'<tr><td class="stat-center"><!-- date -->03', b'<tr><td class="stat-center"><!-- date --><tr>03'),
    ],
)
def test_a_page_of_another_structure_is_a_reject(text: bytes, other: bytes) -> None:
    assert text in PAST
    content = NBKR_PAST.content(PAST.replace(text, other))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_HTML})
    assert not content.is_readable


def test_a_page_with_two_tables_of_rates_is_a_reject() -> None:
    table = PAST[PAST.index(b'<table class="rates">') : PAST.index(b"</table>\n</td>") + len(b"</table>")]
    content = NBKR_PAST.content(PAST.replace(table, table + table.replace(b"87,", b"1,")))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_HTML})


def test_a_day_of_the_page_that_does_not_parse_is_a_reject() -> None:
    content = NBKR_PAST.content(PAST.replace(b"03.09.2026", b"31.09.2026"))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_DAY})


@pytest.mark.parametrize("currency", ["valuta_id=20", "valuta_id=150", "valuta_id=1"])
def test_the_page_of_another_currency_is_not_read_as_the_dollars(currency: str) -> None:
    content = NBKR_PAST.content(PAST, url=NBKR_PAST.url.replace("valuta_id=15", currency))
    assert (content.records, content.is_readable) == ((), False)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("</td>", ""),
        ("</tr>", ""),
        ("<!-- ", "<!--"),
        ("\n", "\r\n"),
        ("&nbsp;", "\u00a0"),
        ("&nbsp;", ""),
        ('<table class="rates">', "<TABLE><tbody>"),
        ("</table>", "</TABLE>"),
    ],
)
def test_the_page_of_past_days_may_be_written_otherwise(text: str, other: str) -> None:
    content = NBKR_PAST.content(PAST.decode().replace(text, other).encode())
    assert content.records == NBKR_PAST.content(PAST).records
    assert content.rejects == ()
