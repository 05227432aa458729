/*
description: >-
  One row per day and currency that the ticker printed, bank, and rate that the bank published for the day, for one of
  the 14 days before or for one of the 4 days after. A rate that a bank repeats on a day without publication is not here.
materialized: table
grain: [rate_date, base, quote, official_source, fixing_date]
columns:
  rate_date: Day of the printed rate, which is the date that the page prints, else the Asia/Almaty day of the capture.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code (always USD).
  official_source: Bank that published the official rate, a key of main.dim_source.
  fixing_date: Day in force of the official rate, in the zone of the bank; for a peg the day of the printed rate.
  fixing_number: >-
    Ordinal of the official rate among the rates of the bank up to rate_date, from 1 for the latest; null for a later rate.
  official_type: Kind of the official rate - official, peg or cross.
  official_rate: Official rate, in units of base per unit of quote.
  official_low: Lower bound of official_rate, in units of base per unit of quote.
  official_high: Upper bound of official_rate, in units of base per unit of quote.
  printed_low: Lower bound of the inverse of the printed rate, in units of base per unit of quote.
  printed_high: >-
    Upper bound of the inverse of the printed rate, in units of base per unit of quote; a billion where rate_low is zero.
  is_within_interval: True where the bounds of official_rate meet the range from printed_low to printed_high.
  is_within_tolerance: >-
    True where the bounds of official_rate meet the range from printed_low to printed_high, widened by
    ticker_tolerance_pct of main.dim_currency at each end.
checks:
  - not_null: [official_type, official_rate, official_low, official_high, printed_low, printed_high]
  - not_null: [is_within_interval, is_within_tolerance]
*/
with ticker as (
    select
        rate_date,
        base,
        quote,
        inverse_low as printed_low,
        coalesce(inverse_high, 1000000000)::decimal(28, 12) as printed_high,
        (ticker_tolerance_pct * 0.01)::decimal(9, 6) as tolerance
    from main.fct_rate_daily
    inner join main.dim_currency on currency_code = base
    where not is_filled and quote = 'USD' and ticker_tolerance_pct is not null
),

official as (
    select *, lead(rate_date) over (partition by source, quote order by rate_date) as next_date
    from main.fct_official_rate
    where is_current
),

-- a peg is in force until the next one
fixings as (
    select official.*, rate_date + unnest(range(-4, 15))::integer as printed_date, rate_date as fixing_date
    from official
    anti join staging.stg_repeated_rate using (source, base, quote, rate_date)
    where official.rate_type <> 'peg'
    union all
    select official.*, ticker.rate_date as printed_date, ticker.rate_date as fixing_date
    from official
    inner join ticker
        on ticker.base = official.quote
        and ticker.rate_date >= official.rate_date
        and ticker.rate_date < coalesce(official.next_date, 'infinity'::date)
    where official.rate_type = 'peg'
),

compared as (
    select
        ticker.*,
        fixings.source as official_source,
        fixings.fixing_date,
        if(
            fixings.fixing_date <= ticker.rate_date,
            row_number() over (
                partition by ticker.rate_date, ticker.base, ticker.quote, fixings.source
                order by fixings.fixing_date > ticker.rate_date, fixings.fixing_date desc
            ),
            null
        )::integer as fixing_number,
        fixings.rate_type as official_type,
        fixings.rate as official_rate,
        fixings.rate_low as official_low,
        fixings.rate_high as official_high,
        (ticker.printed_low * (1 - ticker.tolerance))::decimal(38, 18) as widened_low,
        (ticker.printed_high * (1 + ticker.tolerance))::decimal(38, 18) as widened_high
    from ticker
    inner join fixings on fixings.printed_date = ticker.rate_date and fixings.quote = ticker.base
)

select
    * exclude (tolerance, widened_low, widened_high),
    official_low <= printed_high and official_high >= printed_low as is_within_interval,
    official_low <= widened_high and official_high >= widened_low as is_within_tolerance
from compared
