/*
description: >-
  A source whose ticker has been the same in every digit of every rate and change on each of the latest observed days,
  for at least seven days and for more days than ever before. A weekend without trade is shorter; a ticker that the site
  no longer updates is not.
severity: warning
alerts: true
model: main.fct_rate_observation
*/
with capture_tickers as (
    select
        source,
        rate_date,
        capture_order,
        array_to_string(list_sort(list(concat_ws(' ', base, quote, rate_text, change_text))), ', ') as ticker
    from main.fct_rate_observation
    group by source, rate_date, capture_order
),

-- the last ticker of a day, as in fct_rate_daily
day_tickers as (
    select source, rate_date, arg_max(ticker, capture_order) as ticker
    from capture_tickers
    group by source, rate_date
),

changes as (
    select *, ticker is distinct from lag(ticker) over (partition by source order by rate_date) as is_change
    from day_tickers
),

streak_days as (
    select *, count_if(is_change) over (partition by source order by rate_date) as streak
    from changes
),

streaks as (
    select
        source,
        streak,
        count(*) as days,
        min(rate_date) as first_date,
        max(rate_date) as last_date,
        any_value(ticker) as ticker
    from streak_days
    group by source, streak
),

compared as (
    select
        *,
        coalesce(
            max(days) over (
                partition by source order by streak rows between unbounded preceding and 1 preceding
            ),
            0
        ) as most_days_before
    from streaks
    qualify streak = max(streak) over (partition by source)
)

select source, days, most_days_before, first_date, last_date, ticker
from compared
where days >= 7
and days > most_days_before
-- a source without observations of late, such as files given by hand, is not frozen
and last_date > (select max(rate_date) - 8 from day_tickers)
