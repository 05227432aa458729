/*
description: >-
  One row per expected slot, with the outcome that the rates of the captures show. No model of articles is read here,
  because the rate series reads this table and must not depend on articles.
grain: [source, schedule, slot]
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily.
  slot: Scheduled instant, UTC.
  day: Calendar day of the slot in the zone of the schedule, by default Asia/Almaty.
  outcome: >-
    Outcome of the slot, with the values of main.fct_coverage; derived from the captures for a source that prints the
    ticker, and recorded by the run for other sources.
  reason: Reason of the outcome, in words; null where the outcome alone is clear.
  runs: Number of runs that tried the slot; 0 for a missed slot.
  captures: Number of loaded captures of the slot, refusals and errors included.
  captures_with_rates: Number of captures of the slot with rates in main.fct_rate_observation (excluded ones have none).
  run_id: Id of the run that recorded the outcome.
  prints_ticker: True where the slots of the source request the ticker, as in main.dim_source.
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
        when not prints_ticker then outcome
        when fetched_with_rates > 0 then 'observed'
        when captures_with_rates > 0 then 'unchanged'
        when outcome in ('observed', 'unchanged') then 'failed'
        else outcome
    end as outcome,
    case
        when not prints_ticker then reason
        when (captures_with_rates > 0) = (outcome in ('observed', 'unchanged')) then reason
        when captures_with_rates > 0 then 'archived by a run that failed, loaded by a later one'
        else 'no capture of the slot has rates that count'
    end as reason,
    greatest(runs, if(captures_with_rates > 0, 1, 0))::integer as runs,
    captures,
    captures_with_rates,
    run_id,
    prints_ticker
from slot_counts
