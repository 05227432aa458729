"""Each demo bank is requested at the path of its source and read by the reader of its source, over HTTP."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from protego import Protego

from ca_etl.demo.banks import NBK_DOWN, NBT_HELP, ROOT, official_rates
from ca_etl.demo.content import FIRST_DAY, LAST_DAY
from ca_etl.demo.faults import Fault
from ca_etl.parse.page import Terms
from ca_etl.records import Capture, RejectReason
from ca_etl.sources.banks import cbr, cbu, nbk, nbkr, nbt
from ca_etl.sources.source import DateRange

DAY_PATHS = {"nbk": nbk._path, "nbkr": nbkr._latest, "cbu": cbu._path, "nbt": nbt._path, "cbr": cbr._path}
PAST_PATHS = {"nbkr": nbkr._past, "nbt": nbt._past}
READERS = {module.__name__.rpartition(".")[2]: module.read_rates for module in (nbk, nbkr, cbu, nbt, cbr)}
OUR_AGENT = {"User-Agent": "ca-etl/0.2 (+https://operator.example)"}
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2025, 12, number) for number in (5, 6, 7, 8))


@pytest.fixture
def get(site, client):
    """`get(bank, path)` requests a path of a bank as the program does, and checks that the bank gave it."""

    def request(bank, path, headers=OUR_AGENT):
        response = client.get(f"{site.base_url}banks/{bank}/{path}", headers=headers)
        assert response.status_code == 200, (bank, path)
        return response

    return request


@pytest.fixture
def read(site, get):
    """`read(bank, day)` reads the table of a day, `read(bank, path=...)` that of any path."""

    def table(bank, day=None, *, path=None):
        response = get(bank, path or DAY_PATHS[bank](day or site.day))
        at = datetime.combine(site.day, time(2), UTC)
        capture = Capture("urn:uuid:1", bank, response.content, "a.warc.gz", 0, response.url, at)
        return READERS[bank](capture, Terms(ZoneInfo("Asia/Almaty")))

    return table


def dollars(content):
    return [(rate.rate_date, rate.rate) for rate in content.records if rate.base == "USD"]


def reasons(content):
    return [reject.reason for reject in content.rejects]


@pytest.mark.parametrize(
    ("bank", "day", "rate"),
    [
        ("nbk", date(2025, 12, 5), "505.92"),
        ("nbk", date(2025, 12, 12), "519.95"),
        ("nbk", date(2025, 12, 13), "520.02"),
        ("nbkr", date(2025, 12, 5), "87.45"),
        ("cbu", date(2025, 12, 4), "11912.38"),
        ("cbu", date(2025, 12, 5), "11963.23"),
        ("cbu", date(2025, 12, 9), "11990.09"),
        ("cbu", date(2025, 12, 12), "12047.45"),
        ("nbt", date(2025, 9, 29), "9.4063"),
        ("nbt", date(2025, 12, 5), "9.175"),
        ("nbt", date(2025, 12, 12), "9.207"),
    ],
)
def test_a_bank_gives_the_known_rate_of_its_day(site, read, bank, day, rate):
    site.play(day)
    content = read(bank)
    assert dollars(content) == [(day, Decimal(rate))]
    assert not content.rejects


@pytest.mark.parametrize("bank", READERS)
def test_every_day_with_a_new_rate_is_read_as_it_is_in_the_data(site, read, bank):
    days = {day: rate for day, rate in official_rates()[bank].items() if FIRST_DAY <= day <= LAST_DAY}
    assert len(days) > 300
    for day in [*days][::7]:
        site.play(day)
        assert dollars(read(bank)) == [(day, days[day])]


def test_the_bank_of_russia_confirms_the_rates_of_the_other_banks(site, read):
    site.play(date(2025, 12, 13))
    content = read("cbr")
    assert not content.rejects
    roubles = {rate.base: rate.rate for rate in content.records}
    crosses = {code: roubles["USD"] / rate for code, rate in roubles.items() if code != "USD"}
    assert {code: round(cross, 2) for code, cross in crosses.items()} == {
        "KZT": Decimal("520.02"),
        "KGS": Decimal("87.45"),
        "TJS": Decimal("9.21"),
        "TMT": Decimal("3.50"),
        "UZS": Decimal("12047.46"),
    }


@pytest.mark.parametrize(
    ("bank", "start"),
    [
        ("nbk", b'<?xml version="1.0" encoding="UTF-8"?>'),
        ("nbkr", b'<?xml version="1.0" encoding="windows-1251"?>'),
        ("cbu", b'[{"id": 1, "Code": "840"'),
        ("nbt", b'<?xml version="1.0" encoding="UTF-8"?>'),
        ("cbr", b'<?xml version="1.0" encoding="windows-1251"?>'),
    ],
)
def test_a_body_has_the_encoding_of_its_bank(get, bank, start):
    assert get(bank, DAY_PATHS[bank](FRIDAY)).content.startswith(start)


def test_names_of_currencies_are_windows_1251_at_the_bank_of_russia(get):
    assert "Доллар США".encode("cp1251") in get("cbr", DAY_PATHS["cbr"](FRIDAY)).content


@pytest.mark.parametrize("day", [SUNDAY, MONDAY])
def test_kazakhstan_has_a_table_without_items_on_a_day_without_a_new_rate(site, read, day):
    site.play(day)
    content = read("nbk")
    assert not content.records
    assert reasons(content) == [RejectReason.NO_PUBLICATION]


def test_kazakhstan_has_no_table_of_a_day_to_come(read):
    assert reasons(read("nbk", SATURDAY)) == [RejectReason.NO_PUBLICATION]


@pytest.mark.parametrize("day", [SATURDAY, SUNDAY, MONDAY])
def test_uzbekistan_has_an_empty_list_on_a_weekend_and_a_holiday(site, get, read, day):
    site.play(day)
    assert get("cbu", DAY_PATHS["cbu"](day)).json() == []
    assert reasons(read("cbu")) == [RejectReason.NO_PUBLICATION]


def test_uzbekistan_gives_its_latest_table_for_a_day_to_come(site, read):
    site.play(SATURDAY)
    assert dollars(read("cbu", date(2025, 12, 9))) == [(FRIDAY, Decimal("11963.23"))]


def test_the_change_of_uzbekistan_is_that_to_its_previous_rate(get):
    (entry,) = get("cbu", DAY_PATHS["cbu"](FRIDAY)).json()
    assert (entry["Rate"], entry["Diff"]) == ("11963.23", "50.85")


@pytest.mark.parametrize("day", [SATURDAY, SUNDAY])
def test_tajikistan_repeats_the_last_rate_under_the_day_of_a_weekend(site, read, day):
    site.play(day)
    assert dollars(read("nbt")) == [(day, Decimal("9.175"))]


def test_tajikistan_gives_its_newest_table_for_a_day_to_come(read):
    assert dollars(read("nbt", MONDAY)) == [(FRIDAY, Decimal("9.175"))]


@pytest.mark.parametrize("day", [SUNDAY, MONDAY])
def test_the_bank_of_russia_gives_the_table_of_saturday(site, read, day):
    site.play(day)
    content = read("cbr")
    assert {rate.rate_date for rate in content.records} == {SATURDAY}
    assert {rate.requested_date for rate in content.records} == {day}


def test_the_kyrgyz_republic_dates_its_table_anew_each_day(site, read):
    site.play(SUNDAY)
    assert dollars(read("nbkr")) == [(SUNDAY, Decimal("87.45"))]


def test_the_kyrgyz_republic_has_a_page_of_past_days(site, read):
    site.play(date(2025, 12, 10))
    (path,) = PAST_PATHS["nbkr"](DateRange(date(2025, 12, 3), date(2025, 12, 31)))
    content = read("nbkr", path=path)
    assert [day.day for day, _ in dollars(content)] == [10, 9, 6, 5, 4, 3]
    assert {rate for _, rate in dollars(content)} == {Decimal("87.45")}
    assert not content.rejects


def test_tajikistan_has_the_dollar_of_a_range_of_days(site, get, read):
    site.play(date(2025, 12, 9))
    (path,) = PAST_PATHS["nbt"](DateRange(date(2025, 12, 3), date(2025, 12, 31)))
    assert b'encoding="windows-1251"' in get("nbt", path).content
    content = read("nbt", path=path)
    assert not content.rejects
    assert dollars(content)[:5] == [
        (date(2025, 12, 3), Decimal("9.21")),
        (date(2025, 12, 4), Decimal("9.19")),
        (FRIDAY, Decimal("9.175")),
        (SATURDAY, Decimal("9.175")),
        (SUNDAY, Decimal("9.175")),
    ]
    assert len(dollars(content)) == 7


@pytest.mark.parametrize("agent", ["python-requests/2.34.0", ""])
def test_kazakhstan_refuses_an_agent_without_a_name_of_its_own(site, client, agent):
    url = f"{site.base_url}banks/nbk/{DAY_PATHS['nbk'](FRIDAY)}"
    assert client.get(url, headers={"User-Agent": agent}).status_code == 403


def test_the_gateway_of_kazakhstan_fails_on_one_day(site, client):
    site.play(NBK_DOWN)
    response = client.get(f"{site.base_url}banks/nbk/{DAY_PATHS['nbk'](FRIDAY)}", headers=OUR_AGENT)
    assert response.status_code == 502
    assert response.headers["Content-Type"].startswith("text/html")


def test_tajikistan_gives_a_page_of_help_on_one_day(site, read):
    site.play(NBT_HELP)
    content = read("nbt")
    assert not content.records
    assert reasons(content) == [RejectReason.BAD_XML]


@pytest.mark.parametrize("name", ["export_xml.php?date=2025-12-05", "export_xml_dynamic.php?cs=USD"])
def test_tajikistan_gives_a_page_of_help_without_the_parameter_export(get, name):
    assert get("nbt", f"en/kurs/{name}").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["", "nbk/", "nbk/rss/rates_all.xml", "cbt/kurs/2025/05122025.xml"])
def test_a_page_that_no_demo_bank_has_is_a_404(site, client, path):
    assert client.get(f"{site.base_url}banks/{path}", headers=OUR_AGENT).status_code == 404


def test_an_outage_of_the_site_is_none_of_the_banks(site, client, get):
    site.faults[FRIDAY] = Fault(status=503)
    assert client.get(site.base_url).status_code == 503
    get("cbu", DAY_PATHS["cbu"](FRIDAY))


@pytest.mark.parametrize("of_day", [True, False])
def test_a_fault_of_the_paths_of_a_bank_is_that_bank_s_only(site, client, get, of_day):
    paths = f"{ROOT}cbu/*"
    if of_day:
        site.faults[FRIDAY] = Fault(status=503, paths=frozenset({paths}))
    else:
        site.path_faults[paths] = Fault(status=503)
    url = f"{site.base_url}banks/cbu/{DAY_PATHS['cbu'](FRIDAY)}"
    assert client.get(url, headers=OUR_AGENT).status_code == 503
    get("nbt", DAY_PATHS["nbt"](FRIDAY))


def test_the_robots_file_allows_the_banks(site, client):
    rules = Protego.parse(client.get(f"{site.base_url}robots.txt").text)
    assert all(
        rules.can_fetch(f"{site.base_url}banks/{bank}/{path(FRIDAY)}", "ca-etl")
        for bank, path in DAY_PATHS.items()
    )
