"""What `import ca_etl` gives an analyst."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import polars as pl
import pytest

import ca_etl
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.pipeline.outcome import Outcome
from ca_etl.settings import Settings

REPOSITORY = Path(__file__).parents[1]
AMOUNTS = pl.DataFrame({"day": [date(2025, 12, 12)], "amount": [1], "currency": ["KZT"]})


@pytest.fixture(scope="module")
def data_dir(month: tuple[Settings, list[Outcome]]) -> Path:
    return month[0].data_dir


def test_a_connection_reads_the_current_release_and_cannot_write(data_dir: Path) -> None:
    with ca_etl.connect(data_dir) as con:
        assert con.execute("select count(*) from fct_rate_daily").fetchall() == [(150,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("create table mine (x int)")


def test_the_data_directory_is_that_of_the_settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_ETL_DATA_DIR", str(data_dir))
    assert ca_etl.rates().height == 150


def test_a_folder_without_a_release_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(CaEtlError, match="holds no release") as error:
        ca_etl.connect(tmp_path)
    assert error.value.hint == f"CA_ETL_DATA_DIR={tmp_path} ca-etl run"


def test_rates_are_those_of_a_currency_between_two_days_with_their_decimals(data_dir: Path) -> None:
    frame = ca_etl.rates("KZT", "2025-12-09", date(2025, 12, 11), data_dir=data_dir)
    assert frame.select("rate_date", "rate", "is_filled").rows() == [
        (date(2025, 12, 9), Decimal("0.00194000"), False),
        (date(2025, 12, 10), Decimal("0.00194000"), True),
        (date(2025, 12, 11), Decimal("0.00192000"), False),
    ]


@pytest.mark.parametrize("series", ["daily", "weekly", "monthly", "best", "best_monthly", "agreement"])
def test_each_series_is_the_table_of_its_name(data_dir: Path, series: str) -> None:
    with ca_etl.connect(data_dir) as con:
        ((rows,),) = con.execute(f"select count(*) from fct_rate_{series} where base = 'KZT'").fetchall()
    frame = ca_etl.rates("kzt", series=series, data_dir=data_dir)  # type: ignore[arg-type]
    assert frame.height == rows > 0
    assert frame["base"].unique().to_list() == ["KZT"]


def test_a_currency_without_rates_is_no_empty_frame(data_dir: Path) -> None:
    with pytest.raises(
        UsageError, match="'EUR' is not one of the currencies with rates: KGS, KZT, TJS, TMT, UZS"
    ):
        ca_etl.rates("EUR", data_dir=data_dir)


def test_a_day_that_does_not_exist_is_named(data_dir: Path) -> None:
    with pytest.raises(UsageError, match="'2025-13-01' is not a day such as 2025-12-31"):
        ca_etl.rates("KZT", "2025-13-01", data_dir=data_dir)


def test_an_unknown_series_is_named_beside_those_that_exist(data_dir: Path) -> None:
    with pytest.raises(UsageError, match="'yearly' is not one of the series daily, weekly"):
        ca_etl.rates("KZT", series="yearly", data_dir=data_dir)  # type: ignore[arg-type]


def test_articles_have_the_countries_that_they_name_the_main_one_first(data_dir: Path) -> None:
    frame = ca_etl.articles("2025-12-05", "2025-12-05", data_dir=data_dir)
    with ca_etl.connect(data_dir) as con:
        main = dict(
            con.execute(
                "select article_id, name from fct_article_country inner join dim_country using (country_code)"
                " where is_main"
            ).fetchall()
        )
    assert frame.height > 0
    for row in frame.iter_rows(named=True):
        assert row["day"] == date(2025, 12, 5)
        assert row["countries"][:1] == ([main[row["article_id"]]] if row["article_id"] in main else [])


def test_articles_of_a_country_are_found_by_its_name_and_by_its_code(data_dir: Path) -> None:
    frame = ca_etl.articles(country="kz", data_dir=data_dir)
    assert frame.equals(ca_etl.articles(country="Kazakhstan", data_dir=data_dir))
    assert frame.height > 0
    assert all("Kazakhstan" in countries for countries in frame["countries"])
    with pytest.raises(UsageError, match="'Narnia' is not a country"):
        ca_etl.articles(country="Narnia", data_dir=data_dir)


def test_articles_that_contain_text_are_found_in_any_case(data_dir: Path) -> None:
    frame = ca_etl.articles(containing="TENGE", data_dir=data_dir)
    assert 0 < frame.height < ca_etl.articles(data_dir=data_dir).height
    assert all("tenge" in f"{row['title']} {row['text']}".lower() for row in frame.iter_rows(named=True))


def test_a_search_gives_the_best_matches_with_the_text_around_the_words(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    frame = ca_etl.search("solar panel", "2025-11-01", country="KZ", limit=1, data_dir=data_dir)
    (row,) = frame.rows(named=True)
    assert row["title"].startswith("Solar Panels for ")
    assert "solar panels" in row["snippet"]
    assert row["countries"][0] == "Kazakhstan"
    assert isinstance(row["score"], Decimal)
    nothing = ca_etl.search("zebra", data_dir=data_dir)
    assert (nothing.height, nothing.schema) == (0, frame.schema)


def test_amounts_of_a_frame_are_converted_in_its_order(data_dir: Path) -> None:
    frame = pl.DataFrame(
        {
            "day": [date(2025, 12, 12)] * 2,
            "amount": [Decimal("5000.00"), Decimal("1.00")],
            "currency": ["KGS", "EUR"],
        }
    )
    rows = (
        ca_etl.convert(frame, data_dir=data_dir).select("amount", "quote_amount", "no_amount_reason").rows()
    )
    assert rows == [
        (Decimal("5000.00"), Decimal("57.17552888"), None),
        (Decimal("1.00"), None, "currency_without_rates"),
    ]


def test_a_frame_without_the_columns_to_convert_is_an_error_that_names_them(data_dir: Path) -> None:
    with pytest.raises(UsageError, match="no column amount, day; its columns are currency, total"):
        ca_etl.convert(pl.DataFrame({"currency": ["KGS"], "total": [1]}), data_dir=data_dir)


def test_a_frame_with_the_result_of_an_earlier_conversion_is_an_error(tmp_path: Path) -> None:
    frame = pl.DataFrame({"amount": [1], "currency": ["KZT"], "day": ["2025-12-01"], "quote_amount": [2]})
    with pytest.raises(UsageError, match="has a column quote_amount already"):
        ca_etl.convert(frame, data_dir=tmp_path)


@pytest.mark.parametrize(
    "read", [partial(ca_etl.rates, "KZT"), ca_etl.articles, partial(ca_etl.search, "rates")]
)
def test_days_in_the_wrong_order_are_an_error(tmp_path: Path, read: Callable[..., object]) -> None:
    with pytest.raises(UsageError, match="2025-12-02 is after 2025-12-01"):
        read("2025-12-02", "2025-12-01", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (partial(ca_etl.rates, 5), "base=5 is not text or None"),
        (partial(ca_etl.rates, ["KZT"]), "base=['KZT'] is not text or None"),
        (partial(ca_etl.rates, "KZT", 20251201), "start=20251201 is not a day such as 2025-12-31"),
        (partial(ca_etl.rates, series=["daily"]), "['daily'] is not one of the series daily, weekly"),
        (partial(ca_etl.articles, end="tomorrow"), "end='tomorrow' is not a day such as 2025-12-31"),
        (partial(ca_etl.articles, country=5), "country=5 is not text or None"),
        (partial(ca_etl.articles, containing=b"tenge"), "containing=b'tenge' is not text or None"),
        (partial(ca_etl.search, None), "query=None is not text"),
        (partial(ca_etl.search, "rates", country=5), "country=5 is not text or None"),
        (partial(ca_etl.convert, AMOUNTS, quote=None), "quote=None is not text"),
        (partial(ca_etl.convert, AMOUNTS, amount=5), "amount=5 is not text"),
        (partial(ca_etl.convert, AMOUNTS.lazy()), "frame is a LazyFrame and not a DataFrame of Polars"),
        (partial(ca_etl.convert, AMOUNTS, day="currency"), "the column currency is not one of days"),
        (partial(ca_etl.convert, AMOUNTS, day="amount"), "the column amount is not one of days"),
    ],
)
def test_an_argument_of_another_type_is_named(
    data_dir: Path, read: Callable[..., object], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        read(data_dir=data_dir)


def test_a_time_is_taken_for_its_day(data_dir: Path) -> None:
    frame = ca_etl.rates("KZT", datetime(2025, 12, 9, 3, tzinfo=UTC), date(2025, 12, 9), data_dir=data_dir)
    assert frame["rate_date"].to_list() == [date(2025, 12, 9)]


def test_a_frame_in_pandas_has_decimals_that_plot(data_dir: Path) -> None:
    # pandas and matplotlib are an analyst's, and not installed beside us
    (pandas,) = (REPOSITORY / ".compat" / "analyst").glob("lib/python*/site-packages")
    program = f"""
import sys
sys.path.append({str(pandas)!r})
import ca_etl, matplotlib
matplotlib.use("Agg")
frame = ca_etl.rates("KZT", data_dir={str(data_dir)!r}).to_pandas()
axes = frame.plot(x="rate_date", y="inverse_rate")
print(frame["inverse_rate"].dtype, len(axes.lines[0].get_xdata()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "decimal128(28, 12)[pyarrow] 30\n"


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'forecast'"):
        _ = ca_etl.forecast
