"""What every format has in common: the real rates are read exactly, and a damaged table gives no other number."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca_etl.parse.page import EXCERPT_CHARS
from ca_etl.records import OfficialRate, RejectReason
from ca_etl.sources.banks import BANK_SOURCES
from ca_etl.sources.banks.table import find_price
from tests.sources.banks.tables import CBU, FORMATS, NOW, Entry, Format, dollars, fixture, reasons

FIRST_DAY = date(1993, 1, 1)
XML = {name: form for name, form in FORMATS.items() if form.broken is RejectReason.BAD_XML}
WITH_UNITS = {name: form for name, form in FORMATS.items() if name != "nbkr past"}
OF_MANY_DAYS = {name: FORMATS[name] for name in ("nbkr past", "nbt range")}

every_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
every_xml = pytest.mark.parametrize("form", XML.values(), ids=XML)

# Local units per dollar as the home bank printed them: one row a published rate, by day in force.
PRINTED = [
    ("nbk", "2024-04-24", "444.32"),
    ("nbk", "2025-02-05", "520.27"),
    ("nbk", "2026-01-05", "505.53"),
    ("nbk", "2026-04-01", "478.77"),
    ("nbk", "2026-04-02", "475.09"),
    ("nbk", "2026-04-03", "472.31"),
    ("nbk", "2026-04-05", "470.46"),
    ("nbk", "2026-06-26", "485.4"),
    ("nbk", "2026-08-01", "473.59"),
    ("nbk", "2026-08-15", "464.02"),
    ("nbk", "2026-09-03", "455.4"),
    ("nbk", "2026-09-11", "450.79"),
    ("nbk", "2026-11-13", "443.62"),
    ("nbkr", "2026-05-24", "87.4500"),
    ("nbkr", "2026-09-03", "87.4488"),
    ("nbkr", "2026-09-12", "87.4500"),
    ("nbkr", "2026-10-09", "87.4500"),
    ("cbu", "2024-07-01", "12557.67"),
    ("cbu", "2025-01-06", "12942.01"),
    ("cbu", "2025-02-14", "13003.95"),
    ("cbu", "2025-03-28", "12913.19"),
    ("cbu", "2025-04-01", "12937.16"),
    ("cbu", "2025-12-04", "11912.38"),
    ("cbu", "2025-12-05", "11963.23"),
    ("cbu", "2025-12-09", "11990.09"),
    ("cbu", "2025-12-12", "12047.45"),
    ("cbu", "2026-01-05", "12004.41"),
    ("cbu", "2026-04-01", "12194.21"),
    ("cbu", "2026-04-02", "12142.10"),
    ("cbu", "2026-04-03", "12149.84"),
    ("cbu", "2026-04-27", "12020.48"),
    ("cbu", "2026-05-20", "12055.81"),
    ("cbu", "2026-06-26", "12013.52"),
    ("cbu", "2026-08-21", "11847.16"),
    ("cbu", "2026-09-03", "11813.09"),
    ("cbu", "2026-09-11", "11783.47"),
    ("cbu", "2026-09-26", "11825.40"),
    ("cbu", "2026-09-29", "11806.97"),
    ("cbu", "2026-10-03", "11772.95"),
    ("nbt", "2024-02-01", "10.9581"),
    ("nbt", "2025-02-03", "10.9252"),
    ("nbt", "2025-04-23", "10.6539"),
    ("nbt", "2025-05-21", "10.3135"),
    ("nbt", "2025-07-24", "9.5835"),
    ("nbt", "2025-09-11", "9.4713"),
    ("nbt", "2025-09-29", "9.4063"),
    ("nbt", "2026-05-18", "9.3450"),
    ("nbt", "2026-05-19", "9.3371"),
    ("nbt", "2026-05-20", "9.3288"),
    ("nbt", "2026-05-25", "9.2793"),
    ("nbt", "2026-09-03", "9.2525"),
]


@pytest.mark.parametrize(("bank", "day", "printed"), PRINTED)
def test_a_rate_that_a_bank_published_is_read_as_printed(bank: str, day: str, printed: str) -> None:
    form = FORMATS[bank]
    content = form.content(form.table(printed, day))
    (rate,) = dollars(content)
    assert (rate.rate_text, rate.rate, rate.nominal) == (form.number(printed), Decimal(printed), 1)
    assert (rate.rate_date, content.day) == (date.fromisoformat(day), date.fromisoformat(day))
    assert not content.rejects


@pytest.mark.parametrize("name", OF_MANY_DAYS)
def test_the_rates_that_a_bank_published_are_read_from_one_table_of_past_days(name: str) -> None:
    form = FORMATS[name]
    bank = name.split(maxsplit=1)[0]
    days = {date.fromisoformat(day): printed for of, day, printed in PRINTED if of == bank}
    newest_first = sorted(days, reverse=True)
    content = form.content(form.write([Entry(form.number(days[day]), form.day(day)) for day in newest_first]))
    assert [(rate.rate_date, rate.rate) for rate in dollars(content)] == [
        (day, Decimal(days[day])) for day in newest_first
    ]
    assert [rate.position for rate in dollars(content)] == list(range(len(days)))
    assert content.day == newest_first[0]
    assert not content.rejects


prices = st.decimals(Decimal("0.01"), 999_999_999, places=2)
days = st.dates(FIRST_DAY, NOW.date())


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@given(price=prices, day=days)
def test_any_price_of_any_day_is_read_back(form: Format, price: Decimal, day: date) -> None:
    content = form.content(form.table(f"{price:f}", f"{day}"))
    assert [(rate.rate, rate.rate_date) for rate in dollars(content)] == [(price, day)]
    assert not content.rejects


@pytest.mark.parametrize("form", WITH_UNITS.values(), ids=WITH_UNITS)
@given(price=prices, nominal=st.sampled_from([10, 100, 1000, 10_000]))
def test_a_price_of_many_units_is_divided_exactly(form: Format, price: Decimal, nominal: int) -> None:
    (rate,) = dollars(form.content(form.table(f"{price:f}", nominal=f"{nominal}")))
    assert rate.rate * nominal == price
    assert rate.nominal == nominal


@pytest.mark.parametrize("form", OF_MANY_DAYS.values(), ids=OF_MANY_DAYS)
@given(table=st.dictionaries(days, prices, min_size=1, max_size=9))
def test_any_table_of_past_days_is_read_back(form: Format, table: dict[date, Decimal]) -> None:
    entries = [Entry(form.number(f"{price:f}"), form.day(day)) for day, price in table.items()]
    rates = dollars(form.content(form.write(entries)))
    assert {rate.rate_date: rate.rate for rate in rates} == table


@every_format
def test_a_table_that_is_cut_is_a_reject_or_has_all_its_rates(form: Format) -> None:
    payload = form.table("9.32", "2026-05-20")
    whole = form.content(payload).records
    assert whole
    for length in range(len(payload)):
        content = form.content(payload[:length])
        if content.records:
            assert content.records == whole
        else:
            assert (reasons(content), content.is_readable) == ({form.broken}, False), length


@pytest.mark.parametrize("form", OF_MANY_DAYS.values(), ids=OF_MANY_DAYS)
def test_a_table_of_past_days_that_is_cut_does_not_lose_the_last_of_them(form: Format) -> None:
    payload = form.write(
        [
            Entry(form.number("87.45"), "12.09.2026"),
            Entry(form.number("87.4488"), "03.09.2026"),
        ]
    )
    whole = form.content(payload)
    for length in range(len(payload)):
        content = form.content(payload[:length])
        assert content == whole or (content.records, reasons(content)) == ((), {form.broken}), length


@every_format
@pytest.mark.parametrize(
    "text",
    [
        "-87.45",
        "+87.45",
        "\u221287.45",
        "0",
        "0.0000",
        "",
        "-",
        "NaN",
        "Infinity",
        "inf",
        "8.745E1",
        "1e4",
        "12 047.45",
        "12\u00a0047.45",
        "12\u202f047.45",
        "12,047.45",
        "12.047",
        "12,047",
        "12'047.45",
        "12\u2019047.45",
        "1_000",
        "87,45",
        "87.",
        ".45",
        "087.45",
        "87.45.1",
        "87.45678",
        "87.450",
        "1000000000",
        "0x57",
        "87.45 KGS",
        "\uff18\uff17.45",
        "\u0668\u0667",
        "8\u00b2",
    ],
)
def test_a_price_that_is_not_a_plain_number_is_a_reject(form: Format, text: str) -> None:
    day = form.day(date(2025, 12, 5))
    content = form.content(form.write([Entry(form.marks(text), day)]))
    assert dollars(content) == []
    assert reasons(content) == {RejectReason.BAD_NUMBER}
    assert content.is_readable


@pytest.mark.parametrize("form", WITH_UNITS.values(), ids=WITH_UNITS)
@pytest.mark.parametrize(
    "nominal", ["0", "-1", "+1", "1.5", "1,5", "3", "", "1 000", "1e2", "01", "1000000", "\uff11", "one"]
)
def test_units_that_are_not_a_positive_integer_or_give_no_exact_quotient_are_a_reject(
    form: Format, nominal: str
) -> None:
    content = form.content(form.table("10.01", nominal=nominal))
    assert dollars(content) == []
    assert reasons(content) == {RejectReason.BAD_NUMBER}


@every_format
@pytest.mark.parametrize(
    "text",
    [
        "29.02.2025",
        "2025-02-29",
        "31.04.2026",
        "00.01.2026",
        "5.12.2025",
        "2025-12-5",
        "05/12/2025",
        "05.12.25",
        "20251205",
        "12.2025",
        "05.12.2025 15:30",
        "\uff10\uff15.12.2025",
        "yesterday",
    ],
)
def test_a_day_that_does_not_parse_is_a_reject(form: Format, text: str) -> None:
    content = form.content(form.write([Entry(form.number("87.45"), text)]))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_DAY})
    assert not content.is_readable


@every_format
def test_a_day_in_the_writing_of_another_bank_is_a_reject(form: Format) -> None:
    other = "2025-12-05" if form.day_form == "%d.%m.%Y" else "05.12.2025"
    content = form.content(form.write([Entry(form.number("87.45"), other)]))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_DAY})


@every_format
@pytest.mark.parametrize(("ahead", "is_read"), [(0, True), (4, True), (5, False), (365, False)])
def test_a_table_is_dated_at_most_four_days_after_its_capture(
    form: Format, ahead: int, is_read: bool
) -> None:
    content = form.content(form.table(day=f"{NOW.date() + timedelta(days=ahead)}"))
    assert bool(dollars(content)) is is_read
    assert (RejectReason.BAD_DAY in reasons(content)) is not is_read


@every_format
def test_the_days_of_a_table_are_those_of_the_banks_zone(form: Format) -> None:
    # an hour before midnight UTC the next day has begun in all zones of the banks
    evening = datetime(2026, 11, 27, 23, tzinfo=UTC)
    assert dollars(form.content(form.table(day="2026-12-02"), at=evening))
    assert not dollars(form.content(form.table(day="2026-12-03"), at=evening))


@every_format
def test_a_file_of_unknown_time_may_have_any_day(form: Format) -> None:
    assert dollars(form.content(form.table(day="2031-01-01"), at=None))


@every_format
@pytest.mark.parametrize(("day", "is_read"), [("1993-01-01", True), ("1992-12-31", False)])
def test_no_bank_has_a_table_from_before_1993(form: Format, day: str, is_read: bool) -> None:
    assert bool(dollars(form.content(form.table(day=day)))) is is_read


@every_format
@pytest.mark.parametrize("second", ["87.45", "88.45", "-1"])
def test_a_table_with_the_dollar_twice_gives_neither(form: Format, second: str) -> None:
    day = form.day(date(2025, 12, 5))
    entries = [Entry(form.number(price), day) for price in ("87.45", second)]
    content = form.content(form.write(entries))
    assert dollars(content) == []
    assert [reject.reason for reject in content.rejects] == [RejectReason.TWO_RATES] * 2


@every_format
@pytest.mark.parametrize("day", ["2025-12-05", "2025-12-04"])
def test_two_tables_in_one_response_are_a_reject(form: Format, day: str) -> None:
    content = form.content(form.table() + form.table("88.45", day))
    assert (content.records, reasons(content)) == ((), {form.broken})


@pytest.mark.parametrize("form", WITH_UNITS.values(), ids=WITH_UNITS)
def test_a_table_without_the_dollar_has_no_rate(form: Format) -> None:
    content = form.content(form.table(code="EUR"))
    assert dollars(content) == []
    assert reasons(content) == {RejectReason.NO_RATE}
    assert content.is_readable


@every_format
@pytest.mark.parametrize(
    "body",
    [
        fixture("bad_gateway.html"),
        b"<!DOCTYPE html><title>502</title><p>Bad Gateway",
        b'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>502</p></body></html>',
        b"Bad Gateway",
        b" ",
        b"",
        b"null",
        b"{}",
        b"0",
        b"\x1f\x8b\x08\x00\x00",
        b"\xff\xfe",
        b"<a/>",
    ],
)
def test_what_is_not_a_table_is_not_taken_for_a_day_without_a_rate(form: Format, body: bytes) -> None:
    content = form.content(body)
    assert (content.records, reasons(content), content.is_readable) == ((), {form.broken}, False)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


def document(table: bytes, charset: str, declaration: str) -> bytes:
    """A table in another charset, with a declaration for its root element after the line of its version."""
    text = table.decode("windows-1251" if b"windows-1251" in table else "utf-8")
    root = re.search(r"<(\w+)", text)
    assert root
    declared = declaration.replace("ROOT", root[1])
    body = f'<?xml version="1.0" encoding="{charset}"?>{declared}{text.partition("?>")[2].lstrip()}'
    return body.encode(charset, "xmlcharrefreplace")


@every_xml
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "windows-1251", "koi8-r"])
def test_a_document_is_read_in_the_charset_that_it_declares(form: Format, charset: str) -> None:
    assert dollars(form.content(document(form.table(), charset, "")))


@every_xml
@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE ROOT>",
        "<!doctype ROOT>",
        '<!DOCTYPE ROOT SYSTEM "rates.dtd">',
        '<!DOCTYPE ROOT [<!ATTLIST ROOT Date CDATA "05.12.2025">]>',
        '<!DOCTYPE ROOT [<!ENTITY % p SYSTEM "FILE"> %p;]>',
        '<!DOCTYPE ROOT [<!ENTITY e "87.45">]>',
        '<!DOCTYPE ROOT [<!ENTITY e SYSTEM "FILE">]>',
        f'<!DOCTYPE ROOT [<!ENTITY l0 "ha">{LAUGHS}<!ENTITY e "&l11;">]>',
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-32", "utf-7"])
def test_a_document_that_declares_a_dtd_or_an_entity_is_a_reject(
    form: Format, declaration: str, charset: str, tmp_path: Path
) -> None:
    file = tmp_path / "price"
    file.write_text(form.number("87.45"))
    table = form.table("&e;" if "ENTITY e" in declaration else "87.45")
    content = form.content(document(table, charset, declaration.replace("FILE", file.as_uri())))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_XML})


@every_xml
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_day_of_entities_in_entities_is_a_reject(form: Format, charset: str) -> None:
    laughs = f'<!DOCTYPE ROOT [<!ENTITY l0 "ha">{LAUGHS}]>'
    table = form.write([Entry(form.number("87.45"), "&l11;")])
    content = form.content(document(table, charset, laughs))
    assert (content.records, reasons(content)) == ((), {RejectReason.BAD_XML})


@every_format
def test_nul_in_a_price_is_a_reject_whose_text_has_none(form: Format) -> None:
    content = form.content(form.table().replace(b"45", b"4\x005"))
    assert dollars(content) == []
    assert reasons(content) <= {form.broken, RejectReason.BAD_NUMBER}
    assert not [reject for reject in content.rejects if "\x00" in reject.excerpt + reject.detail]


@every_format
@pytest.mark.parametrize("depth", [300, 3000, 30_000])
def test_deep_nesting_loses_no_rate_unseen(form: Format, depth: int) -> None:
    pairs = {
        RejectReason.BAD_XML: (b"<a>", b"</a>"),
        RejectReason.BAD_JSON: (b"[", b"]"),
        RejectReason.BAD_HTML: (b"<div>", b""),
    }
    opening, closing = pairs[form.broken]
    first = form.table()
    middle = max(first.rfind(mark) for mark in (b"<Value>", b"<description>", b"<tr>", b"["))
    content = form.content(first[:middle] + opening * depth + first[middle:] + closing * depth)
    assert (content.records, reasons(content)) == ((), {form.broken})


@every_format
def test_a_million_rows_are_rejected_by_their_size_before_they_are_parsed(form: Format) -> None:
    rows = {RejectReason.BAD_XML: b"<i/>", RejectReason.BAD_JSON: b"{},", RejectReason.BAD_HTML: b"<tr>"}
    content = form.content(form.table() + rows[form.broken] * 10**6)
    assert (content.records, reasons(content)) == ((), {RejectReason.TOO_LARGE})
    assert not content.is_readable


@every_format
def test_a_reject_keeps_no_more_than_an_excerpt(form: Format) -> None:
    long = "8" * 50_000
    for body in (form.table(long), form.table(nominal=long), form.table(code=long), f"<{long}/>".encode()):
        for reject in form.content(body).rejects:
            assert len(reject.excerpt) <= EXCERPT_CHARS
            assert len(reject.detail) < 300


@every_format
@given(data=st.data())
def test_bytes_that_were_damaged_are_read_without_an_exception(form: Format, data: st.DataObject) -> None:
    payload = bytearray(form.table("9.32", "2026-05-20"))
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, len(payload)))
        payload[first : first + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    content = form.content(bytes(payload))
    assert content.records or content.rejects
    assert all(rate.rate > 0 for rate in dollars(content))


@pytest.mark.parametrize("price", ["\ud800", "12\u00009", "\udcff1"])
def test_the_reject_of_a_text_that_no_table_can_store_can_be_stored(price: str) -> None:
    (reject,) = CBU.content(CBU.table(price)).rejects
    assert reject.reason is RejectReason.BAD_NUMBER
    assert "\x00" not in reject.excerpt
    assert reject.excerpt.encode()


@pytest.mark.parametrize(
    ("bank", "day"),
    [
        ("nbk", "fdate=32.01.2026"),
        ("nbk", "fdate=..."),
        ("cbu", "json/USD/2026-02-30/"),
        ("nbt", "date=2026-13-01"),
        ("nbt", "date=----"),
        ("cbr", "date_req=30/02/2026"),
        ("cbr", "date_req=1/2/2026"),
    ],
)
def test_a_request_for_no_day_has_no_requested_date(bank: str, day: str) -> None:
    form = FORMATS[bank]
    (rate,) = dollars(form.content(form.table(), url=f"https://bank.example/x?{day}"))
    assert (rate.rate_date, rate.requested_date) == (date(2025, 12, 5), None)


def test_each_bank_is_a_source_of_official_rates_with_its_own_host() -> None:
    assert len({source.name for source in BANK_SOURCES}) == len(BANK_SOURCES)
    assert {table for source in BANK_SOURCES for table in source.tables} == {"official_rate"}
    assert all(len(source.hosts) == 1 for source in BANK_SOURCES)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("cbr_daily.xml", "cbr"),
        ("cbu_all.json", "cbu"),
        ("cbu_usd.json", "cbu"),
        ("nbk_2026-04-02.xml", "nbk"),
        ("nbkr_daily.xml", "nbkr"),
        ("nbkr_past.html", "nbkr past"),
        ("nbt_day.xml", "nbt"),
        ("nbt_range.xml", "nbt range"),
    ],
)
def test_each_line_is_found_in_the_text_of_its_table_also_where_a_price_is_repeated(
    name: str, form: str
) -> None:
    payload = fixture(name)
    text = payload.decode("windows-1251" if b"windows-1251" in payload[:99].lower() else "utf-8")
    rates = [record for record in FORMATS[form].content(payload).records if isinstance(record, OfficialRate)]
    seen: Counter[tuple[str, str]] = Counter()
    spans = []
    for rate in rates:
        key = rate.base, rate.rate_text
        spans.append(find_price(text, *key, rate.rate_date, seen[key]))
        seen[key] += 1
    assert None not in spans
    assert all(text[slice(*span)].endswith(rate.rate_text) for span, rate in zip(spans, rates, strict=True))
    assert all(later[0] > earlier[1] for earlier, later in pairwise(spans))
    assert rates


def test_a_price_of_another_currency_or_in_a_longer_number_is_not_the_line() -> None:
    day = date(2026, 4, 2)
    assert find_price("<title>USD</title><title>EUR</title><value>87,45</value>", "USD", "87,45", day) is None
    assert find_price("<title>USD</title><value>87,4500</value>", "USD", "87,45", day) is None
    assert find_price("<title>USD</title><value>187,45</value>", "USD", "87,45", day) is None
