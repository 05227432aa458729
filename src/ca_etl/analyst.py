"""What `import ca_etl` gives an analyst: the current release as a DuckDB connection and as Polars frames.

    import ca_etl

    tenge = ca_etl.rates("KZT", "2025-12-01", "2025-12-31", data_dir="demo-data")
    articles = ca_etl.articles("2025-12-01", country="Kazakhstan", containing="tenge", data_dir="demo-data")

Each function reads the release that is current when it is called. Decimals and dates stay what they are in the
release. Without `data_dir` it is that of the setting `CA_ETL_DATA_DIR`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal

import duckdb
import polars as pl

from ca_etl.errors import CaEtlError, UsageError, assert_in_order
from ca_etl.settings import read_settings
from ca_etl.warehouse.conversion import BATCH, SERIES, convert_frame
from ca_etl.warehouse.release import Release, current_release
from ca_etl.warehouse.search import NAMED_COUNTRIES, find_country
from ca_etl.warehouse.search import search as search_release

if TYPE_CHECKING:
    import pandas as pd

Series = Literal["daily", "weekly", "monthly", "best", "best_monthly", "agreement"]
Day = date | str
Folder = Path | str

# The column with the day of a row, in the table fct_rate_<series>.
DAYS: Final[Mapping[Series, str]] = MappingProxyType(
    {
        "daily": "rate_date",
        "weekly": "week_start",
        "monthly": "month",
        "best": "rate_date",
        "best_monthly": "month",
        "agreement": "rate_date",
    }
)
RATES: Final = """
    from fct_rate_{series}
    where ($base is null or base = upper($base))
        and ($start is null or {day} >= $start::date) and ($end is null or {day} <= $end::date)
    order by all
"""
ARTICLES: Final = f"""
    with {NAMED_COUNTRIES}

    select coalesce(published_date, first_seen_date) as day, title, coalesce(countries, []) as countries, author, url,
        word_count, language, is_truncated, removal, duplicate_of, published_at, first_seen_date, article_id, text
    from fct_article left join named_countries using (article_id)
    where ($start is null or day >= $start::date) and ($end is null or day <= $end::date)
        and ($country is null or list_contains(codes, $country))
        and ($containing is null or contains(lower(concat_ws(' ', title, text)), lower($containing)))
    order by day, article_id
"""  # noqa: S608  the query of another module, without data
HELP: Final = "python -m pydoc ca_etl.rates ca_etl.articles ca_etl.search ca_etl.convert"
BASES: Final = "select distinct base from fct_rate_{series} order by base"


class Frame(pl.DataFrame):
    """A Polars frame of rates or articles, whose `to_pandas` keeps decimals and dates, so that pandas can plot them.

    What a method such as `filter` makes of it is a plain frame: `to_pandas(use_pyarrow_extension_array=True)`.
    """

    def to_pandas(self, *, use_pyarrow_extension_array: bool = True, **options: Any) -> pd.DataFrame:  # noqa: ANN401  those of PyArrow
        """The frame in pandas, with columns of Arrow types; Polars alone makes objects of decimals, which have no plot.

        Raises `ModuleNotFoundError` without pandas, which `ca_etl` does not install.
        """
        return super().to_pandas(use_pyarrow_extension_array=use_pyarrow_extension_array, **options)


def connect(data_dir: Folder | None = None) -> duckdb.DuckDBPyConnection:
    """Open a read-only DuckDB connection to the current release; close it, or use it in a `with` block.

    It shows that release also after the next run has published another one. Times are shown in UTC. Raises `CaEtlError`
    where nothing is published, `duckdb.Error` for a file that cannot be read.
    """
    con = duckdb.connect(str(_current(data_dir).warehouse.resolve()), read_only=True)
    con.execute("set TimeZone = 'UTC'")
    return con


def rates(
    base: str | None = None,
    start: Day | None = None,
    end: Day | None = None,
    *,
    series: Series = "daily",
    data_dir: Folder | None = None,
) -> Frame:
    """The rates of a currency from day `start` to day `end` (both included), as rows of the table `fct_rate_<series>`.

    `base` is an ISO 4217 code such as KZT, None for all. A day is a date or text such as 2025-12-31; None is the first,
    or the last, of the series. `daily` has what the ticker prints, filled days marked by `is_filled`; `best` the best
    known rate of a day, of the banks before the ticker; `agreement` compares the two. All but `agreement` have dollars
    per unit of the currency (`rate`, `rate_low`, `rate_high`) and units per dollar (`inverse_rate`, ...).

    Raises `UsageError` for an argument of another type, an unknown series, a currency without rates or a day that does
    not exist, and what `connect` raises.
    """
    _assert_text(str | None, base=base)
    if series not in tuple(DAYS):  # a list cannot be looked up in a mapping
        raise UsageError(f"{series!r} is not one of the series {', '.join(DAYS)}", "ca-etl models")
    given = {"base": base, **_days(start, end)}
    with connect(data_dir) as con:
        frame = _frame(con, RATES.format(series=series, day=DAYS[series]), given)
        known = [code for (code,) in con.execute(BASES.format(series=series)).fetchall()]
    if base is not None and base.upper() not in known:
        raise UsageError(f"{base!r} is not one of the currencies with rates: {', '.join(known)}", SERIES)
    return frame


def articles(
    start: Day | None = None,
    end: Day | None = None,
    *,
    country: str | None = None,
    containing: str | None = None,
    data_dir: Folder | None = None,
) -> Frame:
    """The articles published from day `start` to day `end` (both included), with the countries that each names.

    The `day` of an article is that of its publication in Asia/Almaty, else that of its first sighting. A day is a date
    or text such as 2025-12-31. `country` is a name or an ISO 3166-1 alpha-2 code. `containing` is text that the title
    or the text must contain, in any case. `countries` begins with the main one.

    Raises `UsageError` for an argument of another type, an unknown country or a day that does not exist, and what
    `connect` raises.
    """
    _assert_text(str | None, country=country, containing=containing)
    given = {**_days(start, end), "containing": containing}
    with connect(data_dir) as con:
        return _frame(con, ARTICLES, given | {"country": find_country(con, country)})


def search(
    query: str,
    start: Day | None = None,
    end: Day | None = None,
    *,
    country: str | None = None,
    limit: int = 100,
    any_word: bool = False,
    data_dir: Folder | None = None,
) -> Frame:
    """The articles that match a query best, in the order of their `score`, with a `snippet` around what matches.

    All words of the query must be in the title and text of one version of an article, in any form with the same English
    stem; with `any_word` one of them is enough. A phrase in quotation marks must be there as it is. The version shown
    is the latest that matches; `is_latest` states whether the article still has it. The first search of a release makes
    an index in the user's cache folder. `start`, `end` and `country` are those of `articles`.

    Raises `UsageError` for a query without a word, an unknown country or a day that does not exist, and `CaEtlError`
    where DuckDB's extension `fts` is missing, and where nothing is published.
    """
    _assert_text(str, query=query)
    _assert_text(str | None, country=country)
    days = _days(start, end)
    result = search_release(
        _current(data_dir),
        query,
        start=days["start"],
        end=days["end"],
        country=country,
        limit=limit,
        any_word=any_word,
    )
    return Frame(pl.from_arrow(result.rows))


def convert(
    frame: pl.DataFrame,
    *,
    quote: str = "USD",
    amount: str = "amount",
    base: str = "currency",
    day: str = "day",
    data_dir: Folder | None = None,
) -> Frame:
    """The rows of a Polars frame, with each amount converted to units of `quote` at the rate of its day.

    `quote` is an ISO 4217 code. `amount`, `base` and `day` name the columns of the frame: a number, an ISO 4217 code
    and a date. Added are `quote_amount` with its bounds `quote_amount_low` and `quote_amount_high`, `is_filled`, the
    sources of the rates, and `no_amount_reason`, which is null where the amount is converted. Raises `UsageError` for
    an argument of another type, a missing column and for one that would be added again, and what `connect` raises.
    """
    if not isinstance(frame, pl.DataFrame):
        raise UsageError(f"frame is a {type(frame).__name__} and not a DataFrame of Polars", HELP)
    _assert_text(str, quote=quote, amount=amount, base=base, day=day)
    missing = [column for column in (amount, base, day) if column not in frame.columns]
    if missing:
        raise UsageError(
            f"the frame has no column {', '.join(missing)}; its columns are {', '.join(frame.columns)}",
            HELP,
        )
    if "quote_amount" in frame.columns:
        raise UsageError(
            "the frame has a column quote_amount already: rename or drop what an earlier call has added",
            HELP,
        )
    with connect(data_dir) as con:
        try:
            return Frame(convert_frame(con, frame, quote=quote.upper(), amount=amount, base=base, day=day))
        except duckdb.ConversionException as error:
            raise UsageError(f"the column {day} is not one of days: {error}", HELP) from error


def _current(data_dir: Folder | None) -> Release:
    folder = read_settings().data_dir if data_dir is None else Path(data_dir)
    release = current_release(folder)
    if release is None:
        raise CaEtlError(f"{folder} holds no release", f"CA_ETL_DATA_DIR={folder} ca-etl run")
    return release


def _frame(con: duckdb.DuckDBPyConnection, query: str, given: Mapping[str, object]) -> Frame:
    # by way of Arrow: a connection of DuckDB 2 has no method for Polars
    return Frame(con.sql(query, params=given).to_arrow_reader(BATCH).read_all())


def _assert_text(kind: type | UnionType, **arguments: object) -> None:
    """Raise `UsageError` for an argument, given by its name, that is not text, nor None where `kind` allows it."""
    for name, value in arguments.items():
        if not isinstance(value, kind):
            words = "text" if kind is str else "text or None"
            raise UsageError(f"{name}={value!r} is not {words}", HELP)


def _days(start: Day | None, end: Day | None) -> dict[str, date | None]:
    """The days of a range by the names of their parameters. Raises `UsageError`, also where the first is the later."""
    first, last = _day("start", start), _day("end", end)
    assert_in_order(first, last, hint=SERIES)
    return {"start": first, "end": last}


def _day(name: str, day: object) -> date | None:
    """The day of an argument, given by its name; of a time that of its date. Raises `UsageError` for another value."""
    if isinstance(day, str):
        with suppress(ValueError):
            day = date.fromisoformat(day)
    if not isinstance(day, date | None):
        raise UsageError(f"{name}={day!r} is not a day such as 2025-12-31", SERIES)
    return day.date() if isinstance(day, datetime) else day
