/*
description: >-
  One row per day and currency pair that a capture of the day printed, with the latest capture and a summary of all
  captures of the day. Captures are those of the sources with the lowest main.dim_source.rate_precedence that gave the
  pair on the day, so that no other source replaces the ticker; texts that a web archive made of pages (WET) come last.
grain: [rate_date, base, quote]
columns:
  rate_date: Day of the rate, which is the date that the page prints, else the Asia/Almaty day of the capture.
  base: Base currency, of which one unit is priced, ISO 4217 code.
  quote: Quote currency, in which the price is given, ISO 4217 code.
  capture_order: >-
    Ordinal of the capture by observed_date, time of the fetch (unknown first) and position in the archive, from 1, here
    the latest of the day; shifts when older captures are added.
  observations: Number of captures of the day that printed the currency pair.
  distinct_rates: Number of different rates of the currency pair that captures of the day printed.
  distinct_tickers: >-
    Number of different tickers that captures of the day printed. Tickers differ in the text of any rate or change, so
    0.0115 and 0.01150 differ, as do -0% and 0%.
  day_low: Lowest rate of the currency pair that captures of the day printed, in units of quote per unit of base.
  day_high: Highest rate of the currency pair that captures of the day printed, in units of quote per unit of base.
  is_stale_suspect: >-
    True where the ticker with the rate equals one of an earlier day of the same source in the text of every rate and
    change, as on a cached page, or when nothing was traded.
  repeats_date: >-
    Latest earlier day (Asia/Almaty) of which the same source printed a ticker with the same text of every rate and
    change; null where is_stale_suspect is false.
*/
with prints as (
    select capture_id, capture_order, source, rate_date, base, quote, rate, rate_text, change_text,
        rate_precedence, source_kind
    from main.fct_rate_observation
    left join (select capture_id, source_kind from staging.stg_capture) using (capture_id)
    left join (select source, rate_precedence from main.dim_source) using (source)
),

tickers as (
    select
        capture_id,
        source,
        rate_date,
        -- for speed the list is sorted afterwards: an aggregate with an order takes four times as long
        array_to_string(list_sort(list(concat_ws(' ', base, quote, rate_text, change_text))), ',') as ticker
    from prints
    group by all
),

ticker_days as (
    select
        source,
        ticker,
        rate_date,
        lag(rate_date) over (partition by source, ticker order by rate_date) as repeats_date
    from (select distinct source, ticker, rate_date from tickers)
),

dated_tickers as (
    select tickers.capture_id, ticker, ticker_days.repeats_date
    from tickers
    inner join ticker_days using (source, ticker, rate_date)
),

-- a source that is not in the seed comes last
preferred_prints as (
    select *
    from prints
    qualify rank() over (partition by rate_date, base, quote order by source_kind = 'wet', rate_precedence nulls last) = 1
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
    arg_max(repeats_date is not null, capture_order) as is_stale_suspect,
    arg_max_null(repeats_date, capture_order) as repeats_date
from preferred_prints
inner join dated_tickers using (capture_id)
group by all
