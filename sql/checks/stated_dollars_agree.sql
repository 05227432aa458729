/*
description: >-
  An amount of an article whose stated US dollars lie more than a tenth outside the US dollars at the rate of the day.
severity: warning
alerts: false
model: main.fct_article_amount
*/
select article_id, amount_text, rate_date, stated_usd, amount_usd_low, amount_usd_high
from main.fct_article_amount
where not stated_agrees
