/*
description: >-
  One row per day and currency against the US dollar with the best rate that a bank or the ticker states for the day or
  for one of the 14 days before. In this order - the rates in force on the day, the official one before a cross and a
  cross before the ticker; then the latest earlier rate. Pegs are not here, since they do not age.
materialized: table
grain: [rate_date, base, quote]
columns:
  rate_date: Day that the rate is used for, in the zone of the bank, else in Asia/Almaty.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code (always USD).
  value_date: >-
    Day of rate in the zone of the bank, of a ticker in Asia/Almaty, at most 14 days before rate_date.
  fill_age_days: Number of days from value_date to rate_date.
  method: >-
    Way from the published rate to rate - published (the same), inverse (1 / published rate) or cross (quotient of two
    rates of one table).
  rate_source: Source of the rate, a key of main.dim_source.
  rate: Units of quote per unit of base, with 12 decimals.
  rate_low: Lower bound of rate, in units of quote per unit of base.
  rate_high: Upper bound of rate, in units of quote per unit of base.
  inverse_rate: Units of base per unit of quote; null where rate is zero.
  inverse_low: Lower bound of inverse_rate, in units of base per unit of quote.
  inverse_high: Upper bound of inverse_rate, in units of base per unit of quote; null where rate_low is zero.
  capture_id: WARC record id of the capture that shows the rate.
  is_in_force: >-
    True where the source states rate for rate_date, or the calendar of the bank expects no newer rate until then.
checks:
  - not_null: [value_date, fill_age_days, method, rate_source, capture_id, is_in_force]
*/
with official as (
    from main.fct_official_rate
    anti join staging.stg_repeated_rate using (source, base, quote, rate_date)
    where is_current and rate_type <> 'peg'
),

ticker as (
    from main.fct_rate_daily
    where not is_filled and quote = 'USD'
),

bank_days as (
    select
        source,
        day,
        sum((day_kind = 'expected')::integer) over (partition by source order by day) as publications
    from raw.publication_day
),

-- preference 1 is the best
stated_rates as (
    select
        quote as base,
        base as quote,
        rate_date as value_date,
        if(rate_type = 'cross', 2, 1) as preference,
        if(rate_type = 'cross', 'cross', 'inverse') as method,
        source as rate_source,
        inverse_rate as rate,
        inverse_low as rate_low,
        inverse_high as rate_high,
        rate as inverse_rate,
        rate_low as inverse_low,
        rate_high as inverse_high,
        capture_id
    from official
    union all
    select
        base,
        quote,
        rate_date as value_date,
        3 as preference,
        'published' as method,
        source as rate_source,
        rate,
        rate_low,
        rate_high,
        inverse_rate,
        inverse_low,
        inverse_high,
        capture_id
    from ticker
),

-- a rate serves for its day and the 14 days after it, until its source has a newer one; the series of a currency ends
-- with its last rate
service as (
    select
        *,
        max(value_date) over (partition by base, quote) as last_date,
        lead(value_date, 1, value_date + 15) over (partition by rate_source, base, quote order by value_date)
            - value_date as days
    from stated_rates
),

served_days as (
    select
        * exclude (days),
        unnest(range(0, least(days, 15)))::integer as fill_age_days,
        value_date + fill_age_days as rate_date
    from service
),

in_force as (
    select
        served_days.*,
        fill_age_days = 0
        or coalesce(preference < 3 and bank_day.publications = value_day.publications, false) as is_in_force
    from served_days
    left join bank_days as bank_day on bank_day.source = rate_source and bank_day.day = rate_date
    left join bank_days as value_day on value_day.source = rate_source and value_day.day = value_date
    where rate_date <= last_date
)

select
    rate_date,
    base,
    quote,
    value_date,
    fill_age_days,
    method,
    rate_source,
    rate::decimal(28, 12) as rate,
    rate_low::decimal(28, 12) as rate_low,
    rate_high::decimal(28, 12) as rate_high,
    inverse_rate,
    inverse_low,
    inverse_high,
    capture_id,
    is_in_force
from in_force
qualify row_number() over (
    partition by rate_date, base, quote
    order by not is_in_force, if(is_in_force, preference, fill_age_days), preference, fill_age_days, rate_source
) = 1
