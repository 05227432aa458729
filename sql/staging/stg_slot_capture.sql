/*
description: >-
  One row per capture that was made for an expected slot, excluded ones too. An ingest and a backfill are not here.
grain: [capture_id]
# read by three models
materialized: table
columns:
  source: The source of the slot, as in main.dim_source.
  schedule: The schedule of the slot.
  slot: The scheduled instant.
  capture_id: The capture.
*/
-- a late run may end after several slots began, of which the latest has the captures after it
with slots as (
    select source, schedule, captures_from, max(slot) as slot
    from staging.stg_slot
    group by source, schedule, captures_from
),

-- pages of a slot that is requested again long after it are those of the later time, and belong to the slot before that
slot_captures as (
    select
        archive_file.source,
        archive_file.schedule,
        greatest(archive_file.slot, capture.captured_at) as captured_at,
        capture.capture_id
    from raw.capture as capture
    inner join raw.archive_file as archive_file on archive_file.archive_file = capture.archive_file
    where archive_file.slot is not null
)

select
    slots.source,
    slots.schedule,
    slots.slot,
    slot_captures.capture_id
from slot_captures
asof join slots
    on slots.source = slot_captures.source
    and slots.schedule = slot_captures.schedule
    and slots.captures_from <= slot_captures.captured_at
