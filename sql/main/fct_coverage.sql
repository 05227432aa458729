/*
description: >-
  One row per expected slot of a schedule, from its first run to the run that made this release - what became of it,
  and why. A slot that nobody ran stands here as missed; no rate is invented for it.
grain: [source, schedule, slot]
columns:
  source: What was to be captured.
  schedule: The schedule that expected it, such as daily.
  slot: The scheduled instant.
  day: Its calendar day in the zone of the schedule.
  outcome: >-
    observed - pages with rates were fetched; unchanged - the site said that the pages are those known already; blocked
    - it refused; failed - no page with rates that count was got; missed - no run began before the next slot.
  reason: Why, in words; null where the outcome says it all.
  runs: How many runs tried it, 0 for a missed slot.
  captures: How many captures of the slot are loaded, refusals and errors too.
  captures_with_rates: How many of them printed rates that count - a capture that was excluded does not.
  run_id: The run that says so.
sort: [source, schedule, slot]
checks:
  - not_null: [day, outcome, runs, captures, captures_with_rates, run_id]
  - accepted: {outcome: [observed, unchanged, blocked, failed, missed]}
  - name: a_slot_is_observed_where_rates_are
    sql: >-
      select source, schedule, slot, outcome, captures_with_rates from main.fct_coverage
      where (outcome in ('observed', 'unchanged')) <> (captures_with_rates > 0)
  - name: no_missed_slot_was_run
    sql: select source, schedule, slot, runs from main.fct_coverage where (outcome = 'missed') <> (runs = 0)
*/
with told as (
    select
        source,
        schedule,
        slot,
        day,
        outcome,
        reason,
        run_id,
        -- the archive files of a slot are named by its instant and by this
        if(schedule = 'daily', source, source || '-' || schedule) as stem,
        count(*) filter (where outcome <> 'missed') over of_slot as runs
    from raw.slot
    window of_slot as (partition by source, schedule, slot)
    qualify row_number() over (
        of_slot order by list_position(['observed', 'unchanged', 'blocked', 'failed'], outcome) nulls last, run_id desc
    ) = 1
),

files as (
    select
        archive_file,
        regexp_extract(archive_file, '/[0-9]{8}T[0-9]{6}Z-([^./]+)[.]', 1) as stem,
        try_cast(
            regexp_replace(
                archive_file,
                '^.*/([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-.*$',
                '\1-\2-\3 \4:\5:\6+00'
            ) as timestamptz
        ) as slot
    from (select distinct archive_file from raw.capture)
),

captured as (
    select
        told.source,
        told.schedule,
        told.slot,
        count(*)::integer as captures,
        count(rates.capture_id)::integer as captures_with_rates,
        count(rates.capture_id) filter (where capture.refers_to is null) as fetched_with_rates
    from (
        select
            capture.capture_id,
            capture.refers_to,
            files.stem,
            -- of a slot that was asked for again, or long after it, the pages are those of the later time
            greatest(files.slot, capture.captured_at) as shown_at
        from raw.capture as capture
        inner join files using (archive_file)
    ) as capture
    asof join told on capture.stem = told.stem and capture.shown_at >= told.slot
    left join (select distinct capture_id from main.fct_rate_observation) as rates using (capture_id)
    group by all
)

select
    told.source,
    told.schedule,
    told.slot,
    told.day,
    case
        when fetched_with_rates > 0 then 'observed'
        when captures_with_rates > 0 then 'unchanged'
        when told.outcome in ('observed', 'unchanged') then 'failed'
        else told.outcome
    end as outcome,
    case
        when (coalesce(captures_with_rates, 0) > 0) = (told.outcome in ('observed', 'unchanged')) then told.reason
        when captures_with_rates > 0 then 'archived by a run that failed, loaded by a later one'
        else 'no capture of the slot has rates that count'
    end as reason,
    greatest(told.runs, if(captures_with_rates > 0, 1, 0))::integer as runs,
    coalesce(captures, 0) as captures,
    coalesce(captures_with_rates, 0) as captures_with_rates,
    told.run_id
from told
left join captured using (source, schedule, slot)
