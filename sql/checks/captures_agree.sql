/*
description: >-
  Two captures whose rates of a currency pair cannot both be true. One page prints one rate in one second. The ticker
  moves within a day, and pages from a cache print an earlier one, but on no known date by more than 1 percent, rounding
  left out: two sources with the same printed date disagree where it is more than 3 percent. Both observations stay. A
  decision that excludes or accepts one of the captures settles it.
severity: warning
# only a backfill or an ingest brings captures of past days, and it prints the checks that fire
alerts: false
model: main.fct_rate_observation
*/
with prints as (
    select *, regexp_replace(url, '^https?://(www\.)?|/$', '', 'g') as page, date_trunc('second', observed_at) as second
    from main.fct_rate_observation
    where not is_accepted
),

second_pairs as (
    select
        base,
        quote,
        prints.rate_date,
        prints.capture_id,
        prints.source,
        prints.rate,
        other.capture_id as other_capture_id,
        other.source as other_source,
        other.rate as other_rate
    from prints
    inner join prints as other using (page, second, base, quote)
    where other.rate > prints.rate
),

source_days as (
    select
        page_date,
        base,
        quote,
        source,
        min(rate_high) as lowest_high,
        arg_min(capture_id, rate_high) as lowest_capture_id,
        arg_min(rate, rate_high) as lowest_rate,
        max(rate_low) as highest_low,
        arg_max(capture_id, rate_low) as highest_capture_id,
        arg_max(rate, rate_low) as highest_rate
    from prints
    where page_date = rate_date
    group by page_date, base, quote, source
),

day_pairs as (
    select
        base,
        quote,
        page_date as rate_date,
        lower_day.lowest_capture_id as capture_id,
        lower_day.source,
        lower_day.lowest_rate as rate,
        upper_day.highest_capture_id as other_capture_id,
        upper_day.source as other_source,
        upper_day.highest_rate as other_rate
    from source_days as lower_day
    inner join source_days as upper_day using (page_date, base, quote)
    where lower_day.source <> upper_day.source
    and upper_day.highest_low > lower_day.lowest_high * 1.03
)

select rate_date, base, quote, capture_id, source, rate, other_capture_id, other_source, other_rate
from (from second_pairs union from day_pairs)
