/*
description: >-
  One row per day and currency pair that a capture of the day printed, with the latest print and a summary of all prints
  of the day.
grain: [rate_date, base, quote]
columns:
  rate_date: The day.
  base: Currency of which one unit is priced.
  quote: Currency of the price.
  capture_order: That of the capture with the latest print - see main.fct_rate_observation.
  observations: How many captures printed the pair on this day.
  distinct_rates: How many different rates they printed.
  distinct_tickers: >-
    How many different tickers they printed - different in the rate or the change of any pair, compared as printed, so
    0.0115 and 0.01150 differ, as do -0% and 0%.
  day_low: The lowest rate of the pair that they printed.
  day_high: The highest of them.
  is_stale_suspect: >-
    True where the ticker of the latest print equals one of an earlier day of the same source in every pair and change,
    compared as printed, as happens with a cached page, or when nothing was traded.
*/
with prints as (
    select capture_id, capture_order, source, rate_date, base, quote, rate, rate_text, change_text
    from main.fct_rate_observation
),

tickers as (
    select
        capture_id,
        source,
        rate_date,
        -- for speed a list that is sorted afterwards: aggregates with an order take four times as long
        array_to_string(list_sort(list(concat_ws(' ', base, quote, rate_text, change_text))), ',') as ticker
    from prints
    group by all
),

first_prints as (
    select source, ticker, min(rate_date) as first_date
    from tickers
    group by all
),

dated_tickers as (
    select tickers.capture_id, tickers.ticker, first_prints.first_date < tickers.rate_date as is_repeated
    from tickers
    inner join first_prints using (source, ticker)
)

select
    rate_date,
    base,
    quote,
    max(capture_order) as capture_order,
    count(*)::integer as observations,
    count(distinct rate)::integer as distinct_rates,
    count(distinct ticker)::integer as distinct_tickers,
    min(rate) as day_low,
    max(rate) as day_high,
    arg_max(is_repeated, capture_order) as is_stale_suspect
from prints
inner join dated_tickers using (capture_id)
group by all
