/*
description: A capture of this run that prints a date later than the day of the fetch.
severity: warning
alerts: false
model: raw.capture
*/
select capture_id, url, page_date, captured_date
from staging.stg_capture
where page_date > captured_date
and page_kind is distinct from 'article'
and run_id = coalesce(getvariable('run_id'), run_id)
