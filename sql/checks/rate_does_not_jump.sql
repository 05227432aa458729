/*
description: >-
  A rate that differs by more than half from the rate of the last observed day, which is treated as an error. After a
  check of the capture, a decision to accept it lets the rate pass, a decision to exclude it leaves it out.
severity: error
model: main.fct_rate_observation
*/
select
    printed.capture_id,
    printed.rate_date,
    printed.base,
    printed.quote,
    printed.rate_text,
    earlier.rate as earlier_rate,
    earlier.rate_date - earlier.fill_age_days as earlier_date,
    earlier.capture_id as earlier_capture_id
from main.fct_rate_observation as printed
inner join main.fct_rate_daily as earlier
    -- the series has no gap, so the day before carries the rate of the last observed day
    on earlier.rate_date = printed.rate_date - 1
    and earlier.base = printed.base
    and earlier.quote = printed.quote
left join main.dim_currency as currency on currency.currency_code = printed.base and printed.quote = 'USD'
where 2 * abs(printed.rate::decimal(20, 8) - earlier.rate) > earlier.rate
and not printed.is_accepted
-- after a wrong rate the right one jumps as well, and is not an error
and coalesce(earlier.rate between currency.plausible_low and currency.plausible_high, true)
