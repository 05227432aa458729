/*
description: >-
  A ticker dated before 2020, years before the first known ticker, or later than the day after the fetch (for a file of
  unknown age, after the start of the run). A misprinted year would fill the series for decades. After a check of the
  capture, a decision to accept it lets the date pass, a decision to exclude it leaves it out.
severity: error
model: main.fct_rate_observation
*/
select distinct printed.capture_id, printed.rate_date, printed.captured_date, run.started_at
from main.fct_rate_observation as printed
left join raw.run as run on run.run_id = printed.run_id
where not printed.is_accepted
and (
    printed.rate_date < date '2020-01-01'
    or printed.rate_date > coalesce(printed.captured_date, run.started_at::date) + 1
)
