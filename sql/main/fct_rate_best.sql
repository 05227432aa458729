/*
description: >-
  One row per day and currency with the best known rate in US dollars per unit of the currency, without gaps from the
  first to the last day with a rate - base KZT, quote USD, rate 0.001918980637, and inverse_rate 521.11 tenge per dollar,
  which fct_official_rate has as rate. In this order - the official rate in force on the day (of the currency's own
  bank, a peg, then a cross of another bank), the ticker of the day, the latest of these from at most 14 days before. A
  rate of an earlier day is marked by is_filled, also where the bank's calendar shows that it is still in force.
grain: [rate_date, base, quote]
columns:
  rate_date: Day of the rate, in the zone of the bank, else in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code (always USD).
  rate: >-
    Units of quote per unit of base, with 12 decimals, which is seven or more significant digits; null where the latest
    rate is older than 14 days.
  rate_low: >-
    Lower bound of rate, in units of quote per unit of base; of an official rate the rounding of the inverse, of a
    ticker half a unit of the last printed digit. Null where rate is null.
  rate_high: Upper bound of rate, as rate_low, in units of quote per unit of base; null where rate is null.
  inverse_rate: >-
    Units of base per unit of quote, of an official rate exactly as published; null where rate is null or zero.
  inverse_low: Lower bound of inverse_rate, in units of base per unit of quote; null where rate is null.
  inverse_high: >-
    Upper bound of inverse_rate, in units of base per unit of quote; null where rate is null or rate_low is zero.
  rate_source: Source of the rate, a key of main.dim_source; null where rate is null.
  method: >-
    Way from the published rate to rate - published (the same), inverse (1 / published rate), cross (quotient of two
    rates of one table) or peg (1 / fixed rate); null where rate is null.
  is_filled: True where rate is of an earlier day, value_date, or null; false on each day of a peg.
  fill_age_days: Number of days from value_date to rate_date, at most 14; null where rate is null.
  value_date: Day of rate in the zone of the bank, of a ticker in Asia/Almaty; null where rate is null.
  is_in_force: >-
    True where the source states rate for rate_date, or the calendar of the bank expects no newer rate until then; null
    where rate is null.
  previous_date: >-
    Latest earlier day with a rate that is not filled, in the zone of rate_date (Asia/Almaty for a ticker); null on a
    filled day and on the first day.
  return_pct: >-
    Change of rate since previous_date in percent, rounded half up to 4 decimals; null on a filled day and on the first.
  return_low: Lower bound of return_pct in percent, rounded down; null on a filled day and on the first day.
  return_high: Upper bound of return_pct in percent, rounded up; null on a filled day and on the first day.
  capture_id: WARC record id of the capture that shows the rate; null for a peg, and where rate is null.
  series_key: >-
    Key of the series of inverse_rate in the order of the ECB's exchange rates, such as D.KZT.USD.SP00.A - daily, tenge
    per dollar, spot, average of the day.
sort: [rate_date, base, quote]
checks:
  - not_null: [is_filled, series_key]
  - accepted: {method: [published, inverse, cross, peg]}
  - between: {fill_age_days: [0, 14]}
  - references: {rate_source: main.dim_source.source}
  - name: interval_holds_rate
    sql: >-
      select rate_date, base, rate_low, rate, rate_high, inverse_low, inverse_rate, inverse_high from main.fct_rate_best
      where rate not between rate_low and rate_high
      or inverse_rate not between inverse_low and inverse_high
  - name: a_filled_rate_is_of_an_earlier_day
    sql: >-
      select rate_date, base, is_filled, fill_age_days, value_date, return_pct from main.fct_rate_best
      where is_filled <> coalesce(fill_age_days > 0, true) or (is_filled and return_pct is not null)
  - name: series_has_no_gap
    sql: >-
      select base, quote, rate_date, next_date from (
          select *, lead(rate_date) over (partition by base, quote order by rate_date) as next_date
          from main.fct_rate_best
      ) where next_date <> rate_date + 1
*/
with stated_rates as (
    from staging.stg_best_rate
),

pegs as (
    select *, lead(rate_date) over (partition by quote order by rate_date) as next_peg
    from main.fct_official_rate
    where is_current and rate_type = 'peg'
),

spans as (
    select base, quote, min(rate_date) as first_date, max(rate_date) as last_date
    from stated_rates
    group by all
),

currency_days as (
    select base, quote, unnest(generate_series(first_date, last_date, interval 1 day))::date as rate_date
    from spans
),

daily as (
    select
        currency_days.rate_date,
        currency_days.base,
        currency_days.quote,
        coalesce(peg.inverse_rate, stated_rates.rate) as rate,
        coalesce(peg.inverse_low, stated_rates.rate_low) as rate_low,
        coalesce(peg.inverse_high, stated_rates.rate_high) as rate_high,
        coalesce(peg.rate, stated_rates.inverse_rate) as inverse_rate,
        coalesce(peg.rate_low, stated_rates.inverse_low) as inverse_low,
        coalesce(peg.rate_high, stated_rates.inverse_high) as inverse_high,
        coalesce(peg.source, stated_rates.rate_source) as rate_source,
        if(peg.source is null, stated_rates.method, 'peg') as method,
        if(peg.source is null, stated_rates.fill_age_days, 0) as fill_age_days,
        if(peg.source is null, stated_rates.is_in_force, true) as is_in_force,
        if(peg.source is null, stated_rates.capture_id, null) as capture_id
    from currency_days
    left join stated_rates using (rate_date, base, quote)
    left join pegs as peg
        on peg.quote = currency_days.base
        and peg.base = currency_days.quote
        and currency_days.rate_date >= peg.rate_date
        and currency_days.rate_date < coalesce(peg.next_peg, 'infinity'::date)
),

observed_days as (
    select
        rate_date,
        base,
        quote,
        lag(rate_date) over by_day as previous_date,
        change(rate, lag(rate) over by_day) as return_pct,
        change_down(rate_low, lag(rate_high) over by_day) as return_low,
        change_up(rate_high, lag(rate_low) over by_day) as return_high
    from daily
    where fill_age_days = 0
    window by_day as (partition by base, quote order by rate_date)
)

select
    daily.rate_date,
    daily.base,
    daily.quote,
    daily.rate,
    daily.rate_low,
    daily.rate_high,
    daily.inverse_rate,
    daily.inverse_low,
    daily.inverse_high,
    daily.rate_source,
    daily.method,
    coalesce(daily.fill_age_days > 0, true) as is_filled,
    daily.fill_age_days,
    daily.rate_date - daily.fill_age_days as value_date,
    daily.is_in_force,
    observed_days.previous_date,
    observed_days.return_pct,
    observed_days.return_low,
    observed_days.return_high,
    daily.capture_id,
    concat_ws('.', 'D', daily.base, daily.quote, 'SP00', 'A') as series_key
from daily
left join observed_days using (rate_date, base, quote)
