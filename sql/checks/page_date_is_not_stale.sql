/*
description: >-
  A page whose newest capture, in the latest eight days of captures, prints a date more than seven days before the day
  of the fetch. A cached page carries the rates of the printed day, any other page those of the fetch.
severity: warning
alerts: true
model: main.fct_rate_observation
*/
with tickers as (
    select capture_id, url, page_date, rate_date, captured_date, observed_at, count(*) as rates
    from main.fct_rate_observation
    -- a time of the future, given by hand with a file, would hide the pages of all later days
    where captured_date <= (select max(started_at)::date + 1 from raw.run)
    group by all
)

select capture_id, url, page_date, captured_date, rates
from tickers
where captured_date > (select max(captured_date) from tickers) - 8
qualify row_number() over (partition by url order by captured_date desc, observed_at desc nulls last, capture_id) = 1
and rate_date < captured_date - 7
