/*
description: What this run loaded and could not turn into rows.
severity: warning
model: main.etl_reject
*/
select capture_id, position, reason, detail
from main.etl_reject
where reason <> 'excluded'
and run_id = coalesce(getvariable('run_id'), run_id)
