/*
description: A currency pair known from earlier days that no capture of the latest observed day prints.
severity: warning
alerts: true
model: main.fct_rate_daily
*/
select base, quote, max(rate_date) as last_observed, (select max(rate_date) from main.fct_rate_daily) as latest_day
from main.fct_rate_daily
where not is_filled
group by base, quote
having max(rate_date) < (select max(rate_date) from main.fct_rate_daily)
