/*
description: >-
  A capture of this run that prints a date more than seven days before the day on which it was fetched, and a ticker.
  On a page of one article the printed date is that of the article, while the ticker is that of the fetch.
severity: warning
model: main.fct_rate_observation
*/
select capture_id, url, page_date, captured_date, count(*) as rates
from main.fct_rate_observation
where page_date < captured_date - 7
and run_id = coalesce(getvariable('run_id'), run_id)
group by all
