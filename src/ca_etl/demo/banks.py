"""Central banks below `/banks/` of the demo site: official rates of the shown day in each bank's format and encoding.

`official_rates.csv` has a line a day, with the units of local currency per dollar that a bank dates with that day:
tenge (`nbk`), som (`nbkr`), sum (`cbu`), somoni (`nbt`) and rouble (`cbr`). An empty field is a day without a new rate,
as after a weekend or a holiday of that country.

Real rates are:

- `nbk`: 520.27 on 2025-02-05 and 505.53 in force on 2026-01-05; 520.02 on 2025-12-13 by the Bank of Russia's crosses;
- `nbkr`: 87.4500 since July 2025;
- `cbu`: all on 2025-01-06, 02-14, 03-28 and 04-01, on 2025-12-04, 05, 09 and 12, and on 2026-01-05;
- `nbt`: all on 2025-02-03, 04-23, 05-21, 07-24, 09-11 and 09-29; 9.2100 and 9.1900 on 2025-12-03 and 04 by `cbu`.

On 2025-12-05 and 12 `nbk` and `nbt` have rates of markets. All others are made up, between these and the ticker's, and
roubles near those of the time. Prices of other currencies than the dollar are computed by way of the dollar.

As at the real banks the day of a table is not always the requested one. On `NBK_DOWN` the gateway of `nbk` gives an
error, on `NBT_HELP` `nbt` gives a page of help for a table.
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Final

ROOT: Final = "/banks/"
NBK_DOWN: Final = date(2025, 11, 27)
NBT_HELP: Final = date(2025, 11, 28)

ISO: Final = "%Y-%m-%d"
_HOMES: Final = {"KZT": "nbk", "KGS": "nbkr", "UZS": "cbu", "TJS": "nbt", "RUB": "cbr"}
_PEGS: Final = {"USD": Decimal(1), "TMT": Decimal("3.5")}
_NAMES: Final = {
    "USD": "Доллар США",
    "KZT": "Казахстанский тенге",
    "KGS": "Киргизский сом",
    "RUB": "Российский рубль",
    "TJS": "Таджикский сомони",
    "TMT": "Туркменский манат",
    "UZS": "Узбекский сум",
}
_HTML: Final = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class BankReply:
    """A response of a bank on the demo site: the HTTP status, the Content-Type, and the body as the bank encodes it."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request to a demo bank: its parameters, with the parts that vary in a path; `shown` is the site's day."""

    parameters: Mapping[str, str]
    user_agent: str
    shown: date

    def day(self, *names: str, form: str = ISO) -> date:
        """The day in the parameters `names` of a request, joined by hyphens and parsed in `form` of `strptime`.

        Where they are not a day, the day that the demo site shows.
        """
        text = "-".join(self.parameters.get(name, "") for name in names)
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a calendar day has no zone
        except ValueError:
            return self.shown


@lru_cache(maxsize=1)
def official_rates() -> Mapping[str, dict[date, Decimal]]:
    """The official rates of the demo by bank and day, the oldest first, in units of local currency per dollar."""
    text = resources.files(__package__).joinpath("official_rates.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        bank: {date.fromisoformat(row["day"]): Decimal(row[bank]) for row in rows if row[bank]}
        for bank in _HOMES.values()
    }


def day_in_force(bank: str, day: date) -> date:
    """The day of the demo bank's rate in force on `day`: the latest one up to `day`, or else the first of all."""
    days = list(official_rates()[bank])
    return days[max(bisect_right(days, day) - 1, 0)]


def bank_reply(
    path: str, parameters: Mapping[str, Sequence[str]], user_agent: str, shown: date
) -> BankReply | None:
    """The response of the demo bank at `path`, below `ROOT`, when the demo site shows the day `shown`.

    None for a path without a page.
    """
    values = {name: texts[-1] for name, texts in parameters.items()}
    for pattern, reply in _PAGES.items():
        if match := re.fullmatch(ROOT + pattern, path):
            return reply(_Visit(values | match.groupdict(), user_agent, shown))
    return None


def _nbk(visit: _Visit) -> BankReply:
    """The table of one day; a document without items where none is dated with it. Default agents get a 403."""
    if not visit.user_agent or visit.user_agent.startswith("python-requests/"):
        return _page(403, "Access denied")
    if visit.shown == NBK_DOWN:
        return _page(502, "Bad Gateway")
    day = visit.day("fdate", form="%d.%m.%Y")
    items = ""
    if day in official_rates()["nbk"] and day <= visit.shown:
        units = {"USD": 1, "KGS": 1, "RUB": 1, "TJS": 1, "UZS": 100}
        before = {code: price for code, _, price in _lines("KZT", units, day - timedelta(days=1), 2)}
        items = "".join(
            f"<item><fullname>{_NAMES[code].upper()}</fullname><title>{code}</title>"
            f"<description>{_trimmed(price)}</description><quant>{nominal}</quant>"
            f"<change>{price - before[code]:+}</change></item>\n"
            for code, nominal, price in _lines("KZT", units, day, 2)
        )
    head = "<title>Official exchange rates</title><description>Rates of the demo</description>"
    text = f"<rates>\n{head}<date>{day:%d.%m.%Y}</date>\n{items}</rates>\n"
    return _xml(text, "UTF-8", "text/xml; charset=UTF-8")


def _nbkr(visit: _Visit) -> BankReply:
    """The latest table, dated anew each day; a day in the request changes nothing."""
    lines = "".join(
        f'<Currency ISOCode="{code}"><Nominal>{nominal}</Nominal><Value>{_comma(price)}</Value></Currency>\n'
        for code, nominal, price in _lines("KGS", {"USD": 1, "KZT": 1, "RUB": 1}, visit.shown, 4)
    )
    head = f'<CurrencyRates Name="Daily Exchange Rates" Date="{visit.shown:%d.%m.%Y}">\n'
    return _xml(f"{head}{lines}</CurrencyRates>\n", "windows-1251", "application/xml")


def _nbkr_past(visit: _Visit) -> BankReply:
    """The page of past days, the newest first: a row a day with a new rate; of the dollar only."""
    first, last = (visit.day(f"{end}_year", f"{end}_month", f"{end}_day") for end in ("beg", "end"))
    is_dollar = visit.parameters.get("valuta_id") == "15"
    rows = "".join(
        f'<tr><td class="stat-center"><!-- date -->{day:%d.%m.%Y}<!-- date --></td>'
        f'<td class="stat-right"><!-- value -->{_comma(rate)}\N{NO-BREAK SPACE}<!-- value --></td></tr>\n'
        for day, rate in reversed(official_rates()["nbkr"].items())
        if is_dollar and first <= day <= min(last, visit.shown)
    )
    label = "<select><option selected>1 US dollar</option></select>"
    return _page(200, "Official exchange rates", f"{label}<table>\n{rows}</table>")


def _cbu(visit: _Visit) -> BankReply:
    """The dollar of one day as a list: empty for a weekend or a holiday."""
    rates = official_rates()["cbu"]
    day = visit.day("day")
    if day > visit.shown:
        day = day_in_force("cbu", visit.shown)
    if day not in rates:
        return BankReply(200, "application/json", b"[]")
    names = {"CcyNm_RU": _NAMES["USD"], "CcyNm_UZ": "AQSH dollari", "CcyNm_EN": "US Dollar"}
    change = rates[day] - rates[day_in_force("cbu", day - timedelta(days=1))]
    prices = {"Nominal": "1", "Rate": str(rates[day]), "Diff": _trimmed(change), "Date": f"{day:%d.%m.%Y}"}
    entry = {"id": 1, "Code": "840", "Ccy": "USD", **names, **prices}
    return BankReply(200, "application/json", json.dumps([entry]).encode())


def _nbt(visit: _Visit) -> BankReply:
    if "export" not in visit.parameters or visit.shown == NBT_HELP:
        return _page(200, "Export of exchange rates", "<p>Add the parameter export.</p>")
    return _nbt_range(visit) if visit.parameters["range"] else _nbt_day(visit)


def _nbt_day(visit: _Visit) -> BankReply:
    """The table of any calendar day, with the date of the request; for a day to come the newest with its own."""
    day = min(visit.day("date"), visit.shown)
    units = {"USD": 1, "KGS": 10, "KZT": 10, "RUB": 1, "TMT": 1, "UZS": 100}
    lines = "".join(
        f"<Valute><CharCode>{code}</CharCode><Nominal>{nominal}</Nominal><Name>{_NAMES[code]}</Name>"
        f"<Value>{price}</Value></Valute>\n"
        for code, nominal, price in _lines("TJS", units, day, 4)
    )
    head = f'<ValCurs Date="{day}" name="Foreign Currency Market">\n'
    return _xml(f"{head}{lines}</ValCurs>\n", "UTF-8", "text/xml;charset=UTF-8")


def _nbt_range(visit: _Visit) -> BankReply:
    """The dollar of each calendar day of a range; of the newest day where the range has none of the past."""
    first = max(visit.day("d1"), min(official_rates()["nbt"]))
    last = min(visit.day("d2"), visit.shown)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)] or [visit.shown]
    records = "".join(
        f'<Record Date="{day:%d.%m.%Y}" Id="840"><CharCode>USD</CharCode><Nominal>1</Nominal>'
        f"<Value>{_per_dollar('TJS', day)}</Value></Record>\n"
        for day in days
    )
    return _xml(f"<ValCurs>\n{records}</ValCurs>\n", "windows-1251", "text/xml")


def _cbr(visit: _Visit) -> BankReply:
    """The latest table up to the day of the request, dated with its own day: that of Saturday on a Sunday or Monday."""
    day = day_in_force("cbr", min(visit.day("date_req", form="%d/%m/%Y"), visit.shown))
    units = {"USD": 1, "KZT": 100, "KGS": 100, "TJS": 10, "TMT": 1, "UZS": 10_000}
    lines = "".join(
        f"<Valute><CharCode>{code}</CharCode><Nominal>{nominal}</Nominal><Name>{_NAMES[code]}</Name>"
        f"<Value>{_comma(price)}</Value><VunitRate>{_comma(price / nominal)}</VunitRate></Valute>\n"
        for code, nominal, price in _lines("RUB", units, day, 4)
    )
    head = f'<ValCurs Date="{day:%d.%m.%Y}" name="Foreign Currency Market">\n'
    return _xml(f"{head}{lines}</ValCurs>\n", "windows-1251", "application/xml; charset=windows-1251")


def _per_dollar(code: str, day: date) -> Decimal:
    """Units of the currency `code` per dollar, in force on `day` at its own central bank."""
    if code in _PEGS:
        return _PEGS[code]
    bank = _HOMES[code]
    return official_rates()[bank][day_in_force(bank, day)]


def _lines(
    home: str, units: Mapping[str, int], day: date, decimals: int
) -> Iterator[tuple[str, int, Decimal]]:
    """Code, nominal and price in the currency `home` of each currency of `units`, a cross by way of the dollar."""
    for code, nominal in units.items():
        price = _per_dollar(home, day) * nominal / _per_dollar(code, day)
        yield code, nominal, round(price, decimals)


def _trimmed(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _comma(number: Decimal) -> str:
    return str(number).replace(".", ",")


def _xml(text: str, encoding: str, content_type: str) -> BankReply:
    document = f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'
    return BankReply(200, content_type, document.encode(encoding))


def _page(status: int, title: str, text: str = "") -> BankReply:
    html = (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{text}</body></html>"
    )
    return BankReply(status, _HTML, html.encode())


_PAGES: Final[Mapping[str, Callable[[_Visit], BankReply]]] = {
    r"nbk/rss/get_rates\.cfm": _nbk,
    r"nbkr/XML/daily\.xml": _nbkr,
    r"nbkr/index1\.jsp": _nbkr_past,
    r"cbu/en/arkhiv-kursov-valyut/json/USD/(?P<day>[0-9-]{10})/": _cbu,
    r"nbt/en/kurs/export_xml(?P<range>(?:_dynamic)?)\.php": _nbt,
    r"cbr/scripts/XML_daily\.asp": _cbr,
}
