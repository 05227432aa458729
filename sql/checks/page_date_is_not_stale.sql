/*
description: >-
  A ticker of this run on a page that prints a date more than seven days before the day of the fetch. A cached page
  carries the rates of the printed day, any other page those of the fetch.
severity: warning
model: main.fct_rate_observation
*/
select capture_id, url, page_date, captured_date, count(*) as rates
from main.fct_rate_observation
where rate_date < captured_date - 7
and run_id = coalesce(getvariable('run_id'), run_id)
group by all
