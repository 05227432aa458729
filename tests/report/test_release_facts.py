"""What a report reads of a release, from tables with the columns that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ca_etl.report.charts import CountryDay, DayOutcome, RateDay
from ca_etl.report.release_facts import ReleaseFacts, read_facts

DAY = date(2025, 12, 4)
# Empty tables: a test inserts its rows by name.
TABLES = """
    create table fct_rate_daily (rate_date date, base text, quote text, inverse_rate decimal(38, 12),
        inverse_low decimal(38, 12), inverse_high decimal(38, 12), is_filled boolean, fill_reason text,
        fill_age_days integer);
    create table fct_rate_best (rate_date date, base text, quote text, inverse_rate decimal(38, 12), method text,
        rate_source text);
    create table fct_rate_agreement (rate_date date, base text, quote text, official_source text, verdict text,
        cause text, official_rate decimal(38, 12), ticker_inverse_low decimal(38, 12),
        ticker_inverse_high decimal(38, 12), difference_pct decimal(18, 4));
    create table fct_rate_observation (capture_id text, rate_date date);
    create table fct_article_sighting (capture_id text, article_id text);
    create table fct_article_revision (capture_id text, article_id text, revision integer);
    create table fct_article_removal (capture_id text, article_id text, kind text);
    create schema raw;
    create table raw.capture (capture_id text, run_id text);
    create table dim_currency (currency_code text, name text);
    create table dim_country (country_code text, name text);
    create table dim_source (source text, name text, prints_ticker boolean);
    create table fct_coverage (source text, schedule text, day date, outcome text, reason text, run_id text);
    create table fct_article_daily (date date, country_code text, articles integer);
    create table fct_article (article_id text, title text, url text, published_date date, first_seen_date date);
    create table fct_article_amount (article_id text, text_start integer, amount_text text, amount_usd decimal(18, 2),
        amount_usd_low decimal(18, 2), amount_usd_high decimal(18, 2), per text, rate_source text);
    create table etl_check (check_name text, severity text, is_firing boolean, offending_rows bigint, sample text,
        run_id text, started_at timestamptz);
    create table etl_reject (capture_id text, position integer, source text, reason text, detail text, excerpt text,
        observed_at timestamptz, run_id text);
    create table etl_run (run_id text, kind text, status text, started_at timestamptz, duration_ms bigint,
        captures bigint, rejects bigint, error text, warnings text[], code_version text);
    insert into dim_currency values ('KZT', 'Kazakhstani Tenge');
    insert into dim_country values ('KZ', 'Kazakhstan'), ('FR', 'France');
    insert into dim_source values ('timesca', 'The Times', true), ('wayback', 'Wayback Machine', false),
        ('nbk', 'National Bank', false);
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(f"set TimeZone = 'UTC'; {TABLES}")
        yield con


def facts_of(con: duckdb.DuckDBPyConnection, *inserts: str) -> ReleaseFacts:
    for insert in inserts:
        con.execute(f"insert into {insert}")
    return read_facts(con)


def test_a_release_without_rows_has_facts(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(con)
    assert (facts.rates, facts.days, facts.calendar, facts.totals.last_day) == ({}, [], [], None)


def test_a_day_of_the_ticker_has_the_rate_of_the_bank_and_a_day_of_the_bank_alone_is_there_too(
    con: duckdb.DuckDBPyConnection,
) -> None:
    facts = facts_of(
        con,
        "fct_rate_daily values ('2025-12-04', 'KZT', 'USD', 523.56, 522.19, 524.93, false, null, 0)",
        "fct_rate_best values ('2025-12-03', 'KZT', 'USD', 507.1, 'inverse', 'nbk'),"
        " ('2025-12-04', 'KZT', 'USD', 506.9, 'inverse', 'nbk')",
        "fct_rate_agreement values"
        " ('2025-12-04', 'KZT', 'USD', 'nbk', 'disagrees', 'stale_ticker', 506.9, 522.19, 524.93, 3.2867)",
    )
    ticker = map(Decimal, ("523.56", "522.19", "524.93"))
    assert facts.rates == {
        "KZT": (
            "Kazakhstani Tenge",
            [
                RateDay(date(2025, 12, 3), official=Decimal("507.1")),
                RateDay(DAY, *ticker, is_filled=False, official=Decimal("506.9"), disagrees=True),
            ],
        )
    }
    assert facts.days == [date(2025, 12, 3), DAY]


def test_the_best_known_rate_is_not_a_bank_s_where_it_is_the_ticker_s(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(
        con,
        "fct_rate_daily values ('2025-12-04', 'KZT', 'USD', 523.56, 522.19, 524.93, true, 'missed', 1)",
        "fct_rate_best values ('2025-12-04', 'KZT', 'USD', 523.56, 'published', 'timesca')",
    )
    (day,) = facts.rates["KZT"][1]
    assert (day.is_filled, day.official) == (True, None)


def test_a_day_has_the_best_state_of_the_sources_of_the_ticker(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(
        con,
        "fct_coverage (source, schedule, day, outcome, reason) values"
        " ('timesca', 'daily', '2025-12-03', 'missed', 'no run'),"
        " ('wayback', 'backfill', '2025-12-03', 'observed', null),"
        " ('timesca', 'daily', '2025-12-04', 'failed', '4 http_error'),"
        " ('timesca', 'sweep', '2025-12-04', 'observed', null),"
        " ('nbk', 'daily', '2025-12-05', 'observed', null),"
        " ('timesca', 'daily', '2025-12-05', 'blocked', '403')",
    )
    assert facts.calendar == [
        DayOutcome(date(2025, 12, 3), "backfilled"),
        DayOutcome(DAY, "observed"),
        DayOutcome(date(2025, 12, 5), "blocked", "403"),
    ]
    assert facts.sources.rows[0] == ("National Bank", date(2025, 12, 5), 0, 1, 0, 0, 0, 0, 0)


def test_articles_of_other_countries_are_counted_together(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(
        con,
        "fct_article_daily values ('2025-12-04', 'KZ', 2), ('2025-12-04', 'FR', 1), ('2025-12-04', 'ZZ', 3)",
    )
    assert facts.country_days == [
        CountryDay(DAY, "Kazakhstan", 2),
        CountryDay(DAY, "none named", 3),
        CountryDay(DAY, "other", 1),
    ]
    assert facts.totals.articles == 6


def test_an_article_has_its_largest_amount_that_is_no_price_of_a_unit(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(
        con,
        "fct_article values ('a', 'A Dam', 'https://timesca.com/a/', null, '2025-12-04')",
        "fct_article_amount values ('a', 10, '$5', 5, 5, 5, null, null), ('a', 20, '$7', 7, 7, 7, null, null),"
        " ('a', 30, '$900 a ton', 900, 900, 900, 'ton', null), ('a', 40, 'GBP 8', null, null, null, null, null)",
    )
    link = {"text": "A Dam", "url": "https://timesca.com/a/"}
    assert facts.amounts.rows == [(link, DAY, "$7", Decimal("7.00"), Decimal("7.00"), None)]


def test_only_the_checks_of_the_last_run_count(con: duckdb.DuckDBPyConnection) -> None:
    facts = facts_of(
        con,
        "etl_check values ('old', 'warning', true, 1, 'x', 'r1', '2025-12-03'),"
        " ('new', 'warning', true, 2, 'y', 'r2', '2025-12-04'), ('calm', 'error', false, 0, '', 'r2', '2025-12-04')",
    )
    assert facts.checks.rows == [("new", "warning", 2, "y")]
    assert (facts.totals.checks, facts.totals.firing) == (2, 1)
