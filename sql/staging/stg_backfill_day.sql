/*
description: >-
  One row per day and source of which a backfill or an ingest archived captures, from the first to the last such day of
  the source, days without a capture included. Sources that never print the ticker are not here.
grain: [source, day]
columns:
  source: Source of the captures, a key of main.dim_source.
  schedule: Schedule of the captures, which is always backfill; never null.
  slot: Start of the day, UTC.
  day: Day that the captures show, as printed, else the Asia/Almaty day of the capture.
  outcome: >-
    Outcome of the day - observed (a capture has rates), failed (no capture has rates) or missed (no capture is
    archived).
  reason: Reason of the outcome, in words; null where a capture has rates.
  runs: Number of runs, counted as 1 where a capture of the day is archived; 0 for a missed day.
  captures: Number of captures of the day, errors included.
  captures_with_rates: Number of captures of the day with rates in main.fct_rate_observation (excluded ones have none).
  run_id: Id of the last run that loaded a capture of the day, on a missed day of the source.
  prints_ticker: True on each day, since the outcome is that of the rates.
*/
with day_captures as (
    select capture.source, capture.observed_date as day, capture.capture_id, capture.run_id
    from staging.stg_slot_capture as slot_capture
    inner join raw.capture as capture on capture.capture_id = slot_capture.capture_id
    where slot_capture.schedule = 'backfill'
),

rate_captures as (
    select distinct capture_id
    from main.fct_rate_observation
),

day_counts as (
    select
        source,
        day,
        count(*) as captures,
        count(rate_captures.capture_id) as captures_with_rates,
        max(run_id) as run_id
    from day_captures
    left join rate_captures using (capture_id)
    group by source, day
),

calendar as (
    select source, unnest(generate_series(min(day), max(day), interval 1 day))::date as day, max(run_id) as last_run_id
    from day_counts
    group by source
)

select
    source,
    'backfill' as schedule,
    day::timestamptz as slot,
    day,
    case when captures_with_rates > 0 then 'observed' when captures > 0 then 'failed' else 'missed' end as outcome,
    case
        when captures is null then 'no capture of the day'
        when captures_with_rates = 0 then 'no capture of the day has rates'
    end as reason,
    -- a rebuild loads all captures in one run, so how many did is no fact of the archive
    (captures is not null)::integer as runs,
    coalesce(captures, 0)::integer as captures,
    coalesce(captures_with_rates, 0)::integer as captures_with_rates,
    coalesce(run_id, last_run_id) as run_id,
    true as prints_ticker
from calendar
left join day_counts using (source, day)
