/*
description: >-
  An article states dollars for a local amount that lie more than a tenth outside those at the rate of its day.
severity: warning
model: main.fct_article_amount
*/
select article_id, amount_text, rate_date, stated_usd, amount_usd_low, amount_usd_high
from main.fct_article_amount
where not stated_agrees
