"""Tables of each bank as bytes that the tests make, from the texts to print, and their reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ca_etl.parse.page import Content, Terms
from ca_etl.records import Capture, OfficialRate, RejectReason
from ca_etl.sources.banks import cbr, cbu, nbk, nbkr, nbt
from ca_etl.sources.banks.table import DAY_FIRST, ISO

FIXTURES = Path(__file__).with_name("fixtures")
NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)
# Nominal and price of the other currencies of the Bank of Russia on 2026-04-25, as it prints them.
OTHERS_OF_RUSSIA = {
    "KZT": ("100", "16,3172"),
    "KGS": ("100", "86,4125"),
    "TJS": ("10", "80,0866"),
    "TMT": ("1", "21,5792"),
    "UZS": ("10000", "62,8322"),
}


class Entry(NamedTuple):
    """A line to print: each text as it is to be in the table."""

    price: str
    day: str
    code: str = "USD"
    nominal: str = "1"


@dataclass(frozen=True)
class Format:
    """A format of a bank: how a table is written, and the address from which a capture of it would be.

    `broken` is the reason code of a body that is not a document of the format; prices have `places` decimals, fewer
    where the bank `trims` zeros.
    """

    read: Callable[[Capture, Terms], Content]
    write: Callable[[Sequence[Entry]], bytes]
    url: str
    broken: RejectReason = RejectReason.BAD_XML
    day_form: str = DAY_FIRST
    decimal_mark: str = "."
    places: int = 4
    trims: bool = False

    def content(self, payload: bytes, *, at: datetime | None = NOW, url: str | None = None) -> Content:
        """What the bank's reader reads from a response."""
        capture = Capture("c", "bank", payload, "archive.warc.gz", 0, url=url or self.url, captured_at=at)
        return self.read(capture, Terms(ZoneInfo("UTC")))

    def marks(self, text: str) -> str:
        """`text`, which has a decimal point and commas between thousands, with the marks of the bank."""
        return text if self.decimal_mark == "." else text.translate({ord("."): ",", ord(","): "."})

    def number(self, text: str) -> str:
        """A decimal as the bank prints it, with its marks and all its decimals."""
        integer, _, decimals = text.partition(".")
        whole = text if self.trims else f"{integer}.{decimals:0<{self.places}}"
        return self.marks(whole)

    def day(self, day: date) -> str:
        """A day as the bank prints it."""
        return day.strftime(self.day_form)

    def table(self, price: str = "87.45", day: str = "2025-12-05", **texts: str) -> bytes:
        """The table of one day, an ISO date, with the dollar at `price`, both in the bank's own writing."""
        return self.write([Entry(self.number(price), self.day(date.fromisoformat(day)), **texts)])


def dollars(content: Content) -> list[OfficialRate]:
    """The rates of the dollar."""
    return [rate for rate in content.records if isinstance(rate, OfficialRate) and rate.base == "USD"]


def reasons(content: Content) -> set[RejectReason]:
    """The reason codes of the rejects."""
    return {reject.reason for reject in content.rejects}


def fixture(name: str) -> bytes:
    """The bytes of a fixture."""
    return (FIXTURES / name).read_bytes()


def xml(text: str, charset: str = "utf-8") -> bytes:
    """A document in `charset`, with character references for what that has not."""
    return f'<?xml version="1.0" encoding="{charset}"?>\n{text}'.encode(charset, "xmlcharrefreplace")


def _nbk(entries: Sequence[Entry]) -> bytes:
    items = "".join(
        f"<item><fullname>ДОЛЛАР США</fullname><title>{entry.code}</title><description>{entry.price}"
        f"</description><quant>{entry.nominal}</quant><index/><change>0.00</change></item>\n"
        for entry in entries
    )
    head = "<title>Rates</title><description>Rates of a day</description>"
    return xml(f"<rates>{head}<date>{entries[0].day}</date>\n{items}</rates>\n")


def _nbkr(entries: Sequence[Entry]) -> bytes:
    lines = "".join(
        f'<Currency ISOCode="{entry.code}"><Nominal>{entry.nominal}</Nominal><Value>{entry.price}</Value>'
        "</Currency>\n"
        for entry in entries
    )
    table = f'<CurrencyRates Name="Ежедневные курсы" Date="{entries[0].day}">\n{lines}</CurrencyRates>\n'
    return xml(table, "windows-1251")


def _nbkr_past(entries: Sequence[Entry]) -> bytes:
    rows = "".join(
        f'<tr><td class="stat-center"><!-- date -->{entry.day}<!-- date --></td>\n'
        f'<td class="stat-right"><!-- value -->{entry.price}\u00a0<!-- value --></td></tr>\n'
        for entry in entries
    )
    return f"<html><body><h1>Курсы</h1><table>\n{rows}</table></body></html>".encode()


def _cbu(entries: Sequence[Entry]) -> bytes:
    return json.dumps(
        [
            {
                "id": number,
                "Code": "840",
                "Ccy": entry.code,
                "CcyNm_RU": "Доллар США",
                "Nominal": entry.nominal,
                "Rate": entry.price,
                "Diff": "-16.5",
                "Date": entry.day,
            }
            for number, entry in enumerate(entries, start=1)
        ],
        separators=(",", ":"),
    ).encode()


def _valutes(entries: Sequence[Entry]) -> str:
    return "".join(
        f'<Valute ID="810"><CharCode>{entry.code}</CharCode><Nominal>{entry.nominal}</Nominal><Name>доллар</Name>'
        f"<Value>{entry.price}</Value><VunitRate>1,2E-4</VunitRate></Valute>\n"
        for entry in entries
    )


def _nbt(entries: Sequence[Entry]) -> bytes:
    return xml(f'<ValCurs Date="{entries[0].day}" name="Market">\n{_valutes(entries)}</ValCurs>\n')


def _nbt_range(entries: Sequence[Entry]) -> bytes:
    records = "".join(
        f'<Record Date="{entry.day}" Id="840"><CharCode>{entry.code}</CharCode><Nominal>{entry.nominal}</Nominal>'
        f"<Value>{entry.price}</Value></Record>\n"
        for entry in entries
    )
    return xml(f'<ValCurs name="Валюта">\n{records}</ValCurs>\n', "windows-1251")


def _cbr(entries: Sequence[Entry]) -> bytes:
    day = entries[0].day
    others = [Entry(price, day, code, nominal) for code, (nominal, price) in OTHERS_OF_RUSSIA.items()]
    table = f'<ValCurs Date="{day}" name="Market">\n{_valutes([*entries, *others])}</ValCurs>\n'
    return xml(table, "windows-1251")


NBK = Format(
    nbk.read_rates, _nbk, "https://nationalbank.kz/rss/get_rates.cfm?fdate=05.12.2025", places=2, trims=True
)
NBKR = Format(nbkr.read_rates, _nbkr, "https://www.nbkr.kg/XML/daily.xml", decimal_mark=",")
NBKR_PAST = Format(
    nbkr.read_rates,
    _nbkr_past,
    "https://www.nbkr.kg/index1.jsp?item=1562&lang=ENG&valuta_id=15&beg_day=01&beg_month=12&beg_year=2025",
    broken=RejectReason.BAD_HTML,
    decimal_mark=",",
)
CBU = Format(
    cbu.read_rates,
    _cbu,
    "https://cbu.uz/en/arkhiv-kursov-valyut/json/USD/2025-12-05/",
    broken=RejectReason.BAD_JSON,
    places=2,
)
NBT = Format(
    nbt.read_rates,
    _nbt,
    "https://www.nbt.tj/en/kurs/export_xml.php?date=2025-12-05&export=xmlout",
    day_form=ISO,
)
NBT_RANGE = Format(
    nbt.read_rates,
    _nbt_range,
    "https://www.nbt.tj/en/kurs/export_xml_dynamic.php?d1=2025-12-01&d2=2025-12-05&cs=USD&export=xml",
)
CBR = Format(
    cbr.read_rates,
    _cbr,
    "https://www.cbr.ru/scripts/XML_daily.asp?date_req=05/12/2025",
    decimal_mark=",",
)
FORMATS = {
    "nbk": NBK,
    "nbkr": NBKR,
    "nbkr past": NBKR_PAST,
    "cbu": CBU,
    "nbt": NBT,
    "nbt range": NBT_RANGE,
    "cbr": CBR,
}
