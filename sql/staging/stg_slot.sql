/*
description: One row per expected slot of a schedule and source, with the run that had the best outcome.
grain: [source, schedule, slot]
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily.
  slot: Scheduled instant, UTC.
  day: Calendar day of the slot in the zone of the schedule, by default Asia/Almaty.
  outcome: >-
    Outcome of the slot that the run recorded - observed (rates or articles were fetched), unchanged (nothing new since
    the last run), closed (the site does not offer the source), blocked (the site refused), failed (no usable capture)
    or missed (no run).
  reason: Reason of the outcome, in words; null where the outcome alone is clear.
  runs: Number of runs that tried the slot; 0 for a missed slot.
  captures_from: Time from which captures belong to the slot, UTC, up to the captures_from of the next slot.
  run_id: Id of the run that recorded the outcome.
  prints_ticker: True where the slots of the source request the ticker, as in main.dim_source.
*/
with slots as (
    from raw.slot
),

run_ends as (
    select run_id, finished_at
    from raw.run
),

sources as (
    select source, prints_ticker
    from main.dim_source
)

select
    source,
    schedule,
    slot,
    day,
    outcome,
    reason,
    count(*) filter (where outcome <> 'missed') over of_slot as runs,
    -- a run of an earlier slot may end after this slot began: until it ends, captures belong to the earlier slot
    greatest(slot, max(if(outcome = 'missed', null, finished_at)) over earlier_slots) as captures_from,
    run_id,
    coalesce(prints_ticker, false) as prints_ticker
from slots
left join run_ends using (run_id)
left join sources using (source)
window
    of_slot as (partition by source, schedule, slot),
    earlier_slots as (
        partition by source, schedule order by slot groups between unbounded preceding and 1 preceding
    )
-- of several runs of a slot, the one with the best outcome is chosen, of equal ones the latest
qualify row_number() over (
    of_slot
    order by
        list_position(['observed', 'unchanged', 'closed', 'blocked', 'failed'], outcome) nulls last, run_id desc
) = 1
