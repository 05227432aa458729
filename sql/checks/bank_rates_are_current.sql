/*
description: >-
  A bank whose newest rate is more than eleven days older than the last slot with a response of the bank, as where an old
  table is served. The longest time without a publication is ten days, in May in the Kyrgyz Republic.
severity: warning
alerts: true
model: main.fct_official_rate
*/
with responses as (
    select source, max(day) as last_day
    from main.fct_coverage
    where outcome in ('observed', 'unchanged')
    group by source
),

rates as (
    select source, max(rate_date) as last_rate_date
    from main.fct_official_rate
    where is_current and rate_type <> 'peg'
    group by source
)

select source, last_rate_date, last_day, last_day - last_rate_date as days
from rates
inner join responses using (source)
where last_day - last_rate_date > 11
