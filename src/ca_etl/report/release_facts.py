"""What the report of a release shows, read from its tables: rows for the charts, and tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from ca_etl.errors import CaEtlError
from ca_etl.report.charts import COUNTRIES, CountryDay, DayOutcome, Disagreement, RateDay
from ca_etl.report.run_summary import RunSummary, read_summary
from ca_etl.warehouse.reading import readable

RATES: Final = """
    with disagreements as (
        select distinct rate_date, base, quote from main.fct_rate_agreement where verdict = 'disagrees'
    )
    select
        currency.name, base, rate_date, ticker.inverse_rate, ticker.inverse_low, ticker.inverse_high,
        coalesce(ticker.is_filled, false), bank.inverse_rate, disagreements.base is not null
    from main.fct_rate_daily as ticker
    full join (from main.fct_rate_best where method <> 'published') as bank using (rate_date, base, quote)
    left join disagreements using (rate_date, base, quote)
    inner join main.dim_currency as currency on currency.currency_code = base
    where quote = 'USD'
    order by base, rate_date
"""
# The best of what the sources of the ticker have of a day.
CALENDAR: Final = """
    with outcomes as (
        select
            day, coalesce(reason, '') as reason,
            case when schedule = 'backfill' and outcome = 'observed' then 'backfilled' else outcome end as state
        from main.fct_coverage inner join main.dim_source using (source)
        where prints_ticker or (schedule = 'backfill' and outcome <> 'failed')
    ),
    ranked as (
        select *, list_position(
            ['observed', 'unchanged', 'backfilled', 'closed', 'blocked', 'failed', 'missed'], state
        ) as rank
        from outcomes
    )
    select day, arg_min(state, rank), arg_min(reason, rank) from ranked group by day order by day
"""
DISAGREEMENTS: Final = """
    select rate_date, base, official_source, difference_pct, coalesce(cause, '')
    from main.fct_rate_agreement where verdict = 'disagrees' order by all
"""
COUNTRY_DAYS: Final = """
    with named as (
        select date, articles, case when country_code = 'ZZ' then 'none named'
            when list_contains($countries, name) then name else 'other' end as country
        from main.fct_article_daily left join main.dim_country using (country_code)
    )
    select date, country, sum(articles)::integer from named group by all order by all
"""
TOTALS: Final = """
    with checks as (
        from main.etl_check where run_id = (select arg_max(run_id, started_at) from main.etl_check)
    )
    select
        first_day, last_day, rate_days, filled_days, articles, checks, firing, rejects
    from
        (
            select min(rate_date) as first_day, max(rate_date) as last_day, count(distinct rate_date) as rate_days,
                count(distinct rate_date) filter (is_filled) as filled_days
            from main.fct_rate_daily
        ),
        (select coalesce(sum(articles), 0)::bigint as articles from main.fct_article_daily),
        (select count(*) as checks, count(*) filter (is_firing) as firing from checks),
        (select count(*) as rejects from main.etl_reject)
"""
LATEST_RATES: Final = """
    with last_days as (select max(rate_date) as last_day from main.fct_rate_daily)
    select
        rate_date as "Day", base as "Currency", ticker.inverse_low as "Ticker, at least",
        ticker.inverse_high as "Ticker, at most", bank.inverse_rate as "Bank", bank.rate_source as "Which bank",
        case when ticker.is_filled then ticker.fill_reason else '' end as "Reason of the filling"
    from main.fct_rate_daily as ticker cross join last_days
    left join (from main.fct_rate_best where method <> 'published') as bank using (rate_date, base, quote)
    where rate_date > last_day - 7
    order by rate_date desc, base
"""
AGREEMENT: Final = """
    with days as (
        select base, rate_date, case when bool_or(verdict = 'disagrees') then 'disagrees'
            when bool_or(verdict = 'agrees') then 'agrees' else 'uninformative' end as verdict
        from main.fct_rate_agreement group by all
    )
    select
        base as "Currency", count(*) as "Days compared",
        count(*) filter (verdict = 'agrees') as "Agree",
        count(*) filter (verdict = 'uninformative') as "Too coarse to tell",
        count(*) filter (verdict = 'disagrees') as "Disagree"
    from days group by base order by base
"""
LATEST_DISAGREEMENTS: Final = """
    select
        rate_date as "Day", base as "Currency", ticker_inverse_low as "Ticker, at least",
        ticker_inverse_high as "Ticker, at most", official_rate as "Bank", official_source as "Which bank",
        difference_pct as "Difference, %", replace(cause, '_', ' ') as "Cause"
    from main.fct_rate_agreement where verdict = 'disagrees'
    order by rate_date desc, base, official_source limit 15
"""
AMOUNTS: Final = """
    select
        {'text': title, 'url': url} as "Article", coalesce(published_date, first_seen_date) as "Day",
        amount_text as "As printed", amount_usd_low as "Dollars, at least", amount_usd_high as "Dollars, at most",
        rate_source as "At the rate of"
    from (
        from main.fct_article_amount where amount_usd is not null and per is null
        qualify row_number() over (partition by article_id order by amount_usd desc, text_start) = 1
        order by amount_usd desc, article_id limit 15
    ) as largest
    inner join main.fct_article using (article_id)
    order by amount_usd desc, article_id
"""
SOURCES: Final = """
    with last_days as (select max(day) as last_day from main.fct_coverage)
    select
        name as "Source", max(day) filter (outcome in ('observed', 'unchanged')) as "Last read",
        max(last_day) - max(day) filter (outcome in ('observed', 'unchanged')) as "Days before the last slot",
        count(*) filter (outcome = 'observed') as "Observed",
        count(*) filter (outcome = 'unchanged') as "Unchanged",
        count(*) filter (outcome = 'closed') as "Unavailable",
        count(*) filter (outcome = 'blocked') as "Blocked",
        count(*) filter (outcome = 'failed') as "Failed",
        count(*) filter (outcome = 'missed') as "Missed"
    from main.fct_coverage inner join main.dim_source using (source) cross join last_days
    group by name order by name
"""
CHECKS: Final = """
    select
        check_name as "Check", severity as "Severity", offending_rows as "Rows", sample as "For example"
    from main.etl_check
    where is_firing and run_id = (select arg_max(run_id, started_at) from main.etl_check)
    order by severity, check_name
"""
REJECTS: Final = """
    select
        coalesce(source, 'unknown') as "Source", reason as "Reason", count(*) as "Rejects",
        max(observed_at) as "Latest", arg_max(detail, (observed_at, capture_id, position)) as "Detail of the latest",
        arg_max(excerpt, (observed_at, capture_id, position)) as "Its text"
    from main.etl_reject group by all order by count(*) desc, "Source", "Reason" limit 20
"""
RUNS: Final = """
    select
        started_at as "Began", kind as "Kind", status as "Result", round(duration_ms / 1000, 1)::decimal(18, 1)
            as "Seconds", captures as "Captures", rejects as "Rejects",
        concat_ws('; ', error, array_to_string(warnings, '; ')) as "Errors and warnings", code_version as "Version"
    from main.etl_run order by started_at desc, run_id desc limit 10
"""


@dataclass(frozen=True, slots=True)
class FactTable:
    """A table for people: caption, names of the columns, and rows of values as DuckDB gives them."""

    caption: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a release. The days are those of the ticker's series, None without one; the checks are its run's."""

    first_day: date | None
    last_day: date | None
    rate_days: int
    filled_days: int
    articles: int
    checks: int
    firing: int
    rejects: int


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What a report shows of a release.

    `run` is the summary of the run that made it. `rates` has, by currency code, its name and its days; the others are
    rows of the charts, and tables for people.
    """

    run: RunSummary
    rates: dict[str, tuple[str, list[RateDay]]]
    calendar: list[DayOutcome]
    disagreements: list[Disagreement]
    country_days: list[CountryDay]
    totals: Totals
    latest_rates: FactTable
    agreement: FactTable
    latest_disagreements: FactTable
    amounts: FactTable
    sources: FactTable
    checks: FactTable
    rejects: FactTable
    runs: FactTable

    @property
    def days(self) -> list[date]:
        """The first and the last day of the rates; empty without a rate."""
        shown = [rate.day for _, rates in self.rates.values() for rate in rates]
        return [min(shown), max(shown)] if shown else []


@contextmanager
def warehouse_of_facts(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse of a release, to read facts with.

    Raises `CaEtlError` for one that cannot be read, or has the tables of another version.
    """
    try:
        with readable(warehouse) as con:
            yield con
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise CaEtlError(
            f"{warehouse} has not the tables of this version: {error}", "ca-etl rebuild"
        ) from error


def read_rates(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, list[RateDay]]]:
    """Read the `rates` of `ReleaseFacts` of the release that `con` is connected to."""
    rates: dict[str, tuple[str, list[RateDay]]] = {}
    for name, base, *values in con.execute(RATES).fetchall():
        rates.setdefault(base, (name, []))[1].append(RateDay(*values))
    return rates


def read_facts(con: duckdb.DuckDBPyConnection) -> ReleaseFacts:
    """Read what a report shows of the release that `con` is connected to; times are in the zone of the connection."""
    ((run_id,),) = con.execute(
        "select coalesce(arg_max(run_id, started_at), '') from main.etl_run"
    ).fetchall()
    return ReleaseFacts(
        read_summary(con, run_id),
        read_rates(con),
        [DayOutcome(*row) for row in con.execute(CALENDAR).fetchall()],
        [Disagreement(*row) for row in con.execute(DISAGREEMENTS).fetchall()],
        [CountryDay(*row) for row in con.execute(COUNTRY_DAYS, {"countries": list(COUNTRIES)}).fetchall()],
        Totals(*con.execute(TOTALS).fetchall()[0]),
        _table(con, "Rates of the last seven days, in units of the currency per dollar", LATEST_RATES),
        _table(con, "Days on which the ticker can be compared with a bank", AGREEMENT),
        _table(con, "The latest disagreements, in units of the currency per dollar", LATEST_DISAGREEMENTS),
        _table(con, "The largest amount of each article that names one, without prices of a unit", AMOUNTS),
        _table(con, "Slots of each source by their outcome", SOURCES),
        _table(con, "Checks that fire", CHECKS),
        _table(con, "Rejects by source and reason", REJECTS),
        _table(con, "The last ten runs, that of this release first", RUNS),
    )


def _table(con: duckdb.DuckDBPyConnection, caption: str, query: str) -> FactTable:
    cursor = con.execute(query)
    columns = tuple(column[0] for column in cursor.description)
    return FactTable(caption, columns, cursor.fetchall())
