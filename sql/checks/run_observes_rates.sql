/*
description: A run that fetched pages of which none printed a rate, so that the day is not observed.
severity: warning
alerts: false
model: raw.capture
*/
select run.run_id, run.slot, count(*) as captures
from raw.run as run
inner join raw.capture as capture on capture.run_id = run.run_id
inner join main.dim_source as source on source.source = capture.source and source.prints_ticker
where run.kind = 'run'
and run.run_id = coalesce(getvariable('run_id'), run.run_id)
and not exists (
    select 1
    from raw.rate_observation as rate
    inner join raw.capture as other on other.capture_id = rate.capture_id
    where other.run_id = run.run_id
)
group by all
