/*
description: >-
  A rate against the US dollar outside the bounds of main.dim_currency, which is treated as an error of the page or the
  parser. After a check of the capture, a decision to accept it lets the rate pass, a decision to exclude it leaves it
  out.
severity: error
model: main.fct_rate_observation
*/
select
    printed.capture_id,
    printed.rate_date,
    printed.base,
    printed.quote,
    printed.rate_text,
    currency.plausible_low,
    currency.plausible_high
from main.fct_rate_observation as printed
inner join main.dim_currency as currency on currency.currency_code = printed.base
where printed.quote = 'USD'
and printed.rate not between currency.plausible_low and currency.plausible_high
and not printed.is_accepted
