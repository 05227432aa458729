/*
description: >-
  One row per expected slot, with its outcome as the rates of its captures show it. Built without any model of articles,
  because the rate series reads it and must not depend on them.
grain: [source, schedule, slot]
columns:
  source: What was to be captured, as in main.dim_source.
  schedule: The schedule that expected it.
  slot: The scheduled instant.
  day: Its calendar day in the zone of the schedule.
  outcome: >-
    What became of it, as in main.fct_coverage. For the listing pages, which print the ticker, the captures decide; for
    other sources it is what the run recorded.
  reason: Why, in words; null where the outcome is enough.
  runs: How many runs tried it, 0 for a missed slot.
  captures: How many captures of the slot are loaded, refusals and errors too.
  captures_with_rates: How many of them printed rates that count - a capture that was excluded does not.
  run_id: The run that counts.
*/
with slots as (
    from staging.stg_slot
),

slot_captures as (
    from staging.stg_slot_capture
),

captures as (
    select capture_id, response_class
    from raw.capture
),

rate_captures as (
    select distinct capture_id
    from main.fct_rate_observation
),

capture_counts as (
    select
        source,
        schedule,
        slot,
        count(*)::integer as captures,
        count(rate_captures.capture_id)::integer as captures_with_rates,
        count(rate_captures.capture_id) filter (where response_class <> 'unchanged') as fetched_with_rates
    from slot_captures
    inner join captures using (capture_id)
    left join rate_captures using (capture_id)
    group by all
),

slot_counts as (
    select
        slots.*,
        coalesce(captures, 0) as captures,
        coalesce(captures_with_rates, 0) as captures_with_rates,
        coalesce(fetched_with_rates, 0) as fetched_with_rates
    from slots
    left join capture_counts using (source, schedule, slot)
)

select
    source,
    schedule,
    slot,
    day,
    case
        when source <> 'timesca' then outcome
        when fetched_with_rates > 0 then 'observed'
        when captures_with_rates > 0 then 'unchanged'
        when outcome in ('observed', 'unchanged') then 'failed'
        else outcome
    end as outcome,
    case
        when source <> 'timesca' then reason
        when (captures_with_rates > 0) = (outcome in ('observed', 'unchanged')) then reason
        when captures_with_rates > 0 then 'archived by a run that failed, loaded by a later one'
        else 'no capture of the slot has rates that count'
    end as reason,
    greatest(runs, if(captures_with_rates > 0, 1, 0))::integer as runs,
    captures,
    captures_with_rates,
    run_id
from slot_counts
