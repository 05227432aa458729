/*
description: A listing page of this run with fewer articles than stated, 6 in a printed "showing 1 - 6 of 8".
severity: warning
alerts: false
model: main.fct_listing_page
*/
select capture_id, url, listing_date, shown_from, shown_to, shown_total, articles_expected, articles_parsed
from main.fct_listing_page
where not is_complete
and run_id = coalesce(getvariable('run_id'), run_id)
