/*
description: >-
  One row per capture of a central bank, day in force and currency against the US dollar. Of a bank that publishes
  several currencies in its own, such as the Bank of Russia, the rate is the cross of two lines of one table, with the
  interval that the printed digits leave. Every other rate is exact, since the bank sets it, so that its bounds are the
  rate itself.
materialized: table
grain: [capture_id, base, quote, rate_date]
columns:
  capture_id: WARC record id of the response of the bank.
  source: Bank that published the rate, a key of main.dim_source.
  observed_at: Time at which the response was fetched, UTC; null where unknown.
  capture_order: >-
    Ordinal of the capture by observed_date, time of the fetch (unknown first) and position in the archive, from 1;
    shifts when older captures are added.
  base: Base currency, of which one unit is priced, ISO 4217 code (always USD).
  quote: Quote currency, in which the price is given, ISO 4217 code.
  rate_date: Day in force that the bank states, in the zone of the bank.
  published_for: Day in the zone of the bank that was requested; null for a request of the latest rates or of a range.
  nominal: Number of units of base that the printed price is for; of a cross the number of units of quote.
  rate: Units of quote per unit of base; of a cross rounded half up to 12 decimals.
  rate_low: Lower bound of rate, in units of quote per unit of base; of a cross rounded down to 12 decimals.
  rate_high: Upper bound of rate, in units of quote per unit of base; of a cross rounded up to 12 decimals.
  rate_type: Kind of the rate - official (published by the bank) or cross (quotient of two published rates).
checks:
  - not_null: [nominal, rate_type]
*/
with published as (
    select
        capture.source,
        capture.observed_at,
        capture.capture_order,
        official.*,
        -- whole numbers: the digits as printed, and how many of them are decimals
        regexp_replace(official.rate_text, '[^0-9]', '', 'g')::hugeint as digits,
        length(regexp_extract(official.rate_text, '[.,]([0-9]*)$', 1)) as decimals
    from raw.official_rate as official
    inner join staging.stg_capture as capture using (capture_id)
),

-- base USD in the currency X of the table, beside each other currency in X
pairs as (
    select
        dollar.*,
        other.base as other_base,
        other.nominal as other_nominal,
        -- twice the digits, so that half a unit of the last digit is 1
        2 * dollar.digits * other.nominal * power_of_ten(other.decimals) as dollar_units,
        2 * other.digits * dollar.nominal * power_of_ten(dollar.decimals) as other_units,
        other.nominal * power_of_ten(other.decimals) as dollar_half,
        dollar.nominal * power_of_ten(dollar.decimals) as other_half
    from published as dollar
    inner join published as other using (capture_id, rate_date, quote)
    where dollar.base = 'USD' and other.base <> 'USD'
)

select
    capture_id,
    source,
    observed_at,
    capture_order,
    base,
    quote,
    rate_date,
    requested_date as published_for,
    nominal,
    rate::decimal(28, 12) as rate,
    rate::decimal(28, 12) as rate_low,
    rate::decimal(28, 12) as rate_high,
    rate_type
from published
anti join pairs using (capture_id, rate_date)
where base = 'USD'
union all
select
    capture_id,
    source,
    observed_at,
    capture_order,
    base,
    other_base as quote,
    rate_date,
    requested_date as published_for,
    other_nominal as nominal,
    decimal_12(divide_half_up(dollar_units * 1000000000000, other_units)) as rate,
    decimal_12(divide_down((dollar_units - dollar_half) * 1000000000000, other_units + other_half)) as rate_low,
    decimal_12(divide_up((dollar_units + dollar_half) * 1000000000000, other_units - other_half)) as rate_high,
    'cross' as rate_type
from pairs
