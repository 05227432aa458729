/*
description: >-
  One row per expected slot of a schedule and source, with the run that counts for it.
grain: [source, schedule, slot]
columns:
  source: What was to be captured, as in main.dim_source.
  schedule: The schedule that expected it.
  slot: The scheduled instant.
  day: Its calendar day in the zone of the schedule.
  outcome: What became of it, as the run that counts recorded it - see main.fct_coverage.
  reason: Why, in words; null where the outcome is enough.
  runs: How many runs tried it, 0 for a missed slot.
  captures_from: Captures from this instant on belong to it, up to the captures_from of the next slot.
  run_id: The run that counts.
*/
with slots as (
    from raw.slot
),

run_ends as (
    select run_id, finished_at
    from raw.run
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
    run_id
from slots
left join run_ends using (run_id)
window
    of_slot as (partition by source, schedule, slot),
    earlier_slots as (
        partition by source, schedule order by slot groups between unbounded preceding and 1 preceding
    )
-- of several runs the one with the best outcome counts, the latest of equal ones
qualify row_number() over (
    of_slot
    order by
        list_position(['observed', 'unchanged', 'closed', 'blocked', 'failed'], outcome) nulls last, run_id desc
) = 1
