/*
description: >-
  One row per day and currency that the ticker printed, bank, and rate that the bank published for the day, for one of
  the 14 days before or for one of the 4 days after. A rate that a bank repeats on a day without publication is not here.
grain: [rate_date, base, quote, official_source, fixing_date]
columns:
  rate_date: Day of the printed rate, which is the date that the page prints, else the Asia/Almaty day of the capture.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code (always USD).
  official_source: Bank that published the official rate, a key of main.dim_source.
  fixing_date: Day in force of the official rate, in the zone of the bank; for a peg the day of the printed rate.
  fixing_number: >-
    Ordinal of the official rate among the latest three rates of the bank up to rate_date, from 1 for the latest; null
    for an earlier and for a later rate.
  official_type: Kind of the official rate - official, peg or cross; never null.
  official_rate: Official rate, in units of base per unit of quote; never null.
  official_low: Lower bound of official_rate, in units of base per unit of quote; never null.
  official_high: Upper bound of official_rate, in units of base per unit of quote; never null.
  printed_low: Lower bound of the inverse of the printed rate, in units of base per unit of quote; never null.
  printed_high: >-
    Upper bound of the inverse of the printed rate, in units of base per unit of quote; a billion where rate_low is
    zero, never null.
  is_within_interval: >-
    True where the bounds of official_rate meet the range from printed_low to printed_high; never null.
  is_within_tolerance: >-
    True where the bounds of official_rate meet the range from printed_low to printed_high, widened by
    ticker_tolerance_pct of main.dim_currency at each end; never null.
*/
with ticker as (
    select
        rate_date,
        base,
        quote,
        inverse_low as printed_low,
        coalesce(inverse_high, 1000000000)::decimal(28, 12) as printed_high,
        (ticker_tolerance_pct * 0.01)::decimal(9, 6) as tolerance,
        (printed_low * (1 - tolerance))::decimal(38, 18) as widened_low,
        (printed_high * (1 + tolerance))::decimal(38, 18) as widened_high
    from main.fct_rate_daily
    inner join main.dim_currency on currency_code = base
    where not is_filled and quote = 'USD' and ticker_tolerance_pct is not null
),

-- not lead with an offset, which DuckDB 2 ignores in a view that DuckDB 1 stored
official as (
    select
        * exclude (base, quote),
        quote as base,
        nth_value(rate_date, 1) over next_three as next_date,
        nth_value(rate_date, 2) over next_three as second_next_date,
        nth_value(rate_date, 3) over next_three as third_next_date
    from main.fct_official_rate
    anti join staging.stg_repeated_rate using (source, base, quote, rate_date)
    where is_current
    window next_three as (
        partition by source, quote order by rate_date rows between 1 following and 3 following
    )
),

-- a peg is in force until the next one
fixings as (
    select official.*, rate_date + days::integer as printed_date, rate_date as fixing_date
    from official
    cross join range(-4, 15) as shifts (days)
    where rate_type <> 'peg'
    union all
    select official.*, ticker.rate_date as printed_date, ticker.rate_date as fixing_date
    from official
    inner join ticker
        on ticker.base = official.base
        and ticker.rate_date >= official.rate_date
        and ticker.rate_date < coalesce(official.next_date, 'infinity'::date)
    where official.rate_type = 'peg'
)

select
    ticker.rate_date,
    base,
    ticker.quote,
    fixings.source as official_source,
    fixings.fixing_date,
    case
        when ticker.rate_date < fixings.fixing_date or ticker.rate_date >= fixings.third_next_date then null
        when ticker.rate_date >= fixings.second_next_date then 3
        when ticker.rate_date >= fixings.next_date then 2
        else 1
    end as fixing_number,
    fixings.rate_type as official_type,
    fixings.rate as official_rate,
    fixings.rate_low as official_low,
    fixings.rate_high as official_high,
    ticker.printed_low,
    ticker.printed_high,
    fixings.rate_low <= ticker.printed_high and fixings.rate_high >= ticker.printed_low as is_within_interval,
    fixings.rate_low <= ticker.widened_high and fixings.rate_high >= ticker.widened_low as is_within_tolerance
from ticker
inner join fixings using (base)
where fixings.printed_date = ticker.rate_date
